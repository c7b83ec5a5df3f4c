"""Judging cases. Every decision leaves its reason in words in the event log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from parlour.cases.models import Case, Message, Status
from parlour.lib import clock
from parlour.lib.rows import update_rows
from parlour.policy.judging import JUDGED, Judging
from parlour.policy.priority.step import score_cases
from parlour.policy.purpose.step import set_purpose
from parlour.policy.routing.step import hand_out, route
from parlour.policy.service_levels.step import keep_time, start_clock
from parlour.spine import actions as spine
from parlour.spine.models import Event

STEPS: tuple[Callable[[Judging], None], ...] = (set_purpose, keep_time, score_cases, route)
"""What policy does with a case, in order. Each step takes the batch, changes cases in memory and tells why."""
AT_ONCE = 500


def judge(
    batch: Iterable[Case],
    now: datetime,
    said: Mapping[int, Sequence[Message]] | None = None,
    changed: Sequence[str] = (),
) -> None:
    """Take the open ones of these cases through the steps and save what came out. Inside the caller's transaction; cases carry their
    brand and are held.

    ``said``: the customers' new words by case, oldest first. ``changed``: what the caller has changed on the cases, which is saved with it.
    """
    batch = list(batch)
    judging = Judging([case for case in batch if case.status == Status.OPEN], now, said or {})
    if changed:
        _save([case for case in batch if case.status != Status.OPEN], list(changed))
    if not judging.cases:
        return
    for step in STEPS:
        step(judging)
    for case in judging.cases:
        case.look_at = min(judging.coming.get(case.pk, ()), default=None)
    _save(judging.cases, list(dict.fromkeys((*JUDGED, *changed))))
    spine.write_many(judging.events)


def _save(cases: Iterable[Case], fields: list[str]) -> None:
    update_rows(Case, fields, ([getattr(case, name) for name in fields] + [case.pk] for case in cases))


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


__all__ = ["AT_ONCE", "STEPS", "hand_out", "judge", "look", "start_clock"]
