"""Escalation with the words to the customer that go with it, in one transaction; they may wait for approval as any answer."""

from __future__ import annotations

from django.db import transaction

from parlour.cases import escalating
from parlour.cases.models import Case, Delivery
from parlour.policy.approvals import actions as approvals
from parlour.staff.access import Actor


def escalate(
    case_id: int,
    *,
    by: Actor,
    to: str,
    target: int | None = None,
    summary: str,
    say: str = "",
    visibility: str = "",
    key: str | None = None,
) -> Case:
    """Escalate, and tell the customer ``say`` where it is not empty. All of it or nothing; the same ``key`` with words to the customer
    does nothing again."""
    with transaction.atomic():
        if key and Delivery.objects.filter(idempotency_key=key, message__case=case_id).exists():
            return Case.objects.select_related("assignee", "team").get(pk=case_id)
        escalating.escalate(case_id, by=by, to=to, target=target, summary=summary)
        if say.strip():
            # Whoever tells the customer that it is passed on does not keep it.
            approvals.reply(case_id, by=by, text=say, visibility=visibility, idempotency_key=key, claims=False)
        return Case.objects.select_related("assignee", "team").get(pk=case_id)
