"""Discourse against its stand-in: webhooks, gaps filled by asking, answers in public and in private, and what goes wrong on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import httpx
import orjson
import pytest

from parlour.cases.models import Case, DeliveryState, FileState, Message
from parlour.channels import actions, registry
from parlour.channels.contract import ChannelError, File, Outbound
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.lib import clock, signing
from parlour.playground.faults import Fault
from parlour.playground.places.discourse import Discourse
from parlour.playground.places.discourse.objects import shown
from parlour.traffic import files as files_in
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]
ASKED = "Our whole street has no signal. Is this an outage?"
ANSWER = "We are looking into it right now."


@pytest.fixture
def inbox(town: Town) -> Inbox:
    return town.connect("discourse")


@pytest.fixture
def place(town: Town, inbox: Inbox) -> Discourse:
    town.drive()  # the first poll only notes where the forum stands
    return cast(Discourse, town.place("discourse"))


def post(place: Discourse, text: str = ASKED, name: str = "Ana Rocha", **more: Any) -> str:
    return place.say(place.person(name), text, **more)


def texts() -> list[str]:
    return list(Message.objects.filter(direction="in").order_by("sent_at", "id").values_list("text", flat=True))


def test_a_topic_is_answered_in_public(town: Town, place: Discourse) -> None:
    post(place)
    post(
        place,
        "Same here since this morning, in the next street.",
        "Rui",
        answers=post(place, "Another topic altogether."),
    )
    assert town.drive() == 5
    assert len(texts()) == 3
    case = Case.objects.get(customer__name="Rui")
    ours = town.answer(case, ANSWER, "public")
    assert place.sent[-1].answers == Message.objects.get(case=case, direction="in").external_id
    town.drive()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert Message.objects.filter(direction="out").count() == 1
    # The topic's first post, and the post itself, are two events; the first is knowingly not kept.
    assert Arrival.objects.filter(state=ArrivalState.IGNORED, reason__contains="topic as a whole").count() == 2


def test_public_words_are_answered_in_private_and_go_on_there(town: Town, place: Discourse) -> None:
    post(place)
    town.drive()
    case = Case.objects.get()
    ours = town.answer(case, "Which postcode are you in?", "private")
    assert place.sent[-1].private
    town.drive()
    post(place, "It is 4450-718, in Matosinhos.", private=True)
    town.drive()
    assert Case.objects.count() == 1
    ours.refresh_from_db()
    assert ours.thread is not None
    assert texts()[-1] == "It is 4450-718, in Matosinhos."
    assert Message.objects.get(text=texts()[-1]).thread_id == ours.thread_id
    town.answer(case, "Thank you, we have found the mast.")
    assert [words.private for words in place.sent] == [True, True]
    town.drive()
    assert Message.objects.count() == 4


def test_words_of_staff_on_the_forum_are_the_brand_s(town: Town, place: Discourse) -> None:
    said = post(place)
    town.drive()
    place.staff_says(said, "A digger has cut a cable. Two hours, we think.")
    town.drive()
    theirs = Message.objects.get(direction="out")
    assert (theirs.case, theirs.reply_to) == (Case.objects.get(), said)
    assert Case.objects.get().waiting_since is None


def test_edits_likes_deletions_and_returns(town: Town, place: Discourse) -> None:
    said = post(place)
    town.drive()
    place.edit(said, "Our street is back. Thanks for nothing!")
    rui = place.person("Rui")
    place.like(rui, said)
    town.drive()
    message = Message.objects.get()
    assert message.text == "Our street is back. Thanks for nothing!"
    assert list(message.meta["reactions"].values()) == ["❤️"]
    place.remove(said)
    town.drive()
    message.refresh_from_db()
    assert message.deleted_at is not None
    place.recover(said)
    town.drive()
    assert not Arrival.objects.filter(state=ArrivalState.PARKED).exists()


def test_acts(town: Town, place: Discourse, inbox: Inbox) -> None:
    said = post(place)
    channel, settings = registry.get("discourse"), config(inbox)
    channel.act(settings, "like", said, "public")
    channel.act(settings, "hide", said, "public")
    assert (place.words[said].hidden, place.find(said).likes) == (True, {"3"})
    channel.act(settings, "unhide", said, "public")
    channel.act(settings, "unlike", said, "public")
    assert (place.words[said].hidden, place.find(said).likes) == (False, set())
    channel.act(settings, "delete", said, "public")
    assert place.words[said].removed
    with pytest.raises(ChannelError) as caught:
        channel.act(settings, "hide", said, "public")
    assert caught.value.kind == "target_deleted"


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [("Too short.", "invalid", "too short"), (ASKED, "invalid", "too similar"), ("x" * 31_999 + " yz", "too_long", "")],
)
def test_what_the_forum_does_not_take(town: Town, place: Discourse, words: str, kind: str, said: str) -> None:
    post(place)
    town.drive()
    case = Case.objects.get()
    if kind == "too_long":
        with pytest.raises(Exception, match="32,000"):
            town.answer(case, words, "public")
        return
    if "similar" in said:
        town.answer(case, words, "public")
    delivery = town.delivery(town.answer(case, words, "public"))
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, kind)
    assert said in delivery.error_words


def test_a_deleted_topic_a_closed_one_and_somebody_who_takes_no_messages(town: Town, place: Discourse) -> None:
    first, second = post(place), post(place, "Is anybody else without signal tonight?", "Rui")
    town.drive()
    ana, rui = (Case.objects.get(customer__name=name) for name in ("Ana Rocha", "Rui"))
    place.find(second).topic.closed = True
    closed = town.delivery(town.answer(rui, ANSWER, "public"))
    assert (closed.state, closed.error_kind) == (DeliveryState.FAILED, "permission")
    place.users[place.person("Rui")].accepts = False
    refused = town.delivery(town.answer(rui, ANSWER, "private"))
    assert (refused.state, refused.error_kind) == (DeliveryState.FAILED, "recipient_unavailable")
    place.remove(first)
    gone = town.delivery(town.answer(ana, ANSWER, "public"))
    assert (gone.state, gone.error_kind) == (DeliveryState.FAILED, "target_deleted")


def test_an_answer_that_waits_for_a_moderator(town: Town, place: Discourse) -> None:
    post(place)
    town.drive()
    place.moderated = True
    ours = town.answer(Case.objects.get(), ANSWER, "public")
    assert town.delivery(ours).state == DeliveryState.UNCERTAIN
    assert "moderator" in town.delivery(ours).error_words
    town.call(place.approve)
    town.drive()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert Message.objects.count() == 2


def test_a_rate_limit_waits_and_a_lost_answer_is_found_by_its_echo(town: Town, place: Discourse) -> None:
    post(place)
    town.drive()
    case = Case.objects.get()
    place.faults.add(Fault(status=429, code=2, words="You’ve performed this action too many times", method="POST"))
    ours = town.answer(case, ANSWER, "public")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.QUEUED, "rate_limited")
    with clock.frozen(clock.now() + timedelta(seconds=4)):
        town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    place.faults.add(Fault("drop_after", method="POST", path="/posts.json"))
    lost = town.answer(case, "A digger has cut a cable.", "public")
    assert town.delivery(lost).state == DeliveryState.UNCERTAIN
    town.drive()
    assert town.delivery(lost).state == DeliveryState.SENT
    assert Message.objects.filter(direction="out").count() == 2


def test_twice_and_out_of_order(town: Town, place: Discourse) -> None:
    habits = town.stand.world.postman.habits
    habits.duplicates, habits.reorder, habits.held = 1.0, 0.5, 0.2
    said = [post(place, f"Line {n} of a long story about signal.") for n in range(4)]
    place.edit(said[0], "Line zero of a long story about signal.")
    for _ in range(3):
        town.drive()
        Arrival.objects.filter(state=ArrivalState.NEW).update(due_at=None)
    assert len(texts()) == 4
    assert texts()[0].startswith("Line zero")


def test_an_hour_without_a_door_is_made_up_for(town: Town, place: Discourse, inbox: Inbox) -> None:
    post(place, "Before the door was shut, somebody wrote.")
    post(place, "A private message, before all that.", private=True)
    town.drive()
    # Most forums try once: what was not taken is not sent again.
    town.stand.point("discourse", "")
    for n in range(3):
        post(place, f"Public {n}, while nobody listened here.", f"Person {n}")
    place._next += 230  # ids of what others may not see
    post(place, "Public 3, while nobody listened here.", "Person 3")
    post(place, "Private, while nobody listened.", private=True)
    post(place, "Private as well, from somebody new.", "Rui", private=True)
    town.stand.point("discourse", town.door + inbox.webhook_path)
    post(place, "After the door was opened again.")
    town.drive()
    assert len(texts()) == 9
    assert sum("nobody listened" in text for text in texts()) == 5
    town.drive()
    assert Message.objects.count() == 9


def test_a_polled_post_and_its_webhook_are_one(town: Town, place: Discourse, inbox: Inbox) -> None:
    town.stand.point("discourse", "")
    said = post(place)
    town.drive()
    town.stand.point("discourse", town.door + inbox.webhook_path)
    found = place.find(said)
    town.call(lambda: place.tell("post_created", {"post": shown(found)}))
    town.drive()
    assert texts() == [ASKED]


def test_only_listened_to_categories_and_what_names_the_account(town: Town) -> None:
    town.connect("discourse", categories="9")
    place = cast(Discourse, town.place("discourse"))
    town.drive()
    post(place)
    said = post(place, "Could @luma_help have a look at this street?", "Rui")
    post(place, "And this one is a private message.", "Rui", private=True)
    place.edit(said, "Never mind, it came back by itself.")
    town.drive()
    assert sorted(texts()) == ["And this one is a private message.", "Never mind, it came back by itself."]


def test_who_they_are_is_proven_by_single_sign_on(town: Town, place: Discourse, inbox: Inbox) -> None:
    ana = place.person("Ana Rocha")
    place.sign_on(ana, "crm-4711")
    told = registry.get("discourse").profile(config(inbox), ana)
    assert told is not None
    assert (told.name, told.proof, told.email) == ("Ana Rocha", "crm-4711", "ana_rocha@example.com")
    assert registry.get("discourse").profile(config(inbox), "999999999") is None
    town.drive()
    assert "brand's own id" in Arrival.objects.get().reason


def test_files_in_and_out(town: Town, place: Discourse, inbox: Inbox) -> None:
    said = post(place)
    channel, settings = registry.get("discourse"), config(inbox)
    files = (
        File("map.png", "image/png", 4, lambda: b"\x89PNG"),
        File("a[b].pdf", "application/pdf", 4, lambda: b"%PDF"),
    )
    topic = said.partition(":")[0]
    outbound = Outbound(ANSWER, "public", "reply", f"{topic}/1", topic, said, "1", "r", attachments=files)
    receipt = channel.send(settings, outbound)
    raw = place.find(receipt.external_id).raw
    assert raw.startswith(ANSWER + "\n\n![map.png](upload://")
    assert "[a_b_.pdf|attachment](upload://" in raw
    place.edit(said, "Look at this: " + raw.splitlines()[2])
    town.drive()
    message = Message.objects.get(direction="in")
    assert message.text == "Look at this:"
    place.say(place.person("Rui"), "A picture of our street: " + raw.splitlines()[2])
    town.drive()
    while files_in.fetch_next():
        pass
    assert Message.objects.get(identity__handle="rui").attachments.get().state == FileState.FETCHED


def test_hostile_input(town: Town, place: Discourse, inbox: Inbox) -> None:
    door = town.door + inbox.webhook_path

    def send(body: bytes, event: str = "post_created", secret: str = place.secret) -> int:
        signed = {"x-discourse-event": event, "x-discourse-event-signature": signing.hex_signature(secret, body)}
        return httpx.post(door, content=body, headers=signed).status_code

    assert send(b'{"post":{}}', secret="wrong") == 403
    assert httpx.post(door, content=b"{}", headers={"x-discourse-event": "ping"}).status_code == 403
    for body in (b"[]", b"5", b"{", b"", b"{}x"):
        assert send(body) == 400
    assert send(b"{}", event="") == 400
    assert send(b'{"a":1}', event='x","event":"y') == 400
    strange: list[Any] = [
        {},
        {"id": "1"},
        {"id": 1, "topic_id": None},
        {"id": 2, "topic_id": 1, "post_number": "1"},
        [],
    ]
    for odd in strange:
        assert send(orjson.dumps({"post": odd})) == 200
    evil = "<script>alert(1)</script>\u202eevil"
    about = {
        "id": 7,
        "topic_id": 7,
        "post_number": 1,
        "user_id": 8,
        "username": "<b>",
        "name": evil,
        "topic_title": evil,
    }
    assert send(orjson.dumps({"post": {**about, "raw": evil}})) == 200
    cooked = {
        **about,
        "id": 9,
        "post_number": 2,
        "cooked": f"<p>x<script>bad()</script></p><img src=javascript:1>{'<div>' * 3000}",
    }
    assert send(orjson.dumps({"post": cooked})) == 200
    assert send(b'{"ping":"OK"}', event="ping") == 200
    town.drive()
    assert Arrival.objects.filter(state=ArrivalState.PARKED).count() == 5
    assert texts() == [evil, "x"]
    case = Case.objects.get()
    assert case.customer.name == "<script>alert(1)</script>evil"


def test_check_tells_how_it_stands(town: Town, place: Discourse, inbox: Inbox) -> None:
    channel = registry.get("discourse")
    assert channel.check(config(inbox)).startswith("Connected as @luma_help at 127.0.0.1")
    actions.update_settings(inbox.pk, {"api_key": "another"})
    inbox = Inbox.objects.get(pk=inbox.pk)
    with pytest.raises(ChannelError, match="API username or key is invalid") as caught:
        channel.check(config(inbox))
    assert caught.value.kind == "auth_expired"
