"""Arrivals that could not be handled, for team leads."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.channels import queries as channels
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.traffic import actions as traffic
from parlour.traffic import queries as arrivals_of
from parlour.web.views import parts
from parlour.web.views.guard import seat

SHOWN = 8000
"""Characters of what came, at most: enough to see whose words are in it."""


@seat(access.LEAD)
def arrivals(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Parked arrivals with their reasons."""
    page = arrivals_of.parked(agent, request.GET.get("cursor") or None)
    names = {inbox.pk: inbox for inbox in channels.inboxes()}
    rows = [(one, names.get(one.inbox_id), _written_out(bytes(one.body))) for one in page.items]
    shown = {"parked": rows, "more": page.next, "section": "arrivals"}
    return render(request, "arrivals.html", parts.frame(agent) | shown)


def _written_out(body: bytes) -> str:
    """What came, for people to read: JSON on lines of its own, anything else as it is; cut after ``SHOWN``."""
    try:
        words = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except ValueError:
        words = body[: SHOWN * 4].decode(errors="replace")
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


@seat(access.LEAD, ("POST",))
def replay(_: HttpRequest, agent: Agent, arrival_id: int) -> HttpResponse:
    """Send an arrival through the pipeline again."""
    traffic.replay(arrival_id, by=agent)
    return HttpResponseRedirect(reverse("arrivals"))


@seat(access.LEAD, ("POST",))
def dismiss(_: HttpRequest, agent: Agent, arrival_id: int) -> HttpResponse:
    """Keep an arrival, but no longer ask anybody about it."""
    traffic.dismiss(arrival_id, by=agent)
    return HttpResponseRedirect(reverse("arrivals"))
