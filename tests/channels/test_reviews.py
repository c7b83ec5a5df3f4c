"""Reviews of the three stores against their stand-in: polled, answered, changed, replaced and gone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from parlour.cases import actions as cases
from parlour.cases.access import Invalid
from parlour.cases.models import Case, DeliveryState, Message
from parlour.channels.models import Inbox
from parlour.playground.faults import Fault
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]
STORES = ("play", "appstore", "business")
every_store = pytest.mark.parametrize("store", STORES)


def open_shop(town: Town, store: str) -> Any:
    place: Any = town.place("reviews")
    place.store = store
    town.connect("reviews", **place.settings_of(store, f"{town.stand.base}/api/reviews"))
    town.drive()
    return place


def said() -> list[tuple[str, str, bool]]:
    rows = Message.objects.order_by("sent_at", "id")
    return [(one.direction, one.text, one.deleted_at is not None) for one in rows]


def sweep(town: Town) -> None:
    """As if hours had gone by: everything is looked at again."""
    inbox = Inbox.objects.get(pk=town.inboxes["reviews"].pk)
    Inbox.objects.filter(pk=inbox.pk).update(cursor={**inbox.cursor, "swept": 0})
    town.drive()


@every_store
def test_a_review_is_answered_and_the_answer_replaced(town: Town, store: str) -> None:
    place = open_shop(town, store)
    review = place.say(place.person("Ana"), "★★☆☆☆ It is slow.")
    town.drive()
    message = Message.objects.get()
    assert (message.text, message.meta["rating"], message.external_id) == ("★★☆☆☆ It is slow.", 2, review)
    assert message.visibility == "public"
    case = Case.objects.get()
    first = town.answer(case, "Sorry! Which phone?", "public")
    assert place.entries[store][review].answer.text == "Sorry! Which phone?"
    town.drive()
    second = town.answer(case, "Sorry! 4.1.3 helps.", "public")
    assert town.delivery(first).state == town.delivery(second).state == DeliveryState.SENT
    for _ in range(3):
        town.drive()
    assert said() == [
        ("in", "★★☆☆☆ It is slow.", False),
        ("out", "Sorry! Which phone?", True),
        ("out", "Sorry! 4.1.3 helps.", False),
    ]
    assert first.external_id != second.external_id
    third = town.answer(case, "Sorry! Which phone?", "public")
    town.drive()
    assert (town.delivery(third).state, Message.objects.count()) == (DeliveryState.SENT, 4)


@every_store
def test_a_changed_review_is_an_edit(town: Town, store: str) -> None:
    place = open_shop(town, store)
    review = place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    town.answer(Case.objects.get(), "Sorry.", "public")
    for text in ("★★★★☆ Better.", "★☆☆☆☆ Bad.", "★★★★★ Bad."):
        place.edit(review, text)
        town.drive()
        town.drive()
        assert Message.objects.get(direction="in").text == text
    assert Message.objects.count() == 2
    assert Message.objects.get(direction="in").versions.count() == 3


@every_store
def test_a_deleted_review_is_noticed_and_cannot_be_answered(town: Town, store: str) -> None:
    place = open_shop(town, store)
    review = place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    kept = place.say(place.person("Ben"), "★★☆☆☆ So so.")
    town.drive()
    place.remove(review)
    refused = town.delivery(town.answer(Case.objects.get(customer__name="Ana"), "Sorry.", "public"))
    assert (refused.state, refused.error_kind) == (DeliveryState.FAILED, "target_deleted")
    sweep(town)
    gone = Message.objects.filter(direction="in", deleted_at__isnull=False)
    assert [one.external_id for one in gone] == [review]
    assert Message.objects.get(external_id=kept).deleted_at is None


@every_store
def test_an_answer_from_elsewhere_counts_and_may_be_taken_back(town: Town, store: str) -> None:
    place = open_shop(town, store)
    review = place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    town.call(lambda: place._answered(place.entries[store][review], "Written in the console."))
    town.drive()
    case = Case.objects.get()
    assert case.waiting_since is None
    assert said()[1] == ("out", "Written in the console.", False)
    if store != "play":
        town.call(lambda: place._withdrawn(place.entries[store][review]))
        town.drive()
        assert said()[1] == ("out", "Written in the console.", True)


@pytest.mark.parametrize("store", ["appstore", "business"])
def test_our_answer_is_taken_back(town: Town, store: str) -> None:
    place = open_shop(town, store)
    review = place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    ours = town.answer(Case.objects.get(), "Oops.", "public")
    town.drive()
    cases.act(ours.pk, "delete", by=town.agent())
    town.send()
    assert place.entries[store][review].answer is None
    town.drive()
    assert said()[1] == ("out", "Oops.", True)


@pytest.mark.parametrize(
    ("store", "fits", "over"),
    [("play", "x" * 350, "x" * 351), ("appstore", "x" * 5970, "x" * 5971), ("business", "é" * 2048, "é" * 2049)],
    ids=STORES,
)
def test_each_store_has_its_own_length(town: Town, store: str, fits: str, over: str) -> None:
    place = open_shop(town, store)
    place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    with pytest.raises(Invalid, match="at most"):
        town.answer(Case.objects.get(), over, "public")
    assert town.delivery(town.answer(Case.objects.get(), fits, "public")).state == DeliveryState.SENT


@every_store
def test_a_month_of_reviews_and_an_hour_without_the_desk(town: Town, store: str) -> None:
    place = open_shop(town, store)
    count = 230
    for number in range(count):
        place.say(place.person(f"Reviewer {number}"), f"★★★☆☆ Number {number}")
    place.faults.add(Fault(status=503, method="GET", path="eviews"), 2)
    for _ in range(4):
        town.drive()
    assert Message.objects.count() == count
    assert len(set(Message.objects.values_list("external_id", flat=True))) == count
    assert Inbox.objects.get().health == Inbox.Health.OK


@every_store
def test_what_was_dealt_with_before_is_left_alone(town: Town, store: str) -> None:
    place: Any = town.place("reviews")
    place.store = store
    old = place.say(place.person("Ana"), "★☆☆☆☆ Answered long ago.")
    ancient = place.say(place.person("Ben"), "★☆☆☆☆ From another time.")
    place.say(place.person("Cem"), "★★☆☆☆ Still waiting.")
    place._answered(place.entries[store][old], "We know.")
    for name in ("at", "changed"):
        setattr(place.entries[store][ancient], name, place.clock.now() - timedelta(days=60))
    open_shop(town, store)
    assert [text for _, text, _ in said()] == ["★★☆☆☆ Still waiting."]
    place.edit(old, "★☆☆☆☆ It is back again!")
    town.drive()
    assert "★☆☆☆☆ It is back again!" in [text for _, text, _ in said()]


@every_store
def test_limits_and_refused_tokens(town: Town, store: str) -> None:
    place = open_shop(town, store)
    place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    place.forget_tokens()
    place.faults.add(Fault(status=429, method="POST" if store != "business" else "PUT", path=store))
    waiting = town.delivery(ours := town.answer(Case.objects.get(), "Sorry.", "public"))
    assert (waiting.state, waiting.error_kind) == (DeliveryState.QUEUED, "rate_limited")
    assert waiting.due_at - waiting.message.stored_at > timedelta(seconds=25)
    type(waiting).objects.filter(pk=waiting.pk).update(due_at=waiting.message.stored_at)
    town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert len(place.sent) == 1


@every_store
def test_a_lost_answer_is_given_again_and_there_is_one(town: Town, store: str) -> None:
    place = open_shop(town, store)
    review = place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    place.faults.add(Fault(how="drop_after", method="POST" if store != "business" else "PUT", path=store))
    ours = town.answer(Case.objects.get(), "Sorry.", "public")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    town.drive()  # the store shows it before it is tried again
    assert town.delivery(ours).state == DeliveryState.SENT
    town.send()
    assert len(place.sent) == 1
    assert place.entries[store][review].answer is not None
    assert Message.objects.count() == 2


def test_an_answer_published_later_is_still_the_same(town: Town) -> None:
    place = open_shop(town, "appstore")
    place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    town.answer(Case.objects.get(), "Sorry.", "public")
    town.drive()
    place.lag = timedelta(hours=20)
    place.publish()
    town.drive()
    sweep(town)
    assert said() == [("in", "★☆☆☆☆ Bad.", False), ("out", "Sorry.", False)]


def test_an_answer_google_holds_back_has_failed(town: Town) -> None:
    place = open_shop(town, "business")
    place.say(place.person("Ana"), "★☆☆☆☆ Bad.")
    town.drive()
    ours = town.answer(Case.objects.get(), "Buy now, it is cheap!", "public")
    town.drive()
    delivery = town.delivery(ours)
    assert delivery.state == DeliveryState.FAILED
    assert "does not show this answer" in delivery.error_words


@every_store
def test_wrong_credentials_ask_for_attention(town: Town, store: str) -> None:
    place: Any = town.place("reviews")
    told = place.settings_of(store, f"{town.stand.base}/api/reviews")
    stranger = {**json.loads(told.get("service_account", "{}")), "client_email": "stranger@elsewhere.example"}
    wrong = {**told, "key_id": "OTHER", "refresh_token": "spent", "service_account": json.dumps(stranger)}
    inbox = town.connect("reviews", **wrong)
    town.drive()
    assert Inbox.objects.get(pk=inbox.pk).health == Inbox.Health.ATTENTION


@every_store
def test_hostile_reviews_stay_text(town: Town, store: str) -> None:
    place = open_shop(town, store)
    evil = "<script>alert(1)</script>\u202egnp.exe"
    review = place.say(place.person(evil), f"★☆☆☆☆ {evil}")
    odd = place.say(place.person("Odd"), "★☆☆☆☆ odd")
    town.drive()
    place.entries[store][odd].rating = 0 if store != "business" else 3
    message = Message.objects.get(external_id=review)
    assert message.text == f"★☆☆☆☆ {evil}"
    assert message.identity is not None
    assert "\u202e" not in message.identity.name
    place.entries[store][odd].text = 5
    if store == "appstore":
        return
    town.drive()
    assert Arrival.objects.filter(state=ArrivalState.PARKED).count() == 1
    assert Message.objects.count() == 2


@every_store
def test_repeated_and_reordered_lists_change_nothing(town: Town, store: str) -> None:
    """What changes moves to the top of a store's list, and each look finds everything again."""
    place = open_shop(town, store)
    reviews = [place.say(place.person(f"Reviewer {number}"), f"★★☆☆☆ Number {number}") for number in range(5)]
    town.drive()
    for number in (0, 3):
        place.clock.ahead += timedelta(seconds=5)
        place.edit(reviews[number], f"★★★☆☆ Number {number}, changed")
        sweep(town)
        sweep(town)
    texts = sorted(Message.objects.values_list("text", flat=True))
    changed = {0: "★★★☆☆ Number 0, changed", 3: "★★★☆☆ Number 3, changed"}
    assert texts == sorted(changed.get(number, f"★★☆☆☆ Number {number}") for number in range(5))
    assert Case.objects.count() == 5
