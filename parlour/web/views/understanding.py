"""What the desk has learnt from corrections: how it fares, where it errs, what to label next, versions, and learning now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases import corrections, learning, readings
from parlour.cases.access import Invalid
from parlour.cases.models import Message
from parlour.channels import queries as channels
from parlour.lib import clock
from parlour.policy.moderation import queries as moderation
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.understanding import actions as understanding
from parlour.understanding import categories, own
from parlour.understanding.asking import endpoint
from parlour.understanding.asking import queries as asking
from parlour.understanding.learning import Report, corrections_of, standing
from parlour.understanding.models import Correction, ModelVersion
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.policy import frame

PAGE = "policy-understanding"
POST = ("POST",)
TOLD = "understanding_told"
"""In the session: what the page says once, after a form led there."""
MISTAKES, LATEST = 12, 12
NAMES: dict[str, str] = {
    "category": "Category",
    "sentiment": "Sentiment",
    "intent": "Intent",
    "actionable": "Needs an answer",
    "urgency": "Urgent",
    "offensive": "Offensive",
    "spam": "Spam",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A held-back message that was read wrongly, with a link to its case where it has one."""

    text: str
    truth: str
    answer: str
    case_id: int | None


def brand_asked(request: HttpRequest) -> tuple[int, list[tuple[int, str]]]:
    """The brand a page is about, and all there are. Raises Http404 for one that is not there."""
    brands = [(one.pk, one.name) for one in channels.brands()]
    given = request.POST.get("brand") or request.GET.get("brand") or ""
    if not brands:
        return 0, []
    if not given:
        return brands[0][0], brands
    if not (given.isascii() and given.isdigit() and any(str(number) == given for number, _ in brands)):
        raise Http404
    return int(given), brands


def _field(request: HttpRequest) -> str:
    field = request.POST.get("field") or request.GET.get("field") or "category"
    if field not in own.HEADS:
        raise Http404
    return field


def _back(brand: int, field: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse(PAGE)}?{urlencode({'brand': brand, 'field': field})}")


@seat(access.LEAD)
def understanding_page(request: HttpRequest, agent: Agent) -> HttpResponse:
    """How one field of one brand fares."""
    brand, brands = brand_asked(request)
    field = _field(request)
    shown: dict[str, Any] = {"brands": brands, "brand": brand, "field": field, "fields": NAMES}
    shown["told"] = request.session.pop(TOLD, None)
    if brand:
        shown |= _of(brand, field)
    return render(request, "policy/understanding.html", frame(agent, PAGE) | shown)


def _of(brand: int, field: str) -> dict[str, Any]:
    versions = list(ModelVersion.objects.filter(brand_id=brand, field=field).defer("data", "proof"))
    active = next((one for one in versions if one.active), None)
    told = corrections_of(brand, field)
    report = standing(brand, field)
    tree = categories.tree(brand)
    return {
        "versions": versions,
        "active": active,
        "count": told.count(),
        "since": told.filter(id__gt=max((one.upto for one in versions), default=0)).count(),
        "report": report,
        "cells": _cells(report),
        "mistakes": _mistakes(report),
        "asked": learning.to_label(brand, field),
        "choices": readings.choices(brand, field),
        "latest": _latest(brand, field),
        "label": lambda slug: readings.label(tree, field, slug),
        # A list like any other: it shows nobody's numbers. Covered before it is cut, or half a number would be left.
        "excerpt": lambda text, most: moderation.covered(text, brand)[:most],
        "percent": lambda share: "–" if share is None else f"{share:.0%}",
        "worst": _worst(report),
        "second": second_opinion(brand),
    }


def second_opinion(brand: int) -> str:
    """Whether a language model is asked for this brand, in a sentence."""
    if not endpoint.configured():
        return "A language model can be asked about messages the desk is unsure of. None is set up."
    if not asking.setting(brand).on:
        return f"{endpoint.name()} is set up, and not asked for this brand."
    day = asking.cost(brand, clock.now() - timedelta(days=1))
    if asking.standing().faults:
        return f"{endpoint.name()} cannot be asked at the moment."
    return f"{endpoint.name()} was asked {day.asked:,} times within a day, and changed how {day.changed:,} messages are read."


def _cells(report: Report) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """The confusion as rows of (answer, count, strength 0..4)."""
    found = []
    for truth, answers in report.confusion.items():
        total = sum(answers.values())
        if total:
            found.append(
                (truth, [(one, n, min(4, round(4 * n / total + 0.49)) if n else 0) for one, n in answers.items()])
            )
    return found


