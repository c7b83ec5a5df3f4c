"""The desk itself: its inboxes, people and teams, and the token that asks."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Router

from parlour.api import schemas
from parlour.api.asked import only
from parlour.api.bearer import Request
from parlour.api.shapes import agent_shape, inbox_shape, team_shape, token_shape
from parlour.api.wire import answer
from parlour.channels import queries as channels
from parlour.staff import queries as staff
from parlour.staff.access import LEAD, READ, may, require

router = Router(tags=["Desk"])


@router.get("/inboxes", response=schemas.ListOf[schemas.Inbox], operation_id="listInboxes", summary="List inboxes")
def list_inboxes(request: Request) -> HttpResponse:
    """The connected accounts, with what their channels can do. Credentials are never sent.

    ``webhook_path`` and ``health_note`` are empty for tokens whose role does not hold ``lead``.
    """
    only(request, ())
    require(request.auth, READ)
    whole = may(request.auth, LEAD)
    return answer({"items": [inbox_shape(inbox, whole=whole) for inbox in channels.inboxes()], "next": None})


@router.get("/agents", response=schemas.ListOf[schemas.Agent], operation_id="listAgents", summary="List agents")
def list_agents(request: Request) -> HttpResponse:
    """Everybody with a seat, by name."""
    only(request, ())
    require(request.auth, READ)
    return answer({"items": [agent_shape(one) for one in staff.agents().prefetch_related("teams")], "next": None})


@router.get("/teams", response=schemas.ListOf[schemas.Team], operation_id="listTeams", summary="List teams")
def list_teams(request: Request) -> HttpResponse:
    """All teams, by name, with the categories that are routed to them."""
    only(request, ())
    require(request.auth, READ)
    return answer({"items": [team_shape(team) for team in staff.teams()], "next": None})


@router.get("/me", response=schemas.Me, operation_id="readMe", summary="Read your own token")
def read_me(request: Request) -> HttpResponse:
    """Whose token this is and what its role may do."""
    only(request, ())
    return answer(token_shape(request.auth))
