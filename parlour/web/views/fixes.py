"""Setting right by one click what a message was taken for, and taking that back by another."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from parlour.cases import corrections, readings
from parlour.cases.models import Message
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.understanding import categories
from parlour.web.views.guard import seat
from parlour.web.views.verbs import done

POST = ("POST",)


@seat(access.ANSWER, POST)
def fix(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """``set``: what a message is, as ``field:value``."""
    field, _, value = request.POST.get("set", "").partition(":")
    message = corrections.correct(message_id, field, value.strip(), by=agent)
    if field == "category":
        said = categories.name(message.category, corrections.brand_of(message))
    else:
        said = readings.LABELS.get(field, {}).get(value, value)
    return _to_case(request, message, f"Corrected: {said}. The next similar message will be read like this.", field)


@seat(access.ANSWER, POST)
def unfix(request: HttpRequest, agent: Agent, correction_id: int) -> HttpResponse:
    """Take a correction back, from the line that told of it."""
    kept = corrections.undo(correction_id, by=agent)
    message = Message.objects.get(pk=kept.message_id)
    return _to_case(request, message, "Taken back. Nothing is learnt from it.")


def _to_case(request: HttpRequest, message: Message, words: str, field: str = "") -> HttpResponse:
    if message.case_id is None:
        return HttpResponseRedirect(reverse("message-reading", args=[message.pk]))
    return done(request, message.case_id, words, corrections.latest(message.pk, field) if field else None)
