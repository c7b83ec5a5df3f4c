"""The page of priority: weights by brand, the preview, undo, and scoring anew."""

from __future__ import annotations

import pytest
from django.test import Client

from parlour.cases.models import Case
from parlour.policy import actions as policy
from parlour.policy.priority.models import Change, Weights
from parlour.policy.priority.score import DEFAULTS
from parlour.staff.models import Role


@pytest.fixture
def lead(person) -> Client:
    client = Client()
    client.force_login(person("Lea", Role.LEAD))
    return client


def test_a_preview_orders_the_present_queue_anew_and_saves_nothing(lead, scene):
    scene.case("Urgent Ursula", urgency=1.0, visibility="private", priority=40)
    scene.case("Public Paul", priority=18)
    page = lead.post("/policy/priority", DEFAULTS | {"public": 60, "do": "preview"}).text
    assert "1 of the 2 most pressing cases would get other points." in page
    before, after = page.split("With these points")
    assert before.index("Urgent Ursula") < before.index("Public Paul")
    assert after.index("Public Paul") < after.index("Urgent Ursula")
    assert "from 2" in after
    assert not Weights.objects.exists()


def test_weights_are_saved_for_a_brand_and_open_cases_scored_anew_in_batches(lead, scene, monkeypatch):
    monkeypatch.setattr("parlour.policy.priority.actions.AT_ONCE", 2)
    cases = [scene.case(f"Customer {number}") for number in range(3)]
    policy.look()
    lead.post("/policy/priority", DEFAULTS | {"public": 40, "brand": scene.brand.pk})
    assert "Scoring anew: 0 of 3 open cases." in lead.get("/policy/priority").text
    assert [policy.score_anew(), policy.score_anew(), policy.score_anew()] == [2, 1, 0]
    assert policy.look() == 3
    for case in cases:
        case.refresh_from_db()
        assert [40, "said in public"] in case.priority_reasons
        assert case.priority == 50
    page = lead.get(f"/policy/priority?brand={scene.brand.pk}").text
    assert "3 open cases were scored anew." in page
    assert "Set by hand." in page
    assert lead.post(f"/policy/priority/undo/{Change.objects.latest('id').pk}").status_code == 302
    assert not Weights.objects.exists()
    while policy.score_anew():
        pass
    policy.look()
    assert set(Case.objects.values_list("priority", flat=True)) == {18}


def test_a_brand_without_points_of_its_own_follows_those_for_all(lead, scene):
    lead.post("/policy/priority", DEFAULTS | {"base": 30})
    case = scene.case(visibility="private", look_at=None)
    while policy.score_anew():
        pass
    policy.look()
    case.refresh_from_db()
    assert case.priority == 30
    lead.post("/policy/priority", DEFAULTS | {"base": 20, "brand": scene.brand.pk})
    lead.post("/policy/priority", DEFAULTS | {"brand": scene.brand.pk, "do": "default"})
    assert list(Weights.objects.values_list("brand", flat=True)) == [None]


@pytest.mark.parametrize("wrong", ["101", "-1", "many", "1.5"])
def test_points_that_cannot_be_are_refused(lead, scene, wrong):
    assert lead.post("/policy/priority", DEFAULTS | {"vip": wrong}).status_code == 422
    assert not Weights.objects.exists()
