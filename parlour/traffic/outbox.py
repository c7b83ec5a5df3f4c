"""The way out: what is due is claimed once, sent, and settled by the receipt, the echo or a person. Nothing is silently sent twice."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef

from parlour.cases import actions as case_actions
from parlour.cases.models import GONE, Attachment, Case, Delivery, DeliveryState, FileState, Message, Status, Thread
from parlour.cases.queries import of_answer, template_of
from parlour.cases.queries import place as part_of
from parlour.channels import actions as channel_actions
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import ChannelError, ErrorKind, File, Outbound, Receipt, ThreadKey
from parlour.channels.models import STILL, Inbox
from parlour.customers.actions import resolve_identities
from parlour.customers.models import Identity
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.lib.files import Unavailable, read
from parlour.lib.text import one_line
from parlour.spine import actions as spine
from parlour.traffic.credentials import expired
from parlour.traffic.pacing import Pace
from parlour.traffic.shared import platform_name

log = logging.getLogger(__name__)

CLAIM_SECONDS = 90
"""Longer than any request may take; a claim that outlives it was left by a crash."""
MOST_ATTEMPTS = 8
REFERENCES = 20
RENEWED_SECONDS, ATTENTION_SECONDS = 1.0, 30.0
"""How long an inbox rests whose credentials are being renewed, or need a person."""
PART_SECONDS = 5.0
PART_HELD_AT_MOST = timedelta(minutes=10)
"""How often, and how long, a part of an answer looks whether the part before it has arrived after all."""
HELD_AT_MOST = timedelta(hours=24)
"""How long answers are kept while an inbox needs attention or is paused; a later one would be no answer any more."""


def claim(owner: str, limit: int, pace: Pace | None = None) -> list[Delivery]:
    """Up to ``limit`` due deliveries that are now ``owner``'s alone; of each case and inbox the first only: answers keep their order.

    Nothing is taken for inboxes that rest by their ``pace`` or that a person has paused.
    """
    pace = pace or Pace()
    now = clock.now()
    due = Delivery.objects.filter(state=DeliveryState.QUEUED, due_at__lte=now)
    due = due.exclude(message__inbox_id__in=pace.resting()).exclude(message__inbox__health__in=STILL)
    before = Delivery.objects.filter(
        message__case_id=OuterRef("message__case_id"),
        message__inbox_id=OuterRef("message__inbox_id"),
        what="send",
        id__lt=OuterRef("id"),
        state__in=[DeliveryState.SENDING, DeliveryState.QUEUED],
    )
    rows = due.filter(~Exists(before)).order_by("due_at", "id")
    places = rows.values_list("id", "message__inbox_id", "message__inbox__channel")[:limit]
    won = [pk for pk, inbox, channel in list(places) if _may_go(pace, inbox, channel) and _claim_one(pk, owner, now)]
    found = Delivery.objects.filter(pk__in=won).select_related(
        "message", "message__thread", "message__inbox", "message__case", "message__case__customer"
    )
    return list(found.order_by("id"))


def _may_go(pace: Pace, inbox_id: int | None, channel: str) -> bool:
    """By the rate its channel declares; an unknown channel is told when it is sent."""
    known = registry.CHANNELS.get(channel)
    return inbox_id is None or known is None or pace.take(inbox_id, known.capabilities.rate)


def _claim_one(pk: int, owner: str, now: datetime) -> bool:
    waiting = Delivery.objects.filter(pk=pk, state=DeliveryState.QUEUED)
    until = now + timedelta(seconds=CLAIM_SECONDS)
    return bool(
        waiting.update(state=DeliveryState.SENDING, claimed_by=owner, claimed_until=until, attempts=F("attempts") + 1)
    )


def doubt(*, everybody: bool = False) -> int:
    """Claims left by a crash become ``uncertain``: they may have been sent. ``everybody``: this is the only process there is."""
    left = Delivery.objects.filter(state=DeliveryState.SENDING)
    if not everybody:
        left = left.filter(claimed_until__lt=clock.now())
    found = list(left.select_related("message")[:1000])
    for delivery in found:
        if delivery.what == "seen":
            _told_or_not(delivery)
            continue
        with transaction.atomic():
            words = "Parlour stopped while it was being sent; it may have arrived."
            _settle(delivery, DeliveryState.UNCERTAIN, "delivery.uncertain", ErrorKind.UNKNOWN_OUTCOME, words)
    return len(found)


def give_up(owner: str) -> int:
    """What is still to be sent through inboxes that were disconnected fails: nothing will ever claim it, and its customers wait."""
    gone = Delivery.objects.filter(state=DeliveryState.QUEUED, message__inbox__health=Inbox.Health.GONE)
    found = list(gone.select_related("message").order_by("id")[:1000])
    # Claimed like any other: what somebody has just withdrawn is not ours to fail.
    won = [delivery for delivery in found if _claim_one(delivery.pk, owner, clock.now())]
    for delivery in won:
        words = "Its inbox was disconnected before it was sent."
        _settle(delivery, DeliveryState.FAILED, "delivery.failed", ErrorKind.INVALID, words)
    return len(won)


def send(delivery: Delivery) -> float | None:
    """Send one claimed delivery and settle it. Returns for how many seconds its inbox should rest, None when it need not."""
    message = delivery.message
    if delivery.what == "send" and _too_late(delivery):
        words = "It could not be sent for more than a day. Send it again if it is still an answer."
        _settle(delivery, DeliveryState.FAILED, "delivery.failed", ErrorKind.TRANSIENT, words)
        return None
    if delivery.what == "send" and _waits_for_its_turn(delivery):
        return None
    try:
        assert message.inbox is not None
        channel, config = registry.get(message.inbox.channel), channels.config(message.inbox)
        outbound = _outbound(delivery) if delivery.what == "send" else None
    except Unavailable as error:
        return _failed(delivery, ChannelError(ErrorKind.TRANSIENT, f"A file of the answer is missing. {error}"))
    except Exception as error:
        log.error("Delivery %s could not be prepared: %s", delivery.pk, where(error))
        words = f"A fault of Parlour's ({type(error).__name__}): nothing was sent."
        _settle(delivery, DeliveryState.FAILED, "delivery.failed", ErrorKind.INVALID, words)
        return None
    rest = None
    try:
        if outbound is not None:
            receipt = channel.send(config, outbound)
            rest = receipt.rest
            _sent(delivery, receipt)
        else:
            channel.act(config, delivery.what, delivery.target, message.visibility)  # type: ignore[arg-type]
            _acted(delivery)
    except ChannelError as error:
        return _told_or_not(delivery, error) if delivery.what == "seen" else _failed(delivery, error)
    except Exception as error:
        log.error("Delivery %s failed in an unforeseen way: %s", delivery.pk, where(error))
        words = f"A fault of Parlour's ({type(error).__name__}); look on the platform whether it arrived."
        _settle(delivery, DeliveryState.UNCERTAIN, "delivery.uncertain", ErrorKind.UNKNOWN_OUTCOME, words)
    return rest


def _waits_for_its_turn(delivery: Delivery) -> bool:
    """Whether a part of an answer must not be sent (now), and was put off or has failed, because one before it has not arrived."""
    place = part_of(delivery.message)
    if place is None or place[0] == 1:
        return False
    before = [one for one in of_answer(delivery.message) if one.pk < delivery.message_id]
    states = dict(Delivery.objects.filter(message__in=before, what="send").values_list("state", "settled_at"))
    if states.keys() & set(GONE):
        words = "A part of the answer before this one did not arrive. Send again goes on from there."
        _settle(delivery, DeliveryState.FAILED, "delivery.failed", ErrorKind.INVALID, words)
        return True
    if DeliveryState.UNCERTAIN not in states:
        return False
    since = states[DeliveryState.UNCERTAIN]
    if since is not None and clock.now() - since > PART_HELD_AT_MOST:
        words = "A part of the answer before this one may have arrived, and nobody has said whether it did."
        _settle(delivery, DeliveryState.FAILED, "delivery.failed", ErrorKind.UNKNOWN_OUTCOME, words)
        return True
    words = "It waits: a part of the answer before this one may not have arrived."
    attempts = max(delivery.attempts - 1, 0)
    _later(delivery, PART_SECONDS, ErrorKind.UNKNOWN_OUTCOME, words, attempts=attempts)
    return True


def _too_late(delivery: Delivery) -> bool:
    """Whether it was held up for too long: by a pause of its inbox, or before its first try because nothing ran. A retry's own patience
    is none of it: that is due when it is to be made."""
    inbox, last = delivery.message.inbox, delivery.due_at + HELD_AT_MOST
    resumed = inbox is not None and inbox.health_at is not None and inbox.health_at > last
    return clock.now() > last and (resumed or delivery.attempts == 1)


def _outbound(delivery: Delivery) -> Outbound:
    message = delivery.message
    thread, case = message.thread, message.case
    answered = (
        Message.objects.select_related("thread", "identity")
        .filter(inbox=message.inbox, external_id=delivery.target)
        .first()
    )
    thread = thread or (answered.thread if answered else None)
    references = _references(thread)
    return Outbound(
        text=message.text,
        visibility="public" if message.visibility == "public" else "private",
        mode="private_reply" if delivery.mode == "private_reply" else "reply",
        thread=platform_name(thread.external_id) if thread else "",
        address=thread.address if thread else "",
        target=delivery.target,
        author=_author(answered, case),
        reference=delivery.reference,
        last_inbound_at=thread.last_inbound_at if thread else None,
        human=message.agent_id is not None or message.case_id is not None,
        subject=thread.subject if thread else "",
        references=references,
        attachments=_files(message),
        choices=tuple(message.meta.get("choices", ())),
        template=template_of(message.meta),
    )


def _references(thread: Thread | None) -> tuple[str, ...]:
    if thread is None:
        return ()
    latest = Message.objects.filter(thread=thread, external_id__isnull=False).order_by("-sent_at", "-id")
    return tuple(one or "" for one in latest.values_list("external_id", flat=True)[:REFERENCES])[::-1]


def _files(message: Message) -> tuple[File, ...]:
    """The files of an answer, read before anything is sent: a storage that fails then leaves nothing half said."""
    return tuple(_file(one) for one in message.attachments.order_by("id") if one.state == FileState.FETCHED)


def _file(one: Attachment) -> File:
    content = read(one.digest)
    return File(name=one.name or one.kind, mime=one.mime, size=len(content), read=lambda: content)


def _author(answered: Message | None, case: Case | None) -> str:
    if answered is not None and answered.identity is not None:
        return answered.identity.external_id
    first = case.customer.identities.order_by("id").first() if case else None
    return first.external_id if first else ""


def _sent(delivery: Delivery, receipt: Receipt) -> None:
    for attempt in (1, 2, 3):
        try:
            with transaction.atomic():
                _hold_case(delivery.message)
                _place(delivery.message, receipt)
                _settle(delivery, DeliveryState.SENT, "delivery.sent")
            _healthy(delivery.message)
            return
        except (IntegrityError, OperationalError):
            # Its echo came in at this very moment (the second look takes its place), or two workers waited for each other. It is sent,
            # and must not become uncertain for that.
            if attempt == 3:
                raise


def _hold_case(message: Message) -> None:
    """Cases are held before messages and deliveries, here as on the road in: an echo and a receipt never wait for each other."""
    if message.case_id is not None:
        Case.objects.select_for_update().filter(pk=message.case_id).values_list("pk").first()


def _place(message: Message, receipt: Receipt) -> None:
    """Give the message the platform's id and, when it opened one, its thread. An echo stored before the receipt makes way."""
    if receipt.thread is not None:
        thread = _opened_thread(message, receipt.thread)
        message.thread, message.inbox = thread, thread.inbox
        message.channel = thread.inbox.channel
    told = [one[:200] for one in (receipt.external_id, *receipt.more) if one]
    for echo in Message.objects.filter(inbox=message.inbox, external_id__in=told).exclude(pk=message.pk):
        if echo.case_id is not None:
            Case.objects.filter(pk=echo.case_id, messages_out__gt=0).update(messages_out=F("messages_out") - 1)
        echo.delete()
    if receipt.external_id:
        message.external_id = receipt.external_id[:200]
    message.save(update_fields=["thread", "inbox", "channel", "external_id"])
    if receipt.more:
        # Its reactions may have come while it was on its way.
        message.refresh_from_db(fields=["meta"])
        message.meta = {**message.meta, "more": list(receipt.more)}
        message.save(update_fields=["meta"])


