"""Giving cases to teams and agents, in a batch and when somebody becomes free."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q

from parlour.cases import queries as cases
from parlour.cases.models import Case, Status
from parlour.lib import clock
from parlour.lib.rows import update_rows
from parlour.policy.judging import Judging
from parlour.policy.routing.decide import Decision, Desk, Seat, decide, team_for
from parlour.spine import actions as spine
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Team


def route(judging: Judging) -> None:
    """Give what needs an answer and has no agent to one, most pressing first."""
    route_these([case for case in judging.cases if case.assignee_id is None and case.actionable], judging)


def route_these(waiting: Sequence[Case], judging: Judging) -> None:
    """Decide on these cases, whether or not they are all of the batch. The caller saves.

    The log tells where a case went, once: why it still waits there changes with every shift, and stands with the case only.
    """
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
        _give(case, decision, judging)


def _give(case: Case, decision: Decision, judging: Judging) -> None:
    if not case.routing_reason or (decision.team, decision.agent) != (case.team_id, case.assignee_id):
        judging.tell("case.routed", case, team=decision.team, assignee=decision.agent, reason=decision.reason)
    case.team_id, case.assignee_id, case.routing_reason = decision.team, decision.agent, decision.reason


def _seats() -> list[Seat]:
    """Agents online with their load. Their rows are held, so that two workers never give away the same place."""
    online = staff.agents_online().select_for_update().order_by("id")
    agents = {agent.pk: agent for agent in online}
    load = cases.open_load(list(agents))
    teams: dict[int, set[int]] = {pk: set() for pk in agents}
    for agent_id, team_id in Agent.teams.through.objects.filter(agent_id__in=agents).values_list("agent_id", "team_id"):
        teams[agent_id].add(team_id)
    return [Seat(pk, agent.name, agent.capacity, load[pk], frozenset(teams[pk])) for pk, agent in agents.items()]


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
        judging = Judging(waiting, clock.now())
        route_these(waiting, judging)
        given = [case for case in waiting if case.assignee_id is not None]
        fields = ["team_id", "assignee_id", "routing_reason"]
        update_rows(Case, fields, ([case.team_id, case.assignee_id, case.routing_reason, case.pk] for case in given))
        handed = {case.pk for case in given}
        spine.write_many(event for event in judging.events if event.case_id in handed)
    return len(given)


def _free_agents() -> list[int]:
    capacity = dict(staff.agents_online().values_list("pk", "capacity"))
    load = cases.open_load(list(capacity)) if capacity else {}
    return [pk for pk, most in capacity.items() if load[pk] < most]
