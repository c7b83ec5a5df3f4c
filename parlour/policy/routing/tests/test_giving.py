"""Routing on stored cases: what fills, who helps out, what comes back, and the next case."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from parlour.cases import actions as cases
from parlour.cases.models import Case
from parlour.cases.tests.rows import START, Rows
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.routing import actions as routing
from parlour.policy.routing import changes
from parlour.policy.routing.models import Change, Settings
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Presence, Team
from parlour.understanding.models import Category

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


def waiting(rows: Rows, **values: object) -> Case:
    values = {"waiting_since": START, "visibility": "private", "look_at": START} | values
    return rows.case(**values)


def look(minutes: float = 0) -> None:
    with clock.frozen(START + minutes * MINUTE):
        policy.look()


def hand_out(minutes: float = 0) -> int:
    with clock.frozen(START + minutes * MINUTE):
        return policy.hand_out()


def holder(case: Case) -> Agent | None:
    case.refresh_from_db()
    return case.assignee


def settle(**values: object) -> None:
    Settings.objects.all().delete()
    Settings.objects.create(values=values)


def online(rows: Rows, name: str = "Noor", **more: Any) -> Agent:
    return rows.agent(name, presence=Presence.ONLINE, **more)


# Room, language, skill


def test_a_heavy_channel_fills_an_agent_sooner(rows: Rows) -> None:
    settle(weights={"chat": 3})
    noor = online(rows, capacity=4)
    chats = [waiting(rows, channel="chat") for _ in range(2)]
    mail = waiting(rows, channel="email")
    look()
    assert [holder(case) for case in (*chats, mail)] == [noor, None, noor]
    assert "at capacity" in chats[1].routing_reason


def test_what_is_too_heavy_for_whoever_is_free_stands_before_nobody(rows: Rows) -> None:
    settle(weights={"chat": 3})
    noor = online(rows, capacity=0)
    chats = [waiting(rows, channel="chat", urgency=1.0) for _ in range(3)]
    mail = waiting(rows, channel="email")
    look()
    Agent.objects.update(capacity=2)
    with clock.frozen(START):
        assert policy.hand_out(limit=2) == 1
    assert holder(mail) == noor
    assert [holder(case) for case in chats] == [None] * 3


def test_cases_go_to_who_speaks_and_knows_even_behind_a_long_queue_of_others(rows: Rows) -> None:
    settle(needs=[["billing", "refunds", 3]])
    for _ in range(3):
        waiting(rows, language="fi", urgency=1.0)
        waiting(rows, language="en", category="billing", urgency=1.0)
    plain = waiting(rows, language="en")
    rows.agent("Aino", languages=["fi"])
    look()
    noor = online(rows, languages=["en"], skills={"refunds": 2})
    with clock.frozen(START):
        assert policy.hand_out(limit=2) == 1
    assert holder(plain) == noor
    Agent.objects.update(skills={"refunds": 3})
    assert hand_out() == 3
    assert set(Case.objects.filter(assignee=None).values_list("language", flat=True)) == {"fi"}


def test_what_a_team_could_never_answer_is_found_by_whoever_could(rows: Rows) -> None:
    Team.objects.create(name="Delivery", categories=["delivery"])
    Team.objects.create(name="Billing", categories=["billing"])
    rows.agent("Eve", teams=["Delivery"], languages=["en"])
    german = waiting(rows, category="delivery", language="de", priority=5)
    finnish = waiting(rows, category="delivery", language="fi")
    english = waiting(rows, category="delivery", language="en")
    look()
    jana = online(rows, "Jana", languages=["de"], teams=["Billing"])
    assert hand_out() == 1
    assert [holder(case) for case in (german, finnish, english)] == [jana, None, None]
    assert "nobody of it could answer" in german.routing_reason
    Agent.objects.filter(name="Eve").update(presence=Presence.ONLINE)
    # Nobody at all speaks Finnish here: it is the team's like any other.
    assert hand_out() == 2


def test_a_brand_s_own_category_goes_to_the_team_of_the_one_above_and_asks_for_its_skill(rows: Rows) -> None:
    settle(needs=[["billing", "refunds", 2]])
    billing = Category.objects.create(brand_id=rows.brand.pk, slug="billing", name="Billing")
    Category.objects.create(brand_id=rows.brand.pk, slug="refunds", name="Refunds", parent=billing)
    team = Team.objects.create(name="Billing", categories=["billing"])
    Team.objects.create(name="Rest")
    novice = online(rows, "Novice", teams=["Billing"])
    case = waiting(rows, category="refunds")
    look()
    assert holder(case) is None
    assert case.team == team
    assert hand_out() == 0
    Agent.objects.filter(pk=novice.pk).update(skills={"refunds": 2})
    assert hand_out() == 1
    assert holder(case) == novice


def test_the_older_of_equals_comes_first(rows: Rows) -> None:
    older, _ = waiting(rows), waiting(rows)
    look()
    noor = online(rows, capacity=1)
    assert hand_out() == 1
    assert holder(older) == noor


def test_one_after_the_other_is_remembered(rows: Rows) -> None:
    Team.objects.create(name="Turns", strategy="robin")
    agents = [online(rows, name, teams=["Turns"]) for name in ("Ada", "Ben", "Cem")]
    got = []
    for minute in range(5):
        case = waiting(rows)
        look(minute)
        got.append(holder(case))
    assert got == [*agents, *agents[:2]]
    assert case.routing_reason == "Turns takes what no other team does; it was Ben's turn."


# Who knows the customer


def test_a_customer_comes_back_to_who_answered_last(rows: Rows) -> None:
    knows, other = online(rows, "Knows"), online(rows, "Other")
    before = waiting(rows)
    said = rows.said(before, sent_at=START)
    with clock.frozen(START + MINUTE):
        cases.reply(before.pk, by=knows, text="Hello again.", visibility=said.visibility)
        cases.resolve(before.pk, by=knows)
    rows.case(assignee=knows)
    case = waiting(rows, customer=before.customer)
    look(5)
    assert holder(case) == knows, "though the other one has more room"
    assert "Knows knows the customer and has room (1 of 20)." in case.routing_reason
    settle(sticky_days=0)
    Case.objects.filter(pk=case.pk).update(assignee=None, look_at=START)
    look(5)
    assert holder(case) == other
    settle(sticky_days=1)
    Case.objects.filter(pk=case.pk).update(assignee=None, look_at=START)
    look(2 * 24 * 60)
    assert holder(case) == other


# Another team helps out


def test_another_team_helps_out_when_its_time_has_come_and_not_before(rows: Rows) -> None:
    helpers = Team.objects.create(name="Helpers", categories=["billing"])
    Team.objects.create(name="First", overflow=helpers, overflow_minutes=10)
    helper = online(rows, "Helper", teams=["Helpers"])
    case = waiting(rows, category="delivery")
    look()
    assert holder(case) is None
    assert case.look_at == START + 10 * MINUTE
    assert hand_out(9) == 0
    look(10)
    assert holder(case) == helper
    assert case.team == helpers
    assert "Helpers helps out: Helper was least loaded (0 of 20)." in case.routing_reason


def test_who_becomes_free_later_helps_out_by_the_hand_out(rows: Rows) -> None:
    helpers = Team.objects.create(name="Helpers", categories=["billing"])
    Team.objects.create(name="First", overflow=helpers, overflow_minutes=10)
    case = waiting(rows, category="delivery")
    look()
    look(10)
    helper = online(rows, "Helper", teams=["Helpers"])
    assert hand_out(11) == 1
    assert holder(case) == helper


def test_a_corrected_category_finds_its_team_but_a_team_set_by_hand_stays(rows: Rows) -> None:
    billing, delivery = (
        Team.objects.create(name="Billing", categories=["billing"]),
        Team.objects.create(name="Delivery", categories=["delivery"]),
    )
    noor, case = rows.agent(), waiting(rows, category="delivery")
    look()
    assert holder(case) is None
    assert case.team == delivery
    with clock.frozen(START):
        cases.set_category(case.pk, "billing", by=noor)
    look()
    case.refresh_from_db()
    assert case.team == billing
    with clock.frozen(START):
        cases.set_team(case.pk, delivery.pk, by=noor)
    look()
    case.refresh_from_db()
    assert (case.team, case.routing_reason) == (delivery, "Delivery has it; nobody there is online.")


def test_delight_finds_its_team_and_is_given_to_nobody(rows: Rows) -> None:
    online(rows)
    alone = waiting(rows, purpose="delight", actionable=False)
    look()
    alone.refresh_from_db()
    assert (alone.team, alone.assignee, alone.routing_reason) == (None, None, "")
    fans = Team.objects.create(name="Fans", purposes=["delight"])
    Case.objects.update(look_at=START)
    look()
    alone.refresh_from_db()
    assert (alone.team, alone.assignee) == (fans, None)
    assert alone.routing_reason == "Fans takes delight; moments of delight are given to nobody."


# Presence


def test_wrapping_up_ends_by_itself(rows: Rows) -> None:
    noor, case = rows.agent(), waiting(rows)
    settle(wrap_up_minutes=5)
    with clock.frozen(START):
        routing.set_presence(noor, Presence.WRAP_UP)
    look()
    assert hand_out(4) == 0
    with clock.frozen(START + 4 * MINUTE):
        staff.note_life([noor.pk])
    assert hand_out(5) == 1
    noor.refresh_from_db()
    assert (holder(case), noor.presence, noor.presence_until) == (noor, Presence.ONLINE, None)


@pytest.mark.parametrize("presence", [Presence.FULL, Presence.AWAY, Presence.OFFLINE])
def test_nobody_who_does_not_want_any_is_given_a_case(rows: Rows, presence: str) -> None:
    noor, case = online(rows), waiting(rows)
    with clock.frozen(START):
        routing.set_presence(noor, presence)
    look()
    assert hand_out() == 0
    assert holder(case) is None


def test_what_waits_with_somebody_who_vanished_goes_back_once_and_to_others(rows: Rows) -> None:
    gone, here = rows.agent("Gone"), rows.agent("Here")
    with clock.frozen(START):
        routing.set_presence(gone, Presence.ONLINE)
    answered = rows.case(assignee=gone, waiting_since=None)
    case = waiting(rows)
    look()
    assert holder(case) == gone
    for minutes, back in ((4, 0), (5, 1), (6, 0)):
        with clock.frozen(START + minutes * MINUTE):
            assert policy.take_back() == back
    case.refresh_from_db()
    told = Event.objects.get(verb="case.returned")
    assert told.data["reason"] == "Gone's desk has shown no life for 5 minutes. The case went back to the queue."
    assert case.routing_reason == told.data["reason"]
    Agent.objects.filter(pk=here.pk).update(presence=Presence.ONLINE)
    look(6)
    assert holder(case) == here
    # The customer's turn: nobody is waiting for an answer there.
    assert holder(answered) == gone
    # Somebody gives them a case although they are gone: that is on purpose. Then they come back, and vanish again.
    with clock.frozen(START + 7 * MINUTE):
        cases.assign(case.pk, gone.pk, by=here)
        assert policy.take_back() == 0
        staff.note_life([gone.pk])
    with clock.frozen(START + 13 * MINUTE):
        assert policy.take_back() == 1


def test_going_offline_brings_work_back_only_where_it_is_set_so(rows: Rows) -> None:
    noor = online(rows)
    case = waiting(rows)
    look()
    assert routing.set_presence(noor, Presence.OFFLINE) == 0
    assert holder(case) == noor
    settle(back_when_offline=True)
    assert routing.set_presence(noor, Presence.OFFLINE) == 1
    assert holder(case) is None


# The next case


def test_the_next_case_is_only_what_one_may_have(rows: Rows) -> None:
    Team.objects.create(name="Mine", categories=["billing"], pushes=False)
    Team.objects.create(name="Theirs", categories=["delivery"])
    rows.agent("Ben", teams=["Theirs"])
    noor = online(rows, teams=["Mine"], languages=["de"], capacity=1)
    waiting(rows, category="delivery", language="de", urgency=1.0)
    waiting(rows, category="billing", language="fr", urgency=1.0)
    rows.agent("Fanny", teams=["Mine"], languages=["fr"])
    older = waiting(rows, category="billing", language="de")
    waiting(rows, category="billing", language="de")
    look()
    assert hand_out() == 0, "it is pulled"
    taken = policy.take_next(noor)
    assert taken == older
    with pytest.raises(cases.Conflict, match="1 of 1"):
        policy.take_next(noor)
    Agent.objects.update(capacity=5)
    assert policy.take_next(noor) is not None
    assert policy.take_next(noor) is None


@pytest.mark.django_db(transaction=True)
def test_two_agents_who_ask_at_once_get_two_cases() -> None:
    rows = Rows()
    first, second = waiting(rows, urgency=1.0), waiting(rows)
    look()
    agents = [online(rows, name) for name in ("Ada", "Ben")]
    got: list[Case | None] = []

    def other() -> None:
        got.append(policy.take_next(agents[1]))
        connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        assert policy.take_next(agents[0]) == first
        thread.start()
        thread.join(0.3)
    thread.join()
    assert got == [second]


@pytest.mark.django_db(transaction=True)
def test_asking_twice_at_once_never_fills_an_agent_beyond_their_capacity() -> None:
    rows = Rows()
    for _ in range(3):
        waiting(rows)
    look()
    noor = online(rows, capacity=1)
    refused: list[str] = []

    def other() -> None:
        try:
            policy.take_next(noor)
        except cases.Conflict as error:
            refused.append(str(error))
        connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        assert policy.take_next(noor) is not None
        thread.start()
        thread.join(0.3)
    thread.join()
    assert len(refused) == 1
    assert Case.objects.filter(assignee=noor).count() == 1


# Changes


def test_a_change_of_a_team_routes_what_waits_anew(rows: Rows) -> None:
    lead = rows.agent("Lead", role="lead")
    first = Team.objects.create(name="First")
    case = waiting(rows, category="billing")
    look()
    case.refresh_from_db()
    assert case.team == first
    with clock.frozen(START):
        team, _ = changes.save_team(None, {"name": "Billing", "categories": ["billing"]}, by=lead)
        noor = online(rows, teams=["Billing"])
        changes.save_agent(noor.pk, {"languages": ["en"]}, None, by=lead)
    look()
    assert holder(case) == noor
    assert case.team == team


def test_only_the_latest_change_is_taken_back(rows: Rows) -> None:
    lead = rows.agent("Lead", role="lead")
    changes.save_settings({"sticky_days": 1}, by=lead)
    first = Change.objects.get()
    changes.save_settings({"sticky_days": 2}, by=lead)
    with pytest.raises(cases.Conflict):
        changes.undo(first.pk, by=lead)
    changes.undo(Change.objects.latest("id").pk, by=lead)
    assert Settings.objects.get().values["sticky_days"] == 1
    with pytest.raises(Exception, match="may not lead"):
        changes.save_settings({"sticky_days": 3}, by=rows.agent("Agent"))
