"""Setting right what a message was taken for, confirming it, and taking that back. Each counts for the brand's next message.

All raise Denied without the right, Message.DoesNotExist or Correction.DoesNotExist, and Invalid for what cannot be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction

from parlour.cases.access import Invalid
from parlour.cases.models import Case, Direction, Message
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent
from parlour.understanding import actions as understanding
from parlour.understanding.models import Category, Correction

SCORES: Final = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
_ON_CASE: Final = ("sentiment", "intent", "language")
"""Fields of the latest words that the case shows as its own."""


def value_of(message: Message, field: str) -> str:
    """What a message is taken for, as corrections write it: urgency, offensive and spam as a yes or a no."""
    value = getattr(message, field)
    if field in ("urgency", "offensive", "spam"):
        return str((value or 0.0) >= 0.5).lower()
    return str(value).lower() if isinstance(value, bool) else value or ""


def brand_of(message: Message) -> int | None:
    """Whose message it is."""
    if message.case_id is not None:
        return Case.objects.values_list("brand_id", flat=True).get(pk=message.case_id)
    return message.inbox.brand_id if message.inbox else None


def latest_words(case_id: int) -> Message | None:
    """The customer's latest message."""
    return Message.objects.filter(case_id=case_id, direction=Direction.IN).order_by("-sent_at", "-id").first()


def words_behind(case: Case) -> Message | None:
    """The customer's message that gave the case its category, else their latest: who calls the case something else means those words,
    not the “any news?” that came after them."""
    said = Message.objects.filter(case=case, direction=Direction.IN, category=case.category).exclude(text="")
    return said.exclude(actionable=False).order_by("sent_at", "id").first() or latest_words(case.pk)


def latest_of(case_id: int, field: str) -> Correction | None:
    """The last correction of a field on any message of a case that was not taken back."""
    said = Message.objects.filter(case_id=case_id).values("pk")
    return Correction.objects.filter(message_id__in=said, field=field, undone_at=None).order_by("-id").first()


def latest(message_id: int, field: str) -> Correction | None:
    """The last correction of a field that was not taken back."""
    return Correction.objects.filter(message_id=message_id, field=field, undone_at=None).order_by("-id").first()


def _held(message_id: int, by: Actor | None) -> Message:
    if by is not None:
        staff.require(by, staff.ANSWER)
    message = Message.objects.get(pk=message_id, direction=Direction.IN)
    if message.case_id is not None:
        Case.objects.select_for_update().get(pk=message.case_id)
    return Message.objects.select_for_update().get(pk=message_id)


def keep(message: Message, field: str, was: str, now: str, by: Actor | None, *, confirm: bool = False) -> None:
    """Record for learning that ``message`` was taken for ``was`` and is ``now``. In the caller's transaction."""
    try:
        understanding.record_correction(
            message_id=message.pk,
            brand_id=brand_of(message),
            text=message.text,
            field=field,
            was=was,
            now=now,
            agent_id=by.pk if isinstance(by, Agent) else None,
            by=actor_name(by),
            confirm=confirm,
        )
    except ValueError as error:
        raise Invalid(str(error)) from error


def correct(message_id: int, field: str, value: str, *, by: Actor | None) -> Message:
    """Say what a customer's message is: its category, sentiment, intent, language, or "true" or "false" for ``actionable``,
    ``urgency``, ``offensive`` and ``spam``. The case follows where the message is its latest, or the one its category came from."""
    with transaction.atomic():
        message = _held(message_id, by)
        checked = {"true": "1", "false": "0"}.get(value, value) if field == "urgency" else value
        try:
            understanding.check(field, checked, brand_of(message))
        except ValueError as error:
            raise Invalid(str(error)) from error
        value = str(float(checked) >= 0.5).lower() if field == "urgency" else value
        was = value_of(message, field)
        if was == value:
            return message
        keep(message, field, was, {"true": "1", "false": "0"}[value] if field == "urgency" else value, by)
        write(message, field, value, by)
        spine.write(
            "message.corrected",
            actor=actor_name(by),
            case_id=message.case_id,
            message_id=message.pk,
            field=field,
            was=was,
            now=value,
        )
    return message


