"""Templates that the platform has approved: what can still be said when the window for free answers is closed."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from parlour.cases import queries
from parlour.cases.access import get_case
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Case
from parlour.lib.text import storable
from parlour.policy.approvals import actions as approvals
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views import parts
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.say import UNDO_SECONDS, number
from parlour.web.views.verbs import done


@seat(access.ANSWER, ("GET", "HEAD", "POST"))
def templates(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """The list; a POST sends one with its gaps filled."""
    case = get_case(agent, case_id, access.ANSWER)
    if request.method != "POST":
        return _list(request, agent, case)
    key = storable(request.POST.get("key", ""), 60)
    try:
        message = approvals.send_template(
            case_id,
            by=agent,
            name=request.POST.get("name", ""),
            language=request.POST.get("language", ""),
            values=request.POST.getlist("value")[:50],
            seen=number(request.POST.get("seen", "")),
            idempotency_key=f"desk:{agent.pk}:{key}" if key else None,
            hold_seconds=UNDO_SECONDS,
        )
    except (Conflict, Invalid) as error:
        return _list(request, agent, case, str(error), 409 if isinstance(error, Conflict) else 422)
    response = done(request, case_id, "")
    if is_fragment(request):
        response = HttpResponse("")
        told = {"case": case_id, "way": "template", "say": "Sending the template…", "message": message.pk}
        told |= {"undo": reverse("undo", args=[message.pk]), "seconds": UNDO_SECONDS}
        trigger_client_event(response, "desk:sent", told)
    return response


def _list(request: HttpRequest, agent: Agent, case: Case, trouble: str = "", status: int = 200) -> HttpResponse:
    found = []
    try:
        thread = queries.template_thread(case)
        found = [(one, queries.places(one)) for one in queries.templates(thread.inbox)] if thread else []
    except Invalid as error:
        trouble = trouble or str(error)
    shown = {
        "case": case,
        "templates": found,
        "trouble": trouble,
        "send_key": secrets.token_urlsafe(12),
        "newest": queries.newest_message_id(case.pk),
    }
    if is_fragment(request):
        # A refusal is shown where the templates are, not as a toast.
        response = render(request, "parts/templates.html", shown, status=status)
        response["HX-Retarget"] = "#templates"
        return response
    return render(request, "case_templates.html", parts.frame(agent) | shown | {"section": "desk"}, status=status)
