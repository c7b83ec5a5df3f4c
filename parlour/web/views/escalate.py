"""Escalating a case: to whom, with which summary, and what the customer is told."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import trigger_client_event

from parlour.cases import escalating, queries
from parlour.cases.access import get_case
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Case
from parlour.lib.text import storable
from parlour.policy import escalating as policy
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views import parts
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.say import number
from parlour.web.views.verbs import done


@seat(access.ANSWER, ("GET", "HEAD", "POST"))
def escalate(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """The form, with a summary to begin with; a POST escalates. What was written is given back when it is refused."""
    case = get_case(agent, case_id, access.ANSWER)
    if request.method != "POST":
        return _form(request, agent, case)
    kind, _, target = request.POST.get("to", "").partition(":")
    say, lane = request.POST.get("say", ""), request.POST.get("lane", "")
    key = storable(request.POST.get("key", ""), 60)
    try:
        gone = policy.escalate(
            case_id,
            by=agent,
            to=kind,
            target=number(target),
            summary=request.POST.get("summary", ""),
            say=say if lane else "",
            visibility=lane,
            key=f"desk:{agent.pk}:{key}" if key else None,
        )
    except (Conflict, Invalid) as error:
        return _form(request, agent, case, str(error), 409 if isinstance(error, Conflict) else 422)
    who = gone.assignee.name if kind in ("agent", "lead") and gone.assignee else ""
    words = f"Escalated{f' to {who}' if who else ''}."
    if not is_fragment(request):
        return done(request, case_id, words)
    return trigger_client_event(HttpResponse(""), "desk:changed", {"case": case_id, "say": words})


def _form(request: HttpRequest, agent: Agent, case: Case, trouble: str = "", status: int = 200) -> HttpResponse:
    shown = {
        "case": case,
        "targets": policy.targets(case, agent),
        "to": request.POST.get("to", ""),
        "summary": request.POST.get("summary") or escalating.summary_of(case),
        "say": request.POST.get("say", ""),
        "lane": request.POST.get("lane", ""),
        "lanes": [way for way in queries.ways(case) if not way.blocked],
        "key": secrets.token_urlsafe(12),
        "trouble": trouble,
    }
    if is_fragment(request):
        response = render(request, "parts/escalate.html", shown, status=status)
        response["HX-Retarget"] = "#templates"
        return response
    return render(request, "escalate.html", parts.frame(agent) | shown | {"section": "desk"}, status=status)
