"""Priority: what makes a case pressing, by how many points, and what other weights would do to the queue."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Invalid
from parlour.channels import queries as channels
from parlour.channels.models import Brand
from parlour.lib import clock
from parlour.policy.priority import actions, queries
from parlour.policy.priority.score import DEFAULTS, PARTS
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views import policy
from parlour.web.views.forms import number
from parlour.web.views.guard import seat

PART = "policy-priority"


def _brand(request: HttpRequest) -> Brand | None:
    asked = request.POST.get("brand") or request.GET.get("brand") or ""
    return (
        Brand.objects.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 18 else None
    )


@seat(access.LEAD, ("GET", "HEAD", "POST"))
def priority(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The weights of a brand or of all; ``do``: preview (saves nothing), save, or default (back to what holds without own weights)."""
    brand = _brand(request)
    if request.method != "POST":
        return _page(request, agent, brand, queries.weights().of(brand.pk if brand else None))
    do, given = request.POST.get("do", "save"), dict(DEFAULTS)
    try:
        given = {part.name: number(request, part.name, part.label) for part in PARTS}
        actions.checked(given)
        if do == "preview":
            return _page(request, agent, brand, given, preview=True)
        actions.set_weights(brand.pk if brand else None, None if do == "default" else given, by=agent)
    except Invalid as error:
        return _page(request, agent, brand, given, status=422, trouble=str(error))
    request.session["said"] = "Saved. Open cases are being scored anew."
    return _back(brand)


def _back(brand: Brand | None) -> HttpResponse:
    return HttpResponseRedirect(reverse(PART) + (f"?brand={brand.pk}" if brand else ""))


@seat(access.LEAD, ("POST",))
def undo(request: HttpRequest, agent: Agent, change_id: int) -> HttpResponse:
    change = actions.undo(change_id, by=agent)
    request.session["said"] = "Taken back: the weights are as they were before."
    return _back(change.brand)


def _page(
    request: HttpRequest,
    agent: Agent,
    brand: Brand | None,
    given: Any,
    *,
    status: int = 200,
    trouble: str = "",
    preview: bool = False,
) -> HttpResponse:
    kept = queries.weights()
    brand_id = brand.pk if brand else None
    shown = {
        "parts": PARTS,
        "given": given,
        "defaults": DEFAULTS,
        "brand": brand,
        "brands": list(channels.brands()),
        "own": brand_id in kept.own,
        "present": queries.preview(given, brand_id, clock.now()),
        "preview": preview,
        "change": queries.latest_change(),
        "trouble": trouble,
        "said": request.session.pop("said", ""),
    }
    return render(request, "policy/priority.html", policy.frame(agent, PART) | shown, status=status)
