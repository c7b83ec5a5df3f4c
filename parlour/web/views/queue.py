"""The queue: tabs, search, and pages that follow."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases import queries as cases
from parlour.staff.models import Agent
from parlour.web.views import parts
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

    With the header ``X-Beside`` the browser's address changes, too, and keeps the case that is open beside the queue.
    """
    if tab not in cases.TABS:
        raise Http404
    q = parts.words_of(request)
    cursor = request.GET.get("cursor") or None
    shown = parts.queue(agent, tab, q, cursor=cursor, limit=_limit(request))
    if is_fragment(request) and cursor:
        return render(request, "parts/rows.html", shown)
    if not is_fragment(request):
        return render(request, "desk.html", parts.frame(agent) | shown | {"case": None, "section": "desk"})
    response = render(
        request, "parts/queue_fragment.html", parts.frame(agent) | shown | {"current": _open_case(request)}
    )
    if beside := request.headers.get("X-Beside"):
        case_id = _open_case(request)
        address = request.get_full_path() if case_id is None else reverse("case", args=[case_id]) + shown["query"]
        response["HX-Replace-Url" if beside == "replace" else "HX-Push-Url"] = address
    return response


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
