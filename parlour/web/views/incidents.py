"""Incidents: what runs, what is suggested, what was; one status and one answer for all cases of one cause."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Conflict, Invalid
from parlour.channels import queries as channels
from parlour.channels.models import Brand
from parlour.lib.text import storable
from parlour.policy.incidents import actions, queries
from parlour.policy.incidents.filling import VARIABLES, checked
from parlour.policy.incidents.models import RUNNING, Incident, Round, State
from parlour.policy.incidents.watching import watch_of
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.policy import frame
from parlour.web.views.say import number
from parlour.web.views.verbs import done

POST, READS = ("POST",), ("GET", "HEAD", "POST")
PAGE = "policy-incidents"
PAST = 50
FIRST_WORDS = "Hello {{first_name|there}}, we know about this: {{status}}. You need not write again; we will tell you when it is over."
LAST_WORDS = "Hello {{first_name|there}}, it is over: {{status}}. Thank you for your patience. If anything is still wrong, just answer here."
STATES = [(state.value, state.label) for state in (*RUNNING, State.RESOLVED)]


@seat(access.LEAD)
def incidents(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Running, suggested and past ones."""
    rows = queries.with_counts(Incident.objects.order_by("-id"))
    shown = {
        "running": [(one, queries.spark(one)) for one in rows.filter(state__in=RUNNING)],
        "suggested": [(one, queries.spark(one)) for one in rows.filter(state=State.SUGGESTED)],
        "past": rows.filter(state__in=(State.RESOLVED, State.DISMISSED)).select_related("brand", "into")[:PAST],
        "dismissed": _shown(request, "dismissed"),
        "brands": channels.brands(),
    }
    return render(request, "policy/incidents.html", frame(agent, PAGE) | shown)


def _shown(request: HttpRequest, name: str) -> Incident | None:
    pk = number(request.GET.get(name, ""))
    return Incident.objects.filter(pk=pk).first() if pk is not None else None


