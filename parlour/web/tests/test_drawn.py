"""Rows drawn once for all desks."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from parlour.spine import actions as spine
from parlour.spine import queries
from parlour.spine.tests.patience import wait_until_settled
from parlour.web.tests.conftest import HTMX
from parlour.web.views import drawn


def ask(desk: Client, tab: str = "open", **headers: str) -> str:
    told = {"X-Since": str(queries.end()), **headers}
    return desk.get(f"/queue/{tab}", headers=HTMX | told).text


def test_a_second_desk_gets_what_the_first_one_had_drawn(desk, scene):
    for number in range(5):
        scene.case(f"Customer {number}")
    whole = desk.get("/queue/open", headers=HTMX).text
    first = ask(desk)
    with CaptureQueriesContext(connection) as asked:
        second = ask(desk)
    assert first.split() == second.split() == whole.split()
    assert not [one["sql"] for one in asked.captured_queries if "cases_case" in one["sql"] and "snippet" in one["sql"]]


@pytest.mark.django_db(transaction=True)
def test_what_happened_before_it_asked_is_never_missing(desk, scene):
    scene.case("Early Bird")
    assert "Early Bird" in ask(desk)
    scene.case("Late Comer")
    spine.write("case.opened", case_id=1)
    wait_until_settled()
    page = ask(desk)
    assert "Late Comer" in page
    assert page.count('class="row"') == 2


def test_a_drawing_grows_old(desk, scene, monkeypatch):
    ask(desk)
    scene.case("Late Comer")
    assert "Late Comer" not in ask(desk)
    monkeypatch.setattr(drawn, "LASTS", 0.0)
    assert "Late Comer" in ask(desk)


def test_what_is_an_agent_s_own_is_not_shared(desk, scene, amara, person):
    scene.case("Mine Alone", assignee=amara)
    assert ">1</b>" in ask(desk).split('data-tab="mine"')[1].split("</a>")[0]
    other = Client()
    other.force_login(person(name="Ben"))
    page = ask(other)
    assert ">0</b>" in page.split('data-tab="mine"')[1].split("</a>")[0]
    assert 'class="row"' not in ask(other, "mine")


@pytest.mark.parametrize("since", ["", "nonsense", "1.2.3", "9" * 50])
def test_a_place_that_is_none_gets_a_fresh_page(desk, scene, since):
    ask(desk)
    scene.case("Late Comer")
    assert "Late Comer" in ask(desk, **{"X-Since": since})


def test_the_queue_beside_a_case_is_shared_and_marks_the_open_one(desk, scene):
    first, second = scene.case("Customer 1"), scene.case("Customer 2")
    page = desk.get(f"/case/{first.pk}?tab=open").text
    assert page.count('aria-current="true"') == 1
    assert f'href="/case/{first.pk}?tab=open" aria-current="true"' in page
    with CaptureQueriesContext(connection) as asked:
        again = desk.get(f"/case/{second.pk}?tab=open").text
    assert f'href="/case/{second.pk}?tab=open" aria-current="true"' in again
    assert not [one for one in asked.captured_queries if "LIMIT 51" in one["sql"]]


@pytest.mark.django_db(transaction=True)
def test_the_queue_beside_a_case_knows_what_has_just_happened(desk, scene):
    case = scene.case("Customer 1")
    desk.get(f"/case/{case.pk}?tab=open")
    scene.case("Late Comer")
    spine.write("case.opened", case_id=case.pk)
    wait_until_settled()
    assert "Late Comer" in desk.get(f"/case/{case.pk}?tab=open").text
