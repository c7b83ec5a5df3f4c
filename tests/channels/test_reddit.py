"""Reddit against its stand-in, in and out, through the real road."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.models import Inbox
from parlour.playground.faults import Fault, FixedWindow
from parlour.playground.places.reddit import Reddit
from parlour.traffic.door import rows_of
from parlour.traffic.models import Arrival, ArrivalState
from parlour.traffic.store import insert
from tests.town import Town

pytestmark = pytest.mark.whole


@pytest.fixture
def place(town: Town) -> Reddit:
    """An inbox that listens already: what was said before it is not fetched."""
    town.connect("reddit")
    town.drive()
    found = town.place("reddit")
    assert isinstance(found, Reddit)
    return found


def texts(**filters: object) -> list[str]:
    return list(Message.objects.filter(**filters).order_by("sent_at", "id").values_list("text", flat=True))


def test_in_public_and_out(town: Town, place: Reddit) -> None:
    ana = place.person("Ana Prado")
    first = place.say(ana, "My line drops\nEvery night.")
    town.drive()
    assert texts() == ["My line drops\n\nEvery night."]
    ours = town.answer(Case.objects.get(), "Which firmware is it?", "public")
    assert place.things[ours.external_id or ""].parent is place.things[first]
    place.say(ana, "4.1", answers=ours.external_id or "")
    town.drive()
    town.drive()
    assert Message.objects.count() == 3
    assert Message.objects.values("thread").distinct().count() == 1
    assert Case.objects.get().customer.name == ana
    assert place.sign_ins == 1


def test_modmail_both_ways(town: Town, place: Reddit) -> None:
    ana = place.person("Ana")
    place.say(ana, "You charged me twice.", private=True)
    town.drive()
    assert Message.objects.values_list("thread__subject", flat=True).get() == "You charged me twice."
    town.answer(Case.objects.get(), "We are looking.")
    place.say(ana, "Thanks.", private=True)
    town.drive()
    town.drive()
    assert texts() == ["You charged me twice.", "We are looking.", "Thanks."]
    assert Message.objects.values("thread").distinct().count() == 1


def test_a_private_answer_to_public_words(town: Town, place: Reddit) -> None:
    ana = place.person("Ana")
    place.say(ana, "Where is it?")
    town.drive()
    ours = town.answer(Case.objects.get(), "Your number, please.", "private")
    assert (ours.external_id or "").startswith("modmail:")
    place.say(ana, "77", private=True)
    town.drive()
    assert Case.objects.count() == 1
    assert texts(visibility="private") == ["Your number, please.", "77"]


def test_private_messages_of_the_old_kind(town: Town, place: Reddit) -> None:
    ana = place.person("Ana")
    place.message(ana, "my number is 7")
    town.drive()
    ours = town.answer(Case.objects.get(), "Found it.")
    assert (town.delivery(ours).state, place.sent[-1].text) == (DeliveryState.SENT, "Found it.")
    place.unreachable.add(ana)
    refused = town.answer(Case.objects.get(), "One more thing.")
    assert town.delivery(refused).state == DeliveryState.FAILED
    assert "only takes messages of people they know" in town.delivery(refused).error_words


def test_words_written_elsewhere_edits_and_deletions(town: Town, place: Reddit) -> None:
    ana = place.person("Ana")
    first = place.say(ana, "Hello\nanybody?")
    second = place.say(ana, "never mind", answers=first)
    town.drive()
    place.write_as_brand("We are here.", first)
    place.edit(first, "anybody at all?")
    place.moderate(second)
    town.drive()
    assert texts(direction="out") == ["We are here."]
    assert Message.objects.get(external_id=first).text == "Hello\n\nanybody at all?"
    assert Message.objects.get(external_id=second).hidden
    place.moderate(second, removed=False)
    town.drive()
    assert not Message.objects.get(external_id=second).hidden
    place.remove(second)
    town.drive()
    town.drive()
    assert Message.objects.get(external_id=second).deleted_at is not None
    assert Message.objects.get(external_id=first).versions.count() == 1


def test_an_hour_of_downtime_is_filled(town: Town, place: Reddit) -> None:
    people = [place.person(f"Person {number}") for number in range(5)]
    root = place.say(people[0], "before")
    town.drive()
    place.clock.ahead = timedelta(minutes=4)
    for number in range(230):
        place.say(people[number % 5], f"number {number}", answers=root)
    for number in range(5):
        place.say(people[number], f"private {number}", private=True)
    town.drive()
    wanted = {"before", *(f"number {number}" for number in range(230)), *(f"private {number}" for number in range(5))}
    assert set(texts()) == wanted
    assert Message.objects.count() == 236


def test_searches_and_mentions_elsewhere(town: Town, place: Reddit) -> None:
    Inbox.objects.all().delete()
    place.say(place.person("Old"), "luma phone long ago", subreddit="phones")
    town.connect("reddit", search="luma phone, nothing", subreddits="", modmail="")
    town.drive()
    assert texts() == []
    found = place.say(place.person("Ben"), "My Luma phone\nis slow", subreddit="phones")
    place.say(place.person("Cid"), "u/LumaHelp look at this", answers=found)
    place.say(place.person("Dee"), "not for you", answers=found)
    town.drive()
    town.drive()
    assert sorted(texts()) == ["My Luma phone\n\nis slow", "u/LumaHelp look at this"]


def test_an_inbox_whose_list_was_taken_away(town: Town, place: Reddit) -> None:
    root = place.say(place.person("Ana"), "Hello", subreddit="phones")
    place.inbox_gone = True
    place.say(place.person("Ana"), "u/LumaHelp are you there?", answers=root)
    town.drive()
    assert texts() == ["u/LumaHelp are you there?"]
    assert Inbox.objects.get().cursor["inbox_path"] == "/message/unread"


def test_errors_inside_200_and_limits(town: Town, place: Reddit) -> None:
    ana = place.person("Ana")
    first = place.say(ana, "Hello")
    town.drive()
    place.wait = "you are doing that too much. try again in 5 minutes."
    ours = town.answer(Case.objects.get(), "Hi.", "public")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    assert 290 < (town.delivery(ours).due_at - ours.stored_at).total_seconds() < 400
    place.wait = ""
    Delivery.objects.update(due_at="2020-01-01T00:00:00Z")
    town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    place.things[first].locked = True
    locked = town.answer(Case.objects.get(), "Hi again.", "public")
    assert town.delivery(locked).error_words == "Comments are locked."
    place.remove(first)
    gone = town.answer(Case.objects.get(), "Too late.", "public")
    assert "has been deleted" in town.delivery(gone).error_words
    place.limit = FixedWindow(0, 60)
    place.say(ana, "during the limit", private=True)
    town.drive()
    place.limit = FixedWindow(1000, 60)
    town.drive()
    assert "during the limit" in texts()


def test_an_answer_in_doubt_is_found_again_and_tokens_run_out(town: Town, place: Reddit) -> None:
    place.say(place.person("Ana"), "Hello")
    town.drive()
    place.token = "another"
    place.faults.add(Fault("drop_after", method="POST", path="/api/comment"))
    place.faults.add(Fault("error", 401, words="Unauthorized", method="POST", path="/api/comment"))
    place.faults.waiting.rotate()
    ours = town.answer(Case.objects.get(), "Hi.", "public")
    assert town.delivery(ours).state == DeliveryState.UNCERTAIN
    town.drive()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert texts() == ["Hello", "Hi."]
    assert place.sign_ins == 2


def test_a_wrong_password_needs_attention(town: Town) -> None:
    town.connect("reddit", password="wrong")
    town.drive()
    inbox = Inbox.objects.get()
    assert inbox.health == Inbox.Health.ATTENTION
    assert inbox.health_note == "Reddit refused to sign in: invalid_grant."


def test_hostile_words_stay_words(town: Town, place: Reddit) -> None:
    mallory = place.person("<script>\u202ealert(1)")
    root = place.say(mallory, "<script>alert(1)</script>\n[x](javascript:alert(1)) \x00")
    odd = place.say(mallory, "odd", answers=root)
    place.things[odd].odd = {"$gt": ""}
    town.drive()
    assert texts() == ["<script>alert(1)</script>\n\n[x](javascript:alert(1)) \ufffd"]
    assert Arrival.objects.filter(state=ArrivalState.PARKED).count() == 1
    assert Case.objects.count() == 1


def test_repeated_and_reordered_events_change_nothing(town: Town, place: Reddit) -> None:
    ana = place.person("Ana")
    first = place.say(ana, "one")
    second = place.write_as_brand("two", first)
    place.say(ana, "three", answers=second)
    place.say(ana, "four", private=True)
    inbox = Inbox.objects.get()
    events = list(registry.get("reddit").poll(channels.config(inbox), inbox.cursor).events)
    insert(rows_of(inbox.pk, events[::-1]))
    insert(rows_of(inbox.pk, events))
    town.drive()
    Inbox.objects.update(cursor={})
    town.drive()
    assert sorted(texts()) == ["four", "one", "three", "two"]
    assert Case.objects.count() == 1
    assert Message.objects.values("thread").distinct().count() == 2


def test_a_new_inbox_begins_with_the_last_days(town: Town) -> None:
    place = town.place("reddit")
    assert isinstance(place, Reddit)
    place.clock.ahead = timedelta(days=-30)
    place.message(place.person("Old"), "long ago")
    place.say(place.person("Older"), "a letter of long ago", private=True)
    place.clock.ahead = timedelta(days=-2)
    place.message(place.person("Ana"), "lately")
    place.say(place.person("Ben"), "a letter of late", private=True)
    place.clock.ahead = timedelta()
    town.connect("reddit")
    town.drive()
    assert sorted(texts()) == ["a letter of late", "lately"]
