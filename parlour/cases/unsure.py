"""Which messages the desk is unsure of: what a language model may be asked about (docs/LANGUAGE_MODEL.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from parlour.cases.models import Direction, Message, Status
from parlour.lib import clock
from parlour.understanding.actions import LANGUAGE_MODEL
from parlour.understanding.asking import queries as asking
from parlour.understanding.models import Correction

BELOW: Final[dict[str, float]] = {"category": 0.45, "sentiment": 0.45, "intent": 0.45, "actionable": 0.6}
"""Surer than this of a field, the desk does not ask. A guess among seven is right once in seven by chance, a yes or a no every other time."""
WITHIN: Final = timedelta(days=1)
"""What came longer ago is not asked about: it was answered, or somebody has read it."""
LOOKED_AT: Final = 300
"""The latest messages that are gone through."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A message, and the fields the desk is unsure of."""

    message: Message
    fields: tuple[str, ...]


def fields_of(message: Message) -> tuple[str, ...]:
    """What the desk is unsure of in a message; not what was settled by a correction of one that says the same."""
    told = message.confidence if isinstance(message.confidence, dict) else {}
    because = told.get("because") or {}
    return tuple(
        name
        for name, limit in BELOW.items()
        if name not in because and isinstance(sure := told.get(name), int | float) and sure < limit
    )


def latest(brands: Iterable[int], limit: int = LOOKED_AT) -> list[Message]:
    """The latest messages of these brands' customers that could be asked about, newest first: read, in open cases, not held back."""
    rows = Message.objects.filter(direction=Direction.IN, deleted_at=None, held=False, case__status=Status.OPEN)
    rows = rows.filter(case__brand_id__in=list(brands), stored_at__gt=clock.now() - WITHIN)
    return list(rows.exclude(text="").exclude(sentiment="").select_related("case").order_by("-id")[:limit])


def newest(brands: Sequence[int]) -> Unsure | None:
    """The newest message the desk is unsure of, that nobody was asked about and no person has judged in all these fields."""
    unsure = [(one, fields) for one in latest(brands) if (fields := fields_of(one)) and one.text.strip()]
    done = asking.settled((one.pk, one.edited_at) for one, _ in unsure)
    waiting = [(one, fields) for one, fields in unsure if one.pk not in done]
    judged = by_people(one.pk for one, _ in waiting)
    for message, fields in waiting:
        left = tuple(field for field in fields if (message.pk, field) not in judged)
        if left:
            return Unsure(message, left)
    return None


def by_people(messages: Iterable[int]) -> set[tuple[int, str]]:
    """(message, field) that people, or programs in their name, have corrected or confirmed."""
    rows = Correction.objects.filter(message_id__in=list(messages), undone_at=None).exclude(by=LANGUAGE_MODEL)
    return set(rows.values_list("message_id", "field"))
