"""The step that applies normalised events, in order, to messages, threads and cases in memory; ``keep`` writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from parlour.cases.models import (
    GONE,
    Attachment,
    Case,
    Delivery,
    DeliveryState,
    Direction,
    FileState,
    Message,
    MessageVersion,
    Status,
    Thread,
)
from parlour.channels import actions as channels
from parlour.channels.contract import Kind
from parlour.channels.models import Inbox
from parlour.lib.text import one_line, storable, storable_json
from parlour.policy import actions as policy
from parlour.traffic.batch import Batch, Item
from parlour.traffic.files import MOST_FILES, described, is_fetched
from parlour.traffic.models import ArrivalState
from parlour.traffic.shared import platform_name
from parlour.traffic.steps import later, patient, thread_name

_LINK = re.compile(r"https?://\S+")
_SPACE = re.compile(r"\s+")


def record(batch: Batch) -> None:
    """Apply every event of the batch, in order."""
    for item in batch.items:
        HANDLERS[item.inbound.kind](batch, item)


def known_message(batch: Batch, item: Item) -> Message | None:
    if not item.inbound.external_id:
        return None
    return batch.messages.get((item.inbox.pk, item.inbound.external_id))


def _on_message(batch: Batch, item: Item) -> None:
    if known_message(batch, item) is not None:
        batch.outcome(item.arrival).reason = "Known already by its id."
        return
    if item.thread is None or item.identity is None:
        outcome = batch.outcome(item.arrival)
        outcome.state, outcome.reason = ArrivalState.PARKED, "It names neither an author nor a thread."
        return
    customer_id = item.identity.customer_id
    case = case_for(batch, item.inbox, customer_id, item)
    at = item.inbound.at
    message = _new_message(batch, item, item.thread, case, Direction.IN)
    message.identity = item.identity
    item.thread.last_inbound_at = max(at, item.thread.last_inbound_at or at)
    item.thread.case = case
    case.messages_in += 1
    case.updated_at = batch.now
    if case.last_in_at is None or at >= case.last_in_at:
        case.last_in_at = at
        case.channel, case.visibility = item.inbox.channel, item.thread.visibility
        if case.last_out_at is None or at >= case.last_out_at:
            case.snippet, case.snippet_direction = one_line(message.text or _wordless(item), 200), Direction.IN
    if (case.last_out_at is None or at > case.last_out_at) and (case.waiting_since is None or at < case.waiting_since):
        case.waiting_since = at
        policy.begin_wait(case)
    batch.change(case)
    batch.fresh.append(item)
    batch.tell("message.received", case, message, f"customer:{customer_id}")


def _wordless(item: Item) -> str:
    kinds = [attachment.kind for attachment in item.inbound.attachments]
    return f"[{', '.join(kinds)}]" if kinds else ""


def case_for(batch: Batch, inbox: Inbox, customer_id: int, item: Item) -> Case:
    """The customer's open case with the brand; else the one resolved lately, opened again; else a new one."""
    key, at = (inbox.brand_id, customer_id), item.inbound.at
    if (case := batch.open_cases.get(key)) is not None:
        return case
    closed = batch.closed_cases.get(key)
    if (
        closed is not None
        and closed.resolved_at
        and at <= closed.resolved_at + timedelta(hours=inbox.brand.reopen_hours)
    ):
        # When it was resolved is kept until the words are understood: thanks alone close it again.
        closed.status, closed.level = Status.OPEN, None
        closed.reopened += 1
        del batch.closed_cases[key]
        batch.open_cases[key] = closed
        batch.tell("case.reopened", closed, None, f"customer:{customer_id}", reason="The customer wrote again.")
        return closed
    case = _new_case(batch, item, Status.OPEN)
    batch.open_cases[key] = case
    why = {"reason": batch.apart[customer_id]} if customer_id in batch.apart else {}
    batch.tell("case.opened", case, None, f"customer:{customer_id}", **why)
    return case


def _new_case(batch: Batch, item: Item, status: str) -> Case:
    assert item.identity is not None
    assert item.thread is not None
    case = Case(
        brand=item.inbox.brand,
        customer_id=item.identity.customer_id,
        status=status,
        channel=item.inbox.channel,
        visibility=item.thread.visibility,
        opened_at=item.inbound.at,
        updated_at=batch.now,
        resolved_at=item.inbound.at if status == Status.RESOLVED else None,
    )
    batch.new_cases.append(case)
    return case


