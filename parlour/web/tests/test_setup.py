from __future__ import annotations

import pytest
from django.test import Client

from parlour.staff.models import Role
from parlour.traffic.models import Arrival
from parlour.web.tests.conftest import HTMX


@pytest.fixture
def lead(person):
    client = Client()
    client.force_login(person("Lead", Role.LEAD))
    return client


def test_inboxes_show_health_and_path_but_no_secret(lead, scene):
    inbox = scene.inbox("facebook")
    inbox.health, inbox.health_note = "attention", "The token <expired>"
    inbox.save()
    text = lead.get("/inboxes").text
    assert f"http://testserver{inbox.webhook_path}" in text
    assert "Needs attention" in text
    assert "The token &lt;expired&gt;" in text
    assert "very-secret-token" not in text
    assert inbox.sealed not in text


def test_an_inbox_is_called_connected_once_something_has_come_from_it(lead, scene, settings):
    inbox = scene.inbox("facebook")
    assert "Waiting for its first event" in lead.get("/inboxes").text
    Arrival.objects.create(inbox_id=inbox.pk, key="a", lane=1, body=b"{}", state="done")
    settings.PUBLIC_URL = "https://desk.example.com"
    text = lead.get("/inboxes").text
    assert "Waiting for its first event" not in text
    assert "Connected" in text
    assert f"https://desk.example.com{inbox.webhook_path}" in text


def test_agents_are_kept_out_and_not_shown_the_way(desk, scene):
    for address in ["/inboxes", "/arrivals"]:
        refused = desk.get(address)
        assert refused.status_code == 403
        assert "may not lead a team" in refused.text
        assert f'href="{address}"' not in desk.get("/queue/mine").text
    assert desk.post("/arrivals/1/replay").status_code == 403


def test_parked_arrivals_are_replayed_or_dismissed(lead, scene):
    inbox = scene.inbox("facebook")
    one, two = (
        Arrival.objects.create(inbox_id=inbox.pk, key=key, lane=1, body=b"{}", state="parked", reason=f"<{key}> broke")
        for key in "ab"
    )
    text = lead.get("/arrivals").text
    assert "&lt;a&gt; broke" in text
    assert "facebook inbox" in text
    assert lead.post(f"/arrivals/{one.pk}/replay", headers=HTMX).status_code == 200
    assert lead.post(f"/arrivals/{two.pk}/dismiss").headers["Location"] == "/arrivals"
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == ("new", "ignored")
    assert "Nothing is parked" in lead.get("/arrivals").text
    assert lead.get("/arrivals?cursor=zzz").status_code == 422