@seat(access.LEAD, READS)
def new(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Open one by hand."""
    given = {name: storable(request.POST.get(name, ""), 2000) for name in ("brand", "title", "words")}
    trouble = ""
    if request.method == "POST":
        try:
            brand = number(given["brand"])
            made = actions.open_by_hand(brand or -1, by=agent, title=given["title"], words=given["words"])
            return HttpResponseRedirect(reverse("policy-incident", args=[made.pk]))
        except Invalid as error:
            trouble = str(error)
    shown = {"given": given, "trouble": trouble, "brands": channels.brands()}
    return render(request, "policy/incident_new.html", frame(agent, PAGE) | shown, status=422 if trouble else 200)


@seat(access.LEAD)
def incident(request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    """One incident: its status, its cases, its answers."""
    return _page(request, agent, _get(incident_id))


def _get(incident_id: int) -> Incident:
    return queries.with_counts(Incident.objects.all()).select_related("brand", "into", "opened_by").get(pk=incident_id)


def _page(request: HttpRequest, agent: Agent, one: Incident, status: int = 200, **more: Any) -> HttpResponse:
    closing = one.state == State.RESOLVED
    given = {
        "text": LAST_WORDS if closing else FIRST_WORDS,
        "short": "",
        "lane": "best",
        "skip_answered": True,
        "then_resolve": closing,
    }
    others = Incident.objects.filter(brand=one.brand_id, state__in=(*RUNNING, State.SUGGESTED)).exclude(pk=one.pk)
    shown = {
        "incident": one,
        "by_hour": queries.spark(one),
        "members": queries.members(one),
        "standings": one.standings.select_related("agent")[:20],
        "rounds": [(each, queries.progress(each)) for each in queries.rounds(one)],
        "states": STATES,
        "others": others,
        "variables": VARIABLES,
        "closing": closing,
        "to_tell": len(queries.to_tell(one, closing=closing)),
        "given": given,
        "key": secrets.token_urlsafe(12),
        "preview": None,
        "trouble": "",
    }
    return render(request, "policy/incident.html", frame(agent, PAGE) | shown | more, status=status)


def _verb(request: HttpRequest, agent: Agent, incident_id: int, do: Callable[[], object]) -> HttpResponse:
    """Do it and show the incident again, with the reason when it was refused."""
    try:
        do()
    except (Conflict, Invalid) as error:
        return _page(request, agent, _get(incident_id), 409 if isinstance(error, Conflict) else 422, trouble=str(error))
    return HttpResponseRedirect(reverse("policy-incident", args=[incident_id]))


@seat(access.LEAD, POST)
def accept(request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    return _verb(request, agent, incident_id, lambda: actions.accept(incident_id, by=agent))


@seat(access.LEAD, POST)
def dismiss(_request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    actions.dismiss(incident_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE) + f"?dismissed={incident_id}")


@seat(access.LEAD, POST)
def restore(_request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    actions.restore(incident_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.LEAD, POST)
def change(request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    given = request.POST
    do = lambda: actions.change(  # noqa: E731
        incident_id,
        by=agent,
        title=given.get("title", ""),
        words=given.get("words", ""),
        joins=given.get("joins") == "1",
        answers_later=given.get("answers_later") == "1",
    )
    return _verb(request, agent, incident_id, do)


@seat(access.LEAD, POST)
def merge(request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    into = number(request.POST.get("into", ""))
    if into is None:
        raise Invalid("Choose the incident it is merged into.")
    actions.merge(incident_id, into, by=agent)
    return HttpResponseRedirect(reverse("policy-incident", args=[into]))


@seat(access.LEAD, POST)
def status(request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    state, words = request.POST.get("state", ""), request.POST.get("words")
    return _verb(request, agent, incident_id, lambda: actions.set_status(incident_id, state, by=agent, words=words))


@seat(access.LEAD, POST)
def answer(request: HttpRequest, agent: Agent, incident_id: int) -> HttpResponse:
    """``do=preview`` shows what would be said to whom; anything else begins to say it."""
    one, posted = _get(incident_id), request.POST
    given: dict[str, Any] = {
        "text": storable(posted.get("text", ""), actions.TEXT_LIMIT),
        "short": storable(posted.get("short", ""), actions.TEXT_LIMIT),
        "lane": posted.get("lane", "best"),
    }
    ticked: dict[str, Any] = {name: posted.get(name) == "1" for name in ("skip_answered", "then_resolve")}
    closing = one.state == State.RESOLVED
    try:
        if posted.get("do") == "preview":
            checked(given["text"]), checked(given["short"])
            preview = queries.preview(one, **given, closing=closing, agent=agent.name)
            return _page(request, agent, one, given=given | ticked, preview=preview)
        key = storable(posted.get("key", ""), 60)
        actions.answer_all(incident_id, by=agent, **given, **ticked, closing=closing, key=key)
    except (Conflict, Invalid) as error:
        code = 409 if isinstance(error, Conflict) else 422
        return _page(request, agent, one, code, given=given | ticked, trouble=str(error))
    return HttpResponseRedirect(reverse("policy-incident", args=[incident_id]) + "#answers")


@seat(access.LEAD, POST)
def change_answer(request: HttpRequest, agent: Agent, round_id: int) -> HttpResponse:
    """Other words for an answer that waits, was sent back or is paused."""
    posted = request.POST
    do = lambda: actions.change_answer(  # noqa: E731
        round_id,
        by=agent,
        text=posted.get("text", ""),
        short=posted.get("short", ""),
        lane=posted.get("lane", "best"),
        skip_answered=posted.get("skip_answered") == "1",
    )
    return _verb(request, agent, Round.objects.get(pk=round_id).incident_id, do)


TURNS = {"pause": actions.pause, "go-on": actions.go_on, "stop": actions.stop}


@seat(access.LEAD, POST)
def turn(_request: HttpRequest, agent: Agent, round_id: int, what: str) -> HttpResponse:
    """Pause, go on with or stop an answer to everybody."""
    if what not in TURNS:
        raise Invalid("An answer is paused, gone on with or stopped.")
    one = TURNS[what](round_id, by=agent)
    return HttpResponseRedirect(reverse("policy-incident", args=[one.incident_id]) + "#answers")


@seat(access.LEAD)
def progress(request: HttpRequest, _agent: Agent, round_id: int) -> HttpResponse:
    """How an answer goes: asked again every other second while it is under way."""
    one = Round.objects.select_related("agent", "incident", "approved_by", "refused_by").get(pk=round_id)
    shown = {"round": one, "now": queries.progress(one)}
    if is_fragment(request):
        return render(request, "policy/incident_round.html", shown)
    return HttpResponseRedirect(reverse("policy-incident", args=[one.incident_id]))


@seat(access.LEAD)
def missed(request: HttpRequest, agent: Agent, round_id: int) -> HttpResponse:
    """Who was not told, and why."""
    one = Round.objects.select_related("agent", "incident").get(pk=round_id)
    return render(
        request, "policy/incident_missed.html", frame(agent, PAGE) | {"round": one, "missed": queries.missed(one)}
    )


@seat(access.LEAD, READS)
def watch(request: HttpRequest, agent: Agent, brand_id: int) -> HttpResponse:
    """What counts as a wave for a brand."""
    brand, trouble = Brand.objects.get(pk=brand_id), ""
    kept = watch_of(brand_id)
    if request.method == "POST":
        try:
            actions.set_watch(
                brand_id,
                by=agent,
                on=request.POST.get("on") == "1",
                window_minutes=number(request.POST.get("window_minutes", "")) or 0,
                least=number(request.POST.get("least", "")) or 0,
                times=_decimal(request.POST.get("times", "")),
            )
            return HttpResponseRedirect(reverse(PAGE))
        except Invalid as error:
            trouble = str(error)
    shown = {"brand": brand, "watch": kept, "trouble": trouble}
    return render(request, "policy/incident_watch.html", frame(agent, PAGE) | shown, status=422 if trouble else 200)


def _decimal(value: str) -> float:
    try:
        return float(value.replace(",", ".")[:12])
    except ValueError:
        return 0.0


@seat(access.ANSWER, POST)
def add_case(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """Put the case at hand into an incident; an empty choice does nothing."""
    chosen = number(request.POST.get("incident", ""))
    if chosen is None:
        return done(request, case_id, "")
    title = actions.add_case(chosen, case_id, by=agent).title
    return done(request, case_id, f"Added to “{title}”.")


@seat(access.ANSWER, POST)
def remove_case(request: HttpRequest, agent: Agent, case_id: int, incident_id: int) -> HttpResponse:
    one = actions.remove_case(incident_id, case_id, by=agent)
    if request.POST.get("from") == "incident":
        return HttpResponseRedirect(reverse("policy-incident", args=[incident_id]))
    return done(request, case_id, f"Taken out of “{one.title}”.")
