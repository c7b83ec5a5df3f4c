"""Instagram against its stand-in: through the real door, by the real road."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import cast

import httpx
import orjson
import pytest
from django.db import connections
from django.utils import timezone

from parlour.cases import actions as cases
from parlour.cases import files
from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, Message, Thread
from parlour.channels.models import Inbox
from parlour.customers.models import Identity
from parlour.lib.signing import hex_signature
from parlour.playground.faults import Fault
from parlour.playground.places.instagram import Instagram
from parlour.playground.postman import Habits
from parlour.traffic import lanes, pipeline, profiles
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town
from tests.town import town as begin_town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


def place(town: Town) -> Instagram:
    found = cast(Instagram, town.place("instagram"))
    found.read_after = 0.05
    return found


@pytest.fixture
def insta(town: Town) -> Instagram:
    town.connect("instagram", handshake=True)
    return place(town)


def ana(town: Town, insta: Instagram) -> str:
    return town.call(lambda: insta.person("Ana Petrova"))


def in_and_seen(town: Town) -> list[str]:
    town.drive()
    return [message.text for message in Message.objects.order_by("id")]


def test_a_direct_message_in_and_out(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    said = town.call(lambda: insta.say(person, "Mein Display ist schwarz 😢", private=True))
    assert in_and_seen(town) == ["Mein Display ist schwarz 😢"]
    cases.act(Message.objects.get().pk, "seen", by=town.agent())
    town.send()
    assert insta.chats[person].seen_at is not None
    ours = town.answer(Case.objects.get(), "Oh nein! Welche Bestellnummer?")
    assert [words.text for words in insta.sent] == ["Oh nein! Welche Bestellnummer?"]
    town.call(lambda: insta.react(person, insta.sent[0].id))
    town.call(lambda: insta.say(person, "LX-1234", private=True, answers=insta.sent[0].id))
    town.drive()
    assert town.delivery(ours).state == DeliveryState.READ
    assert Message.objects.count() == 3
    assert Message.objects.get(pk=ours.pk).meta["reactions"] == {person: "❤️"}
    town.call(lambda: insta.remove(said))
    town.drive()
    assert Message.objects.get(external_id=said).deleted_at is not None


def test_a_comment_and_a_message_of_one_person_are_one_case(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.call(lambda: insta.say(person, "Broken after a week"))
    town.drive()
    case = Case.objects.get()
    public = town.answer(case, "Sorry, Ana. We have sent you a message.", "public")
    assert town.delivery(public).state == DeliveryState.SENT
    private = town.answer(case, "Which order is it?")
    assert town.delivery(private).state == DeliveryState.SENT
    # A private reply opens no window: only their own words do.
    assert insta.chats[person].last_inbound_at is None
    town.drive()
    assert Thread.objects.filter(visibility="private", case=case, address=person).count() == 1
    town.call(lambda: insta.say(person, "LX-1234", private=True))
    town.drive()
    assert Case.objects.count() == 1
    assert [message.text for message in Message.objects.order_by("id")] == [
        "Broken after a week",
        "Sorry, Ana. We have sent you a message.",
        "Which order is it?",
        "LX-1234",
    ]
    assert Identity.objects.filter(external_id=person).count() == 1


@pytest.mark.parametrize("flat", [True, False])
def test_comments_in_both_shapes_answers_and_moderation(town: Town, insta: Instagram, flat: bool) -> None:
    insta.flat = flat
    person = ana(town, insta)
    comment = town.call(lambda: insta.comment(person, "BUY CHEAP LIKES")).id
    town.drive()
    said = Message.objects.get()
    agent = town.agent()
    for act, hidden in (("hide", True), ("unhide", False), ("hide", True)):
        cases.act(said.pk, act, by=agent)
        town.send()
        assert insta.comments[comment].hidden is hidden
    cases.act(said.pk, "delete", by=agent)
    town.send()
    assert insta.comments[comment].removed
    said.refresh_from_db()
    assert (said.hidden, said.deleted_at is not None) == (True, True)
    assert {row.state for row in Delivery.objects.all()} == {DeliveryState.SENT}


def test_what_the_brand_writes_in_the_app_is_seen_once(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    comment = town.call(lambda: insta.comment(person, "Anyone?")).id
    town.call(lambda: insta.say(person, "Hello?", private=True))
    town.drive()
    town.call(lambda: insta.comment("", "We are here!", comment))
    town.call(lambda: insta.brand_message(insta.chat(person), "Hi Ana, written on my phone.", in_app=True))
    town.drive()
    case = Case.objects.get()
    assert Message.objects.filter(case=case, direction="out").count() == 2
    assert case.waiting_since is None
    assert Case.objects.count() == 1


def test_stories_mentions_and_odd_messages(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.call(lambda: insta.reply_to_story(person, "Is it sold out?"))
    town.call(lambda: insta.mention_in_story(person))
    town.call(lambda: insta.message(person, is_unsupported=True))
    town.call(lambda: insta.message(person, attachments=[{"type": "ephemeral"}]))
    town.call(lambda: insta.press(person, "Where is my order?", "ORDER"))
    town.call(lambda: insta.message(person, text="Still there?", standby=True))
    mentioned = town.call(lambda: insta.mention(person, "@luma.phones look at this"))
    town.drive()
    assert not Arrival.objects.exclude(state=ArrivalState.DONE).exists()
    assert Message.objects.count() == 7
    assert sorted(Attachment.objects.values_list("kind", flat=True)) == ["file", "file", "other", "other", "post"]
    mention = Message.objects.get(external_id=mentioned)
    assert (mention.text, mention.visibility) == ("", "public")
    assert mention.case is not None
    ours = town.answer(mention.case, "Nice picture!", "public", answers=mention.pk)
    assert town.delivery(ours).state == DeliveryState.SENT
    assert insta.sent[-1].answers == mentioned


def test_the_windows(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.call(lambda: insta.say(person, "Hello", private=True))
    town.drive()
    case = Case.objects.get()
    insta.clock.ahead = timedelta(days=2)
    _older(timedelta(days=2))
    late = town.answer(case, "Sorry for the wait.")
    assert town.delivery(late).state == DeliveryState.SENT
    assert insta.requests[-1][2]["tag"] == "HUMAN_AGENT"
    # The platform's clock decides in the end, and its words are kept.
    insta.clock.ahead = timedelta(days=8)
    refused = town.answer(case, "And now?")
    delivery = town.delivery(refused)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, "window_closed")
    assert "outside of allowed window" in delivery.error_words


def _older(by: timedelta) -> None:
    for thread in Thread.objects.all():
        thread.last_inbound_at = timezone.now() - by
        thread.save()


def test_refusals_and_the_rate(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    comment = town.call(lambda: insta.comment(person, "Broken")).id
    town.call(lambda: insta.say(person, "Hello", private=True))
    town.drive()
    case = Case.objects.get()
    insta.faults.add(Fault(code=613, status=429, words="(#613) Too many calls."))
    slow = town.answer(case, "One moment.")
    assert (town.delivery(slow).state, town.delivery(slow).error_kind) == (DeliveryState.QUEUED, "rate_limited")
    Delivery.objects.update(due_at=timezone.now())
    town.send()
    assert town.delivery(slow).state == DeliveryState.SENT
    town.call(lambda: insta.remove(comment))
    gone = town.answer(case, "Which order?", "public")
    assert town.delivery(gone).error_kind == "target_deleted"
    insta.chats[person].blocked = True
    blocked = town.answer(case, "Hello?")
    assert town.delivery(blocked).error_kind == "recipient_unavailable"
    assert [words.text for words in insta.sent] == ["One moment."]


def test_an_answer_without_an_answer_is_confirmed_by_its_echo(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.call(lambda: insta.say(person, "Hello", private=True))
    town.drive()
    insta.faults.add(Fault("drop_after", path="/messages"))
    ours = town.answer(Case.objects.get(), "We are looking into it.")
    assert town.delivery(ours).state == DeliveryState.UNCERTAIN
    town.drive()
    assert town.delivery(ours).state in (DeliveryState.SENT, DeliveryState.READ)
    assert Message.objects.filter(direction="out").count() == 1
    assert len(insta.sent) == 1


PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 200


@pytest.mark.parametrize("early", [True, False])
def test_files_and_quick_replies_are_one_answer(town: Town, insta: Instagram, early: bool) -> None:
    """Its parts are several messages at Instagram, whose echoes come before our receipt or after it, and tell no reference."""
    person = ana(town, insta)
    town.call(lambda: insta.say(person, "Which colours are there?", private=True))
    town.drive()
    photo = files.upload(town.agent(), "blue.png", PNG)
    if early:
        _handle_before_the_answer(insta)
    ours = town.answer(Case.objects.get(), "These two:", files=[photo.pk], choices=["Blue", "Green"])
    town.drive()
    picture, words = insta.sent
    assert ([file.name for file in picture.files], words.text, words.choices) == (
        ["blue.png"],
        "These two:",
        ("Blue", "Green"),
    )
    assert [upload.content for upload in insta.uploads.values()] == [PNG]
    assert town.delivery(ours).state == DeliveryState.READ
    assert Message.objects.filter(direction="out").count() == 1
    assert Case.objects.get().messages_out == 1
    assert Message.objects.get(pk=ours.pk).external_id == words.id


def _handle_before_the_answer(insta: Instagram) -> None:
    """Let what Instagram tells be handled before its answer to our request arrives."""

    async def wait() -> None:
        while insta.postman.waiting():
            await asyncio.sleep(0.01)
        await asyncio.to_thread(handle)

    def handle() -> None:
        lanes.alive("early")
        pipeline.run("early")
        connections.close_all()

    insta.api.before_answer = wait


def test_names_come_by_asking_once_they_have_written(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.call(lambda: insta.say(person, "Hello", private=True))
    town.drive()
    profiles.ask()
    identity = Identity.objects.get(external_id=person)
    assert identity.name == "Ana Petrova"


def test_bad_mail_loses_and_doubles_nothing() -> None:
    habits = Habits(backoff=(0.05, 0.1, 0.2), duplicates=0.5, reorder=0.5, held=0.2, batch=5)
    with begin_town(habits) as town:
        town.connect("instagram")
        insta = place(town)
        people = town.call(lambda: [insta.person(name) for name in ("Ana", "Ben", "Chloé")])

        def talk() -> None:
            for number in range(12):
                person = people[number % 3]
                said = insta.say(person, f"private {number}", private=True)
                insta.say(person, f"public {number}")
                if number % 4 == 0:
                    insta.remove(said)

        town.call(talk)
        town.drive()
        Arrival.objects.filter(state=ArrivalState.NEW).update(due_at=timezone.now())
        town.drive()
        assert Message.objects.count() == 24
        assert Message.objects.filter(deleted_at__isnull=False).count() == 3
        assert Case.objects.count() == 3


def test_an_hour_of_downtime_is_made_up_for_by_what_meta_sends_again(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    target = insta.postman.targets["instagram"]
    there, target.url = target.url, "http://127.0.0.1:9/nobody"
    town.call(lambda: insta.say(person, "First", private=True))
    town.call(lambda: insta.say(person, "Second", private=True))

    def back() -> None:
        target.url = there

    until = timezone.now() + timedelta(seconds=5)
    while not insta.postman.attempts and timezone.now() < until:
        time.sleep(0.01)
    town.call(back)
    assert in_and_seen(town) == ["First", "Second"]


def test_hostile_mail(town: Town, insta: Instagram) -> None:
    url = town.door + town.inboxes["instagram"].webhook_path
    rude = {"id": "666", "username": "\u202eevil\u202c <img src=x onerror=alert(1)>"}
    value = {"id": "1", "text": "<script>alert(1)</script>\x00", "from": rude, "media": {"id": "9"}}
    entry = {"id": insta.settings("instagram", "")["ig_id"], "time": 1790000000, "field": "comments", "value": value}
    body = orjson.dumps({"object": "instagram", "entry": [entry]})
    forged = httpx.post(url, content=body, headers={"x-hub-signature-256": hex_signature("guess", body)})
    assert forged.status_code == 403
    assert Arrival.objects.count() == 0

    def post(payload: object) -> int:
        body = orjson.dumps(payload)
        return httpx.post(
            url, content=body, headers={"x-hub-signature-256": hex_signature(insta.secret, body)}
        ).status_code

    assert post({"object": "instagram", "entry": [entry]}) == 200
    odd: list[object] = [
        {**entry, "value": {**value, "id": "2", "text": {"a": 1}}},
        {**entry, "value": []},
        {"id": entry["id"], "messaging": [{"message": {"mid": ["x"]}}, 5, None]},
        {"id": entry["id"], "field": "tomorrow", "value": {"x": 1}},
        7,
    ]
    for one in odd:
        assert post({"object": "instagram", "entry": [one]}) == 200
    assert post({"object": "page", "entry": []}) == 400
    town.drive()
    message = Message.objects.get()
    assert message.text == "<script>alert(1)</script>\ufffd"
    assert message.identity is not None
    assert message.identity.handle == "evil <img src=x onerror=alert(1)>"
    states = set(Arrival.objects.values_list("state", flat=True))
    assert states == {ArrivalState.DONE, ArrivalState.PARKED, ArrivalState.IGNORED}


def test_a_withdrawn_token_is_told_once(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.call(lambda: insta.say(person, "Hello", private=True))
    town.drive()
    insta.token = "another"
    ours = town.answer(Case.objects.get(), "Hi!")
    assert town.delivery(ours).error_kind == "auth_expired"
    assert Inbox.objects.get().health == Inbox.Health.ATTENTION
    assert insta.sent == []


def test_what_meta_gave_up_on_is_fetched(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    town.drive()
    target = insta.postman.targets["instagram"]
    target.url = ""  # after an hour without an answer Meta takes the app off the account
    comment = town.call(lambda: insta.comment(person, "Broken after a week")).id
    town.call(lambda: insta.comment(insta.person("Ben"), "Mine too", comment))
    town.call(lambda: insta.say(person, "Hello?", private=True))
    gone = town.call(lambda: insta.say(person, "Wrong button", private=True))
    town.call(lambda: insta.remove(gone))
    town.call(lambda: insta.brand_message(insta.chat(person), "Hi Ana, from my phone.", in_app=True))
    town.drive()
    said = set(Message.objects.values_list("direction", "text"))
    assert said == {
        ("in", "Broken after a week"),
        ("in", "Mine too"),
        ("in", "Hello?"),
        ("out", "Hi Ana, from my phone."),
    }
    assert Case.objects.count() == 2
    town.drive()
    assert Message.objects.count() == 4


def test_the_stand_in_is_as_strict_as_the_platform(town: Town, insta: Instagram) -> None:
    person = ana(town, insta)
    comment = town.call(lambda: insta.comment(person, "Hm")).id
    own = town.call(lambda: insta.comment("", "Ours", comment)).id
    town.call(lambda: insta.say(person, "Hello", private=True))
    told = {**insta.settings("instagram", f"{town.stand.base}/api/instagram")}
    base, headers = told["api_base"], {"authorization": f"Bearer {told['access_token']}"}
    to, text = {"id": person}, {"text": "Hi"}
    choice = {"content_type": "text", "title": "Yes", "payload": "YES"}

    def code(path: str, content: object, **more: str) -> int:
        answer = httpx.post(f"{base}{path}", json=content, headers={**headers, **more})
        return int(answer.json().get("error", {}).get("code", 0))

    assert code("/me/messages", {"recipient": to, "message": text}) == 0
    assert code("/me/messages", {"recipient": to, "message": text}, authorization="Bearer guess") == 190
    for message in (
        {**text, "metadata": "unknown here"},
        {"text": "ж" * 501},
        {"text": " "},
        {**text, "quick_replies": [choice] * 14},
        {**text, "quick_replies": [{**choice, "title": "x" * 21}]},
        {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}},
    ):
        assert code("/me/messages", {"recipient": to, "message": message}) == 100, message
    tagged = {"recipient": to, "message": text, "messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}
    assert code("/me/messages", tagged) == 100
    assert code("/me/messages", {"recipient": {"id": "1"}, "message": text}) == 100
    assert code("/me/messages", {"recipient": {"comment_id": own}, "message": text}) == 10902
    assert code("/me/messages", {"recipient": {"comment_id": comment}, "message": text}) == 0
    assert code("/me/messages", {"recipient": {"comment_id": comment}, "message": text}) == 10900
    assert code(f"/{own}", {"hide": "true"}) == 100
    assert code("/17000/replies", {"message": "Hi"}) == 100
    assert code(f"/{comment}/replies", {"message": "x" * 2201}) == 100
    assert code("/me/nowhere/at-all", {}) == 100
