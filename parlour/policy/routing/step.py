"""Giving cases to teams and agents, in a batch and when somebody becomes free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from parlour.cases.models import Case, Purpose, Status
from parlour.lib import clock
from parlour.lib.rows import update_rows
from parlour.policy.judging import Judging
from parlour.policy.routing import queries
from parlour.policy.routing.decide import ROBIN, Ask, Decision, Desk, Room, Seat, decide, team_for
from parlour.policy.routing.queries import Rules
from parlour.spine import actions as spine
from parlour.staff import actions as staff_actions
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Presence

FIELDS = ["team_id", "assignee_id", "routing_reason"]
REASON_LIMIT = 300


def route(judging: Judging) -> None:
    """Give what needs an answer and has no agent to one, most pressing first; find moments of delight their team."""
    route_these([case for case in judging.cases if case.assignee_id is None and _is_routed(case)], judging)


def _is_routed(case: Case) -> bool:
    return case.actionable or (case.purpose == Purpose.DELIGHT and case.team_id is None)


def route_these(waiting: Sequence[Case], judging: Judging, room: Room | None = None) -> None:
    """Decide on these cases, whether or not they are all of the batch. The caller saves.

    The log tells where a case went, once: why it still waits there changes with every shift, and stands with the case only.
    """
    if not waiting:
        return
    rules, now = queries.rules(), judging.now
    room = room or queries.room(rules, now, hold=True)
    known: dict[int, int] = {}
    trees = queries.Trees()
    if any(seat.there for seat in room.seats):
        known = queries.who_knows((case.customer_id for case in waiting if not case.brand.recorded), rules, now)
    for case in sorted(waiting, key=lambda case: (-case.priority, case.pk)):
        ask = queries.ask_of(case, rules, now, known, room, trees)
        if case.brand.recorded:
            desk, words = team_for(ask, room)
            decision = Decision(
                case.team_id or (desk.id if desk else None), None, f"{words}; recordings are given to nobody."
            )
        else:
            decision = decide(ask, room)
        _give(case, decision, judging)
        if decision.again is not None:
            judging.again(case, now + decision.again)
    _note_turns(waiting, room)


def _give(case: Case, decision: Decision, judging: Judging) -> None:
    if decision.team is None and case.purpose == Purpose.DELIGHT:
        return
    reason = decision.reason[:REASON_LIMIT]
    if not case.routing_reason or (decision.team, decision.agent) != (case.team_id, case.assignee_id):
        judging.tell("case.routed", case, team=decision.team, assignee=decision.agent, reason=reason)
    case.team_id, case.assignee_id, case.routing_reason = decision.team, decision.agent, reason


def _note_turns(given: Sequence[Case], room: Room) -> None:
    """Remember whose turn it was, where a team goes one after the other."""
    robins = {pk for pk, desk in room.desks.items() if desk.strategy == ROBIN}
    turns = {case.assignee_id for case in given if case.assignee_id and case.team_id in robins}
    if turns:
        Agent.objects.filter(pk__in=turns).update(given_at=room.now)


def unassigned() -> QuerySet[Case]:
    """Cases that wait for somebody to have them."""
    return Case.objects.filter(
        status=Status.OPEN,
        actionable=True,
        assignee__isnull=True,
        waiting_since__isnull=False,
        brand__recorded=False,
    )


def hand_out(limit: int = 100) -> int:
    """Give waiting cases without an agent to whoever has become free, most pressing first, the older of equals; returns how many."""
    now = clock.now()
    online = list(staff.agents_online().values_list("pk", "presence"))
    if not online:
        return 0
    if over := [pk for pk, presence in online if presence == Presence.WRAP_UP]:
        staff_actions.end_wrap_ups(over, now)
    if not unassigned().exists():
        return 0
    rules = queries.rules()
    room = queries.room(rules, now)
    free = [seat for seat in room.seats if seat.there and seat.room(1)]
    if not free:
        return 0
    with transaction.atomic():
        waiting = _candidates(free, room, rules, limit)
        if not waiting:
            return 0
        # Cases first, agents second: the same order of locks as on the road, so that the two never wait for each other.
        judging = Judging(waiting, now)
        route_these(waiting, judging)
        given = [case for case in waiting if case.assignee_id is not None]
        update_rows(Case, FIELDS, ([case.team_id, case.assignee_id, case.routing_reason, case.pk] for case in given))
        handed = {case.pk for case in given}
        spine.write_many(event for event in judging.events if event.case_id in handed)
    return len(given)


def _candidates(free: Sequence[Seat], room: Room, rules: Rules, limit: int) -> list[Case]:
    """The most pressing cases that somebody free could take, held. Asked for each kind of agent on its own: a long queue that only
    others could take never stands before theirs."""
    kinds = {
        (seat.teams, seat.languages, frozenset(seat.skills.items()), seat.capacity - seat.load): seat for seat in free
    }
    ids: set[int] = set()
    for seat in kinds.values():
        rows = unassigned().filter(takeable(seat, room, rules, pushed=True)).order_by("-priority", "id")
        ids.update(rows.values_list("pk", flat=True)[:limit])
    held = Case.objects.filter(pk__in=ids, assignee__isnull=True, status=Status.OPEN).select_related("brand")
    return list(held.select_for_update(of=("self",), skip_locked=True).order_by("-priority", "pk")[:limit])


def takeable(seat: Seat, room: Room, rules: Rules, *, pushed: bool) -> Q:
    """Which cases an agent may have now: of their teams and of those they help out, in their languages, by their skills, of a weight
    they have room for. ``pushed``: only what is given out, not what is pulled. What ``decide`` says of one case, asked of all."""
    left = seat.capacity - seat.load
    allowed = Q()
    if heavy := [channel for channel, weight in rules.weights.items() if weight > left]:
        allowed &= ~Q(channel__in=heavy)
    if seat.languages:
        spoken = Q(language__in=[*seat.languages, ""])
        allowed &= spoken if room.any_language else spoken | ~Q(language__in=list(room.spoken))
    if unfit := [need.category for need in rules.needs if seat.skills.get(need.skill, 0) < need.level]:
        allowed &= ~Q(category__in=queries.with_those_below(unfit))
    if pushed:
        allowed &= ~Q(purpose=Purpose.DELIGHT)
    teams = Q(team__isnull=True) & ~Q(purpose=Purpose.DELIGHT)
    for desk in room.desks.values():
        if desk.pushes or not pushed:
            teams |= _of_team(seat, desk, room, pushed=pushed)
    return allowed & teams


def _of_team(seat: Seat, desk: Desk, room: Room, *, pushed: bool) -> Q:
    closed = pushed and desk.opens_in is not None
    for mine, after in ((desk, timedelta(0)), *room.helpers(desk, timedelta.max)):
        if pushed and mine.opens_in is not None:
            continue
        if closed:
            # While a team is closed who helps it out does not wait.
            after = timedelta(0)
        if mine.id in seat.teams and seat.has(mine.skills):
            theirs = Q(team_id=desk.id)
            return theirs & Q(waiting_since__lte=room.now - after) if after else theirs
    if closed:
        return Q(pk__in=())
    lost = [one for one in ("", *room.spoken) if seat in room.strangers(desk, Ask("", language=one))]
    return Q(team_id=desk.id, language__in=lost) & ~Q(purpose=Purpose.DELIGHT) if lost else Q(pk__in=())
