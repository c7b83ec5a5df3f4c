"""What moderation asks of the record: acts of the desk itself, and cases set aside or called back. Part of ``cases.actions``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from parlour.cases.models import Case, Delivery, Message, Status
from parlour.channels import registry
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.spine.models import Event
from parlour.staff.access import Actor, actor_name

ALREADY = {"hide": "hidden", "delete": "deleted_at"}


def can_act(message: Message, act: str) -> bool:
    """Whether a message's platform knows ``act`` for it, and it is not done already."""
    channel = registry.CHANNELS.get(message.channel)
    if channel is None or message.external_id is None or message.inbox_id is None or message.deleted_at:
        return False
    can = channel.capabilities
    able = can.acts_public if message.visibility == "public" else can.acts_private
    return act in able and not getattr(message, ALREADY.get(act, ""), None)


def act_by_desk(acts: Sequence[tuple[Message, str]], *, actor: str = "desk", reason: str = "") -> None:
    """Ask the platforms to do these acts, which they can (``can_act``). In the caller's transaction; a few statements for all."""
    if not acts:
        return
    now = clock.now()
    Delivery.objects.bulk_create(
        Delivery(
            message=message,
            what=act,
            target=message.external_id or "",
            reference="p" + secrets.token_hex(16),
            due_at=now,
        )
        for message, act in acts
    )
    data = {"reason": reason} if reason else {}
    spine.write_many(
        Event(
            verb="message.act", actor=actor, case_id=message.case_id, message_id=message.pk, data={"act": act, **data}
        )
        for message, act in acts
    )
    bus.wake("deliveries")


def set_aside(case_id: int, *, by: Actor | None) -> Case:
    """Take an open case out of the queue, as noise: its customer waits for nothing. Nothing is learnt from it."""
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case_id)
        if case.status != Status.OPEN or not case.actionable:
            return case
        now = clock.now()
        changes = {
            "actionable": False,
            "waiting_since": None,
            "response_due_at": None,
            "response_warn_at": None,
            "updated_at": now,
            "look_at": now,
        }
        _write(case, changes, by, actionable=False)
    return case


def call_back(case_id: int, since: datetime, *, by: Actor | None) -> Case:
    """Put an open case into the queue: its customer waits since ``since``, unless they had an answer after it."""
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case_id)
        answered = case.last_out_at is not None and case.last_out_at >= since
        if case.status != Status.OPEN or answered or (case.actionable and case.waiting_since is not None):
            return case
        now = clock.now()
        changes = {
            "actionable": True,
            "waiting_since": case.waiting_since or since,
            "updated_at": now,
            "look_at": now,
        }
        _write(case, changes, by, actionable=True)
    return case


def _write(case: Case, changes: Mapping[str, Any], by: Actor | None, *, actionable: bool) -> None:
    Case.objects.filter(pk=case.pk).update(**changes)
    for name, value in changes.items():
        setattr(case, name, value)
    spine.write("case.actionable", actor=actor_name(by), case_id=case.pk, actionable=actionable)
    bus.wake("policy")
