"""Reads of routing: its settings, the room of teams and agents, what each agent carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count

from parlour.cases.models import Case, Direction, Message, Status
from parlour.channels import queries as channels
from parlour.lib import clock
from parlour.policy.routing.decide import Ask, Desk, Room, Seat
from parlour.policy.routing.models import Change, Settings
from parlour.policy.service_levels import queries as service_levels
from parlour.policy.service_levels.calendars import Calendar
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Team
from parlour.understanding import categories
from parlour.understanding.models import Category

FAR = timedelta(days=30)
"""After so long a team that never opens is looked at again."""


@dataclass(frozen=True, slots=True)
class Need:
    """Cases of a category ask for a skill."""

    category: str
    skill: str
    level: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all teams."""

    weights: Mapping[str, int] = field(default_factory=dict)
    """Channel -> how many places one of its cases takes; 1 where none is given."""
    sticky_days: int = 7
    """How long an agent is remembered as the one who answered a customer; 0: not at all."""
    gone_minutes: int = 5
    """After so long without a sign of life an agent's waiting cases go back to the queue; 0: never."""
    back_when_offline: bool = False
    """Whether they go back as soon as an agent goes offline."""
    wrap_up_minutes: int = 5
    needs: tuple[Need, ...] = ()

    def weight(self, channel: str) -> int:
        return self.weights.get(channel, 1)

    def skills(self, *categories: str) -> dict[str, int]:
        """What a category asks for, given with those it stands below."""
        asked: dict[str, int] = {}
        for need in self.needs:
            if need.category in categories:
                asked[need.skill] = max(need.level, asked.get(need.skill, 0))
        return asked


def rules() -> Rules:
    """As they are now; one small question to the database."""
    return read(Settings.objects.values_list("values", flat=True).first() or {})


def read(values: Mapping[str, object]) -> Rules:
    """Rules from their stored values."""
    known = {name: value for name, value in values.items() if name in Rules.__dataclass_fields__}
    needs = known.pop("needs", ())
    assert isinstance(needs, (list, tuple))
    return Rules(**known, needs=tuple(Need(*one) for one in needs))  # type: ignore[arg-type]


def desks(now: datetime) -> list[Desk]:
    """The teams that take cases."""
    teams = list(Team.objects.filter(active=True).order_by("id"))
    open_hours = calendars() if any(team.hours for team in teams) else {}
    return [desk_of(team, open_hours.get(team.hours), now) for team in teams]


def calendars() -> dict[str, Calendar]:
    """The calendars that teams can keep to, by their keys; one small question to the database."""
    return {one.key: one for one in service_levels.current().calendars}


def desk_of(team: Team, hours: Calendar | None, now: datetime) -> Desk:
    """A team as routing sees it. ``hours``: its calendar; None for around the clock."""
    closed = hours is not None and not hours.is_open(now)
    opens = opening(hours, now) if hours and closed else None
    return Desk(
        id=team.pk,
        name=team.name,
        categories=frozenset(team.categories),
        purposes=frozenset(team.purposes),
        languages=frozenset(team.languages),
        channels=frozenset(team.channels),
        brands=frozenset(team.brands),
        skills=team.skills,
        strategy=team.strategy,
        pushes=team.pushes,
        overflow=team.overflow_id,
        overflow_after=timedelta(minutes=team.overflow_minutes),
        opens_in=(opens - now if opens else FAR) if closed else None,
        opens=in_words(opens, now, hours.zone) if hours and opens else "",
    )


def opening(hours: Calendar, now: datetime) -> datetime | None:
    """When a closed calendar opens; None where it does not in the years it knows."""
    after = hours.add(now, 1)
    return after - timedelta(seconds=1) if after else None


def in_words(at: datetime, now: datetime, zone: str) -> str:
    """``09:00``, ``Monday 09:00`` or ``24 Dec 09:00``, as clocks there show it."""
    there, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    days = (there.date() - today).days
    return f"{there:%H:%M}" if days == 0 else f"{there:%A %H:%M}" if days < 7 else f"{there:%-d %b %H:%M}"


def loads(agent_ids: Sequence[int], rules: Rules) -> dict[int, int]:
    """What each agent's open cases weigh."""
    held = Case.objects.filter(status=Status.OPEN, actionable=True, assignee_id__in=list(agent_ids)).order_by()
    weights = dict.fromkeys(agent_ids, 0)
    for agent_id, channel, count in held.values_list("assignee_id", "channel").annotate(Count("id")):
        weights[agent_id or 0] += count * rules.weight(channel)
    return weights


