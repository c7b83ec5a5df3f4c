"""Verbs of routing: agents take the next case, and what waits with those who have gone comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from parlour.cases import actions as cases
from parlour.cases.access import Conflict
from parlour.cases.models import Case, Status
from parlour.lib import clock
from parlour.policy.routing import queries
from parlour.policy.routing.step import takeable, unassigned
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access
from parlour.staff import actions as staff
from parlour.staff.access import Actor
from parlour.staff.models import Agent, Presence

LEFT = (Presence.ONLINE, Presence.FULL, Presence.WRAP_UP, Presence.AWAY)
CHUNK = 500


def take_next(agent: Agent) -> Case | None:
    """Give an agent the most pressing case they may have, the older of equals; None when nothing waits for them. Two agents who ask
    at once get two cases. Raises Denied, and Conflict with a sentence when they are at capacity."""
    access.require(agent, access.ANSWER)
    now = clock.now()
    rules = queries.rules()
    with transaction.atomic():
        room = queries.room(rules, now)
        seat = next(one for one in room.seats if one.id == agent.pk)
        seat.load = queries.loads([agent.pk], rules)[agent.pk]
        rows = unassigned().filter(takeable(seat, room, rules, pushed=False)).order_by("-priority", "id")
        case = rows.select_for_update(of=("self",), skip_locked=True).first()
        # Cases first, agents second, as everywhere; what the agent carries is asked once nobody else can give them more.
        Agent.objects.select_for_update().get(pk=agent.pk)
        seat.load = queries.loads([agent.pk], rules)[agent.pk]
        if not seat.room(rules.weight(case.channel) if case else 1):
            raise Conflict(
                f"You are at your capacity: {seat.load} of {seat.capacity}. Answer or hand over a case first."
            )
        if case is None:
            return None
        words = f"The most pressing case that {agent.name} may have; they asked for the next."
        changes = {"assignee_id": agent.pk, "routing_reason": words[:300], "updated_at": now, "look_at": now}
        Case.objects.filter(pk=case.pk).update(**changes)
        actor = access.actor_name(agent)
        spine.write(
            "case.assigned",
            actor=actor,
            case_id=case.pk,
            assignee=agent.pk,
            reason=f"Taken by {agent.name} as the next case.",
        )
        bus.wake("policy")
    return case


def resolve(case_id: int, *, by: Actor | None) -> Case:
    """Resolve a case, and give the agent who had it the time to wrap up that its team gives. Raises as ``cases.actions.resolve``."""
    with transaction.atomic():
        before = Case.objects.select_related("team").filter(pk=case_id).first()
        case = cases.resolve(case_id, by=by)
        if before and isinstance(by, Agent) and before.status == Status.OPEN and before.assignee_id == by.pk:
            _wrap_up(by, before)
    return case


def _wrap_up(agent: Agent, case: Case) -> None:
    """Who is online is given nothing for a moment; who wraps up longer already, is full or away stays so."""
    seconds = case.team.wrap_up_seconds if case.team and case.actionable else 0
    until = clock.now() + timedelta(seconds=seconds)
    still = Q(presence=Presence.ONLINE) | Q(presence=Presence.WRAP_UP, presence_until__lt=until)
    if not seconds or not Agent.objects.filter(still, pk=agent.pk).update(
        presence=Presence.WRAP_UP, presence_until=until
    ):
        return
    agent.presence, agent.presence_until = Presence.WRAP_UP, until
    spine.write("agent.wraps_up", actor=access.actor_name(agent), case_id=case.pk, until=until.isoformat())


def set_presence(agent: Agent, presence: str, *, by_themselves: bool = True) -> int:
    """An agent comes, goes, or wants no more for now; returns how many cases went back to the queue. Raises ValueError for a presence
    that does not exist."""
    rules = queries.rules()
    with transaction.atomic():
        staff.set_presence(agent, presence, by_themselves=by_themselves, minutes=rules.wrap_up_minutes)
        bus.wake("policy")
        if presence != Presence.OFFLINE or not rules.back_when_offline:
            return 0
        return give_back(agent, f"{agent.name} went offline.")


def take_back() -> int:
    """Bring back what waits with agents whose desks have shown no life for the time that is set; returns how many cases."""
    minutes = queries.rules().gone_minutes
    if not minutes:
        return 0
    silent = Q(seen_at__lte=clock.now() - timedelta(minutes=minutes), presence__in=LEFT, gave_back=False)
    total = 0
    for agent in Agent.objects.filter(silent, is_active=True).order_by("id")[:100]:
        with transaction.atomic():
            total += give_back(agent, f"{agent.name}'s desk has shown no life for {minutes} minutes.", still=silent)
    return total


def give_back(agent: Agent, why: str, *, still: Q | None = None, everything: bool = False) -> int:
    """What waits for an answer of this agent goes to the queue and is routed anew; ``everything``: also what waits for the customer.
    In the caller's transaction. ``still``: only if this still holds of the agent."""
    held = Case.objects.filter(status=Status.OPEN, assignee_id=agent.pk)
    if not everything:
        held = held.filter(actionable=True, waiting_since__isnull=False)
    back = list(held.select_for_update().order_by("pk").values_list("pk", flat=True))
    left = Agent.objects.filter(pk=agent.pk)
    if not left.filter(still or Q()).update(gave_back=True):
        return 0
    return _to_queue(back, f"{why} The case went back to the queue.")


def _to_queue(case_ids: Iterable[int], reason: str) -> int:
    ids, now = list(case_ids), clock.now()
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        Case.objects.filter(pk__in=some).update(assignee=None, routing_reason=reason[:300], look_at=now)
        for pk in some:
            spine.write("case.returned", case_id=pk, reason=reason)
    if ids:
        bus.wake("policy")
    return len(ids)
