"""What other settings of routing would have done to the latest cases. Nothing is given to anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from parlour.cases.models import Case
from parlour.policy.routing import queries
from parlour.policy.routing.decide import Room, decide
from parlour.policy.routing.queries import Rules, Trees

LOOKED_BACK, SHOWN = 200, 8


@dataclass(frozen=True, slots=True)
class Moved:
    """A past case that would go to somebody else."""

    case: Case
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Effect:
    """``count`` of the latest ``of`` cases would have gone elsewhere, with examples."""

    examples: list[Moved]
    count: int
    of: int


def would_change(before: Rules, after: Rules, now: datetime) -> Effect:
    """Each of the latest cases decided on its own by both settings, as if everybody were here with what they carry now."""
    rows = Case.objects.filter(actionable=True, brand__recorded=False).select_related("customer").order_by("-id")
    cases = list(rows[:LOOKED_BACK])
    was, then = _where(cases, before, now), _where(cases, after, now)
    moved = [Moved(*one) for one in zip(cases, was, then, strict=True) if one[1] != one[2]]
    return Effect(moved[:SHOWN], len(moved), len(cases))


def _where(cases: list[Case], rules: Rules, now: datetime) -> list[str]:
    """Who would have got each case, or the team it would wait in."""
    room, trees = queries.room(rules, now), Trees()
    loads = queries.loads([seat.id for seat in room.seats], rules)
    for seat in room.seats:
        seat.there, seat.load = True, loads[seat.id]
    known = queries.who_knows((case.customer_id for case in cases), rules, now)
    return [_one(case, rules, now, known, room, trees) for case in cases]


def _one(case: Case, rules: Rules, now: datetime, known: dict[int, int], room: Room, trees: Trees) -> str:
    ask = queries.ask_of(case, rules, now, known, room, trees)
    decision = decide(ask, room)
    seat = next((one for one in room.seats if one.id == decision.agent), None)
    desk = room.desks.get(decision.team or 0)
    if seat is None:
        return f"waits in {desk.name}" if desk else "waits for anybody"
    # The next case finds the room as it was.
    seat.load -= ask.weight
    return f"{seat.name} of {desk.name}" if desk else seat.name
