"""Answers that wait for a second pair of eyes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from parlour.cases import actions as cases
from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.cases.tests.rows import Rows
from parlour.policy.approvals import actions, queries
from parlour.policy.approvals.fitting import Answer, fits
from parlour.policy.approvals.models import ApprovalRule
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.access import Denied
from parlour.staff.models import Agent, Role

ANSWER = Answer(7, frozenset({1}), 1, "facebook", "billing", "public", "We refunded it, Straße 5")


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({}, True),
        ({"agents": [7]}, True),
        ({"agents": [8]}, False),
        ({"agents": [8], "teams": [1]}, True),
        ({"brands": [2]}, False),
        ({"channels": ["x"]}, False),
        ({"channels": ["x", "facebook"], "categories": ["billing"]}, True),
        ({"visibility": "private"}, False),
        ({"words": ["refund"]}, False),
        ({"words": ["nothing", "REFUND*"]}, True),
        ({"words": ["refunded it"]}, True),
        ({"words": ["straße"]}, True),
        ({"words": ["(", "a.*"]}, False),
    ],
)
def test_a_rule_holds_what_fits_all_of_it(values: dict[str, Any], holds: bool) -> None:
    assert fits(ApprovalRule(**values), ANSWER) is holds


@given(
    st.fixed_dictionaries(
        {}, optional={"agents": st.just([8]), "brands": st.just([2]), "visibility": st.just("private")}
    )
)
def test_more_conditions_never_hold_more(values: dict[str, Any]) -> None:
    assert fits(ApprovalRule(), ANSWER)
    assert fits(ApprovalRule(**values), ANSWER) is not bool(values)


@pytest.mark.django_db
class TestWaiting:
    @pytest.fixture
    def rows(self) -> Rows:
        return Rows()

    @pytest.fixture
    def lead(self, rows: Rows) -> Agent:
        return rows.agent("Lead", role=Role.LEAD)

    @pytest.fixture
    def noor(self, rows: Rows) -> Agent:
        return rows.agent("Noor")

    @pytest.fixture
    def case(self, rows: Rows) -> Case:
        case = rows.case()
        rows.said(case, visibility="private")
        return case

    @pytest.fixture
    def rule(self, lead: Agent) -> ApprovalRule:
        return actions.save(actions.read({"name": "Refunds", "words": ["refund*"]}), by=lead)

    def state(self, message: Message) -> str:
        return Delivery.objects.get(message=message).state

    def test_an_answer_waits_while_its_customer_waits_and_goes_when_approved(
        self, rows: Rows, case: Case, noor: Agent, lead: Agent, rule: ApprovalRule
    ) -> None:
        Case.objects.filter(pk=case.pk).update(waiting_since=case.opened_at, response_due_at=case.opened_at)
        said = actions.reply(case.pk, by=noor, text="You get a refund.", visibility="private")
        case.refresh_from_db()
        assert (self.state(said), case.messages_out, case.first_response_at) == ("awaiting", 0, None)
        assert case.waiting_since is not None
        assert not Delivery.objects.filter(state=DeliveryState.QUEUED).exists(), "the outbox claims nothing else"
        assert queries.to_review(lead) == [said]
        assert queries.to_review(noor) == []
        approved = actions.approve(said.pk, by=lead)
        case.refresh_from_db()
        assert approved.meta["approved_by"] == f"agent:{lead.pk}"
        assert [case.messages_out, case.waiting_since] == [1, None]
        assert self.state(said) == "queued"
        verbs = list(Event.objects.filter(message_id=said.pk).values_list("verb", "actor"))
        assert verbs == [("reply.awaits", f"agent:{noor.pk}"), ("reply.approved", f"agent:{lead.pk}")]
        with pytest.raises(cases.Conflict):
            actions.approve(said.pk, by=lead)

    def test_other_answers_go_at_once_and_nobody_approves_their_own(
        self, case: Case, noor: Agent, lead: Agent, rule: ApprovalRule
    ) -> None:
        assert self.state(actions.reply(case.pk, by=noor, text="Hello!", visibility="private")) == "queued"
        own = actions.reply(case.pk, by=lead, text="Refunded.", visibility="private")
        for somebody in (lead, noor):
            with pytest.raises(Denied):
                actions.approve(own.pk, by=somebody)
        assert self.state(own) == "awaiting"

    def test_sent_back_it_reaches_nobody_and_says_why(
        self, case: Case, noor: Agent, lead: Agent, rule: ApprovalRule
    ) -> None:
        said = actions.reply(case.pk, by=noor, text="Refund!", visibility="private")
        cases.resolve(case.pk, by=noor)
        with pytest.raises(cases.Invalid):
            actions.send_back(said.pk, by=lead, words=" ")
        actions.send_back(said.pk, by=lead, words="Not before we have the parcel.")
        case.refresh_from_db()
        assert (self.state(said), case.status, case.messages_out) == ("cancelled", "open", 0)
        assert Message.objects.get(direction="note").text == "Not before we have the parcel."

    def test_its_writer_takes_it_back(self, case: Case, noor: Agent, lead: Agent, rule: ApprovalRule) -> None:
        said = actions.reply(case.pk, by=noor, text="Refund!", visibility="private")
        assert cases.cancel_reply(said.pk, by=noor) == [said]
        case.refresh_from_db()
        assert (self.state(said), case.messages_out) == ("cancelled", 0)
        with pytest.raises(cases.Conflict):
            actions.approve(said.pk, by=lead)

    def test_the_team_of_the_rule_may_approve(self, rows: Rows, case: Case, noor: Agent, lead: Agent) -> None:
        mika = rows.agent("Mika", teams=["Quality"])
        quality = mika.teams.get()
        actions.save(actions.read({"name": "All", "reviewers": quality.pk}), by=lead)
        said = actions.reply(case.pk, by=noor, text="Hello", visibility="private")
        assert queries.to_review(mika) == [said]
        actions.approve(said.pk, by=mika)
        assert self.state(said) == "queued"

    def test_a_repeated_key_neither_doubles_nor_marks(self, case: Case, noor: Agent, lead: Agent) -> None:
        first = actions.reply(case.pk, by=noor, text="Refund!", visibility="private", idempotency_key="k")
        actions.save(actions.read({"name": "All"}), by=lead)
        again = actions.reply(case.pk, by=noor, text="Refund!", visibility="private", idempotency_key="k")
        assert again == first
        assert queries.RULE not in again.meta
        assert self.state(again) == "queued"

    def test_a_preview_tells_what_would_have_waited(self, case: Case, noor: Agent) -> None:
        for text in ("Hello", "A refund", "Refunds!"):
            cases.reply(case.pk, by=noor, text=text, visibility="private")
        told = queries.preview(actions.read({"name": "x", "words": ["refund*"]}))
        assert (told.looked_at, told.held) == (3, 2)
        assert [one.text for one in told.examples] == ["Refunds!", "A refund"]

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({}, "needs a name"),
            ({"name": "x", "visibility": "secret"}, "public or private"),
            ({"name": "x", "channels": ["fax"]}, "no channel"),
            ({"name": "x", "agents": ["one"]}, "no agent"),
            ({"name": "x", "teams": [99]}, "no team 99"),
            ({"name": "x", "words": ["a" * 81]}, "80 characters"),
        ],
    )
    def test_what_cannot_be_is_refused_in_words(self, values: dict[str, Any], words: str) -> None:
        with pytest.raises(cases.Invalid, match=words):
            actions.read(values)

    def test_the_pages_make_change_undo_and_delete_rules(self, client: Client, case: Case, lead: Agent) -> None:
        client.force_login(lead)
        assert "Make the first rule" in client.get("/policy/approvals").text
        form = {"name": "Refunds", "words": "refund*\n", "visibility": "private", "on": "1"}
        shown = client.post("/policy/approvals/new", form | {"do": "preview"}).text
        assert "of the last 0 answers would have waited" in shown
        assert ApprovalRule.objects.count() == 0
        assert client.post("/policy/approvals/new", form | {"name": ""}).status_code == 422
        saved = client.post("/policy/approvals/new", form | {"do": "save"}, follow=True).text
        assert "Private answers of everybody that say “refund*” wait for a team lead." in saved
        rule = ApprovalRule.objects.get()
        client.post(f"/policy/approvals/{rule.pk}", form | {"words": "", "do": "save"})
        rule.refresh_from_db()
        assert rule.words == []
        client.post(f"/policy/approvals/{rule.pk}/undo")
        rule.refresh_from_db()
        assert rule.words == ["refund*"]
        client.post(f"/policy/approvals/{rule.pk}/delete")
        assert not queries.rules().exists()
        client.post(f"/policy/approvals/{rule.pk}/undo")
        assert queries.rules().get() == rule

    def test_in_the_desk_and_the_api(
        self, client: Client, case: Case, noor: Agent, lead: Agent, rule: ApprovalRule
    ) -> None:
        client.force_login(noor)
        client.post(f"/case/{case.pk}/say", {"way": "private", "text": "A refund, then.", "key": "1"})
        said = Message.objects.get(direction="out")
        assert self.state(said) == DeliveryState.AWAITING
        assert "Take back" in client.get(f"/case/{case.pk}").text
        assert client.post(f"/message/{said.pk}/approve").status_code == 403
        own = client.get("/approvals").text
        assert "For somebody else to look at" in own
        assert "your answer on" in own
        client.force_login(lead)
        listed = client.get("/approvals").text
        assert "A refund, then." in listed
        assert "Waits for approval by the rule “Refunds”." in listed
        assert f"/message/{said.pk}/approve" in client.get(f"/case/{case.pk}").text
        client.post(f"/message/{said.pk}/approve", {"from": "list"})
        assert self.state(said) == "queued"
        told = {"Authorization": f"Bearer {staff.add_token('Machine', 'agent')}"}
        answer = client.post(
            f"/api/v1/cases/{case.pk}/replies",
            {"text": "Another refund", "visibility": "private"},
            content_type="application/json",
            headers=told,
        )
        assert answer.json()["delivery"]["state"] == "awaiting"