def _worst(report: Report) -> tuple[str, str, int] | None:
    """The confusion that happens most: truth, answer, how often."""
    wrong = [(n, truth, one) for truth, row in report.confusion.items() for one, n in row.items() if n and truth != one]
    if not wrong:
        return None
    count, truth, answer = max(wrong)
    return truth, answer, count


def _mistakes(report: Report) -> list[Mistake]:
    rows = report.mistakes[:MISTAKES]
    messages = Message.objects.in_bulk([number for number, _, _ in rows if number])
    return [
        Mistake(found.text, truth, answer, found.case_id)
        for number, truth, answer in rows
        if (found := messages.get(number)) is not None
    ]


def _latest(brand: int, field: str) -> list[tuple[Correction, str, int | None]]:
    """The latest corrections, who made them, and the case each is from."""
    told = Correction.objects.filter(brand_id=brand, field=field).exclude(by=understanding.LANGUAGE_MODEL)
    rows = list(told.order_by("-id")[:LATEST])
    cases = dict(Message.objects.filter(pk__in={one.message_id for one in rows}).values_list("pk", "case_id"))
    return [(one, readings.by_words(one.by), cases.get(one.message_id)) for one in rows]


@seat(access.LEAD, POST)
def learn(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Fit a version now, and say what came of it."""
    brand, field = brand_asked(request)[0], _field(request)
    version = learning.learn(brand, field, by=agent)
    if version is None:
        raise Invalid(
            "There is too little to learn from: it takes ten corrections of this field, or examples of a category."
        )
    request.session[TOLD] = {"words": f"Version {version.number}. {version.words}"}
    return _back(brand, field)


@seat(access.LEAD, POST)
def use(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Another version answers from now on, or the head that ships."""
    brand, field = brand_asked(request)[0], _field(request)
    given = request.POST.get("number", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else None
    was = ModelVersion.objects.filter(brand_id=brand, field=field, active=True).values_list("number", flat=True).first()
    understanding.use_version(brand, field, number, by=agent)
    words = f"Version {number} answers now." if number else "What ships answers now."
    request.session[TOLD] = {"words": words, "undo": reverse("understanding-use"), "number": was or ""}
    return _back(brand, field)


@seat(access.ANSWER, POST)
def correct(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """Set one field of a message right, or confirm it (``confirm``). The page it came from asks again."""
    field, value = request.POST.get("field", ""), request.POST.get("value", "").strip()
    if request.POST.get("confirm"):
        message = corrections.confirm(message_id, field, by=agent)
        words = "Confirmed. The next similar message will be read like this."
    else:
        message = corrections.correct(message_id, field, value, by=agent)
        words = "Corrected. The next similar message will be read like this."
    kept = Correction.objects.filter(message_id=message.pk, field=field, undone_at=None).order_by("-id").first()
    if request.POST.get("from") == "page":
        brand = corrections.brand_of(message) or 0
        request.session[TOLD] = {
            "words": words,
            "undo": reverse("understanding-undo"),
            "correction": kept.pk if kept else 0,
        }
        return _back(brand, field)
    return _shown_reading(request, agent, message_id, words, kept.pk if kept else 0)


@seat(access.ANSWER, POST)
def undo(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Take a correction back."""
    given = request.POST.get("correction", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Http404
    kept = corrections.undo(int(given), by=agent)
    if request.POST.get("from") == "reading":
        return _shown_reading(request, agent, kept.message_id, "Taken back. Nothing is learnt from it.", 0)
    request.session[TOLD] = {"words": "Taken back. Nothing is learnt from it any more."}
    return _back(kept.brand_id or 0, kept.field if kept.field in own.HEADS else "category")


@seat(access.READ)
def reading(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """What one message was taken for, and why, with a button for everything else it could be."""
    return _shown_reading(request, agent, message_id, "", 0)


def _shown_reading(request: HttpRequest, agent: Agent, message_id: int, words: str, correction: int) -> HttpResponse:
    message = readings.get(agent, message_id)
    shown = {
        "message": message,
        "lines": readings.of(message),
        "may_answer": access.may(agent, access.ANSWER),
        "told": words,
        "correction": correction,
    }
    if is_fragment(request):
        return render(request, "parts/reading.html", shown)
    return render(request, "reading.html", frame(agent, "") | shown | {"section": "desk"})
