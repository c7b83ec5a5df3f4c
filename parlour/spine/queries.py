"""Reading the event log in the order of commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from parlour.spine.models import Event


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log: everything up to it has been read."""

    tx: int
    id: int

    def __str__(self) -> str:
        return f"{self.tx}.{self.id}"

    @classmethod
    def read(cls, text: str) -> Position | None:
        """The position written by ``str``, or None when it is not one."""
        tx, _, number = text.partition(".")
        if tx.isascii() and tx.isdigit() and number.isascii() and number.isdigit() and len(text) < 40:
            place = cls(int(tx), int(number))
            return place if max(place.tx, place.id) < 2**63 else None
        return None


_HORIZON = "spine_event.tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


def _settled() -> QuerySet[Event]:
    """Events no slower transaction can still slip in front of.

    On PostgreSQL ids are given before the commit: a reader that goes by id alone skips the row of a transaction that took its id
    early and commits late. Rows are read in the order of (transaction, id), and only of transactions older than every running one.
    """
    rows = Event.objects.order_by("tx", "id")
    if connection.vendor == "postgresql":
        rows = rows.filter(RawSQL(_HORIZON, (), output_field=BooleanField()))
    return rows


def after(position: Position, limit: int = 500) -> list[Event]:
    """The next events of the log after ``position``, at most ``limit``, in order. None is ever skipped."""
    beyond = RawSQL(
        "(spine_event.tx, spine_event.id) > (%s, %s)", (position.tx, position.id), output_field=BooleanField()
    )
    return list(_settled().filter(beyond)[:limit])


def unsettled(position: Position) -> bool:
    """Whether the log already holds lines after ``position`` that ``after`` does not give yet."""
    if connection.vendor != "postgresql":
        return False
    beyond = RawSQL(
        "(spine_event.tx, spine_event.id) > (%s, %s)", (position.tx, position.id), output_field=BooleanField()
    )
    return Event.objects.filter(beyond).exists()


def end() -> Position:
    """The position of the last settled event. Every page asks for it, most of them twice: in plain SQL it costs a tenth."""
    settled = f"WHERE {_HORIZON}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tx, id FROM spine_event {settled} ORDER BY tx DESC, id DESC LIMIT 1")
        last = cursor.fetchone()
    return Position(*last) if last else Position(0, 0)


def history(case_id: int, limit: int = 50) -> list[Event]:
    """What happened to a case, newest first."""
    return list(Event.objects.filter(case_id=case_id).order_by("-id")[:limit])


def data_of(event: Event) -> dict[str, Any]:
    """What the live stream tells: ids and the verb, never content."""
    return {"case": event.case_id, "message": event.message_id, "verb": event.verb, "actor": event.actor}
