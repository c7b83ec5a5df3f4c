"""Escalation: handing a case on; how it went with other systems, and what those say of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Header, Router
from pydantic import Field

from parlour.api import bearer, schemas
from parlour.api.asked import Body, Id, Key, Text, Words, only
from parlour.api.bearer import Request
from parlour.api.shapes import case_shape
from parlour.api.wire import answer
from parlour.cases.access import get_case
from parlour.policy import escalating
from parlour.policy.handover import actions, queries
from parlour.policy.handover.models import Handover
from parlour.staff.access import ANSWER, Robot
from parlour.staff.models import Role

router = Router(tags=["Escalation"])


class BearerToken(bearer.BearerToken):
    """Also the token made on the page of another system, which is good for its own escalations only. (By its name it is one scheme with
    all others in the document.)"""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        found = queries.system_of(token)
        return Robot("system", found.pk, Role.AGENT) if found else super().authenticate(request, token)


class HandoverShape(schemas.Shape):
    """A case that was handed over to another system."""

    id: int
    case: int
    system: str
    state: Literal["waiting", "handed", "closed", "refused", "failed"]
    reference: str = Field(description="What it is called there; empty while it is not known.")
    url: str
    words: str = Field(description="What the other system last said, or why it could not be asked.")
    created_at: datetime


class Handovers(schemas.Shape):
    items: list[HandoverShape]


class EscalationBody(Body):
    to: Literal["agent", "team", "lead", "channel", "system"]
    target: Id | None = Field(None, description="Id of the agent, team, inbox or other system; none for a lead.")
    summary: Text = Field(description="For whoever gets it; becomes a note.")
    say: Words = Field("", max_length=10_000, description="What the customer is told; nothing when empty.")
    visibility: Literal["public", "private"] = "private"


class UpdateBody(Body):
    """At least one of them."""

    state: Literal["open", "closed", "refused"] | None = Field(None, description="How the case stands in that system.")
    comment: Words = Field("", max_length=5000, description="Becomes a note on the case.")
    reference: Words = Field("", max_length=120, description="What the case is called there.")
    url: Words = Field("", max_length=500, description="Where it can be seen there.")


def _shape(one: Handover) -> dict[str, object]:
    return {
        "id": one.pk,
        "case": one.case_id,
        "system": one.system.name,
        "state": one.state,
        "reference": one.reference,
        "url": one.link,
        "words": one.words,
        "created_at": one.created_at,
    }


@router.post(
    "/cases/{int:case_id}/escalations",
    response={201: schemas.Case},
    operation_id="escalateCase",
    summary="Escalate a case",
)
def escalate(
    request: Request,
    case_id: int,
    body: EscalationBody,
    idempotency_key: Annotated[Key | None, Header(alias="Idempotency-Key")] = None,
) -> HttpResponse:
    """To an agent, a team, a team lead, another channel of the brand or another system, with a summary that becomes a note. With an
    `Idempotency-Key` the customer is told only once."""
    only(request, ())
    get_case(request.auth, case_id, ANSWER)
    escalating.escalate(
        case_id,
        by=request.auth,
        to=body.to,
        target=body.target,
        summary=body.summary,
        say=body.say,
        visibility=body.visibility,
        key=f"token:{request.auth.pk}:{idempotency_key}" if idempotency_key else None,
    )
    return answer(case_shape(get_case(request.auth, case_id)), 201)


@router.get(
    "/cases/{int:case_id}/escalations",
    response=Handovers,
    operation_id="listEscalations",
    summary="List where a case was handed over to",
)
def list_escalations(request: Request, case_id: int) -> HttpResponse:
    """To other systems, the latest five, newest first."""
    only(request, ())
    return answer({"items": [_shape(one) for one in queries.of_case(get_case(request.auth, case_id).pk)]})


@router.post(
    "/escalations/{int:escalation_id}/updates",
    auth=BearerToken(),
    response=HandoverShape,
    operation_id="updateEscalation",
    summary="Say how an escalated case stands in another system",
)
def update(
    request: Request,
    escalation_id: int,
    body: UpdateBody,
    idempotency_key: Annotated[Key | None, Header(alias="Idempotency-Key")] = None,
) -> HttpResponse:
    """With the token of that system, or any token that may answer cases. With an `Idempotency-Key` it is said only once."""
    only(request, ())
    said = actions.take_word(
        escalation_id,
        by=request.auth,
        state=body.state or "",
        comment=body.comment,
        reference=body.reference,
        url=body.url,
        key=idempotency_key or "",
    )
    return answer(_shape(said))
