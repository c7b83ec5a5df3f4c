"""Inboxes, people, teams, the token itself."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from parlour.api import schemas
from parlour.channels.models import Inbox
from parlour.lib import secretbox


def test_inboxes_without_secrets(ask, rows):
    Inbox.objects.filter(pk=rows.inbox.pk).update(sealed=secretbox.seal({"access_token": "hush-hush"}))
    response = ask.client.get("/api/v1/inboxes", headers={"Authorization": f"Bearer {ask.token}"})
    assert b"hush" not in response.content
    assert b"sealed" not in response.content
    page = response.json()
    TypeAdapter(schemas.ListOf[schemas.Inbox]).validate_python(page)
    (inbox,) = page["items"]
    assert inbox["brand"] == {"id": rows.brand.pk, "name": "Acme"}
    assert inbox["capabilities"]["public"]["length"] > 0


@pytest.mark.parametrize(("role", "told"), [("admin", True), ("lead", True), ("agent", False), ("analyst", False)])
def test_how_an_inbox_is_reached_and_what_ails_it_is_for_leads(ask_as, rows, role, told):
    Inbox.objects.filter(pk=rows.inbox.pk).update(health="attention", health_note="The token expired.")
    (inbox,) = ask_as(role).get("/inboxes")["items"]
    assert inbox["health"] == "attention"
    seen = (f"/in/x/{'k' * 24}", "The token expired.") if told else ("", "")
    assert (inbox["webhook_path"], inbox["health_note"]) == seen


def test_inbox_of_a_channel_this_version_does_not_know(ask, rows):
    Inbox.objects.filter(pk=rows.inbox.pk).update(channel="pigeon")
    assert ask.get("/inboxes")["items"][0]["capabilities"] is None


def test_agents_and_teams(ask, rows):
    agents, teams = ask.get("/agents"), ask.get("/teams")
    TypeAdapter(schemas.ListOf[schemas.Agent]).validate_python(agents)
    TypeAdapter(schemas.ListOf[schemas.Team]).validate_python(teams)
    assert agents["items"][0]["teams"] == [{"id": rows.team.pk, "name": "Delivery"}]
    assert "password" not in agents["items"][0]
    assert [(one["id"], one["name"], one["categories"]) for one in teams["items"]] == [
        (rows.team.pk, "Delivery", ["delivery"])
    ]


def test_me(ask_as):
    me = ask_as("analyst").get("/me")
    TypeAdapter(schemas.Me).validate_python(me)
    assert (me["role"], me["rights"]) == ("analyst", ["read"])
    assert me["name"] == "analyst token"


def test_a_lead_s_token_changes_a_seat_and_a_team(ask_as, rows):
    lead, path = ask_as("lead"), f"/agents/{rows.agent.pk}"
    change = {"presence": "wrap-up", "capacity": 7, "skills": {"Refunds": 3}, "languages": ["DE"], "teams": []}
    seat = lead("PATCH", path, change)
    TypeAdapter(schemas.Agent).validate_python(seat)
    assert (seat["presence"], seat["capacity"], seat["skills"], seat["languages"], seat["teams"]) == (
        *("wrap-up", 7, {"refunds": 3}, ["de"], []),
    )
    assert seat["presence_until"]
    again = lead("PATCH", path, {"presence": "online"})
    assert (again["presence_until"], again["capacity"]) == (None, 7)
    team = lead("PATCH", f"/teams/{rows.team.pk}", {"languages": ["de"], "strategy": "robin", "pushes": False})
    TypeAdapter(schemas.Team).validate_python(team)
    assert (team["languages"], team["strategy"], team["pushes"], team["categories"]) == (
        ["de"],
        "robin",
        False,
        ["delivery"],
    )
    for wrong in (
        {"languages": ["deutsch"]},
        {"skills": {"x": 9}},
        {"capacity": -1},
        {"presence": "asleep"},
        {"teams": [999]},
    ):
        lead("PATCH", path, wrong, status=422)
    lead("PATCH", f"/teams/{rows.team.pk}", {"overflow_id": rows.team.pk}, status=422)
    for missing in ("/agents/999", "/teams/999", f"/agents/{10**30}"):
        lead("PATCH", missing, {}, status=404)
    for role in ("agent", "analyst"):
        ask_as(role)("PATCH", path, {"capacity": 1}, status=403)
        ask_as(role)("PATCH", f"/teams/{rows.team.pk}", {"active": False}, status=403)
