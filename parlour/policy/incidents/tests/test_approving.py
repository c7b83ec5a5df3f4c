"""An answer to everybody that waits for a second pair of eyes: one look for the whole sending."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases import actions as cases
from parlour.cases.access import Conflict, Invalid
from parlour.cases.approving import APPROVED_BY
from parlour.cases.models import Direction, Message
from parlour.cases.tests.rows import Rows
from parlour.policy import actions as policy
from parlour.policy.approvals.models import ApprovalRule
from parlour.policy.incidents import actions, approving
from parlour.policy.incidents.models import Incident, Round, RoundState, State
from parlour.policy.incidents.tests.test_incidents import NOW, hear, storm
from parlour.spine.models import Event
from parlour.staff.access import Denied
from parlour.staff.models import Agent, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def lia(rows: Rows) -> Agent:
    return rows.agent("Lia", Role.LEAD)


@pytest.fixture
def mo(rows: Rows) -> Agent:
    return rows.agent("Mo", Role.LEAD)


@pytest.fixture
def incident(rows: Rows, lia: Agent) -> Incident:
    found = storm(rows, lia, 3)
    actions.set_status(found.pk, State.IDENTIFIED, by=lia, words="snow at the hub")
    return found


def said() -> list[str]:
    while policy.tell():
        pass
    return list(Message.objects.filter(direction=Direction.OUT).order_by("id").values_list("text", flat=True))


def approve(one: Round, by: Agent) -> Round:
    now = Round.objects.select_related("incident").get(pk=one.pk)
    return approving.approve(one.pk, by=by, seen=approving.wording(now))


def state(one: Round) -> str:
    return Round.objects.get(pk=one.pk).state


def test_one_approval_lets_everybody_be_told_and_those_who_join_later(
    rows: Rows, lia: Agent, mo: Agent, incident: Incident
) -> None:
    ApprovalRule.objects.create(name="Public words", visibility="public", words=["snow"])
    one = actions.answer_all(incident.pk, by=lia, text="Hello {{name|you}}: {{status}}.")
    assert (one.state, one.awaits) == (RoundState.AWAITING, "Waits for approval by the rule “Public words”.")
    assert said() == []
    [asked] = approving.to_approve(mo)
    assert (asked.to, asked.told, asked.round.agent) == (3, 0, lia)
    assert asked.example is not None
    assert asked.example.text == "Hello you: snow at the hub."
    assert approving.to_approve(lia) == []
    with pytest.raises(Denied):
        approve(one, lia)
    with pytest.raises(Denied):
        approve(one, rows.agent("Noor"))
    approve(one, mo)
    assert said() == ["Hello you: snow at the hub."] * 3
    assert {m.meta[APPROVED_BY] for m in Message.objects.filter(direction=Direction.OUT)} == {f"agent:{mo.pk}"}
    hear(rows, "cancelled, too", NOW + timedelta(hours=1))
    assert len(said()) == 4
    assert state(one) == RoundState.DONE
    verbs = Event.objects.filter(verb__startswith="incident.", data__round=one.pk).order_by("id")
    assert [line.verb for line in verbs][:2] == ["incident.answering", "incident.approved"]


def test_other_words_of_the_status_wait_again(rows: Rows, lia: Agent, mo: Agent, incident: Incident) -> None:
    ApprovalRule.objects.create(name="All")
    one = actions.answer_all(incident.pk, by=lia, text="{{status}}")
    seen = approving.wording(Round.objects.select_related("incident").get(pk=one.pk))
    ana = rows.agent("Ana", Role.LEAD)
    actions.set_status(incident.pk, State.MONITORING, by=mo, words="all fly again")
    with pytest.raises(Conflict):
        approving.approve(one.pk, by=ana, seen=seen)
    with pytest.raises(Denied):  # the words are Mo's, too
        approve(one, mo)
    approve(one, ana)
    assert said() == ["all fly again"] * 3
    actions.set_status(incident.pk, State.MONITORING, by=mo, words="nothing flies")
    hear(rows, "cancelled, too", NOW + timedelta(hours=1))
    assert len(said()) == 3
    assert state(one) == RoundState.AWAITING
    approve(one, ana)
    assert said()[3:] == ["nothing flies"]


def test_sent_back_it_is_reworded_and_asked_for_again(lia: Agent, mo: Agent, incident: Incident) -> None:
    ApprovalRule.objects.create(name="Sorry", words=["sorry"])
    one = actions.answer_all(incident.pk, by=lia, text="Sorry, sorry!")
    with pytest.raises(Invalid):
        approving.refuse(one.pk, by=mo, words=" ")
    approving.refuse(one.pk, by=mo, words="Once is enough")
    assert said() == []
    with pytest.raises(Conflict):
        approve(one, mo)
    with pytest.raises(Conflict):
        actions.answer_all(incident.pk, by=lia, text="Another one")
    again = actions.change_answer(one.pk, by=lia, text="Sorry!")
    assert (again.state, again.refused) == (RoundState.AWAITING, "")
    assert actions.change_answer(one.pk, by=lia, text="We know.").state == RoundState.RUNNING
    assert said() == ["We know."] * 3


def test_what_no_rule_holds_goes_at_once_and_a_rule_made_meanwhile_holds_the_rest(
    rows: Rows, lia: Agent, mo: Agent, incident: Incident
) -> None:
    ApprovalRule.objects.create(name="Billing", categories=["billing"])
    one = actions.answer_all(incident.pk, by=lia, text="Hello")
    assert one.state == RoundState.RUNNING
    assert len(said()) == 3
    ApprovalRule.objects.create(name="Lia's", agents=[lia.pk])
    hear(rows, "cancelled, too", NOW + timedelta(hours=1))
    assert len(said()) == 3
    assert state(one) == RoundState.AWAITING
    # The end is announced: what was not said by then is out of date.
    actions.set_status(incident.pk, State.RESOLVED, by=mo, words="over")
    assert state(one) == RoundState.STOPPED
    closing = actions.answer_all(incident.pk, by=lia, text="It is over", closing=True)
    assert closing.state == RoundState.AWAITING
    approve(closing, mo)
    assert said()[3:] == ["It is over"] * 4


def test_a_team_named_by_the_rule_may_look(rows: Rows, lia: Agent, incident: Incident) -> None:
    noor = rows.agent("Noor")
    team = noor.teams.create(name="Press")
    ApprovalRule.objects.create(name="All", reviewers=team.pk)
    one = actions.answer_all(incident.pk, by=lia, text="Hello")
    assert [asked.round.pk for asked in approving.to_approve(noor)] == [one.pk]
    approve(one, noor)
    assert len(said()) == 3


def test_a_case_answered_by_hand_while_it_waits_is_left_out(lia: Agent, mo: Agent, incident: Incident) -> None:
    rule = ApprovalRule.objects.create(name="All")
    one = actions.answer_all(incident.pk, by=lia, text="Hello")
    first = incident.members.earliest("case_id").case_id
    rule.delete()
    cases.reply(first, by=mo, text="I have rebooked you.", visibility="public")
    approve(one, mo)
    assert sorted(said()) == ["Hello", "Hello", "I have rebooked you."]
