"""What the chat keeps from whom: forged and spent tokens, others' words, floods, hostile bodies."""

from __future__ import annotations

import base64
import threading
import time
from functools import partial
from typing import Any

import jwt
import pytest
from django.test import Client

from parlour.cases import actions as cases
from parlour.cases.models import Case, Delivery, Message, Thread
from parlour.channels import actions as channels
from parlour.channels import queries
from parlour.channels.chat import visitors
from parlour.channels.models import Inbox
from parlour.chat import stream
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.traffic import pipeline, signals
from parlour.traffic.models import Arrival, ArrivalState
from tests.channels.chatting import Chat, calm
from tests.desk import eventually

pytestmark = pytest.mark.whole
PROXIED = {"x-forwarded-for": "1.1.1.1"}
"""Anybody can write that."""


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
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    token = chat.session(identity=chat.site.token(person))["token"]
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


def test_only_the_visitor_who_is_answered_sees_that_somebody_writes(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.1)
    mine, other = chat.session()["token"], chat.session()["token"]
    chat.write(mine, "Hello?")
    heard: dict[str, list[str]] = {"mine": [], "other": []}

    def listen(name: str, token: str) -> None:
        with chat.client(token) as client, client.stream("GET", f"/chat/{chat.inbox.key}/stream") as answer:
            for line in answer.iter_lines():
                heard[name].append(line)
                if heard[name].count(": still here") > 5:
                    return

    threads = [threading.Thread(target=listen, args=pair) for pair in (("mine", mine), ("other", other))]
    for thread in threads:
        thread.start()
    eventually(lambda: all("event: hello" in lines for lines in heard.values()))
    said = Message.objects.select_related("inbox").get()
    assert signals.typing(said)
    eventually(lambda: "event: writing" in heard["mine"])
    for thread in threads:
        thread.join(5)
    assert "event: change" not in heard["mine"]
    assert "event: writing" not in heard["other"]


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


def test_the_token_of_a_guest_is_spent_once_they_have_signed_in(chat: Chat) -> None:
    """Somebody else may know it: a computer in a library has it in its storage."""
    guest = chat.session()["token"]
    chat.write(guest, "hello")
    ada, eve = (chat.town.call(partial(chat.site.person, name)) for name in ("Ada Stern", "Eve Rabe"))
    known = chat.session(token=guest, identity=chat.site.token(ada))["token"]
    chat.write(known, "My card ends in 1234.", "22222222-bbbb")

    event = {"type": "message", "id": "33333333-cccc", "text": "and?"}
    answer = chat.post(guest, event)
    assert (answer.status_code, "signed in" in answer.json()["detail"]) == (403, True)
    with chat.client(guest) as client:
        answer = client.get(f"/chat/{chat.inbox.key}/messages")
        assert (answer.status_code, "signed in" in answer.json()["error"]) == (403, True)
        assert client.get(f"/chat/{chat.inbox.key}/stream").status_code == 401
    fresh = chat.session(token=guest)["token"]
    assert chat.lines(fresh) == []

    # Whoever shows it with a right of their own gets nothing of hers, and she nothing of theirs.
    theirs = chat.session(token=guest, identity=chat.site.token(eve))["token"]
    chat.write(theirs, "Please change my address.", "44444444-dddd")
    assert chat.lines(theirs) == [(True, "Please change my address.")]
    owners = dict(Identity.objects.values_list("external_id", "customer_id"))
    assert owners[ada] != owners[eve]
    case = Case.objects.get(customer_id=owners[ada])
    said = list(Message.objects.filter(case=case).order_by("pk").values_list("text", flat=True))
    assert said == ["hello", "My card ends in 1234."]
    chat.town.answer(case, "Your card 1234 is blocked.")
    assert chat.lines(theirs) == [(True, "Please change my address.")]
    # She herself, in a window that still has it, keeps what she has written.
    again = chat.session(token=guest, identity=chat.site.token(ada))["token"]
    assert chat.lines(again)[0] == (True, "hello")
    assert chat.lines(again)[-1] == (False, "Your card 1234 is blocked.")


def test_words_on_their_way_while_a_guest_signs_in(chat: Chat) -> None:
    guest = chat.session()["token"]
    assert chat.post(guest, {"type": "message", "id": "11111111-aaaa", "text": "hello"}).status_code == 200
    ada = chat.town.call(lambda: chat.site.person("Ada Stern"))
    known = chat.session(token=guest, identity=chat.site.token(ada))["token"]
    chat.town.drive()
    assert chat.lines(known) == [(True, "hello")]
    assert Customer.objects.count() == 1
    assert chat.post(guest, {"type": "message", "id": "22222222-bbbb", "text": "and?"}).status_code == 403


def test_a_token_opens_its_own_thread_of_its_own_inbox_only(chat: Chat) -> None:
    guest, other = chat.session()["token"], chat.session()["token"]
    chat.write(guest, "<img src=x onerror=alert(1)>")
    chat.write(other, "The other's words.")
    case = Case.objects.get(messages__text__startswith="<img")
    cases.add_note(case.pk, by=chat.town.agent(), text="A secret note.")
    chat.town.answer(case, "<b>Hello</b>")
    # Kept and told as it was written: it is text, and told as JSON, never as a page.
    with chat.client(guest) as client:
        answer = client.get(f"/chat/{chat.inbox.key}/messages")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert chat.lines(guest) == [(True, "<img src=x onerror=alert(1)>"), (False, "<b>Hello</b>")]

    # A chat of the same secret, with a thread of the same name.
    same = {"origins": "https://nord.example", "secret": chat.site.secret}
    nord = channels.connect_inbox("chat", "Nord", "Nord's chat", same)
    thread = Message.objects.filter(case=case, thread__isnull=False)[0].thread
    assert thread is not None
    twin = Thread.objects.get(pk=thread.pk)
    twin.pk, twin.inbox = None, nord
    twin.save(force_insert=True)
    Message.objects.filter(text="The other's words.").update(thread=twin)
    assert "The other's words." not in str(chat.read(guest))
    with chat.client(guest) as client:
        assert client.get(f"/chat/{nord.key}/messages").status_code == 401
        event = {"type": "message", "id": "22222222-bbbb", "text": "hm"}
        assert client.post(nord.webhook_path, json=event).status_code == 403


def test_hostile_names_are_text_at_the_desk(chat: Chat, client: Client) -> None:
    name = "<script>alert(1)</script>"
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    chat.write(chat.site.token(person, name=name), "<img src=x onerror=alert(2)>")
    client.force_login(chat.town.agent())
    page = client.get(f"/case/{Case.objects.get().pk}").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


def test_one_address_begins_only_so_many_chats(chat: Chat, client: Client) -> None:
    def begin(address: str, **told: str) -> int:
        path = f"/chat/{chat.inbox.key}/session"
        answer = client.post(path, told, content_type="application/json", headers=PROXIED, REMOTE_ADDR=address)
        return answer.status_code

    told = [begin("93.184.216.34") for _ in range(62)]
    assert told.count(200) >= 60
    assert told[-1] == 429
    assert begin("93.184.216.35") == 200
    # Who was here already, or is vouched for, begins nothing new.
    assert begin("93.184.216.34", token=chat.session()["token"]) == 200
    person = chat.town.call(lambda: chat.site.person("Ada Stern"))
    assert begin("93.184.216.34", identity=chat.site.token(person)) == 200
    assert {begin(f"2606:4700::{number:x}") for number in range(1, 70)} == {200, 429}
    # A proxy's address is everybody's.
    assert {begin("10.0.0.7") for _ in range(70)} == {200}
