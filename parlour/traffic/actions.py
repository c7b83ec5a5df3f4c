"""Verbs on arrivals, for team leads."""

from __future__ import annotations

from django.db import transaction

from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access
from parlour.staff.access import Actor, actor_name
from parlour.traffic.models import Arrival, ArrivalState


def replay(arrival_id: int, *, by: Actor | None) -> bool:
    """Send a parked arrival down the road again; whether it was parked."""
    if by is not None:
        access.require(by, access.LEAD)
    with transaction.atomic():
        parked = Arrival.objects.filter(pk=arrival_id, state=ArrivalState.PARKED)
        changed = parked.update(state=ArrivalState.NEW, attempts=0, due_at=None, reason="", done_at=None)
        if changed:
            spine.write("arrival.replayed", actor=actor_name(by), arrival=arrival_id)
            bus.wake("arrivals")
    return bool(changed)


def dismiss(arrival_id: int, *, by: Actor) -> bool:
    """Put a parked arrival aside for good; whether it was parked."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        parked = Arrival.objects.filter(pk=arrival_id, state=ArrivalState.PARKED)
        changed = parked.update(state=ArrivalState.IGNORED, reason="Dismissed by a person.", done_at=clock.now())
        if changed:
            spine.write("arrival.dismissed", actor=actor_name(by), arrival=arrival_id)
    return bool(changed)
