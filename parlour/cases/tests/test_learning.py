"""When a brand learns, from what, and what a person is asked to look at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases import actions, corrections, learning
from parlour.cases.access import Conflict
from parlour.cases.models import Message
from parlour.cases.tests.rows import Rows
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.spine.models import Event
from parlour.staff.access import Denied
from parlour.staff.models import Agent, Role
from parlour.understanding.models import Correction, ModelVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@pytest.fixture
def noor(rows: Rows) -> Agent:
    return rows.agent()


def taught(rows: Rows, noor: Agent, begin: int, count: int) -> None:
    for number in range(begin, begin + count):
        said = rows.said(rows.case(), f"the glorp hums in room {number}", sentiment="neutral")
        actions.set_sentiment(said.pk, ("positive", "negative")[number % 2], by=noor)


def test_the_worker_learns_when_enough_was_set_right_and_not_before(rows: Rows, noor: Agent) -> None:
    taught(rows, noor, 0, 9)
    assert not learning.learn_due()
    taught(rows, noor, 9, 1)
    assert learning.due() == [(rows.brand.pk, "sentiment")]
    assert learning.learn_due()
    assert ModelVersion.objects.get().corrections == 10
    assert not learning.learn_due()
    taught(rows, noor, 10, 2)
    assert not learning.learn_due()
    # After half a day a few are enough.
    with clock.frozen(clock.now() + timedelta(hours=13)):
        assert learning.learn_due()
    assert ModelVersion.objects.count() == 2
    line = Event.objects.filter(verb="model.learned").latest("id")
    assert line.data["reason"] == ModelVersion.objects.get(number=2).words


def test_one_thing_is_learnt_at_a_time(rows: Rows, noor: Agent) -> None:
    taught(rows, noor, 0, 10)
    assert spine.take_lease(learning.LEASE, "somebody else", 60)
    with pytest.raises(Conflict, match="already"):
        learning.learn(rows.brand.pk, "sentiment")
    assert not learning.learn_due()
    spine.drop_lease(learning.LEASE, "somebody else")
    assert learning.learn_due()


def test_agents_do_not_start_learning(rows: Rows, noor: Agent) -> None:
    with pytest.raises(Denied):
        learning.learn(rows.brand.pk, "sentiment", by=noor)
    assert learning.learn(rows.brand.pk, "sentiment", by=rows.agent("Lea", role=Role.LEAD)) is None


def test_what_was_answered_without_being_corrected_counts_a_little(rows: Rows, noor: Agent) -> None:
    before = rows.said(rows.case(), "Before anybody corrected anything")
    actions.resolve(before.case_id or 0, by=noor)
    wrong = rows.said(rows.case(), "Wrong")
    corrections.correct(wrong.pk, "intent", "praise", by=noor)
    fine = rows.said(rows.case(), "Fine", intent="question")
    rows.said(rows.case(), "Not answered yet", intent="question")
    actions.resolve(fine.case_id or 0, by=noor)
    actions.resolve(wrong.case_id or 0, by=noor)
    found = learning.confirmed(rows.brand.pk, "intent", 10)
    assert [(one.text, one.label) for one in found] == [("Fine", "question")]
    assert 0 < found[0].weight < 1


def test_what_is_asked_about_is_uncertain_frequent_and_not_twice_the_same(rows: Rows, noor: Agent) -> None:
    many = [
        rows.said(rows.case(), f"the quibble of my zorb is frobbed, number {n}", category="other") for n in range(5)
    ]
    sure = rows.said(rows.case(), "My invoice is wrong, I was charged twice, refund the payment on my card")
    asked = learning.to_label(rows.brand.pk, "category")
    assert asked[0].message.pk in {one.pk for one in many}
    assert asked[0].similar == 5
    assert len([one for one in asked if one.message.pk in {one.pk for one in many}]) == 1
    assert asked[-1].message.pk == sure.pk
    corrections.confirm(asked[0].message.pk, "category", by=noor)
    # Those like a confirmed one are settled with it.
    assert [one.message.pk for one in learning.to_label(rows.brand.pk, "category")] == [sure.pk]
    assert learning.to_label(rows.brand.pk, "language") == []


def test_corrections_from_before_are_taken_up(rows: Rows) -> None:
    said = rows.said(rows.case(), "An old one")
    at = clock.now()
    Correction.objects.create(message_id=said.pk, field="category", was="other", now="billing", at=at)
    Correction.objects.create(message_id=10**9, field="category", was="other", now="billing", at=at)
    learning.adopt_old()
    kept, gone = Correction.objects.order_by("id")
    assert (kept.brand_id, kept.text, kept.undone_at) == (rows.brand.pk, "An old one", None)
    assert gone.undone_at is not None


def test_undoing_leaves_alone_what_was_set_again_since(rows: Rows, noor: Agent) -> None:
    said = rows.said(rows.case(), "Hm", sentiment="neutral")
    corrections.correct(said.pk, "sentiment", "negative", by=noor)
    first = Correction.objects.get()
    corrections.correct(said.pk, "sentiment", "positive", by=noor)
    corrections.undo(first.pk, by=noor)
    assert Message.objects.get(pk=said.pk).sentiment == "positive"
    assert corrections.undo(first.pk, by=noor).undone_at is not None
    assert Event.objects.filter(verb="correction.undone").count() == 1
