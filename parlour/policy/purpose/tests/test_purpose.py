"""Whose queue a case stands in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from parlour.cases import actions as cases
from parlour.cases import queries
from parlour.cases.models import Case, Message, Purpose
from parlour.cases.tests.rows import START, Rows
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.purpose.step import SERVICE_INTENTS, purpose_of
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.understanding.queries import INTENTS, SENTIMENTS


def words(intent: str = "praise", **values: object) -> Message:
    given = {
        "visibility": "public",
        "sentiment": "positive",
        "actionable": False,
        "confidence": {"sentiment": 0.9},
        "sent_at": START,
    }
    return Message(intent=intent, **given | values)


@pytest.mark.parametrize(
    ("said", "purpose"),
    [
        (words(), "delight"),
        (words(visibility="private"), "service"),
        (words(sentiment="neutral"), "service"),
        (words(confidence={"sentiment": 0.5}), "service"),
        (words("purchase", sentiment="neutral", actionable=True), "marketing"),
        (words("complaint", sentiment="negative", actionable=True), "service"),
        (words("question", actionable=True), "service"),
        (words("other", sentiment="neutral"), "service"),
        (words("other", spam=0.9), "service"),
        (words(offensive=0.9), "service"),
    ],
)
def test_what_words_make_of_a_case(said: Message, purpose: str) -> None:
    assert purpose_of(Case(), [said])[0] == purpose


@given(
    st.lists(
        st.tuples(st.sampled_from(INTENTS), st.sampled_from(SENTIMENTS), st.sampled_from(("public", "private"))),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(Purpose.values),
)
def test_whoever_asks_is_served_whatever_else_they_say(said: list[tuple[str, str, str]], before: str) -> None:
    spoken = [words(i, sentiment=s, visibility=v, actionable=i in SERVICE_INTENTS) for i, s, v in said]
    purpose, _ = purpose_of(Case(purpose=before), spoken)
    if any(intent in SERVICE_INTENTS for intent, _, _ in said):
        assert purpose == "service"
    if all(sentiment != "positive" for _, sentiment, _ in said):
        assert purpose != "delight" or before == "delight"


def test_an_unhappy_customer_who_is_happy_now_stays_with_service() -> None:
    assert purpose_of(Case(sentiment_lowest="negative"), [words()])[0] == "service"


@pytest.mark.parametrize("later", [words(), words("purchase", sentiment="neutral", actionable=True)])
def test_whoever_waits_for_an_answer_is_not_sent_elsewhere_by_kind_words_or_wishes(later: Message) -> None:
    later.sent_at = START + timedelta(minutes=5)
    assert purpose_of(Case(waiting_since=START), [later])[0] == "service"
    assert purpose_of(Case(waiting_since=later.sent_at), [later])[0] != "service"


@pytest.mark.django_db
class TestOnStoredCases:
    def judge(self, case: Case, *said: Message) -> Case:
        with clock.frozen(START):
            policy.judge([Case.objects.select_related("brand").get(pk=case.pk)], START, {case.pk: said})
        case.refresh_from_db()
        return case

    def test_delight_has_a_queue_of_its_own_until_the_customer_asks(self) -> None:
        rows = Rows()
        agent, case = rows.agent(), rows.case(actionable=False)
        self.judge(case, words())
        assert (case.purpose, case.purpose_by) == ("delight", "model")
        assert [one.pk for one in queries.queue(agent, "delight").items] == [case.pk]
        assert queries.queue(agent, "noise").items == []
        told = Event.objects.get(verb="case.purpose")
        assert told.data == {"was": "service", "now": "delight", "reason": "Happy words in public."}
        self.judge(case, words("complaint", sentiment="negative", actionable=True))
        assert case.purpose == "service"
        assert queries.queue(agent, "delight").items == []

    def test_what_a_person_has_said_stays(self) -> None:
        rows = Rows()
        agent, case = rows.agent(), rows.case()
        cases.set_purpose(case.pk, "marketing", by=agent)
        self.judge(case, words("complaint", sentiment="negative", actionable=True))
        assert (case.purpose, case.purpose_by) == ("marketing", f"agent:{agent.pk}")
        assert [one.pk for one in queries.queue(agent, "marketing").items] == [case.pk]
        assert queries.queue(agent, "open").items == []
        with pytest.raises(cases.Invalid):
            cases.set_purpose(case.pk, "fun", by=agent)

    def test_the_widest_reach_stands_first(self) -> None:
        rows = Rows()
        small, large = rows.case(actionable=False), rows.case(actionable=False)
        for case, followers in ((small, 10), (large, 50_000)):
            rows.said(case, sent_at=START - timedelta(minutes=1), visibility="public")
            case.customer.identities.update(followers=followers)
            Case.objects.filter(pk=case.pk).update(visibility="public", waiting_since=None)
            self.judge(case, words())
        assert [one.pk for one in queries.queue(rows.agent(), "delight").items] == [large.pk, small.pk]

    def test_it_is_set_in_the_desk_and_by_the_api(self, client: Client) -> None:
        rows = Rows()
        case = rows.case()
        client.force_login(rows.agent())
        assert client.post(f"/case/{case.pk}/purpose", {"purpose": "delight"}).status_code == 302
        assert f'id="row{case.pk}"' in client.get("/queue/delight").content.decode()
        told = {"Authorization": f"Bearer {staff.add_token('Machine', 'agent')}"}
        change = {"purpose": "marketing", "tags": ["Spring sale", "new", "new"]}
        answer = client.patch(f"/api/v1/cases/{case.pk}", change, content_type="application/json", headers=told)
        assert (answer.json()["purpose"], answer.json()["tags"]) == ("marketing", ["Spring sale", "new"])
        assert "Tagged Spring sale, new" in client.get(f"/case/{case.pk}").content.decode()
