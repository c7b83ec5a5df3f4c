"""Reads of the traffic room."""

from __future__ import annotations

from parlour.cases.access import Invalid
from parlour.cases.queries import Page
from parlour.staff import access
from parlour.staff.access import Actor
from parlour.traffic.models import Arrival, ArrivalState


def parked_count(inbox_id: int) -> int:
    """How many arrivals of an inbox are parked, counted up to 1000."""
    return Arrival.objects.filter(state=ArrivalState.PARKED, inbox_id=inbox_id)[:1000].count()


def parked(actor: Actor, cursor: str | None = None, limit: int = 50) -> Page[Arrival]:
    """Arrivals that could not be handled, latest first. For team leads."""
    access.require(actor, access.LEAD)
    rows = Arrival.objects.filter(state=ArrivalState.PARKED).order_by("-id")
    if cursor:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise Invalid("This cursor is not one of ours.")
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows[: limit + 1])
    return Page(found[:limit], str(found[limit - 1].pk) if len(found) > limit else None)
