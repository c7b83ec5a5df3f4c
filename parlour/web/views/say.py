"""The composer's form: an answer in public or in private, or a note."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from parlour.cases import actions, queries
from parlour.cases.access import get_case
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Case, Direction, Message
from parlour.lib.text import storable
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views.case import case_page
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.verbs import done, resolve_and

UNDO_SECONDS = 4.0
"""How long an answer waits before it goes out, so that it can be taken back."""


@seat(access.ANSWER, ("POST",))
def say(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """Send what was written. Nothing written is lost: a refusal gives it back, with the reason and a colleague's newer words."""
    case = get_case(agent, case_id, access.ANSWER)
    way, text = request.POST.get("way", ""), request.POST.get("text", "")
    try:
        message = _send(request, agent, case, way, text)
    except (Conflict, Invalid) as error:
        return _give_back(request, agent, case, way, text, error)
    then = request.POST.get("then", "")
    words = "Noted." if message.direction == Direction.NOTE else "Sending…"
    if then in {"resolve", "next"}:
        response = resolve_and(request, agent, case_id, then)
        words = "Noted and resolved." if message.direction == Direction.NOTE else "Resolved. Sending…"
    else:
        response = done(request, case_id, "")
    if is_fragment(request):
        told: dict[str, object] = {"case": case_id, "way": way, "say": words}
        if message.direction == Direction.OUT:
            told |= {"message": message.pk, "undo": reverse("undo", args=[message.pk]), "seconds": UNDO_SECONDS}
        trigger_client_event(response, "desk:sent", told)
    return response


def _send(request: HttpRequest, agent: Agent, case: Case, way: str, text: str) -> Message:
    if way == "note":
        return actions.add_note(case.pk, by=agent, text=text)
    visibility, _, answers = way.partition(":")
    if visibility not in {"public", "private"}:
        raise Invalid("Choose whether this is a public reply, a private reply or a note.")
    key = storable(request.POST.get("key", ""), 60)
    return actions.reply(
        case.pk,
        by=agent,
        text=text,
        visibility=visibility,
        answers=_id(answers),
        seen=_seen(request),
        idempotency_key=f"desk:{agent.pk}:{key}" if key else None,
        hold_seconds=UNDO_SECONDS,
    )


def _id(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _seen(request: HttpRequest) -> int | None:
    """The newest message the writer saw; ``anyway`` is the one in the banner that told of a colleague's answer."""
    return _id(request.POST.get("anyway", "")) or _id(request.POST.get("seen", ""))


def _give_back(request: HttpRequest, agent: Agent, case: Case, way: str, text: str, error: Exception) -> HttpResponse:
    status = 409 if isinstance(error, Conflict) else 422
    newer = _newer(case, _seen(request)) if status == 409 else []
    shown = {"trouble": str(error), "newer": newer, "newest": queries.newest_message_id(case.pk)}
    if is_fragment(request):
        response = render(request, "parts/trouble.html", shown | {"case": case}, status=status)
        response["HX-Retarget"] = "#trouble"
        response["HX-Reswap"] = "outerHTML"
        return response
    return case_page(request, agent, case, status=status, draft=text, chosen=way, **shown)


def _newer(case: Case, seen: int | None) -> list[Message]:
    recent = queries.timeline(case, limit=20).messages
    return [message for message in recent if message.direction == Direction.OUT and message.pk > (seen or 0)][-3:]
