"""Escalation with the words to the customer that go with it, in one transaction; they may wait for approval as any answer."""

from __future__ import annotations

from django.db import transaction

from parlour.cases import escalating
from parlour.cases.access import Invalid, possible_id
from parlour.cases.escalating import Target
from parlour.cases.models import Case, Delivery
from parlour.policy.approvals import actions as approvals
from parlour.policy.handover import actions as handover
from parlour.policy.handover import queries as systems
from parlour.staff.access import Actor


def targets(case: Case, by: Actor) -> list[Target]:
    """Where this case can go: to somebody here, to another channel, to another system of its brand."""
    words = "I have passed this to our specialists ({0}), and will tell you what they say."
    outside = [Target("system", one.pk, one.name, words.format(one.name)) for one in systems.systems(case.brand_id)]
    return [*escalating.targets(case, by), *outside]


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
        if to == "system":
            _hand_over(case_id, target, summary, by)
        else:
            escalating.escalate(case_id, by=by, to=to, target=target, summary=summary)
        if say.strip():
            # Whoever tells the customer that it is passed on does not keep it.
            approvals.reply(case_id, by=by, text=say, visibility=visibility, idempotency_key=key, claims=False)
        return Case.objects.select_related("assignee", "team").get(pk=case_id)


def _hand_over(case_id: int, target: int | None, summary: str, by: Actor) -> None:
    """To another system: the case stays with whoever has it, who is told what comes back."""
    summary = escalating.checked_summary(summary)
    case = escalating.held(case_id, by)
    system = systems.systems(case.brand_id).filter(pk=possible_id(target or -1)).first()
    if system is None:
        raise Invalid("There is no such system for this brand.")
    escalating.note(case, by, to="system", target=system.pk, name=system.name, summary=summary)
    handover.hand_over(case, system, summary, by=by)
