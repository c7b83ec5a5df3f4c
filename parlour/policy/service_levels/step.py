"""The clocks: what the brand has promised its waiting customers, in step with a batch of cases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Q

from parlour.cases.models import UNSAID, Case, Delivery, Direction, Message
from parlour.channels import registry
from parlour.customers.models import Customer
from parlour.lib.rows import insert_rows, save_rows
from parlour.policy.judging import Judging
from parlour.policy.service_levels import queries
from parlour.policy.service_levels.clocks import AGAIN, Hand, end, follow
from parlour.policy.service_levels.escalation import People, escalate
from parlour.policy.service_levels.models import Clock
from parlour.policy.service_levels.plan import FIRST, NEXT, RESOLUTION, Plan

FIELDS = [
    "target",
    "why",
    "promised",
    "started_at",
    "spent",
    "running_since",
    "resting",
    "due_at",
    "warn_at",
    "warned_at",
    "breached_at",
    "steps",
    "notified_at",
    "seen_at",
    "ended_at",
    "kept",
]


def begin_wait(case: Case) -> None:
    """The customer begins to wait: say which promise that is about. Whoever opens a case again is promised a first answer anew. The
    caller saves; the clock runs once the case is judged."""
    case.due_what = FIRST if case.first_response_at is None or case.resolved_at is not None else NEXT


def keep_time(judging: Judging) -> None:
    """Start, stop and rest the clocks of these cases, warn before a promise breaks, say when it has, and escalate."""
    if not judging.cases:
        return
    plan, people = queries.current(), People()
    hands = _hands(judging.cases, plan, judging.now, judging.tell)
    for hand in hands:
        follow(hand)
        judging.again(hand.case, escalate(hand, people))
        for clock in hand.clocks:
            if clock.ended_at is None and clock.breached_at is None:
                judging.again(hand.case, clock.warn_at)
                judging.again(hand.case, clock.due_at)
        if plan.minds_score and not hand.case.priority_reasons:
            # Its score is made after this, and may make it another target's.
            judging.again(hand.case, judging.now + AGAIN)
    _write(hands)


def end_clocks(cases: Sequence[Case], now: datetime, tell: Callable[..., None]) -> None:
    """These cases are resolved: their clocks are over. Inside the caller's transaction; the cases are held, and saved by the caller."""
    hands = _hands(cases, queries.current(), now, tell)
    for hand in hands:
        end(hand)
    _write(hands)


def _hands(cases: Sequence[Case], plan: Plan, now: datetime, tell: Callable[..., None]) -> list[Hand]:
    clocks = _clocks(cases)
    vips: Collection[int] = ()
    if plan.minds_vip:
        people = {case.customer_id for case in cases}
        vips = set(Customer.objects.filter(pk__in=people, vip=True).values_list("pk", flat=True))
    return [
        Hand(
            case,
            clocks.get(case.pk, []),
            plan,
            now,
            tell,
            vip=case.customer_id in vips,
            answerable=not case.brand.recorded and _answerable(case.channel),
            answered=first_answer,
        )
        for case in cases
    ]


def _answerable(channel: str) -> bool:
    """Nothing is promised where nobody can be answered (a feed)."""
    try:
        can = registry.get(channel).capabilities
    except LookupError:
        return True
    return bool(can.public or can.private)


def _clocks(cases: Sequence[Case]) -> dict[int, list[Clock]]:
    """What still stands, the clock of the resolution, and what an answer has ended that may not have arrived."""
    waits = [case.waiting_since for case in cases if case.waiting_since is not None]
    wanted = Q(ended_at__isnull=True) | Q(what=RESOLUTION)
    if waits:
        wanted |= Q(started_at__gte=min(waits))
    found: dict[int, list[Clock]] = {}
    for clock in Clock.objects.filter(wanted, case_id__in=[case.pk for case in cases]).order_by("id"):
        found.setdefault(clock.case_id, []).append(clock)
    return found


def first_answer(clock: Clock) -> datetime | None:
    """When the customer was first answered after the clock began, by the record: answers that never arrived are none."""
    gone = Delivery.objects.filter(message=OuterRef("pk"), what="send", state__in=UNSAID)
    said = Message.objects.filter(case_id=clock.case_id, direction=Direction.OUT, sent_at__gte=clock.started_at)
    found: datetime | None = said.filter(~Exists(gone)).aggregate(first=Min("sent_at"))["first"]
    return found


def _write(hands: Iterable[Hand]) -> None:
    changed = [clock for hand in hands for clock in hand.changed]
    save_rows(FIELDS, [clock for clock in changed if clock.pk is not None])
    insert_rows(Clock, [clock for clock in changed if clock.pk is None])
