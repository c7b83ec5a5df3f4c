"""Judging cases: score, route, clocks. Every decision leaves its reason in words in the event log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from parlour.cases import queries as cases
from parlour.cases.models import Case, Status
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.lib.rows import update_rows
from parlour.policy.priority import Standing, score
from parlour.policy.routing import Decision, Desk, Seat, decide, team_for
from parlour.spine import actions as spine
from parlour.spine.models import Event
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Team

AT_ONCE = 500
JUDGED = [
    "priority",
    "priority_reasons",
    "team_id",
    "assignee_id",
    "routing_reason",
    "response_due_at",
    "response_warn_at",
    "breached_at",
    "look_at",
]


def start_clock(case: Case, at: datetime) -> None:
    """Promise a response, counted from the customer's words at ``at``; nothing is promised for recordings. The caller saves."""
    if case.brand.recorded:
        return
    case.response_due_at = at + timedelta(minutes=case.brand.first_response_minutes)
    case.response_warn_at = case.response_due_at - timedelta(minutes=case.brand.warning_minutes)
    case.breached_at = None


def judge(batch: Iterable[Case], now: datetime) -> None:
    """Score, route and time these open cases and save what came out. Inside the caller's transaction; cases carry their brand."""
    judged = [case for case in batch if case.status == Status.OPEN]
    if not judged:
        return
    standings = _standings(judged)
    events: list[Event] = []
    for case in judged:
        _time(case, now, events)
        _score(case, standings.get(case.customer_id, Standing()), now)
    _route([case for case in judged if case.assignee_id is None and case.actionable], events)
    update_rows(Case, JUDGED, ([getattr(case, name) for name in JUDGED] + [case.pk] for case in judged))
    spine.write_many(events)


def _standings(judged: list[Case]) -> dict[int, Standing]:
    people = {case.customer_id for case in judged}
    vips = set(Customer.objects.filter(pk__in=people, vip=True).values_list("pk", flat=True))
    standings = {
        case.customer_id: Standing(vip=case.customer_id in vips, recorded=case.brand.recorded) for case in judged
    }
    reach = Identity.objects.filter(customer_id__in=standings, followers__isnull=False)
    for customer_id, followers in reach.values_list("customer_id", "followers"):
        known = standings[customer_id]
        standings[customer_id] = replace(known, followers=max(known.followers or 0, followers or 0))
    return standings


def _time(case: Case, now: datetime, events: list[Event]) -> None:
    due, warn = case.response_due_at, case.response_warn_at
    if not case.actionable or due is None:
        return
    if due <= now:
        if case.breached_at is None:
            case.breached_at = due
            case.response_warn_at = None
            events.append(_line("case.breached", case, reason=f"No response by {due:%d %b %H:%M} UTC, as promised."))
    elif warn is not None and warn <= now:
        case.response_warn_at = None
        minutes = max(1, round((due - now).total_seconds() / 60))
        events.append(_line("case.warned", case, reason=f"{minutes} minutes are left of the promised response time."))


def _score(case: Case, standing: Standing, now: datetime) -> None:
    result = score(case, standing, now)
    case.priority = result.points
    case.priority_reasons = [list(reason) for reason in result.reasons]
    coming = [result.changes_at, case.response_warn_at, case.response_due_at if case.breached_at is None else None]
    case.look_at = min((at for at in coming if at is not None and at > now), default=None)


def _route(waiting: list[Case], events: list[Event]) -> None:
    if not waiting:
        return
    desks = [Desk(team.pk, team.name, frozenset(team.categories)) for team in Team.objects.order_by("id")]
    seats = _seats()
    for case in sorted(waiting, key=lambda case: (-case.priority, case.pk)):
        if case.brand.recorded:
            desk, words = team_for(case.category, desks)
            decision = Decision(
                case.team_id or (desk.id if desk else None), None, f"{words}; recordings are given to nobody."
            )
        else:
            decision = decide(case.category, case.team_id, desks, seats)
        if (decision.team, decision.agent, decision.reason) != (case.team_id, case.assignee_id, case.routing_reason):
            _give(case, decision, events)


def _give(case: Case, decision: Decision, events: list[Event]) -> None:
    case.team_id, case.assignee_id, case.routing_reason = decision.team, decision.agent, decision.reason
    events.append(_line("case.routed", case, team=decision.team, assignee=decision.agent, reason=decision.reason))


def _seats() -> list[Seat]:
    """Agents online with their load. Their rows are held, so that two workers never give away the same place."""
    online = staff.agents_online().select_for_update().order_by("id")
    agents = {agent.pk: agent for agent in online}
    load = cases.open_load(list(agents))
    teams: dict[int, set[int]] = {pk: set() for pk in agents}
    for agent_id, team_id in Agent.teams.through.objects.filter(agent_id__in=agents).values_list("agent_id", "team_id"):
        teams[agent_id].add(team_id)
    return [Seat(pk, agent.name, agent.capacity, load[pk], frozenset(teams[pk])) for pk, agent in agents.items()]


def _line(verb: str, case: Case, **data: object) -> Event:
    return Event(verb=verb, case_id=case.pk, data=data)


def look(now: datetime | None = None) -> int:
    """Judge the cases that are due for it, at most ``AT_ONCE``; returns how many. The cost follows what is due, not what is open."""
    now = now or clock.now()
    with transaction.atomic():
        due = Case.objects.filter(status=Status.OPEN, look_at__isnull=False, look_at__lte=now).order_by("look_at")
        batch = list(due.select_related("brand").select_for_update(of=("self",), skip_locked=True)[:AT_ONCE])
        before = {case.pk: case.priority for case in batch}
        judge(batch, now)
        spine.write_many(
            Event(verb="case.scored", case_id=case.pk, data={"was": before[case.pk], "now": case.priority})
            for case in batch
            if case.priority != before[case.pk]
        )
    return len(batch)


def hand_out(limit: int = 100) -> int:
    """Give waiting cases without an agent to whoever has become free, most pressing first; returns how many were given."""
    free = _free_agents()
    if not free:
        return 0
    with transaction.atomic():
        unassigned = Case.objects.filter(
            status=Status.OPEN,
            actionable=True,
            assignee__isnull=True,
            waiting_since__isnull=False,
            brand__recorded=False,
        )
        # Only what somebody free could take: a long queue of a team that is away must not stand before the others.
        teams = Agent.teams.through.objects.filter(agent_id__in=free).values_list("team_id")
        unassigned = unassigned.filter(Q(team__isnull=True) | Q(team_id__in=teams))
        waiting = list(
            unassigned.select_related("brand")
            .select_for_update(of=("self",), skip_locked=True)
            .order_by("-priority", "-id")[:limit]
        )
        # Cases first, agents second: the same order of locks as on the road, so that the two never wait for each other.
        events: list[Event] = []
        _route(waiting, events)
        given = [case for case in waiting if case.assignee_id is not None]
        fields = ["team_id", "assignee_id", "routing_reason"]
        update_rows(Case, fields, ([case.team_id, case.assignee_id, case.routing_reason, case.pk] for case in given))
        handed = {case.pk for case in given}
        spine.write_many(event for event in events if event.case_id in handed)
    return len(given)


def _free_agents() -> list[int]:
    capacity = dict(staff.agents_online().values_list("pk", "capacity"))
    load = cases.open_load(list(capacity)) if capacity else {}
    return [pk for pk, most in capacity.items() if load[pk] < most]
