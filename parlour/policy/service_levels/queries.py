"""Reads of what is promised, and of the clocks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from parlour.policy.service_levels.models import Clock, Edition
from parlour.policy.service_levels.plan import BEGINNING, Plan, plan_of

_read: dict[str, Plan] = {}
"""The plan that was read last, by the mark of its edition."""


def current() -> Plan:
    """What is promised now. One tiny query: whatever any process has saved holds at once."""
    latest = Edition.objects.order_by("-pk").values_list("mark", flat=True).first()
    if latest is None:
        return BEGINNING
    known = _read.get(latest)
    if known is None:
        edition = Edition.objects.filter(mark=latest).latest("pk")
        known = plan_of(edition.document, edition.pk, edition.at)
        _read.clear()
        _read[latest] = known
    return known


def editions(most: int = 20) -> list[Edition]:
    """The latest first."""
    return list(Edition.objects.order_by("-pk")[:most])


def clocks_of(case_ids: Iterable[int]) -> dict[int, list[Clock]]:
    """The clocks of some cases that are not over, and what became of the others' last ones: at most a few each, oldest first."""
    found: dict[int, list[Clock]] = {}
    for one in Clock.objects.filter(case_id__in=list(case_ids), ended_at__isnull=True).order_by("case_id", "id"):
        found.setdefault(one.case_id, []).append(one)
    return found


def broken() -> QuerySet[Clock]:
    """Promises that are broken and still stand, the oldest first."""
    rows = Clock.objects.filter(breached_at__isnull=False, ended_at__isnull=True).order_by("breached_at", "id")
    return rows.select_related("case__customer", "case__brand", "case__team", "case__assignee")


def notices_count(most: int) -> int:
    """How many those are, counted up to ``most``."""
    rows = Clock.objects.filter(notified_at__isnull=False, seen_at__isnull=True, ended_at__isnull=True)
    return rows.order_by()[:most].count()


def notices() -> QuerySet[Clock]:
    """What team leads were told of and none has seen."""
    rows = Clock.objects.filter(notified_at__isnull=False, seen_at__isnull=True, ended_at__isnull=True)
    return rows.order_by("-notified_at", "-id").select_related("case__customer")
