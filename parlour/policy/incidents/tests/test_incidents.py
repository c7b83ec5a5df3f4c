"""Incidents: seen, opened, answered together, and nobody told twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlour.cases import actions as cases
from parlour.cases.access import Conflict, Invalid
from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Message
from parlour.cases.tests.rows import Rows
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.approvals.models import ApprovalRule
from parlour.policy.incidents import actions, approving, queries, telling, watching
from parlour.policy.incidents.filling import fill
from parlour.policy.incidents.models import Incident, Member, Round, RoundState, State, Told, ToldState
from parlour.spine.models import Event
from parlour.staff.access import Denied, Robot
from parlour.staff.models import Agent, Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
USUAL = [
    "Where is my suitcase?",
    "Can I bring my cat?",
    "Which gate is it?",
    "My seat is broken",
    "Nice crew, but cold food",
]


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def lead(rows: Rows) -> Agent:
    return rows.agent("Lia", Role.LEAD)


def hear(rows: Rows, text: str, at: datetime, **more: Any) -> Case:
    """A customer of their own says something, and policy judges it."""
    case = rows.case()
    said = rows.said(case, text, sent_at=at, **more)
    case = Case.objects.select_related("brand").get(pk=case.pk)
    policy.judge([case], at, {case.pk: [said]})
    return case


def ordinary(rows: Rows, until: datetime, hours: int = 30, each: int = 2) -> None:
    """So many hours of what is usual."""
    for hour in range(hours, 0, -1):
        for number in range(each):
            at = until - timedelta(hours=hour) + timedelta(minutes=7 + 23 * number)
            hear(rows, USUAL[(hour + number) % len(USUAL)], at)
    policy.watch()


def wave(
    rows: Rows, at: datetime, size: int = 12, text: str = "You cancelled my flight and I am on hold"
) -> list[Case]:
    return [hear(rows, f"{text} {'!' * (number % 3)}", at + timedelta(minutes=number)) for number in range(size)]


def test_a_wave_is_found_with_its_words_and_its_cases(rows: Rows, lead: Agent) -> None:
    ordinary(rows, NOW)
    assert not Incident.objects.exists()
    hit = wave(rows, NOW)
    policy.watch()
    found = Incident.objects.get()
    assert found.state == State.SUGGESTED
    assert {"cancelled", "flight", "hold"} == {one.lower() for one in found.title.split(", ")}
    assert "12 cases in 2 hours, hardly ever" in found.why
    assert set(found.members.values_list("case_id", flat=True)) == {case.pk for case in hit}
    assert sum(queries.spark(found)) == 12
    assert queries.running() == []


def test_an_ordinary_day_and_a_busy_one_are_no_wave(rows: Rows) -> None:
    ordinary(rows, NOW)
    for number in range(15):
        hear(rows, USUAL[number % len(USUAL)], NOW + timedelta(minutes=number))
    policy.watch()
    assert not Incident.objects.exists()


def test_in_a_flood_a_second_cause_is_told_after_a_while(rows: Rows) -> None:
    ordinary(rows, NOW)
    wave(rows, NOW, 20)
    policy.watch()
    wave(rows, NOW + timedelta(minutes=21), 9, "My card was declined at the payment page")
    policy.watch()
    assert Incident.objects.count() == 1
    hear(rows, "Card declined, payment impossible", NOW + timedelta(minutes=60))
    policy.watch()
    assert Incident.objects.count() == 2
    assert "declined" in Incident.objects.latest("id").title.lower()


def test_nobody_knows_what_is_usual_on_the_first_day(rows: Rows) -> None:
    wave(rows, NOW, 20)
    policy.watch()
    assert not Incident.objects.exists()


def test_a_false_alarm_is_remembered_until_it_grows(rows: Rows, lead: Agent) -> None:
    ordinary(rows, NOW)
    wave(rows, NOW)
    policy.watch()
    found = Incident.objects.get()
    actions.dismiss(found.pk, by=lead)
    wave(rows, NOW + timedelta(minutes=20), 6)
    policy.watch()
    assert Incident.objects.count() == 1
    wave(rows, NOW + timedelta(minutes=40), 14)
    policy.watch()
    assert Incident.objects.filter(state=State.SUGGESTED).count() == 1
    actions.restore(found.pk, by=lead)
    assert Incident.objects.get(pk=found.pk).state == State.SUGGESTED


def test_a_suggestion_grows_and_is_not_made_twice(rows: Rows) -> None:
    ordinary(rows, NOW)
    wave(rows, NOW)
    policy.watch()
    wave(rows, NOW + timedelta(minutes=15), 5)
    policy.watch()
    assert Incident.objects.get().members.count() == 17


def test_a_wave_may_be_switched_off_for_a_brand(rows: Rows, lead: Agent) -> None:
    actions.set_watch(rows.brand.pk, by=lead, on=False, window_minutes=120, least=8, times=3)
    ordinary(rows, NOW)
    wave(rows, NOW)
    policy.watch()
    assert not Incident.objects.exists()
    with pytest.raises(Invalid):
        actions.set_watch(rows.brand.pk, by=lead, on=True, window_minutes=1, least=8, times=3)


def test_later_messages_join_and_a_case_taken_out_stays_out(rows: Rows, lead: Agent) -> None:
    hit = wave(rows, NOW, 3)
    incident = actions.open_by_hand(rows.brand.pk, by=lead, title="Storm", words="cancelled, hold + flight")
    assert set(incident.members.values_list("case_id", flat=True)) == {case.pk for case in hit}
    later = hear(rows, "My flight was CANCELLED", NOW + timedelta(hours=1))
    other = hear(rows, "Where is my suitcase?", NOW + timedelta(hours=1))
    assert Member.objects.filter(incident=incident, case=later, out=False).exists()
    assert not Member.objects.filter(incident=incident, case=other).exists()
    assert Event.objects.get(verb="incident.joined", case_id=later.pk).data["reason"] == "It says “cancel”."
    actions.remove_case(incident.pk, later.pk, by=lead)
    said = rows.said(later, "Cancelled, I say!", sent_at=NOW + timedelta(hours=2))
    policy.judge([Case.objects.select_related("brand").get(pk=later.pk)], NOW, {later.pk: [said]})
    assert Member.objects.get(incident=incident, case=later).out
    actions.add_case(incident.pk, other.pk, by=rows.agent())
    assert {one.pk for one in queries.of_case(other.pk)} == {incident.pk}


def test_agents_add_cases_and_only_leads_decide(rows: Rows, lead: Agent) -> None:
    agent = rows.agent()
    case = hear(rows, "Hm?", NOW)
    with pytest.raises(Denied):
        actions.open_by_hand(rows.brand.pk, by=agent, title="Storm")
    incident = actions.open_by_hand(rows.brand.pk, by=lead, title="Storm")
    actions.add_case(incident.pk, case.pk, by=agent)
    with pytest.raises(Denied):
        actions.set_status(incident.pk, State.RESOLVED, by=agent)
    with pytest.raises(Denied):
        actions.answer_all(incident.pk, by=agent, text="Hello")


def storm(rows: Rows, lead: Agent, size: int = 6) -> Incident:
    wave(rows, NOW, size)
    return actions.open_by_hand(rows.brand.pk, by=lead, title="Storm", words="cancelled")


def outgoing() -> list[Message]:
    return list(Message.objects.filter(direction=Direction.OUT).order_by("id"))


def test_everybody_is_told_once_in_their_own_words(rows: Rows, lead: Agent) -> None:
    incident = storm(rows, lead)
    actions.set_status(incident.pk, State.IDENTIFIED, by=lead, words="snow at the hub")
    one = actions.answer_all(incident.pk, by=lead, text="Hello {{first_name|you}}, {{status}}. Case {{case}}.")
    while policy.tell():
        pass
    said = outgoing()
    assert len(said) == 6
    assert all(f"Case {message.case_id}." in message.text and "snow at the hub" in message.text for message in said)
    assert said[0].text.startswith("Hello you, ")  # "Customer 1" is a number, not a name
    assert Round.objects.get(pk=one.pk).state == RoundState.DONE
    assert not Case.objects.filter(assignee__isnull=False).exists()
    later = hear(rows, "cancelled, too", NOW + timedelta(hours=1))
    while policy.tell():
        pass
    assert [message.case_id for message in outgoing()[6:]] == [later.pk]
    assert not Case.objects.filter(waiting_since__isnull=False).exists()


def test_the_end_is_told_to_all_but_those_who_want_no_more(rows: Rows, lead: Agent) -> None:
    incident = storm(rows, lead, 4)
    first, second, third, _ = [member.case for member in incident.members.order_by("case_id")]
    with pytest.raises(Invalid):
        actions.answer_all(incident.pk, by=lead, text="It is over.", closing=True)
    actions.answer_all(incident.pk, by=lead, text="We look into it.")
    policy.tell()
    rows.said(first, "STOP", sent_at=clock.now() + timedelta(minutes=1))
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        cases.reply(second.pk, by=rows.agent("Noor"), text="I rebooked you.", visibility="public")
        cases.resolve(third.pk, by=lead)
        actions.set_status(incident.pk, State.RESOLVED, by=lead, words="all fly again")
        closing = actions.answer_all(incident.pk, by=lead, text="Hello {{name}}: {{status}}.", closing=True)
        policy.tell()
    told = {row.case_id: row for row in Told.objects.filter(round=closing)}
    assert told[first.pk].reason == "They have asked not to be written to."
    assert told[second.pk].reason == "A colleague has answered since they last wrote."
    assert told[third.pk].state == ToldState.SAID
    with pytest.raises(Conflict):
        actions.answer_all(incident.pk, by=lead, text="Once more", closing=True)
    missed = {one.case.pk for one in queries.missed(closing)}
    assert missed == {first.pk, second.pk}


def test_who_cannot_be_reached_is_told_with_the_reason(rows: Rows, lead: Agent) -> None:
    incident = storm(rows, lead, 2)
    old = hear(rows, "cancelled", NOW - timedelta(days=9), channel="messenger", visibility="private")
    new = hear(rows, "cancelled", clock.now(), channel="messenger", visibility="private")
    long = "We are sorry. " * 40
    tried = queries.preview(incident, text=long, short="", lane="best", closing=False, agent="Lia")
    assert tried.total == 4
    assert {one.case.pk for one in tried.blocked} == {old.pk}
    # Too long for a post: those are written to in private.
    assert dict(tried.by_way) == {"Private reply · X": 2, "Private reply · Messenger": 1}
    one = actions.answer_all(incident.pk, by=lead, text=long, short="Sorry!")
    policy.tell()
    how = {row.case_id: (row.state, row.reason) for row in one.told.all()}
    assert how[old.pk][0] == ToldState.UNREACHABLE
    assert "so long after" in how[old.pk][1]
    assert [message.text for message in outgoing() if message.channel == "x"] == ["Sorry!"] * 2
    assert [message.text for message in outgoing() if message.case_id == new.pk] == [long.strip()]
    Delivery.objects.filter(message__case=new).update(state=DeliveryState.FAILED, error_words="Blocked by the user")
    counted = queries.progress(one)
    assert (counted.total, counted.failed, counted.unreachable, counted.on_their_way) == (4, 1, 1, 2)
    assert {one.reason for one in queries.missed(one)} >= {"Not delivered: Blocked by the user"}


def test_agents_answers_are_not_held_up_by_a_round(rows: Rows, lead: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "ON_THEIR_WAY", 2)
    one = actions.answer_all(storm(rows, lead).pk, by=lead, text="Hello")
    assert policy.tell() == 2
    assert policy.tell() == 0
    Delivery.objects.update(state=DeliveryState.SENT)
    assert policy.tell() == 2
    actions.stop(one.pk, by=lead)
    Delivery.objects.update(state=DeliveryState.SENT)
    assert policy.tell() == 0
    assert queries.progress(one).left_out == 2
    with pytest.raises(Conflict):
        actions.go_on(one.pk, by=lead)


def test_an_inbox_that_rests_holds_up_only_its_own_customers(
    rows: Rows, lead: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "ON_THEIR_WAY", 2)
    incident = storm(rows, lead, 4)
    other = [hear(rows, "cancelled", clock.now(), channel="messenger", visibility="private") for _ in range(3)]
    actions.answer_all(incident.pk, by=lead, text="Hello")
    # X asks for patience: its two answers stay in the outbox.
    assert [policy.tell() for _ in range(3)] == [2, 2, 0]
    Delivery.objects.filter(message__channel="messenger").update(state=DeliveryState.SENT)
    assert [policy.tell() for _ in range(2)] == [1, 0]
    assert {message.case_id for message in outgoing() if message.channel == "messenger"} == {one.pk for one in other}
    assert Round.objects.get().state == RoundState.RUNNING
    actions.set_status(incident.pk, State.RESOLVED, by=lead)
    assert (queries.progress(Round.objects.get()).waiting, queries.progress(Round.objects.get()).left_out) == (0, 2)


def test_an_answer_that_a_rule_gave_by_itself_is_no_colleague_s(rows: Rows, lead: Agent) -> None:
    incident = storm(rows, lead, 2)
    first, second = [member.case for member in incident.members.order_by("case_id")]
    cases.reply(first.pk, by=Robot("rule", 7), text="We have got your message.", visibility="public")
    cases.reply(second.pk, by=rows.agent("Noor"), text="I rebooked you.", visibility="public")
    one = actions.answer_all(incident.pk, by=lead, text="Hello")
    policy.tell()
    assert {row.case_id: row.state for row in one.told.all()} == {
        first.pk: ToldState.SAID,
        second.pk: ToldState.LEFT_OUT,
    }


@pytest.mark.parametrize("text", ["Hello {{nme}}", "Hello {{name", "{{}}", "Hello }} there", "   "])
def test_an_answer_that_would_read_wrong_is_refused(rows: Rows, lead: Agent, text: str) -> None:
    incident = storm(rows, lead, 1)
    with pytest.raises(Invalid):
        actions.answer_all(incident.pk, by=lead, text=text)
    assert not Round.objects.exists()


def test_two_incidents_become_one_and_nobody_is_told_again(rows: Rows, lead: Agent) -> None:
    first = storm(rows, lead, 3)
    second = actions.open_by_hand(rows.brand.pk, by=lead, title="Hold", words="hold")
    actions.merge(second.pk, first.pk, by=lead)
    first.refresh_from_db()
    assert first.words == ["cancel", "hold"]
    assert first.members.filter(out=False).count() == 3
    assert Incident.objects.get(pk=second.pk).into_id == first.pk
    with pytest.raises(Invalid):
        actions.merge(first.pk, first.pk, by=lead)


class Killed(BaseException):
    """What a killed process looks like from within: nothing after it runs."""


DO = ["tell", "kill", "pause", "go on", "send", "later", "join", "twice", "reword", "status", "refuse", "approve"]
STEPS = st.lists(st.sampled_from(DO), max_size=14)


@given(STEPS, st.booleans(), st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_told_twice_whatever_is_killed_or_paused(steps: list[str], waits: bool, data: st.DataObject) -> None:
    with transaction.atomic():
        _tell_through(steps, waits, data)
        transaction.set_rollback(True)


def _tell_through(steps: list[str], waits: bool, data: st.DataObject) -> None:
    rows = Rows()
    lead, other = rows.agent("Lia", Role.LEAD), rows.agent("Mo", Role.LEAD)
    incident = storm(rows, lead, 3)
    if waits:
        ApprovalRule.objects.create(name="All")
    one = actions.answer_all(incident.pk, by=lead, text="Hello {{name}}: {{status}}", key="k")
    assert (one.state == RoundState.AWAITING) == waits
    approved: set[str] = set()
    for step in steps:
        match step:
            case "tell":
                policy.tell()
            case "kill":
                _killed(data.draw(st.sampled_from(["before", "after"])))
            case "pause" if Round.objects.get().state == RoundState.RUNNING:
                actions.pause(one.pk, by=lead)
            case "go on" if Round.objects.get().state == RoundState.PAUSED:
                actions.go_on(one.pk, by=lead)
            case "send":
                Delivery.objects.filter(state=DeliveryState.QUEUED).update(state=DeliveryState.SENT)
            case "later":
                hear(rows, "cancelled here as well", NOW + timedelta(hours=1))
            case "join":
                actions.add_case(incident.pk, incident.members.earliest("id").case_id, by=lead)
            case "twice":
                assert actions.answer_all(incident.pk, by=lead, text="Hello {{name}}", key="k").pk == one.pk
            case "reword" if Round.objects.get().state in ("paused", "awaiting", "refused"):
                actions.change_answer(one.pk, by=lead, text=data.draw(st.sampled_from(["Hi: {{status}}", "Sorry"])))
            case "status":
                words = data.draw(st.sampled_from(["snow", "fog", "over soon"]))
                actions.set_status(incident.pk, State.IDENTIFIED, by=lead, words=words)
            case "refuse" if Round.objects.get().state == RoundState.AWAITING:
                approving.refuse(one.pk, by=other, words="Kinder, please")
            case "approve":
                _approved(one, other, approved)
        if waits:
            assert {said.text for said in Message.objects.filter(direction=Direction.OUT)} <= approved
    if Round.objects.get().state == RoundState.PAUSED:
        actions.go_on(one.pk, by=lead)
    if Round.objects.get().state == RoundState.REFUSED:
        actions.change_answer(one.pk, by=lead, text="Sorry for that")
    for _ in range(20):
        _approved(one, other, approved)
        Delivery.objects.filter(state=DeliveryState.QUEUED).update(state=DeliveryState.SENT)
        policy.tell()
    ours = Message.objects.filter(direction=Direction.OUT)
    told = list(ours.values_list("case__customer_id", flat=True))
    everybody = list(
        Case.objects.filter(pk__in=incident.members.values("case_id")).values_list("customer_id", flat=True)
    )
    assert sorted(told) == sorted(everybody)


def _approved(one: Round, by: Agent, approved: set[str]) -> None:
    """Approve what waits, and note what it says: customers here have numbers for names, so all get the same."""
    now = Round.objects.select_related("incident", "agent").get(pk=one.pk)
    if now.state != RoundState.AWAITING:
        return
    asked = approving.asked(now)
    approving.approve(one.pk, by=by, seen=asked.wording)
    values = {"status": now.incident.public_words}
    approved.add(fill(now.text, values))


def _killed(when: str) -> None:
    """The process dies in the middle of telling somebody: before or after the answer was written, never after the commit."""

    def dying(*args: Any, **more: Any) -> Message:
        if when == "after":
            cases.reply(*args, **more)
        raise Killed

    with pytest.MonkeyPatch.context() as patched, suppress(Killed):
        patched.setattr(telling, "reply", dying)
        policy.tell()


def test_a_look_costs_little_when_nothing_is_new(rows: Rows, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(1):
        assert watching.watch() == 0
    with django_assert_max_num_queries(1):
        assert policy.tell() == 0
