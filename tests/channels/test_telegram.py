"""Telegram against its stand-in: through the door and by asking, out and back, with everything that goes wrong on the way."""

from __future__ import annotations

import time
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
from parlour.lib import clock
from parlour.playground.faults import Fault
from parlour.playground.places.telegram import Telegram
from parlour.traffic import files as files_in
from parlour.traffic import polling
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]
NOWHERE = "http://127.0.0.1:9/in/telegram/nowhere"


@pytest.fixture
def inbox(town: Town) -> Inbox:
    return town.connect("telegram")


@pytest.fixture
def place(town: Town, inbox: Inbox) -> Telegram:
    return cast(Telegram, town.place("telegram"))


def texts() -> list[str]:
    return list(Message.objects.filter(direction="in").order_by("id").values_list("text", flat=True))


def private(place: Telegram, text: str, name: str = "Ana Rocha") -> str:
    return place.say(place.person(name), text, private=True)


def outbound(place: Telegram, text: str, name: str = "Ana Rocha", **more: object) -> Outbound:
    """An answer as the outbox would make it."""
    person = place.person(name)
    told = {"visibility": "private", "mode": "reply", "thread": person, "address": person, "target": "", **more}
    return Outbound(text=text, author=person, reference="r1", **told)  # type: ignore[arg-type]


def test_private_words_are_answered(town: Town, place: Telegram) -> None:
    private(place, "/start order_9")
    private(place, "Onde está a minha encomenda?")
    assert town.drive() == 2
    case = Case.objects.get()
    assert case.customer.name == "Ana Rocha"
    ours = town.answer(case, "A caminho.")
    assert [words.text for words in place.sent] == ["A caminho."]
    assert town.delivery(ours).state == DeliveryState.SENT
    assert Message.objects.count() == 3


def test_words_in_the_group_are_answered_there_then_in_private(town: Town, place: Telegram) -> None:
    ana = place.person("Ana Rocha")
    said = place.say(ana, "@LumaHelpBot any outage?")
    place.say(place.person("Rui"), "Good morning all")
    assert town.drive() == 1
    case = Case.objects.get()
    town.answer(case, "We are looking.", "public")
    assert (place.sent[-1].answers, place.sent[-1].private) == (said, False)
    # Whoever never started the bot cannot be written to.
    ours = town.answer(case, "Your number, please?", "private")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, "recipient_unavailable")
    assert "initiate conversation" in delivery.error_words
    private(place, "Here I am")
    town.drive()
    assert Case.objects.count() == 1
    town.answer(case, "Your number, please?", "private")
    assert place.sent[-1].private


def test_whoever_sees_all_of_a_group_keeps_only_what_is_for_the_bot(town: Town, place: Telegram) -> None:
    place.privacy = False
    rui = place.person("Rui")
    place.say(rui, "Good morning all")
    town.drive()
    assert Message.objects.count() == 0
    assert "not addressed" in Arrival.objects.get().reason
    said = place.say(rui, "@lumahelpbot hello?")
    town.drive()
    ours = town.answer(Case.objects.get(), "Hello!", "public")
    place.say(rui, "Is it back?", answers=ours.external_id or "")
    town.drive()
    assert texts() == ["@lumahelpbot hello?", "Is it back?"]
    place.edit(said, "Sorry, wrong place")
    town.drive()
    assert texts()[0] == "Sorry, wrong place"


def test_edits_reactions_and_presses(town: Town, place: Telegram, inbox: Inbox) -> None:
    ana = place.person("Ana Rocha")
    said = private(place, "Wher is it?")
    place.edit(said, "Where is it?")
    town.drive()
    assert texts() == ["Where is it?"]
    receipt = registry.get("telegram").send(
        config(inbox), outbound(place, "Did it arrive?", choices=("Yes", "Not yet"))
    )
    assert place.words[receipt.external_id].choices == ("Yes", "Not yet")
    press = town.call(lambda: place.press(ana, receipt.external_id, 1))
    ours = town.answer(Case.objects.get(), "It will today.")
    town.call(lambda: place.react(ana, ours.external_id or "", "🎉"))
    town.drive()
    assert texts()[-1] == "Not yet"
    assert Message.objects.get(pk=ours.pk).meta["reactions"] == {ana: "🎉"}
    town.answer(Case.objects.get(), "Sorry for the wait.")
    assert place.presses[press]


