"""Verbs on an answer that was given: undoing it, trying again, settling what is uncertain. Part of ``cases.actions``.

An answer that became several messages is one thing here: it is undone as far as it has not left, and resumed in order.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from parlour.cases import parts
from parlour.cases.access import Conflict, Invalid
from parlour.cases.answered import note_answer, take_back_answer
from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Message, Status
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name


def held(message_id: int, by: Actor | None) -> tuple[Message, Delivery]:
    """An answer of ours with its case held. Cases are held before messages and deliveries everywhere, so that nobody waits in a ring."""
    if by is not None:
        staff.require(by, staff.ANSWER)
    message = Message.objects.get(pk=message_id, direction=Direction.OUT)
    if message.case_id is not None:
        message.case = Case.objects.select_for_update().get(pk=message.case_id)
    delivery = Delivery.objects.filter(message=message, what="send").first()
    if delivery is None:
        raise Invalid("This message was not sent from the desk.")
    return message, delivery


def sendings(message: Message) -> list[tuple[Message, Delivery]]:
    """The parts of the answer with their sendings, in order. The case is held."""
    found = parts.of_answer(message)
    deliveries = {one.message_id: one for one in Delivery.objects.filter(message__in=found, what="send")}
    return [(part, deliveries[part.pk]) for part in found if part.pk in deliveries]


def cancel_reply(message_id: int, *, by: Actor) -> list[Message]:
    """Undo an answer while it still waits; a case that was resolved with it is open again, unless its customer has another open one.

    Of an answer in several messages all that have not left are undone, in order; they are returned. Raises Conflict when nothing waits.
    """
    with transaction.atomic():
        message, _ = held(message_id, by)
        now = clock.now()
        waiting = [part.pk for part, delivery in sendings(message) if delivery.state == DeliveryState.AWAITING]
        undone = [part for part, delivery in reversed(sendings(message)) if _cancelled(delivery, now)][::-1]
        if not undone:
            raise Conflict("It is too late to undo: the answer is on its way.")
        reopen_what_it_closed(message, by, "Its answer was undone.")
        for part in undone:
            if part.pk not in waiting:
                take_back_answer(part)
        spine.write("reply.cancelled", actor=actor_name(by), case_id=message.case_id, message_id=message.pk)
        for part in undone:
            if part.pk != message.pk:
                spine.write("reply.cancelled", actor=actor_name(by), case_id=part.case_id, message_id=part.pk)
    return undone


def _cancelled(delivery: Delivery, now: datetime) -> bool:
    waiting = Delivery.objects.filter(pk=delivery.pk, state__in=(DeliveryState.QUEUED, DeliveryState.AWAITING))
    return bool(waiting.update(state=DeliveryState.CANCELLED, settled_at=now))


def reopen_what_it_closed(message: Message, by: Actor, reason: str) -> None:
    """A case resolved with this answer, or after it, was resolved because of it. The case is held."""
    case = message.case
    if case is None or case.status == Status.OPEN or case.resolved_at is None or case.resolved_at < message.sent_at:
        return
    changes = {"status": Status.OPEN, "resolved_at": None, "reopened": case.reopened + 1}
    try:
        with transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**changes)
    except IntegrityError:
        # The customer has another case open with the brand: the talk goes on there.
        return
    spine.write("case.reopened", actor=actor_name(by), case_id=case.pk, reason=reason)


def retry_reply(message_id: int, *, by: Actor) -> None:
    """Send again what failed or is uncertain: a person has decided that it did not arrive. With a part go all others of its answer that
    failed, in order; raises Conflict while a part before it may have arrived."""
    with transaction.atomic():
        message, delivery = held(message_id, by)
        if delivery.state not in (DeliveryState.FAILED, DeliveryState.UNCERTAIN):
            raise Conflict("This answer is neither failed nor uncertain any more.")
        for part, one in sendings(message):
            if one.state == DeliveryState.UNCERTAIN and one.pk != delivery.pk and part.pk < message.pk:
                raise Conflict("A part before this one may have arrived: say first whether it did.")
        for part, one in sendings(message):
            if one.state == DeliveryState.FAILED or one.pk == delivery.pk:
                part.case = message.case
                _again(part, one, by)
        bus.wake("deliveries")


def _again(message: Message, delivery: Delivery, by: Actor) -> None:
    now = clock.now()
    stuck = Delivery.objects.filter(pk=delivery.pk, state=delivery.state)
    again = {"state": DeliveryState.QUEUED, "due_at": now, "attempts": 0, "error_kind": "", "error_words": ""}
    if not stuck.update(settled_at=None, **again):
        raise Conflict("This answer is neither failed nor uncertain any more.")
    if delivery.state == DeliveryState.FAILED and message.case is not None:
        # It had been taken back; it is said now.
        Message.objects.filter(pk=message.pk).update(sent_at=now)
        note_answer(message.case, message, now)
        message.case.messages_out += 1
        bus.wake("policy")
    spine.write("reply.queued", actor=actor_name(by), case_id=message.case_id, message_id=message.pk, again=True)


def settle_reply(message_id: int, *, by: Actor, arrived: bool) -> None:
    """A person has looked at the platform and says whether an uncertain answer arrived. The parts after it go on, or fail with it."""
    with transaction.atomic():
        message, delivery = held(message_id, by)
        state = DeliveryState.SENT if arrived else DeliveryState.FAILED
        unsettled = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.UNCERTAIN)
        if not unsettled.update(state=state, settled_at=clock.now()):
            raise Conflict("This answer is not uncertain any more.")
        if not arrived:
            reopen_what_it_closed(message, by, "Its answer did not arrive.")
            take_back_answer(message)
        verb = "delivery.sent" if arrived else "delivery.failed"
        spine.write(verb, actor=actor_name(by), case_id=message.case_id, message_id=message.pk)
        later = [one.pk for part, one in sendings(message) if part.pk > message.pk]
        if Delivery.objects.filter(pk__in=later, state=DeliveryState.QUEUED).update(due_at=clock.now()):
            bus.wake("deliveries")
