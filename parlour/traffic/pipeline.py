"""From raw arrivals to routed cases. One call handles one batch: the literal list of steps is the road."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Q

from parlour.cases.models import Message
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.lib.rows import update_rows
from parlour.traffic import lanes
from parlour.traffic.batch import Batch
from parlour.traffic.files import take_files
from parlour.traffic.keep import keep
from parlour.traffic.models import Arrival, ArrivalState
from parlour.traffic.record import record
from parlour.traffic.steps import identify, normalise, recall, thread
from parlour.traffic.understand import judge, left_over, think

log = logging.getLogger(__name__)

READING: tuple[Callable[[Batch], None], ...] = (normalise, take_files)
"""What happens before the transaction: nobody waits while files are written to their storage."""
STEPS: tuple[Callable[[Batch], None], ...] = (recall, identify, thread, record, keep)
"""What makes an arrival exist, in one transaction. ``think`` and ``judge`` follow, outside it."""

BATCH = 768
"""Arrivals handled together at most. More would cost less each (a tenth at 1,024), and keep other writers of SQLite waiting longer."""
RETRIES = 3
LEFT_AFTER = timedelta(seconds=30)


class Superseded(Exception):
    """Another worker has handled some of these arrivals meanwhile."""


@dataclass(slots=True)
class Timing:
    """Seconds spent in each step, for ``make bench``."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, step: str, began: float) -> float:
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - began
        return now


def run(owner: str, timing: Timing | None = None, limit: int = BATCH) -> int:
    """Handle the next batch of arrivals in the lanes ``owner`` can get; returns how many were handled."""
    timing = timing or Timing()
    began = time.perf_counter()
    arrivals = _claim(owner, limit)
    timing.add("claim", began)
    if not arrivals:
        return 0
    try:
        _handle(arrivals, timing)
    finally:
        lanes.give_back(owner)
    return len(arrivals)


def _claim(owner: str, limit: int) -> list[Arrival]:
    due = Arrival.objects.filter(state=ArrivalState.NEW).filter(Q(due_at__isnull=True) | Q(due_at__lte=clock.now()))
    waiting = list(due.order_by("id").values_list("lane", flat=True)[:limit])
    if not waiting:
        return []
    held = lanes.take(owner, set(waiting))
    return list(due.filter(lane__in=held).order_by("id")[:limit]) if held else []


def _handle(arrivals: list[Arrival], timing: Timing) -> None:
    """One batch, and when it fails, one by one: only what fails alone is parked."""
    try:
        fresh = _exist(arrivals, timing)
    except Superseded:
        return
    except OperationalError as error:
        log.warning("A batch was put off: the database said %s.", type(error).__name__)
        raise
    except Exception as error:
        if len(arrivals) == 1:
            _park(arrivals[0], error)
            return
        log.error("A batch failed (%s); going one by one.", where(error))
        for arrival in arrivals:
            _handle([arrival], timing)
        return
    think_and_judge(fresh, timing)


def _exist(arrivals: list[Arrival], timing: Timing) -> list[Message]:
    for attempt in range(RETRIES):
        try:
            return _exist_once(arrivals, timing)
        except IntegrityError:
            # A worker on another lane made the same customer or case at the same moment: look again.
            if attempt == RETRIES - 1:
                raise
    raise AssertionError("unreachable")


def _exist_once(arrivals: list[Arrival], timing: Timing) -> list[Message]:
    batch = Batch(arrivals=arrivals, now=clock.now())
    began = time.perf_counter()
    for step in READING:
        step(batch)
        began = timing.add(step.__name__, began)
    with transaction.atomic():
        for step in STEPS:
            step(batch)
            began = timing.add(step.__name__, began)
        _close(batch)
        began = timing.add("close", began)
    timing.add("commit", began)
    unique = {id(item.message): item.message for item in batch.fresh if item.message is not None}
    return list(unique.values())


def _close(batch: Batch) -> None:
    """Write what became of each arrival; what somebody else has closed meanwhile undoes the whole batch."""
    plain, others = [], []
    for arrival in batch.arrivals:
        outcome = batch.outcome(arrival)
        if outcome.state == ArrivalState.DONE and not outcome.reason:
            plain.append(arrival.pk)
        else:
            done_at = None if outcome.state == ArrivalState.NEW else batch.now
            others.append(
                (outcome.state, outcome.reason[:300], outcome.due_at, done_at, arrival.attempts + 1, arrival.pk)
            )
    new = Arrival.objects.filter(state=ArrivalState.NEW)
    if new.filter(pk__in=plain).update(state=ArrivalState.DONE, done_at=batch.now) != len(plain):
        raise Superseded
    if new.filter(pk__in=[row[-1] for row in others]).update(attempts=F("attempts") + 1) != len(others):
        raise Superseded
    update_rows(Arrival, ["state", "reason", "due_at", "done_at", "attempts"], others)


def _park(arrival: Arrival, error: Exception) -> None:
    reason = f"A fault of Parlour's: {where(error)}."[:300]
    log.error("Arrival %s was parked: %s", arrival.pk, where(error))
    parked = Arrival.objects.filter(pk=arrival.pk, state=ArrivalState.NEW)
    parked.update(state=ArrivalState.PARKED, reason=reason, done_at=clock.now(), attempts=arrival.attempts + 1)


def think_and_judge(messages: list[Message], timing: Timing) -> None:
    """The second half of the road, for messages that exist."""
    if not messages:
        return
    began = time.perf_counter()
    thoughts = think(messages)
    began = timing.add("think", began)
    judge(thoughts)
    timing.add("judge", began)


def catch_up() -> int:
    """Think about messages a crash left without; returns how many."""
    messages = left_over(clock.now() - LEFT_AFTER)
    think_and_judge(messages, Timing())
    return len(messages)