def _opened_thread(message: Message, key: ThreadKey) -> Thread:
    """The thread a private answer to a public message has opened, in the sibling inbox for private threads where there is one."""
    assert message.inbox is not None
    assert message.case is not None
    inbox = _private_inbox(message.inbox)
    channel = registry.get(inbox.channel)
    realm = channel.realm(channels.config(inbox))
    told = Identity(realm=realm, external_id=key.address or key.external_id, customer=message.case.customer)
    known = Identity.objects.filter(realm=told.realm, external_id=told.external_id).select_related("customer").first()
    if known is None:
        told.name = message.case.customer.name
        Identity.objects.bulk_create([told], ignore_conflicts=True)
        known = resolve_identities([Identity(realm=told.realm, external_id=told.external_id)])[realm, told.external_id]
    if known.customer_id != message.case.customer_id:
        # The customer's private words were faster than this receipt, which proves that both are one person.
        words = "A private reply showed that they are one person."
        case_actions.join_customers(message.case.customer_id, known.customer_id, reason=words)
        known = Identity.objects.select_related("customer").get(pk=known.pk)
    thread, _ = Thread.objects.get_or_create(
        inbox=inbox,
        external_id=key.external_id[:250],
        defaults={
            "visibility": key.visibility,
            "address": key.address[:200],
            "identity": known,
            "customer": known.customer,
            "case": message.case,
        },
    )
    if thread.case_id is None or Case.objects.filter(pk=thread.case_id).exclude(status=Status.OPEN).exists():
        # The thread is older than this answer, or its echo was here first: the case is where the talk goes on.
        thread.case = message.case
        thread.save(update_fields=["case"])
    return thread


