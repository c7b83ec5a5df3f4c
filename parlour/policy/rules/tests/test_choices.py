"""Which categories a rule may name: those of the brands it is for."""

from __future__ import annotations

from typing import Any

import pytest

from parlour.cases.access import Invalid
from parlour.cases.tests.rows import Rows
from parlour.channels.models import Brand
from parlour.lib import clock
from parlour.policy.rules import actions, choices
from parlour.policy.rules.book import book
from parlour.policy.rules.carrying import Carrying, Desk
from parlour.policy.rules.facts import Row
from parlour.policy.rules.language import read
from parlour.policy.rules.sentences import sentence
from parlour.understanding import categories

pytestmark = pytest.mark.django_db
SET = [{"do": "category", "value": "battery"}]
FOR_VOLT = {"what": "brand", "is": "is", "value": ["Volt"]}
ABOUT = {"what": "case.category", "is": "is", "value": ["battery"]}


@pytest.fixture
def volt() -> Brand:
    """A brand with a category of its own, beside one with the shipped tree."""
    Brand.objects.create(name="Aerolane")
    volt = Brand.objects.create(name="Volt")
    categories.add_category(volt.pk, "Battery", parent="technical", by=None)
    categories.rename_category(volt.pk, "technical", "Repairs", by=None)
    return volt


def rule(condition: list[Any], then: list[Any]) -> dict[str, Any]:
    return {"name": "R", "on": True, "when": {"event": "message"}, "if": {"all": condition}, "then": then}


def refusal(condition: list[Any], then: list[Any] | None = None) -> str:
    try:
        choices.check(read(rule(condition, then or [{"do": "noise"}])))
    except Invalid as error:
        return str(error)
    return ""


def test_a_rule_names_categories_of_the_brands_it_is_for(volt: Brand) -> None:
    assert refusal([FOR_VOLT, ABOUT], SET) == ""
    # It may hold for one of the brands, and sets what must be there in all of them.
    assert refusal([ABOUT]) == ""
    told = refusal([], SET)
    assert told == "Aerolane has no category “battery”. Say for which brands the rule is, or add it there."
    other = {"what": "brand", "is": "not", "value": ["Volt"]}
    assert refusal([other, ABOUT]) == "Aerolane has no category “battery”."
    inbox = {"what": "inbox", "is": "is", "value": ["Aerolane / x / Nobody's"]}
    assert refusal([inbox, ABOUT]) == "Aerolane has no category “battery”."
    assert refusal([{**ABOUT, "value": ["pony"]}]) == "No brand of this desk has a category “pony”."


def test_an_archived_category_is_refused_by_name_and_can_still_be_read(volt: Brand) -> None:
    categories.archive_category(volt.pk, "battery", by=None)
    told = "Volt has archived the category “Battery”: it is given to no message any more."
    assert refusal([FOR_VOLT, ABOUT]) == told
    assert refusal([FOR_VOLT], SET) == told
    assert "set the category to Battery" in sentence(read(rule([FOR_VOLT, ABOUT], SET)), choices.lists())


def test_a_category_that_was_archived_since_is_set_by_no_rule(volt: Brand) -> None:
    actions.save(rule([FOR_VOLT], SET), by=None)
    case = Rows(volt.name).case()
    categories.archive_category(volt.pk, "battery", by=None)
    carrying = Carrying(Desk([case.pk]), clock.now())
    carrying.fire(book().rules[0], Row(case, None, clock.now(), "m1"))
    assert case.category == "other"
    assert carrying.events[-1].data["left"] == ["set the category to Battery (Volt has no such category)"]


def test_what_brands_call_otherwise_has_all_its_names(volt: Brand) -> None:
    found = choices.lists(["categories"])["categories"]
    assert (found["technical"], found["battery"]) == ("Technical / Repairs", "Battery")
