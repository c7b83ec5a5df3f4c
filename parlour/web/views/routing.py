"""Routing: teams and what they take, who is here, where a case would go, and what holds for all teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Invalid
from parlour.cases.models import Purpose
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.lib import clock
from parlour.lib.text import storable
from parlour.policy.routing import changes, looking, preview, queries, words
from parlour.policy.routing.decide import Ask
from parlour.staff import access
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Strategy, Team
from parlour.understanding import own
from parlour.web.views import policy
from parlour.web.views.forms import number, skills_of, words_in
from parlour.web.views.guard import seat

PART = "policy-routing"


def _names() -> tuple[dict[int, str], dict[int, str]]:
    brands = dict(channels.brands().values_list("pk", "name"))
    return brands, dict(staff.teams().values_list("pk", "name"))


@seat(access.LEAD)
def routing(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Everything about routing on one page; with ``text`` also where such a case would go."""
    return _page(request, agent)


def _page(
    request: HttpRequest,
    agent: Agent,
    *,
    status: int = 200,
    trouble: str = "",
    planned: queries.Rules | None = None,
    effect: preview.Effect | None = None,
) -> HttpResponse:
    """``planned``: settings that are not saved yet, with the ``effect`` they would have."""
    rules, now = planned or queries.rules(), clock.now()
    brands, teams = _names()
    waiting, categories = looking.waiting_in_teams(), queries.category_choices(archived=True)
    hours = {key: one.name for key, one in queries.calendars().items()}
    shown = [
        (team, words.sentence(team, brands, teams, categories, hours), waiting.get(team.pk, 0))
        for team in staff.teams()
    ]
    people = looking.people(rules, now)
    context = {
        "teams": sorted(shown, key=lambda one: (not one[0].active, one[0].pk)),
        "homeless": waiting.get(None, 0),
        "people": people,
        "vain": looking.in_vain(rules, now),
        "rules": rules,
        "channels": [(one.name, one.label) for one in registry.CHANNELS.values()],
        "brands": brands,
        "purposes": Purpose.choices,
        "categories": list(queries.category_choices().values()),
        "needs": "\n".join(_need_words(need, categories) for need in rules.needs),
        "change": queries.latest_change(),
        "trouble": trouble,
        "said": request.session.pop("said", ""),
        "tried": _tried(request, queries.rules()),
        "effect": effect,
        "typed": request.POST if trouble else {},
        "given": {name: request.GET.get(name, "") for name in ("text", "channel", "brand", "purpose")},
    }
    return render(request, "policy/routing.html", policy.frame(agent, PART) | context, status=status)


def _tried(request: HttpRequest, rules: queries.Rules) -> dict[str, Any] | None:
    """Where the words in the test box would go."""
    text = storable(request.GET.get("text", ""), 2000).strip()
    if not text:
        return None
    channel, purpose, given = (request.GET.get(name, "") for name in ("channel", "purpose", "brand"))
    brand = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else 0
    thought = own.annotate([text], [brand or None])[0]
    path, names = queries.Trees().path(brand, thought.category)
    ask = Ask(
        category=thought.category,
        above=path[1:],
        names=names,
        purpose=purpose if purpose in Purpose.values else Purpose.SERVICE,
        language=thought.language,
        channel=channel if channel in registry.CHANNELS else "",
        brand=brand,
    )
    decision = looking.try_out(ask, rules, clock.now())
    _, teams = _names()
    name = Agent.objects.filter(pk=decision.agent).values_list("name", flat=True).first() if decision.agent else None
    return {"ask": ask, "reason": decision.reason, "agent": name, "team": teams.get(decision.team or 0)}


