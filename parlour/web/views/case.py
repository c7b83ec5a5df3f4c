"""A case, as a page and as fragments."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from parlour.cases import queries as cases
from parlour.cases import readings
from parlour.cases.access import get_case
from parlour.cases.models import Case
from parlour.staff.models import Agent
from parlour.web.views import parts
from parlour.web.views.drawn import beside
from parlour.web.views.guard import is_fragment, seat


@seat()
def case(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """The desk with the case open; for htmx the case and customer panes."""
    return case_page(request, agent, get_case(agent, case_id))


def case_page(request: HttpRequest, agent: Agent, case: Case, *, status: int = 200, **changed: object) -> HttpResponse:
    """The case as it stands, with ``changed`` laid over the context (a draft that was refused, and why)."""
    shown = parts.whole_case(request, agent, case) | changed
    if is_fragment(request):
        return render(request, "parts/case_fragment.html", shown, status=status)
    queue = beside(agent, shown["tab"], shown["q"], case.pk, shown["around"])
    context = queue | shown | {"section": "desk"}
    return render(request, "desk.html", context, status=status)


@seat()
def live(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """Head, timeline, ways to answer and customer in one answer: what the desk asks for when told that the case changed."""
    shown = parts.whole_case(request, agent, get_case(agent, case_id))
    return render(request, "parts/case_live.html", shown)


@seat()
def why(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """Why the case has its category, in words; asked for when somebody wants to know."""
    found = get_case(agent, case_id)
    shown = {"case": found, "why": readings.why_category(found)}
    if is_fragment(request):
        return render(request, "parts/why.html", shown)
    return render(request, "case_why.html", parts.frame(agent) | shown | {"section": "desk"})


@seat()
def head(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    found = get_case(agent, case_id)
    tab = parts.tab_of(request, found, agent)
    shown = parts.case_head(agent, found) | {
        "tab": tab,
        "tab_name": parts.TAB_NAMES[tab],
        "q": "",
        "query": parts.query_of(tab),
    }
    return render(request, "parts/head.html", shown)


@seat()
def timeline(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """The latest stretch, or with ``before`` the stretch before that cursor. A browser without scripts gets a page."""
    found = get_case(agent, case_id)
    before = request.GET.get("before") or None
    top = parts.case_head(agent, found)
    shown = top | parts.case_flow(found, top, before=before)
    if is_fragment(request):
        return render(request, "parts/stretch.html" if before else "parts/flow.html", shown | {"query": ""})
    return render(request, "timeline.html", parts.frame(agent) | shown | {"query": "", "section": "desk"})


@seat()
def composer(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    found = get_case(agent, case_id)
    shown = parts.case_head(agent, found) | parts.case_composer(agent, found, cases.newest_message_id(found.pk))
    tab = parts.tab_of(request, found, agent)
    return render(request, "parts/composer.html", shown | {"tab": tab, "q": "", "query": parts.query_of(tab)})


@seat()
def customer(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """The customer pane; a page of its own for browsers without scripts on narrow screens."""
    found = get_case(agent, case_id)
    tab = parts.tab_of(request, found, agent)
    shown = parts.case_customer(agent, found) | {"case": found, "query": parts.query_of(tab)}
    if is_fragment(request):
        return render(request, "parts/customer.html", shown)
    return render(request, "customer.html", parts.frame(agent) | shown | {"section": "desk"})
