"""Showing customers that their words were read, where their platform can. Part of ``cases.actions``."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction

from parlour.cases.models import Case, Delivery, Direction, Message
from parlour.cases.ways import signals
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name

LATEST_DAYS = 7
"""Older words were read long ago, whoever opens the case now; and platforms take no sign for them."""


def mark_seen(case_id: int, *, by: Actor) -> bool:
    """Tell the platform that the customer's latest private words were read: once for each, and only where it can be told and the inbox
    wants it. Whether it is told now."""
    staff.require(by, staff.ANSWER)
    said = _latest(case_id)
    if said is None or not _worth_telling(said):
        return False
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case_id)
        return note_seen(said, by)


def note_seen(said: Message, by: Actor) -> bool:
    """As ``mark_seen``, in the caller's transaction with the case held."""
    if not _worth_telling(said):
        return False
    Delivery.objects.create(
        message=said,
        what="seen",
        target=said.external_id or "",
        reference="p" + secrets.token_hex(16),
        due_at=clock.now(),
    )
    spine.write("message.seen", actor=actor_name(by), case_id=said.case_id, message_id=said.pk)
    bus.wake("deliveries")
    return True


def _latest(case_id: int) -> Message | None:
    said = Message.objects.filter(case=case_id, direction=Direction.IN, visibility="private", thread__isnull=False)
    return said.select_related("inbox").order_by("-sent_at", "-id").first()


def _worth_telling(said: Message) -> bool:
    if said.inbox is None or said.external_id is None or "seen" not in signals(said.inbox):
        return False
    fresh = said.sent_at > clock.now() - timedelta(days=LATEST_DAYS)
    return fresh and not Delivery.objects.filter(message=said, what="seen").exists()
