"""The chat end to end: visitors by the widget's HTTP protocol, through the real door, views and stream, and the desk's answers back."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from django.db import connections

from parlour.asgi import Root
from parlour.cases import actions as cases
from parlour.cases import files as case_files
from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, FileState, Message
from parlour.channels import actions as channels
from parlour.channels import queries
from parlour.channels.chat import visitors
from parlour.channels.chat.channel import channel
from parlour.channels.chat.floods import Floods
from parlour.channels.models import Inbox
from parlour.chat import stream
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.playground.places.chat import Site
from parlour.traffic import pipeline
from parlour.traffic.models import Arrival, ArrivalState
from tests.desk import eventually
from tests.town import Town

pytestmark = pytest.mark.whole


@dataclass
class Chat:
    """A town whose chat inbox has the whole root in front of it, and visitors of it."""

    town: Town
    url: str
    inbox: Inbox

    @property
    def site(self) -> Site:
        place = self.town.place("chat")
        assert isinstance(place, Site)
        return place

    def client(self, token: str = "") -> httpx.Client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=5)

    def session(self, **told: Any) -> dict[str, Any]:
        with self.client() as client:
            answer = client.post(f"/chat/{self.inbox.key}/session", json=told)
            assert answer.status_code == 200, answer.text
            given: dict[str, Any] = answer.json()
            return given

    def post(self, token: str, event: Any, **more: Any) -> httpx.Response:
        with self.client(token) as client:
            if more:
                return client.post(f"/in/chat/{self.inbox.key}", **more)
            return client.post(f"/in/chat/{self.inbox.key}", json=event)

    def write(self, token: str, text: str, named: str = "11111111-aaaa", **more: Any) -> None:
        answer = self.post(token, {"type": "message", "id": named, "text": text, **more})
        assert answer.status_code == 200, answer.text
        self.town.drive()

    def read(self, token: str, **params: str) -> dict[str, Any]:
        with self.client(token) as client:
            answer = client.get(f"/chat/{self.inbox.key}/messages", params=params)
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            return told

    def lines(self, token: str) -> list[tuple[bool, str]]:
        return [(one["mine"], one["text"]) for one in self.read(token)["messages"]]


def calm() -> None:
    """Nobody has written much lately."""
    channel.floods = Floods()


@pytest.fixture
def chat(town: Town) -> Iterator[Chat]:
    inbox = town.connect("chat", hours="")
    calm()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(Root(), lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    def run() -> None:
        asyncio.run(server.serve(sockets=[listener]))
        connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    eventually(lambda: server.started, every_seconds=0.005)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    town.stand.point("chat", url + inbox.webhook_path)
    yield Chat(town, url, inbox)
    server.should_exit = True
    thread.join(10)
    listener.close()


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


def test_other_peoples_words_are_out_of_reach(chat: Chat) -> None:
    one, other = chat.session()["token"], chat.session()["token"]
    chat.write(one, "My card number is 4711.", "same-id-same-id")
    chat.write(other, "Somebody else.", "same-id-same-id")
    assert chat.lines(one) == [(True, "My card number is 4711.")]
    assert chat.lines(other) == [(True, "Somebody else.")]
    cursor = base64.urlsafe_b64encode(f"{clock.now().isoformat()}|{2**40}".encode()).decode()
    assert [line["text"] for line in chat.read(other, before=cursor)["messages"]] == ["Somebody else."]

    # Nothing in the body says who speaks.
    named = {"id": "visitor:somebody-else", "name": "Root", "email": "", "known": True}
    event = {"type": "message", "id": "77777777-zzzz", "text": "hm", "visitor": named}
    assert chat.post(other, {**event, "event": event}).status_code == 200
    chat.town.drive()
    assert Customer.objects.count() == 2
    assert chat.lines(other)[-1] == (True, "hm")


def test_forged_and_foreign_tokens_open_nothing(chat: Chat) -> None:
    config = queries.config(chat.inbox)
    other = channels.connect_inbox(
        "chat", "Nord", "Nord's chat", {"origins": "https://nord.example", "secret": "n" * 40}
    )
    site = chat.site
    person = chat.town.call(lambda: site.person("Ada Stern"))
    now = int(time.time())
    good = site.token(person)
    wrong = {
        "nothing": "",
        "junk": "junk",
        "of another chat": visitors.seal(queries.config(other), visitors.somebody()),
        "over": visitors.seal(config, visitors.somebody(), now=now - 91 * 86_400),
        "the site's, over": site.token(person, seconds=-120),
        "the site's, for somebody else": site.token(person, aud="another"),
        "the site's, altered": good[:-6] + "AAAAAA",
        "signed with another secret": jwt.encode({"sub": person, "exp": now + 60}, "x" * 40, algorithm="HS256"),
        "unsigned": jwt.encode({"sub": person, "exp": now + 60}, "", algorithm="none"),
        "HS512": jwt.encode({"sub": person, "exp": now + 60}, site.secret + site.secret, algorithm="HS512"),
        "without an end": jwt.encode({"sub": person}, site.secret, algorithm="HS256"),
        "as a guest": site.token("visitor:abc"),
        "without a name": site.token("  "),
        "sealed settings": Inbox.objects.get(pk=chat.inbox.pk).sealed,
    }
    with chat.client() as client:
        for what, token in wrong.items():
            headers = {"authorization": f"Bearer {token}"} if token else {}
            event = {"type": "message", "id": "11111111-aaaa", "text": "hm"}
            assert client.post(chat.inbox.webhook_path, json=event, headers=headers).status_code == 403, what
            assert client.get(f"/chat/{chat.inbox.key}/messages", headers=headers).status_code == 401, what
            assert client.get(f"/chat/{chat.inbox.key}/stream", headers=headers).status_code == 401, what
        for what in ("the site's, over", "the site's, altered", "unsigned", "without an end", "as a guest"):
            answer = client.post(f"/chat/{chat.inbox.key}/session", json={"identity": wrong[what]})
            assert answer.status_code == 403, what
            assert answer.json()["error"]
        assert client.get("/chat/there-is-no-such-key").status_code == 404
        assert client.get("/chat/there-is-no-such-key/stream").status_code == 401
    assert not Arrival.objects.exists()


def test_who_signs_in_takes_their_words_along(chat: Chat) -> None:
    guest = chat.session()["token"]
    chat.write(guest, "I want to ask something.")
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    signed = chat.site.token(person, email="ada@mail.example")
    given = chat.session(token=guest, identity=signed)
    assert given["known"]
    chat.write(given["token"], "It is me, Ada.", "22222222-bbbb")
    customer = Customer.objects.get()
    assert {one.external_id for one in customer.identities.all()} >= {person}
    assert Case.objects.filter(status="open").count() == 1
    assert [text for _, text in chat.lines(given["token"])] == ["I want to ask something.", "It is me, Ada."]
    assert Identity.objects.get(external_id=person).email == "ada@mail.example"

    # On the next page, too, and nothing is left for whoever comes after.
    given = chat.session(token=given["token"], identity=signed)
    assert len(chat.lines(given["token"])) == 2
    after = chat.session(token=given["token"])
    assert after["left"]
    assert chat.lines(after["token"]) == []
    other = chat.town.call(lambda: chat.site.person("Ben Vogel"))
    assert chat.lines(chat.session(token=given["token"], identity=chat.site.token(other))["token"]) == []


def test_bodies_of_all_sorts(chat: Chat) -> None:
    token = chat.session()["token"]
    fine = {"type": "message", "id": "11111111-aaaa", "text": "hm"}
    wrong: list[Any] = [
        None,
        [],
        5,
        "x",
        {},
        {**fine, "type": "typing"},
        {**fine, "id": "x"},
        {**fine, "id": ["a"]},
        {**fine, "text": {"a": 1}},
        {**fine, "text": "  "},
        {**fine, "text": "x" * 5_001},
        {**fine, "email": "nobody"},
        {**fine, "files": "x"},
        {**fine, "files": [{"content": "###"}]},
        {**fine, "files": [{"content": ""}]},
        {**fine, "files": [{"content": "eA=="}] * 6},
        {"type": "read", "until": "yesterday"},
        {"type": "read", "until": "2026-11-22T12:00:00"},
        {"type": "read"},
    ]
    for body in wrong:
        calm()
        answer = chat.post(token, body)
        assert answer.status_code == 400, body
        assert answer.json()["detail"]
    for raw in (b"", b"{", b"\xff\xfe", b'{"type":"message"}}', b"[" * 100_000, b'{"a":1e999999}'):
        assert chat.post(token, None, content=raw).status_code == 400, raw[:20]
    calm()
    assert chat.post(token, None, content=b"x" * (4 * 1024 * 1024 + 1)).status_code == 413
    assert not Arrival.objects.exists()

    # Half an emoji, NUL and direction marks are kept as far as they can be.
    raw = b'{"type":"message","id":"11111111-aaaa","text":"half \\ud83d and \\u0000 <script>alert(1)</script> \\u202eevil"}'
    assert chat.post(token, None, content=raw).status_code == 200
    chat.town.drive()
    assert chat.lines(token) == [(True, "half \ufffd and \ufffd <script>alert(1)</script> \u202eevil")]
    assert not Arrival.objects.filter(state=ArrivalState.PARKED).exists()


def test_files_come_along(chat: Chat) -> None:
    token = chat.session()["token"]
    big = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 2_900_000).decode()
    files = [{"name": "../../<b>screen\u202egnp.exe", "mime": "image/png", "content": big}]
    chat.write(token, "", files=files)
    file = Attachment.objects.get()
    assert (file.kind, file.mime, file.size) == ("image", "image/png", 2_900_008)
    assert "\u202e" not in file.name
    assert "/" not in file.name
    (told,) = chat.read(token)["messages"][0]["files"]
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


def test_floods_are_refused_and_others_are_heard(chat: Chat) -> None:
    loud, quiet = chat.session()["token"], chat.session()["token"]
    event = {"type": "message", "text": "spam"}
    with chat.client(loud) as client:
        statuses = [
            client.post(chat.inbox.webhook_path, json={**event, "id": f"spam-{number:08}"}).status_code
            for number in range(40)
        ]
    assert 28 <= statuses.count(200) <= 32
    assert set(statuses) == {200, 429}
    assert chat.post(quiet, {**event, "id": "11111111-aaaa"}).status_code == 200


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


def test_the_stream_tells_only_its_own_visitor(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.1)
    mine, other = chat.session()["token"], chat.session()["token"]
    heard: dict[str, list[str]] = {"mine": [], "other": []}

    def listen(name: str, token: str) -> None:
        with chat.client(token) as client, client.stream("GET", f"/chat/{chat.inbox.key}/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                heard[name].append(line)
                if heard[name].count(": still here") > 9:
                    return

    threads = [threading.Thread(target=listen, args=pair) for pair in (("mine", mine), ("other", other))]
    for thread in threads:
        thread.start()
    eventually(lambda: all("event: hello" in lines for lines in heard.values()))
    chat.write(mine, "Hello?")
    eventually(lambda: "event: change" in heard["mine"])
    heard["mine"].clear()
    chat.town.answer(Case.objects.get(), "Hello!")
    eventually(lambda: "event: change" in heard["mine"])
    for thread in threads:
        thread.join(5)
    assert "event: change" not in heard["other"]
    assert set(heard["mine"]) <= {"", "event: change", "data: {}", ": still here", "event: hello", "retry: 2000"}


def test_a_stream_too_many_is_refused(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_OF_ONE", 0)
    with chat.client(chat.session()["token"]) as client:
        assert client.get(f"/chat/{chat.inbox.key}/stream").status_code == 429


def test_what_pages_and_policies_say(chat: Chat) -> None:
    channels.update_settings(
        chat.inbox.pk,
        {
            "origins": "https://www.luma.example https://*.shop.example",
            "title": "<b>Luma</b> & friends",
            "welcome": "</script><img src=x>",
        },
    )
    with chat.client() as client:
        page = client.get(f"/chat/{chat.inbox.key}", headers={"accept-language": "xx, fr;q=0.9, de;q=0.8"})
        policy = page.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://www.luma.example https://*.shop.example")
        assert "unsafe" not in policy
        assert "set-cookie" not in page.headers
        assert '<html lang="fr">' in page.text
        assert "<img src=x>" not in page.text
        assert "<b>Luma</b>" not in page.text
        script = client.get(f"/chat/{chat.inbox.key}/widget.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert script.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "@SETTINGS@" not in script.text
        assert client.get(f"/chat/{chat.inbox.key}/session").status_code == 405
        assert client.post(f"/chat/{chat.inbox.key}/session", content=b"[]").status_code == 400
        assert client.get("/chat/static/x/../views.py").status_code == 404
        assert client.get("/chat/static/x/chat.js").headers["cache-control"] == "no-cache"
    assert pipeline.run("town") == 0
    assert not Delivery.objects.exists()
