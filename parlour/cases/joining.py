"""Two customers turn out to be one person: what they said becomes one customer's, and what is open becomes one case."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max, Min

from parlour.cases.answered import reached
from parlour.cases.models import Case, Direction, Message, Status, Thread
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine import bus


def join_customers(into_id: int, other_id: int, *, reason: str) -> None:
    """Make everything of one customer the other's; nothing when they are the same. Open cases with one brand become one: the kept
    one takes the messages and threads, the emptied one is resolved and says where they went."""
    if into_id == other_id:
        return
    with transaction.atomic():
        pair = Customer.objects.select_for_update().filter(pk__in=[into_id, other_id]).order_by("pk")
        people = {customer.pk: customer for customer in pair}
        if len(people) < 2:
            return
        rows = Case.objects.select_for_update().filter(customer_id__in=people, status=Status.OPEN).order_by("pk")
        open_cases = list(rows)
        kept = {case.brand_id: case for case in open_cases if case.customer_id == into_id}
        for case in open_cases:
            if case.customer_id == other_id and (stays := kept.get(case.brand_id)) is not None:
                _empty_into(case, stays, reason)
        Case.objects.filter(customer_id=other_id).update(customer_id=into_id)
        Thread.objects.filter(customer_id=other_id).update(customer_id=into_id)
        Identity.objects.filter(customer_id=other_id, name="").update(name=people[into_id].name)
        Identity.objects.filter(customer_id=other_id).update(customer_id=into_id)
        if not people[into_id].name:
            Customer.objects.filter(pk=into_id).update(name=people[other_id].name)
        if not people[into_id].picture:
            Customer.objects.filter(pk=into_id).update(picture=people[other_id].picture)
        Customer.objects.filter(pk=other_id).delete()
        bus.wake("policy")


def _empty_into(case: Case, stays: Case, reason: str) -> None:
    now = clock.now()
    Message.objects.filter(case=case).update(case=stays)
    Thread.objects.filter(case=case).update(case=stays)
    emptied = {
        "status": Status.RESOLVED,
        "resolved_at": now,
        "updated_at": now,
        "waiting_since": None,
        "urgency": 0.0,
        "response_due_at": None,
        "response_warn_at": None,
        "look_at": now,
        "messages_in": 0,
        "messages_out": 0,
        "snippet": f"Joined with case {stays.pk}",
    }
    Case.objects.filter(pk=case.pk).update(**emptied)
    summary = _summary(stays)
    waits = summary["waiting_since"] is not None
    Case.objects.filter(pk=stays.pk).update(**summary, **_inherited(case, stays, waits), updated_at=now, look_at=now)
    spine.write("case.joined", case_id=case.pk, into=stays.pk, reason=reason)
    spine.write("case.joined", case_id=stays.pk, took=case.pk, reason=reason)


def _inherited(case: Case, stays: Case, waits: bool) -> dict[str, object]:
    """What the kept case takes over from the emptied one: what is urgent or promised there, and who had it where nobody has it here."""
    taken: dict[str, object] = {"actionable": stays.actionable or case.actionable}
    dues = [one.response_due_at for one in (stays, case) if one.response_due_at is not None]
    warnings = [one.response_warn_at for one in (stays, case) if one.response_warn_at is not None]
    due = min(dues, default=None) if waits else None
    taken["urgency"] = max(stays.urgency, case.urgency) if waits else 0.0
    taken["response_due_at"] = due
    taken["response_warn_at"] = min(warnings, default=None) if waits else None
    if due is not None and due != stays.response_due_at:
        # The emptied case's promise may be broken already; it is not broken a second time.
        taken["breached_at"] = case.breached_at
    if stays.assignee_id is None and case.assignee_id is not None:
        taken |= {"assignee_id": case.assignee_id, "routing_reason": case.routing_reason}
    if stays.team_id is None:
        taken["team_id"] = case.team_id
    if stays.level is None:
        taken["level"] = case.level
    if stays.category == "other" and stays.category_by == "model":
        taken |= {"category": case.category, "category_by": case.category_by}
    return taken


def _summary(case: Case) -> dict[str, object]:
    """What a case says of its messages, told anew."""
    said, answered = Message.objects.filter(case=case, direction=Direction.IN), reached(case)
    times = answered.aggregate(last=Max("sent_at"))
    unanswered = said.exclude(actionable=False)
    if times["last"] is not None:
        unanswered = unanswered.filter(sent_at__gt=times["last"])
    summary: dict[str, object] = {
        "messages_in": said.count(),
        "messages_out": answered.count(),
        "last_in_at": said.aggregate(last=Max("sent_at"))["last"],
        "last_out_at": times["last"],
        "waiting_since": unanswered.aggregate(first=Min("sent_at"))["first"],
    }
    both = (said.order_by("-sent_at", "-id").first(), answered.order_by("-sent_at", "-id").first())
    latest = max((one for one in both if one is not None), key=lambda one: one.sent_at, default=None)
    if latest is not None:
        summary |= {
            "snippet": latest.text[:200],
            "snippet_direction": latest.direction,
            "channel": latest.channel,
            "visibility": latest.visibility,
        }
    return summary
