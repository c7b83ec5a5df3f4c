"""Answering, noting and changing cases; who may."""

from __future__ import annotations

import pytest

from parlour.api.tests.conftest import is_problem
from parlour.cases.models import Case, Delivery, Message
from parlour.lib import clock
from parlour.spine.models import Event
from parlour.staff.actions import add_agent
from parlour.staff.models import Token

WAYS = [
    ("GET", "/inboxes", None),
    ("GET", "/agents", None),
    ("GET", "/teams", None),
    ("GET", "/me", None),
    ("GET", "/cases", None),
    ("GET", "/cases/{}", None),
    ("GET", "/cases/{}/messages", None),
    ("GET", "/cases/{}/events", None),
    ("POST", "/cases/{}/replies", {"text": "Hello", "visibility": "public"}),
    ("POST", "/cases/{}/notes", {"text": "Hello"}),
    ("PATCH", "/cases/{}", {"level": "high"}),
]


@pytest.mark.parametrize("role", ["admin", "lead", "agent", "analyst"])
@pytest.mark.parametrize(("method", "path", "body"), WAYS)
def test_rights(ask_as, rows, role, method, path, body):
    case = rows.case()
    rows.said(case)
    status = 200 if method != "POST" else 201
    if role == "analyst" and method != "GET":
        status = 403
    ask_as(role)(method, path.format(case.pk), body, status=status)
    if status == 403:
        assert not Event.objects.exists()
        assert Message.objects.count() == 1


@pytest.mark.parametrize(("method", "path", "body"), WAYS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer caf\xe9", "Bearer a\x00b"]
)
def test_no_token_or_a_wrong_one(client, rows, method, path, body, header):
    headers = {"Authorization": header} if header is not None else {}
    response = client.generic(
        method, f"/api/v1{path.format(rows.case().pk)}", b"{}", content_type="application/json", headers=headers
    )
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    is_problem(response)


def test_revoked_token(ask, rows):
    ask.get("/cases")
    Token.objects.update(revoked_at=clock.now())
    ask.get("/cases", status=401)


def test_reply_is_stored_and_queued(ask, rows):
    case = rows.case()
    said = rows.said(case)
    sent = ask("POST", f"/cases/{case.pk}/replies", {"text": "On its way", "visibility": "public"}, status=201)
    assert (sent["direction"], sent["text"], sent["visibility"]) == ("out", "On its way", "public")
    assert sent["delivery"] == {"state": "queued", "error": None}
    assert sent["reply_to"] == said.external_id
    (only,) = sent.pop("parts")
    assert ask.get(f"/cases/{case.pk}/messages")["items"][0] == sent == only
    assert Event.objects.filter(case_id=case.pk, verb="reply.queued", actor__startswith="token:").exists()


def test_same_key_sends_once(ask, rows):
    case = rows.case()
    rows.said(case)
    path, body = f"/cases/{case.pk}/replies", {"text": "On its way", "visibility": "public"}
    first = ask("POST", path, body, status=201, key="k-1")
    assert ask("POST", path, body, status=200, key="k-1") == first
    assert Delivery.objects.count() == 1
    assert ask("POST", path, body, status=201, key="k-2")["id"] != first["id"]


def test_same_key_with_other_content(ask, rows):
    case, other = rows.case(), rows.case()
    said, again, elsewhere = rows.said(case), rows.said(case), rows.said(other)
    path, body = f"/cases/{case.pk}/replies", {"text": "On its way", "visibility": "public", "answers": said.pk}
    ask("POST", path, body, status=201, key="k")
    ask("POST", path, body | {"text": "Lost"}, status=409, key="k")
    ask("POST", path, body | {"visibility": "private"}, status=409, key="k")
    ask("POST", path, body | {"answers": again.pk}, status=409, key="k")
    ask("POST", f"/cases/{other.pk}/replies", body | {"answers": elsewhere.pk}, status=409, key="k")
    assert Delivery.objects.count() == 1


def test_keys_of_two_tokens_do_not_meet(ask_as, rows):
    case = rows.case()
    rows.said(case)
    for role in ("agent", "lead"):
        body = {"text": f"From {role}", "visibility": "public"}
        ask_as(role)("POST", f"/cases/{case.pk}/replies", body, status=201, key="1")


def test_same_key_without_the_right(ask, ask_as, rows):
    case = rows.case()
    rows.said(case)
    body = {"text": "On its way", "visibility": "public"}
    ask_as("analyst")("POST", f"/cases/{case.pk}/replies", body, status=403, key="1")


def test_somebody_answered_meanwhile(ask, rows):
    case = rows.case()
    said = rows.said(case)
    rows.said(case, "Mine was first", direction="out", identity=None, agent=rows.agent)
    body = {"text": "Hello", "visibility": "public", "seen": said.pk}
    problem = ask("POST", f"/cases/{case.pk}/replies", body, status=409)
    assert "Noor" in problem["detail"]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"visibility": "secret"}, "visibility"),
        ({"answers": 0}, "answers"),
        ({"answers": "1"}, "answers"),
        ({"seen": True}, "seen"),
        ({"txet": "Hello"}, "txet"),
    ],
)
def test_unacceptable_reply(ask, rows, change, field):
    case = rows.case()
    rows.said(case)
    body = {"text": "Hello", "visibility": "public"} | change
    problem = ask("POST", f"/cases/{case.pk}/replies", body, status=422)
    assert [one["field"] for one in problem["errors"]] == [field]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b'{"text": "half \\ud800", "visibility": "public"}', 422),
        (b'{"text": "whole \\ud83d\\ude00", "visibility": "public"}', 201),
        (b'{"text": "Hello", "visibility": "public", "answers": ' + b"9" * 30 + b"}", 422),
        (b'{"text": "Hello", "visibility": "public", "answers": ' + b"9" * 9000 + b"}", 400),
        (b'{"text": "Hello", "visibility": "public", "answers": NaN}', 400),
        (b'{"text": "Hello", "visibility": "public", "answers": 1e400}', 422),
        (b'{"text": "Hello", ', 400),
        (b"\xff\xfe\xfa", 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b"3", 422),
        (b"", 422),
        (b'{"text": "' + b"x" * 3_000_000 + b'"}', 413),
    ],
)
def test_raw_bodies(ask, rows, raw, status):
    case = rows.case()
    rows.said(case)
    response = ask.client.generic(
        "POST",
        f"/api/v1/cases/{case.pk}/replies",
        raw,
        content_type="application/json",
        headers={"Authorization": f"Bearer {ask.token}"},
    )
    assert response.status_code == status, response.content
    if status >= 400:
        is_problem(response)


