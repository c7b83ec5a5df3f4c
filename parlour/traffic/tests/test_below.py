"""Short words in a running case are read below what the desk said last in it."""

from datetime import timedelta

import pytest

from parlour.cases.models import Direction, Message
from parlour.cases.replies import reply
from parlour.cases.tests.rows import Rows
from parlour.lib import clock
from parlour.traffic.understand import think

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.mark.parametrize(
    ("said", "text", "needed"),
    [
        ("On the phone or in the app?", "the second", True),
        ("That is repaired now.", "hurrah", False),
    ],
)
def test_the_desks_last_words_decide(rows, said, text, needed):
    case = rows.case()
    with clock.frozen(clock.now() - timedelta(hours=1)):
        rows.said(case, "It does not work", sent_at=clock.now() - timedelta(hours=1))
        reply(case.pk, by=rows.agent(), text=said, visibility="public")
    came = rows.said(case, text, sent_at=clock.now())
    [(message, thought)] = think([came])
    assert thought is not None
    assert thought.actionable is needed
    # Without those words the same text is read by itself, and less surely.
    Message.objects.filter(direction=Direction.OUT).update(text="")
    [(_, alone)] = think([message])
    assert alone is not None
    sure = alone.actionable_confidence if alone.actionable is needed else 1 - alone.actionable_confidence
    assert thought.actionable_confidence > sure + 0.02
