"""Clocks, routing and scores on stored cases."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from parlour.cases import actions as cases
from parlour.cases.models import Case, Status
from parlour.cases.tests.rows import START, Rows
from parlour.customers.models import Customer
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.spine.models import Event
from parlour.staff.actions import set_up_team
from parlour.staff.models import Agent, Presence

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


def waiting(rows: Rows, at: datetime = START, **values: object) -> Case:
    """A case as the road leaves it before it is judged."""
    case = rows.case(waiting_since=at, visibility="private", **values)
    policy.begin_wait(case)
    case.look_at = at
    case.save()
    return case


def look(at: datetime) -> int:
    with clock.frozen(at):
        return policy.look()


def told(case: Case) -> list[str]:
    return list(Event.objects.filter(case_id=case.pk).order_by("id").values_list("verb", flat=True))


def test_the_promise_counts_from_the_customer_s_words(rows: Rows) -> None:
    case = waiting(rows)
    look(START + 10 * MINUTE)
    case.refresh_from_db()
    assert (case.response_due_at, case.response_warn_at) == (START + 60 * MINUTE, START + 45 * MINUTE)


def test_a_promise_is_warned_of_once_and_then_broken_once(rows: Rows) -> None:
    case = waiting(rows)
    points = []
    for minute in (0, 15, 44, 45, 46, 59, 60, 61, 600):
        look(START + minute * MINUTE)
        case.refresh_from_db()
        points.append(case.priority)
    assert points == [10, 13, 13, 19, 19, 19, 26, 26, 30]
    assert [verb for verb in told(case) if verb in ("case.warned", "case.breached")] == ["case.warned", "case.breached"]
    assert (case.breached_at, case.response_due_at, case.response_warn_at) == (START + HOUR, START + HOUR, None)
    warned = Event.objects.get(verb="case.warned")
    assert warned.data["reason"] == (
        "15 minutes are left for the first answer. “Everybody” is the only target that fits."
    )
    broken = Event.objects.get(verb="case.breached").data["reason"]
    assert broken == "No first answer by 01 Mar 10:00 UTC, as promised. “Everybody” is the only target that fits."
    assert [event.data for event in Event.objects.filter(verb="case.scored")][:2] == [
        {"was": 0, "now": 10},
        {"was": 10, "now": 13},
    ]


def test_a_desk_that_was_down_breaks_the_promise_without_a_warning(rows: Rows) -> None:
    case = waiting(rows)
    look(START + 5 * HOUR)
    assert [verb for verb in told(case) if verb != "case.scored"] == ["case.breached", "case.routed"]
    case.refresh_from_db()
    assert case.breached_at == START + HOUR


def test_an_answer_stops_the_clock(rows: Rows) -> None:
    case, noor = waiting(rows), rows.agent()
    said = rows.said(case, sent_at=START)
    with clock.frozen(START + 50 * MINUTE):
        cases.reply(case.pk, by=noor, text="Soon.", visibility=said.visibility)
    look(START + 2 * HOUR)
    case.refresh_from_db()
    assert (case.breached_at, case.priority, case.look_at) == (None, 5, None)
    assert "case.breached" not in told(case)


def test_noise_breaks_no_promise_until_somebody_says_it_is_none(rows: Rows) -> None:
    case, noor = waiting(rows, actionable=False), rows.agent()
    look(START + 2 * HOUR)
    case.refresh_from_db()
    assert (case.priority, case.breached_at, case.assignee_id, case.look_at) == (0, None, None, None)
    with clock.frozen(START + 2 * HOUR):
        cases.set_actionable(case.pk, True, by=noor)
    look(START + 2 * HOUR)
    assert "case.breached" in told(case)


def test_looking_touches_only_what_is_due(rows: Rows, django_assert_max_num_queries) -> None:
    early, late = waiting(rows), waiting(rows, START + HOUR)
    done = waiting(rows, status=Status.RESOLVED)
    assert look(START) == 2
    assert look(START) == 0
    late.refresh_from_db()
    done.refresh_from_db()
    assert (late.priority, done.priority, done.look_at) == (0, 0, None)
    early.refresh_from_db()
    assert early.look_at == START + 15 * MINUTE
    with django_assert_max_num_queries(4):
        assert look(START + 14 * MINUTE) == 0
    assert look(START + 15 * MINUTE) == 1


def test_many_due_cases_cost_few_questions(rows: Rows, django_assert_max_num_queries) -> None:
    for _ in range(30):
        waiting(rows)
    with django_assert_max_num_queries(24):
        assert look(START) == 30


def test_a_level_set_by_hand_is_judged_at_once(rows: Rows) -> None:
    case, noor = waiting(rows), rows.agent()
    look(START)
    with clock.frozen(START + MINUTE):
        cases.set_level(case.pk, "urgent", by=noor)
        assert policy.look() == 1
    case.refresh_from_db()
    assert (case.priority, case.priority_reasons) == (100, [[100, "set to urgent by hand"]])


def test_customers_of_standing_are_heard_sooner(rows: Rows) -> None:
    case = waiting(rows)
    rows.said(case, sent_at=START, visibility="public")
    case.customer.identities.update(followers=20_000)
    Customer.objects.filter(pk=case.customer_id).update(vip=True)
    Case.objects.update(urgency=0)
    look(START)
    case.refresh_from_db()
    assert [part for part, _ in case.priority_reasons] == [10, 8, 7, 15]


# Routing


def test_new_cases_go_to_their_team_s_least_loaded_agent(rows: Rows) -> None:
    set_up_team("Delivery", ["delivery"])
    busy = rows.agent("Busy", presence=Presence.ONLINE, teams=["Delivery"])
    free = rows.agent("Free", presence=Presence.ONLINE, teams=["Delivery"])
    rows.agent("Away", presence=Presence.AWAY, teams=["Delivery"])
    rows.agent("Other", presence=Presence.ONLINE, teams=["Billing"])
    rows.case(assignee=busy)
    case = waiting(rows, category="delivery")
    look(START)
    case.refresh_from_db()
    assert case.assignee == free
    assert case.routing_reason == "Delivery takes Delivery; Free was least loaded (0 of 20)."
    routed = Event.objects.get(verb="case.routed")
    assert routed.data == {"team": case.team_id, "assignee": free.pk, "reason": case.routing_reason}


def test_the_most_pressing_of_a_batch_gets_the_last_place(rows: Rows) -> None:
    noor = rows.agent(presence=Presence.ONLINE, capacity=1)
    calm, pressing = waiting(rows), waiting(rows, urgency=1.0)
    look(START)
    for case in (calm, pressing):
        case.refresh_from_db()
    assert pressing.assignee == noor
    assert calm.assignee is None
    assert "at capacity" in calm.routing_reason


def test_where_a_case_waits_is_told_once_whatever_it_waits_for(rows: Rows) -> None:
    set_up_team("Delivery", ["delivery"])
    noor = rows.agent(presence=Presence.ONLINE, teams=["Delivery"], capacity=0)
    case = waiting(rows, category="delivery")

    def again(minutes: int) -> Case:
        Case.objects.update(look_at=START)
        look(START + minutes * MINUTE)
        case.refresh_from_db()
        return case

    assert "at capacity" in again(0).routing_reason
    for presence, why in ((Presence.OFFLINE, "nobody there is online"), (Presence.ONLINE, "at capacity")) * 2:
        Agent.objects.update(presence=presence)
        # What it waits for stands with the case.
        assert why in again(1).routing_reason
    assert told(case).count("case.routed") == 1
    Agent.objects.update(capacity=1)
    assert again(2).assignee == noor
    assert told(case).count("case.routed") == 2


def test_a_case_that_has_an_agent_keeps_them(rows: Rows) -> None:
    mine, _ = rows.agent("Mine"), rows.agent("Free", presence=Presence.ONLINE)
    case = waiting(rows, assignee=mine)
    look(START)
    case.refresh_from_db()
    assert case.assignee == mine
    assert told(case) == ["case.scored"]


def test_whoever_comes_online_gets_what_waits_most_pressing_first(rows: Rows) -> None:
    low, high = waiting(rows), waiting(rows, urgency=1.0)
    answered = rows.case()
    look(START)
    assert policy.hand_out() == 0
    noor = rows.agent(presence=Presence.ONLINE, capacity=1)
    assert policy.hand_out() == 1
    assert policy.hand_out() == 0
    assert set(Case.objects.filter(assignee=noor)) == {high}
    Agent.objects.update(capacity=5)
    assert policy.hand_out() == 1
    assert set(Case.objects.filter(assignee=noor)) == {high, low}
    assert Case.objects.get(pk=answered.pk).assignee is None
    assert told(high).count("case.routed") == 2


def test_a_long_queue_of_a_team_that_is_away_stands_before_nobody(rows: Rows) -> None:
    set_up_team("Billing", ["billing"])
    set_up_team("Delivery", ["delivery"])
    for _ in range(4):
        waiting(rows, category="billing", urgency=1.0)
    last = waiting(rows, category="delivery")
    look(START)
    noor = rows.agent(presence=Presence.ONLINE, teams=["Delivery"])
    assert policy.hand_out(limit=2) == 1
    last.refresh_from_db()
    assert last.assignee == noor
    rows.agent("Full", presence=Presence.ONLINE, teams=["Billing"], capacity=0)
    assert policy.hand_out(limit=2) == 0


def test_nothing_is_written_while_nobody_is_free(rows: Rows, django_assert_max_num_queries) -> None:
    waiting(rows)
    look(START)
    before = Event.objects.count()
    with django_assert_max_num_queries(1):
        policy.hand_out()
    assert Event.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_give_away_the_same_place() -> None:
    rows = Rows()
    noor = rows.agent(capacity=1)
    for _ in range(2):
        waiting(rows)
    policy.look(START)
    Agent.objects.update(presence=Presence.ONLINE)
    given: list[int] = []

    def other() -> None:
        given.append(policy.hand_out())
        connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        assert policy.hand_out(limit=1) == 1
        thread.start()
        thread.join(0.2)
        assert given == [], "it waits for whoever gives away the place"
    thread.join()
    assert given == [0]
    assert Case.objects.filter(assignee=noor).count() == 1


def test_judging_is_undone_with_its_transaction(rows: Rows) -> None:
    case = waiting(rows)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        policy.judge([Case.objects.select_related("brand", "customer").get(pk=case.pk)], START)
        raise ZeroDivisionError
    case.refresh_from_db()
    assert (case.priority, told(case)) == (0, [])
