"""Events of an Instagram account as Inbound values.

Private events come in ``messaging`` or ``standby``; comments and mentions in ``changes``, or flat in their entry. Meta also writes
private events as changes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from parlour.channels import meta
from parlour.channels.contract import Inbound, InboxConfig, Kind
from parlour.channels.instagram import account, comments
from parlour.channels.messenger import events
from parlour.channels.meta import Piece
from parlour.lib.text import one_line


def named(piece: Piece, inbox: InboxConfig) -> tuple[str, str]:
    """Dedup key and lane of one event: the customer, or the comment that began it. Raises ValueError when its ids are no ids."""
    content = events.content_of(piece)
    if content is not None:
        event = events.event_of(content, account.ig_id(inbox))
        return event.key, event.customer
    if (said := comments.said(piece)) is not None:
        return said.key, said.lane
    field = meta.identifier(piece.event.get("field"), "field") or "change"
    return meta.key(field, meta.fingerprint(piece.event)), ""


def read(piece: Piece, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """One event as Inbounds; a message that was seen gives two. Raises ValueError when it is malformed."""
    key, _ = named(piece, inbox)
    told = meta.when(piece.told_at, "entry.time", received_at) or received_at
    ignored = Inbound(Kind.IGNORED, key, told)
    about = meta.identifier(piece.entry.get("id"), "entry.id")
    if about == "0":
        return [replace(ignored, reason="A test of Meta's dashboard: it arrived.")]
    if meta.of_another(piece, account.ig_id(inbox)):
        return [replace(ignored, reason="It belongs to another Instagram account of the same app.")]
    content = events.content_of(piece)
    if content is not None:
        event = events.event_of(content, account.ig_id(inbox))
        return events.inbounds(event, account.brand(inbox), told, received_at)
    if (said := comments.said(piece)) is not None:
        return [comments.inbound(said, inbox, told)]
    field = one_line(str(piece.event.get("field")), 60)
    words = comments.FIELDS.get(field, "It says nothing to the brand.")
    return [replace(ignored, reason=f"Events of the field '{field}' are not kept. {words}")]


def belongs(piece: Piece, inbox: InboxConfig) -> tuple[str, str] | None:
    """Whose an event is when it is not this inbox's: Meta sends all accounts of an app to one address."""
    told = meta.about(piece, account.ig_id(inbox))
    return None if told == account.ig_id(inbox) else (meta.INSTAGRAM, f"instagram:{told}")
