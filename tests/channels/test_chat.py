"""The chat end to end: visitors by the widget's HTTP protocol, through the real door, views and stream, and the desk's answers back."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from functools import partial

import pytest

from parlour.cases import actions as cases
from parlour.cases import files as case_files
from parlour.cases.models import Attachment, Case, DeliveryState, FileState, Message
from parlour.channels import actions as channels
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from tests.channels.chatting import Chat, calm
from tests.desk import eventually

pytestmark = pytest.mark.whole


def test_words_come_in_and_answers_are_read(chat: Chat) -> None:
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    chat.town.call(lambda: chat.site.say(person, "Why was I charged twice?", private=True))
    assert chat.town.drive() == 1
    case = Case.objects.get()
    said = Message.objects.get()
    assert (said.text, said.visibility, said.channel) == ("Why was I charged twice?", "private", "chat")
    identity = Identity.objects.get()
    assert (identity.realm, identity.external_id, identity.name) == (f"chat:{chat.inbox.key}", person, "Ada Stern")
    assert identity.verified
    ours = chat.town.answer(case, "I look into it.")
    assert chat.town.delivery(ours).state == DeliveryState.SENT
    eventually(lambda: chat.site.sent)
    assert [words.text for words in chat.site.sent] == ["I look into it."]

    # It was read, says the widget; and nothing is stored twice.
    chat.town.drive()
    assert chat.town.delivery(ours).state == DeliveryState.READ
    assert Message.objects.count() == 2


def test_answers_to_choose_from_reach_the_widget(chat: Chat) -> None:
    token = chat.session()["token"]
    chat.write(token, "Where is my parcel?")
    chat.town.answer(Case.objects.get(), "Is it this one?", choices=["Yes <b>", "No"])
    theirs = [one for one in chat.read(token)["messages"] if not one["mine"]]
    assert [(one["text"], one["choices"]) for one in theirs] == [("Is it this one?", ["Yes <b>", "No"])]


def test_a_guest_is_one_person_and_sees_only_what_was_said(chat: Chat) -> None:
    token = chat.session()["token"]
    chat.write(
        token,
        "Is anybody there?",
        language="de-CH",
        page={"url": "https://www.luma.example/a?b=c#d", "title": "Offers"},
    )
    case = Case.objects.get()
    said = Message.objects.get()
    assert said.meta["page"] == {"url": "https://www.luma.example/a", "title": "Offers"}
    assert Customer.objects.get().name.startswith("Visitor ")

    agent = chat.town.agent()
    cases.add_note(case.pk, by=agent, text="A secret note.")
    chat.town.answer(case, "Hello!")
    held = cases.reply(case.pk, by=agent, text="Wait, I take this back.", visibility="private", hold_seconds=60)
    assert chat.lines(token) == [(True, "Is anybody there?"), (False, "Hello!")]
    cases.cancel_reply(held.pk, by=agent)
    assert chat.lines(token) == [(True, "Is anybody there?"), (False, "Hello!")]

    # Deleted at the desk is gone at the visitor's.
    ours = Message.objects.get(text="Hello!")
    cases.act(ours.pk, "delete", by=agent)
    chat.town.send()
    assert chat.lines(token) == [(True, "Is anybody there?")]

    # The same visitor comes again, with a fresh token for the same conversation.
    again = chat.session(token=token)["token"]
    chat.write(again, "Hello again", "22222222-bbbb")
    assert Customer.objects.count() == Case.objects.count() == 1
    assert [text for _, text in chat.lines(again)] == ["Is anybody there?", "Hello again"]


def test_the_same_words_twice_are_kept_once(chat: Chat) -> None:
    token = chat.session()["token"]
    for _ in range(3):
        chat.write(token, "My phone is broken.")
    chat.post(token, {"type": "message", "id": "33333333-cccc", "text": "later"})
    chat.post(token, {"type": "message", "id": "44444444-dddd", "text": "latest"})
    chat.town.drive()
    assert [text for _, text in chat.lines(token)] == ["My phone is broken.", "later", "latest"]


def test_an_hour_without_the_desk_loses_nothing(chat: Chat) -> None:
    """The widget tries again, and what a broken line swallowed is told once."""
    target = chat.town.stand.world.postman.targets["chat"]
    right, target.url = target.url, "http://127.0.0.1:9/in/chat/nowhere"
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    for text in ("one", "two", "three"):
        chat.town.call(partial(chat.site.say, person, text, private=True))
    time.sleep(0.3)
    target.url = right
    chat.town.drive()
    assert sorted(message.text for message in Message.objects.all()) == ["one", "three", "two"]


def test_files_come_along(chat: Chat) -> None:
    token = chat.session()["token"]
    big = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 2_900_000).decode()
    files = [{"name": "../../<b>screen\u202egnp.exe", "mime": "image/png", "content": big}]
    event = {"type": "message", "id": "44444444-dddd", "text": "See:", "files": files}
    small = {**event, "files": [{"content": "eA=="}]}
    for refused in (event, small):
        answer = chat.post(token, refused)
        assert answer.status_code == 403
        assert "few words" in answer.json()["detail"]
    chat.write(token, "I show you.", "55555555-eeee")
    assert chat.post(token, small).status_code == 403
    token = chat.session(token=token)["token"]
    chat.write(token, "", files=files)
    file = Attachment.objects.get()
    assert (file.kind, file.mime, file.size) == ("image", "image/png", 2_900_008)
    assert "\u202e" not in file.name
    assert "/" not in file.name
    (told,) = chat.read(token)["messages"][-1]["files"]
    assert (told["kind"], told["id"]) == ("image", file.pk)
    address = f"/chat/{chat.inbox.key}/file/{file.pk}"
    with chat.client(token) as client:
        answer = client.get(address)
        assert (answer.headers["content-type"], len(answer.content)) == ("image/png", 2_900_008)
        assert "sandbox" in answer.headers["content-security-policy"]
    with chat.client(chat.session()["token"]) as client:
        assert client.get(address).status_code == 404
        assert client.get(f"/chat/{chat.inbox.key}/file/{2**70}").status_code == 404
    with chat.client() as client:
        assert client.get(address).status_code == 401

    # A program is not kept, and what is sent from the desk can be had.
    chat.write(
        token,
        "",
        "33333333-cccc",
        files=[{"name": "a.png", "mime": "image/png", "content": base64.b64encode(b"MZ" * 50).decode()}],
    )
    assert Attachment.objects.get(name__startswith="a").state == FileState.REFUSED
    agent = chat.town.agent()
    bill = case_files.upload(agent, "bill.html", b"<script>alert(1)</script>")
    case_files.attach(chat.town.answer(Case.objects.get(), "Your bill."), [bill])
    (told,) = chat.read(token)["messages"][-1]["files"]
    with chat.client(token) as client:
        answer = client.get(f"/chat/{chat.inbox.key}/file/{told['id']}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
    calm()
    more = base64.b64encode(b"x" * 3_000_001).decode()
    answer = chat.post(token, {"type": "message", "id": "22222222-bbbb", "files": [{"content": more}]})
    assert answer.status_code == 400
    assert "bytes" in answer.json()["detail"]


def test_an_address_left_in_the_night(chat: Chat) -> None:
    night = {"hours": "mon 00:00-00:01", "timezone": "UTC"}
    with clock.frozen(clock.now().replace(hour=12) + timedelta(days=(1 - clock.now().weekday()) % 7)):
        channels.update_settings(chat.inbox.pk, night)
        with chat.client() as client:
            told = client.get(f"/chat/{chat.inbox.key}/hours").json()
            assert told["opens"].endswith("T00:00:00+00:00")
            channels.update_settings(chat.inbox.pk, {"hours": ""})
            assert client.get(f"/chat/{chat.inbox.key}/hours").json() == {"opens": None}
    token = chat.session()["token"]
    chat.write(token, "Please write to me.", email="jana@mail.example")
    assert Identity.objects.get().email == "jana@mail.example"
    assert not Identity.objects.get().verified


def test_receipts_by_how_far_was_read(chat: Chat) -> None:
    token = chat.session()["token"]
    chat.write(token, "Hello?")
    first = chat.town.answer(Case.objects.get(), "One")
    until = chat.read(token)["messages"][-1]["at"]
    assert chat.post(token, {"type": "delivered", "until": until}).status_code == 200
    chat.town.drive()
    assert chat.town.delivery(first).state == DeliveryState.DELIVERED
    second = chat.town.answer(Case.objects.get(), "Two")
    Message.objects.filter(pk=second.pk).update(sent_at=clock.now() + timedelta(seconds=30))
    assert chat.post(token, {"type": "read", "until": "2999-01-01T00:00:00+00:00"}).status_code == 200
    chat.town.drive()
    assert chat.town.delivery(first).state == DeliveryState.READ
    # Nobody has read what was not said yet when the receipt came.
    assert chat.town.delivery(second).state == DeliveryState.SENT


def test_earlier_pages(chat: Chat) -> None:
    token = chat.session()["token"]
    for number in range(3):
        chat.write(token, f"{number}", f"{number:08}-page")
    said = list(Message.objects.order_by("pk"))
    for number in range(60):
        copy = Message.objects.get(pk=said[0].pk)
        copy.pk, copy.external_id, copy.text = None, f"x/{number:08}-old", f"old {number}"
        copy.sent_at = said[0].sent_at - timedelta(minutes=100 - number)
        copy.save(force_insert=True)
    page = chat.read(token)
    assert len(page["messages"]) == 50
    before = chat.read(token, before=page["earlier"])
    assert before["earlier"] is None
    texts = [one["text"] for one in [*before["messages"], *page["messages"]]]
    assert texts == [*(f"old {number}" for number in range(60)), "0", "1", "2"]
    with chat.client(token) as client:
        for cursor in ("x", "é", "MjAyNnw1", "=" * 9):
            assert client.get(f"/chat/{chat.inbox.key}/messages", params={"before": cursor}).status_code == 400


def test_twice_and_out_of_order(chat: Chat) -> None:
    """A widget that tries again over a bad line."""
    habits = chat.town.stand.world.postman.habits
    habits.duplicates, habits.reorder, habits.held = 1.0, 0.5, 0.1
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    for number in range(8):
        chat.town.call(partial(chat.site.say, person, f"line {number}", private=True))
    chat.town.drive()
    texts = sorted(Message.objects.values_list("text", flat=True))
    assert texts == [f"line {number}" for number in range(8)]