def room(rules: Rules, now: datetime, *, hold: bool = False) -> Room:
    """Teams and agents now. ``hold``: the rows of those who are there are held until the transaction ends, so that two workers never
    give away the same place."""
    agents = {agent.pk: agent for agent in staff.answering().order_by("id")}
    there = [pk for pk, agent in agents.items() if staff.is_there(agent, now)]
    if hold and there:
        list(Agent.objects.filter(pk__in=there).select_for_update().order_by("id").values_list("pk", flat=True))
    carried = loads(there, rules) if there else {}
    teams: dict[int, set[int]] = {pk: set() for pk in agents}
    for member_id, team_id in Agent.teams.through.objects.values_list("agent_id", "team_id"):
        if member_id in teams:
            teams[member_id].add(team_id)
    seats = [seat_of(agent, teams[pk], carried.get(pk, 0), there=pk in carried) for pk, agent in agents.items()]
    return Room(desks(now), seats, now)


def seat_of(agent: Agent, teams: Iterable[int], load: int, *, there: bool) -> Seat:
    return Seat(
        id=agent.pk,
        name=agent.name,
        capacity=agent.capacity,
        load=load,
        teams=frozenset(teams),
        languages=frozenset(agent.languages),
        skills=agent.skills,
        there=there,
        given_at=agent.given_at,
    )


class Trees:
    """The category trees of brands, each read once."""

    def __init__(self) -> None:
        self._trees: dict[int, categories.Tree] = {}
        self._paths: dict[tuple[int, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def path(self, brand_id: int, category: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A category and those it stands below, the nearest first; and what the brand calls them."""
        found = self._paths.get((brand_id, category))
        if found is None:
            if brand_id not in self._trees:
                self._trees[brand_id] = categories.tree(brand_id)
            tree = self._trees[brand_id]
            path = tree.path(category)
            found = self._paths[brand_id, category] = path, tuple(map(tree.name, path))
        return found


def category_choices(*, archived: bool = False) -> dict[str, str]:
    """Every category that any brand has, with its name."""
    ids = channels.brands().values_list("pk", flat=True)
    return categories.names(categories.trees(ids).values(), archived=archived)


def with_those_below(slugs: Iterable[str]) -> set[str]:
    """These categories and all that stand below them, in any brand's tree."""
    found, more = set(slugs), set(slugs)
    while more:
        below = Category.objects.filter(parent__slug__in=more).exclude(slug__in=found)
        more = set(below.values_list("slug", flat=True))
        found |= more
    return found


def ask_of(case: Case, rules: Rules, now: datetime, known: Mapping[int, int], room: Room, trees: Trees) -> Ask:
    """A case as routing sees it. The team that routing itself chose is chosen anew while nobody has the case: its category may have
    been corrected. One that a person or a rule set stays."""
    desk = room.desks.get(case.team_id or 0)
    ours = desk is not None and case.routing_reason.casefold().startswith(f"{desk.name} takes ".casefold())
    path, names = trees.path(case.brand_id, case.category)
    return Ask(
        category=case.category,
        above=path[1:],
        names=names,
        purpose=case.purpose,
        language=case.language,
        channel=case.channel,
        brand=case.brand_id,
        team=None if ours else case.team_id,
        weight=rules.weight(case.channel),
        waited=max(timedelta(0), now - case.waiting_since) if case.waiting_since else timedelta(0),
        known=known.get(case.customer_id),
        skills=rules.skills(*path),
    )


def who_knows(customer_ids: Iterable[int], rules: Rules, now: datetime) -> dict[int, int]:
    """Customer -> the agent who answered them last, within the time that is remembered."""
    ids = set(customer_ids)
    if not rules.sticky_days or not ids:
        return {}
    since = now - timedelta(days=rules.sticky_days)
    spoken = Case.objects.filter(customer_id__in=ids, messages_out__gt=0, last_out_at__gte=since)
    cases = dict(spoken.values_list("pk", "customer_id"))
    if not cases:
        return {}
    ours = Message.objects.filter(case_id__in=cases, direction=Direction.OUT, agent__isnull=False, sent_at__gte=since)
    answers = ours.order_by("sent_at", "id").values_list("case_id", "agent_id")
    return {cases[case_id]: agent_id for case_id, agent_id in answers if case_id is not None and agent_id is not None}


def load_shown(agent: Agent, cases: int, now: Rules) -> int:
    """What an agent carries, for the top of every page; ``cases`` is how many they have."""
    return loads([agent.pk], now)[agent.pk] if cases and any(one != 1 for one in now.weights.values()) else cases


def latest_change(what: str | None = None) -> Change | None:
    """The last change that has not been taken back."""
    changes = Change.objects.filter(undone_at=None, at__gte=clock.now() - timedelta(days=1))
    return (changes.filter(what=what) if what else changes).order_by("-id").first()
