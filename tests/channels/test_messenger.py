"""Messenger against its stand-in: through the real door, by the real road."""

from __future__ import annotations

import time
from datetime import timedelta

import httpx
import orjson
import pytest
from django.utils import timezone

from parlour.cases import actions as cases
from parlour.cases import files
from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, Message, Thread
from parlour.channels.models import Inbox
from parlour.customers.models import Identity
from parlour.lib.signing import hex_signature
from parlour.playground.faults import Fault
from parlour.playground.graph_state import FacebookPage
from parlour.playground.postman import Habits
from parlour.traffic import profiles
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town
from tests.town import town as begin_town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(town: Town) -> FacebookPage:
    town.connect("messenger", handshake=True)
    found = town.stand.graph
    found.delivered_after, found.read_after = 0.02, 0.05
    return found


def test_words_in_an_answer_out_and_its_receipts(town: Town, page: FacebookPage) -> None:
    line = town.stand.say_private("Ana", "Where is my parcel?")
    town.drive()
    ours = town.answer(Case.objects.get(), "On its way.")
    ana = town.stand.person("Ana")
    town.call(lambda: page.react(ana, page.sent[0].mid))
    town.call(lambda: page.edit_message(ana, line.mid, "Where is my parcel, order 1234?"))
    town.drive()
    assert town.delivery(ours).state == DeliveryState.READ
    assert Message.objects.get(pk=ours.pk).meta["reactions"] == {ana.psid: "❤"}
    assert [message.text for message in Message.objects.order_by("id")] == [
        "Where is my parcel, order 1234?",
        "On its way.",
    ]


def test_answers_written_elsewhere_count(town: Town, page: FacebookPage) -> None:
    town.stand.say_private("Ana", "Hello?")
    town.drive()
    chat = page.chats[town.stand.person("Ana").psid]
    town.call(lambda: page.page_message(chat, "Hi Ana, written in Meta's inbox.", app_id=263902037430900))
    town.drive()
    case = Case.objects.get()
    assert case.waiting_since is None
    assert Message.objects.filter(direction="out").count() == 1


def test_files_in_and_out(town: Town, page: FacebookPage) -> None:
    ana = town.stand.person("Ana")
    photo = {"type": "image", "payload": {"url": "https://cdn.example/cup.jpg"}}
    town.call(lambda: page.message(ana, "Look", attachments=(photo,)))
    town.drive()
    assert Attachment.objects.get().kind == "image"
    sent = [files.upload(town.agent(), name, content) for name, content in FILES.items()]
    ours = town.answer(Case.objects.get(), "Is it this one?", files=[one.pk for one in sent], choices=["Yes", "No"])
    assert [("".join(file.name for file in line.files), line.text, line.choices) for line in page.sent] == [
        ("cup.png", "", ()),
        ("terms.pdf", "", ()),
        ("", "Is it this one?", ("Yes", "No")),
    ]
    uploads = town.stand.graph_api.uploads.values()
    assert [(upload.kind, upload.content) for upload in uploads] == [
        ("image", FILES["cup.png"]),
        ("file", FILES["terms.pdf"]),
    ]
    town.drive()
    assert town.delivery(ours).state == DeliveryState.READ
    assert Message.objects.filter(direction="out").count() == 1


FILES = {
    "cup.png": b"\x89PNG\r\n\x1a\n" + b"0" * 200,
    "terms.pdf": b"%PDF-1.4\n%%EOF\n" + b" " * 100,
}


def test_their_words_are_marked_as_seen(town: Town, page: FacebookPage) -> None:
    town.stand.say_private("Ana", "Hello?")
    town.drive()
    cases.act(Message.objects.get().pk, "seen", by=town.agent())
    town.send()
    assert Delivery.objects.get().state == DeliveryState.SENT
    assert page.chats[town.stand.person("Ana").psid].seen_at is not None


def test_the_windows(town: Town, page: FacebookPage) -> None:
    town.stand.say_private("Ana", "Hello")
    town.drive()
    case, thread = Case.objects.get(), Thread.objects.get()
    page.clock.ahead = timedelta(days=2)
    Thread.objects.update(last_inbound_at=timezone.now() - timedelta(days=2))
    late = town.answer(case, "Sorry for the wait.")
    assert town.delivery(late).state == DeliveryState.SENT
    assert town.stand.graph_api.requests[-1][2]["tag"] == "HUMAN_AGENT"
    page.clock.ahead = timedelta(days=8)
    closed = town.answer(case, "And now?")
    assert town.delivery(closed).error_kind == "window_closed"
    assert thread.address


def test_refusals_are_told_in_the_platforms_words(town: Town, page: FacebookPage) -> None:
    town.stand.say_private("Ana", "Hello")
    town.drive()
    case, api = Case.objects.get(), town.stand.graph_api
    api.faults.add(Fault(code=613, status=429, words="(#613) Too many calls."))
    slow = town.answer(case, "One moment.")
    assert town.delivery(slow).error_kind == "rate_limited"
    Delivery.objects.update(due_at=timezone.now())
    town.send()
    assert town.delivery(slow).state == DeliveryState.SENT
    page.chats[town.stand.person("Ana").psid].blocked = True
    blocked = town.answer(case, "Hello?")
    assert (town.delivery(blocked).error_kind, town.delivery(blocked).error_words) == (
        "recipient_unavailable",
        "(#551) This person isn't available right now.",
    )
    api.access_token = "another"
    town.answer(case, "Still there?")
    assert Inbox.objects.get().health == Inbox.Health.ATTENTION
    assert len(page.sent) == 1


