"""Events of Messenger as Inbound values.

Events come in ``messaging`` or, while another app owns the thread, in ``standby``; Meta also shows them as ``changes``
with the same content in ``value``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from parlour.channels import meta
from parlour.channels.contract import Inbound, InboxConfig, Kind
from parlour.channels.messenger import events
from parlour.channels.meta import Piece
from parlour.lib.text import one_line

_FIELDS = {
    "inbox_labels": "A label of Meta's own inbox was set or taken away.",
    "messenger_template_status_update": "A template was approved, refused or paused.",
}


def named(piece: Piece, inbox: InboxConfig) -> tuple[str, str]:
    """Dedup key and lane (the customer) of one event. Raises ValueError when its ids are no ids."""
    content = events.content_of(piece)
    if content is None:
        field = meta.identifier(piece.event.get("field"), "field") or "change"
        return meta.key(field, meta.fingerprint(piece.event)), ""
    event = events.event_of(content, meta.page_id(inbox))
    return event.key, event.customer


def read(piece: Piece, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """One event as Inbounds; a receipt for several messages gives one each. Raises ValueError when it is malformed."""
    content = events.content_of(piece)
    event = events.event_of(content, meta.page_id(inbox)) if content is not None else None
    key = event.key if event is not None else named(piece, inbox)[0]
    told = meta.when(piece.told_at, "entry.time", received_at) or received_at
    ignored = Inbound(Kind.IGNORED, key, told)
    if meta.of_another(piece, meta.page_id(inbox)):
        return [replace(ignored, reason="It belongs to another Page of the same app.")]
    if event is None:
        field = one_line(str(piece.event.get("field")), 60)
        if field in meta.PUBLIC_FIELDS:
            return [replace(ignored, reason="Public: it belongs to the Page's Facebook inbox.")]
        words = _FIELDS.get(field, "It says nothing to the brand.")
        return [replace(ignored, reason=f"Events of the field '{field}' are not kept. {words}")]
    return events.inbounds(event, meta.page(inbox), told, received_at)