def _private_inbox(inbox: Inbox) -> Inbox:
    channel = registry.get(inbox.channel)
    name = channel.capabilities.private_channel
    if name:
        realm = channel.realm(channels.config(inbox))
        for sibling in channels.inboxes().filter(brand=inbox.brand_id, channel=name):
            if registry.get(name).realm(channels.config(sibling)) == realm:
                return sibling
    return inbox


def _acted(delivery: Delivery) -> None:
    changes: dict[str, dict[str, Any]] = {
        "hide": {"hidden": True},
        "unhide": {"hidden": False},
        "delete": {"deleted_at": clock.now()},
    }
    if delivery.what == "seen":
        _told_or_not(delivery)
        return
    with transaction.atomic():
        _hold_case(delivery.message)
        if delivery.what in changes:
            Message.objects.filter(pk=delivery.message_id).update(**changes[delivery.what])
        verbs = {"hide": "message.hidden", "unhide": "message.unhidden", "delete": "message.deleted"}
        _settle(delivery, DeliveryState.SENT, verbs.get(delivery.what, "message.act"))


def _told_or_not(delivery: Delivery, error: ChannelError | None = None) -> float | None:
    """That words were read is a courtesy, told once: it moves no case, and what is refused is not tried again."""
    state = DeliveryState.FAILED if error else DeliveryState.SENT
    kind, words = (error.kind, one_line(error.words, 500)) if error else ("", "")
    ours = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.SENDING)
    ours.update(state=state, error_kind=kind, error_words=words, settled_at=clock.now())
    return error.retry_after if error and error.kind is ErrorKind.RATE_LIMITED else None


