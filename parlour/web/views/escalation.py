"""Other systems that cases can be escalated to: setting them up, testing them, and trying again what they did not take."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Invalid, get_case
from parlour.channels import queries as channels
from parlour.lib.text import storable
from parlour.policy.handover import actions, queries, sending
from parlour.policy.handover.models import Handover, System
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views.guard import seat
from parlour.web.views.policy import frame
from parlour.web.views.say import number
from parlour.web.views.verbs import done

POST, READS = ("POST",), ("GET", "HEAD", "POST")
PAGE = "policy-escalation"


@seat(access.LEAD)
def escalation(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Every system, with what it was handed lately. Leads look, administrators change."""
    gone = number(request.GET.get("removed", ""))
    shown = {
        "systems": [(one, queries.lately(one)[:3]) for one in queries.systems()],
        "removed": System.objects.exclude(removed_at=None).filter(pk=gone).first() if gone is not None else None,
        "may_set_up": access.may(agent, access.ADMINISTER),
    }
    return render(request, "policy/escalation.html", frame(agent, PAGE) | shown)


@seat(access.ADMINISTER, READS)
def system(request: HttpRequest, agent: Agent, system_id: int | None = None) -> HttpResponse:
    """The form of a system: ``do`` is save, test, token (for the way back) or remove."""
    row = queries.systems().get(pk=system_id) if system_id is not None else None
    if request.method != "POST":
        return _form(request, agent, row)
    do = request.POST.get("do", "save")
    if row is not None and do == "test":
        return _form(request, agent, row, tested=sending.test(row))
    if row is not None and do == "token":
        return _form(request, agent, row, token=actions.new_token(row.pk, by=agent))
    if row is not None and do == "remove":
        actions.remove_system(row.pk, by=agent)
        return HttpResponseRedirect(f"{reverse(PAGE)}?removed={row.pk}")
    given = _given(request)
    try:
        saved = actions.save_system(given, by=agent, system_id=row.pk if row else None)
    except Invalid as error:
        return _form(request, agent, row, trouble=str(error), given=given, status=422)
    return HttpResponseRedirect(reverse("policy-system", args=[saved.pk]))


def _given(request: HttpRequest) -> dict[str, Any]:
    given: dict[str, Any] = {
        name: storable(request.POST.get(name, ""), 3000) for name in ("name", "url", "secret", "authorization")
    }
    given["brand"] = number(request.POST.get("brand", ""))
    if not given["authorization"] and request.POST.get("keep") == "1":
        given["authorization"] = None
    return given


def _form(
    request: HttpRequest,
    agent: Agent,
    row: System | None,
    *,
    trouble: str = "",
    given: dict[str, Any] | None = None,
    tested: sending.Answer | None = None,
    token: str = "",
    status: int = 200,
) -> HttpResponse:
    kept = {"name": row.name, "url": row.url, "brand": row.brand_id} if row else {"name": "", "url": "", "brand": None}
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    shown = {
        "row": row,
        "given": given or kept,
        "trouble": trouble,
        "tested": tested,
        "token": token,
        "secret": row.secret if row else "",
        "authorized": bool(row and row.authorization),
        "brands": channels.brands(),
        "lately": queries.lately(row) if row else [],
        "back": f"{base}/api/v1/escalations/…/updates",
        "own_networks": settings.OWN_NETWORKS,
    }
    return render(request, "policy/system.html", frame(agent, PAGE) | shown, status=status)


@seat(access.ADMINISTER, POST)
def restore(_: HttpRequest, agent: Agent, system_id: int) -> HttpResponse:
    actions.restore_system(system_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.ANSWER, POST)
def again(request: HttpRequest, agent: Agent, handover_id: int) -> HttpResponse:
    """Try once more what a system did not take."""
    one = Handover.objects.get(pk=handover_id)
    get_case(agent, one.case_id, access.ANSWER)
    again = actions.again(handover_id, by=agent)
    return done(request, one.case_id, f"{again.system.name} is asked again.")
