"""A correction on the road: what an agent sets right changes what the next similar message becomes, at once."""

from __future__ import annotations

import pytest

from parlour.cases import actions, corrections
from parlour.cases.models import Case
from parlour.channels.models import Brand, Inbox
from parlour.traffic.tests.road import T0, Road, message, minutes, private, said
from parlour.understanding import actions as understanding
from parlour.understanding.models import Correction

pytestmark = pytest.mark.django_db

FIRST = "The zorblatt on my gadget is flickering again"
NEXT = "the ZORBLATT on my gadget is flickering, again!"


def test_the_next_similar_message_of_the_brand_is_what_a_correction_says(road: Road) -> None:
    noor = road.agent()
    road.take("messenger", private("m1", FIRST))
    before = message("m1")
    assert before.case_id is not None
    wanted = next(slug for slug in ("billing", "account") if slug != before.category)
    actions.set_category(before.case_id, wanted, by=noor)
    actions.set_sentiment(before.pk, "positive" if before.sentiment != "positive" else "negative", by=noor)
    road.take("messenger", private("m2", NEXT, T0 + minutes(1)))
    after = message("m2")
    assert after.category == wanted
    assert after.sentiment == message("m1").sentiment != before.sentiment
    correction = Correction.objects.get(field="category")
    assert after.confidence["because"]["category"] == correction.pk
    assert (correction.text, correction.by, correction.brand_id) == (
        FIRST,
        f"agent:{noor.pk}",
        Case.objects.get().brand_id,
    )

    corrections.undo(correction.pk, by=noor)
    assert message("m1").category == before.category
    road.take("messenger", private("m3", NEXT, T0 + minutes(2)))
    assert message("m3").category == before.category
    assert "category" not in message("m3").confidence["because"]


def test_what_one_brand_was_taught_means_nothing_to_another(road: Road) -> None:
    noor = road.agent()
    road.take("messenger", private("m1", FIRST))
    was = message("m1").intent
    corrections.correct(message("m1").pk, "intent", "cancellation", by=noor)
    assert Case.objects.get().intent == "cancellation"
    other = Brand.objects.create(name="Another one")
    Inbox.objects.filter(pk=road.inbox("api").pk).update(brand=other)
    road.take("messenger", private("m2", NEXT, T0 + minutes(1)))
    road.take("api", said("s1", NEXT))
    assert message("m2").intent == "cancellation"
    assert message("s1").intent == was != "cancellation"


def test_a_sentence_typed_for_a_new_category_brings_the_next_message_there(road: Road) -> None:
    road.take("messenger", private("m1", "Hello"))
    brand = Case.objects.get().brand_id
    made = understanding.add_category(brand, "Zorblatts", parent="technical", examples=FIRST, by=None)
    road.take("api", said("s1", NEXT))
    assert message("s1").category == made.slug == "zorblatts"
    assert Case.objects.filter(category="zorblatts").count() == 1
    understanding.archive_category(brand, "zorblatts", by=None)
    road.take("api", said("s2", NEXT, T0 + minutes(1), person="cust-8"))
    assert message("s2").category != "zorblatts"
    assert Case.objects.filter(category="zorblatts").count() == 1