def _new_message(batch: Batch, item: Item, thread: Thread, case: Case | None, direction: Direction) -> Message:
    inbound = item.inbound
    message = Message(
        case=case,
        thread=thread,
        inbox=item.inbox,
        channel=item.inbox.channel,
        external_id=inbound.external_id or inbound.key,
        reply_to=inbound.reply_to,
        direction=direction,
        visibility=thread.visibility,
        text=storable(inbound.text),
        sent_at=inbound.at,
        stored_at=batch.now,
        edited_at=inbound.at if inbound.kind is Kind.EDIT else None,
        meta=storable_json(dict(inbound.meta)),
    )
    batch.new_messages.append(message)
    batch.messages[item.inbox.pk, message.external_id or ""] = message
    _known_also(batch, item, message)
    item.message = message
    batch.attachments += [_attachment(batch, message, item, at) for at in range(len(inbound.attachments[:MOST_FILES]))]
    return message


def _known_also(batch: Batch, item: Item, message: Message) -> bool:
    """Note the message's other ids; whether there was a new one."""
    for one in item.inbound.same:
        batch.messages.setdefault((item.inbox.pk, one), message)
    ids = list(message.meta.get("ids", ()))
    fresh = [one for one in item.inbound.same if one not in ids and len(one) <= 200]
    if fresh:
        message.meta = {**message.meta, "ids": [*ids, *fresh][-50:]}
    return bool(fresh)


def _attachment(batch: Batch, message: Message, item: Item, at: int) -> Attachment:
    """What came with the event is stored already; what the platform keeps is fetched later, and no message waits for it."""
    made = batch.files.get((id(item), at)) or described(item.inbound.attachments[at])
    made.message = message
    if made.state == FileState.LINK and is_fetched(made):
        made.state, made.due_at = FileState.WAITING, batch.now
    return made


def _on_echo(batch: Batch, item: Item) -> None:
    ours = known_message(batch, item) or _in_flight(batch, item) or _part(item)
    if ours is not None:
        _confirm(batch, item, ours)
        return
    if item.inbound.our_reference and not item.inbound.text and not item.inbound.attachments:
        batch.outcome(item.arrival).reason = "It confirms an answer that another desk has sent."
        return
    parent = batch.messages.get((item.inbox.pk, item.inbound.reply_to)) if item.inbound.reply_to else None
    if item.thread is None and parent is not None:
        item.thread = parent.thread
    if item.thread is None:
        if patient(item):
            later(batch, item, "It answers a message that has not come yet.")
            return
        key = (item.inbox.pk, thread_name(item.inbound))
        item.thread = batch.threads.setdefault(key, Thread(inbox=item.inbox, external_id=key[1], visibility="public"))
    thread = item.thread
    case = _case_spoken_in(batch, item, thread)
    message = _new_message(batch, item, thread, case, Direction.OUT)
    if case is not None:
        thread.case = case
        _answered(batch, case, message)
    batch.tell("message.echoed", case, message)


def _case_spoken_in(batch: Batch, item: Item, thread: Thread) -> Case | None:
    """Our words written elsewhere belong to the customer's open case, else the thread's last one, else a closed one of their own."""
    if thread.customer_id is None:
        return None
    customer_id = thread.customer_id
    key = (item.inbox.brand_id, customer_id or 0)
    case = batch.open_cases.get(key) or batch.case_of(thread) or batch.closed_cases.get(key)
    if case is None and item.identity is not None:
        case = _new_case(batch, item, Status.RESOLVED)
        batch.closed_cases[key] = case
    return case


def _answered(batch: Batch, case: Case, message: Message) -> None:
    at = message.sent_at
    case.messages_out += 1
    case.updated_at = batch.now
    if case.last_out_at is None or at >= case.last_out_at:
        case.last_out_at = at
        if case.last_in_at is None or at >= case.last_in_at:
            case.snippet, case.snippet_direction = one_line(message.text, 200), Direction.OUT
    if case.waiting_since is not None and at >= case.waiting_since:
        case.waiting_since = case.last_in_at if case.last_in_at and case.last_in_at > at else None
        case.urgency = 0.0
        case.first_response_at = case.first_response_at or at
        if (due := case.response_due_at) is not None and case.due_what != "resolution":
            # The promise goes by the platform's clock: an answer that reaches us late was still in time.
            case.breached_at = due if at > due else None
            case.response_due_at = case.response_warn_at = None
        if case.waiting_since is not None:
            policy.begin_wait(case)
        case.look_at = batch.now
    batch.change(case)


