"""Who gets a case: the team of its category, then the least loaded agent of that team who is online and has room. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Seat:
    """An agent online, as routing sees them; ``load`` grows while cases are given out."""

    id: int
    name: str
    capacity: int
    load: int
    teams: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Desk:
    """A team, as routing sees it."""

    id: int
    name: str
    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a case goes and why, in words."""

    team: int | None
    agent: int | None
    reason: str


def team_for(category: str, desks: Sequence[Desk]) -> tuple[Desk | None, str]:
    """The team that takes a category, else the one that takes what nobody else does."""
    for desk in desks:
        if category in desk.categories:
            return desk, f"{desk.name} takes {category}"
    for desk in desks:
        if not desk.categories:
            return desk, f"{desk.name} takes what no other team does"
    return None, f"no team takes {category}"


def decide(category: str, team: int | None, desks: Sequence[Desk], seats: Sequence[Seat]) -> Decision:
    """The decision for one case; takes a place at the chosen seat. ``team`` set by hand stays."""
    if team is None:
        desk, words = team_for(category, desks)
    else:
        desk = next((one for one in desks if one.id == team), None)
        words = f"{desk.name} has it" if desk else "its team is gone"
    members = [seat for seat in seats if desk is None or desk.id in seat.teams]
    free = [seat for seat in members if seat.load < seat.capacity]
    team_id = desk.id if desk else None
    if not free:
        why = "nobody there is online" if not members else "everybody online there is at capacity"
        return Decision(team_id, None, f"{_sentence(words)}; {why}.")
    seat = min(free, key=lambda one: (one.load / one.capacity, one.load, one.id))
    held = seat.load
    seat.load += 1
    return Decision(team_id, seat.id, f"{_sentence(words)}; {seat.name} was least loaded ({held} of {seat.capacity}).")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
