"""Bluesky against its stand-in, in and out, through the real road."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.models import Inbox
from parlour.playground.faults import Fault, FixedWindow
from parlour.playground.places.bluesky import Bluesky
from parlour.traffic.door import rows_of
from parlour.traffic.models import Arrival, ArrivalState
from parlour.traffic.store import insert
from tests.town import Town

pytestmark = pytest.mark.whole


@pytest.fixture
def place(town: Town) -> Bluesky:
    town.connect("bluesky")
    found = town.place("bluesky")
    assert isinstance(found, Bluesky)
    return found


def texts(**filters: object) -> list[str]:
    return list(Message.objects.filter(**filters).order_by("sent_at", "id").values_list("text", flat=True))


def test_in_public_and_out(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana Prado")
    first = place.say(ana, "@luma.example my parcel is late")
    town.drive()
    case = Case.objects.get()
    assert case.customer.name == "Ana Prado"
    ours = town.answer(case, "On its way, see https://luma.example/7", "public")
    sent = place.posts[ours.external_id or ""]
    assert sent.record["reply"]["parent"]["uri"] == first
    assert sent.record["facets"][0]["features"][0]["uri"] == "https://luma.example/7"
    place.say(ana, "thank you", answers=sent.uri)
    town.drive()
    town.drive()
    assert Message.objects.count() == 3
    assert Message.objects.values("thread").distinct().count() == 1
    assert Case.objects.count() == 1
    assert place.sign_ins == 1


def test_chats_both_ways(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana")
    place.say(ana, "hello?", private=True)
    town.drive()
    assert Case.objects.get().customer.name == "Ana"
    town.answer(Case.objects.get(), "Hi!")
    gone = place.say(ana, "my code is 7", private=True)
    town.drive()
    assert texts() == ["hello?", "Hi!", "my code is 7"]
    assert Message.objects.values("thread").distinct().count() == 1
    place.remove(gone)
    place.heart(ana, Message.objects.get(text="Hi!").external_id or "")
    town.drive()
    assert Message.objects.get(external_id=gone).deleted_at is not None
    assert list(Message.objects.get(text="Hi!").meta["reactions"].values()) == ["💙"]
    assert Message.objects.count() == 3


def test_a_private_answer_to_public_words(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana")
    place.say(ana, "@luma.example where is it?")
    town.drive()
    town.answer(Case.objects.get(), "Your number, please.", "private")
    place.say(ana, "77", private=True)
    town.drive()
    assert Case.objects.count() == 1
    assert texts(visibility="private") == ["Your number, please.", "77"]
    assert Message.objects.filter(visibility="private").values("thread").distinct().count() == 1


def test_who_takes_no_messages_cannot_be_reached(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana")
    place.by_did[ana].incoming = "none"
    first = place.say(ana, "@luma.example where is it?")
    town.drive()
    ours = town.answer(Case.objects.get(), "Your number, please.", "private")
    assert town.delivery(ours).state == DeliveryState.FAILED
    assert "disabled incoming messages" in town.delivery(ours).error_words
    place.remove(first)
    late = town.answer(Case.objects.get(), "Too late.", "public")
    assert town.delivery(late).state == DeliveryState.FAILED


def test_words_written_elsewhere_likes_and_deletions(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana")
    first = place.say(ana, "@luma.example hi")
    ours = place.write_as_brand("Hello!", answers=first)
    place.write_as_brand("Good morning, everybody.")
    town.drive()
    assert texts(direction="out") == ["Hello!"]
    assert Case.objects.get().waiting_since is None
    place.like(ana, ours)
    place.remove(first)
    town.drive()
    assert list(Message.objects.get(external_id=ours).meta["reactions"].values()) == ["❤️"]
    assert Message.objects.get(external_id=first).deleted_at is not None


def test_an_hour_of_downtime_is_filled(town: Town, place: Bluesky) -> None:
    people = [place.person(f"Person {number}") for number in range(5)]
    place.say(people[0], "@luma.example before")
    place.say(people[0], "private before", private=True)
    town.drive()
    for number in range(130):
        place.say(people[number % 5], f"@luma.example number {number}")
    for number in range(110):
        place.say(people[number % 5], f"private {number}", private=True)
    town.drive()
    public = {f"@luma.example number {number}" for number in range(130)}
    private = {f"private {number}" for number in range(110)}
    assert set(texts()) == {"@luma.example before", "private before", *public, *private}
    assert Message.objects.count() == 242


def test_searches_are_listened_to_from_now_on(town: Town, place: Bluesky) -> None:
    Inbox.objects.all().delete()
    place.say(place.person("Old"), "long ago: luma phone")
    town.connect("bluesky", search="luma phone, nothing")
    town.drive()
    assert texts() == []
    ben = place.say(place.person("Ben"), "my Luma phone is slow")
    place.say(place.person("Cid"), "@luma.example luma phone!")
    town.drive()
    town.drive()
    assert sorted(texts()) == ["@luma.example luma phone!", "my Luma phone is slow"]
    ours = town.answer(Case.objects.get(customer__name="Ben"), "Tell us more?", "public")
    assert place.posts[ours.external_id or ""].record["reply"]["parent"]["uri"] == ben


def test_a_post_is_made_once_and_a_message_in_doubt_is_found(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana")
    place.say(ana, "@luma.example hi")
    town.drive()
    place.faults.add(Fault("drop_after", method="POST", path="createRecord"))
    ours = town.answer(Case.objects.get(), "Hello.", "public")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    Delivery.objects.update(due_at="2020-01-01T00:00:00Z")
    town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert len(place.sent) == 1
    place.say(ana, "in private", private=True)
    town.drive()
    place.faults.add(Fault("drop_after", method="POST", path="sendMessage"))
    doubtful = town.answer(Case.objects.get(), "Certainly.", "private")
    assert town.delivery(doubtful).state == DeliveryState.UNCERTAIN
    town.drive()
    assert town.delivery(doubtful).state == DeliveryState.SENT
    assert texts() == ["@luma.example hi", "Hello.", "in private", "Certainly."]


def test_limits_and_expired_sessions(town: Town, place: Bluesky) -> None:
    place.say(place.person("Ana"), "@luma.example hi")
    town.drive()
    place.expire()
    place.faults.add(Fault("error", 429, seconds=120, words="Rate Limit Exceeded", path="getPosts"))
    ours = town.answer(Case.objects.get(), "Hello.", "public")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    assert 100 < (town.delivery(ours).due_at - ours.stored_at).total_seconds() < 200
    place.limit = FixedWindow(0, 300)
    place.say(place.person("Ana"), "@luma.example during the limit")
    town.drive()
    place.limit = FixedWindow(1000, 300)
    town.drive()
    assert "@luma.example during the limit" in texts()
    assert place.sign_ins == 1


def test_an_app_password_that_does_not_reach_chats(town: Town, place: Bluesky) -> None:
    place.chat_allowed = False
    place.say(place.person("Ana"), "@luma.example hi")
    town.drive()
    config = channels.config(Inbox.objects.get())
    assert texts() == ["@luma.example hi"]
    assert "does not reach direct messages" in registry.get("bluesky").check(config)


def test_a_wrong_app_password_needs_attention(town: Town) -> None:
    town.connect("bluesky", app_password="wrong")
    town.drive()
    assert Inbox.objects.get().health == Inbox.Health.ATTENTION
    assert "Invalid identifier or password" in Inbox.objects.get().health_note


def test_hostile_words_stay_words(town: Town, place: Bluesky) -> None:
    mallory = place.person("<script>\u202eMallory</script>")
    place.say(mallory, "@luma.example <img src=x onerror=alert(1)>", langs=[{"x": 1}], facets="none", embed=[1])
    place.say(mallory, "@luma.example \x00 and \u202e")
    odd = place.say(mallory, "@luma.example odd")
    place.posts[odd].record["text"] = {"$gt": ""}
    town.drive()
    assert texts() == ["@luma.example <img src=x onerror=alert(1)>", "@luma.example \ufffd and \u202e"]
    assert Case.objects.get().customer.name == "<script>Mallory</script>"
    assert Arrival.objects.filter(state=ArrivalState.PARKED).count() == 1


def test_repeated_and_reordered_events_change_nothing(town: Town, place: Bluesky) -> None:
    ana = place.person("Ana")
    first = place.say(ana, "@luma.example one")
    place.write_as_brand("two", answers=first)
    place.say(ana, "three", private=True)
    inbox = Inbox.objects.get()
    events = list(registry.get("bluesky").poll(channels.config(inbox), {}).events)
    insert(rows_of(inbox.pk, events[::-1]))
    insert(rows_of(inbox.pk, events))
    town.drive()
    Inbox.objects.update(cursor={})
    town.drive()
    assert sorted(texts()) == ["@luma.example one", "three", "two"]
    assert Case.objects.count() == 1
    assert Message.objects.values("thread").distinct().count() == 2


def test_a_new_inbox_begins_with_the_last_days(town: Town, place: Bluesky) -> None:
    place.clock.ahead = timedelta(days=-30)
    place.say(place.person("Old"), "@luma.example long ago")
    place.clock.ahead = timedelta(days=-2)
    place.say(place.person("Ana"), "@luma.example lately")
    place.clock.ahead = timedelta()
    town.drive()
    assert texts() == ["@luma.example lately"]
