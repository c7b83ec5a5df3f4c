"""What the pretend brand has decided."""

from __future__ import annotations

import pytest

from parlour.channels.models import Brand
from parlour.playground import policy
from parlour.playground.wires import BRAND
from parlour.policy.moderation.models import Measures, WordList
from parlour.policy.rules.models import Rule
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Team
from parlour.understanding import categories


@pytest.mark.django_db
def test_the_pages_of_policy_have_something_to_show() -> None:
    brand = Brand.objects.create(name=BRAND)
    staff.add_agent("jonas@parlour.local", "Jonas Weber")
    policy.set_up()
    assert categories.tree(brand.pk).name("returns") == "Returns"
    assert WordList.objects.get().words.splitlines()[0] == "casino*"
    assert Measures.objects.get(brand=brand).templates == ["AA-99999"]
    assert Rule.objects.count() == 2
    assert Team.objects.get(name="Fans").purposes == ["delight"]
    assert Agent.objects.get().languages == ["en", "de"]