def _in_flight(batch: Batch, item: Item) -> Message | None:
    """The answer of ours this echo shows, told by what it answers and by its words (links are shortened on the way)."""
    said = _bare(item.inbound.text)
    for delivery in batch.in_flight:
        message = delivery.message
        if message.inbox_id != item.inbox.pk or message.external_id is not None or _bare(message.text) != said:
            continue
        if _same_talk(message, item) or (item.inbound.reply_to and delivery.target == item.inbound.reply_to):
            return message
        if message.thread_id is None and _same_customer(message, item):
            return message
    return None


def _same_talk(message: Message, item: Item) -> bool:
    """Whether both stand in one conversation of the platform, whoever in it they are for."""
    if item.thread is None or item.thread.pk is None or message.thread is None:
        return False
    return platform_name(message.thread.external_id) == platform_name(item.thread.external_id)


def _part(item: Item) -> Message | None:
    """The answer of ours that this shows a part of: one with files may have become several messages on the platform."""
    if item.thread is None or item.thread.pk is None:
        return None
    several = Message.objects.filter(thread_id=item.thread.pk, direction=Direction.OUT, meta__has_key="more")
    newest = several.select_related("thread").order_by("-id")[:20]
    return next((one for one in newest if item.inbound.external_id in one.meta["more"]), None)


def _same_customer(message: Message, item: Item) -> bool:
    """A private answer to public words opens a thread that is not known before its receipt: the customer tells it apart."""
    return (
        message.case is not None and item.identity is not None and message.case.customer_id == item.identity.customer_id
    )


def _bare(text: str) -> str:
    words = _SPACE.sub(" ", _LINK.sub("", text)).strip()
    while words.startswith("@"):
        words = words.partition(" ")[2]
    return words.casefold()


UNSETTLED = frozenset({DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.QUEUED, DeliveryState.FAILED})


def _confirm(batch: Batch, item: Item, ours: Message) -> None:
    item.message = ours
    if ours._state.adding:
        return
    known = ours.external_id is not None
    if not known:
        ours.external_id = item.inbound.external_id
        ours.inbox, ours.channel = item.inbox, item.inbox.channel
        batch.messages[item.inbox.pk, ours.external_id] = ours
        if ours.thread is not None:
            ours.thread = batch.known_thread(ours.thread)
        elif item.thread is not None:
            ours.thread = item.thread
        batch.changed_messages[ours.pk] = ours
    case = batch.case_of(ours)
    if ours.thread is not None and ours.thread.case_id is None and ours.thread.case is None and case is not None:
        ours.thread.case = case
    for delivery in Delivery.objects.filter(message_id=ours.pk, what="send"):
        before = batch.state_of(delivery)
        # What the platform gave up on later (a mail that bounced) had been shown by it all the same.
        if before in UNSETTLED and not (known and before == DeliveryState.FAILED):
            batch.settle(delivery, DeliveryState.SENT)
            batch.tell("delivery.sent", case, ours, reason="The platform shows it.")
            if before == DeliveryState.FAILED and case is not None:
                _answered(batch, case, ours)


def _on_edit(batch: Batch, item: Item) -> None:
    message = known_message(batch, item)
    if message is None:
        # It may have overtaken the message; one that was never told (a mention that came by the edit) is made of the edit in the end.
        if patient(item) or item.identity is None or item.thread is None:
            later(batch, item, "It edits a message that never came.")
        elif item.inbound.counterpart is not None:
            _on_echo(batch, item)
        else:
            _on_message(batch, item)
        return
    text, at = storable(item.inbound.text), item.inbound.at
    if _known_also(batch, item, message):
        _changed(batch, message)
    if text == message.text:
        return
    if message.edited_at is not None and at < message.edited_at:
        batch.versions.append(MessageVersion(message=message, text=text, until=message.edited_at))
        return
    batch.versions.append(MessageVersion(message=message, text=message.text, until=at))
    case = batch.case_of(message)
    if case is not None and case.snippet == one_line(message.text, 200):
        case.snippet = one_line(text, 200)
    message.text, message.edited_at = text, at
    _changed(batch, message)
    if message.direction == Direction.IN:
        item.message, item.thread = message, message.thread
        batch.fresh.append(item)
    batch.tell("message.edited", case, message)


def _changed(batch: Batch, message: Message) -> None:
    """The message is written again, and its case counts as active."""
    if message.pk is not None:
        batch.changed_messages[message.pk] = message
    case = batch.case_of(message)
    if case is not None:
        case.updated_at = batch.now
        batch.change(case)


