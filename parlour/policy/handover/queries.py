"""Reads of other systems and of what is with them."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from parlour.policy.handover.models import Handover, System
from parlour.staff.actions import digest

SHOWN = 5


def systems(brand_id: int | None = None) -> QuerySet[System]:
    """Those that can be handed something; of one brand, with those of every brand."""
    found = System.objects.filter(removed_at=None).select_related("brand")
    return found if brand_id is None else found.filter(Q(brand=None) | Q(brand=brand_id))


def of_case(case_id: int) -> list[Handover]:
    """Where the case has been handed over to, latest first."""
    return list(Handover.objects.filter(case_id=case_id).select_related("system").order_by("-id")[:SHOWN])


def lately(system: System) -> list[Handover]:
    """What it was handed last."""
    return list(system.handovers.select_related("case", "case__customer").order_by("-id")[:20])


def system_of(token: str) -> System | None:
    """The system that answers with this token."""
    return systems().filter(digest=digest(token)).first() if token.isascii() and token else None
