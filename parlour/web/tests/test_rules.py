"""The pages of rules, through Django's client."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from django.test import Client

from parlour.cases.tests.rows import Rows
from parlour.policy.rules import actions
from parlour.policy.rules.examples import EXAMPLES
from parlour.policy.rules.models import Rule
from parlour.staff.actions import set_up_team
from parlour.staff.models import Role
from parlour.web import rule_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(db: None, client: Client) -> Rows:
    made = Rows()
    client.force_login(made.agent("Lena", role=Role.LEAD))
    return made


def html(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return str(response.content.decode())


FORM = {
    "name": "Refunds",
    "event": "message",
    "on": "1",
    "overwrite": "0",
    "zone": "UTC",
    "if.kind": "all",
    "if.0.what": "message.text",
    "if.0.is": "contains",
    "if.0.value": "refund\nmoney back",
    "if.1.kind": "any",
    "if.1.0.what": "message.sentiment",
    "if.1.0.is": "is",
    "if.1.0.value": ["negative"],
    "if.1.1.what": "customer.followers",
    "if.1.1.is": "least",
    "if.1.1.value": "1000",
    "then.0.do": "team",
    "then.0.value": "Billing",
    "then.1.do": "add_tags",
    "then.1.value": "refund, money",
    "change": "save",
}
SAID = (
    "When a message comes in and it mentions “refund” or “money back” and (the tone is negative or the number of followers is at "
    "least 1,000), hand it to Billing and tag it “refund” and “money”."
)


def test_an_empty_page_offers_examples_that_can_be_saved_as_they_are(rows: Rows, client: Client) -> None:
    page = html(client.get("/policy/rules"))
    assert "Nothing happens by itself yet" in page
    for number, example in enumerate(EXAMPLES):
        form = html(client.get(f"/policy/rules/new?example={number}"))
        assert f'value="{example["name"]}"' in form
        assert rule_form.data(rule_form.of_data(example)) | {"zone": "UTC", "overwrite": False} == {
            **example,
            "zone": "UTC",
            "overwrite": False,
        }
        actions.save(example, by=None)
    assert Rule.objects.count() == 3


def test_a_rule_is_made_in_the_form_and_shown_as_a_sentence(rows: Rows, client: Client) -> None:
    assert "There is no team “Billing”" in html(client.post("/policy/rules/new", FORM), 422)
    set_up_team("Billing", [])
    assert client.post("/policy/rules/new", FORM).headers["Location"] == "/policy/rules"
    made = Rule.objects.get()
    assert made.on
    page = html(client.get("/policy/rules"))
    assert SAID in page
    assert "Made “Refunds” by Lena" in re.sub(r"\s+", " ", page)
    form = html(client.get(f"/policy/rules/{made.pk}"))
    assert 'name="if.1.1.value"' in form
    assert ">refund\nmoney back</textarea>" in form


def test_rows_come_and_go_without_scripts_and_nothing_typed_is_lost(rows: Rows, client: Client) -> None:
    grown = html(client.post("/policy/rules/new", {**FORM, "change": "add if.1"}))
    assert 'name="if.1.2.what"' in grown
    assert 'value="Refunds"' in grown
    assert ">refund\nmoney back</textarea>" in grown
    nested = html(client.post("/policy/rules/new", {**FORM, "change": "group if"}))
    assert 'name="if.2.1.what"' in nested
    less = html(client.post("/policy/rules/new", {**FORM, "change": "drop if.0"}))
    assert 'name="if.1.what"' not in less
    assert 'name="if.0.1.value"' in less
    assert 'name="then.2.do"' in html(client.post("/policy/rules/new", {**FORM, "change": "add then"}))
    assert 'name="then.1.do"' not in html(client.post("/policy/rules/new", {**FORM, "change": "drop then.0"}))
    for strange in (
        "drop if",
        "drop if.9.9",
        "add then.7",
        "drop then.44",
        "add if.0",
        "x",
        "group if.1.0.0.0",
        "drop if.-1",
    ):
        html(client.post("/policy/rules/new", {**FORM, "change": strange}))
    assert Rule.objects.count() == 0


def test_trying_shows_the_cases_before_saving(rows: Rows, client: Client) -> None:
    set_up_team("Billing", [])
    case, other = rows.case(), rows.case()
    rows.said(case, "I want a Refund", sentiment="negative")
    rows.said(other, "I want a refund", sentiment="positive")
    rows.said(other, "Hello", sentiment="negative")
    page = html(client.post("/policy/rules/new", {**FORM, "change": "try", "last": "10000"}))
    assert "It would have fired 1 time, on 1 case" in page
    assert f'href="/case/{case.pk}"' in page
    assert f'href="/case/{other.pk}"' not in page
    assert "Hand it to Billing: a change on 1 of the 1 cases" in page
    assert "load delay" not in page
    assert Rule.objects.count() == 0


def test_a_long_try_goes_on_where_it_stopped(rows: Rows, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_team("Billing", [])
    case = rows.case()
    for number in range(6):
        rows.said(case, f"refund {number}", sentiment="negative")
    monkeypatch.setattr("parlour.policy.rules.backtest.CHUNK", 2)
    monkeypatch.setattr("parlour.web.views.rules.SLICE_SECONDS", 0.0)
    page, change = html(client.post("/policy/rules/new", {**FORM, "change": "try", "last": "10000"})), 0
    while "load delay" in page:
        page = html(client.post("/policy/rules/new", {**FORM, "change": "more", "last": "10000"}))
        change += 1
    assert change >= 2
    assert "It would have fired 6 times, on 1 case" in page


def test_the_list_moves_switches_copies_removes_and_undoes(rows: Rows, client: Client) -> None:
    for example in EXAMPLES:
        actions.save(example, by=None)
    first, second, third = Rule.objects.all()

    def names() -> list[str]:
        return list(Rule.objects.values_list("name", flat=True))

    begun = names()
    client.post(f"/policy/rules/{third.pk}/do", {"do": "up"})
    assert names() == [begun[0], begun[2], begun[1]]
    page = html(client.get("/policy/rules"))
    assert re.findall(r"<h2><a [^>]*><bdi>(.*?)</bdi>", page) == [begun[0], begun[2], begun[1]]
    client.post(f"/policy/rules/{first.pk}/do", {"do": "off"})
    client.post(f"/policy/rules/{first.pk}/do", {"do": "copy"})
    assert names()[1] == f"{begun[0]} (copy)"
    client.post(f"/policy/rules/{second.pk}/do", {"do": "remove"})
    assert begun[1] not in names()
    client.post("/policy/rules/undo")
    assert (names()[-1], Rule.objects.get(name=begun[1]).pk) == (begun[1], second.pk)
    client.post("/policy/rules/undo")
    assert begun[1] not in names()
    assert client.post(f"/policy/rules/{first.pk}/do", {"do": "eat"}).status_code == 400
    assert client.post("/policy/rules/99999/do", {"do": "up"}).status_code == 404
    assert '<span class="tag">off</span>' in html(client.get("/policy/rules"))


def test_rules_go_out_and_come_in_as_a_file(rows: Rows, client: Client) -> None:
    for example in EXAMPLES:
        actions.save(example, by=None)
    told = client.get("/policy/rules/export")
    document = orjson.loads(told.content)
    assert client.post("/policy/rules/import", {"document": told.content.decode(), "replace": "1"}).status_code == 302
    assert orjson.loads(client.get("/policy/rules/export").content) == document
    document["rules"][1]["then"] = [{"do": "dance"}]
    page = html(client.post("/policy/rules/import", {"document": orjson.dumps(document).decode()}), 422)
    assert "Nothing was imported. Rule 2: There is no action" in page
    assert "not JSON" in html(client.post("/policy/rules/import", {"document": "{"}), 422)
    assert Rule.objects.count() == 3


def test_two_leads_do_not_write_over_each_other(rows: Rows, client: Client) -> None:
    set_up_team("Billing", [])
    client.post("/policy/rules/new", FORM)
    made = Rule.objects.get()
    client.post(f"/policy/rules/{made.pk}", {**FORM, "name": "Mine", "revision": "1"})
    page = html(client.post(f"/policy/rules/{made.pk}", {**FORM, "name": "Yours", "revision": "1"}), 422)
    assert "Somebody has changed this rule" in page
    assert 'value="Yours"' in page
    made.refresh_from_db()
    assert made.name == "Mine"


def test_agents_see_none_of_it(rows: Rows, client: Client) -> None:
    made = actions.save(EXAMPLES[0], by=None)
    client.force_login(rows.agent("Agent"))
    for path in ("", "/new", "/export", f"/{made.pk}"):
        assert client.get(f"/policy/rules{path}").status_code == 403
    for path in ("/new", "/undo", "/import", f"/{made.pk}/do"):
        assert client.post(f"/policy/rules{path}", {"do": "remove"}).status_code == 403
    assert Rule.objects.count() == 1


def test_what_was_typed_for_another_condition_does_not_stay(rows: Rows, client: Client) -> None:
    changed = FORM | {
        "if.0.what": "message.sentiment",
        "if.0.was": "message.text",
        "then.0.do": "level",
        "then.0.was": "team",
        "change": "see",
    }
    shown = html(client.post("/policy/rules/new", changed))
    assert "(gone)" not in shown
    assert "money back" not in shown.split('name="if.0.value"', 1)[1].split("</fieldset>")[0]
    # What means the same for both stays.
    same = FORM | {"if.1.0.what": "message.sentiment", "if.1.0.was": "message.sentiment", "change": "see"}
    assert 'value="negative" checked' in html(client.post("/policy/rules/new", same))
