"""What an answer changes on its case, and what is as before when it does not reach the customer. Part of ``cases.actions``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, Min, OuterRef, QuerySet

from parlour.cases import parts
from parlour.cases.models import UNSAID, Case, Delivery, Direction, Message, Status
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.spine import bus

ENDED = "ended_promise"
"""In the ``meta`` of an answer: the promise that was running until it was written, as ``_promise`` tells it."""


def note_answer(case: Case, message: Message, at: datetime) -> None:
    """What an answer changes on its case: nobody waits any longer, and the promise of a first response is kept or already broken."""
    changes: dict[str, Any] = {
        "waiting_since": None,
        "urgency": 0.0,
        "updated_at": clock.now(),
        "look_at": clock.now(),
        "snippet": one_line(message.text or _names(message), 200),
        "snippet_direction": Direction.OUT,
        "messages_out": case.messages_out + 1,
        "last_out_at": at,
    }
    if case.first_response_at is None:
        changes["first_response_at"] = at
    # A promise of a resolution goes on, or rests: policy knows.
    ends = case.response_due_at is not None and case.due_what != "resolution"
    if ends:
        changes |= {"response_due_at": None, "response_warn_at": None}
        if case.response_due_at and at > case.response_due_at and case.breached_at is None:
            changes["breached_at"] = case.response_due_at
    Case.objects.filter(pk=case.pk).update(**changes)
    if ends:
        message.meta = {**message.meta, ENDED: _promise(case)}
        message.save(update_fields=["meta"])


def _promise(case: Case) -> dict[str, str | None]:
    """What an answer ends, so that it can run again."""
    moments = {"since": case.waiting_since, "due": case.response_due_at, "warn": case.response_warn_at}
    return {"what": case.due_what, **{name: at.isoformat() if at else None for name, at in moments.items()}}


def _names(message: Message) -> str:
    """What an answer without words shows in lists: its files."""
    return ", ".join(one.name or one.kind for one in message.attachments.order_by("id"))


def take_back_answer(message: Message) -> None:
    """An answer that was undone or refused counts no longer: the customer waits as before, and a promise it had ended runs again.

    In the caller's transaction, after its delivery was settled; the case is held already.
    """
    if message.case_id is None:
        return
    case = Case.objects.select_related("brand").get(pk=message.case_id)
    # Half an answer is none: whoever got its first part still waits for the rest.
    whole = [part.pk for part in parts.of_answer(message)]
    latest_out = reached(case).exclude(pk__in=whole).order_by("-sent_at", "-id").first()
    said = Message.objects.filter(case=case, direction=Direction.IN)
    latest_in = said.order_by("-sent_at", "-id").first()
    unanswered = said.exclude(actionable=False)
    if latest_out is not None:
        unanswered = unanswered.filter(sent_at__gt=latest_out.sent_at)
    ended = Message.objects.filter(case=case, direction=Direction.OUT, meta__has_key=ENDED)
    if latest_out is not None:
        ended = ended.filter(sent_at__gt=latest_out.sent_at)
    waiting = (
        list(unanswered.order_by("sent_at").values_list("sent_at", "urgency")) if case.status == Status.OPEN else []
    )
    since = waiting[0][0] if waiting else None
    now = clock.now()
    changes: dict[str, Any] = {
        "waiting_since": since,
        "urgency": max((urgency or 0.0 for _, urgency in waiting), default=0.0),
        "first_response_at": reached(case).aggregate(first=Min("sent_at"))["first"],
        "last_out_at": latest_out.sent_at if latest_out else None,
        "messages_out": max(0, case.messages_out - 1),
        "updated_at": now,
        "look_at": now,
    }
    latest = max((one for one in (latest_in, latest_out) if one), key=lambda one: one.sent_at, default=None)
    if latest is not None:
        changes |= {"snippet": one_line(latest.text or _names(latest), 200), "snippet_direction": latest.direction}
    # Of several answers that are gone the first had ended the promise, whichever is taken back last.
    before = ended.order_by("sent_at", "id").first() if since is not None and not case.brand.recorded else None
    if before is not None:
        changes |= _runs_again(before.meta[ENDED], since)
    elif since is not None:
        changes["due_what"] = "first" if changes["first_response_at"] is None else "next"
    Case.objects.filter(pk=case.pk).update(**changes)
    bus.wake("policy")


def _runs_again(told: Any, since: datetime | None) -> dict[str, Any]:
    """The promise an answer had ended, as it stood; policy makes sure of it when it looks at the case."""
    if not isinstance(told, dict):
        return {}
    begun, due, warn = (datetime.fromisoformat(told[name]) if told[name] else None for name in ("since", "due", "warn"))
    if begun != since:
        return {"due_what": told["what"]}
    return {"due_what": told["what"], "response_due_at": due, "response_warn_at": warn}


def reached(case: Case) -> QuerySet[Message]:
    """Answers that reached the customer, as far as is known."""
    gone = Delivery.objects.filter(message=OuterRef("pk"), what="send", state__in=UNSAID)
    return Message.objects.filter(~Exists(gone), case=case, direction=Direction.OUT)
