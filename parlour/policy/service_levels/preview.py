"""How the cases of the last weeks would have fared under a plan: told before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from parlour.cases.models import Case, Direction, Message, Status
from parlour.customers.models import Customer
from parlour.lib import clock
from parlour.policy.service_levels.plan import FIRST, NEXT, PROMISES, RESOLUTION, Plan

DAYS, MOST = 30, 1000
Said = tuple[datetime, bool]
"""When something was said that counts, and whether by the customer."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often one promise of one target was kept."""

    target: str
    what: str
    kept: int
    broken: int

    @property
    def percent(self) -> float | None:
        total = self.kept + self.broken
        return 100 * self.kept / total if total else None


@dataclass(frozen=True, slots=True)
class Record:
    """What happened: the latest cases with their talk, oldest words first."""

    cases: Sequence[Case]
    said: dict[int, list[Said]]
    vips: frozenset[int]
    now: datetime


def recent() -> Record:
    """The cases of the last ``DAYS`` days, the latest ``MOST`` of them; recordings are promised nothing."""
    now = clock.now()
    rows = Case.objects.filter(opened_at__gte=now - timedelta(days=DAYS), actionable=True, brand__recorded=False)
    cases = list(rows.order_by("-pk")[:MOST])
    said: dict[int, list[Said]] = {case.pk: [] for case in cases}
    spoken = Message.objects.filter(case_id__in=said).exclude(direction=Direction.NOTE).exclude(actionable=False)
    for case_id, at, direction in spoken.order_by("sent_at", "id").values_list("case_id", "sent_at", "direction"):
        said[case_id or 0].append((at, direction == Direction.IN))
    people = {case.customer_id for case in cases}
    vips = frozenset(Customer.objects.filter(pk__in=people, vip=True).values_list("pk", flat=True))
    return Record(cases, said, vips, now)


def fared(plan: Plan, record: Record) -> dict[tuple[str, str], Share]:
    """(target, promise) -> how often it would have been kept. What still runs in time counts as neither."""
    counts: dict[tuple[str, str], list[int]] = {}
    for case in record.cases:
        vip = case.customer_id in record.vips
        for what, spans, over in _clocks(case, record.said[case.pk], record.now):
            picked = plan.pick(what, case, vip)
            if picked is None:
                continue
            target = picked[0]
            calendar = plan.calendar(target.calendar)
            spent = sum(calendar.between(begin, end) for begin, end in spans)
            broken = spent > (target.promised(what) or 0) * 60
            if over or broken:
                counts.setdefault((target.key, what), [0, 0])[broken] += 1
    return {(key, what): Share(key, what, kept, broken) for (key, what), (kept, broken) in counts.items()}


Span = tuple[datetime, datetime]


def _clocks(case: Case, said: Sequence[Said], now: datetime) -> list[tuple[str, list[Span], bool]]:
    """The clocks a case would have had: what, when they ran, and whether they are over."""
    resolved = case.resolved_at if case.status == Status.RESOLVED else None
    clocks: list[tuple[str, list[Span], bool]] = []
    wait: datetime | None = None
    answers, running, spans = 0, case.opened_at, []
    rests = False
    for at, theirs in said:
        if theirs and wait is None:
            wait = at
            if rests:
                running, rests = at, False
        elif not theirs:
            if wait is not None:
                clocks.append((FIRST if not answers else NEXT, [(wait, at)], True))
                wait = None
            if not rests:
                spans.append((running, at))
                rests = True
            answers += 1
    if wait is not None and resolved is None:
        clocks.append((NEXT if answers else FIRST, [(wait, now)], False))
    if not rests:
        spans.append((running, resolved or now))
    clocks.append((RESOLUTION, spans, resolved is not None))
    return clocks


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the comparison: how a promise fares now, and how it would."""

    name: str
    promise: str
    before: Share | None
    after: Share | None


def effect(before: Plan, after: Plan) -> tuple[list[Effect], int]:
    """What a change would have done to the recent cases, by target and promise; and how many cases were looked at."""
    record = recent()
    was, will = fared(before, record), fared(after, record)
    names = {one.key: one.name for one in (*before.targets, *after.targets)}
    order = {one.key: number for number, one in enumerate((*after.targets, *before.targets))}
    keys = sorted({*was, *will}, key=lambda key: (order.get(key[0], 0), list(PROMISES).index(key[1])))
    rows = [Effect(names[key], PROMISES[what], was.get((key, what)), will.get((key, what))) for key, what in keys]
    return rows, len(record.cases)
