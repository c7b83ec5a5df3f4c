"""Rules by the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parlour.api.tests.conftest import Asker, Rows
from parlour.policy.rules.examples import EXAMPLES
from parlour.policy.rules.models import Rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(ask_as: Callable[[str], Asker]) -> Asker:
    return ask_as("lead")


def test_rules_are_made_changed_moved_removed_and_brought_back(lead: Asker) -> None:
    made = [lead("POST", "/rules", {"rule": one}, status=201) for one in EXAMPLES]
    assert made[0]["sentence"].startswith("When a message comes in and the tone is negative and it mentions “refund”")
    assert made[0]["rule"] == EXAMPLES[0]
    last = made[2]["id"]
    lead("PUT", f"/rules/{last}", {"rule": {**EXAMPLES[2], "on": False}, "revision": 1, "move": -9})
    lead("PUT", f"/rules/{last}", {"rule": EXAMPLES[2], "revision": 1}, status=409)
    listed = lead.get("/rules")["items"]
    assert [(one["id"], one["on"]) for one in listed] == [(last, False), (made[0]["id"], True), (made[1]["id"], True)]
    gone = lead.client.delete(f"/api/v1/rules/{last}", headers={"Authorization": f"Bearer {lead.token}"})
    assert gone.status_code == 204
    lead.get(f"/rules/{last}", status=404)
    assert lead("POST", "/rules/undo")["undone"] == "Removed “Insults in public”"
    assert lead.get(f"/rules/{last}")["name"] == "Insults in public"


def test_export_and_import_are_one_shape(lead: Asker) -> None:
    for one in EXAMPLES:
        lead("POST", "/rules", {"rule": one}, status=201)
    document = lead.get("/rules/export")
    assert document == {"parlour_rules": 1, "rules": list(EXAMPLES)}
    assert len(lead("POST", "/rules/import", {"document": document})["items"]) == 6
    assert len(lead("POST", "/rules/import", {"document": document, "replace": True})["items"]) == 3
    document["rules"][1]["if"]["any"][0]["what"] = "moon.phase"
    told = lead("POST", "/rules/import", {"document": document}, status=422)
    assert told["detail"].startswith("Rule 2: Nothing is known about 'moon.phase'")
    assert Rule.objects.count() == 3


def test_a_rule_is_tried_without_changing_anything(lead: Asker, rows: Rows) -> None:
    case = rows.case()
    message = rows.said(case, "My money back, please", sentiment="negative")
    rows.said(rows.case(), "My money back, please", sentiment="positive")
    tried = lead("POST", "/rules/try", {"rule": EXAMPLES[0], "last": 1000})
    assert (tried["looked"], tried["matched"], tried["cases"], tried["whole"]) == (2, 1, 1, True)
    assert tried["examples"] == [{"case_id": case.pk, "message_id": message.pk}]
    assert {one["what"]: one["cases"] for one in tried["changes"]} == {"category": 1, "level": 1, "add_tags": None}
    case.refresh_from_db()
    assert (case.level, Rule.objects.count()) == (None, 0)


def test_only_leads_may(ask: Asker) -> None:
    ask.get("/rules", status=403)
    ask.get("/rules/export", status=403)
    ask("POST", "/rules", {"rule": EXAMPLES[0]}, status=403)
    ask("POST", "/rules/try", {"rule": EXAMPLES[0]}, status=403)
    ask("POST", "/rules/undo", status=403)
