"""Whether a language model is asked about messages the desk is unsure of: the switch, what it costs, how often people agree, a trial."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases import readings, unsure
from parlour.cases.access import Invalid
from parlour.lib import clock
from parlour.lib.text import storable
from parlour.policy.moderation import queries as moderation
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.traffic import asking as asker
from parlour.understanding import categories, own
from parlour.understanding.asking import actions as asking
from parlour.understanding.asking import endpoint, queries
from parlour.understanding.asking.endpoint import NoAnswer, Unusable
from parlour.understanding.asking.question import FIELDS, hidden
from parlour.web.views.forms import number
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.policy import frame
from parlour.web.views.understanding import PAGE, POST, brand_asked

TOLD = "language_model_told"
"""In the session: what the page says once, after a form led there."""
TRIAL_SECONDS = 20.0
"""Somebody waits for a trial."""
TRIAL_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Trial:
    """A text, what of it was sent, and per field: its name, what the desk reads, how sure it is, what the model says."""

    text: str
    sent: str
    rows: tuple[tuple[str, str, float, str], ...] = ()
    wrong: str = ""
    milliseconds: int = 0
    tokens: int = 0


@seat(access.LEAD)
def language_model(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The page, about one brand."""
    return _page(request, agent, brand_asked(request), {})


def _page(
    request: HttpRequest, agent: Agent, which: tuple[int, list[tuple[int, str]]], more: dict[str, Any]
) -> HttpResponse:
    brand, brands = which
    now = clock.now()
    shown: dict[str, Any] = {
        "brands": brands,
        "brand": brand,
        "model": endpoint.name(),
        "host": endpoint.host(),
        "told": request.session.pop(TOLD, None),
        "most": asking.MOST_PER_HOUR,
    }
    if brand:
        latest = unsure.latest([brand])
        shown |= {
            "setting": queries.setting(brand),
            "standing": queries.standing(),
            "day": queries.cost(brand, now - timedelta(days=1)),
            "month": queries.cost(brand, now - timedelta(days=30)),
            "agreement": queries.agreement(brand),
            "names": readings.NAMES,
            "latest": len(latest),
            "unsure": sum(bool(unsure.fields_of(one)) for one in latest),
            "below": unsure.BELOW,
        }
    return render(request, "policy/language_model.html", frame(agent, PAGE) | shown | more)


@seat(access.LEAD, POST)
def switch(request: HttpRequest, agent: Agent) -> HttpResponse:
    """On or off for a brand, and how many messages an hour."""
    brand = brand_asked(request)[0]
    if not brand:
        raise Http404
    was = queries.setting(brand)
    on = request.POST.get("on") == "1"
    per_hour = number(request, "per_hour", "Messages an hour", was.per_hour)
    if on and not endpoint.configured():
        raise Invalid("No language model is set up: PARLOUR_LLM_URL and PARLOUR_LLM_MODEL say which to ask.")
    before = was.on, was.per_hour
    try:
        now = asking.switch(brand, on=on, per_hour=per_hour, by=agent)
    except ValueError as error:
        raise Invalid(str(error)) from error
    if (now.on, now.per_hour) != before:
        words = f"Asked about at most {now.per_hour:,} messages an hour." if now.on else "Nothing is sent any more."
        request.session[TOLD] = {"words": words, "on": "1" if before[0] else "", "per_hour": before[1]}
    return HttpResponseRedirect(f"{reverse('language-model')}?{urlencode({'brand': brand})}")


@seat(access.LEAD, POST)
def try_it(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Ask about a pasted text now, and show both readings. Nothing of it is kept but that it was asked."""
    which = brand_asked(request)
    brand = which[0]
    text = storable(request.POST.get("text", ""), TRIAL_LIMIT).strip()
    if not brand:
        raise Http404
    if not text:
        raise Invalid("Paste a text to try.")
    if not endpoint.configured():
        raise Invalid("No language model is set up: PARLOUR_LLM_URL and PARLOUR_LLM_MODEL say which to ask.")
    if not queries.may_try(brand):
        raise Invalid(f"It can be tried {queries.TRIALS_PER_HOUR} times an hour.")
    shown = {"trial": _tried(text, brand), "brand": brand, "model": endpoint.name()}
    if is_fragment(request):
        return render(request, "policy/language_model_trial.html", shown)
    return _page(request, agent, which, shown)


def _tried(text: str, brand: int) -> Trial:
    ours = own.annotate([text], [brand])[0]
    sent = hidden(text, moderation.spans(text, brand, ours.language))
    try:
        told, said = asker.send(text, brand, ours.language, (), TRIAL_SECONDS)
    except NoAnswer as error:
        asking.failed(brand, None, error)
        return Trial(text, sent, wrong=str(error))
    except Unusable as error:
        asking.unusable(brand, None, str(error), error.tokens)
        return Trial(text, sent, wrong=str(error))
    asking.answered(brand, None, said.tokens, said.milliseconds)
    tree = categories.tree(brand)
    rows = []
    for field in FIELDS:
        value = getattr(ours, field)
        mine = str(value).lower() if isinstance(value, bool) else value
        sure = float(getattr(ours, f"{field}_confidence"))
        words = (readings.label(tree, field, one).strip() for one in (mine, told[field]))
        rows.append((readings.NAMES[field], next(words), sure, next(words)))
    return Trial(text, sent, tuple(rows), "", said.milliseconds, sum(said.tokens))
