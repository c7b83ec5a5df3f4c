"""Answering and acting on Mastodon."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from parlour.channels.contract import (
    Act,
    ChannelError,
    ErrorKind,
    File,
    InboxConfig,
    Outbound,
    Receipt,
    ThreadKey,
    Visibility,
)
from parlour.channels.mastodon.calls import RESET, account, call
from parlour.channels.mastodon.reading import VISIBILITIES, ident
from parlour.channels.social import graphemes, line, mapping, rest, words
from parlour.lib.text import storable

CHARACTERS = 500
NAMED = 40
"""Characters of a status that are kept for the name of whom it answers."""
URL_LENGTH = 23
MEDIA_SECONDS = 20.0
"""For all files of one answer: a delivery that takes longer than a minute and a half counts as lost."""
LOW = 5

_URL = re.compile(r"https?://\S+", re.I)
_MENTION = re.compile(r"(?<![\w/=.@])@([A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?:@([\w-]+(?:\.[\w-]+)+))?")
_PATHS = {"like": "favourite", "unlike": "unfavourite"}


def length(text: str) -> int:
    """Characters as Mastodon counts them: what is seen as one is one, an address counts 23, of a name only the part before the server."""
    text = _MENTION.sub(lambda found: f"@{found[1]}", _URL.sub("x" * URL_LENGTH, text))
    return graphemes(text)


def most(inbox: InboxConfig) -> int:
    """How long an answer may be, by the server's own limit."""
    told = str(inbox.settings.get("max_characters") or CHARACTERS)
    return max(1, (int(told) if told.isdecimal() and len(told) < 8 else CHARACTERS) - NAMED)


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Post an answer: in public as visible as what it answers, in private to the customer alone. Raises ChannelError."""
    if not outbound.text.strip() and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "Mastodon takes no empty status.")
    if (counted := length(outbound.text)) > most(inbox):
        raise ChannelError(ErrorKind.TOO_LONG, f"The answer has {counted:,} of at most {most(inbox):,} characters.")
    private = outbound.visibility == "private" or outbound.mode == "private_reply"
    parent = _parent(inbox, outbound.target, needed=not private)
    customer, acct = _customer(inbox, outbound, parent)
    text = _addressed(outbound.text, acct, private=private)
    body: dict[str, Any] = {"status": text, "visibility": "direct" if private else parent["visibility"]}
    if parent:
        body["in_reply_to_id"] = parent["id"]
    if warning := words(parent.get("spoiler_text"), 300):
        body["spoiler_text"] = warning
    if (counted := length(text) + length(warning)) > most(inbox) + NAMED:
        raise ChannelError(ErrorKind.TOO_LONG, f"With the name of whom it answers it has {counted:,} characters.")
    if outbound.attachments:
        until = time.monotonic() + MEDIA_SECONDS
        body["media_ids"] = [_upload(inbox, file, until) for file in outbound.attachments]
    told = call(inbox, "POST", "/api/v1/statuses", headers={"idempotency-key": outbound.reference}, json=body)
    made = ident(mapping(told.body).get("id"))
    if not made:
        raise ChannelError(
            ErrorKind.TRANSIENT, "Mastodon took the status but did not name it; it is safe to ask again."
        )
    opened = ThreadKey(f"direct:{customer}", "private", address=customer) if outbound.mode == "private_reply" else None
    left = told.headers.get("x-ratelimit-remaining", "")
    low = left.isdecimal() and int(left) < LOW
    return Receipt(made, opened, rest(told.headers, RESET) if low else None)


def _parent(inbox: InboxConfig, target: str, *, needed: bool) -> Mapping[str, Any]:
    """The status to answer, with an id and a visibility; empty when there is none and none is needed."""
    if not needed and not ident(target):
        return {}
    try:
        told = mapping(call(inbox, "GET", f"/api/v1/statuses/{_id(target, 'status to answer')}").body)
    except ChannelError as error:
        if error.kind is ErrorKind.TARGET_DELETED and not needed:
            return {}
        raise
    if ident(told.get("id")) and told.get("visibility") in VISIBILITIES:
        return told
    raise ChannelError(ErrorKind.TRANSIENT, "Mastodon did not say who may see the status that is to be answered.")


def _customer(inbox: InboxConfig, outbound: Outbound, parent: Mapping[str, Any]) -> tuple[str, str]:
    """Id and name of whom it is for. What answers words of ours goes on to the customer they were for."""
    wanted = ident(outbound.author) or ident(outbound.address)
    told = mapping(parent.get("account"))
    if not wanted or told.get("id") != wanted:
        wanted = wanted or _id(str(told.get("id") or ""), "person to write to")
        told = mapping(call(inbox, "GET", f"/api/v1/accounts/{wanted}").body)
    acct = line(told.get("acct"), 200)
    if not acct or not _MENTION.fullmatch(f"@{acct}"):
        raise ChannelError(ErrorKind.RECIPIENT_UNAVAILABLE, "Mastodon did not name the person to write to.")
    return wanted, acct


def _addressed(text: str, acct: str, *, private: bool) -> str:
    """``text`` with the customer named, without which nobody would be told of it."""
    named = {found[0][1:].lower() for found in _MENTION.finditer(_URL.sub("", text))}
    if private and (others := sorted(named - {acct.lower()})):
        # Whoever is named in a direct message reads it.
        raise ChannelError(
            ErrorKind.INVALID, f"A private message is shown to everybody it names: take the @ from {others[0]}."
        )
    text = storable(text).strip()
    return text if acct.lower() in named else f"@{acct} {text}".strip()


def _upload(inbox: InboxConfig, file: File, until: float) -> str:
    """The id of an uploaded file, once the server has processed it; it must be done by ``until`` (monotonic seconds)."""
    files = {"file": (file.name, file.read(), file.mime)}
    told = call(inbox, "POST", "/api/v2/media", files=files)
    media = _id(str(mapping(told.body).get("id") or ""), "file")
    status, pause = told.status, 0.2
    while status in (202, 206):
        if time.monotonic() > until:
            raise ChannelError(ErrorKind.TRANSIENT, f"Mastodon is still processing {line(file.name, 80)}.")
        time.sleep(pause)
        pause = min(pause * 2, 5.0)
        status = call(inbox, "GET", f"/api/v1/media/{media}").status
    return media


def act(inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
    """Favourite a status or take that back, delete one of ours. Raises ChannelError."""
    if act in _PATHS:
        call(inbox, "POST", f"/api/v1/statuses/{_id(target, 'status')}/{_PATHS[act]}")
    elif act == "delete":
        call(inbox, "DELETE", f"/api/v1/statuses/{_id(target, 'status')}")
    else:
        raise ChannelError(ErrorKind.INVALID, f"On Mastodon, {act} is not possible for a {visibility} message.")


def check(inbox: InboxConfig) -> str:
    """Ask whose token it is, and whether the server keeps messages of strangers back. Raises ChannelError."""
    me = account(inbox)
    told = [f"Connected to @{line(me.get('acct'), 80) or me['id']}."]
    try:
        limits = mapping(
            mapping(mapping(call(inbox, "GET", "/api/v2/instance").body).get("configuration")).get("statuses")
        )
        if isinstance(most_here := limits.get("max_characters"), int) and most_here != most(inbox) + NAMED:
            told.append(f"Its server allows {most_here:,} characters: set that as the longest post.")
        policy = mapping(call(inbox, "GET", "/api/v2/notifications/policy").body)
        if any(policy.get(name) in ("filter", "drop") for name in policy):
            told.append(
                "Its notification settings keep messages of some people back: accept all in Preferences, Notifications."
            )
    except ChannelError:
        # Servers before 4.3 have no such policy; the token works all the same.
        return " ".join(told)
    return " ".join(told)


def _id(value: str, what: str) -> str:
    """``value``, safe as a part of a path. Raises ChannelError."""
    if not (found := ident(value)):
        raise ChannelError(ErrorKind.INVALID, f"Mastodon needs the {what}, and {value[:64]!r} is not an id of its.")
    return quote(found, safe="")
