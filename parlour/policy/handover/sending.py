"""The way to other systems: what waits is claimed, posted as a signed webhook (standardwebhooks.com), and tried again while it may still
be taken. Whatever is killed, the row waits on; the other system knows a message that comes twice by its id.
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import F

from parlour.lib import clock, safe_http, secretbox
from parlour.lib.signing import webhook_signature
from parlour.lib.text import one_line
from parlour.policy.handover.actions import checked_link, settle
from parlour.policy.handover.models import Handover, State, System

SECONDS = 10.0
"""How long a system may take to answer."""
CLAIM = timedelta(seconds=60)
MOST_BYTES = 64 * 1024
BACKOFF = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000)
"""Seconds to the next try; after the last one it has failed: some eighteen hours."""
LONGEST_REST = 3600.0
AGAIN = frozenset({408, 425, 429})
_REFERENCES = ("reference", "key", "number", "id")
_WORDS = ("message", "detail", "error", "title", "words")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking: ``taken``, and if not, whether it may still be (``again``), with words for people."""

    taken: bool
    words: str
    again: bool = False
    rest: float = 0.0
    reference: str = ""
    link: str = ""


def send_due() -> int:
    """Try what is due, one for each system at a time; returns how many were tried."""
    now = clock.now()
    due = Handover.objects.filter(state=State.WAITING, due_at__lte=now).order_by("due_at", "id")
    first: dict[int, tuple[int, datetime]] = {}
    for pk, system, due_at in due.values_list("pk", "system_id", "due_at")[:200]:
        first.setdefault(system, (pk, due_at))
    tried = 0
    for pk, due_at in first.values():
        mine = Handover.objects.filter(pk=pk, state=State.WAITING, due_at=due_at)
        if mine.update(due_at=now + CLAIM, attempts=F("attempts") + 1):
            _try(Handover.objects.select_related("system").get(pk=pk))
            tried += 1
    return tried


def _try(one: Handover) -> None:
    answer = post(one.system, one.key, one.body.encode())
    with transaction.atomic():
        now = Handover.objects.select_for_update(of=("self",)).select_related("system").get(pk=one.pk)
        if now.state != State.WAITING:
            # The other system has spoken for itself in the meantime, or was removed.
            return
        if answer.taken:
            settle(now, State.HANDED, answer.words, reference=answer.reference, link=answer.link)
        elif answer.again and now.attempts <= len(BACKOFF):
            rest = max(answer.rest, float(BACKOFF[now.attempts - 1]))
            now.words, now.due_at = answer.words, clock.now() + timedelta(seconds=rest)
            now.save(update_fields=["words", "due_at"])
            # Whoever cannot take this one takes no other before.
            others = now.system.handovers.filter(state=State.WAITING, due_at__lt=now.due_at)
            others.update(due_at=now.due_at)
        else:
            settle(now, State.FAILED, answer.words)


def post(system: System, key: str, body: bytes) -> Answer:
    """Post one message to a system."""
    stamp = int(clock.now().timestamp())
    try:
        kept = secretbox.unseal(system.sealed)
    except secretbox.Unreadable as error:
        return Answer(False, str(error))
    headers = {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(stamp),
        "webhook-signature": webhook_signature(base64.b64decode(kept["secret"]), key, stamp, body),
    }
    if kept.get("authorization"):
        headers["authorization"] = kept["authorization"]
    within = [ipaddress.ip_network(one) for one in settings.OWN_NETWORKS]
    try:
        answered = safe_http.post(system.url, body, headers=headers, most=MOST_BYTES, within=within, seconds=SECONDS)
    except safe_http.Refused as error:
        return Answer(False, str(error))
    except safe_http.Failed as error:
        return Answer(False, str(error), again=True)
    return read(answered)


def test(system: System) -> Answer:
    """Ask a system now with a message that concerns no case."""
    body = {"type": "parlour.test", "timestamp": clock.now().isoformat(), "data": {"name": system.name}}
    return post(system, f"msg_{secrets.token_hex(12)}", orjson.dumps(body))


def read(answered: safe_http.Answered) -> Answer:
    """What an answer means. Its words and what it calls the case are taken from JSON where it is some."""
    told = _object(answered.content)
    words = _first(told, _WORDS, 500)
    if 200 <= answered.status < 300:
        link = checked_link(_first(told, ("url", "link", "self"), 500))
        return Answer(True, words, reference=_first(told, _REFERENCES, 120), link=link)
    if not words and not told:
        words = one_line(answered.content.decode("utf-8", "replace"), 200) if b"<" not in answered.content else ""
    words = one_line(f"It answered {answered.status}{f': {words}' if words else ''}", 500)
    again = answered.status in AGAIN or answered.status >= 500
    return Answer(False, words, again=again, rest=_rest(answered.retry_after))


def _rest(given: str) -> float:
    return min(float(given), LONGEST_REST) if given.isascii() and given.isdigit() and len(given) < 9 else 0.0


def _object(content: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _first(told: dict[str, Any], names: tuple[str, ...], most: int) -> str:
    """The first of these that is a word or a number."""
    for name in names:
        value = told.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return one_line(str(value), most)
    return ""
