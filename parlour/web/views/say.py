"""The composer's form: an answer in public or in private, or a note."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from parlour.cases import actions, files, queries
from parlour.cases.access import get_case
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Attachment, Case, Direction, Message
from parlour.lib.files import Unavailable, name_of
from parlour.lib.text import storable
from parlour.policy.approvals import actions as approvals
from parlour.policy.moderation.covering import cover_messages
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views.case import case_page
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.verbs import done, resolve_and

MOST_FILES = 20
UNDO_SECONDS = 4.0
"""How long an answer waits before it goes out, so that it can be taken back."""


@seat(access.ANSWER, ("POST",))
def say(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """Send what was written. Nothing written is lost: a refusal gives it back, with the reason and a colleague's newer words."""
    case = get_case(agent, case_id, access.ANSWER)
    way, text = request.POST.get("way", ""), request.POST.get("text", "")
    uploaded: list[Attachment] = []
    try:
        # One by one: what is stored before another is refused must be known, to be forgotten.
        for one in _chosen(request):
            uploaded.append(_upload(agent, one))  # noqa: PERF401
        message = _send(request, agent, case, way, text, uploaded)
    except (Conflict, Invalid) as error:
        files.discard(uploaded)
        return _give_back(request, agent, case, way, text, error)
    # Sent twice by one press: the first has them.
    files.discard(uploaded)
    then = request.POST.get("then", "")
    waits = message.meta.get("awaits", "")
    words = "Noted." if message.direction == Direction.NOTE else waits or "Sending…"
    if then in {"resolve", "next"}:
        response = resolve_and(request, agent, case_id, then)
        words = "Noted and resolved." if message.direction == Direction.NOTE else f"Resolved. {waits or 'Sending…'}"
    else:
        response = done(request, case_id, "")
    if is_fragment(request):
        told: dict[str, object] = {"case": case_id, "way": way, "say": words}
        if message.direction == Direction.OUT:
            told |= {"message": message.pk, "undo": reverse("undo", args=[message.pk]), "seconds": UNDO_SECONDS}
        trigger_client_event(response, "desk:sent", told)
    return response


def _chosen(request: HttpRequest) -> list[UploadedFile]:
    chosen = [one for one in request.FILES.getlist("files") if one.name]
    if len(chosen) > MOST_FILES:
        raise Invalid(f"An answer holds at most {MOST_FILES} files.")
    return chosen


def _upload(agent: Agent, given: UploadedFile) -> Attachment:
    if (given.size or 0) > settings.FILE_BYTES:
        raise Invalid(f"{name_of(given.name or '') or 'The file'}: {files.too_large()}")
    try:
        return files.upload(agent, given.name or "", given.read())
    except Unavailable as error:
        raise Invalid(f"The file could not be stored. {error}") from error


def _send(
    request: HttpRequest, agent: Agent, case: Case, way: str, text: str, uploaded: Sequence[Attachment]
) -> Message:
    again = [one for value in request.POST.getlist("again")[:MOST_FILES] if (one := number(value)) is not None]
    chosen = [*again, *(one.pk for one in uploaded)]
    if way == "note" and chosen:
        raise Invalid("A note carries no files.")
    if way == "note":
        return actions.add_note(case.pk, by=agent, text=text)
    visibility, _, answers = way.partition(":")
    if visibility not in {"public", "private"}:
        raise Invalid("Choose whether this is a public reply, a private reply or a note.")
    key = storable(request.POST.get("key", ""), 60)
    return approvals.reply(
        case.pk,
        by=agent,
        text=text,
        visibility=visibility,
        answers=number(answers),
        seen=_seen(request),
        idempotency_key=f"desk:{agent.pk}:{key}" if key else None,
        hold_seconds=UNDO_SECONDS,
        files=chosen,
        choices=request.POST.get("choices", "")[:2000].splitlines(),
    )


def number(value: str) -> int | None:
    """A number from a form, None for none or for what is none."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _seen(request: HttpRequest) -> int | None:
    """The newest message the writer saw; ``anyway`` is the one in the banner that told of a colleague's answer."""
    return number(request.POST.get("anyway", "")) or number(request.POST.get("seen", ""))


def _give_back(request: HttpRequest, agent: Agent, case: Case, way: str, text: str, error: Exception) -> HttpResponse:
    status = 409 if isinstance(error, Conflict) else 422
    newer = _newer(case, agent, _seen(request)) if status == 409 else []
    shown = {"trouble": str(error), "newer": newer, "newest": queries.newest_message_id(case.pk)}
    if is_fragment(request):
        response = render(request, "parts/trouble.html", shown | {"case": case}, status=status)
        response["HX-Retarget"] = "#trouble"
        response["HX-Reswap"] = "outerHTML"
        return response
    return case_page(request, agent, case, status=status, draft=text, chosen=way, **shown)


def _newer(case: Case, agent: Agent, seen: int | None) -> list[Message]:
    recent = queries.timeline(case, limit=20).messages
    cover_messages(recent, case, agent)
    return [message for message in recent if message.direction == Direction.OUT and message.pk > (seen or 0)][-3:]
