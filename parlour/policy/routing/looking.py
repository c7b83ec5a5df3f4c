"""What leads look at: who is here with what, what waits in vain, where a made-up or a past case would go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count

from parlour.cases.models import Case
from parlour.policy.routing import queries
from parlour.policy.routing.decide import Ask, Decision, Desk, Room, Seat, decide, language_name, team_for
from parlour.policy.routing.queries import Rules, Trees
from parlour.policy.routing.step import unassigned
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Presence, Team

LOOKED_BACK, SHOWN = 300, 8


@dataclass(frozen=True, slots=True)
class Person:
    """An agent with what they carry. ``presence``: as it counts now (``gone``: their desk shows no life)."""

    agent: Agent
    presence: str
    words: str
    load: int
    share: int
    """Load in per cent of the capacity, at most 100."""
    teams: list[str]


def people(rules: Rules, now: datetime) -> list[Person]:
    """Everybody whose work is answering, those who are here first."""
    agents = list(staff.answering().prefetch_related("teams").order_by("name"))
    carried = queries.loads([agent.pk for agent in agents], rules)
    found = [_person(agent, carried[agent.pk], now) for agent in agents]
    order = [Presence.ONLINE, Presence.FULL, Presence.WRAP_UP, Presence.AWAY, "gone", Presence.OFFLINE]
    return sorted(found, key=lambda one: order.index(one.presence))


def _person(agent: Agent, load: int, now: datetime) -> Person:
    presence = staff.present(agent, now)
    alive = agent.seen_at is None or agent.seen_at > now - staff.GONE_AFTER
    if presence != Presence.OFFLINE and not alive:
        presence = "gone"
    words = "Desk closed" if presence == "gone" else Presence(presence).label
    if presence == Presence.ONLINE and load >= agent.capacity:
        presence, words = Presence.FULL.value, "At capacity"
    share = min(100, round(100 * load / agent.capacity)) if agent.capacity else 100 if load else 0
    return Person(agent, presence, words, load, share, [team.name for team in agent.teams.all()])


def waiting_in_teams() -> dict[int | None, int]:
    """Team -> how many cases wait there for somebody to have them."""
    return dict(unassigned().order_by().values_list("team_id").annotate(Count("id")))


def in_vain(rules: Rules, now: datetime) -> list[str]:
    """What waits for somebody who does not exist, as sentences: no agent of the team, online or not, could answer it."""
    room = queries.room(rules, now)
    kinds = unassigned().order_by().values_list("team_id", "language", "category").annotate(Count("id"))
    lacking: dict[str, int] = {}
    for team_id, language, category, count in kinds:
        desk = room.desks.get(team_id or 0)
        ask = Ask(category, language=room.tongue(language), skills=rules.skills(category))
        lost = not room.able(None, ask) if desk is None else room.hopeless(desk, ask) and not room.strangers(desk, ask)
        if lost:
            where = f"{desk.name} has nobody" if desk else "nobody here"
            skills = {**(desk.skills if desk else {}), **ask.skills}
            speaks = [f"speaks {language_name(language)}"] if ask.language else []
            needs = " and ".join([*speaks, *(f"knows {one}" for one in skills)])
            words = f"{where} {'who ' if desk else ''}{needs or 'may answer'}"
            lacking[words] = lacking.get(words, 0) + count
    return [
        f"{count:,} {'case waits' if count == 1 else 'cases wait'} in vain: {words}."
        for words, count in lacking.items()
    ]


def try_out(ask: Ask, rules: Rules, now: datetime) -> Decision:
    """Where such a case would go now. Nothing is given to anybody."""
    return decide(
        replace(ask, weight=rules.weight(ask.channel), skills=rules.skills(ask.category, *ask.above)),
        queries.room(rules, now),
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """A past case that would go to another team."""

    case: Case
    was: str
    now: str


def would_move(changed: Team, rules: Rules, now: datetime) -> tuple[list[Moved], int, int]:
    """What another setting of a team would have done to the latest cases: examples, how many would go elsewhere, of how many."""
    room = queries.room(rules, now)
    mine = queries.desk_of(changed, None, now)
    desks = [mine if desk.id == changed.pk else desk for desk in room.desks.values()]
    if changed.pk not in room.desks:
        # A team that is new or was closed has no members in the room yet, and need not have any.
        desks.append(mine)
    seats = list(room.seats)
    if not any(changed.pk in seat.teams for seat in seats):
        # Nobody is in it yet: as if somebody were who could answer everything.
        able = dict.fromkeys((*changed.skills, *(need.skill for need in rules.needs)), 5)
        seats.append(Seat(0, "", 1, 0, frozenset({changed.pk}), skills=able))
    other = Room([desk for desk in desks if changed.active or desk.id != changed.pk], seats, now)
    rows = Case.objects.filter(actionable=True, brand__recorded=False).select_related("customer").order_by("-id")
    cases, trees = list(rows[:LOOKED_BACK]), queries.Trees()
    moved = [
        Moved(case, was, then)
        for case in cases
        for was, then in [_both(case, rules, now, room, other, trees)]
        if was != then
    ]
    return moved[:SHOWN], len(moved), len(cases)


def _both(case: Case, rules: Rules, now: datetime, room: Room, other: Room, trees: Trees) -> tuple[str, str]:
    ask = replace(queries.ask_of(case, rules, now, {}, room, trees), team=None)
    return _name(team_for(ask, room)[0]), _name(team_for(ask, other)[0])


def _name(desk: Desk | None) -> str:
    return desk.name if desk else "no team"


def language_choices(people: Sequence[Person]) -> list[str]:
    """The languages anybody here has named."""
    return sorted({language for person in people for language in person.agent.languages})
