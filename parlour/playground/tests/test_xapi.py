"""The X stand-in: each endpoint, its refusals, and the webhooks that follow."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from parlour.playground.faults import Fault, FixedWindow
from parlour.playground.web import Reply, Request
from parlour.playground.wires import X_USER_ID, made_up
from parlour.playground.world import World
from parlour.playground.x_state import XPlatform
from parlour.playground.xapi import NOT_SUMMONED, weight


class Client:
    def __init__(self, **options: Any) -> None:
        self.world = World(made_up(), **options)
        self.x: XPlatform = self.world.x
        self.api = self.world.x_api
        self.mailed: list[dict[str, Any]] = []
        self.x.mail = lambda _target, payload, _delay: self.mailed.append(payload["data"])

    def call(self, method: str, path: str, body: Any = None, token: str = "stand-in-x-token", **query: str) -> Reply:
        content = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else b""
        headers = {"authorization": f"Bearer {token}"}
        return asyncio.run(self.api.handle(Request(method, "/2" + path, query, headers, content)))

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        reply = self.call(method, path, body, **query)
        assert reply.status in (200, 201), reply.body
        told: dict[str, Any] = orjson.loads(reply.body)
        return told

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
        reply = self.call(method, path, body, **query)
        problem = orjson.loads(reply.body)
        assert reply.status == problem["status"]
        assert {"title", "detail", "type"} <= set(problem)
        return reply.status, problem["detail"]

    def kinds(self) -> list[str]:
        return [event["event_type"] for event in self.mailed]


@pytest.fixture
def client() -> Client:
    return Client()


def answer(text: str, to: str) -> dict[str, Any]:
    return {"text": text, "reply": {"in_reply_to_tweet_id": to}}


def test_a_mention_is_answered_and_our_own_post_is_told(client: Client) -> None:
    mention = client.x.tweet(client.x.user("Ada Stern"), "@LumaHelp no signal")
    made = client.ok("POST", "/tweets", answer("Which town?", mention.id))["data"]
    assert client.x.tweets[made["id"]].conversation_id == mention.id
    assert client.kinds() == ["post.mention.create", "post.create"]
    told = client.mailed[-1]
    assert told["filter"] == {"user_id": X_USER_ID}
    assert told["payload"]["referenced_tweets"] == [{"type": "replied_to", "id": mention.id}]
    assert told["payload"]["author_id"] == X_USER_ID


def test_only_those_who_summoned_us_may_be_answered(client: Client) -> None:
    ada = client.x.user("Ada Stern")
    stranger = client.x.tweet(ada, "Luma has no signal")
    assert client.kinds() == []
    assert client.refused("POST", "/tweets", answer("Hi", stranger.id)) == (403, NOT_SUMMONED)
    ours = client.x.tweet(client.x.brand, "Good morning")
    reply = client.x.tweet(ada, "not so good", ours.id)
    client.ok("POST", "/tweets", answer("Oh?", reply.id))
    quote = client.x.tweet(ada, "look at this", quoted=ours.id)
    client.ok("POST", "/tweets", answer("Thanks", quote.id))
    client.api.summoned_only = False
    client.ok("POST", "/tweets", answer("Hi", stranger.id))
    assert client.kinds()[1:4] == ["post.reply.create", "post.create", "post.quote.create"]


def test_a_reply_that_mentions_us_comes_as_two_deliveries_of_one_post(client: Client) -> None:
    ours = client.x.tweet(client.x.brand, "Good morning")
    reply = client.x.tweet(client.x.user("Ada Stern"), "@LumaHelp no", ours.id)
    told = client.mailed[1:]
    assert [event["event_type"] for event in told] == ["post.reply.create", "post.mention.create"]
    assert {event["payload"]["id"] for event in told} == {reply.id}
    assert len({event["event_uuid"] for event in told}) == 2


@pytest.mark.parametrize(
    "body", [{}, {"text": " "}, {"text": 1}, {"text": "a", "reply": 3}, b"{", b"[]", {"text": "a" * 281}], ids=repr
)
def test_malformed_posts_are_refused(client: Client, body: Any) -> None:
    assert client.refused("POST", "/tweets", body)[0] == 400
    assert client.x.sent_tweets == []


def test_posts_that_are_gone_doubled_or_not_ours(client: Client) -> None:
    mention = client.x.tweet(client.x.user("Ada Stern"), "@LumaHelp no signal")
    client.ok("POST", "/tweets", answer("Hi", mention.id))
    assert "duplicate" in client.refused("POST", "/tweets", answer("Hi", mention.id))[1]
    assert client.refused("DELETE", f"/tweets/{mention.id}")[0] == 403
    client.x.remove(mention.id)
    assert client.refused("POST", "/tweets", answer("Still?", mention.id))[0] == 403
    assert client.refused("DELETE", f"/tweets/{mention.id}")[0] == 404
    # A look-up of something gone is a success that carries only errors.
    assert client.ok("GET", f"/tweets/{mention.id}")["errors"][0]["resource_id"] == mention.id
    mine = client.x.sent_tweets[0]
    assert client.ok("DELETE", f"/tweets/{mine.id}") == {"data": {"deleted": True}}


def test_replies_are_hidden_only_in_our_conversations(client: Client) -> None:
    ada = client.x.user("Ada Stern")
    ours = client.x.tweet(client.x.brand, "Good morning")
    reply, elsewhere = client.x.tweet(ada, "rude words", ours.id), client.x.tweet(ada, "@LumaHelp rude words")
    assert client.ok("PUT", f"/tweets/{reply.id}/hidden", {"hidden": True}) == {"data": {"hidden": True}}
    assert reply.hidden
    assert client.refused("PUT", f"/tweets/{elsewhere.id}/hidden", {"hidden": True})[0] == 403
    assert client.refused("PUT", f"/tweets/{reply.id}/hidden", {"hidden": "yes"})[0] == 400


def test_direct_messages(client: Client) -> None:
    ada = client.x.user("Ada Stern")
    client.x.dm(ada, "hello")
    made = client.ok("POST", f"/dm_conversations/with/{ada.id}/messages", {"text": "Hi Ada"})["data"]
    assert made["dm_conversation_id"] == f"{X_USER_ID}-{ada.id}"
    assert client.kinds() == ["dm.received", "dm.sent", "dm.read"]
    told = client.mailed[1]["payload"]["direct_message_events"][0]
    assert (told["id"], told["message_create"]["sender_id"]) == (made["dm_event_id"], X_USER_ID)
    client.x.closed.add(ada.id)
    assert client.refused("POST", f"/dm_conversations/with/{ada.id}/messages", {"text": "Hi"})[0] == 403
    assert client.refused("POST", "/dm_conversations/with/123/messages", {"text": "Hi"})[0] == 404
    assert client.refused("POST", f"/dm_conversations/with/{ada.id}/messages", {"text": "x" * 10_001})[0] == 400
    assert [dm.text for dm in client.x.sent_dms] == ["Hi Ada"]


def test_lists_are_paged_newest_first(client: Client) -> None:
    ada = client.x.user("Ada Stern")
    made = [client.x.tweet(ada, f"@LumaHelp {number}").id for number in range(12)]
    client.x.tweet(ada, "no mention")
    path, seen, token = f"/users/{X_USER_ID}/mentions", [], ""
    while True:
        page = client.ok(
            "GET", path, max_results="5", since_id=made[1], **({"pagination_token": token} if token else {})
        )
        seen += [tweet["id"] for tweet in page["data"]]
        if not (token := page["meta"].get("next_token", "")):
            break
    assert seen == list(reversed(made[2:]))
    assert client.ok("GET", path, since_id=made[-1]) == {"meta": {"result_count": 0}}
    for query in ({"max_results": "4"}, {"max_results": "x"}, {"since_id": "x"}, {"pagination_token": "x"}):
        assert client.refused("GET", path, **query)[0] == 400
    assert client.refused("GET", "/users/1/mentions")[0] == 403
    client.x.dm(ada, "one")
    client.x.dm(ada, "two")
    assert [event["text"] for event in client.ok("GET", "/dm_events", max_results="1")["data"]] == ["two"]
    assert len(client.ok("GET", f"/dm_conversations/with/{ada.id}/dm_events")["data"]) == 2


def test_the_token_and_the_account(client: Client) -> None:
    assert client.call("GET", "/users/me", token="wrong").status == 401
    assert client.ok("GET", f"/users/{X_USER_ID}")["data"]["username"] == "LumaHelp"
    assert client.ok("GET", "/users/5")["errors"][0]["title"] == "Not Found Error"
    assert client.call("GET", "/nothing").status == 404


def test_limits_tell_when_to_come_back(client: Client) -> None:
    seconds = iter([0.0, 1.0, 20.0])
    client.api.limits["user"] = FixedWindow(1, 10, now=lambda: next(seconds))
    first, second = client.call("GET", "/users/me"), client.call("GET", "/users/me")
    assert (first.status, first.headers["x-rate-limit-remaining"]) == (200, "0")
    assert (second.status, second.headers["x-rate-limit-limit"]) == (429, "1")
    assert int(second.headers["x-rate-limit-reset"]) > 0
    assert client.call("GET", "/users/me").status == 200
    client.api.faults.add(Fault(status=429, seconds=3))
    assert "x-rate-limit-reset" in client.call("GET", "/users/me").headers


def test_an_edit_is_a_new_post_that_names_the_old(client: Client) -> None:
    old = client.x.tweet(client.x.user("Ada Stern"), "@LumaHelp no sgnal")
    new = client.x.edit(old.id, "@LumaHelp no signal")
    assert client.mailed[-1]["payload"]["edit_history_tweet_ids"] == [old.id, new.id]
    assert client.mailed[-1]["payload"]["conversation_id"] == old.id
    assert int(new.id) > int(old.id)


@pytest.mark.parametrize(
    ("text", "reply", "expected"),
    [
        ("hello", False, 5),
        ("grüße", False, 5),
        ("日本", False, 4),
        ("👍", False, 2),
        ("👩‍👩‍👧", False, 2),
        ("👍🏽", False, 2),
        ("🇩🇪", False, 2),
        ("see https://example.com/a/very/long/path?with=query", False, 27),
        ("@ada @bob hi", True, 2),
        ("@ada @bob hi", False, 12),
        ("“quoted”", False, 8),
        ("e\u0301", False, 1),
    ],
)
def test_the_weight_of_a_post(text: str, reply: bool, expected: int) -> None:
    assert weight(text, reply=reply) == expected


def test_answers_to_an_earlier_run_when_forgiving() -> None:
    client = Client(forgiving=True)
    client.ok("POST", "/tweets", answer("Hi", "2080765813578191303"))
    client.ok("POST", "/dm_conversations/with/2222222222222222222/messages", {"text": "Hi"})
    assert client.x.users["2222222222222222222"].name == "Earlier customer"
