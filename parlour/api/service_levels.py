"""What is promised, and the clocks of cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from parlour.api.asked import only
from parlour.api.bearer import Request
from parlour.api.schemas import Shape
from parlour.api.wire import answer
from parlour.policy.service_levels import queries
from parlour.policy.service_levels.models import Clock
from parlour.policy.service_levels.plan import document
from parlour.staff.access import LEAD, require

router = Router(tags=["Policy"])


class StepShape(Shape):
    when: str = Field(description="`warning` or `breach`.")
    do: str = Field(description="`notify`, `level`, `team` or `agent`.")
    value: str = Field(description="The level, or the id of the team or agent.")
    after: int = Field(description="Minutes after the breach.")


class TargetShape(Shape):
    """Empty conditions are met by every case. Lengths in minutes; null promises nothing."""

    key: str
    name: str
    brands: list[int]
    channels: list[str]
    visibility: str
    levels: list[str]
    score_from: int | None
    score_to: int | None
    vip: bool
    first: int | None
    next: int | None
    resolution: int | None
    calendar: str = Field(description="Key of a calendar; empty around the clock.")
    warning: int
    pause_tags: list[str]
    steps: list[StepShape]


class CalendarShape(Shape):
    key: str
    name: str
    zone: str
    hours: list[list[list[int]]] = Field(description="Monday first: `[from, to]` in minutes after midnight.")
    country: str
    part: str
    closed: list[list[str]] = Field(description="`[day, name]`.")
    special: list[list[Any]] = Field(description="`[day, hours]`.")


class ServiceLevels(Shape):
    edition: int = Field(description="Goes up with every change; 0 while nobody has changed anything.")
    targets: list[TargetShape] = Field(
        description="The most specific that fits holds; of equally specific ones the first."
    )
    calendars: list[CalendarShape]


@router.get(
    "/service-levels", response=ServiceLevels, operation_id="readServiceLevels", summary="Read what is promised"
)
def read_service_levels(request: Request) -> HttpResponse:
    """All targets and opening hours, for tokens whose role may lead."""
    only(request, ())
    require(request.auth, LEAD)
    plan = queries.current()
    return answer({"edition": plan.edition, **document(plan)})


def clock_shapes(case_ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """The standing clocks of some cases, by case. One query."""
    return {pk: [_clock_shape(one) for one in found] for pk, found in queries.clocks_of(case_ids).items()}


def _clock_shape(clock: Clock) -> dict[str, Any]:
    return {
        "what": clock.what,
        "target": clock.target,
        "why": clock.why,
        "promised_seconds": clock.promised,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "resting": clock.resting or None,
        "breached_at": clock.breached_at,
    }
