"""What happens by itself when a promise is about to break, when it breaks, and some time after. Each step once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from parlour.cases.models import Level
from parlour.policy.service_levels.clocks import Hand
from parlour.policy.service_levels.models import Clock
from parlour.policy.service_levels.plan import AT_WARNING, PROMISES, Step, length
from parlour.staff import access
from parlour.staff import queries as staff


class People:
    """Names of teams and agents, asked for once a batch and only when a step needs them."""

    def __init__(self) -> None:
        self._teams: dict[int, str] | None = None
        self._agents: dict[int, str] | None = None

    def team(self, number: int) -> str | None:
        if self._teams is None:
            self._teams = {one.pk: one.name for one in staff.teams()}
        return self._teams.get(number)

    def agent(self, number: int) -> str | None:
        if self._agents is None:
            self._agents = {one.pk: one.name for one in staff.agents() if access.may(one, access.ANSWER)}
        return self._agents.get(number)


def escalate(hand: Hand, people: People) -> datetime | None:
    """Take the steps that are due for the clocks of a case; returns when the next one is."""
    coming: list[datetime] = []
    for clock in hand.clocks:
        if clock.ended_at is not None:
            continue
        for step, at in _steps(hand, clock):
            if at > hand.now:
                coming.append(at)
            else:
                _take(hand, clock, step, people)
                clock.steps = [*clock.steps, step.key]
                hand.change(clock)
    return min(coming, default=None)


def _steps(hand: Hand, clock: Clock) -> Iterator[tuple[Step, datetime]]:
    """Steps of the clock's target not yet taken whose moment is known, in order."""
    target = hand.plan.target(clock.target)
    for step in target.steps if target else ():
        if step.key in clock.steps:
            continue
        if step.when == AT_WARNING:
            if clock.warned_at is not None and clock.breached_at is None:
                yield step, clock.warned_at
        elif clock.breached_at is not None:
            yield step, clock.breached_at + timedelta(minutes=step.after)


def _take(hand: Hand, clock: Clock, step: Step, people: People) -> None:
    case, promise = hand.case, PROMISES[clock.what]
    if step.when == AT_WARNING:
        why = f"Escalation: the promise of a {promise} is about to break."
    elif step.after:
        why = f"Escalation: the promise of a {promise} broke {length(step.after)} ago."
    else:
        why = f"Escalation: the promise of a {promise} broke."
    number = int(step.value) if step.value.isdigit() else 0
    if step.do == "notify":
        clock.notified_at, clock.seen_at = hand.now, None
        hand.tell("case.leads_told", case, reason=why)
    elif step.do == "level" and _raises(case.level, step.value):
        case.level = step.value
        hand.tell("case.level", case, level=step.value, reason=why)
    elif step.do == "team" and case.team_id != number and people.team(number):
        case.team_id, case.assignee_id = number, None
        case.routing_reason = f"Handed to {people.team(number)}. {why}"
        hand.tell("case.team", case, team=number, reason=case.routing_reason)
    elif step.do == "agent" and case.assignee_id != number and (name := people.agent(number)):
        case.assignee_id, case.routing_reason = number, f"Given to {name}. {why}"
        hand.tell("case.assigned", case, assignee=number, reason=case.routing_reason)


def _raises(now: str | None, to: str) -> bool:
    order = list(Level.values)
    return to in order and (now not in order or order.index(to) > order.index(now or ""))
