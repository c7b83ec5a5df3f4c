"""People: agents' seats, what they know and take, the teams they are in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Invalid
from parlour.lib import clock
from parlour.lib.text import storable
from parlour.policy.routing import changes, looking, queries
from parlour.staff import access
from parlour.staff import actions as staff_actions
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Role
from parlour.web.views import policy
from parlour.web.views.forms import number, skills_of, words_in
from parlour.web.views.guard import seat

PART = "policy-people"


@seat(access.LEAD)
def people(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Everybody with a seat."""
    here = {person.agent.pk: person for person in looking.people(queries.rules(), clock.now())}
    agents = Agent.objects.prefetch_related("teams").order_by("-is_active", "name")
    shown = {
        "people": [(one, here.get(one.pk)) for one in agents],
        "change": queries.latest_change("agent"),
        "said": request.session.pop("said", ""),
        "link": request.session.pop("made_link", ""),
    }
    return render(request, "policy/people.html", policy.frame(agent, PART) | shown)


@seat(access.LEAD, ("GET", "HEAD", "POST"))
def person(request: HttpRequest, agent: Agent, agent_id: int | None = None) -> HttpResponse:
    """Add somebody, or change their seat."""
    found = Agent.objects.get(pk=agent_id) if agent_id is not None else Agent(name="")
    if request.method != "POST":
        return _form(request, agent, found)
    do = request.POST.get("do", "")
    try:
        if do == "link" and agent_id is not None:
            return _new_link(request, agent, found)
        if agent_id is None:
            values = _values(request)
            made, secret = changes.add_agent(
                values, _teams(request), storable(request.POST.get("email", ""), 254), by=agent
            )
            return _told(request, f"{made.name} has a seat. Send them this link; it works once, for a day.", secret)
        if do in ("deactivate", "activate"):
            saved, _ = changes.save_agent(agent_id, {"is_active": do == "activate"}, None, by=agent)
            return _told(
                request,
                f"{saved.name} is {'back' if saved.is_active else 'deactivated; their cases went back to the queue'}.",
            )
        saved, _ = changes.save_agent(agent_id, _values(request), _teams(request), by=agent)
    except Invalid as error:
        found.name = storable(request.POST.get("name", ""), 80)
        return _form(request, agent, found, status=422, trouble=str(error))
    return _told(request, f"{saved.name} is saved.")


def _new_link(request: HttpRequest, by: Agent, agent: Agent) -> HttpResponse:
    if agent.role == Role.ADMIN:
        access.require(by, access.ADMINISTER)
    return _told(
        request, f"A new link for {agent.name}; it works once, for a day.", staff_actions.make_sign_in_link(agent)
    )


def _told(request: HttpRequest, words: str, secret: str = "") -> HttpResponse:
    request.session["said"] = words
    if secret:
        base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
        request.session["made_link"] = base + reverse("sign-in-link", args=[secret])
    return HttpResponseRedirect(reverse(PART))


def _values(request: HttpRequest) -> dict[str, Any]:
    return {
        "name": storable(request.POST.get("name", ""), 80),
        "role": request.POST.get("role", Role.AGENT),
        "capacity": number(request, "capacity", "Places", 20),
        "skills": skills_of(request.POST.get("skills", "")),
        "languages": words_in(request.POST.get("languages", "")),
    }


def _teams(request: HttpRequest) -> list[int]:
    return [int(one) for one in request.POST.getlist("teams") if one.isascii() and one.isdigit() and len(one) < 18]


def _form(request: HttpRequest, by: Agent, agent: Agent, *, status: int = 200, trouble: str = "") -> HttpResponse:
    typed = request.POST if trouble else None
    shown = {
        "person": agent,
        "trouble": trouble,
        "email": typed.get("email", "") if typed else agent.email,
        "capacity": typed.get("capacity", "") if typed else agent.capacity,
        "skills": typed.get("skills", "") if typed else ", ".join(f"{k}:{v}" for k, v in sorted(agent.skills.items())),
        "languages": typed.get("languages", "") if typed else ", ".join(agent.languages),
        "role": typed.get("role", "") if typed else agent.role,
        "in_teams": set(_teams(request))
        if typed
        else set(agent.teams.values_list("pk", flat=True))
        if agent.pk
        else set(),
        "teams": list(staff.teams().filter(active=True)),
        "roles": [one for one in Role.choices if one[0] != Role.ADMIN or access.may(by, access.ADMINISTER)],
        "may_touch": agent.role != Role.ADMIN or access.may(by, access.ADMINISTER),
    }
    return render(request, "policy/person.html", policy.frame(by, PART) | shown, status=status)