def _on_delete(batch: Batch, item: Item) -> None:
    message = known_message(batch, item)
    if message is None:
        later(batch, item, "It deletes a message that never came.")
    elif message.deleted_at is None:
        message.deleted_at = item.inbound.at
        _changed(batch, message)
        batch.tell("message.deleted", batch.case_of(message), message)


def _on_hide(batch: Batch, item: Item) -> None:
    message, hidden = known_message(batch, item), item.inbound.kind is Kind.HIDE
    if message is None:
        later(batch, item, "It hides or shows a message that never came.")
    elif message.hidden != hidden or (message.deleted_at and not hidden):
        # A forum brings back what was deleted, too.
        message.hidden, message.deleted_at = hidden, message.deleted_at if hidden else None
        _changed(batch, message)
        batch.tell("message.hidden" if hidden else "message.unhidden", batch.case_of(message), message)


def _on_reaction(batch: Batch, item: Item) -> None:
    message = known_message(batch, item)
    if message is None:
        later(batch, item, "It reacts to a message that never came.")
        return
    who = item.inbound.author.external_id if item.inbound.author else ""
    reactions = dict(message.meta.get("reactions", {}))
    if item.inbound.meta.get("removed"):
        reactions.pop(who, None)
    elif who in reactions or len(reactions) < 200:
        reactions[who] = storable(str(item.inbound.meta.get("reaction", "like")), 40)
    message.meta = {**message.meta, "reactions": reactions}
    _changed(batch, message)
    batch.tell("message.reaction", batch.case_of(message), message)


REACHED = {Kind.DELIVERED: DeliveryState.DELIVERED, Kind.READ: DeliveryState.READ}
BEFORE = {
    DeliveryState.DELIVERED: (DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.SENT),
    DeliveryState.READ: (DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.SENT, DeliveryState.DELIVERED),
}
"""A receipt moves an answer forwards only, in whatever order receipts come."""


def _on_receipt(batch: Batch, item: Item) -> None:
    state = REACHED[item.inbound.kind]
    message = known_message(batch, item)
    rows = Delivery.objects.filter(what="send").exclude(state=DeliveryState.CANCELLED).select_related("message")
    if message is not None and message.pk is not None:
        rows = rows.filter(message_id=message.pk)
    elif item.inbound.external_id and patient(item):
        later(batch, item, "A receipt for nothing that was sent from here.")
        return
    elif item.inbound.watermark is not None and item.thread is not None and item.thread.pk is not None:
        # A person's clock and the platform's differ a little; what was said before the watermark was seen.
        until = _later_by(item.inbound.watermark, 2.0)
        rows = rows.filter(
            state__in=BEFORE[state],
            message__thread_id=item.thread.pk,
            message__sent_at__lte=until,
            message__external_id__isnull=False,
        )
    else:
        batch.outcome(item.arrival).reason = "A receipt for nothing that was sent from here."
        return
    for delivery in rows[:200]:
        if batch.state_of(delivery) not in BEFORE[state]:
            continue
        batch.settle(delivery, state)
        batch.tell(
            f"delivery.{state}", batch.case_of(delivery.message) or _stored_case(delivery.message), delivery.message
        )


def _stored_case(message: Message) -> Case | None:
    return Case(pk=message.case_id) if message.case_id else None


def _later_by(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


def _on_failed(batch: Batch, item: Item) -> None:
    message = known_message(batch, item)
    if message is None or message.pk is None:
        later(batch, item, "It tells of a failure of a message that is not ours.")
        return
    for delivery in Delivery.objects.filter(message_id=message.pk, what="send"):
        if batch.state_of(delivery) in GONE:
            continue
        batch.settle(delivery, DeliveryState.FAILED, item.inbound.reason)
        batch.undelivered.append(message)
        case = batch.case_of(message) or _stored_case(message)
        batch.tell("delivery.failed", case, message, reason=item.inbound.reason[:300])


def _on_revoked(_: Batch, item: Item) -> None:
    words = item.inbound.reason or "The platform has withdrawn our access."
    channels.note_health(item.inbox.pk, Inbox.Health.ATTENTION, words)


HANDLERS: dict[Kind, Callable[[Batch, Item], None]] = {
    Kind.MESSAGE: _on_message,
    Kind.ECHO: _on_echo,
    Kind.EDIT: _on_edit,
    Kind.DELETE: _on_delete,
    Kind.HIDE: _on_hide,
    Kind.UNHIDE: _on_hide,
    Kind.REACTION: _on_reaction,
    Kind.DELIVERED: _on_receipt,
    Kind.READ: _on_receipt,
    Kind.FAILED: _on_failed,
    Kind.REVOKED: _on_revoked,
}
