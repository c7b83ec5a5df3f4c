"""Judging cases. Every decision leaves its reason in words in the event log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from parlour.cases.models import Case, Message, Status
from parlour.lib import clock
from parlour.lib.rows import save_rows
from parlour.policy.handover.sending import send_due
from parlour.policy.incidents.step import gather
from parlour.policy.incidents.telling import tell
from parlour.policy.incidents.watching import watch
from parlour.policy.judging import JUDGED, Judging
from parlour.policy.moderation.step import moderate
from parlour.policy.priority.actions import score_anew
from parlour.policy.priority.step import score_cases
from parlour.policy.purpose.step import set_purpose
from parlour.policy.routing.actions import take_back, take_next
from parlour.policy.routing.step import hand_out, route
from parlour.policy.rules.follow import follow as follow_rules
from parlour.policy.rules.step import apply_rules
from parlour.policy.service_levels.recompute import tell_running
from parlour.policy.service_levels.step import begin_wait, end_clocks, keep_time
from parlour.spine import actions as spine
from parlour.spine.models import Event

STEPS: tuple[Callable[[Judging], None], ...] = (
    moderate,
    set_purpose,
    apply_rules,
    keep_time,
    score_cases,
    route,
    gather,
)
"""What policy does with a case, in order. Each step takes the batch, changes cases in memory and tells why."""
AT_ONCE = 500
SHORTEST = 0.02
"""Seconds between two looks at least: what is due may be in another worker's hands."""


def judge(
    batch: Iterable[Case],
    now: datetime,
    said: Mapping[int, Sequence[Message]] | None = None,
    changed: Sequence[str] = (),
) -> None:
    """Take the open ones of these cases through the steps and save what came out; the clocks of resolved ones are over. Inside the
    caller's transaction; cases carry their brand and are held.

    ``said``: the customers' new words by case, oldest first. ``changed``: what the caller has changed on the cases, which is saved with it.
    """
    batch = list(batch)
    judging = Judging([case for case in batch if case.status == Status.OPEN], now, said or {})
    if over := [case for case in batch if case.status != Status.OPEN]:
        end_clocks(over, now, judging.tell)
        for case in over:
            case.look_at = None
        save_rows(list(dict.fromkeys(("look_at", "breached_at", *changed))), over)
    if judging.cases:
        _take_through(judging, changed)
    spine.write_many(judging.events)
    for work in judging.afterwards:
        work()


def _take_through(judging: Judging, changed: Sequence[str]) -> None:
    judged = list(judging.cases)
    for step in STEPS:
        step(judging)
    for case in judged:
        case.look_at = min(judging.coming.get(case.pk, ()), default=None)
    save_rows(list(dict.fromkeys((*JUDGED, *changed))), judged)


def look(now: datetime | None = None) -> int:
    """Judge the cases that are due for it, at most ``AT_ONCE``; returns how many. The cost follows what is due, not what is open."""
    now = now or clock.now()
    with transaction.atomic():
        due = Case.objects.filter(look_at__isnull=False, look_at__lte=now).order_by("look_at")
        batch = list(due.select_related("brand").select_for_update(of=("self",), skip_locked=True)[:AT_ONCE])
        before = {case.pk: case.priority for case in batch}
        judge(batch, now)
        spine.write_many(
            Event(verb="case.scored", case_id=case.pk, data={"was": before[case.pk], "now": case.priority})
            for case in batch
            if case.priority != before[case.pk]
        )
    return len(batch)


def until_next(most: float) -> float:
    """Seconds until a case is to be looked at, at most ``most``. One step into an index."""
    coming = Case.objects.filter(look_at__isnull=False).order_by("look_at").values_list("look_at", flat=True).first()
    return most if coming is None else min(most, max((coming - clock.now()).total_seconds(), SHORTEST))


__all__ = [
    "AT_ONCE",
    "STEPS",
    "begin_wait",
    "follow_rules",
    "hand_out",
    "judge",
    "look",
    "score_anew",
    "send_due",
    "take_back",
    "take_next",
    "tell",
    "tell_running",
    "until_next",
    "watch",
]
