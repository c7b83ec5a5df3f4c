"""The Graph stand-in: each endpoint, its refusals, and the webhooks that follow."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from parlour.playground.faults import Bucket, Fault
from parlour.playground.web import Drop, Reply, Request
from parlour.playground.wires import PAGE_ID, made_up
from parlour.playground.world import World

TOKEN = "stand-in-page-token"


class Client:
    """Calls the API in this thread and keeps the webhooks that would have been mailed."""

    def __init__(self, **options: Any) -> None:
        self.world = World(made_up(), **options)
        self.mailed: list[tuple[str, dict[str, Any]]] = []
        self.page = self.world.page
        self.api = self.world.graph_api
        self.page.mail = lambda target, payload, _delay: self.mailed.append((target, payload))

    def call(self, method: str, path: str, body: Any = None, token: str | None = TOKEN, **query: str) -> Reply:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if isinstance(body, dict):
            headers["content-type"] = "application/json"
            body = orjson.dumps(body)
        return asyncio.run(self.api.handle(Request(method, path, query, headers, body or b"")))

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        reply = self.call(method, path, body, **query)
        assert reply.status == 200, reply.body
        told: dict[str, Any] = orjson.loads(reply.body)
        return told

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, int | None]:
        reply = self.call(method, path, body, **query)
        assert reply.status >= 400
        error = orjson.loads(reply.body)["error"]
        return error["code"], error.get("error_subcode")

    def changes(self) -> list[dict[str, Any]]:
        return [
            entry["changes"][0]["value"]
            for target, body in self.mailed
            if target == "facebook"
            for entry in body["entry"]
        ]

    def events(self) -> list[dict[str, Any]]:
        return [
            entry["messaging"][0] for target, body in self.mailed if target == "messenger" for entry in body["entry"]
        ]


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def comment(client: Client) -> str:
    post = client.page.post(None, "Offer")
    return client.page.comment(client.page.person("Ada Stern"), "Where is it?", post.id).id


def send(text: str, **recipient: str) -> dict[str, Any]:
    return {"recipient": recipient, "messaging_type": "RESPONSE", "message": {"text": text, "metadata": "ref-1"}}


def test_a_comment_is_answered_in_public_and_echoed(client: Client, comment: str) -> None:
    answer = client.ok("POST", f"/v25.0/{comment}/comments", urlencode({"message": "We look ✓"}).encode())
    made = client.page.posts[answer["id"]]
    assert (made.text, made.parent_id, made.author) == ("We look ✓", comment, None)
    echo = client.changes()[-1]
    assert echo["from"] == {"id": PAGE_ID, "name": "Luma"}
    assert (echo["comment_id"], echo["parent_id"], echo["verb"]) == (made.id, comment, "add")


def test_a_token_is_needed_in_header_or_parameter(client: Client, comment: str) -> None:
    assert client.call("POST", f"/{comment}/likes", token=None).status == 401
    reply = client.call("GET", "/me", token=None, access_token="wrong")
    assert orjson.loads(reply.body)["error"]["code"] == 190
    assert client.call("GET", "/me", token=None, access_token=TOKEN).status == 200
    assert all("access_token" not in params for _, _, params in client.api.requests)


def test_hide_unhide_like_and_delete(client: Client, comment: str) -> None:
    assert client.ok("POST", f"/{comment}", b"is_hidden=true") == {"success": True}
    assert client.page.posts[comment].hidden
    client.ok("POST", f"/{comment}", {"is_hidden": True})
    client.ok("POST", f"/{comment}", {"is_hidden": False})
    client.ok("POST", f"/{comment}/likes")
    assert client.page.posts[comment].liked
    client.ok("DELETE", f"/{comment}/likes")
    client.ok("DELETE", f"/{comment}")
    assert [change["verb"] for change in client.changes()[2:]] == ["hide", "unhide", "remove"]
    assert "message" not in client.changes()[-1]
    assert client.refused("POST", f"/{comment}/comments", {"message": "too late"}) == (100, 33)
    assert client.refused("DELETE", f"/{comment}") == (100, 33)


@pytest.mark.parametrize(
    "body", [{}, {"message": ""}, {"message": "  "}, {"message": 7}, {"message": "x" * 8001}, b"{"], ids=repr
)
def test_a_comment_without_words_is_refused(client: Client, comment: str, body: Any) -> None:
    before = len(client.page.answers)
    assert client.refused("POST", f"/{comment}/comments", body)[0] == 100
    assert len(client.page.answers) == before


def test_messages_need_an_open_window(client: Client) -> None:
    ada = client.page.person("Ada Stern")
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("hi", id=ada.psid)) == (10, 2018278)
    client.page.message(ada, "hello")
    assert client.ok("POST", f"/{PAGE_ID}/messages", send("hi", id=ada.psid))["recipient_id"] == ada.psid
    client.world.clock.ahead += timedelta(hours=25)
    assert client.refused("POST", "/me/messages", send("hi", id=ada.psid)) == (10, 2018278)
    tagged = {**send("hi", id=ada.psid), "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    client.ok("POST", "/me/messages", tagged)
    assert client.refused("POST", "/me/messages", {**tagged, "tag": "ACCOUNT_UPDATE"})[0] == 100
    client.world.clock.ahead += timedelta(days=6)
    assert client.refused("POST", "/me/messages", tagged) == (10, 2018278)
    assert [line.text for line in client.page.sent] == ["hi", "hi"]


def test_a_message_is_echoed_with_its_metadata_then_delivered_and_read(client: Client) -> None:
    ada = client.page.person("Ada Stern")
    client.page.message(ada, "hello")
    answer = client.ok("POST", f"/{PAGE_ID}/messages", send("hi", id=ada.psid))
    echo, delivery, read = client.events()[1:]
    assert echo["message"] == {
        "is_echo": True,
        "app_id": client.page.app_id,
        "mid": answer["message_id"],
        "text": "hi",
        "metadata": "ref-1",
    }
    assert (echo["sender"]["id"], echo["recipient"]["id"]) == (PAGE_ID, ada.psid)
    assert delivery["delivery"]["watermark"] == read["read"]["watermark"] == echo["timestamp"]


def test_a_private_reply_goes_once_within_a_week(client: Client, comment: str) -> None:
    ada = client.page.posts[comment].author
    assert ada is not None
    answer = client.ok("POST", f"/{PAGE_ID}/messages", send("In private", comment_id=comment))
    assert answer["recipient_id"] == ada.psid
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("Again", comment_id=comment)) == (10900, None)
    # It does not open the window: the person has to answer first.
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("More", id=ada.psid)) == (10, 2018278)
    client.page.message(ada, "yes?")
    client.ok("POST", f"/{PAGE_ID}/messages", send("More", id=ada.psid))
    own = client.page.post(None, "Ours")
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("x", post_id=own.id))[0] == 10902
    late = client.page.post(ada, "Another")
    client.world.clock.ahead += timedelta(days=8)
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("x", post_id=late.id)) == (10, 2018278)


def test_people_who_cannot_be_reached(client: Client) -> None:
    ada = client.page.person("Ada Stern")
    client.page.message(ada, "hello")
    client.page.chats[ada.psid].blocked = True
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("hi", id=ada.psid)) == (551, 1545041)
    assert client.refused("GET", f"/{ada.psid}") == (100, 2018218)
    assert client.refused("POST", f"/{PAGE_ID}/messages", send("hi", id="999")) == (100, 2018001)
    assert client.refused("POST", "/12345/messages", send("hi", id=ada.psid))[0] == 200


@pytest.mark.parametrize(
    "message",
    [None, {}, {"text": ""}, {"text": "x" * 2001}, {"text": "x", "metadata": "y" * 1001}, [], "{", 3],
    ids=repr,
)
def test_malformed_messages_are_refused(client: Client, message: Any) -> None:
    ada = client.page.person("Ada Stern")
    client.page.message(ada, "hello")
    body = {"recipient": {"id": ada.psid}, "message": message}
    assert client.refused("POST", f"/{PAGE_ID}/messages", body)[0] == 100
    assert client.page.sent == []


def test_sender_actions_and_look_ups(client: Client, comment: str) -> None:
    ada = client.page.posts[comment].author
    assert ada is not None
    client.ok("POST", f"/{PAGE_ID}/messages", {"recipient": {"id": ada.psid}, "sender_action": "typing_on"})
    assert client.page.chats[ada.psid].typing
    client.ok("POST", f"/{PAGE_ID}/messages", {"recipient": {"id": ada.psid}, "sender_action": "mark_seen"})
    assert client.ok("GET", "/me", fields="name") == {"id": PAGE_ID, "name": "Luma"}
    profile = client.ok("GET", f"/{ada.psid}", fields="first_name,last_name,profile_pic")
    assert (profile["first_name"], profile["last_name"]) == ("Ada", "Stern")
    told = client.ok("GET", f"/v26.0/{comment}", fields="from,message,can_reply_privately")
    assert told == {
        "id": comment,
        "message": "Where is it?",
        "from": {"id": ada.id, "name": "Ada Stern"},
        "can_reply_privately": True,
    }


def test_failures_come_when_ordered_and_only_where_ordered(client: Client, comment: str) -> None:
    path = f"/{comment}/comments"
    client.api.faults.add(Fault(status=500, code=2, method="POST", path="/comments"), times=2)
    client.ok("GET", "/me")
    assert client.refused("POST", path, {"message": "a"}) == (2, None)
    assert client.refused("POST", path, {"message": "a"}) == (2, None)
    client.ok("POST", path, {"message": "a"})
    client.api.faults.add(Fault(how="drop"))
    client.api.faults.add(Fault(how="drop_after"))
    for expected in (1, 2):
        with pytest.raises(Drop):
            client.call("POST", path, {"message": "b"})
        assert len(client.page.answers) == expected


def test_the_page_s_rate_limit(client: Client) -> None:
    seconds = iter([0.0, 0.0, 0.0, 0.0, 5.0])
    client.api.bucket = Bucket(2, 10.0, now=lambda: next(seconds))
    client.ok("GET", "/me")
    client.ok("GET", "/me")
    reply = client.call("GET", "/me")
    assert orjson.loads(reply.body)["error"]["code"] == 613
    usage = orjson.loads(reply.headers["x-business-use-case-usage"])[PAGE_ID][0]
    assert usage["estimated_time_to_regain_access"] == 1
    client.ok("GET", "/me")


def test_ids_of_an_earlier_run_are_taken_on_trust_only_when_forgiving(client: Client) -> None:
    lost = "17000000000000001_17000000000000002"
    assert client.refused("POST", f"/{lost}/comments", {"message": "x"}) == (100, 33)
    forgiving = Client(forgiving=True)
    forgiving.ok("POST", f"/{lost}/comments", {"message": "x"})
    assert forgiving.page.answers[0].parent_id == lost
    forgiving.ok("POST", f"/{PAGE_ID}/messages", send("x", id="17000000000000003"))
    assert forgiving.refused("POST", "/nonsense/comments", {"message": "x"}) == (100, 33)


def test_public_and_private_ids_of_a_person_differ_and_never_repeat(client: Client) -> None:
    people = [client.page.person("Ada Stern") for _ in range(50)]
    assert len({number for person in people for number in (person.id, person.psid)}) == 100