def write(message: Message, field: str, value: str, by: Actor | None) -> None:
    """Put ``value`` on the message, and on its case where the message is the latest, or the one behind its category. In the caller's
    transaction."""
    case = message.case
    follows = case is not None and message.pk in {
        one.pk for one in (latest_words(case.pk), words_behind(case) if field == "category" else None) if one
    }
    changes: dict[str, Any] = {field: _stored(field, value)}
    if field == "sentiment":
        changes["sentiment_score"] = SCORES.get(value)
    for name, new in changes.items():
        setattr(message, name, new)
    message.save(update_fields=list(changes))
    if not follows:
        return
    now = clock.now()
    shown: dict[str, Any] = {"look_at": now, "updated_at": now}
    if field in _ON_CASE:
        shown[field] = value
    elif field == "category":
        shown |= {"category": value, "category_by": actor_name(by)}
    elif field == "actionable":
        shown["actionable"] = value == "true"
    elif field == "urgency":
        shown["urgency"] = _stored(field, value)
    Case.objects.filter(pk=message.case_id or 0).update(**shown)
    bus.wake("policy")


def _stored(field: str, value: str) -> Any:
    if field == "actionable":
        return value == "true"
    return (1.0 if value == "true" else 0.0) if field in ("urgency", "offensive", "spam") else value


def confirm(message_id: int, field: str, *, by: Actor | None) -> Message:
    """Say that a message was taken for the right thing: the best answer to what the desk is unsure of."""
    with transaction.atomic():
        message = _held(message_id, by)
        value = value_of(message, field) if field in Correction.Field.values else ""
        stored = {"true": "1", "false": "0"}[value] if field == "urgency" else value
        keep(message, field, stored, stored, by, confirm=True)
        spine.write(
            "message.confirmed",
            actor=actor_name(by),
            case_id=message.case_id,
            message_id=message.pk,
            field=field,
            now=value,
        )
    return message


def undo(correction_id: int, *, by: Actor | None) -> Correction:
    """Take a correction back: nothing is learnt from it any more, and the message is what it was, unless it was set again since."""
    if by is not None:
        staff.require(by, staff.ANSWER)
    with transaction.atomic():
        kept = Correction.objects.get(pk=correction_id)
        if kept.undone_at is not None:
            return kept
        message = Message.objects.filter(pk=kept.message_id).first()
        if message is not None:
            message = _held(message.pk, by)
        kept = understanding.undo_correction(correction_id, by=by, case_id=message.case_id if message else None)
        was, now = (_spoken(kept.field, one) for one in (kept.was, kept.now))
        if message is not None and was != now and value_of(message, kept.field) == now:
            write(message, kept.field, was, None if kept.field == "category" else by)
            if kept.field == "category":
                # The model decides again, as it had before.
                Case.objects.filter(pk=message.case_id or 0, category=was, category_by="desk").update(
                    category_by="model"
                )
    return kept


def _spoken(field: str, value: str) -> str:
    if field == "urgency" and value not in ("true", "false"):
        return str(float(value or 0) >= 0.5).lower()
    return value


def change_categories(change: Callable[[], Category], *, by: Actor | None) -> Category:
    """One of the verbs on a brand's tree (``understanding.actions``), by somebody who leads. Raises Invalid for what cannot be."""
    if by is not None:
        staff.require(by, staff.LEAD)
    try:
        return change()
    except ValueError as error:
        raise Invalid(str(error)) from error


def merge_category(brand_id: int, slug: str, into: str, *, by: Actor | None) -> Category:
    """Two categories become one: open and closed cases move along, and what was learnt of the one counts for the other."""
    with transaction.atomic():
        merged = change_categories(lambda: understanding.merge_category(brand_id, slug, into, by=by), by=by)
        Case.objects.filter(brand_id=brand_id, category=slug).update(category=into)
    return merged
