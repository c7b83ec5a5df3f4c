"""Service levels: what is promised to whom, the opening hours promises count by, and the promises that broke."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.models import Level
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.lib import clock
from parlour.policy.service_levels import actions, preview, queries
from parlour.policy.service_levels.calendars import (
    DAY_MINUTES,
    NAMES,
    Calendar,
    country_names,
    next_days_off,
    week_in_words,
)
from parlour.policy.service_levels.models import Edition
from parlour.policy.service_levels.plan import Plan, Target, length, promise, step_words, whom
from parlour.policy.service_levels.reading import (
    MOST_STEPS,
    Wrong,
    calendar_given,
    read_calendar,
    read_target,
    target_given,
)
from parlour.staff import access
from parlour.staff import queries as staff
from parlour.staff.models import Agent
from parlour.web.views.guard import seat
from parlour.web.views.policy import frame

PAGE = "policy-service-levels"
READS = ("GET", "HEAD", "POST")
SPARE_STEPS = 2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Names:
    """What ids stand for."""

    brands: Mapping[int, str]
    channels: Mapping[str, str]
    teams: Mapping[int, str]
    agents: Mapping[int, str]


def _names() -> Names:
    return Names(
        {one.pk: one.name for one in channels.brands()},
        {name: one.label for name, one in sorted(registry.CHANNELS.items(), key=lambda item: item[1].label.lower())},
        {one.pk: one.name for one in staff.teams()},
        {one.pk: one.name for one in staff.agents() if access.may(one, access.ANSWER)},
    )


def _told(target: Target, plan: Plan, names: Names) -> dict[str, Any]:
    """A target as sentences."""
    return {
        "target": target,
        "whom": whom(target, names.brands, names.channels),
        "promise": promise(target, plan),
        "warned": length(target.warning) if target.warning else "",
        "steps": [step_words(step, names.teams, names.agents) for step in target.steps],
    }


@seat(access.LEAD)
def levels(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What is promised, as sentences."""
    plan, names = queries.current(), _names()
    history = queries.editions(11)
    shown = {
        "plan": plan,
        "targets": [_told(one, plan, names) for one in plan.targets],
        "calendars": [(one, week_in_words(one), _users(plan, one)) for one in plan.calendars],
        "history": [(one, _by(one.by), before) for one, before in zip(history, _before(history), strict=True)][:10],
        "saved": "saved" in request.GET,
        "broken": queries.broken().count(),
        "notices": queries.notices_count(1000),
    }
    return render(request, "policy/service_levels.html", frame(agent, PAGE) | shown)


def _users(plan: Plan, calendar: Calendar) -> list[str]:
    return [one.name for one in plan.targets if one.calendar == calendar.key]


def _before(history: list[Edition]) -> list[int]:
    """The number of the edition before each; 0 before the first."""
    return [*(one.pk for one in history[1:]), 0][: len(history)]


def _by(actor: str) -> str:
    kind, _, number = actor.partition(":")
    if kind == "agent" and number.isdigit():
        return Agent.objects.filter(pk=int(number)).values_list("name", flat=True).first() or "a former colleague"
    return "the API" if kind == "token" else "Parlour"


