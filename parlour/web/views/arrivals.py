"""Arrivals that could not be handled, for team leads."""

from __future__ import annotations

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


@seat(access.LEAD)
def arrivals(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Parked arrivals with their reasons."""
    page = arrivals_of.parked(agent, request.GET.get("cursor") or None)
    names = {inbox.pk: inbox for inbox in channels.inboxes()}
    shown = {"parked": [(one, names.get(one.inbox_id)) for one in page.items], "more": page.next, "section": "arrivals"}
    return render(request, "arrivals.html", parts.frame(agent) | shown)


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
