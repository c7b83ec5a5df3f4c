"""Service levels as a team lead decides them: in the desk, and read by the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.test import Client

from parlour.cases.models import Case, Message
from parlour.cases.tests.rows import START, Rows
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.service_levels import queries
from parlour.policy.service_levels.models import Clock, Edition
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Role

pytestmark = pytest.mark.django_db
TARGET = {
    "name": "VIPs in public",
    "channels": ["facebook"],
    "visibility": "public",
    "vip": "yes",
    "first": "15 min",
    "next": "2 h",
    "warning": "5",
    "step_when_0": "breach",
    "step_after_0": "30 min",
    "step_do_0": "notify",
}
HOURS = {f"day_{day}": "9-17" if day < 5 else "" for day in range(7)} | {"name": "Berlin", "zone": "Europe/Berlin"}


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@pytest.fixture
def lead(rows: Rows) -> Client:
    client = Client()
    client.force_login(rows.agent("Lead", role=Role.LEAD))
    return client


def page(client: Client, address: str = "/policy/service-levels") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def save(client: Client, address: str, form: Mapping[str, object], **more: object) -> None:
    answer = client.post(address, {**form, "edition": queries.current().edition, "do": "save", **more})
    assert answer.status_code == 302, answer.content.decode()


def test_a_target_is_told_as_a_sentence_changed_and_undone(lead: Client) -> None:
    assert "first answer within 1 hour, around the clock" in page(lead)
    save(lead, "/policy/service-levels/hours", HOURS | {"country": "DE", "part": "BE"})
    calendar = queries.current().calendars[0]
    save(lead, "/policy/service-levels/target", TARGET | {"calendar": calendar.key})
    shown = page(lead, "/policy/service-levels?saved=1")
    assert "Facebook Page, public, VIP</bdi></b>: first answer within 15 minutes, next answer within 2 hours" in shown
    assert "in opening hours “Berlin”" in shown
    assert "30 minutes after it broke: tell the team leads." in shown
    assert "Mon to Fri 09:00-17:00, Europe/Berlin; holidays of DE, BE." in shown
    key = queries.current().targets[0].key
    form = page(lead, f"/policy/service-levels/target/{key}")
    assert 'value="15 min"' in form
    assert '<option value="notify" selected>' in form
    save(lead, f"/policy/service-levels/target/{key}", TARGET | {"first": "10 min"})
    assert queries.current().targets[0].first == 10
    # The line that tells of it offers to take it back.
    latest = Edition.objects.latest("pk")
    lead.post("/policy/service-levels/undo", {"edition": latest.pk, "to": latest.pk - 1})
    assert [one.first for one in queries.current().targets] == [15, 60]
    assert Event.objects.filter(verb="service_levels.changed").count() == 4


def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(lead: Client) -> None:
    answer = lead.post("/policy/service-levels/target", TARGET | {"first": "soon", "name": "", "score_from": "101"})
    told = answer.content.decode()
    assert answer.status_code == 422
    assert "3 things are not right yet." in told
    assert "Write a length such as" in told
    assert 'value="soon"' in told
    assert 'value="facebook" checked' in told
    empty = {"name": "None", "warning": ""}
    assert "Promise at least one" in lead.post("/policy/service-levels/target", empty).content.decode()
    wrong = {"zone": "Mars/Base", "day_0": "9-12, 11-13", "day_1": "25-26", "country": "XX", "closed": "Christmas"}
    told = lead.post("/policy/service-levels/hours", HOURS | wrong).content.decode()
    assert "5 things are not right yet." in told
    assert "Monday: Two of these hours overlap." in told
    odd = {"score_from": "²", "score_to": "1" * 5000, "brands": ["²", "9" * 5000]}
    odd |= {"step_when_0": "breach", "step_do_0": "team:²", "step_when_1": "breach", "step_do_1": "agent:" + "9" * 5000}
    answer = lead.post("/policy/service-levels/target", TARGET | odd)
    assert answer.status_code == 422
    assert "There is no such team." in answer.content.decode()
    assert "4 things are not right yet." in answer.content.decode()
    assert Edition.objects.count() == 0


def test_two_leads_do_not_undo_each_other_unseen(lead: Client) -> None:
    save(lead, "/policy/service-levels/target", TARGET)
    answer = lead.post("/policy/service-levels/target", TARGET | {"name": "Other", "edition": 0})
    assert answer.status_code == 409
    assert "Somebody has changed the service levels meanwhile" in answer.content.decode()


def test_hours_in_use_stay_and_unused_ones_go(lead: Client) -> None:
    save(lead, "/policy/service-levels/hours", HOURS)
    key = queries.current().calendars[0].key
    save(lead, "/policy/service-levels/target", TARGET | {"calendar": key})
    remove = f"/policy/service-levels/hours/{key}/remove"
    assert lead.post(remove, {"edition": queries.current().edition}).status_code == 422
    target = queries.current().targets[0].key
    save(lead, f"/policy/service-levels/target/{target}/do", {}, do="remove")
    save(lead, remove, {})
    assert queries.current().calendars == ()


def test_order_and_empty_page(lead: Client) -> None:
    save(lead, "/policy/service-levels/target", TARGET)
    first, second = (one.key for one in queries.current().targets)
    save(lead, f"/policy/service-levels/target/{first}/do", {}, do="down")
    assert [one.key for one in queries.current().targets] == [second, first]
    for key in (first, second):
        save(lead, f"/policy/service-levels/target/{key}/do", {}, do="remove")
    assert "Nothing is promised" in page(lead)


def test_a_preview_tells_how_recent_cases_would_have_fared_and_saves_nothing(rows: Rows, lead: Client) -> None:
    with clock.frozen(START + timedelta(days=1)):
        for minutes in (5, 20, 50, 70):
            case = rows.case(visibility="public", opened_at=START)
            rows.said(case, sent_at=START)
            answer = rows.said(case, sent_at=START + timedelta(minutes=minutes), actionable=None)
            Message.objects.filter(pk=answer.pk).update(direction="out")
        form = {"name": "Everybody", "first": "30 min", "warning": "5", "do": "preview"}
        shown = lead.post("/policy/service-levels/target/everybody", form).content.decode()
    assert "The 4 latest cases" in shown
    # Three of four within the hour, two of four within half of it.
    assert "<b>75 %</b>" in shown
    assert "<b>50 %</b>" in shown
    assert Edition.objects.count() == 0


def test_the_preview_of_hours_shows_the_week_and_the_next_days_off(lead: Client) -> None:
    with clock.frozen(START):
        form = HOURS | {"country": "DE", "closed": "2026-03-03 Inventory", "do": "preview"}
        shown = lead.post("/policy/service-levels/hours", form).content.decode()
    assert "Mon to Fri 09:00-17:00" in shown
    assert "Inventory" in shown
    assert "Good Friday" in shown
    assert "Closed now." in shown
    assert shown.count('class="open"') == 4


def test_broken_promises_are_listed_until_they_are_kept_and_notices_until_seen(rows: Rows, lead: Client) -> None:
    form = TARGET | {
        "name": "Everybody",
        "step_after_0": "",
        "first": "1 h",
        "visibility": "",
        "vip": "",
        "channels": [],
    }
    save(lead, "/policy/service-levels/target/everybody", form)
    Edition.objects.update(at=START - timedelta(days=1))
    queries._read.clear()
    case = rows.case(waiting_since=START, visibility="private", look_at=START)
    policy.look(START)
    policy.look(START + timedelta(hours=1))
    shown = page(lead, "/policy/service-levels/broken")
    assert "For you to see" in shown
    assert f"/case/{case.pk}" in shown
    assert "1 promise is broken now, 1 for you to see." in page(lead)
    one = Clock.objects.get(breached_at__isnull=False)
    assert lead.post(f"/policy/service-levels/broken/{one.pk}/seen").status_code == 302
    assert "For you to see" not in page(lead, "/policy/service-levels/broken")
    timeline = page(lead, f"/case/{case.pk}")
    assert "The promise of a first answer was broken" in timeline
    assert "Team leads were told" in timeline


def test_agents_neither_see_nor_change_it(rows: Rows) -> None:
    client = Client()
    client.force_login(rows.agent())
    for address in ("", "/target", "/hours", "/broken"):
        assert client.get(f"/policy/service-levels{address}").status_code == 403
    assert client.post("/policy/service-levels/target", TARGET).status_code == 403
    assert client.post("/policy/service-levels/undo", {"to": 0}).status_code == 403


def test_the_api_tells_what_is_promised_and_the_clocks_of_a_case(rows: Rows, client: Client) -> None:
    case = rows.case(waiting_since=START, visibility="private", look_at=START)
    policy.look(START)
    told = {"Authorization": f"Bearer {staff.add_token('Machine', 'lead')}"}
    plan = client.get("/api/v1/service-levels", headers=told).json()
    assert (plan["edition"], plan["targets"][0]["first"]) == (0, 60)
    shown = client.get(f"/api/v1/cases/{case.pk}", headers=told).json()
    assert [(one["what"], one["promised_seconds"]) for one in shown["clocks"]] == [("first", 3600)]
    assert client.get("/api/v1/cases", headers=told).json()["items"][0]["clocks"] == shown["clocks"]
    agent = {"Authorization": f"Bearer {staff.add_token('Agent', 'agent')}"}
    assert client.get("/api/v1/service-levels", headers=agent).status_code == 403
    assert Case.objects.get().due_what == "first"
