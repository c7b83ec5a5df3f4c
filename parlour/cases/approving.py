"""Verbs of the second pair of eyes: an answer that waits is approved, or sent back with a word why. Part of ``cases.actions``.

Who must ask, and who may approve, is ``policy.approvals``'s to say; here only nobody approves their own words.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet

from parlour.cases.access import Conflict, Invalid
from parlour.cases.answered import note_answer
from parlour.cases.mending import held, reopen_what_it_closed, sendings
from parlour.cases.models import Delivery, DeliveryState, Direction, Message
from parlour.cases.parts import PART
from parlour.lib import clock
from parlour.lib.text import storable
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff.access import Actor, Denied, actor_name
from parlour.staff.models import Agent

APPROVED_BY = "approved_by"
"""In the ``meta`` of an answer: who let it go out, as the event log names them."""
WORDS_LIMIT = 2_000


def approve(message_id: int, *, by: Actor) -> Message:
    """Let an answer go out, all its parts. Raises Denied to its own writer, Conflict when it no longer waits."""
    with transaction.atomic():
        message, _ = held(message_id, by)
        _refuse_own(message, by)
        now = clock.now()
        waiting = _waiting(message)
        for part, delivery in waiting:
            part.case = message.case
            part.sent_at, part.meta = now, {**part.meta, APPROVED_BY: actor_name(by)}
            part.save(update_fields=["sent_at", "meta"])
            Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.QUEUED, due_at=now)
            if message.case is not None:
                note_answer(message.case, part, now)
                message.case.messages_out += 1
        spine.write("reply.approved", actor=actor_name(by), case_id=message.case_id, message_id=message.pk)
        bus.wake("deliveries")
        bus.wake("policy")
    return message


def send_back(message_id: int, *, by: Actor, words: str) -> Message:
    """Do not let an answer go out; ``words`` say what should be different and become a note. The case is open again if the answer had
    closed it. Raises Denied to its own writer, Conflict when it no longer waits."""
    words = storable(words, WORDS_LIMIT).strip()
    if not words:
        raise Invalid("Say what should be different.")
    with transaction.atomic():
        message, _ = held(message_id, by)
        _refuse_own(message, by)
        now = clock.now()
        ids = [delivery.pk for _, delivery in _waiting(message)]
        Delivery.objects.filter(pk__in=ids).update(state=DeliveryState.CANCELLED, settled_at=now)
        reopen_what_it_closed(message, by, "Its answer was sent back.")
        Message.objects.create(
            case=message.case,
            channel=message.channel,
            direction=Direction.NOTE,
            visibility="private",
            agent=by if isinstance(by, Agent) else None,
            text=words,
            sent_at=now,
        )
        spine.write("reply.sent_back", actor=actor_name(by), case_id=message.case_id, message_id=message.pk)
    return message


def awaiting() -> QuerySet[Message]:
    """Answers that wait for approval, the longest waiting first; of an answer in several messages the first."""
    first = Q(**{f"meta__{PART}__isnull": True}) | Q(**{f"meta__{PART}__number": 1})
    waiting = Message.objects.filter(first, deliveries__what="send", deliveries__state=DeliveryState.AWAITING)
    return waiting.select_related("case", "case__customer", "agent", "inbox").order_by("id")


def _waiting(message: Message) -> list[tuple[Message, Delivery]]:
    waiting = [(part, one) for part, one in sendings(message) if one.state == DeliveryState.AWAITING]
    if not waiting:
        raise Conflict("This answer no longer waits for approval.")
    return waiting


def _refuse_own(message: Message, by: Actor) -> None:
    if isinstance(by, Agent) and message.agent_id == by.pk:
        raise Denied("Somebody else has to look at your answer.")
