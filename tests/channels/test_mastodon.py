"""Mastodon against its stand-in, in and out, through the real road."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest

from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import File, Outbound
from parlour.channels.models import Inbox
from parlour.playground.faults import Fault, FixedWindow
from parlour.playground.places.mastodon import Mastodon
from parlour.traffic.door import rows_of
from parlour.traffic.models import Arrival, ArrivalState
from parlour.traffic.store import insert
from tests.town import Town

pytestmark = pytest.mark.whole


@pytest.fixture
def place(town: Town) -> Mastodon:
    town.connect("mastodon")
    found = town.place("mastodon")
    assert isinstance(found, Mastodon)
    return found


def texts(**filters: object) -> list[str]:
    return list(Message.objects.filter(**filters).order_by("sent_at", "id").values_list("text", flat=True))


def test_in_public_and_out(town: Town, place: Mastodon) -> None:
    ana = place.person("Ana Prado")
    first = place.say(ana, "my parcel is late", visibility="unlisted")
    town.drive()
    case = Case.objects.get()
    assert Message.objects.get().text == "@luma my parcel is late"
    assert case.customer.name == "Ana Prado"
    ours = town.answer(case, "On its way.", "public")
    sent = place.statuses[ours.external_id or ""]
    assert (sent.text, sent.visibility, sent.reply_to) == (
        "@ana_prado@fern.example On its way.",
        "unlisted",
        place.statuses[first],
    )
    place.say(ana, "thank you", answers=sent.id)
    town.drive()
    assert Message.objects.count() == 3
    assert Message.objects.values("thread").distinct().count() == 1
    assert Case.objects.count() == 1
    town.drive()
    assert Message.objects.count() == 3


def test_a_private_answer_to_public_words_and_back(town: Town, place: Mastodon) -> None:
    ana = place.person("Ana")
    place.say(ana, "where is it?")
    town.drive()
    ours = town.answer(Case.objects.get(), "Your number, please.", "private")
    assert place.sent[-1].private
    assert place.statuses[ours.external_id or ""].visibility == "direct"
    place.say(ana, "it is 77", private=True, answers=ours.external_id or "")
    town.drive()
    assert Case.objects.count() == 1
    assert texts(visibility="private") == ["Your number, please.", "@luma it is 77"]
    assert Message.objects.filter(visibility="private").values("thread").distinct().count() == 1
    again = town.answer(Case.objects.get(), "Found it.", "private")
    assert town.delivery(again).state == DeliveryState.SENT
    assert place.sent[-1].text == "@ana@fern.example Found it."


def test_words_written_elsewhere_are_seen(town: Town, place: Mastodon) -> None:
    first = place.say(place.person("Ana"), "hello?")
    place.write_as_brand("@ana@fern.example Hello!", answers=first)
    place.write_as_brand("Good morning, everybody.")
    town.drive()
    assert texts(direction="out") == ["@ana Hello!"]
    assert Case.objects.get().waiting_since is None


def test_edits_and_deletions_are_found_by_looking_again(town: Town, place: Mastodon) -> None:
    ana = place.person("Ana")
    kept, gone = place.say(ana, "order 1"), place.say(ana, "never mind")
    town.drive()
    place.edit(kept, "@luma order 2")
    place.remove(gone)
    town.drive()
    assert Message.objects.get(external_id=kept).text == "@luma order 2"
    assert Message.objects.get(external_id=kept).versions.count() == 1
    assert Message.objects.get(external_id=gone).deleted_at is not None
    town.drive()
    assert Message.objects.get(external_id=kept).versions.count() == 1


def test_favourites_are_reactions(town: Town, place: Mastodon) -> None:
    ana = place.person("Ana")
    place.say(ana, "hi")
    town.drive()
    ours = town.answer(Case.objects.get(), "Hi!", "public")
    place.favour(ana, ours.external_id or "")
    town.drive()
    ours.refresh_from_db()
    assert list(ours.meta["reactions"].values()) == ["⭐"]


def test_an_hour_of_downtime_is_filled(town: Town, place: Mastodon) -> None:
    people = [place.person(f"Person {number}") for number in range(5)]
    place.say(people[0], "before")
    town.drive()
    said = {f"@luma number {number}" for number in range(95)}
    for number in range(95):
        place.say(people[number % 5], f"number {number}")
    town.drive()
    assert set(texts()) == {"@luma before", *said}
    assert Message.objects.count() == 96


def test_hashtags_are_listened_to_from_now_on(town: Town, place: Mastodon) -> None:
    Inbox.objects.all().delete()
    place.say(place.person("Old"), "long ago #luma", named=False)
    town.connect("mastodon", search="#luma, nothing")
    town.drive()
    assert texts() == []
    place.say(place.person("Ben"), "nobody at #Luma answers", named=False)
    place.say(place.person("Cid"), "@luma and #luma")
    town.drive()
    town.drive()
    assert sorted(texts()) == ["@luma and #luma", "nobody at #Luma answers"]
    ours = town.answer(Case.objects.get(customer__name="Ben"), "We do!", "public")
    assert place.statuses[ours.external_id or ""].text == "@ben@fern.example We do!"


def test_a_repeated_answer_is_sent_once(town: Town, place: Mastodon) -> None:
    place.say(place.person("Ana"), "hi")
    town.drive()
    place.faults.add(Fault("drop_after", method="POST", path="/api/v1/statuses"))
    ours = town.answer(Case.objects.get(), "Hello.", "public")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    Delivery.objects.update(due_at="2020-01-01T00:00:00Z")
    town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert len(place.sent) == 1
    town.drive()
    assert Message.objects.count() == 2


def test_refusals(town: Town, place: Mastodon) -> None:
    first = place.say(place.person("Ana"), "hi")
    town.drive()
    case = Case.objects.get()
    place.remove(first)
    deleted = town.answer(case, "Too late.", "public")
    assert town.delivery(deleted).state == DeliveryState.FAILED
    assert "Record not found" in town.delivery(deleted).error_words
    place.max_characters = 300
    place.say(place.person("Ana"), "hi again")
    town.drive()
    long = town.answer(case, "x" * 400, "public")
    assert "character limit of 300" in town.delivery(long).error_words


def test_a_rate_limit_waits_for_its_end(town: Town, place: Mastodon) -> None:
    place.say(place.person("Ana"), "hi")
    town.drive()
    place.faults.add(Fault("error", 429, seconds=120, words="Too many requests", method="GET", path="/statuses/"))
    ours = town.answer(Case.objects.get(), "Hello.", "public")
    delivery = town.delivery(ours)
    assert delivery.state == DeliveryState.QUEUED
    assert 100 < (delivery.due_at - ours.stored_at).total_seconds() < 200
    place.limit = FixedWindow(0, 300)
    place.say(place.person("Ana"), "during the limit")
    town.drive()
    place.limit = FixedWindow(100, 300)
    town.drive()
    assert "@luma during the limit" in texts()


def test_a_withdrawn_token_needs_attention(town: Town, place: Mastodon) -> None:
    Inbox.objects.all().delete()
    town.connect("mastodon", access_token="wrong")
    town.drive()
    inbox = Inbox.objects.get()
    assert inbox.health == Inbox.Health.ATTENTION
    assert "access token is invalid" in inbox.health_note


def test_hostile_words_stay_words(town: Town, place: Mastodon) -> None:
    mallory = place.person("<b>\u202eMallory</b>")
    place.say(mallory, "x", content="<p>&lt;script&gt;alert(1)&lt;/script&gt; <img src=x onerror=alert(2)></p>")
    place.say(mallory, "y", content="<p>" * 20_000)
    place.say(mallory, "z", content=7)
    town.drive()
    assert Message.objects.order_by("id")[0].text == "<script>alert(1)</script>"
    assert Case.objects.get().customer.name == "<b>Mallory</b>"
    assert Arrival.objects.get(state=ArrivalState.PARKED).reason.endswith("The content of the status is not text.")
    assert Message.objects.count() == 2


def test_the_stream_tells_when_there_is_news(town: Town, place: Mastodon) -> None:
    config = channels.config(Inbox.objects.get())
    channel = registry.get("mastodon")
    assert channel.wait(config, 0.2) is False
    heard: list[bool] = []
    waiting = Thread(target=lambda: heard.append(channel.wait(config, 5.0)))
    waiting.start()
    while sum(path.endswith("/streaming/user") for _, path, _ in list(place.requests)) < 2:
        time.sleep(0.01)
    time.sleep(0.05)
    place.say(place.person("Ana"), "quick")
    waiting.join(5)
    assert heard == [True]
    town.drive()
    assert texts() == ["@luma quick"]


def test_repeated_and_reordered_events_change_nothing(town: Town, place: Mastodon) -> None:
    ana = place.person("Ana")
    first = place.say(ana, "one")
    place.write_as_brand("@ana@fern.example two", answers=first)
    place.say(ana, "three", answers=first)
    inbox = Inbox.objects.get()
    events = list(registry.get("mastodon").poll(channels.config(inbox), {}).events)
    insert(rows_of(inbox.pk, events[::-1]))
    insert(rows_of(inbox.pk, events))
    town.drive()
    Inbox.objects.update(cursor={})
    town.drive()
    assert sorted(texts()) == ["@ana two", "@luma one", "@luma three"]
    assert Case.objects.count() == 1
    assert Message.objects.values("thread").distinct().count() == 1


def test_a_picture_is_sent_once_it_was_processed(town: Town, place: Mastodon) -> None:
    first = place.say(place.person("Ana"), "hi")
    config = channels.config(Inbox.objects.get())
    ana = place.people["Ana"]
    answer = Outbound("Look.", "public", "reply", f"{first}/{ana}", ana, first, ana, "ref-picture")
    picture = File("how.png", "image/png", 3, lambda: b"png")
    receipt = registry.get("mastodon").send(config, replace(answer, attachments=(picture,)))
    assert len(place.statuses[receipt.external_id].media) == 1
    assert [path for method, path, _ in place.requests if "/media" in path][-1].startswith("/api/v1/media/")


def test_a_new_inbox_begins_with_the_last_days(town: Town, place: Mastodon) -> None:
    place.clock.ahead = timedelta(days=-30)
    place.say(place.person("Old"), "long ago")
    place.clock.ahead = timedelta(days=-2)
    place.say(place.person("Ana"), "lately")
    place.clock.ahead = timedelta()
    town.drive()
    assert texts() == ["@luma lately"]
