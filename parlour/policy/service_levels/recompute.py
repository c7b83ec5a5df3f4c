"""Telling the clocks that run of a new edition of what is promised: some at a time, by whichever worker has the time."""

from __future__ import annotations

from django.db import transaction

from parlour.cases.models import Case, Status
from parlour.lib import clock
from parlour.policy.service_levels.models import Edition
from parlour.spine import actions as spine

AT_ONCE = 1000
"""Cases told in one transaction: each is judged again soon after, which is the longer work."""

_done = ""
"""Mark of the latest edition that is known to be done, so that looking costs one tiny query."""


def tell_running() -> int:
    """Let the next open cases be judged by the latest edition; returns how many. 0 once all are, or while another worker does it."""
    global _done
    latest = Edition.objects.order_by("-pk").values_list("pk", "mark").first()
    if latest is None or latest[1] == _done:
        return 0
    with transaction.atomic():
        edition = Edition.objects.select_for_update(skip_locked=True).filter(pk=latest[0]).first()
        if edition is None:
            return 0
        if edition.done_at is not None:
            _done = edition.mark
            return 0
        rows = Case.objects.filter(pk__gt=edition.reached, status=Status.OPEN, brand__recorded=False).order_by("pk")
        found = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        Case.objects.filter(pk__in=found, status=Status.OPEN).update(look_at=clock.now())
        edition.told += len(found)
        edition.reached = found[-1] if found else edition.reached
        if len(found) < AT_ONCE:
            edition.done_at = clock.now()
            spine.write("service_levels.applied", edition=edition.pk, cases=edition.told)
        edition.save(update_fields=["told", "reached", "done_at"])
    return len(found)
