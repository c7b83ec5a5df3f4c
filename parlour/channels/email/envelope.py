"""The raw event of this channel: one mail as a mailbox holds it, with what the mailbox knows of it, in JSON.

``{"mail": {"folder": "inbox" or "sent", "validity", "uid", "at": epoch seconds, "size", "copy", "raw": base64}}``. ``copy`` marks a mail whose
Message-ID another mail with other words has, too; ``raw`` is shorter than ``size`` for huge mails.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from parlour.channels.contract import Split
from parlour.channels.email.bounces import OURS
from parlour.channels.email.headers import Headers, digest, first, ident, mailboxes
from parlour.channels.email.mail import head

INBOX, SENT = "inbox", "sent"
_RECIPIENT = re.compile(rb"^(?:Final|Original)-Recipient:\s*rfc822\s*;\s*(\S{3,200})", re.IGNORECASE | re.MULTILINE)


class EnvelopeError(ValueError):
    """It is no envelope of this channel, or something in it is not of its type."""


@dataclass(frozen=True, slots=True)
class Envelope:
    folder: str
    raw: bytes
    validity: int = 0
    uid: int = 0
    at: float | None = None
    size: int = 0
    copy: bool = False

    @property
    def cut(self) -> bool:
        return self.size > len(self.raw)


def pack(envelope: Envelope) -> bytes:
    told = {
        "folder": envelope.folder,
        "validity": envelope.validity,
        "uid": envelope.uid,
        "at": envelope.at,
        "size": envelope.size,
        "copy": envelope.copy,
        "raw": base64.b64encode(envelope.raw).decode(),
    }
    return orjson.dumps({"mail": told})


def unpack(payload: Any) -> Envelope:
    """Raises EnvelopeError."""
    told = payload.get("mail") if isinstance(payload, Mapping) else None
    if not isinstance(told, Mapping):
        raise EnvelopeError("It is no envelope with a mail in it.")
    folder, raw, at = told.get("folder"), told.get("raw"), told.get("at")
    if folder not in (INBOX, SENT):
        raise EnvelopeError("The mail's folder is neither inbox nor sent.")
    if at is not None and (isinstance(at, bool) or not isinstance(at, int | float)):
        raise EnvelopeError("The time of the mail's arrival is no number.")
    try:
        content = base64.b64decode(raw, validate=True) if isinstance(raw, str) else b""
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError("The mail is not in base64.") from error
    if not content.strip():
        raise EnvelopeError("The mailbox could not hand out this mail: it is empty.")
    numbers = {name: _number(told.get(name)) for name in ("validity", "uid", "size")}
    return Envelope(str(folder), content, at=at, copy=told.get("copy") is True, **numbers)


def split(payload: Any) -> list[Split]:
    """Raises EnvelopeError when it is no envelope at all; a spoilt one is cut out all the same, to be parked with its reason."""
    if not isinstance(payload, Mapping) or not isinstance(payload.get("mail"), Mapping):
        raise EnvelopeError("It is no envelope with a mail in it.")
    try:
        return [split_of(unpack(payload))]
    except EnvelopeError:
        body = orjson.dumps({"mail": dict(payload["mail"])}, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return [Split(f"odd:{digest(body.decode(), 40)}", "odd", body)]


def split_of(envelope: Envelope) -> Split:
    headers = head(envelope.raw)
    about = mailboxes(headers.get("from" if envelope.folder == INBOX else "to", ())[:3])
    if first(headers, "content-type").lower().startswith("multipart/report") and (
        found := _RECIPIENT.search(envelope.raw[:200_000])
    ):
        # What is reported of a mail comes after the mail itself: both are about the same person.
        about = mailboxes([found[1].decode("latin-1")]) or about
    lane = f"mail:{digest(about[0].address)}" if about else "mail"
    return Split(key(envelope, headers), lane, pack(envelope))


def key(envelope: Envelope, headers: Headers) -> str:
    """The dedup key: one mail may lie in both folders (a copy to oneself), and is looked at in both."""
    return f"{'in' if envelope.folder == INBOX else 'out'}:{name(envelope, headers)}"


def name(envelope: Envelope, headers: Headers) -> str:
    """What we know the mail by: its Message-ID; a digest where it has none, or where that is another mail's."""
    told = ident(first(headers, "message-id"))
    if not envelope.raw.strip():
        return f"none:{envelope.validity}-{envelope.uid}"
    if not told:
        return f"none:{digest(fingerprint(headers) + _body_digest(envelope.raw), 40)}"
    # A stranger's mail with an id of our making is a copy, whatever it claims.
    if envelope.copy or (envelope.folder == INBOX and OURS.fullmatch(told)):
        return f"copy:{digest(told + fingerprint(headers), 40)}"
    return told


def fingerprint(headers: Headers) -> str:
    """Tells mails with the same Message-ID apart; the same mail by another way (a list's footer) stays the same."""
    return digest("\n".join(first(headers, one) for one in ("from", "date", "subject")), 16)


def _body_digest(raw: bytes) -> str:
    _, _, body = raw[:1_000_000].replace(b"\r\n", b"\n").partition(b"\n\n")
    return digest(body[:65_536].decode("latin-1").strip(), 16)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0
