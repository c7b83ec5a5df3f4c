from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from parlour.cases import queries
from parlour.lib import clock
from parlour.web import rows
from parlour.web.tests.conftest import HTMX, statements


def test_home_leads_to_what_there_is_to_do(desk, scene, amara):
    assert desk.get("/").headers["Location"] == "/queue/mine"
    scene.case()
    assert desk.get("/").headers["Location"] == "/queue/unassigned"
    scene.case(assignee=amara)
    assert desk.get("/").headers["Location"] == "/queue/mine"


@pytest.mark.parametrize("tab", ["mine", "unassigned", "breaching", "open", "noise", "resolved"])
def test_each_tab_is_a_page_and_a_fragment_with_words_for_an_empty_one(desk, tab):
    page = desk.get(f"/queue/{tab}").text
    assert page.startswith("<!doctype html>")
    assert 'class="empty"' in page
    part = desk.get(f"/queue/{tab}", headers=HTMX).text
    assert part.lstrip().startswith('<section id="queue"')
    assert "<html" not in part


def test_an_unknown_tab_is_a_page_that_says_so(desk):
    answer = desk.get("/queue/secret")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text


def test_going_back_in_the_browser_gives_the_whole_page(desk):
    answer = desk.get("/queue/mine", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert answer.text.startswith("<!doctype html>")
    assert "HX-Request" in answer.headers["Vary"]


def test_what_an_agent_carries_is_told_again_with_the_queue(desk, scene, amara):
    scene.case("Ada", assignee=amara)
    shown = desk.get("/queue/open", headers=HTMX).text
    assert re.search(r'<span id="load"[^>]*hx-swap-oob="true"[^>]*>1 of \d+<', shown)


def test_hostile_names_and_words_stay_words(desk, scene):
    scene.case("<script>alert(1)</script>", snippet='<img src=x onerror=alert(1)> & "quotes"')
    page = desk.get("/queue/open").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_pages_follow_one_another_without_gap_or_double(desk, scene):
    for number in range(60):
        scene.case(f"Customer {number}", priority=number % 7)
    first = desk.get("/queue/open", headers=HTMX).text
    assert first.count('class="row"') == 50
    cursor = first.split("cursor=")[1].split('"')[0]
    rest = desk.get(f"/queue/open?cursor={cursor}", headers=HTMX).text
    assert rest.count('class="row"') == 10
    assert "<section" not in rest
    assert set(ids(first)).isdisjoint(ids(rest))
    assert desk.get("/queue/open?limit=120", headers=HTMX).text.count('class="row"') == 60


def ids(text: str) -> list[str]:
    return [part.split('"')[0] for part in text.split('data-case="')[1:]]


def test_a_cursor_that_is_not_ours_is_refused_in_words(desk):
    answer = desk.get("/queue/open?cursor=%F0%9F%A6%86", headers=HTMX)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "cursor" in answer.text


@pytest.mark.parametrize("q", ["wedding", "\x00", "'; DROP TABLE", '"', "*", "a" * 5000, "NEAR(", "💍"])
def test_search_finds_or_finds_nothing_but_never_breaks(desk, scene, q):
    scene.said(scene.case(), "It is my sister's wedding")
    answer = desk.get("/queue/open", {"q": q})
    assert answer.status_code == 200
    if q == "wedding":
        assert "Lena Okafor" in answer.text


@pytest.mark.parametrize("sign", ["#", ""])
def test_the_number_of_a_case_leads_to_it_unless_it_is_still_being_typed(desk, scene, sign):
    case = scene.case()
    q = {"q": f"{sign}{case.pk}"}
    assert desk.get("/queue/mine", q).headers["Location"] == f"/case/{case.pk}"
    assert desk.get("/queue/mine", q, headers=HTMX).headers["HX-Redirect"] == f"/case/{case.pk}"
    typed = desk.get("/queue/open", q, headers={**HTMX, "X-Stay": "1", "X-Beside": "replace"})
    assert "Lena Okafor" in typed.text
    assert "HX-Replace-Url" not in typed.headers
    for other in [f"#{case.pk + 99}", f"##{case.pk}", f"{case.pk} parcels", "#" + "9" * 30, "٣"]:
        assert desk.get("/queue/open", {"q": other}).status_code == 200


def test_the_clock_of_a_row_counts_down_and_turns_hot(desk, scene):
    now = clock.now()
    with clock.frozen(now):
        scene.case(
            "In time", response_due_at=now + timedelta(seconds=108), response_warn_at=now + timedelta(seconds=60)
        )
        scene.case("Late", response_due_at=now - timedelta(seconds=65))
        page = desk.get("/queue/open").text
    assert ">1:48</time>" in page
    assert ">−1:05</time>" in page
    assert 'class="clock hot"' in page


def test_a_page_of_fifty_asks_the_database_as_often_as_a_page_of_one(desk, scene, amara):
    scene.case(assignee=amara)
    ask = lambda: desk.get("/queue/open", headers=HTMX)  # noqa: E731
    ask()
    few = statements(ask)
    for number in range(60):
        scene.case(f"Customer {number}", assignee=amara if number % 2 else None)
    many = statements(ask)
    assert many == few
    assert len(many) <= 15, "\n".join(many)


def test_a_row_is_drawn_again_only_when_it_says_something_else(scene, amara):
    with clock.frozen(clock.now()):
        scene.case("Ada Lovelace")
        [case] = queries.queue(amara, "open").items
        first = rows.draw([case], "open", "?tab=open", "")
        drawn_before = rows._drawn.cache_info().misses
        assert rows.draw([replace(case)], "open", "?tab=open", "") == first
        assert rows._drawn.cache_info().misses == drawn_before
        case = replace(case, assignee_name=amara.name, snippet="Where is it?")
        again = rows.draw([case], "open", "?tab=open", "")
    assert "Where is it?" in again
    assert amara.name in again
    assert amara.name not in rows.draw([case], "mine", "?tab=mine", "")


def test_changing_tabs_keeps_the_case_beside_the_queue_in_the_address(desk, scene):
    case = scene.case()
    beside = {**HTMX, "X-Beside": "1", "HX-Current-URL": f"http://testserver/case/{case.pk}?tab=mine"}
    answer = desk.get("/queue/open", headers=beside)
    assert answer.headers["HX-Push-Url"] == f"/case/{case.pk}?tab=open"
    assert 'aria-current="true"' in answer.text
    live = desk.get("/queue/open", headers={**HTMX, "HX-Current-URL": "http://testserver/queue/open"})
    assert "HX-Push-Url" not in live.headers