def _seen(request: HttpRequest, plan: Plan) -> int:
    """The edition a form was made from."""
    given = request.POST.get("edition", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 18 else plan.edition


def _saved() -> HttpResponse:
    return HttpResponseRedirect(reverse(PAGE) + "?saved=1")


@seat(access.LEAD, READS)
def target(request: HttpRequest, agent: Agent, key: str = "") -> HttpResponse:
    """A new target, or a change of one: ``do=preview`` tells what it would have done, ``do=save`` keeps it."""
    plan, names = queries.current(), _names()
    kept = _found(plan.target, key)
    draft, given, wrong = kept, target_given(kept) if kept else {"warning": "15 min"}, dict[str, str]()
    shown: dict[str, Any] = {"effect": None, "looked_at": 0, "told": _told(kept, plan, names) if kept else None}
    if request.method == "POST":
        given = {name: str(value)[:500] for name, value in request.POST.items()}
        try:
            draft = read_target(given, request.POST.getlist, plan, key or actions.new_key())
        except Wrong as error:
            wrong = error.fields
        else:
            if request.POST.get("do") != "preview":
                actions.save_target(draft, by=agent, seen=_seen(request, plan))
                return _saved()
            after = actions.with_target(plan, draft)
            shown["effect"], shown["looked_at"] = preview.effect(plan, after)
            shown["told"] = _told(draft, after, names)
    chosen = {
        name: request.POST.getlist(name) if request.method == "POST" else [str(one) for one in _many(draft, name)]
        for name in ("brands", "channels", "levels")
    }
    steps = sum(1 for number in range(MOST_STEPS) if given.get(f"step_do_{number}") or given.get(f"step_when_{number}"))
    shown |= {
        "kept": kept,
        "plan": plan,
        "given": given,
        "chosen": chosen,
        "wrong": wrong,
        "names": names,
        "levels": Level.choices,
        "numbers": range(min(steps + SPARE_STEPS, MOST_STEPS)),
        "edition": _seen(request, plan) if request.method == "POST" else plan.edition,
    }
    return render(request, "policy/service_level_target.html", frame(agent, PAGE) | shown, status=422 if wrong else 200)


def _many(draft: Target | None, name: str) -> tuple[Any, ...]:
    values: tuple[Any, ...] = getattr(draft, name) if draft else ()
    return values


def _found(find: Callable[[str], T | None], key: str) -> T | None:
    """What has this key; None for a new one."""
    if not key:
        return None
    found = find(key)
    if found is None:
        raise Http404
    return found


@seat(access.LEAD, ("POST",))
def target_do(request: HttpRequest, agent: Agent, key: str) -> HttpResponse:
    """Move a target up or down, or remove it."""
    seen, what = _seen(request, queries.current()), request.POST.get("do", "")
    if what == "remove":
        actions.remove_target(key, by=agent, seen=seen)
    elif what in {"up", "down"}:
        actions.move_target(key, what == "up", by=agent, seen=seen)
    return _saved()


@seat(access.LEAD, READS)
def calendar(request: HttpRequest, agent: Agent, key: str = "") -> HttpResponse:
    """New opening hours, or a change of some, with their week, the next days off and what a change would have done."""
    plan = queries.current()
    kept = _found(lambda wanted: next((one for one in plan.calendars if one.key == wanted), None), key)
    fresh = {f"day_{day}": "09:00-17:00" if day < 5 else "closed" for day in range(7)} | {"zone": _usual_zone(plan)}
    given, wrong = calendar_given(kept) if kept else fresh, dict[str, str]()
    draft = kept or read_calendar(fresh | {"name": "New"}, Plan(), "new")
    shown: dict[str, Any] = {"effect": None, "looked_at": 0}
    if request.method == "POST":
        given = {name: str(value)[:20_000] for name, value in request.POST.items()}
        try:
            draft = read_calendar(given, plan, key or actions.new_key())
        except Wrong as error:
            wrong = error.fields
        else:
            if request.POST.get("do") != "preview":
                actions.save_calendar(draft, by=agent, seen=_seen(request, plan))
                return _saved()
            if kept is not None and _users(plan, kept):
                shown["effect"], shown["looked_at"] = preview.effect(plan, actions.with_calendar(plan, draft))
    shown |= {
        "kept": kept,
        "given": given,
        "wrong": wrong,
        "days": list(enumerate(NAMES)),
        "countries": country_names(),
        "week": None if wrong else _week(draft),
        "days_off": [] if wrong else next_days_off(draft, _today(draft)),
        "in_words": "" if wrong else week_in_words(draft),
        "open_now": not wrong and draft.is_open(clock.now()),
        "users": _users(plan, kept) if kept else [],
        "edition": _seen(request, plan) if request.method == "POST" else plan.edition,
    }
    return render(
        request, "policy/service_level_calendar.html", frame(agent, PAGE) | shown, status=422 if wrong else 200
    )


def _usual_zone(plan: Plan) -> str:
    return plan.calendars[0].zone if plan.calendars else "UTC"


def _today(calendar: Calendar) -> date:
    return clock.now().astimezone(ZoneInfo(calendar.zone)).date()


def _week(calendar: Calendar) -> list[dict[str, Any]]:
    """The next seven days with their open stretches as shares of the day, for drawing."""
    days = []
    for ahead in range(7):
        day = _today(calendar) + timedelta(days=ahead)
        spans = []
        for begin, end in calendar.hours_of(day):
            until = min(end if end > begin else DAY_MINUTES, DAY_MINUTES)
            spans.append((100 * begin / DAY_MINUTES, 100 * (until - begin) / DAY_MINUTES))
        for begin, end in calendar.hours_of(day - timedelta(days=1)):
            if end <= begin and end:
                spans.append((0.0, 100 * end / DAY_MINUTES))
        words = calendar.day_off(day) if day not in dict(calendar.special) else "own hours"
        days.append({"day": day, "spans": spans, "words": words})
    return days


@seat(access.LEAD, ("POST",))
def calendar_remove(request: HttpRequest, agent: Agent, key: str) -> HttpResponse:
    """Raises Invalid while a target counts by it."""
    actions.remove_calendar(key, by=agent, seen=_seen(request, queries.current()))
    return _saved()


@seat(access.LEAD, ("POST",))
def undo(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Back to what an earlier edition promised."""
    to = request.POST.get("to", "")
    if not (to.isascii() and to.isdigit() and len(to) < 18):
        raise Http404
    actions.restore(int(to), by=agent, seen=_seen(request, queries.current()))
    return _saved()


@seat(access.LEAD)
def breaches(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What team leads were told of, and every broken promise that still stands."""
    shown = {"notices": list(queries.notices()[:100]), "broken": list(queries.broken()[:200])}
    return render(request, "policy/service_level_breaches.html", frame(agent, PAGE) | shown)


@seat(access.LEAD, ("POST",))
def seen(_: HttpRequest, agent: Agent, clock_id: int) -> HttpResponse:
    actions.see_notice(clock_id, by=agent)
    return HttpResponseRedirect(reverse("service-level-breaches"))
