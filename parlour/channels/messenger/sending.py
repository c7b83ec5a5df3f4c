"""The Send API, for Messenger and Instagram: text, files and quick replies, within the customer's window.

A message of the platform holds a text or one file, so an answer with both becomes several: the files are handed over first (which
nobody sees), then sent, and the text comes last with the quick replies, which vanish when another message follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from parlour.channels import graph
from parlour.channels.contract import Act, ChannelError, ErrorKind, InboxConfig, Outbound, Receipt, ThreadKey
from parlour.channels.messenger.events import USER_REF
from parlour.lib import clock

WINDOW = timedelta(hours=24)
HUMAN_WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sender:
    """One platform's ways with the Send API. ``account`` is what its addresses begin with (a Page id, or ``me``)."""

    account: str
    label: str
    metadata: bool
    """It takes our reference along and shows it in the echo."""
    within: Mapping[str, str]
    """What is said of an answer within the window."""
    upload: Mapping[str, str]
    """Fields more when a file is handed over."""


def send(inbox: InboxConfig, outbound: Outbound, sender: Sender) -> Receipt:
    """Within 24 hours of the customer's last words freely, up to 7 days by a person, then not at all. Raises ChannelError; when
    a part of the answer is out already, with UNKNOWN_OUTCOME, since it must not be said twice."""
    about = {"recipient": recipient(outbound.address), **_window(outbound, sender)}
    parts = _parts(inbox, outbound, sender)
    told = graph.Told({}, None)
    sent: list[str] = []
    for part in parts:
        try:
            told = _send(inbox, {**about, "message": part}, sender)
            sent.append(graph.id_of(told.answer, "message_id"))
        except ChannelError as error:
            if not sent:
                raise
            words = f"{len(sent)} of {len(parts)} parts were sent, then: {error.words}"
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, words, code=error.code) from error
    person = told.answer.get("recipient_id")
    moved = isinstance(person, str) and 0 < len(person) <= 100 and person.isprintable() and person != outbound.address
    thread = ThreadKey(str(person), "private", address=str(person)) if moved else None
    return Receipt(sent[-1], thread, rest=told.rest, more=tuple(sent[:-1]))


def reply_privately(inbox: InboxConfig, outbound: Outbound, sender: Sender, field: str = "comment_id") -> Receipt:
    """The one private message that may answer a comment or post within 7 days. Raises ChannelError."""
    if not outbound.target:
        raise ChannelError(ErrorKind.INVALID, "A private reply answers one comment or post; none is named.")
    if outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "A private reply is one message of text; files can follow in an answer.")
    part = _with_choices({"text": outbound.text, **_reference(outbound, sender)}, outbound)
    told = _send(inbox, {"recipient": {field: outbound.target}, "message": part}, sender)
    person = graph.id_of(told.answer, "recipient_id")
    mid = graph.id_of(told.answer, "message_id")
    return Receipt(mid, ThreadKey(person, "private", address=person), rest=told.rest)


def signal(inbox: InboxConfig, act: Act, target: str, sender: Sender) -> None:
    """Show a customer that their words were read (``seen``) or that an answer is being written (``typing``, for 20 seconds or until it is
    sent); ``target`` is one of their messages, or their id. Raises ChannelError."""
    known = target.isdecimal() or target.startswith(USER_REF)
    address = target if known else _writer(inbox, target)
    _send(inbox, {"recipient": recipient(address), "sender_action": _SIGNALS[act]}, sender)


_SIGNALS = {"seen": "mark_seen", "typing": "typing_on"}
_writers: dict[tuple[int, str], str] = {}
MOST_WRITERS = 2_000


def _writer(inbox: InboxConfig, mid: str) -> str:
    """The Send API marks conversations, not messages: who wrote it says whose."""
    if known := _writers.get((inbox.id, mid)):
        return known
    person = graph.call(inbox, "GET", mid, table=graph.MESSAGES, params={"fields": "from"}).get("from")
    told = person.get("id") if isinstance(person, dict) else None
    if not isinstance(told, str) or not told.isdecimal():
        raise ChannelError(ErrorKind.INVALID, "The platform does not say who wrote that message.")
    if len(_writers) >= MOST_WRITERS:
        _writers.clear()
    _writers[inbox.id, mid] = told
    return told


def recipient(address: str) -> dict[str, str]:
    """Whom a message is for. Raises ChannelError when nobody is named."""
    if not address:
        raise ChannelError(ErrorKind.INVALID, "There is nobody to send it to.")
    if address.startswith(USER_REF):
        return {"user_ref": address.removeprefix(USER_REF)}
    return {"id": address}


def _send(inbox: InboxConfig, content: dict[str, Any], sender: Sender) -> graph.Told:
    return graph.ask(inbox, "POST", sender.account, "messages", table=graph.MESSAGES, json=content)


def _window(outbound: Outbound, sender: Sender) -> Mapping[str, str]:
    if outbound.last_inbound_at is None:
        raise ChannelError(ErrorKind.WINDOW_CLOSED, f"The customer has not written in {sender.label} yet.")
    silence = clock.now() - outbound.last_inbound_at
    if silence < WINDOW:
        return sender.within
    if outbound.human and silence < HUMAN_WINDOW:
        return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    allowed = "7 days" if outbound.human else "24 hours"
    raise ChannelError(ErrorKind.WINDOW_CLOSED, f"The customer's last message is more than {allowed} old.")


def _parts(inbox: InboxConfig, outbound: Outbound, sender: Sender) -> list[dict[str, Any]]:
    """The messages an answer becomes, in order. Files are handed over here, so that what follows is quick and hardly fails."""
    parts: list[dict[str, Any]] = []
    for file in outbound.attachments:
        described = {"attachment": {"type": file.kind, "payload": {"is_reusable": True}}}
        uploaded = graph.upload(
            inbox,
            sender.account,
            "message_attachments",
            field="filedata",
            file=file,
            id_field="attachment_id",
            table=graph.MESSAGES,
            message=orjson.dumps(described).decode(),
            **sender.upload,
        )
        attachment = {"type": file.kind, "payload": {"attachment_id": uploaded}}
        parts.append({"attachment": attachment, **_reference(outbound, sender)})
    if outbound.text.strip():
        parts.append({"text": outbound.text, **_reference(outbound, sender)})
    return [*parts[:-1], _with_choices(parts[-1], outbound)]


def _with_choices(part: dict[str, Any], outbound: Outbound) -> dict[str, Any]:
    if not outbound.choices:
        return part
    replies = [{"content_type": "text", "title": choice, "payload": choice} for choice in outbound.choices]
    return {**part, "quick_replies": replies}


def _reference(outbound: Outbound, sender: Sender) -> dict[str, str]:
    return {"metadata": outbound.reference} if sender.metadata else {}
