"""Whatever is asked, the answer is JSON or problem details, and never an accident."""

from __future__ import annotations

import base64
import json
import logging

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlour.api.tests.conftest import is_problem
from parlour.cases import queries


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["nothing", "cases/", "cases/abc", "cases/-1", "cases/1/2/3", "cases/1.5", "a/../b", "%00"]
)
def test_unknown_addresses(ask, method, path):
    response = ask.client.generic(method, f"/api/v1/{path}")
    assert response.status_code == 404
    is_problem(response)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "cases", "GET"),
        ("DELETE", "cases/1", "GET, PATCH"),
        ("PUT", "cases/1/notes", "POST"),
        ("GET", "cases/1/replies", "POST"),
        ("PATCH", "inboxes", "GET"),
        ("POST", "openapi.json", "GET"),
        ("POST", "docs", "GET"),
    ],
)
def test_other_methods(client, method, path, allow):
    response = client.generic(method, f"/api/v1/{path}")
    assert response.status_code == 405
    assert ", ".join(sorted(response.headers["Allow"].split(", "))) == allow
    is_problem(response)


def test_head(ask, rows):
    response = ask.client.head("/api/v1/cases", headers={"Authorization": f"Bearer {ask.token}"})
    assert (response.status_code, response.content) == (200, b"")


def test_bodies_that_are_not_json_by_their_own_account(ask, rows):
    case = rows.case()
    for content_type in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        response = ask.client.generic(
            "POST",
            f"/api/v1/cases/{case.pk}/notes",
            b'{"text": "Hello"}',
            content_type=content_type,
            headers={"Authorization": f"Bearer {ask.token}"},
        )
        assert response.status_code == 415
        is_problem(response)


def test_accidents_tell_nothing(ask, rows, monkeypatch, caplog):
    def fall_over(*args, **kwargs):
        raise RuntimeError("Ada wrote: my card is 4111")

    monkeypatch.setattr(queries, "list_cases", fall_over)
    with caplog.at_level(logging.DEBUG):
        problem = ask.get("/cases", status=500)
    assert "4111" not in str(problem)
    assert "4111" not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "test_problems.py" in caplog.text


def test_busy_database(ask, rows, monkeypatch):
    def locked(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(queries, "list_cases", locked)
    response = ask.client.get("/api/v1/cases", headers={"Authorization": f"Bearer {ask.token}"})
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    is_problem(response)


def test_answers_are_not_kept_by_caches(ask, client):
    response = ask.client.get("/api/v1/me", headers={"Authorization": f"Bearer {ask.token}"})
    assert "no-store" in response.headers["Cache-Control"]
    assert "no-store" in client.get("/api/v1/me").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "closed"),
        ("team", "x"),
        ("team", "-1"),
        ("team", "0"),
        ("assignee", str(2**63)),
        ("assignee", "9" * 5000),
        ("assignee", "\u0663"),
        ("updated_since", "2026-03-01T10:00:00"),
        ("updated_since", "2026-03-01"),
        ("updated_since", "yesterday"),
        ("updated_since", "1700000000"),
        ("updated_since", "0001-01-01T00:00:00+14:00"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "many"),
        ("limit", "9" * 5000),
        ("cursor", "nonsense"),
        ("cursor", "\x00"),
        ("q", "a\x00b"),
        ("q", "x" * 501),
        ("category", ""),
        ("asignee", "1"),
    ],
)
def test_unacceptable_query_values(ask, rows, name, value):
    problem = ask("GET", "/cases", status=422, query={name: value})
    assert name in problem["detail"] or name == "cursor"
    if name != "cursor":
        assert [one["field"] for one in problem["errors"]] == [name]


def test_the_same_parameter_twice(ask, rows):
    problem = ask("GET", "/cases", status=422, query=[("status", "open"), ("status", "resolved")])
    assert problem["errors"] == [{"field": "status", "message": "It is given twice."}]


def _cursor(values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


NAMES = ["status", "team", "assignee", "category", "channel", "updated_since", "q", "cursor", "limit", "x"]
ODD = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.sampled_from(
        ["none", "open", "resolved", "null", "NaN", "1e9", '"', "'", "%", "*", "a OR", "NEAR(", "-", "(", "[]"]
    ),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=9), st.booleans()), max_size=3).map(_cursor),
    st.tuples(st.datetimes().map(lambda at: at.isoformat() + "+14:00"), st.integers()).map(_cursor),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(NAMES), ODD.filter(lambda text: text.isprintable() or "\x00" in text), max_size=3
    )
)
def test_odd_queries_never_fail(ask, rows, query):
    for path in ("/api/v1/cases", "/api/v1/cases/1/events", "/api/v1/cases/1/messages"):
        response = ask.client.get(path, query_params=query, headers={"Authorization": f"Bearer {ask.token}"})
        assert response.status_code in {200, 404, 422}, response.content
        if response.status_code != 200:
            is_problem(response)