def test_files_in_and_out(town: Town, place: Telegram, inbox: Inbox) -> None:
    ana = place.person("Ana Rocha")
    for number in (1, 2):
        place.show(ana, "photo", b"jpeg%d" % number, caption="The box" if number == 1 else "", album="77")
    place.show(ana, "document", b"%PDF", name="Fatura.pdf", mime="application/pdf")
    place.show(ana, "video", b"big", size=30_000_000)
    town.drive()
    assert [one.attachments.get().kind for one in Message.objects.order_by("id")] == ["image", "image", "file", "video"]
    while files_in.fetch_next():
        pass
    states = [one.attachments.get().state for one in Message.objects.order_by("id")]
    assert states == [FileState.FETCHED, FileState.FETCHED, FileState.FETCHED, FileState.FAILED]
    channel, settings = registry.get("telegram"), config(inbox)
    events = [
        event.attachments[0]
        for arrival in Arrival.objects.order_by("id")
        for event in channel.parse(bytes(arrival.body), settings, arrival.received_at)
    ]
    source = channel.source(settings, events[2])
    assert httpx.get(source.url).content == b"%PDF"
    with pytest.raises(ChannelError, match="too big"):
        channel.source(settings, events[3])
    files = [File(f"{n}.png", "image/png", 4, lambda: b"\x89PNG") for n in range(2)]
    files.append(File("a.txt", "text/plain", 2, lambda: b"hi"))
    receipt = channel.send(settings, outbound(place, "Three files", attachments=tuple(files)))
    assert [(words.text, [file.name for file in words.files]) for words in place.sent] == [
        ("Three files", ["0.png"]),
        ("", ["1.png"]),
        ("", ["a.txt"]),
    ]
    assert (receipt.external_id, receipt.more) == (place.sent[0].id, tuple(words.id for words in place.sent[1:]))


def test_a_blocked_bot_and_a_long_answer(town: Town, place: Telegram) -> None:
    private(place, "Hello?")
    town.drive()
    town.call(lambda: place.block(place.person("Ana Rocha")))
    town.drive()
    assert "blocked the bot" in Arrival.objects.order_by("id").last().reason  # type: ignore[union-attr]
    delivery = town.delivery(town.answer(Case.objects.get(), "Hi"))
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, "recipient_unavailable")
    town.call(lambda: place.block(place.person("Ana Rocha"), blocked=False))
    assert town.delivery(town.answer(Case.objects.get(), "Hi again")).state == DeliveryState.SENT
    with pytest.raises(Exception, match="40,962 characters: more than the 10 messages of 4,096"):
        town.answer(Case.objects.get(), "💩" * 20_481)


def test_a_rate_limit_waits_and_a_lost_answer_is_uncertain(town: Town, place: Telegram) -> None:
    private(place, "Hello?")
    town.drive()
    place.faults.add(Fault(status=429, code=1, words="Too Many Requests: retry after 1", path="sendMessage"))
    ours = town.answer(Case.objects.get(), "Hi")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.QUEUED, "rate_limited")
    with clock.frozen(clock.now() + timedelta(seconds=3)):
        town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    place.faults.add(Fault("drop_after", path="sendMessage"))
    lost = town.answer(Case.objects.get(), "Lost")
    assert town.delivery(lost).state == DeliveryState.UNCERTAIN
    assert [words.text for words in place.sent] == ["Hi", "Lost"]


def test_a_group_that_became_a_supergroup(town: Town, place: Telegram) -> None:
    ana = place.person("Ana Rocha")
    place.say(ana, "@LumaHelpBot any outage?")
    town.drive()
    new = town.call(lambda: place.migrate(ana))
    ours = town.answer(Case.objects.get(), "Fixed.", "public")
    assert town.delivery(ours).state == DeliveryState.SENT
    assert ours.external_id == place.sent[-1].id
    assert place.sent[-1].id.startswith(f"{new}:")
    place.say(ana, "Thanks!", answers=place.sent[-1].id)
    town.drive()
    assert (Case.objects.count(), texts()) == (1, ["@LumaHelpBot any outage?", "Thanks!"])


def test_a_message_that_is_gone_cannot_be_answered_in_the_group(town: Town, place: Telegram) -> None:
    said = place.say(place.person("Ana Rocha"), "@LumaHelpBot hello")
    town.drive()
    place.remove(said)
    delivery = town.delivery(town.answer(Case.objects.get(), "Hi", "public"))
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, "target_deleted")


def test_twice_and_out_of_order(town: Town, place: Telegram) -> None:
    town.stand.world.postman.habits.duplicates = 1.0
    town.stand.world.postman.habits.reorder = 0.5
    town.stand.world.postman.habits.held = 0.2
    said = [private(place, f"Line {n}") for n in range(5)]
    place.edit(said[0], "Line zero")
    for _ in range(3):
        town.drive()
        Arrival.objects.filter(state=ArrivalState.NEW).update(due_at=None)
    assert sorted(texts()) == ["Line 1", "Line 2", "Line 3", "Line 4", "Line zero"]


