"""Verbs on what we say: answering, undoing, trying again, settling, acting on a message. Part of ``cases.actions``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from parlour.cases import files as sending
from parlour.cases import offers, ways
from parlour.cases.access import Conflict, Invalid
from parlour.cases.answered import note_answer, take_back_answer
from parlour.cases.models import GONE, Attachment, Case, Delivery, DeliveryState, Direction, Message, Status
from parlour.cases.ways import Way
from parlour.channels import registry
from parlour.channels.contract import Template
from parlour.channels.models import STILL
from parlour.channels.queries import config
from parlour.lib import clock
from parlour.lib.text import storable
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent

TEXT_LIMIT = 100_000
KEY_LIMIT = 200


def reply(
    case_id: int,
    *,
    by: Actor,
    text: str,
    visibility: str,
    answers: int | None = None,
    seen: int | None = None,
    idempotency_key: str | None = None,
    hold_seconds: float = 0.0,
    files: Sequence[int] = (),
    choices: Sequence[str] = (),
) -> Message:
    """Answer the customer. Stored and queued together; the outbox sends it, ``hold_seconds`` later (time to undo).

    ``answers`` is the Message answered (default: the customer's latest words in that lane). ``seen`` is the newest Message id the writer
    had before their eyes: when a colleague has answered since, Conflict is raised. The same ``idempotency_key`` again gives the same
    Message and does nothing; with other words or files it is a Conflict. ``files`` are ids of Attachments: the writer's own uploads
    (``cases.files.upload``), or files of another answer in this case. ``choices`` are answers to choose from: buttons where the channel
    has them, else numbered lines below the words.
    """
    text = storable(text, TEXT_LIMIT).strip()
    if not text:
        raise Invalid("An answer needs some text.")
    if visibility not in {"public", "private"}:
        raise Invalid("An answer is either public or private.")
    if idempotency_key and (len(idempotency_key) > KEY_LIMIT or not idempotency_key.isprintable()):
        raise Invalid(f"An idempotency key has at most {KEY_LIMIT} printable characters.")
    wanted = _Wanted(
        text, visibility, answers, seen, idempotency_key, hold_seconds, files, offers.read_choices(choices)
    )
    return _once(case_id, by, wanted)


def send_template(
    case_id: int,
    *,
    by: Actor,
    name: str,
    language: str,
    values: Sequence[str] = (),
    seen: int | None = None,
    idempotency_key: str | None = None,
    hold_seconds: float = 0.0,
) -> Message:
    """Send a template the platform has approved, also when the window for free answers is closed; else as ``reply``."""
    staff.require(by, staff.ANSWER)
    thread = offers.template_thread(Case.objects.get(pk=case_id))
    said = ways.latest_inbound(thread) if thread else None
    if thread is None or said is None:
        raise Invalid("No template can be sent to this customer.")
    if thread.inbox.health in STILL:
        raise Invalid(f"The inbox {thread.inbox.name} is {thread.inbox.get_health_display().lower()}.")
    # The platform is asked before the case is held.
    text, template = offers.filled(thread.inbox, name, language, values)
    return _once(case_id, by, _Wanted(text, "private", said.pk, seen, idempotency_key, hold_seconds, template=template))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be said, and how."""

    text: str
    visibility: str
    answers: int | None
    seen: int | None
    key: str | None
    hold_seconds: float
    files: Sequence[int] = ()
    choices: tuple[str, ...] = ()
    template: Template | None = None


def _once(case_id: int, by: Actor, wanted: _Wanted) -> Message:
    try:
        return _reply(case_id, by, wanted)
    except IntegrityError:
        # The same key at the same moment, for another case (one case is held while it is answered).
        if wanted.key and (given := _given_before(case_id, wanted)):
            return given
        raise


def _reply(case_id: int, by: Actor, wanted: _Wanted) -> Message:
    with transaction.atomic():
        staff.require(by, staff.ANSWER)
        case = Case.objects.select_for_update().get(pk=case_id)
        if wanted.key and (given := _given_before(case_id, wanted)):
            return given
        if wanted.seen is not None:
            _refuse_double_answer(case_id, wanted.seen, by)
        way = _way(case, wanted)
        answered = Message.objects.select_related("thread").get(pk=way.answers)
        channel = registry.get(way.channel)
        text, choices = offers.offered(channel.capabilities.choices, wanted.visibility, wanted.text, wanted.choices)
        if wanted.template is None:
            _refuse_over_length(way, answered, text)
        chosen = sending.to_send(by, case_id, wanted.files)
        sending.refuse_unfit(channel.label, way.media, way.media_count, chosen)
        now = clock.now()
        message = Message.objects.create(
            case=case,
            thread=answered.thread if way.mode == "reply" else None,
            inbox_id=answered.inbox_id,
            channel=answered.channel,
            reply_to=answered.external_id or "",
            direction=Direction.OUT,
            visibility=wanted.visibility,
            agent=by if isinstance(by, Agent) else None,
            text=text,
            sent_at=now,
            meta=offers.stored(choices, wanted.template),
        )
        sending.attach(message, chosen)
        Delivery.objects.create(
            message=message,
            mode=way.mode,
            target=answered.external_id or "",
            reference="p" + secrets.token_hex(16),
            idempotency_key=wanted.key or None,
            due_at=now + timedelta(seconds=wanted.hold_seconds),
        )
        note_answer(case, message, now)
        told = {"visibility": wanted.visibility} | ({"template": wanted.template.name} if wanted.template else {})
        spine.write("reply.queued", actor=actor_name(by), case_id=case.pk, message_id=message.pk, **told)
        bus.wake("deliveries")
        bus.wake("policy")
    return message


def _given_before(case_id: int, wanted: _Wanted) -> Message | None:
    given = Delivery.objects.filter(idempotency_key=wanted.key).select_related("message").first()
    if given is None:
        return None
    said = given.message
    can = registry.get(said.channel).capabilities.choices
    text, choices = offers.offered(can, wanted.visibility, wanted.text, wanted.choices)
    same = (said.case_id, said.text, said.visibility) == (case_id, text, wanted.visibility)
    if not same or said.meta.get("choices", []) != list(choices):
        raise Conflict("This idempotency key was used for another answer.")
    # The same files may have been uploaded again: what is in them counts.
    digests = Attachment.objects.values_list("digest", flat=True)
    if sorted(digests.filter(message=said)) != sorted(digests.filter(pk__in=wanted.files)):
        raise Conflict("This idempotency key was used for an answer with other files.")
    return said


def _refuse_double_answer(case_id: int, seen: int, by: Actor) -> None:
    gone = Delivery.objects.filter(message=OuterRef("pk"), what="send", state__in=GONE)
    newer = Message.objects.filter(~Exists(gone), case_id=case_id, pk__gt=seen, direction=Direction.OUT)
    newer = newer.select_related("agent")
    if isinstance(by, Agent):
        newer = newer.exclude(agent=by)
    if (answer := newer.order_by("-id").first()) is not None:
        who = answer.agent.name if answer.agent else "Somebody"
        raise Conflict(f"{who} has answered this case in the meantime.")


def _way(case: Case, wanted: _Wanted) -> Way:
    visibility = wanted.visibility
    if wanted.answers is not None:
        said = Message.objects.select_related("thread", "thread__inbox").filter(pk=wanted.answers, case=case).first()
        if said is None or said.thread is None or said.direction != Direction.IN:
            raise Invalid("The message to answer is not one of this customer's in this case.")
        way = ways.way_for(said.thread, visibility, said)
    else:
        way = next((one for one in ways.ways(case) if one.visibility == visibility), None)
    if way is None:
        raise Invalid(f"This case cannot be answered in {visibility}.")
    if way.blocked and wanted.template is None:
        raise Invalid(way.blocked)
    return way


def _refuse_over_length(way: Way, answered: Message, text: str) -> None:
    assert answered.inbox is not None
    length = registry.get(way.channel).measure(config(answered.inbox), text, way.visibility)
    if length > way.limit:
        raise Invalid(
            f"The answer has {length:,} of at most {way.limit:,} {way.unit if way.unit != 'weighted' else 'characters'}."
        )


def _sending(message_id: int, by: Actor | None) -> tuple[Message, Delivery]:
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


def cancel_reply(message_id: int, *, by: Actor) -> None:
    """Undo an answer while it still waits; a case that was resolved with it is open again, unless its customer has another open one.

    Raises Conflict when the answer is already on its way.
    """
    with transaction.atomic():
        message, delivery = _sending(message_id, by)
        waiting = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.QUEUED)
        if not waiting.update(state=DeliveryState.CANCELLED, settled_at=clock.now()):
            raise Conflict("It is too late to undo: the answer is on its way.")
        _reopen_what_it_closed(message, by, "Its answer was undone.")
        take_back_answer(message)
        spine.write("reply.cancelled", actor=actor_name(by), case_id=message.case_id, message_id=message.pk)


