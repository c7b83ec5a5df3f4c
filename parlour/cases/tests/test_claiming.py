"""Whoever answers a case that nobody has takes it."""

from __future__ import annotations

import pytest

from parlour.cases import actions
from parlour.cases.models import Case
from parlour.cases.tests.rows import Rows
from parlour.spine.models import Event
from parlour.staff.models import Role, Token

pytestmark = pytest.mark.django_db


def assigned(case: Case) -> list[Event]:
    return list(Event.objects.filter(case_id=case.pk, verb="case.assigned"))


def test_an_answer_takes_a_case_that_nobody_has(rows: Rows) -> None:
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    rows.said(case)
    message = actions.reply(case.pk, by=noor, text="On its way.", visibility="public", idempotency_key="once")
    case.refresh_from_db()
    assert (case.assignee, case.routing_reason) == (noor, "Taken by Noor with an answer.")
    (line,) = assigned(case)
    assert (line.actor, line.data["assignee"]) == (f"agent:{noor.pk}", noor.pk)
    # The same press again, a colleague's answer and an undo change nothing about it.
    actions.reply(case.pk, by=noor, text="On its way.", visibility="public", idempotency_key="once")
    actions.reply(case.pk, by=mika, text="I look, too.", visibility="public")
    actions.cancel_reply(message.pk, by=noor)
    case.refresh_from_db()
    assert case.assignee == noor
    assert len(assigned(case)) == 1


def test_notes_programs_and_refusals_take_nothing(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent("Noor")
    said = rows.said(case)
    actions.add_note(case.pk, by=noor, text="Looks like the depot.")
    program = Token.objects.create(name="Robot", digest="d", role=Role.AGENT)
    actions.reply(case.pk, by=program, text="We are looking.", visibility="public")
    with pytest.raises(actions.Conflict):
        actions.reply(case.pk, by=noor, text="Me, too.", visibility="public", seen=said.pk)
    case.refresh_from_db()
    assert case.assignee is None
    assert assigned(case) == []
