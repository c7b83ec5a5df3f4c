"""The queue: tabs, search, and pages that follow."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from parlour.cases import queries as cases
from parlour.cases.access import Conflict, visible_cases
from parlour.policy import actions as policy
from parlour.spine.queries import Position
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views import parts
from parlour.web.views.drawn import drawings, shared
from parlour.web.views.guard import is_fragment, seat

MOST_ROWS = 200


@seat()
def home(_: HttpRequest, agent: Agent) -> HttpResponse:
    """The agent's own cases, or what nobody has taken yet while there are none."""
    counts = cases.tab_counts(agent)
    return HttpResponseRedirect(
        reverse("queue", args=["mine" if counts["mine"] or not counts["unassigned"] else "unassigned"])
    )


@seat()
def queue(request: HttpRequest, agent: Agent, tab: str) -> HttpResponse:
    """The page; for htmx the queue pane; with ``cursor`` only the rows that follow. ``limit`` re-gets as many rows as are on screen.

    The number of a case, as ``#12`` or ``12``, leads to it, but not with the header ``X-Stay``: while it is being typed.
    With the header ``X-Since`` (a place in the event log) the tab may be one drawn for another desk, at that place or later.
    With the header ``X-Beside`` the browser's address changes, too, and keeps the case that is open beside the queue.
    """
    if tab not in cases.TABS:
        raise Http404
    q = parts.words_of(request)
    number = _number_of(agent, q)
    if number is not None and not request.headers.get("X-Stay"):
        address = reverse("case", args=[number])
        return HttpResponseClientRedirect(address) if is_fragment(request) else HttpResponseRedirect(address)
    cursor = request.GET.get("cursor") or None
    since = Position.read(request.headers.get("X-Since", ""))
    if since and shared(tab) and not (q or cursor) and is_fragment(request):
        return render(request, "parts/queue_fragment.html", drawings.queue(agent, tab, _limit(request), since))
    shown = parts.queue(agent, tab, q, cursor=cursor, limit=_limit(request))
    if is_fragment(request) and cursor:
        return render(request, "parts/rows.html", shown)
    if not is_fragment(request):
        return render(request, "desk.html", parts.frame(agent) | shown | {"case": None, "section": "desk"})
    marked = {"rows": parts.mark(shown["rows"], tab, q, _open_case(request))}
    response = render(request, "parts/queue_fragment.html", parts.frame(agent) | shown | marked)
    # The address of a found number would lead on to the case: it is no place to come back to.
    if (beside := request.headers.get("X-Beside")) and number is None:
        case_id = _open_case(request)
        address = request.get_full_path() if case_id is None else reverse("case", args=[case_id]) + shown["query"]
        response["HX-Replace-Url" if beside == "replace" else "HX-Push-Url"] = address
    return response


@seat(access.ANSWER, ("POST",))
def take_next(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Take the most pressing case one may have, and open it; when none is left to take, or there is no room for it, the most pressing
    of one's own in which a customer waits. With nothing waiting: back to where one was, with a sentence."""
    try:
        case = policy.take_next(agent) or cases.waits_with(agent, _open_case(request))
    except Conflict:
        if (case := cases.waits_with(agent, _open_case(request))) is None:
            raise
    if case is None:
        if is_fragment(request):
            return trigger_client_event(HttpResponse(status=204), "desk:changed", {"say": "Nothing waits for you."})
        return HttpResponseRedirect(reverse("queue", args=["mine"]))
    address = reverse("case", args=[case.pk]) + parts.query_of("mine")
    return HttpResponseClientRedirect(address) if is_fragment(request) else HttpResponseRedirect(address)


def _number_of(agent: Agent, q: str) -> int | None:
    """The number of a case when the search is nothing else and there is such a case."""
    digits = q.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return None
    return visible_cases(agent).filter(pk=int(digits)).values_list("pk", flat=True).first()


def _limit(request: HttpRequest) -> int:
    asked = request.GET.get("limit", "")
    return (
        min(max(int(asked), parts.PAGE), MOST_ROWS)
        if asked.isascii() and asked.isdigit() and len(asked) < 5
        else parts.PAGE
    )


def _open_case(request: HttpRequest) -> int | None:
    """The case beside the queue in the browser, by the address it tells."""
    steps = urlsplit(request.headers.get("HX-Current-URL", "")).path.strip("/").split("/")
    if len(steps) == 2 and steps[0] == "case" and steps[1].isascii() and steps[1].isdigit() and len(steps[1]) < 19:
        return int(steps[1])
    return None
