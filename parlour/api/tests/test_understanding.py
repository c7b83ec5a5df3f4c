"""Categories and corrections through the API."""

from __future__ import annotations

import json

import pytest

from parlour.api.tests.conftest import Asker
from parlour.cases.models import Message
from parlour.cases.tests.rows import Rows
from parlour.channels.models import Brand
from parlour.staff.actions import add_token
from parlour.staff.models import Role
from parlour.understanding.models import Correction

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


def asker(role: str) -> Asker:
    return Asker(add_token(f"a {role}", role))


def test_a_lead_s_token_builds_the_tree(rows: Rows) -> None:
    lead, brand = asker(Role.LEAD), rows.brand.pk
    address = f"/brands/{brand}/categories"
    assert [one["slug"] for one in lead.get(address)["items"]][:2] == ["product", "website"]
    made = lead("POST", address, {"name": "Returns", "parent": "product", "examples": ["send it back"]}, status=201)
    assert made == {
        "slug": "returns",
        "name": "Returns",
        "parent": "product",
        "archived": False,
        "stands_for": "returns",
        "examples": ["send it back"],
    }
    assert lead("PATCH", f"{address}/returns", {"name": "Sent back"})["name"] == "Sent back"
    assert lead("PATCH", f"{address}/returns", {"parent": None})["parent"] is None
    case = rows.case(category="returns")
    merged = lead("PATCH", f"{address}/returns", {"merge_into": "delivery"})
    assert (merged["archived"], merged["stands_for"]) == (True, "delivery")
    case.refresh_from_db()
    assert case.category == "delivery"
    lead("PATCH", f"{address}/nothing", {"name": "x"}, status=404)
    lead("PATCH", f"{address}/other", {"archived": True}, status=422)
    lead("PATCH", f"{address}/billing", {"archived": True, "name": "x"}, status=422)
    lead.get("/brands/99999/categories", status=404)
    agent = asker(Role.AGENT)
    agent.get(address)
    agent("POST", address, {"name": "Mine"}, status=403)
    agent("PATCH", f"{address}/billing", {"name": "Mine"}, status=403)
    assert Brand.objects.count() == 1


def test_corrections_come_in_and_out_and_are_taken_back(rows: Rows) -> None:
    lead, agent = asker(Role.LEAD), asker(Role.AGENT)
    message = rows.said(rows.case(), "It broke again", sentiment="neutral")
    address = f"/messages/{message.pk}/corrections"
    kept = agent("POST", address, {"field": "sentiment", "value": "negative"}, status=201)
    assert (kept["was"], kept["now"], kept["text"]) == ("neutral", "negative", "It broke again")
    assert kept["by"].startswith("token:")
    again = agent("POST", address, {"field": "sentiment", "value": "negative"}, status=201)
    assert again["was"] == again["now"]
    agent("POST", address, {"field": "sentiment", "value": "meh"}, status=422)
    agent("POST", address, {"field": "mood", "value": "meh"}, status=422)
    page = lead.get("/corrections", limit=1)
    assert [one["id"] for one in page["items"]] == [again["id"]]
    rest = lead.get("/corrections", limit=1, cursor=page["next"], field="sentiment", brand=rows.brand.pk)
    assert [one["id"] for one in rest["items"]] == [kept["id"]]
    assert rest["next"] is None
    assert lead.get("/corrections", brand=rows.brand.pk + 1)["items"] == []
    agent.get("/corrections", status=403)
    exported = lead.client.get("/api/v1/corrections/export", headers={"Authorization": f"Bearer {lead.token}"})
    lines = [json.loads(line) for line in exported.getvalue().splitlines()]
    assert [one["id"] for one in lines] == [again["id"], kept["id"]]
    assert agent("DELETE", f"/corrections/{kept['id']}")["undone_at"] is not None
    assert Message.objects.get(pk=message.pk).sentiment == "neutral"
    assert Correction.objects.filter(undone_at=None).count() == 1
    agent("DELETE", "/corrections/99999", status=404)
