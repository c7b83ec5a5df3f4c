"""A brand's own tree in routing: a team that takes a category takes what stands below it, and says so."""

from __future__ import annotations

import pytest

from parlour.cases.access import Invalid
from parlour.cases.tests.rows import START, Rows
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.routing import changes, queries, words
from parlour.staff.models import Agent, Presence, Role, Team
from parlour.understanding import categories

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


def look() -> None:
    with clock.frozen(START):
        policy.look()


def test_a_team_takes_what_stands_below_its_category(rows: Rows) -> None:
    categories.add_category(rows.brand.pk, "Battery", parent="technical", by=None)
    categories.add_category(rows.brand.pk, "Swollen", parent="battery", by=None)
    everyone, repairs = (
        Team.objects.create(name="Everyone"),
        Team.objects.create(name="Repairs", categories=["technical"]),
    )
    noor = rows.agent("Noor", presence=Presence.ONLINE)
    noor.teams.add(everyone, repairs)
    deep, own = (
        rows.case(category=slug, waiting_since=START, visibility="private", look_at=START)
        for slug in ("swollen", "technical")
    )
    look()
    deep.refresh_from_db()
    own.refresh_from_db()
    assert (deep.team, own.team) == (repairs, repairs)
    assert deep.routing_reason.startswith("Repairs takes Swollen (Swollen belongs to Technical); Noor was")
    assert own.routing_reason.startswith("Repairs takes Technical; Noor was")
    # Its own name, as the brand writes it; and what stands elsewhere is no longer taken.
    categories.rename_category(rows.brand.pk, "technical", "Repairs & parts", by=None)
    categories.move_category(rows.brand.pk, "battery", parent=None, by=None)
    moved, named = (
        rows.case(category=slug, waiting_since=START, visibility="private", look_at=START)
        for slug in ("swollen", "technical")
    )
    look()
    moved.refresh_from_db()
    named.refresh_from_db()
    assert (moved.team, named.team) == (everyone, repairs)
    assert named.routing_reason.startswith("Repairs takes Repairs & parts; ")


def test_skills_are_asked_by_the_name_people_use(rows: Rows) -> None:
    lead = rows.agent("Lea", role=Role.LEAD)
    categories.add_category(rows.brand.pk, "Battery", parent="technical", by=None)
    assert isinstance(lead, Agent)
    changes.save_settings({"needs": [("battery", "cells", 2), ("Delivery", "parcels", 1)]}, by=lead)
    assert [need.category for need in queries.rules().needs] == ["battery", "delivery"]
    with pytest.raises(Invalid, match="No brand has a category “Pony”"):
        changes.save_settings({"needs": [("Pony", "cells", 2)]}, by=lead)


def test_a_team_is_told_with_the_names_of_categories(rows: Rows) -> None:
    categories.add_category(rows.brand.pk, "Battery", parent="technical", by=None)
    team = Team(name="Repairs", categories=["battery", "gone-since"])
    told = words.sentence(team, {}, {}, queries.category_choices(archived=True))
    assert told.startswith("Takes cases about Battery or Gone since.")
