"""Incidents and escalation through the API."""

from __future__ import annotations

from collections.abc import Callable

from parlour.api.tests.conftest import Asker, Rows
from parlour.cases.models import Case, Message
from parlour.lib import clock
from parlour.policy.incidents.models import Incident, Member

Ask = Callable[[str], Asker]


def test_an_incident_is_opened_filled_told_of_and_ended(rows: Rows, ask_as: Ask) -> None:
    lead, agent = ask_as("lead"), ask_as("agent")
    case, other = rows.case(), rows.case()
    body = {"brand": rows.brand.pk, "title": "Cards declined", "words": "card declined", "cases": [case.pk]}
    agent("POST", "/incidents", body, status=403)
    made = lead("POST", "/incidents", body, status=201)
    assert (made["state"], made["words"], made["cases"]) == ("investigating", ["card declin"], 1)
    added = agent("POST", f"/incidents/{made['id']}/cases", {"case": other.pk})
    assert (added["cases"], added["open_cases"]) == (2, 2)
    assert agent("DELETE", f"/incidents/{made['id']}/cases/{other.pk}")["cases"] == 1
    assert Member.objects.get(case=other).out
    standing = {"state": "identified", "public_words": "our bank is looking into it"}
    agent("PUT", f"/incidents/{made['id']}/status", standing, status=403)
    assert lead("PUT", f"/incidents/{made['id']}/status", standing)["public_words"] == "our bank is looking into it"
    assert [one["title"] for one in ask_as("analyst").get("/incidents")["items"]] == ["Cards declined"]
    assert lead("PUT", f"/incidents/{made['id']}/status", {"state": "resolved"})["ended_at"]
    assert agent.get("/incidents")["items"] == []
    assert lead.get("/incidents")["items"][0]["state"] == "resolved"
    agent("POST", f"/incidents/{made['id']}/cases", {"case": other.pk}, status=409)


def test_a_suggestion_is_for_leads_and_is_opened_by_its_first_status(rows: Rows, ask_as: Ask) -> None:
    now = clock.now()
    one = Incident.objects.create(brand=rows.brand, title="Storm", why="why", found_at=now, last_at=now)
    assert ask_as("agent").get("/incidents")["items"] == []
    lead = ask_as("lead")
    assert lead.get("/incidents")["items"][0]["state"] == "suggested"
    assert lead("PUT", f"/incidents/{one.pk}/status", {"state": "monitoring"})["state"] == "monitoring"
    for wrong in (10**30, 4711):
        lead("PUT", f"/incidents/{wrong}/status", {"state": "monitoring"}, status=404)
    lead("PUT", f"/incidents/{one.pk}/status", {"state": "dismissed"}, status=422)


def test_a_case_is_escalated_and_the_customer_told_once(rows: Rows, ask_as: Ask) -> None:
    agent = ask_as("agent")
    case = rows.case()
    rows.said(case)
    body = {
        "to": "agent",
        "target": rows.agent.pk,
        "summary": "Parcel lost",
        "say": "Noor will help.",
        "visibility": "public",
    }
    for _ in range(2):
        told = agent("POST", f"/cases/{case.pk}/escalations", body, key="e1", status=201)
        assert told["assignee"]["id"] == rows.agent.pk
    assert Message.objects.filter(direction="out").count() == 1
    assert Message.objects.get(direction="note").text == "Escalated to Noor\n\nParcel lost"
    agent("POST", f"/cases/{case.pk}/escalations", body | {"target": 99}, status=422)
    agent("POST", f"/cases/{case.pk}/escalations", body | {"summary": " "}, status=422)
    ask_as("analyst")("POST", f"/cases/{case.pk}/escalations", body, status=403)
    Case.objects.update(status="resolved")
    agent("POST", f"/cases/{case.pk}/escalations", body, status=422)
