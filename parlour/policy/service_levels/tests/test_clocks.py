"""Clocks of stored cases: started, stopped, rested and fired by what happens to the case, and changed while they run."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.test import Client

from parlour.cases import actions as cases
from parlour.cases.models import Case, Delivery, Message, Status
from parlour.cases.tests.rows import START, Rows, claimed
from parlour.customers.models import Customer
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.service_levels import actions
from parlour.policy.service_levels.calendars import Calendar
from parlour.policy.service_levels.models import Clock, Edition
from parlour.policy.service_levels.plan import BEGINNING, Plan, Step, Target, document
from parlour.spine.models import Event
from parlour.staff.actions import set_up_team
from parlour.staff.models import Role

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFICE = Calendar("office", "Office", zone="Europe/Berlin", hours=(*(((540, 1020),),) * 5, (), ()))


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


def promise(*targets: Target, calendars: tuple[Calendar, ...] = (), at: datetime = START - 90 * DAY) -> None:
    """What holds from ``at`` on, as if somebody had saved it then."""
    plan = Plan(targets=targets, calendars=calendars)
    Edition.objects.create(document=document(plan), words="Test", by="desk", at=at, done_at=at)


def everybody(**given: object) -> Target:
    return replace(Target("all", "Everybody", warning=15), **given)  # type: ignore[arg-type]


def waiting(rows: Rows, at: datetime = START, **values: object) -> Case:
    """A case as the road leaves it before it is judged."""
    given = {"waiting_since": at, "last_in_at": at, "opened_at": at, "look_at": at, "messages_in": 1}
    return rows.case(**{"visibility": "private", **given, **values})


def look(at: datetime) -> None:
    with clock.frozen(at):
        policy.look()


def told(case: Case, *verbs: str) -> list[str]:
    found = Event.objects.filter(case_id=case.pk, verb__in=verbs or ("case.warned", "case.breached"))
    return list(found.order_by("id").values_list("verb", flat=True))


def one(what: str) -> Clock:
    return Clock.objects.get(what=what)


def again(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def answer(case: Case, rows: Rows, at: datetime) -> Message:
    with clock.frozen(at):
        said = case.messages.filter(direction="in").first() or rows.said(case, sent_at=case.waiting_since)
        return cases.reply(case.pk, by=rows.agent(), text="Soon.", visibility=said.visibility)


def writes(case: Case, rows: Rows, at: datetime) -> None:
    """The customer writes again, as the road notes it."""
    rows.said(case, sent_at=at)
    case.refresh_from_db()
    case.waiting_since = at
    policy.begin_wait(case)
    case.response_due_at, case.look_at = None, at
    case.save()


# First and next answers


def test_a_next_answer_is_promised_once_the_first_was_given(rows: Rows) -> None:
    promise(everybody(first=60, next=30))
    case = waiting(rows)
    look(START)
    answer(case, rows, START + 20 * MINUTE)
    look(START + 20 * MINUTE)
    assert (one("first").kept, one("first").ended_at, again(case).response_due_at) == (True, START + 20 * MINUTE, None)
    writes(case, rows, START + HOUR)
    look(START + HOUR)
    shown = again(case)
    assert (shown.due_what, shown.response_due_at) == ("next", START + 90 * MINUTE)
    look(START + 90 * MINUTE)
    assert told(case) == ["case.breached"]
    assert Event.objects.get(verb="case.breached").data["what"] == "next"
    answer(case, rows, START + 2 * HOUR)
    look(START + 2 * HOUR)
    assert (one("next").kept, again(case).response_due_at) == (False, None)


def test_an_answer_that_did_not_arrive_lets_the_same_clock_run_again(rows: Rows) -> None:
    case = waiting(rows)
    rows.said(case, sent_at=START)
    look(START)
    message = answer(case, rows, START + 10 * MINUTE)
    look(START + 10 * MINUTE)
    assert one("first").kept
    claimed(message, "uncertain")
    with clock.frozen(START + 20 * MINUTE):
        cases.settle_reply(message.pk, by=rows.agent(), arrived=False)
        assert again(case).response_due_at == START + HOUR
        policy.look()
    assert (one("first").kept, one("first").ended_at, again(case).response_due_at) == (None, None, START + HOUR)
    look(START + HOUR)
    assert told(case) == ["case.breached"], "a desk that looks late warns of nothing"


def test_an_answer_in_time_that_a_later_one_hides_still_kept_the_promise(rows: Rows) -> None:
    case = waiting(rows)
    rows.said(case, sent_at=START)
    look(START)
    Message.objects.create(case=case, direction="out", visibility="private", sent_at=START + 10 * MINUTE)
    late = {"waiting_since": None, "last_out_at": START + 3 * HOUR, "response_due_at": None}
    Case.objects.filter(pk=case.pk).update(**late, look_at=START + 3 * HOUR)
    Clock.objects.update(what="next")
    look(START + 3 * HOUR)
    assert (Clock.objects.get().kept, told(case)) == (True, [])


def test_the_clocks_of_a_resolved_case_are_over_and_of_a_reopened_one_run_on(rows: Rows) -> None:
    promise(everybody(first=60, resolution=240))
    case = waiting(rows)
    look(START)
    answer(case, rows, START + 30 * MINUTE)
    with clock.frozen(START + 30 * MINUTE):
        cases.resolve(case.pk, by=rows.agent())
        policy.look()
    assert (one("first").kept, one("resolution").kept, one("resolution").spent) == (True, True, 1800)
    assert again(case).look_at is None
    with clock.frozen(START + DAY):
        cases.reopen(case.pk, by=rows.agent())
        policy.look()
    resumed = one("resolution")
    # It waits for the customer, as it did.
    assert (resumed.ended_at, resumed.kept, resumed.resting) == (None, None, "waiting for the customer")


# Resolution


def test_the_clock_of_the_resolution_rests_while_the_customer_is_waited_for(rows: Rows) -> None:
    promise(everybody(resolution=120, pause_tags=("waiting for parts",)))
    case = waiting(rows)
    look(START)
    assert (again(case).due_what, again(case).response_due_at) == ("resolution", START + 2 * HOUR)
    answer(case, rows, START + 30 * MINUTE)
    look(START + 30 * MINUTE)
    assert (one("resolution").resting, one("resolution").due_at) == ("waiting for the customer", None)
    look(START + 10 * HOUR)
    assert told(case) == []
    writes(case, rows, START + 10 * HOUR)
    look(START + 10 * HOUR)
    assert one("resolution").due_at == START + 11.5 * HOUR
    with clock.frozen(START + 11 * HOUR):
        cases.set_tags(case.pk, ["waiting for parts"], by=rows.agent())
        policy.look()
    assert (one("resolution").resting, one("resolution").spent) == ("tagged waiting for parts", 5400)
    with clock.frozen(START + 20 * HOUR):
        cases.set_tags(case.pk, [], by=rows.agent())
        policy.look()
    assert one("resolution").due_at == START + 20.5 * HOUR
    look(START + 20.5 * HOUR)
    assert told(case) == ["case.breached"], "a desk that looks late warns of nothing"


def test_a_broken_resolution_hides_no_answer_that_is_due(rows: Rows) -> None:
    promise(everybody(first=300, resolution=60))
    case = waiting(rows)
    look(START)
    assert (again(case).due_what, again(case).response_due_at) == ("resolution", START + HOUR)
    look(START + 2 * HOUR)
    assert (again(case).due_what, again(case).response_due_at) == ("first", START + 5 * HOUR)
    assert again(case).breached_at == START + HOUR


# Hours


def test_a_clock_runs_across_midnight_and_over_the_change_of_clocks(rows: Rows) -> None:
    promise(everybody(first=120, calendar="office", warning=30), calendars=(OFFICE,))
    friday = datetime(
        2026, 3, 27, 15, 30, tzinfo=UTC
    )  # half an hour before the office closes; summer time begins on Sunday
    case = waiting(rows, friday)
    look(friday)
    monday = datetime(2026, 3, 30, 8, 30, tzinfo=UTC)
    assert (again(case).response_due_at, again(case).response_warn_at) == (monday, monday - 30 * MINUTE)
    look(monday - timedelta(seconds=1))
    assert told(case) == ["case.warned"]
    look(monday)
    assert told(case) == ["case.warned", "case.breached"]
    autumn = waiting(rows, datetime(2026, 10, 23, 14, 30, tzinfo=UTC))
    look(datetime(2026, 10, 23, 14, 30, tzinfo=UTC))
    assert again(autumn).response_due_at == datetime(2026, 10, 26, 9, 30, tzinfo=UTC)


def test_opening_hours_that_change_while_clocks_run(rows: Rows) -> None:
    promise(everybody(first=120, calendar="office"), calendars=(OFFICE,))
    monday = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # an hour before the office closes
    lead = rows.agent("Lead", role=Role.LEAD)
    running, broken = waiting(rows, monday), waiting(rows, monday - 3 * HOUR)
    for _ in range(2):
        look(monday)
    assert again(running).response_due_at == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    assert told(broken) == ["case.breached"]
    with clock.frozen(monday + 30 * MINUTE):
        edition = Edition.objects.latest("pk").pk
        closed = replace(OFFICE, closed=((date(2026, 3, 3), "Strike"),), _days={})
        actions.save_calendar(closed, by=lead, seen=edition)
        assert policy.tell_running() == 2
        policy.look()
    assert again(running).response_due_at == datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    assert told(broken) == ["case.breached"], "it is not broken twice"
    assert policy.tell_running() == 0
    assert Event.objects.get(verb="service_levels.applied").data["cases"] == 2


def test_a_tighter_promise_breaks_in_silence_what_it_finds_past(rows: Rows) -> None:
    promise(everybody(first=600, steps=(Step("breach", "notify"),)))
    old, fresh = waiting(rows), waiting(rows, START + 4 * HOUR)
    look(START)
    look(START + 4 * HOUR)
    lead = rows.agent("Lead", role=Role.LEAD)
    with clock.frozen(START + 4.5 * HOUR):
        tighter = everybody(first=60, steps=(Step("breach", "notify"),))
        actions.save_target(tighter, by=lead, seen=Edition.objects.latest("pk").pk)
        policy.tell_running()
        policy.look()
    assert again(old).breached_at == START + HOUR
    assert told(old, "case.leads_told") == []
    assert (
        "past already when this was promised" in Event.objects.get(case_id=old.pk, verb="case.breached").data["reason"]
    )
    assert again(fresh).response_due_at == START + 5 * HOUR
    look(START + 5 * HOUR)
    assert told(fresh, "case.leads_told") == ["case.leads_told"]
    assert len(told(old, "case.breached")) == 1


def test_a_promise_that_is_withdrawn_ends_its_clocks(rows: Rows) -> None:
    case = waiting(rows)
    look(START)
    lead = rows.agent("Lead", role=Role.LEAD)
    with clock.frozen(START + MINUTE):
        actions.remove_target("everybody", by=lead, seen=0)
        policy.tell_running()
        policy.look()
    assert (one("first").ended_at, one("first").kept, again(case).response_due_at) == (START + MINUTE, None, None)


# Which target


def test_the_most_specific_target_holds_and_says_why(rows: Rows) -> None:
    promise(
        everybody(first=240),
        Target("channel", "X", channels=("x",), first=120),
        Target("vip", "VIPs on X", channels=("x",), visibility="public", vip=True, first=15),
        Target("other", "Mail in public", channels=("email",), visibility="public", first=5),
        Target("late", "Also X", channels=("x",), first=90),
    )
    customer = Customer.objects.create(name="Ana", vip=True)
    vip = waiting(rows, customer=customer, visibility="public")
    plain, elsewhere = waiting(rows, visibility="public"), waiting(rows, channel="facebook")
    for _ in range(2):
        look(START)
    due = {case.pk: again(case).response_due_at for case in (vip, plain, elsewhere)}
    assert due == {vip.pk: START + 15 * MINUTE, plain.pk: START + 120 * MINUTE, elsewhere.pk: START + 240 * MINUTE}
    why = Clock.objects.get(case=vip).why
    assert why == "“VIPs on X” is the most specific (by channel, visibility, VIP) of 4 targets that fit."
    assert Clock.objects.get(case=plain).why == "“X” stands first of 2 targets that fit equally well."


def test_a_case_that_becomes_pressing_gets_the_tighter_promise(rows: Rows) -> None:
    urgent = Target("urgent", "Urgent", levels=("urgent",), first=20)
    promise(everybody(first=240), urgent, Target("hot", "Hot", score_from=35, first=60))
    case, hot = waiting(rows), waiting(rows, urgency=1.0)
    look(START)
    look(START + timedelta(seconds=1))
    assert (again(case).response_due_at, again(hot).response_due_at) == (START + 240 * MINUTE, START + HOUR)
    with clock.frozen(START + MINUTE):
        cases.set_level(case.pk, "urgent", by=rows.agent())
        policy.look()
    assert again(case).response_due_at == START + 20 * MINUTE


# Escalation


def test_steps_are_taken_once_each_at_their_moment(rows: Rows) -> None:
    set_up_team("Supervisors", ["billing"])
    team = rows.agent("Sofia", teams=["Supervisors"]).teams.get()
    boss = rows.agent("Boss")
    steps = (
        Step("warning", "level", "high"),
        Step("breach", "notify"),
        Step("breach", "team", str(team.pk), 10),
        Step("breach", "agent", str(boss.pk), 30),
        Step("breach", "agent", "999999", 31),
    )
    promise(everybody(first=60, steps=steps))
    case = waiting(rows)
    seen = []
    for minute in (0, 45, 60, 61, 70, 71, 90, 91, 200):
        look(START + minute * MINUTE)
        now = again(case)
        seen.append((now.level, told(case, "case.leads_told"), now.team_id == team.pk, now.assignee_id == boss.pk))
    assert [one[0] for one in seen] == [None] + ["high"] * 8
    assert [len(one[1]) for one in seen] == [0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert [one[2] for one in seen] == [False] * 4 + [True] * 5
    assert [one[3] for one in seen] == [False] * 6 + [True] * 3
    reason = Event.objects.get(verb="case.assigned").data["reason"]
    assert reason == "Given to Boss. Escalation: the promise of a first answer broke 30 minutes ago."
    assert len(one("first").steps) == 5


def test_no_step_is_taken_once_the_promise_is_over(rows: Rows) -> None:
    promise(everybody(first=60, steps=(Step("breach", "level", "urgent", 30),)))
    case = waiting(rows)
    look(START)
    look(START + HOUR)
    answer(case, rows, START + 70 * MINUTE)
    look(START + 3 * HOUR)
    assert again(case).level is None


# Workers


@pytest.mark.django_db(transaction=True)
def test_two_workers_break_a_promise_once() -> None:
    rows = Rows()
    due = [waiting(rows) for _ in range(6)]
    policy.look(START)

    def work() -> None:
        for _ in range(3):
            policy.look(START + HOUR)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    policy.look(START + HOUR)
    assert Event.objects.filter(verb="case.breached").count() == len(due)
    assert Clock.objects.filter(breached_at=START + HOUR).count() == len(due)


def test_what_fails_halfway_has_fired_nothing(rows: Rows) -> None:
    case = waiting(rows)
    look(START)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        policy.look(START + HOUR)
        raise ZeroDivisionError
    assert (one("first").breached_at, told(case)) == (None, [])
    look(START + HOUR)
    assert told(case) == ["case.breached"]


def test_the_worker_sleeps_until_the_next_moment(rows: Rows) -> None:
    with clock.frozen(START):
        assert policy.until_next(0.5) == 0.5
        case = waiting(rows, START + timedelta(seconds=0.2))
        assert policy.until_next(0.5) == pytest.approx(0.2)
        Case.objects.filter(pk=case.pk).update(look_at=START - HOUR)
        assert policy.until_next(0.5) == policy.SHORTEST


def test_a_recording_and_a_channel_without_answers_are_promised_nothing(rows: Rows) -> None:
    waiting(rows, channel="feed")
    look(START)
    case = waiting(rows)
    case.brand.recorded = True
    case.brand.save()
    look(START)
    assert Clock.objects.count() == 0


def test_joined_cases_keep_the_earlier_promise_and_break_it_once(rows: Rows) -> None:
    stays, goes = waiting(rows, START + 30 * MINUTE), waiting(rows)
    rows.said(goes, sent_at=START)
    rows.said(stays, sent_at=START + 30 * MINUTE)
    look(START)
    look(START + 30 * MINUTE)
    look(START + HOUR)
    assert told(goes) == ["case.breached"]
    with clock.frozen(START + 61 * MINUTE):
        cases.join_customers(stays.customer_id, goes.customer_id, reason="One person.")
        policy.look()
    shown = again(stays)
    assert (shown.response_due_at, shown.waiting_since) == (START + HOUR, START)
    assert told(stays, "case.breached") == []
    assert not Clock.objects.filter(case=goes, ended_at=None).exists()


def test_the_beginning_of_every_desk_is_an_answer_within_the_hour() -> None:
    assert [(one.first, one.next, one.resolution, one.calendar) for one in BEGINNING.targets] == [(60, None, None, "")]


@pytest.mark.parametrize("what", ["first", "next", "resolution"])
def test_the_desk_says_which_promise_a_clock_is_about(rows: Rows, client: Client, what: str) -> None:
    now = clock.now()
    case = rows.case(waiting_since=now, due_what=what, response_due_at=now + HOUR)
    client.force_login(rows.agent())
    words = {"first": "First answer due in", "next": "Next answer due in", "resolution": "Resolution due in"}[what]
    assert words in client.get(f"/case/{case.pk}").content.decode()
    Case.objects.filter(pk=case.pk).update(response_due_at=now - HOUR)
    assert words.replace("due in", "overdue by") in client.get(f"/case/{case.pk}").content.decode()


def test_noise_and_closed_cases_hold_no_clock_open(rows: Rows) -> None:
    case = waiting(rows)
    look(START)
    with clock.frozen(START + MINUTE):
        cases.set_actionable(case.pk, False, by=rows.agent())
        policy.look()
    assert one("first").ended_at == START + MINUTE
    with clock.frozen(START + 2 * MINUTE):
        cases.set_actionable(case.pk, True, by=rows.agent())
        policy.look()
    assert (one("first").ended_at, again(case).response_due_at) == (None, START + HOUR)
    with clock.frozen(START + 3 * MINUTE):
        cases.resolve(case.pk, by=rows.agent())
        policy.look()
    assert Case.objects.get(pk=case.pk).status == Status.RESOLVED
    assert (one("first").ended_at, one("first").kept) == (START + 3 * MINUTE, None)
    assert not Delivery.objects.exists()


def test_what_brands_have_promised_before_is_taken_over(rows: Rows) -> None:
    first = import_module("parlour.policy.service_levels.migrations.0001_initial")
    brands = [
        SimpleNamespace(pk=rows.brand.pk, name="Northwind", first_response_minutes=30, warning_minutes=5),
        SimpleNamespace(pk=rows.brand.pk + 1, name="Luma", first_response_minutes=60, warning_minutes=15),
    ]
    models = {"Brand": SimpleNamespace(objects=SimpleNamespace(order_by=lambda _: brands)), "Edition": Edition}
    first.take_over(SimpleNamespace(get_model=lambda _, name: models[name]), None)
    case = waiting(rows)
    look(START)
    assert (again(case).response_due_at, again(case).response_warn_at) == (START + 30 * MINUTE, START + 25 * MINUTE)
    Edition.objects.all().delete()
    del brands[0]
    first.take_over(SimpleNamespace(get_model=lambda _, name: models[name]), None)
    assert not Edition.objects.exists()