@pytest.mark.parametrize("key", ["x" * 129, "two words", "caf\xe9", "a\x00b"])
def test_unacceptable_key(ask, rows, key):
    case = rows.case()
    rows.said(case)
    ask("POST", f"/cases/{case.pk}/replies", {"text": "Hello", "visibility": "public"}, status=422, key=key)


def test_note(ask, rows):
    case = rows.case()
    note = ask("POST", f"/cases/{case.pk}/notes", {"text": "Ask Bo"}, status=201)
    assert (note["direction"], note["visibility"], note["text"]) == ("note", "private", "Ask Bo")
    assert note["delivery"] is None
    ask("POST", f"/cases/{case.pk}/notes", {"text": "  "}, status=422)


def test_nothing_can_be_added_to_a_case_that_is_not_there(ask, rows):
    for number in (999, 2**70):
        ask("POST", f"/cases/{number}/notes", {"text": "Hello"}, status=404)
        ask("POST", f"/cases/{number}/replies", {"text": "Hello", "visibility": "public"}, status=404)
        ask("PATCH", f"/cases/{number}", {"level": "high"}, status=404)


def test_change_everything_at_once(ask, rows):
    case = rows.case()
    rows.said(case)
    change = {
        "assignee": rows.agent.pk,
        "team": rows.team.pk,
        "category": "billing",
        "level": "high",
        "actionable": False,
    }
    changed = ask("PATCH", f"/cases/{case.pk}", change | {"status": "resolved"})
    assert changed["assignee"] == {"id": rows.agent.pk, "name": "Noor"}
    assert changed["team"]["id"] == rows.team.pk
    assert (changed["category"], changed["level"], changed["actionable"]) == ("billing", "high", False)
    assert changed["status"] == "resolved"
    assert changed["resolved_at"]
    verbs = {one["verb"] for one in ask.get(f"/cases/{case.pk}/events")["items"]}
    assert verbs == {*("case.assigned", "case.team", "case.category", "case.level", "case.actionable", "case.resolved")}


def test_null_takes_away_and_what_is_left_out_stays(ask, rows):
    case = rows.case(assignee=rows.agent, team=rows.team, level="high")
    assert ask("PATCH", f"/cases/{case.pk}", {"level": None})["assignee"]["id"] == rows.agent.pk
    changed = ask("PATCH", f"/cases/{case.pk}", {"assignee": None, "team": None})
    assert (changed["assignee"], changed["team"], changed["level"]) == (None, None, None)


def test_empty_change_changes_nothing(ask, rows):
    case = rows.case()
    before = ask.get(f"/cases/{case.pk}")
    assert ask("PATCH", f"/cases/{case.pk}", {}) == before
    assert not Event.objects.exists()


def test_resolve_and_reopen(ask, rows):
    case = rows.case()
    assert ask("PATCH", f"/cases/{case.pk}", {"status": "resolved"})["status"] == "resolved"
    assert ask("PATCH", f"/cases/{case.pk}", {"status": "resolved"})["status"] == "resolved"
    reopened = ask("PATCH", f"/cases/{case.pk}", {"status": "open", "level": "urgent"})
    assert (reopened["status"], reopened["reopened"], reopened["level"]) == ("open", 1, "urgent")


def test_reopening_beside_an_open_case(ask, rows):
    case = rows.case(status="resolved")
    Case.objects.create(brand=rows.brand, customer=case.customer, channel="x")
    ask("PATCH", f"/cases/{case.pk}", {"status": "open"}, status=409)


def test_a_case_is_not_given_to_somebody_who_may_not_answer(ask, rows):
    case, analyst = rows.case(), add_agent("ana@example.com", "Ana", "analyst")
    problem = ask("PATCH", f"/cases/{case.pk}", {"assignee": analyst.pk}, status=422)
    assert [one["field"] for one in problem["errors"]] == ["assignee"]
    assert ask.get(f"/cases/{case.pk}")["assignee"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"assignee": 999_999}, "assignee"),
        ({"team": 999_999}, "team"),
        ({"category": "gossip"}, "category"),
        ({"category": None}, "category"),
        ({"level": "extreme"}, "level"),
        ({"status": "closed"}, "status"),
        ({"status": None}, "status"),
        ({"actionable": "yes"}, "actionable"),
        ({"asignee": 1}, "asignee"),
    ],
)
def test_one_wrong_change_undoes_the_others(ask, rows, wrong, field):
    case = rows.case()
    before = ask.get(f"/cases/{case.pk}")
    change = {"level": "high", "team": rows.team.pk, "actionable": False, "status": "resolved"} | wrong
    problem = ask("PATCH", f"/cases/{case.pk}", change, status=422)
    assert [one["field"] for one in problem["errors"]] == [field]
    assert ask.get(f"/cases/{case.pk}") == before
    assert not Event.objects.exists()