def _reopen_what_it_closed(message: Message, by: Actor, reason: str) -> None:
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
    """Send again what failed or is uncertain: a person has decided that it did not arrive."""
    with transaction.atomic():
        message, delivery = _sending(message_id, by)
        now = clock.now()
        stuck = Delivery.objects.filter(pk=delivery.pk, state__in=[DeliveryState.FAILED, DeliveryState.UNCERTAIN])
        again = {
            "state": DeliveryState.QUEUED,
            "due_at": now,
            "attempts": 0,
            "error_kind": "",
            "error_words": "",
        }
        if not stuck.update(settled_at=None, **again):
            raise Conflict("This answer is neither failed nor uncertain any more.")
        if delivery.state == DeliveryState.FAILED and message.case is not None:
            # It had been taken back; it is said now.
            Message.objects.filter(pk=message.pk).update(sent_at=now)
            note_answer(message.case, message, now)
            bus.wake("policy")
        spine.write("reply.queued", actor=actor_name(by), case_id=message.case_id, message_id=message.pk, again=True)
        bus.wake("deliveries")


def settle_reply(message_id: int, *, by: Actor, arrived: bool) -> None:
    """A person has looked at the platform and says whether an uncertain answer arrived."""
    with transaction.atomic():
        message, delivery = _sending(message_id, by)
        state = DeliveryState.SENT if arrived else DeliveryState.FAILED
        unsettled = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.UNCERTAIN)
        if not unsettled.update(state=state, settled_at=clock.now()):
            raise Conflict("This answer is not uncertain any more.")
        if not arrived:
            _reopen_what_it_closed(message, by, "Its answer did not arrive.")
            take_back_answer(message)
        verb = "delivery.sent" if arrived else "delivery.failed"
        spine.write(verb, actor=actor_name(by), case_id=message.case_id, message_id=message.pk)


def act(message_id: int, act: str, *, by: Actor) -> Delivery:
    """Hide, unhide, delete or like a message on its platform. Raises Invalid when the channel cannot."""
    with transaction.atomic():
        staff.require(by, staff.ANSWER)
        message = Message.objects.select_related("inbox").get(pk=message_id)
        if message.inbox is None or message.external_id is None:
            raise Invalid("This message is not on a platform.")
        capabilities = registry.get(message.inbox.channel).capabilities
        possible = capabilities.acts_public if message.visibility == "public" else capabilities.acts_private
        if act not in possible:
            raise Invalid(f"{registry.get(message.inbox.channel).label} has no “{act}” for this message.")
        delivery = Delivery.objects.create(
            message=message,
            what=act,
            target=message.external_id,
            reference="p" + secrets.token_hex(16),
            due_at=clock.now(),
        )
        spine.write("message.act", actor=actor_name(by), case_id=message.case_id, message_id=message.pk, act=act)
        bus.wake("deliveries")
    return delivery
