"""Waves of one cause are one suggestion, whatever word they are found by."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases.tests.rows import Rows
from parlour.policy import actions as policy
from parlour.policy.incidents import waves
from parlour.policy.incidents.models import Incident
from parlour.policy.incidents.tests.test_incidents import NOW, ordinary, wave
from parlour.policy.incidents.waves import Usual, Wave

USUAL = Usual(hours=48, heard=1_000, said={"flight": 400, "cancel": 20, "hold": 15})
TOLD = ("cancel", "flight", "hold")


def _wave(*stems: str, size: int = 12) -> Wave:
    return Wave(stems[0], stems[1:], frozenset(range(size)), 0.0)


@pytest.mark.parametrize(
    ("stems", "shared", "flood", "one"),
    [
        # Two telling words; what everybody says anyway is none.
        (("phone", "hold", "cancel"), 0, False, True),
        (("phone", "flight", "cancel"), 0, False, False),
        # One telling word and a quarter of the cases.
        (("phone", "flight", "cancel"), 3, False, True),
        (("phone", "flight", "gate"), 3, False, False),
        # Half of the cases.
        (("computer", "crash", "system"), 6, False, True),
        # When everything rises, less is asked.
        (("phone", "flight", "cancel"), 0, True, True),
        (("computer", "crash", "system"), 3, True, True),
        (("computer", "crash", "flight"), 2, True, False),
    ],
)
def test_what_makes_two_waves_one(stems, shared, flood, one):
    assert waves.kin(_wave(*stems), TOLD, shared, USUAL, flood) is one


@pytest.mark.django_db
def test_a_later_wave_of_the_same_cause_goes_into_the_suggestion(rows: Rows) -> None:
    ordinary(rows, NOW)
    wave(rows, NOW)
    policy.watch()
    first = Incident.objects.get()
    # Two hours on none of the first cases is in the window, and the words are others.
    later = wave(rows, NOW + timedelta(hours=2, minutes=20), text="Busy phone, I hold the line for my flight")
    policy.watch()
    assert list(Incident.objects.all()) == [first]
    assert {case.pk for case in later} <= set(first.members.values_list("case_id", flat=True))
    # Another cause is another suggestion.
    wave(rows, NOW + timedelta(hours=4, minutes=40), text="My card was declined at the payment page")
    policy.watch()
    assert Incident.objects.count() == 2


@pytest.fixture
def rows() -> Rows:
    return Rows()
