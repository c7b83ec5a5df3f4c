"""Two customers who turn out to be one person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases import actions
from parlour.cases.models import Case, Message, Status
from parlour.cases.tests.rows import START, Rows
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.spine.models import Event
from parlour.staff.models import Team

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _later():
    with clock.frozen(START + timedelta(hours=5)):
        yield


def test_what_is_open_becomes_one_case(rows: Rows) -> None:
    stays, goes, noor = rows.case(), rows.case(), rows.agent()
    first = rows.said(stays, "In public")
    undone = actions.reply(stays.pk, by=noor, text="No.", visibility="public", hold_seconds=5)
    actions.cancel_reply(undone.pk, by=noor)
    last = rows.said(goes, "In private", visibility="private")
    actions.add_note(goes.pk, by=noor, text="Hm.")
    actions.join_customers(stays.customer_id, goes.customer_id, reason="They are one person.")
    stays.refresh_from_db()
    goes.refresh_from_db()
    assert (goes.status, goes.customer_id, goes.waiting_since) == (Status.RESOLVED, stays.customer_id, None)
    assert Message.objects.filter(case=stays).count() == 4
    assert (stays.messages_in, stays.messages_out, stays.snippet) == (2, 0, "In private")
    assert (stays.visibility, stays.last_in_at) == ("private", last.sent_at)
    assert stays.waiting_since == first.sent_at
    assert stays.threads.count() == 2
    assert Customer.objects.get() == stays.customer
    assert set(Identity.objects.values_list("customer", flat=True)) == {stays.customer_id}
    joined = Event.objects.filter(verb="case.joined").order_by("id")
    assert [(event.case_id, event.data["reason"]) for event in joined] == [
        (goes.pk, "They are one person."),
        (stays.pk, "They are one person."),
    ]


def test_what_is_urgent_promised_and_decided_on_either_side_stays_so(rows: Rows) -> None:
    stays, goes, noor = rows.case(), rows.case(), rows.agent()
    team = Team.objects.create(name="Billing")
    first = rows.said(goes, "I was charged twice!")
    rows.said(stays, "Nice weather.", actionable=False)
    due = first.sent_at + timedelta(minutes=60)
    Case.objects.filter(pk=stays.pk).update(actionable=False, urgency=0.1, response_due_at=None, response_warn_at=None)
    given = {"team": team, "assignee": noor, "level": "high", "category": "billing", "category_by": f"agent:{noor.pk}"}
    Case.objects.filter(pk=goes.pk).update(urgency=0.8, routing_reason="Taken by Noor.", breached_at=due, **given)
    actions.join_customers(stays.customer_id, goes.customer_id, reason="One.")
    stays.refresh_from_db()
    goes.refresh_from_db()
    assert (stays.actionable, stays.urgency, stays.waiting_since) == (True, 0.8, first.sent_at)
    assert (stays.response_due_at, stays.response_warn_at) == (due, due - timedelta(minutes=15))
    assert {name: getattr(stays, name) for name in given} == given
    assert (stays.routing_reason, stays.breached_at) == ("Taken by Noor.", due)
    assert (goes.urgency, goes.response_due_at) == (0.0, None)


def test_what_the_kept_case_has_it_keeps(rows: Rows) -> None:
    stays, goes, noor, mika = rows.case(), rows.case(), rows.agent("Noor"), rows.agent("Mika")
    one, two = Team.objects.create(name="One"), Team.objects.create(name="Two")
    first = rows.said(stays)
    rows.said(goes)
    kept = {"team": one, "assignee": noor, "level": "low", "category": "billing", "routing_reason": "Why."}
    other = {"team": two, "assignee": mika, "level": "urgent", "category": "delivery", "routing_reason": "So."}
    Case.objects.filter(pk=stays.pk).update(**kept)
    Case.objects.filter(pk=goes.pk).update(actionable=False, urgency=0.1, **other)
    actions.join_customers(stays.customer_id, goes.customer_id, reason="One.")
    stays.refresh_from_db()
    assert {name: getattr(stays, name) for name in kept} == kept
    assert (stays.actionable, stays.urgency) == (True, 0.5)
    assert stays.response_due_at == first.sent_at + timedelta(minutes=60)


def test_where_nobody_waits_any_longer_nothing_is_promised(rows: Rows) -> None:
    stays, goes = rows.case(), rows.case()
    rows.said(stays, "Thanks!", actionable=False)
    rows.said(goes, "Bye!", actionable=False)
    actions.join_customers(stays.customer_id, goes.customer_id, reason="One.")
    stays.refresh_from_db()
    assert (stays.waiting_since, stays.urgency, stays.response_due_at, stays.response_warn_at) == (None, 0, None, None)


def test_a_case_of_one_side_only_is_kept_as_it_is(rows: Rows) -> None:
    case, old = rows.case(), rows.case(status=Status.RESOLVED)
    rows.said(case)
    actions.join_customers(old.customer_id, case.customer_id, reason="One.")
    assert set(Case.objects.values_list("customer", "status")) == {
        (old.customer_id, "open"),
        (old.customer_id, "resolved"),
    }
    assert not Event.objects.exists()


def test_joining_twice_or_with_nobody_changes_nothing(rows: Rows) -> None:
    one, other = Customer.objects.create(), Customer.objects.create(name="Ana")
    actions.join_customers(one.pk, one.pk, reason="Same.")
    for _ in range(2):
        actions.join_customers(one.pk, other.pk, reason="One.")
    assert Customer.objects.get().name == "Ana"
