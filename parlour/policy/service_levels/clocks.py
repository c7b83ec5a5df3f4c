"""What the clocks of one case say after what has happened to it. Works on rows in memory; ``step`` loads and writes them.

A case tells everything: since when its customer waits, when they were last answered, whether it is open. Clocks follow, and are
the same whenever they are asked, however late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from parlour.cases.models import Case
from parlour.policy.service_levels.calendars import Calendar
from parlour.policy.service_levels.models import Clock
from parlour.policy.service_levels.plan import FIRST, NEXT, PROMISES, RESOLUTION, Plan

Tell = Callable[..., None]
"""``tell(verb, case, **data)``: a line for the log."""
FOR_CUSTOMER = "waiting for the customer"
AGAIN = timedelta(seconds=1)


@dataclass(slots=True)
class Hand:
    """A case with its clocks, open and lately ended, while they are brought in step."""

    case: Case
    clocks: list[Clock]
    plan: Plan
    now: datetime
    tell: Tell
    vip: bool = False
    answerable: bool = True
    """Whether its channel lets anybody answer, and it is no recording."""
    answered: Callable[[Clock], datetime | None] = lambda _: None
    """When the customer was first answered after a clock began, by the record; asked only where it looks late."""
    changed: list[Clock] = field(default_factory=list)
    """What is to be written; new ones have no id."""

    def change(self, clock: Clock) -> None:
        if all(one is not clock for one in self.changed):
            self.changed.append(clock)

    def calendar(self, clock: Clock) -> Calendar:
        target = self.plan.target(clock.target)
        return self.plan.calendar(target.calendar if target else "")


def follow(hand: Hand) -> None:
    """Bring the clocks of an open case in step with it, and fire what is due."""
    _answers(hand)
    _resolution(hand)
    for clock in hand.clocks:
        if clock.ended_at is None and clock.pk is not None:
            _promise_again(hand, clock)
    for clock in hand.clocks:
        if clock.ended_at is None:
            fire(hand, clock)
    show(hand)


def end(hand: Hand) -> None:
    """The case is resolved: its clocks are over. Those of one that was emptied into another kept and broke nothing by that."""
    at = hand.case.resolved_at or hand.now
    for clock in hand.clocks:
        if clock.ended_at is not None:
            continue
        last = hand.case.last_out_at
        if clock.what == RESOLUTION and hand.case.messages_in:
            _settle(hand, clock, at)
        elif clock.what != RESOLUTION and last is not None and last >= clock.started_at:
            _settle(hand, clock, _answered_at(hand, clock, last))
        else:
            _drop(hand, clock, at)


# Answers


def _answers(hand: Hand) -> None:
    case, wait = hand.case, hand.case.waiting_since
    wanted = hand.answerable and case.actionable and wait is not None
    running = next((one for one in hand.clocks if one.what != RESOLUTION and one.ended_at is None), None)
    if running is not None:
        last = case.last_out_at
        if wait == running.started_at and wanted:
            return
        if wait != running.started_at and last is not None and last >= running.started_at:
            _settle(hand, running, _answered_at(hand, running, last))
        elif wanted and wait is not None:
            # Words before those were found, or those needed no answer.
            running.started_at = running.running_since = wait
            hand.change(running)
            _promise_again(hand, running)
            _told_before(hand, running)
            return
        else:
            _drop(hand, running, hand.now)
    if wanted and wait is not None:
        _begin_answer(hand, wait)


def _begin_answer(hand: Hand, wait: datetime) -> None:
    """Run the promise for who waits since ``wait``: the one an answer had ended that never arrived, else a new one."""
    same = (one for one in hand.clocks if one.what != RESOLUTION and one.started_at == wait)
    if (before := next(same, None)) is not None:
        before.ended_at = before.kept = None
        before.running_since = wait
        hand.change(before)
        return
    case = hand.case
    what = case.due_what if case.due_what in (FIRST, NEXT) else NEXT if case.first_response_at else FIRST
    clock = _begin(hand, what, wait)
    if clock is not None and not _told_before(hand, clock):
        case.breached_at = None


def _told_before(hand: Hand, clock: Clock) -> bool:
    """Whether the case had this promise already, before it had a clock or from another case it was joined with: what was told of it
    is not told again."""
    case = hand.case
    if clock.due_at is None or clock.due_at != case.response_due_at:
        return False
    if case.breached_at == clock.due_at:
        clock.breached_at = clock.due_at
        target = hand.plan.target(clock.target)
        clock.steps = [step.key for step in target.steps] if target else []
    if case.response_warn_at is None:
        clock.warned_at, clock.warn_at = clock.warned_at or hand.now, None
    hand.change(clock)
    return True


def _answered_at(hand: Hand, clock: Clock, last: datetime) -> datetime:
    """When the answer came: the latest is known; where that is too late, the record says whether there was one before it."""
    first = hand.case.first_response_at
    if clock.what == FIRST and first is not None and first >= clock.started_at:
        return first
    if clock.due_at is not None and last > clock.due_at:
        return hand.answered(clock) or last
    return last


# Resolution


def _resolution(hand: Hand) -> None:
    case = hand.case
    clock = next((one for one in hand.clocks if one.what == RESOLUTION), None)
    if not (hand.answerable and case.actionable):
        if clock is not None and clock.ended_at is None:
            _drop(hand, clock, hand.now)
        return
    if clock is None:
        clock = _begin(hand, RESOLUTION, (case.waiting_since or hand.now) if case.reopened else case.opened_at)
        if clock is None:
            return
    elif clock.ended_at is not None:
        if hand.plan.pick(RESOLUTION, case, hand.vip) is None:
            return
        clock.ended_at = clock.kept = None
        clock.running_since, clock.resting = max(case.waiting_since or hand.now, clock.started_at), ""
        hand.change(clock)
    _rest_or_run(hand, clock)


def _rest_or_run(hand: Hand, clock: Clock) -> None:
    why, since = _rests(hand, clock)
    if why and clock.running_since is not None:
        since = min(max(since, clock.running_since), hand.now)
        if clock.due_at is not None and clock.due_at <= since and clock.breached_at is None:
            fire(hand, clock)
        clock.spent += hand.calendar(clock).between(clock.running_since, since)
        clock.running_since, clock.resting = None, why
        clock.due_at = clock.due_at if clock.breached_at else None
        clock.warn_at = None
        hand.change(clock)
    elif not why and clock.running_since is None:
        wait = hand.case.waiting_since
        clock.running_since = wait if clock.resting == FOR_CUSTOMER and wait is not None else hand.now
        clock.resting = ""
        hand.change(clock)
    elif why and why != clock.resting:
        clock.resting = why
        hand.change(clock)


def _rests(hand: Hand, clock: Clock) -> tuple[str, datetime]:
    """Why the clock of the resolution should rest, and since when; '' when it should run."""
    case, target = hand.case, hand.plan.target(clock.target)
    tags = [tag for tag in case.tags if target is not None and tag in target.pause_tags]
    if case.waiting_since is None and case.last_out_at is not None:
        return FOR_CUSTOMER, case.last_out_at
    if tags:
        return f"tagged {tags[0]}"[:80], hand.now
    return "", hand.now


# One clock


def _begin(hand: Hand, what: str, at: datetime) -> Clock | None:
    """A new clock; None where nothing is promised."""
    picked = hand.plan.pick(what, hand.case, hand.vip)
    if picked is None:
        return None
    target, why = picked
    clock = Clock(case=hand.case, what=what, target=target.key, why=why, started_at=at, running_since=at)
    clock.promised = (target.promised(what) or 0) * 60
    clock.steps = []
    hand.clocks.append(clock)
    hand.change(clock)
    _time(hand, clock, timedelta(minutes=target.warning))
    return clock


def _promise_again(hand: Hand, clock: Clock) -> None:
    """Go by what is promised now: the case or the plan may have changed. A promise that is broken stays as it was."""
    if clock.breached_at is not None:
        return
    picked = hand.plan.pick(clock.what, hand.case, hand.vip)
    if picked is None:
        _drop(hand, clock, hand.now)
        return
    target, why = picked
    promised = (target.promised(clock.what) or 0) * 60
    if (clock.target, clock.why, clock.promised) != (target.key, why, promised):
        clock.target, clock.why, clock.promised = target.key, why, promised
        hand.change(clock)
    if clock.running_since is not None:
        _time(hand, clock, timedelta(minutes=target.warning))


def _time(hand: Hand, clock: Clock, warning: timedelta) -> None:
    """When it is due and warned of. A warning that was given is not given again, unless the promise has moved far enough away."""
    calendar, since = hand.calendar(clock), clock.running_since or clock.started_at
    left = clock.promised - clock.spent
    due = calendar.add(since, left)
    # A promise shorter than its warning is warned of halfway.
    ahead = min(warning.total_seconds(), clock.promised / 2)
    warn = calendar.add(since, max(left - ahead, 0.0)) if due is not None and ahead else None
    if clock.warned_at is not None:
        if due is not None and warn is not None and due != clock.due_at and warn > hand.now:
            clock.warned_at = None
        else:
            warn = None
    if (due, warn) != (clock.due_at, clock.warn_at):
        clock.due_at, clock.warn_at = due, warn
        hand.change(clock)


def _settle(hand: Hand, clock: Clock, at: datetime) -> None:
    """What was promised was done ``at`` that moment: in time, or too late."""
    due = clock.due_at if clock.running_since is not None or clock.breached_at is not None else None
    clock.kept = due is None or at <= due
    if clock.kept and clock.breached_at is not None:
        # It reached us late; by the platform's clock it was in time.
        hand.case.breached_at = None if hand.case.breached_at == clock.breached_at else hand.case.breached_at
        clock.breached_at = None
    elif not clock.kept and clock.breached_at is None:
        clock.breached_at = due
        hand.case.breached_at = due
        _tell_breach(hand, clock, "It was done too late.")
    _over(hand, clock, at)


def _drop(hand: Hand, clock: Clock, at: datetime) -> None:
    """Nobody waits for it any longer: it is over, and only what was broken before counts, whether or not anybody has looked."""
    if (
        clock.running_since is not None
        and clock.due_at is not None
        and clock.due_at <= at
        and clock.breached_at is None
    ):
        clock.breached_at = hand.case.breached_at = clock.due_at
        _tell_breach(hand, clock, "")
    clock.kept = False if clock.breached_at is not None else None
    _over(hand, clock, at)


def _over(hand: Hand, clock: Clock, at: datetime) -> None:
    if clock.running_since is not None:
        clock.spent += hand.calendar(clock).between(clock.running_since, at)
    if clock.what != RESOLUTION:
        # An answer's clock begins anew with the wait, should it come back.
        clock.spent = 0.0
    clock.ended_at, clock.running_since, clock.warn_at = at, None, None
    hand.change(clock)


def fire(hand: Hand, clock: Clock) -> None:
    """Say once that a promise is about to break, and once that it did. What was past before it was promised breaks in silence."""
    now = hand.now
    if clock.running_since is None or clock.due_at is None or clock.breached_at is not None:
        return
    if clock.due_at <= now:
        clock.breached_at, clock.warn_at = clock.due_at, None
        late = hand.plan.since is not None and clock.due_at <= hand.plan.since
        target = hand.plan.target(clock.target)
        if late and target is not None:
            clock.steps = [step.key for step in target.steps]
        _tell_breach(hand, clock, "It was past already when this was promised." if late else "")
        hand.change(clock)
    elif clock.warn_at is not None and clock.warn_at <= now:
        clock.warn_at, clock.warned_at = None, now
        minutes = max(1, round((clock.due_at - now).total_seconds() / 60))
        words = f"{minutes} minute{'s' * (minutes != 1)} are left for the {PROMISES[clock.what]}. {clock.why}"
        hand.tell("case.warned", hand.case, what=clock.what, target=clock.target, reason=words)
        hand.change(clock)


def _tell_breach(hand: Hand, clock: Clock, more: str) -> None:
    due = clock.breached_at or hand.now
    done = PROMISES[clock.what]
    words = f"No {done} by {due:%d %b %H:%M} UTC, as promised. {more or clock.why}"
    hand.tell("case.breached", hand.case, what=clock.what, target=clock.target, reason=words.strip())


def show(hand: Hand) -> None:
    """Write the nearest promise on the case. A broken promise of a resolution hides no answer that is still due."""
    case = hand.case
    standing = [one for one in hand.clocks if one.ended_at is None]
    running = [one for one in standing if one.running_since is not None and one.due_at is not None]
    running.sort(key=lambda one: (one.what == RESOLUTION and one.breached_at is not None, one.due_at))
    if not running:
        case.response_due_at = case.response_warn_at = None
    else:
        shown = running[0]
        case.due_what, case.response_due_at, case.response_warn_at = shown.what, shown.due_at, shown.warn_at
    if standing:
        broken = [one.breached_at for one in (*running, *standing) if one.breached_at is not None]
        case.breached_at = broken[0] if broken else None
