"""Writing the event log, and taking leases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from parlour.lib import clock
from parlour.lib.rows import insert_rows
from parlour.spine import bus
from parlour.spine.models import Event, Lease


def write(
    verb: str,
    *,
    actor: str = "desk",
    case_id: int | None = None,
    message_id: int | None = None,
    **data: Any,
) -> None:
    """One line in the log, in the caller's transaction; readers are woken when it commits."""
    write_many([Event(verb=verb, actor=actor, case_id=case_id, message_id=message_id, data=data)])


def write_many(events: Iterable[Event]) -> None:
    """Several lines at once; nothing for none."""
    lines = list(events)
    if lines:
        insert_rows(Event, lines)
        bus.wake("events")


def take_lease(name: str, owner: str, seconds: float) -> bool:
    """Whether ``owner`` now holds ``name`` for ``seconds``: it was free, had run out, or was its own already."""
    now = clock.now()
    Lease.objects.bulk_create([Lease(name=name, until=now)], ignore_conflicts=True)
    free = Lease.objects.filter(name=name, until__lte=now) | Lease.objects.filter(name=name, owner=owner)
    return free.update(owner=owner, until=now + timedelta(seconds=seconds)) == 1


def drop_lease(name: str, owner: str) -> None:
    """Give ``name`` back, if it is still held."""
    Lease.objects.filter(name=name, owner=owner).update(until=clock.now())