@seat(access.LEAD, ("POST",))
def settings(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What holds for all teams; ``do=preview`` shows what it would have done to the latest cases and saves nothing."""
    try:
        given: dict[str, Any] = {
            name: number(request, name, label)
            for name, label in (
                ("sticky_days", "Days"),
                ("gone_minutes", "Minutes until work goes back"),
                ("wrap_up_minutes", "Minutes to wrap up"),
            )
        }
        weights = {
            name: number(request, f"weight-{name}", registry.CHANNELS[name].label, 1) for name in registry.CHANNELS
        }
        given |= {"weights": weights, "back_when_offline": bool(request.POST.get("back_when_offline"))}
        given["needs"] = [_need(line) for line in request.POST.get("needs", "")[:5000].splitlines() if line.strip()]
        if request.POST.get("do") == "preview":
            before = queries.rules()
            planned = changes.planned(before, given)
            effect = preview.would_change(before, planned, clock.now())
            return _page(request, agent, planned=planned, effect=effect)
        changes.save_settings(given, by=agent)
    except Invalid as error:
        return _page(request, agent, status=422, trouble=str(error))
    return _saved(request, "Saved. What waits is routed anew.")


def _need(line: str) -> tuple[str, str, int]:
    category, colon, rest = line.partition(":")
    skill, _, level = rest.strip().rpartition(" ")
    if not colon or not (level.isascii() and level.isdigit() and len(level) == 1) or not skill:
        raise Invalid(
            f"Write “Billing: refunds 3” for a category, a skill and its level; “{line.strip()[:60]}” is not like that."
        )
    return category.strip(), skill, int(level)


def _need_words(need: queries.Need, categories: Mapping[str, str]) -> str:
    return f"{categories.get(need.category) or words.spoken(need.category)}: {need.skill} {need.level}"


def _saved(request: HttpRequest, said: str) -> HttpResponse:
    request.session["said"] = said
    return HttpResponseRedirect(reverse(PART))


@seat(access.LEAD, ("GET", "HEAD", "POST"))
def team(request: HttpRequest, agent: Agent, team_id: int | None = None) -> HttpResponse:
    """Make or change a team; ``do=preview`` shows what would have happened to the latest cases and saves nothing."""
    found = Team.objects.get(pk=team_id) if team_id is not None else Team(name="")
    if request.method != "POST":
        return _team_form(request, agent, found)
    try:
        values = _team_values(request)
        if request.POST.get("do") == "close":
            values = {"active": False}
        if request.POST.get("do") == "preview":
            return _team_form(request, agent, _as_given(found, values), preview=True)
        made, _ = changes.save_team(team_id, values, by=agent)
    except Invalid as error:
        return _team_form(request, agent, _as_given(found, _rough(request)), status=422, trouble=str(error))
    return _saved(request, f"{made.name} is {'saved' if made.active else 'closed'}.")


def _team_values(request: HttpRequest) -> dict[str, Any]:
    overflow = number(request, "overflow", "The team that helps out", 0)
    return _rough(request) | {
        "skills": skills_of(request.POST.get("skills", "")),
        "overflow_id": overflow or None,
        "overflow_minutes": number(request, "overflow_minutes", "Minutes until another team helps out", 15),
        "wrap_up_seconds": number(request, "wrap_up_seconds", "Seconds to wrap up"),
        "brands": [
            int(one) for one in request.POST.getlist("brands") if one.isascii() and one.isdigit() and len(one) < 18
        ],
    }


def _rough(request: HttpRequest) -> dict[str, Any]:
    """What cannot be mistyped."""
    return {
        "name": storable(request.POST.get("name", ""), 80),
        "active": True,
        "categories": [one for one in request.POST.getlist("categories") if one in queries.category_choices()],
        "purposes": [one for one in Purpose.values if one in request.POST.getlist("purposes")],
        "channels": [one for one in request.POST.getlist("channels") if one in registry.CHANNELS],
        "languages": words_in(request.POST.get("languages", "")),
        "strategy": request.POST.get("strategy", Strategy.LEAST),
        "pushes": request.POST.get("pushes", "1") == "1",
        "hours": storable(request.POST.get("hours", ""), 40),
    }


def _as_given(team: Team, values: dict[str, Any]) -> Team:
    for name, value in values.items():
        setattr(team, name, value)
    return team


def _team_form(
    request: HttpRequest, agent: Agent, team: Team, *, status: int = 200, trouble: str = "", preview: bool = False
) -> HttpResponse:
    brands, teams = _names()
    shown: dict[str, Any] = {"preview": None}
    if preview:
        trial = team if team.pk else _as_given(team, {"pk": -1})
        examples, count, of = looking.would_move(trial, queries.rules(), clock.now())
        shown = {
            "preview": {
                "examples": examples,
                "count": count,
                "of": of,
                "words": words.sentence(
                    team,
                    brands,
                    teams,
                    queries.category_choices(archived=True),
                    {key: one.name for key, one in queries.calendars().items()},
                ),
            }
        }
        if team.pk == -1:
            team.pk = None
    return render(
        request,
        "policy/team.html",
        policy.frame(agent, PART)
        | shown
        | {
            "team": team,
            "skills": words.skills(team.skills).replace(" (", ":").replace(")", ""),
            "brands": brands,
            "others": [(pk, name) for pk, name in teams.items() if pk != team.pk],
            "channels": [(one.name, one.label) for one in registry.CHANNELS.values()],
            "categories": _kept_too(team.categories),
            "purposes": Purpose.choices,
            "strategies": Strategy.choices,
            "calendars": [(key, one.name) for key, one in queries.calendars().items()],
            "trouble": trouble,
        },
        status=status,
    )


def _kept_too(slugs: list[str]) -> dict[str, str]:
    """What a team can take; what it takes already may stay, though no brand uses it any more."""
    live, known = queries.category_choices(), queries.category_choices(archived=True)
    gone = {one: f"{known.get(one) or words.spoken(one)} (archived)" for one in slugs if one not in live}
    return live | gone


@seat(access.LEAD, ("POST",))
def undo(request: HttpRequest, agent: Agent, change_id: int) -> HttpResponse:
    """Take the last change back: of the settings, a team or a person."""
    change = changes.undo(change_id, by=agent)
    request.session["said"] = "Taken back: it is as it was before."
    return HttpResponseRedirect(reverse("policy-people" if change.what == "agent" else PART))
