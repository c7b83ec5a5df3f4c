"""The desk itself: its inboxes, people and teams, and the token that asks."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from ninja import Router

from parlour.api import schemas
from parlour.api.asked import AgentChange, TeamChange, only
from parlour.api.bearer import Request
from parlour.api.shapes import agent_shape, inbox_shape, team_shape, token_shape
from parlour.api.wire import answer
from parlour.cases.access import possible_id
from parlour.channels import queries as channels
from parlour.policy.routing import actions as routing
from parlour.policy.routing import changes
from parlour.staff import queries as staff
from parlour.staff.access import LEAD, READ, may, require
from parlour.staff.models import Agent

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
    """All teams, by name, with what is routed to them."""
    only(request, ())
    require(request.auth, READ)
    return answer({"items": [team_shape(team) for team in staff.teams()], "next": None})


@router.patch(
    "/agents/{int:agent_id}", response=schemas.Agent, operation_id="changeAgent", summary="Change an agent's seat"
)
def change_agent(request: Request, agent_id: int, body: AgentChange) -> HttpResponse:
    """Presence, room, skills, languages and teams, for your own shift planning; all of it or nothing. Needs the right `lead`."""
    only(request, ())
    require(request.auth, LEAD)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    presence, teams = given.pop("presence", None), given.pop("teams", None)
    with transaction.atomic():
        agent = Agent.objects.get(pk=possible_id(agent_id), is_active=True)
        if given or teams is not None:
            agent, _ = changes.save_agent(agent.pk, given, teams, by=request.auth)
        if presence is not None:
            routing.set_presence(agent, presence, by_themselves=False)
    return answer(agent_shape(Agent.objects.prefetch_related("teams").get(pk=agent.pk)))


@router.patch("/teams/{int:team_id}", response=schemas.Team, operation_id="changeTeam", summary="Change a team")
def change_team(request: Request, team_id: int, body: TeamChange) -> HttpResponse:
    """What it takes and how it gives it out. What waits is routed anew. Needs the right `lead`."""
    only(request, ())
    require(request.auth, LEAD)
    values = {name: getattr(body, name) for name in body.model_fields_set}
    team, _ = changes.save_team(possible_id(team_id), values, by=request.auth)
    return answer(team_shape(team))


@router.get("/me", response=schemas.Me, operation_id="readMe", summary="Read your own token")
def read_me(request: Request) -> HttpResponse:
    """Whose token this is and what its role may do."""
    only(request, ())
    return answer(token_shape(request.auth))