def test_an_answer_without_an_answer_is_confirmed_by_its_echo(town: Town, page: FacebookPage) -> None:
    town.stand.say_private("Ana", "Hello")
    town.drive()
    town.stand.graph_api.faults.add(Fault("drop_after", path="/messages"))
    ours = town.answer(Case.objects.get(), "We are on it.")
    assert town.delivery(ours).state == DeliveryState.UNCERTAIN
    town.drive()
    assert town.delivery(ours).state in (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ)
    assert Message.objects.filter(direction="out").count() == len(page.sent) == 1


def test_names_are_asked_for(town: Town, page: FacebookPage) -> None:
    town.stand.say_private("Ana Petrova", "Hello")
    town.drive()
    profiles.ask()
    assert Identity.objects.get().name == "Ana Petrova"


def test_bad_mail_loses_and_doubles_nothing() -> None:
    with begin_town(Habits(backoff=(0.05, 0.1, 0.2), duplicates=0.5, reorder=0.5, held=0.2, batch=5)) as town:
        town.connect("messenger")
        page = town.stand.graph
        people = [town.stand.person(name) for name in ("Ana", "Ben", "Chloé")]

        def talk() -> None:
            for number in range(12):
                line = page.message(people[number % 3], f"words {number}")
                if number % 4 == 0:
                    page.edit_message(people[number % 3], line.mid, f"better {number}")

        town.call(talk)
        town.drive()
        Arrival.objects.filter(state=ArrivalState.NEW).update(due_at=timezone.now())
        town.drive()
        texts = set(Message.objects.values_list("text", flat=True))
        assert texts == {f"{'better' if number % 4 == 0 else 'words'} {number}" for number in range(12)}
        assert (Message.objects.count(), Case.objects.count()) == (12, 3)


def test_an_hour_of_downtime_is_made_up_for_by_what_meta_sends_again(town: Town, page: FacebookPage) -> None:
    postman = town.stand.world.postman
    there, postman.targets["messenger"].url = postman.targets["messenger"].url, "http://127.0.0.1:9/nobody"
    town.stand.say_private("Ana", "First")
    town.stand.say_private("Ana", "Second")
    until = time.monotonic() + 5
    while not postman.attempts and time.monotonic() < until:
        time.sleep(0.01)
    town.stand.point("messenger", there)
    town.drive()
    assert [message.text for message in Message.objects.order_by("sent_at", "id")] == ["First", "Second"]


def test_hostile_mail(town: Town, page: FacebookPage) -> None:
    inbox = town.inboxes["messenger"]
    url, secret = town.door + inbox.webhook_path, str(inbox.settings["app_secret"])
    event = {
        "sender": {"id": "7"},
        "recipient": {"id": page.page_id},
        "timestamp": 1790000000000,
        "message": {"mid": "m_1", "text": "<img src=x onerror=alert(1)>\x00"},
    }
    entry = {"id": page.page_id, "time": 1790000000000, "messaging": [event]}
    body = orjson.dumps({"object": "page", "entry": [entry]})
    forged = httpx.post(url, content=body, headers={"x-hub-signature-256": hex_signature("guess", body)})
    assert (forged.status_code, Arrival.objects.count()) == (403, 0)
    odd: list[object] = [
        entry,
        {**entry, "messaging": [{**event, "message": {"mid": "m_2", "attachments": "x" * 50_000}}]},
        {**entry, "messaging": [{**event, "message": {"mid": "m_3", "text": ["x"]}}, None, 5]},
        {**entry, "messaging": [{**event, "sender": {"id": {"a": 1}}}]},
        {**entry, "messaging": [{"sender": {"id": "7"}, "recipient": {"id": page.page_id}, "hologram": {}}]},
        {**entry, "messaging": "none"},
        7,
    ]
    for one in odd:
        body = orjson.dumps({"object": "page", "entry": [one]})
        answer = httpx.post(url, content=body, headers={"x-hub-signature-256": hex_signature(secret, body)})
        assert answer.status_code == 200
    town.drive()
    assert Message.objects.get().text == "<img src=x onerror=alert(1)>\ufffd"
    states = set(Arrival.objects.values_list("state", flat=True))
    assert states == {ArrivalState.DONE, ArrivalState.PARKED, ArrivalState.IGNORED}


def test_what_meta_gave_up_on_is_fetched(town: Town, page: FacebookPage) -> None:
    town.drive()
    people = [town.stand.person(f"Customer {number}") for number in range(30)]
    town.stand.world.postman.targets["messenger"].url = ""

    def talk() -> None:
        for number, person in enumerate(people):
            page.message(person, f"words {number}")
        page.page_message(page.chats[people[0].psid], "Hello, from Meta's inbox.")

    town.call(talk)
    town.drive()
    assert Message.objects.filter(direction="in").count() == 30
    assert Message.objects.filter(direction="out").count() == 1
    town.drive()
    assert Message.objects.count() == 31
