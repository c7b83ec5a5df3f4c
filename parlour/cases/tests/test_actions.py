"""Every verb that changes a case: what it writes, what it refuses, what it tells."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases import actions, corrections
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Case, Message, Status
from parlour.cases.tests.rows import START, Rows
from parlour.lib import clock
from parlour.spine.models import Event
from parlour.staff.models import Agent, Role, Team, Token
from parlour.understanding.models import Correction

pytestmark = pytest.mark.django_db
NOW = START + timedelta(days=1)


@pytest.fixture(autouse=True)
def _next_day():
    with clock.frozen(NOW):
        yield


def told() -> list[tuple[str, str, dict[str, object]]]:
    return [(event.verb, event.actor, event.data) for event in Event.objects.order_by("id")]


def test_a_case_is_given_taken_and_put_back(rows: Rows) -> None:
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    given = actions.assign(case.pk, mika.pk, by=noor)
    assert (given.assignee_id, given.routing_reason) == (mika.pk, "Given to Mika by hand.")
    taken = actions.take(case.pk, by=noor)
    assert (taken.assignee_id, taken.routing_reason) == (noor.pk, "Taken by Noor.")
    back = actions.assign(case.pk, None, by=noor)
    assert (back.assignee_id, back.routing_reason, back.look_at) == (None, "Taken back by hand.", NOW)
    assert [data["assignee"] for verb, _, data in told() if verb == "case.assigned"] == [mika.pk, noor.pk, None]
    assert {actor for _, actor, _ in told()} == {f"agent:{noor.pk}"}


def test_what_changes_nothing_is_not_told(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent()
    team = Team.objects.create(name="Billing")
    for _ in range(2):
        actions.take(case.pk, by=noor)
        actions.set_team(case.pk, team.pk, by=noor)
        actions.set_level(case.pk, "high", by=noor)
        actions.set_actionable(case.pk, False, by=noor)
        actions.set_category(case.pk, "billing", by=noor)
        actions.resolve(case.pk, by=noor)
    assert [verb for verb, _, _ in told()] == [
        "case.assigned",
        "case.team",
        "case.level",
        "case.actionable",
        "case.category",
        "case.resolved",
    ]


def test_nobody_is_given_a_case_who_may_not_answer_it(rows: Rows) -> None:
    case, noor, analyst = rows.case(), rows.agent(), rows.agent("Ana", role=Role.ANALYST)
    with pytest.raises(Invalid, match=r"^Ana may not answer cases\.$"):
        actions.assign(case.pk, analyst.pk, by=noor)
    assert Case.objects.get(pk=case.pk).assignee_id is None
    assert told() == []
    for role in (Role.LEAD, Role.ADMIN):
        able = rows.agent(role=role)
        assert actions.assign(case.pk, able.pk, by=noor).assignee_id == able.pk


def test_nobody_is_given_a_case_who_is_not_there(rows: Rows) -> None:
    case, noor, gone = rows.case(), rows.agent(), rows.agent("Gone")
    Agent.objects.filter(pk=gone.pk).update(is_active=False)
    for wrong in (gone.pk, 0, 2**70):
        with pytest.raises(Invalid, match="no such agent"):
            actions.assign(case.pk, wrong, by=noor)
    for wrong in (0, 2**70):
        with pytest.raises(Invalid, match="no such team"):
            actions.set_team(case.pk, wrong, by=noor)
        with pytest.raises(Case.DoesNotExist):
            actions.take(wrong, by=noor)
    assert told() == []


def test_a_team_set_by_hand_says_so(rows: Rows) -> None:
    case, noor = rows.case(routing_reason="Delivery takes delivery."), rows.agent()
    team = Team.objects.create(name="Billing")
    assert actions.set_team(case.pk, team.pk, by=noor).routing_reason == "Handed to Billing by hand."
    assert actions.set_team(case.pk, None, by=None).routing_reason == "Taken from its team by hand."
    assert [(verb, actor) for verb, actor, _ in told()] == [("case.team", f"agent:{noor.pk}"), ("case.team", "desk")]


def test_a_level_is_one_of_four_or_none(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent()
    assert actions.set_level(case.pk, "urgent", by=noor).level == "urgent"
    assert Case.objects.get().look_at == NOW
    assert actions.set_level(case.pk, None, by=noor).level is None
    with pytest.raises(Invalid, match="no priority 'mega'"):
        actions.set_level(case.pk, "mega", by=noor)


def test_a_corrected_category_stays_and_is_kept_for_training(rows: Rows) -> None:
    case, noor = rows.case(category="website"), rows.agent()
    rows.said(case, "First", category="other")
    latest = rows.said(case, "Latest", category="website")
    changed = actions.set_category(case.pk, "billing", by=noor)
    assert (changed.category, changed.category_by) == ("billing", f"agent:{noor.pk}")
    latest.refresh_from_db()
    assert latest.category == "billing"
    correction = Correction.objects.get()
    assert (correction.message_id, correction.field, correction.was, correction.now, correction.agent_id) == (
        latest.pk,
        "category",
        "website",
        "billing",
        noor.pk,
    )
    assert told()[-1] == ("case.category", f"agent:{noor.pk}", {"was": "website", "now": "billing"})
    with pytest.raises(Invalid, match="no category"):
        actions.set_category(case.pk, "gossip", by=noor)


def test_a_corrected_category_teaches_the_words_it_came_from_and_undoing_gives_it_back(rows: Rows) -> None:
    case, noor = rows.case(category="product"), rows.agent()
    rows.said(case, "Hello!", category="other", actionable=False)
    misread = rows.said(case, "My parcel has the wrong lamp in it", category="product")
    rows.said(case, "Any news?", category="other")
    actions.set_category(case.pk, "delivery", by=noor)
    correction = Correction.objects.get()
    assert (correction.message_id, correction.was, correction.now) == (misread.pk, "product", "delivery")
    corrections.undo(correction.pk, by=noor)
    case.refresh_from_db()
    misread.refresh_from_db()
    assert (case.category, misread.category) == ("product", "product")


def test_a_category_set_on_a_case_without_words_is_no_correction(rows: Rows) -> None:
    case = rows.case()
    token = Token.objects.create(name="script", role=Role.AGENT, digest="d")
    assert actions.set_category(case.pk, "billing", by=token).category_by == f"token:{token.pk}"
    assert not Correction.objects.exists()


def test_a_corrected_sentiment_is_the_case_s_when_the_words_are_the_latest(rows: Rows) -> None:
    case, noor = rows.case(sentiment="neutral"), rows.agent()
    first = rows.said(case, "First")
    latest = rows.said(case, "Latest")
    actions.set_sentiment(first.pk, "positive", by=noor)
    assert Case.objects.get().sentiment == "neutral"
    message = actions.set_sentiment(latest.pk, "negative", by=noor)
    assert (message.sentiment, message.sentiment_score) == ("negative", -1.0)
    case.refresh_from_db()
    assert (case.sentiment, case.look_at) == ("negative", NOW)
    actions.set_sentiment(latest.pk, "negative", by=noor)
    assert Correction.objects.count() == 2
    assert [verb for verb, _, _ in told()] == ["message.corrected"] * 2
    with pytest.raises(Invalid, match="no sentiment"):
        actions.set_sentiment(latest.pk, "meh", by=noor)
    note = actions.add_note(case.pk, by=noor, text="Hm.")
    with pytest.raises(Message.DoesNotExist):
        actions.set_sentiment(note.pk, "negative", by=noor)


def test_noise_is_said_by_a_person_and_kept_for_training(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent()
    said = rows.said(case)
    assert actions.set_actionable(case.pk, False, by=noor).actionable is False
    correction = Correction.objects.get()
    assert (correction.message_id, correction.field, correction.was, correction.now) == (
        said.pk,
        "actionable",
        "true",
        "false",
    )


def test_a_note_is_for_the_desk_alone(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent()
    note = actions.add_note(case.pk, by=noor, text="  Call them.\x00 ")
    assert (note.direction, note.visibility, note.thread, note.external_id) == ("note", "private", None, None)
    assert (note.text, note.agent) == ("Call them.\ufffd", noor)
    assert not note.deliveries.exists()
    case.refresh_from_db()
    assert case.updated_at == NOW
    for wrong, words in ((" ", "some text"), ("x" * 20_001, "at most 20,000")):
        with pytest.raises(Invalid, match=words):
            actions.add_note(case.pk, by=noor, text=wrong)
    assert [verb for verb, _, _ in told()] == ["note.added"]
    assert "Call" not in str(told())


def test_resolving_ends_all_waiting_and_reopening_counts(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent()
    rows.said(case, urgency=0.9)
    resolved = actions.resolve(case.pk, by=noor)
    assert (resolved.status, resolved.resolved_at, resolved.waiting_since) == (Status.RESOLVED, NOW, None)
    assert (resolved.response_due_at, resolved.response_warn_at, resolved.urgency) == (None, None, 0.0)
    reopened = actions.reopen(case.pk, by=noor)
    assert (reopened.status, reopened.resolved_at, reopened.reopened) == (Status.OPEN, None, 1)
    assert actions.reopen(case.pk, by=noor).reopened == 1
    assert [verb for verb, _, _ in told()] == ["case.resolved", "case.reopened"]


def test_a_customer_has_one_open_case(rows: Rows) -> None:
    old, noor = rows.case(status=Status.RESOLVED, resolved_at=START), rows.agent()
    new = rows.case(customer=old.customer)
    with pytest.raises(Conflict, match=f"#{new.pk}"):
        actions.reopen(old.pk, by=noor)
    actions.resolve(new.pk, by=noor)
    assert actions.reopen(old.pk, by=noor).status == Status.OPEN


def test_every_verb_wakes_the_stream_when_it_is_committed(rows: Rows, django_capture_on_commit_callbacks) -> None:
    from parlour.spine import bus

    bell = bus.Bell("events")
    case, noor = rows.case(), rows.agent()
    with django_capture_on_commit_callbacks(execute=True):
        actions.take(case.pk, by=noor)
        assert not bell.wait(0)
    assert bell.wait(0)
    bell.close()