def test_an_hour_without_a_door_is_made_up_for(town: Town, place: Telegram, inbox: Inbox) -> None:
    private(place, "Before")
    town.drive()
    town.stand.point("telegram", NOWHERE)
    private(place, "Meanwhile")
    time.sleep(0.3)
    polling.poll(inbox)
    inbox.refresh_from_db()
    assert (inbox.health, "could not deliver" in inbox.health_note) == (Inbox.Health.ATTENTION, True)
    town.stand.point("telegram", town.door + inbox.webhook_path)
    private(place, "After")
    town.drive()
    assert sorted(texts()) == ["After", "Before", "Meanwhile"]
    inbox.refresh_from_db()
    assert inbox.health == Inbox.Health.OK


def test_a_desk_without_an_address_asks(town: Town) -> None:
    inbox = town.connect("telegram", mode="poll")
    place = cast(Telegram, town.place("telegram"))
    polling.poll(inbox)
    inbox.refresh_from_db()
    assert "webhook is active" in inbox.health_note
    town.stand.point("telegram", "")
    for number in range(3):
        private(place, f"Line {number}")
    town.drive()
    town.drive()
    assert texts() == ["Line 0", "Line 1", "Line 2"]
    assert list(place.pending) == []
    channel, settings = registry.get("telegram"), config(inbox)
    assert channel.wait(settings, 0.2) is False
    town.call(lambda: private(place, "One more"))
    assert channel.wait(settings, 5.0) is True
    refused = httpx.post(
        town.door + inbox.webhook_path, content=b"{}", headers={"x-telegram-bot-api-secret-token": "x"}
    )
    assert refused.status_code == 403


def test_hostile_input(town: Town, place: Telegram, inbox: Inbox) -> None:
    door, headers = town.door + inbox.webhook_path, {"x-telegram-bot-api-secret-token": place.secret}
    plain: dict[str, Any] = {"message_id": 1, "date": 1790000000, "text": "x"}
    chat = {"id": 5, "type": "private"}
    for secret in ("", "wrong", place.secret + "x", place.secret[:-1]):
        assert (
            httpx.post(
                door, json={"update_id": 1, "message": plain}, headers={"x-telegram-bot-api-secret-token": secret}
            ).status_code
            == 403
        )
    for odd in (b"[]", b"5", b"{}", b"{", b'{"update_id":"x"}'):
        assert httpx.post(door, content=odd, headers=headers).status_code == 400
    for message in (
        dict[str, Any](),
        {"chat": 5},
        {"chat": chat, "from": []},
        {"chat": {"id": "5"}, "from": {"id": 5}},
    ):
        strange = {"update_id": 2, "message": {**plain, **message}}
        assert httpx.post(door, json=strange, headers=headers).status_code == 200
    evil = "<script>alert(1)</script>\u202eevil"
    person = {"id": 5, "is_bot": False, "first_name": evil, "username": "<b>"}
    said = {**plain, "chat": chat, "from": person, "message_id": 9, "text": evil + "\x00"}
    raw = orjson.dumps({"update_id": 3, "message": said})
    assert httpx.post(door, content=raw, headers=headers).status_code == 200
    town.drive()
    assert Arrival.objects.filter(state=ArrivalState.PARKED).count() == 4
    kept = Message.objects.get()
    assert kept.text == evil + "\ufffd"
    assert kept.case is not None
    assert kept.case.customer.name == "<script>alert(1)</script>evil"


def test_check_tells_how_it_stands(town: Town, place: Telegram, inbox: Inbox) -> None:
    channel = registry.get("telegram")
    assert channel.check(config(inbox)).startswith(
        "Connected to @LumaHelpBot (Luma Help). Telegram delivers to 127.0.0.1"
    )
    town.stand.point("telegram", "")
    assert "no webhook address" in channel.check(config(inbox))
    told = actions.update_settings(inbox.pk, {"public_url": town.door})
    assert "has been told to deliver to 127.0.0.1" in channel.check(config(told))
    assert place.webhook.url == town.door + inbox.webhook_path
    assert "Telegram delivers to 127.0.0.1" in channel.check(config(told))
    private(place, "Now it works")
    town.drive()
    assert texts() == ["Now it works"]
    place.token = "900:AAanother-token-that-is-valid-now"
    with pytest.raises(ChannelError, match="does not know the bot token"):
        channel.check(config(inbox))
