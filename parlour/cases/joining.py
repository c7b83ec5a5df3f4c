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
        Identity.objects.filter(customer_id=other_id).update(customer_id=into_id)
        if not people[into_id].name:
            Customer.objects.filter(pk=into_id).update(name=people[other_id].name)
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
        "response_due_at": None,
        "response_warn_at": None,
        "look_at": None,
        "messages_in": 0,
        "messages_out": 0,
        "snippet": f"Joined with case {stays.pk}",
    }
    Case.objects.filter(pk=case.pk).update(**emptied)
    Case.objects.filter(pk=stays.pk).update(**_summary(stays), updated_at=now, look_at=now)
    spine.write("case.joined", case_id=case.pk, into=stays.pk, reason=reason)
    spine.write("case.joined", case_id=stays.pk, took=case.pk, reason=reason)


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