def _failed(delivery: Delivery, error: ChannelError) -> float | None:
    words = one_line(error.words, 500)
    if error.kind is ErrorKind.AUTH_EXPIRED and (rest := _held(delivery, words)) is not None:
        return rest
    if error.kind is ErrorKind.UNKNOWN_OUTCOME:
        _settle(delivery, DeliveryState.UNCERTAIN, "delivery.uncertain", error.kind, words)
        return None
    if error.permanent or delivery.attempts >= MOST_ATTEMPTS:
        _settle(delivery, DeliveryState.FAILED, "delivery.failed", error.kind, words)
        return None
    # A platform that says “at once” again and again must not use up all tries within a second.
    patience = min(600.0, 2.0**delivery.attempts)
    wait = patience if error.retry_after is None else max(patience / 2, min(error.retry_after, 86_400.0))
    wait *= random.uniform(1.0, 1.25)
    _later(delivery, wait, error.kind, words)
    return wait if error.kind is ErrorKind.RATE_LIMITED else None


def _later(delivery: Delivery, seconds: float, kind: str, words: str, **changes: Any) -> None:
    Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.SENDING).update(
        state=DeliveryState.QUEUED,
        due_at=clock.now() + timedelta(seconds=seconds),
        error_kind=kind,
        error_words=words,
        **changes,
    )


def _held(delivery: Delivery, words: str) -> float | None:
    """Keep an answer while the inbox's credentials are renewed or somebody sees to them: they fail alike for all answers, and one
    banner tells it. For how many seconds the inbox should rest; None when it has waited too long and fails."""
    inbox = delivery.message.inbox
    if inbox is None or clock.now() - delivery.created_at > HELD_AT_MOST:
        return None
    rest = RENEWED_SECONDS if expired(inbox, words) else ATTENTION_SECONDS
    _later(delivery, rest, ErrorKind.AUTH_EXPIRED, words, attempts=max(delivery.attempts - 1, 0))
    return rest


def _settle(delivery: Delivery, state: str, verb: str, kind: str = "", words: str = "") -> None:
    """Close a delivery that is still ours; what the echo has settled meanwhile stays as it is. An answer that failed leaves the
    customer waiting, and their case open."""
    with transaction.atomic():
        _hold_case(delivery.message)
        ours = Delivery.objects.filter(pk=delivery.pk, state__in=[DeliveryState.SENDING, DeliveryState.UNCERTAIN])
        changed = ours.update(state=state, error_kind=kind, error_words=words[:500], settled_at=clock.now())
        if changed:
            message = delivery.message
            if message.case_id is not None:
                Case.objects.filter(pk=message.case_id).update(updated_at=clock.now())
            spine.write(verb, case_id=message.case_id, message_id=message.pk, reason=words[:300])
            if state == DeliveryState.FAILED and delivery.what == "send":
                case_actions.answer_failed(message)


def _healthy(message: Message) -> None:
    """What could be sent shows that the credentials work again."""
    if message.inbox is not None and message.inbox.health == Inbox.Health.ATTENTION:
        channel_actions.note_health(message.inbox.pk, Inbox.Health.OK)
