"""Who is proven to be one person, and what accounts note about their owners."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.customers.actions import Claim, note_facts, pass_on, prove
from parlour.customers.models import Customer, Fact, Identity, Proof
from parlour.lib import clock

pytestmark = pytest.mark.django_db


def somebody(external_id: str, customer: Customer | None = None, realm: str = "forum") -> Identity:
    customer = customer or Customer.objects.create(name=external_id)
    return Identity.objects.create(realm=realm, external_id=external_id, customer=customer)


def claim(identity: Identity, own_id: str, brand: int = 1) -> Claim:
    return Claim(identity, brand, own_id, "Forum")


def test_two_with_one_number_are_one_whoever_comes_first() -> None:
    ana, guest = somebody("1"), somebody("ana", realm="chat")
    assert prove([claim(ana, "c-1")]) == []
    assert prove([claim(ana, "c-1")]) == []
    (same,) = prove([claim(guest, "c-1")])
    assert (same.into, same.other) == (ana.customer_id, guest.customer_id)
    assert Proof.objects.count() == 2


def test_a_number_is_one_brand_s() -> None:
    prove([claim(somebody("1"), "c-1", brand=1)])
    assert prove([claim(somebody("2"), "c-1", brand=2)]) == []


def test_who_is_known_by_another_number_is_joined_with_nobody() -> None:
    ana, rui = somebody("1"), somebody("2")
    prove([claim(ana, "c-1"), claim(rui, "c-2")])
    assert prove([claim(rui, "c-1")]) == []
    # Nor is another account of theirs, or somebody with both numbers.
    assert prove([claim(somebody("3", rui.customer), "c-1")]) == []
    both = somebody("4")
    Proof.objects.create(identity=both, brand_id=1, own_id="c-3", proven_at=clock.now())
    Proof.objects.create(identity=somebody("5", both.customer), brand_id=1, own_id="c-4", proven_at=clock.now())
    assert prove([claim(somebody("6"), "c-3")]) == []


def test_several_accounts_of_one_customer_join_once() -> None:
    ana = somebody("1")
    prove([claim(ana, "c-1")])
    rui = somebody("2")
    found = prove([claim(rui, "c-1"), claim(somebody("3", rui.customer), "c-1")])
    assert [(one.into, one.other) for one in found] == [(ana.customer_id, rui.customer_id)]


def test_what_makes_no_number_proves_nothing() -> None:
    assert prove([claim(somebody("1"), ""), claim(somebody("2"), "x" * 201)]) == []
    assert not Proof.objects.exists()


def test_facts_are_what_was_told_last() -> None:
    ana, at = somebody("1"), clock.now()
    note_facts(ana, {"Plan": "Luma Go", "Town": "Porto", " ": "x", "Empty": ""}, at)
    assert list(ana.facts.values_list("name", "value")) == [("Plan", "Luma Go"), ("Town", "Porto")]
    note_facts(ana, {"Plan": "Luma\nMax " + "x" * 900}, at + timedelta(days=1))
    (plan,) = Fact.objects.all()
    assert plan.value.startswith("Luma Max x")
    assert len(plan.value) <= 500
    assert plan.told_at == at + timedelta(days=1)
    note_facts(ana, {f"Field {number}": "x" for number in range(100)}, at)
    assert ana.facts.count() == 40


def test_an_id_that_is_somebody_else_s_now_takes_nothing_along() -> None:
    ana, heir = somebody("+1"), somebody("bsuid")
    prove([claim(ana, "c-1")])
    note_facts(ana, {"Plan": "Luma Go"}, clock.now())
    pass_on([ana], heir)
    assert not Proof.objects.exists()
    assert not Fact.objects.exists()
