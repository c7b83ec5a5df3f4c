"""The step that writes what the batch has made and changed, a few statements for all of it."""

from __future__ import annotations

from datetime import timedelta

from parlour.cases import actions as cases
from parlour.cases.models import Attachment, Case, Delivery, FileState, Message, MessageVersion, Thread
from parlour.channels import actions as channels
from parlour.customers.models import Identity
from parlour.lib.rows import insert_rows, save_rows, update_rows
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.traffic.batch import THREAD_FIELDS, Batch, thread_values

HEARD_EVERY = timedelta(seconds=10)
CASE_FIELDS = [
    "status",
    "resolved_at",
    "level",
    "reopened",
    "channel",
    "visibility",
    "snippet",
    "snippet_direction",
    "updated_at",
    "last_in_at",
    "last_out_at",
    "waiting_since",
    "urgency",
    "first_response_at",
    "due_what",
    "response_due_at",
    "response_warn_at",
    "breached_at",
    "messages_in",
    "messages_out",
    "look_at",
]
MESSAGE_FIELDS = [
    "external_id",
    "inbox_id",
    "channel",
    "thread_id",
    "text",
    "edited_at",
    "deleted_at",
    "hidden",
    "meta",
]


def keep(batch: Batch) -> None:
    """Write the batch inside the caller's transaction."""
    insert_rows(Case, batch.new_cases)
    _keep_threads(batch)
    insert_rows(Message, batch.new_messages)
    insert_rows(Attachment, batch.attachments)
    if any(one.state == FileState.WAITING for one in batch.attachments):
        bus.wake("files")
    if batch.ask:
        Identity.objects.filter(pk__in=batch.ask, ask_due_at=None).update(ask_due_at=batch.now, ask_tries=0)
    insert_rows(MessageVersion, batch.versions)
    save_rows(CASE_FIELDS, [case for _, case in sorted(batch.changed_cases.items())])
    for message in batch.changed_messages.values():
        if message.thread_id is None and message.thread is not None:
            message.thread_id = message.thread.pk
    save_rows(MESSAGE_FIELDS, batch.changed_messages.values())
    update_rows(
        Delivery,
        ["state", "error_words", "settled_at"],
        ((state, words[:500], batch.now, pk) for pk, (state, words) in sorted(batch.settled.items())),
    )
    spine.write_many(batch.lines())
    _keep_heard(batch)
    for message in batch.undelivered:
        cases.answer_failed(message)


def _keep_heard(batch: Batch) -> None:
    """When each inbox was last heard, to some seconds: a write for each batch would cost the road."""
    latest = {item.inbox.pk: item for item in batch.items}
    for pk, item in latest.items():
        if item.inbox.heard_at is None or batch.now - item.inbox.heard_at > HEARD_EVERY:
            late = (batch.now - item.inbound.at).total_seconds() if item.inbound.kind == "message" else None
            channels.note_heard(pk, batch.now, None if late is None else max(late, 0.0))


def _keep_threads(batch: Batch) -> None:
    used = list(batch.threads.values())
    for thread in used:
        if thread.case_id is None and thread.case is not None:
            thread.case_id = thread.case.pk
    changed = sorted(
        (one.pk, thread_values(one))
        for one in used
        if one.pk is not None and thread_values(one) != batch.stored_threads.get(one.pk)
    )
    insert_rows(Thread, (thread for thread in used if thread.pk is None))
    update_rows(Thread, THREAD_FIELDS, ([*values, pk] for pk, values in changed))
