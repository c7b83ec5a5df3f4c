"""Twilio's webhooks, and the messages it lists, as Inbound values.

A webhook is one flat object of texts; a customer's message that was listed is ``{"message": {...}, "media": [...]}``. A conversation
is one customer's number with one number of ours. Twilio's webhooks tell no time: that of their arrival counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from parlour.channels import meta
from parlour.channels.contract import Attachment, Author, Inbound, Kind, ThreadKey
from parlour.channels.sms import calls, numbers
from parlour.lib import clock
from parlour.lib.text import one_line

REALM = "sms"
REFERENCE = "reference"
"""Query parameter of the status callback's address that carries our reference, and its name in the decoded body."""
BETWEEN = "|"
MOST_FILES = 10
MARKS = frozenset({"MessageSid", "SmsSid", "SmsMessageSid", "message"})
"""Every event has one of these."""

_WAYS = {
    "delivered": Kind.DELIVERED,
    "read": Kind.READ,
    "failed": Kind.FAILED,
    "undelivered": Kind.FAILED,
    "canceled": Kind.FAILED,
}
_ON_THE_WAY = ("accepted", "scheduled", "queued", "sending", "sent")


class _Event(NamedTuple):
    """What webhooks and listed messages have in common."""

    sid: str
    customer: str
    ours: str
    status: str
    """Of a message of ours; '' for the customer's words."""
    listed: bool
    said: Mapping[str, Any]


def _text(said: Mapping[str, Any], name: str, limit: int = 100) -> str:
    return meta.identifier(said.get(name), name, limit)


def _event(payload: Any) -> _Event:
    """Raises ValueError when it is no event of Twilio's messages."""
    if not isinstance(payload, dict):
        raise ValueError("The body is not an object.")
    if "message" in payload:
        said = meta.members(payload["message"], "message")
        sid, sender, to = (_text(said, name) for name in ("sid", "from", "to"))
        status, listed = "", True
    else:
        said = payload
        sid = next(filter(None, (_text(said, name) for name in ("MessageSid", "SmsSid", "SmsMessageSid"))), "")
        sender, to = _text(said, "From"), _text(said, "To")
        status = _text(said, "MessageStatus") or _text(said, "SmsStatus")
        status = "" if status in ("received", "receiving") else status
        listed = False
    if not sid:
        raise ValueError("It names no message: 'MessageSid' is missing.")
    ours, theirs = (sender, to) if status else (to, sender)
    return _Event(sid, numbers.e164(theirs), numbers.e164(ours), status, listed, said)


def named(payload: Any) -> tuple[str, str]:
    """Dedup key and lane (the customer) of one event. Raises ValueError."""
    event = _event(payload)
    return meta.key("status" if event.status else "message", event.sid, *filter(None, [event.status])), event.customer


def read(payload: Any, received_at: datetime) -> list[Inbound]:
    """Raises ValueError when it is malformed."""
    event = _event(payload)
    base = Inbound(Kind.MESSAGE, named(payload)[0], _at(event, received_at), external_id=event.sid)
    if not event.customer:
        raise ValueError("It does not say who it is from or for.")
    person = Author(REALM, event.customer, handle=one_line(numbers.shown(event.customer), 80))
    thread = ThreadKey(f"{event.ours}{BETWEEN}{event.customer}", "private", address=event.customer)
    if event.status:
        return [_status(event, base, person, thread)]
    files = _listed_files(payload) if event.listed else _files(event.said)
    text = meta.words(event.said.get("body" if event.listed else "Body"), "Body")
    return [replace(base, author=person, thread=thread, text=text, attachments=files, meta=_facts(event.said))]


def _at(event: _Event, received_at: datetime) -> datetime:
    told = event.said.get("date_sent") or event.said.get("date_created") if event.listed else None
    if told is None:
        return received_at
    try:
        at = parsedate_to_datetime(meta.words(told, "date_sent"))
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError("date_sent is not a time.") from error
    return clock.plausible(at if at.tzinfo else at.replace(tzinfo=UTC), received_at).astimezone(UTC)


def _status(event: _Event, base: Inbound, person: Author, thread: ThreadKey) -> Inbound:
    reference = _text(event.said, REFERENCE)
    kind = _WAYS.get(event.status)
    if kind is Kind.FAILED:
        code = _text(event.said, "ErrorCode")
        number = int(code) if code.isascii() and code.isdecimal() else 0
        why = "it was canceled" if event.status == "canceled" else calls.meaning(number)
        return replace(base, kind=kind, thread=thread, our_reference=reference, reason=f"It did not arrive: {why}.")
    if kind is not None:
        return replace(base, kind=kind, author=person, thread=thread, our_reference=reference)
    if event.status == "sent" and reference:
        brand = Author(REALM, event.ours or "brand")
        return replace(base, kind=Kind.ECHO, author=brand, counterpart=person, thread=thread, our_reference=reference)
    known = event.status in _ON_THE_WAY
    reason = "It is on its way." if known else f"The status '{one_line(event.status, 40)}' is not kept."
    return replace(base, kind=Kind.IGNORED, reason=reason)


def _facts(said: Mapping[str, Any]) -> dict[str, Any]:
    """Where the customer's number is from, and whether the words were a command that Twilio has obeyed."""
    names = {"OptOutType": "opt_out", "FromCity": "city", "FromCountry": "country"}
    told = {ours: one_line(said[name], 60) for name, ours in names.items() if isinstance(said.get(name), str)}
    return {name: value for name, value in told.items() if value}


def _files(said: Mapping[str, Any]) -> tuple[Attachment, ...]:
    count = _text(said, "NumMedia", 10) or "0"
    if not count.isascii() or not count.isdecimal():
        raise ValueError("NumMedia is not a number.")
    found = []
    for place in range(min(int(count), MOST_FILES)):
        url = meta.words(said.get(f"MediaUrl{place}"), f"MediaUrl{place}")[:500]
        if url:
            found.append(_file(url, meta.words(said.get(f"MediaContentType{place}"), f"MediaContentType{place}")))
    return tuple(found)


def _listed_files(payload: Mapping[str, Any]) -> tuple[Attachment, ...]:
    told = payload.get("media")
    if told is None:
        return ()
    if not isinstance(told, list):
        raise ValueError("media is not a list.")
    files = [meta.members(one, "A file") for one in told[:MOST_FILES]]
    return tuple(
        _file(meta.words(one.get("url"), "url")[:500], meta.words(one.get("content_type"), "content_type"))
        for one in files
        if one.get("url")
    )


def _file(url: str, mime: str) -> Attachment:
    # The address may need the account's token: nobody is shown it, and the file is fetched with it.
    told = one_line(mime, 100).partition(";")[0].lower()
    begin = told.partition("/")[0]
    return Attachment(begin if begin in ("image", "video", "audio") else "file", mime=told, reference=url)
