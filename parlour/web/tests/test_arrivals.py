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


def test_agents_are_kept_out_and_not_shown_the_way(desk, scene):
    for address in ["/inboxes", "/arrivals"]:
        refused = desk.get(address)
        assert refused.status_code == 403
        assert "may not lead a team" in refused.text
        assert f'href="{address}"' not in desk.get("/queue/mine").text
    assert desk.post("/arrivals/1/replay").status_code == 403


def test_a_lead_sees_what_came_before_dismissing_it(lead, scene):
    inbox = scene.inbox("facebook")
    for key, body in (
        ("a", b'{"text": "<b>Where is my parcel?</b>"}'),
        ("b", b"\xff no JSON"),
        ("c", b'"' + b"x" * 9000 + b'"'),
    ):
        Arrival.objects.create(inbox_id=inbox.pk, key=key, lane=1, body=body, state="parked", reason="broke")
    text = lead.get("/arrivals").text
    assert "&lt;b&gt;Where is my parcel?&lt;/b&gt;" in text
    assert "\ufffd no JSON" in text
    assert "x" * 8000 not in text
    assert "xxx…" in text


def test_parked_arrivals_are_replayed_or_dismissed(lead, scene):
    inbox = scene.inbox("facebook")
    one, two = (
        Arrival.objects.create(inbox_id=inbox.pk, key=key, lane=1, body=b"{}", state="parked", reason=f"<{key}> broke")
        for key in "ab"
    )
    text = lead.get("/arrivals").text
    assert "&lt;a&gt; broke" in text
    assert "facebook inbox" in text
    # The page is drawn anew: what follows the last one is the empty page, and no empty table.
    assert 'hx-target="#main"' in text
    followed = lead.post(f"/arrivals/{one.pk}/replay", headers=HTMX, follow=True).text
    assert "&lt;b&gt; broke" in followed
    assert "&lt;a&gt; broke" not in followed
    assert lead.post(f"/arrivals/{two.pk}/dismiss").headers["Location"] == "/arrivals"
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == ("new", "ignored")
    assert "Nothing is parked" in lead.get("/arrivals").text
    assert lead.get("/arrivals?cursor=zzz").status_code == 422
