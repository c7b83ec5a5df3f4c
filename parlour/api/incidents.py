"""Incidents: what runs, its status, its cases. Answers to everybody are given in the desk, in an agent's name."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import transaction
from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from parlour.api import schemas
from parlour.api.asked import Body, Id, Words, only
from parlour.api.bearer import Request
from parlour.api.wire import answer
from parlour.cases.access import get_case, possible_id
from parlour.policy.incidents import actions, queries
from parlour.policy.incidents.models import RUNNING, Incident, State
from parlour.staff.access import ANSWER, LEAD, READ, require

router = Router(tags=["Incidents"])
MOST = 200


class IncidentShape(schemas.Shape):
    """Many cases of one cause."""

    id: int
    brand: int
    title: str
    state: Literal["suggested", "investigating", "identified", "monitoring", "resolved", "dismissed"]
    public_words: str
    why: str = Field(description="Why it was suggested; empty for one opened by hand.")
    words: list[str] = Field(description="Stems that bring a case in; of an entry of several all must be said.")
    cases: int
    open_cases: int
    found_at: datetime
    last_at: datetime
    ended_at: datetime | None


class Incidents(schemas.Shape):
    items: list[IncidentShape]


class IncidentBody(Body):
    brand: Id
    title: Words = Field(max_length=160)
    words: Words = Field("", max_length=500, description="What brings a case in, with commas between.")
    cases: list[Id] = Field([], max_length=1000)


class StatusBody(Body):
    state: Literal["investigating", "identified", "monitoring", "resolved"]
    public_words: Words | None = Field(None, max_length=1000, description="As they were when left out.")


class CaseBody(Body):
    case: Id


def _shape(one: Incident) -> dict[str, object]:
    return {
        "id": one.pk,
        "brand": one.brand_id,
        "title": one.title,
        "state": one.state,
        "public_words": one.public_words,
        "why": one.why,
        "words": one.words,
        "cases": one.cases_in,  # type: ignore[attr-defined]
        "open_cases": one.cases_open,  # type: ignore[attr-defined]
        "found_at": one.found_at,
        "last_at": one.last_at,
        "ended_at": one.ended_at,
    }


def _told(incident_id: int, status: int = 200) -> HttpResponse:
    return answer(_shape(queries.with_counts(Incident.objects.all()).get(pk=incident_id)), status)


@router.get("/incidents", response=Incidents, operation_id="listIncidents", summary="List incidents")
def list_incidents(request: Request) -> HttpResponse:
    """Those that run, for everybody; suggested and past ones too for team leads. The newest first, at most 200."""
    only(request, ())
    require(request.auth, READ)
    rows = queries.with_counts(Incident.objects.order_by("-id"))
    if request.auth.role not in ("lead", "admin"):
        rows = rows.filter(state__in=RUNNING)
    return answer({"items": [_shape(one) for one in rows[:MOST]]})


@router.post("/incidents", response={201: IncidentShape}, operation_id="openIncident", summary="Open an incident")
def open_incident(request: Request, body: IncidentBody) -> HttpResponse:
    """Cases of the last two days that say its words are taken in at once, and the cases named."""
    only(request, ())
    made = actions.open_by_hand(body.brand, by=request.auth, title=body.title, words=body.words, cases=body.cases)
    return _told(made.pk, 201)


@router.put(
    "/incidents/{int:incident_id}/status",
    response=IncidentShape,
    operation_id="setIncidentStatus",
    summary="Set the status of an incident",
)
def set_status(request: Request, incident_id: int, body: StatusBody) -> HttpResponse:
    """A suggested incident is opened by it; `resolved` ends it."""
    only(request, ())
    require(request.auth, LEAD)
    with transaction.atomic():
        if Incident.objects.get(pk=possible_id(incident_id)).state == State.SUGGESTED:
            actions.accept(incident_id, by=request.auth)
        actions.set_status(incident_id, body.state, by=request.auth, words=body.public_words)
    return _told(incident_id)


@router.post(
    "/incidents/{int:incident_id}/cases",
    response=IncidentShape,
    operation_id="addIncidentCase",
    summary="Put a case into an incident",
)
def add_case(request: Request, incident_id: int, body: CaseBody) -> HttpResponse:
    only(request, ())
    get_case(request.auth, body.case, ANSWER)
    actions.add_case(incident_id, body.case, by=request.auth)
    return _told(incident_id)


@router.delete(
    "/incidents/{int:incident_id}/cases/{int:case_id}",
    response=IncidentShape,
    operation_id="removeIncidentCase",
    summary="Take a case out of an incident",
)
def remove_case(request: Request, incident_id: int, case_id: int) -> HttpResponse:
    """It does not come back by itself."""
    only(request, ())
    get_case(request.auth, case_id, ANSWER)
    actions.remove_case(incident_id, case_id, by=request.auth)
    return _told(incident_id)
