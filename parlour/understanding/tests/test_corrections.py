"""What an agent sets right is kept."""

import pytest

from parlour.understanding.actions import record_correction
from parlour.understanding.models import Correction

pytestmark = pytest.mark.django_db


def test_a_correction_is_stored():
    kept = record_correction(
        message_id=2**40, field="category", was="other", now="billing", agent_id=7, model="heads-1"
    )
    stored = Correction.objects.get()
    assert kept == stored
    assert (stored.message_id, stored.field, stored.was, stored.now) == (2**40, "category", "other", "billing")
    assert (stored.agent_id, stored.model) == (7, "heads-1")
    assert stored.at.tzinfo is not None


def test_nothing_is_stored_when_nothing_changed():
    assert record_correction(message_id=1, field="sentiment", was="neutral", now="neutral") is None
    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    ("field", "now"),
    [
        ("mood", "good"),
        ("category", "weather"),
        ("sentiment", ""),
        ("actionable", "maybe"),
        ("urgency", "1.5"),
        ("urgency", "nan"),
        ("urgency", "soon"),
        ("language", "klingon"),
    ],
)
def test_an_impossible_value_is_refused(field, now):
    with pytest.raises(ValueError, match=r"There|is no|Urgency"):
        record_correction(message_id=1, field=field, was="x", now=now)
    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    ("field", "now"), [("urgency", "0.8"), ("language", "de"), ("language", ""), ("actionable", "false")]
)
def test_each_kind_of_value_is_taken(field, now):
    record_correction(message_id=1, field=field, was="x", now=now)
    assert Correction.objects.get().now == now
