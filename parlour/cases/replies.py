"""Verbs on what we say: answering, sending a template, acting on a message. Part of ``cases.actions``; what goes wrong is ``mending``'s."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from parlour.cases import files as sending
from parlour.cases import offers, parts, ways
from parlour.cases.access import Conflict, Invalid
from parlour.cases.answered import note_answer
from parlour.cases.claiming import claim
from parlour.cases.models import GONE, Attachment, Case, Delivery, DeliveryState, Direction, Message
from parlour.cases.parts import Part, Room
from parlour.cases.seen import note_seen
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
AWAITS = "awaits"
"""In the ``meta`` of an answer: why it waits, or waited, for approval."""


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
    awaits: str = "",
    claims: bool = True,
) -> Message:
    """Answer the customer. Stored and queued together; the outbox sends it, ``hold_seconds`` later (time to undo).

    ``answers`` is the Message answered (default: the customer's latest words in that lane). ``seen`` is the newest Message id the writer
    had before their eyes: when a colleague has answered since, Conflict is raised. The same ``idempotency_key`` again gives the same
    Message and does nothing; with other words or files it is a Conflict. ``files`` are ids of Attachments: the writer's own uploads
    (``cases.files.upload``), or files of another answer in this case; they may go without words. ``choices`` are answers to choose
    from: buttons where the channel has them, else numbered lines below the words. What is too long for one message becomes several
    where the channel allows it: the first is returned, ``parts.of_answer`` gives all. With ``awaits`` (why) it is not sent until
    somebody else has approved it (``approving``), and the customer waits as before. Without ``claims`` a case that nobody has stays with
    nobody: one answer to many is no promise to look after each.
    """
    text = storable(text, TEXT_LIMIT).strip()
    if not text and (choices or not files):
        raise Invalid(
            "An answer needs some text." if not files else "Answers to choose from need some text above them."
        )
    if visibility not in {"public", "private"}:
        raise Invalid("An answer is either public or private.")
    if idempotency_key and (len(idempotency_key) > KEY_LIMIT or not idempotency_key.isprintable()):
        raise Invalid(f"An idempotency key has at most {KEY_LIMIT} printable characters.")
    wanted = _Wanted(
        text,
        visibility,
        answers,
        seen,
        idempotency_key,
        hold_seconds,
        files,
        offers.read_choices(choices),
        awaits=awaits,
        claims=claims,
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
    awaits: str = "",
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
    wanted = _Wanted(text, "private", said.pk, seen, idempotency_key, hold_seconds, template=template, awaits=awaits)
    return _once(case_id, by, wanted)


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
    awaits: str = ""
    claims: bool = True


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
        answered = Message.objects.select_related("thread", "inbox").get(pk=way.answers)
        channel = registry.get(way.channel)
        text, choices = offers.offered(channel.capabilities.choices, wanted.visibility, wanted.text, wanted.choices)
        chosen = sending.to_send(by, case_id, wanted.files)
        sending.refuse_unfit(channel.label, way.media, way.media_count, chosen)
        planned = [Part(text)] if wanted.template else parts.plan(text, chosen, choices, _room(way, answered))
        if wanted.visibility == "private" and wanted.template is None:
            note_seen(answered, by)
        message = _queue(case, by, wanted, way, answered, planned)
        told: dict[str, Any] = {"visibility": wanted.visibility}
        told |= {"template": wanted.template.name} if wanted.template else {}
        told |= {"parts": len(planned)} if len(planned) > 1 else {}
        told |= {"reason": wanted.awaits} if wanted.awaits else {}
        verb = "reply.awaits" if wanted.awaits else "reply.queued"
        spine.write(verb, actor=actor_name(by), case_id=case.pk, message_id=message.pk, **told)
        if wanted.claims:
            claim(case, by)
        bus.wake("deliveries")
        bus.wake("policy")
    return message


def _queue(case: Case, by: Actor, wanted: _Wanted, way: Way, answered: Message, planned: Sequence[Part]) -> Message:
    """Store the messages of an answer and what is to send them; the first message. The idempotency key is the first one's."""
    now, answer = clock.now(), secrets.token_hex(8)
    made: list[Message] = []
    for number, part in enumerate(planned, 1):
        why = {AWAITS: wanted.awaits} if wanted.awaits else {}
        meta = why | offers.stored(part.choices, wanted.template) | parts.stored(answer, number, len(planned), part.gap)
        message = Message.objects.create(
            case=case,
            thread=answered.thread if way.mode == "reply" else None,
            inbox_id=answered.inbox_id,
            channel=answered.channel,
            reply_to=answered.external_id or "",
            direction=Direction.OUT,
            visibility=wanted.visibility,
            agent=by if isinstance(by, Agent) else None,
            text=part.text,
            sent_at=now,
            meta=meta,
        )
        sending.attach(message, part.files)
        Delivery.objects.create(
            message=message,
            mode=way.mode,
            target=answered.external_id or "",
            reference="p" + secrets.token_hex(16),
            idempotency_key=(wanted.key or None) if number == 1 else None,
            state=DeliveryState.AWAITING if wanted.awaits else DeliveryState.QUEUED,
            due_at=now + timedelta(seconds=wanted.hold_seconds),
        )
        if not wanted.awaits:
            note_answer(case, message, now)
            case.messages_out += 1
        made.append(message)
    return made[0]


def _given_before(case_id: int, wanted: _Wanted) -> Message | None:
    given = Delivery.objects.filter(idempotency_key=wanted.key).select_related("message").first()
    if given is None:
        return None
    said = given.message
    can = registry.get(said.channel).capabilities.choices
    text, choices = offers.offered(can, wanted.visibility, wanted.text, wanted.choices)
    pieces = parts.of_answer(said)
    same = (said.case_id, parts.whole_text(pieces), said.visibility) == (case_id, text, wanted.visibility)
    if not same or pieces[-1].meta.get("choices", []) != list(choices):
        raise Conflict("This idempotency key was used for another answer.")
    # The same files may have been uploaded again: what is in them counts.
    digests = Attachment.objects.values_list("digest", flat=True)
    if sorted(digests.filter(message__in=pieces)) != sorted(digests.filter(pk__in=wanted.files)):
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


def _room(way: Way, answered: Message) -> Room:
    """How much fits into a message of that way."""
    assert answered.inbox is not None
    channel, account = registry.get(way.channel), config(answered.inbox)
    beside = channel.capabilities.beside if way.visibility == "private" else None
    return Room(way.limit, way.unit, lambda text: channel.measure(account, text, way.visibility), way.parts, beside)


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
