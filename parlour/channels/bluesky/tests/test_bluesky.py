from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from parlour.channels.bluesky import calls, records
from parlour.channels.bluesky.channel import channel
from parlour.channels.bluesky.richtext import facets
from parlour.channels.bluesky.tests import sample
from parlour.channels.bluesky.tests.payloads import PAYLOADS, payloads
from parlour.channels.bluesky.tests.sample import ANA, CONFIG, FIXTURES, POST, US, outbound
from parlour.channels.contract import Attachment, ChannelError, ErrorKind, File, Inbound, Kind, Refused
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OURS = f"at://{US}/app.bsky.feed.post/3l6ovg2x3ii2l"


def one(name: str) -> Inbound:
    (found,) = channel.parse(FIXTURES[name], CONFIG, RECEIVED)
    return found


def test_a_mention_and_an_answer_are_one_thread() -> None:
    mention, reply = one("mention"), one("reply")
    assert mention.kind is reply.kind is Kind.MESSAGE
    assert (mention.key, mention.external_id) == (f"post:{POST}", POST)
    assert mention.thread
    assert reply.thread
    assert mention.author
    assert mention.thread.external_id == reply.thread.external_id == f"{POST}/{ANA}"
    assert mention.thread.url == f"https://bsky.app/profile/{ANA}/post/3l6oveex3ii2l"
    assert (mention.author.name, mention.author.handle, mention.author.realm) == ("Ana Prado", "ana.example", "bluesky")
    assert mention.meta == {"language": "en"}
    assert reply.reply_to == OURS


def test_what_comes_with_a_post() -> None:
    said = one("pictures")
    assert [(file.kind, file.url, file.name) for file in said.attachments] == [
        ("image", "", "A cracked screen"),
        ("link", "https://example.com/track/7", ""),
    ]
    source = channel.source(CONFIG, said.attachments[0])
    assert source.url == f"https://pictures.example/img/feed_fullsize/plain/{ANA}/bafkreiabc@jpeg"
    assert one("quote").attachments[0].url == f"https://bsky.app/profile/{US}/post/3l6ovg2x3ii2l"
    assert (
        channel.source(CONFIG, Attachment("image", "https://x.example/a", reference="../..")).url
        == "https://x.example/a"
    )


def test_the_brands_own_words() -> None:
    echo = one("own_reply")
    assert (echo.kind, echo.external_id, echo.reply_to) == (Kind.ECHO, OURS, POST)
    assert echo.counterpart
    assert echo.thread
    assert (echo.counterpart.external_id, echo.counterpart.name) == (ANA, "Ana Prado")
    assert echo.thread.external_id == f"{POST}/{ANA}"
    for name in ("own_post", "own_repost", "follow", "unknown_notification", "chat_read"):
        assert one(name).kind is Kind.IGNORED
        assert one(name).reason.endswith(".")


@pytest.mark.parametrize(("name", "sign"), [("like", "❤️"), ("repost", "🔁")])
def test_reactions(name: str, sign: str) -> None:
    said = one(name)
    assert (said.kind, said.external_id, said.meta["reaction"]) == (Kind.REACTION, OURS, sign)


def test_chats() -> None:
    said, ours, group = one("chat"), one("chat_own"), one("chat_group")
    assert said.thread
    assert said.author
    assert ours.counterpart
    assert group.thread
    assert (said.kind, said.external_id, said.key) == (Kind.MESSAGE, "3l6convo/3l6msg", "message:3l6convo/3l6msg")
    assert (said.thread.external_id, said.thread.visibility, said.thread.address) == ("dm:3l6convo", "private", ANA)
    assert said.author.name == "Ana Prado"
    assert (ours.kind, ours.counterpart.external_id, ours.reply_to) == (Kind.ECHO, ANA, "3l6convo/3l6msg")
    assert group.thread.external_id.startswith("dm:3l6convo/did:plc:ben")
    assert (one("chat_deleted").kind, one("chat_deleted").external_id) == (Kind.DELETE, "3l6convo/3l6msg")
    assert one("chat_reaction").meta == {"reaction": "💙", "removed": False}
    assert one("chat_reaction_gone").meta["removed"] is True


def test_what_is_gone() -> None:
    assert (one("gone").kind, one("gone").external_id, one("gone").at) == (Kind.DELETE, POST, RECEIVED)


@pytest.mark.parametrize(
    ("path", "value"),
    [(("uri",), "at://../x"), (("author", "did"), "did:x"), (("record",), []), (("record", "text"), {"a": 1})],
)
def test_malformed_posts_are_refused(path: tuple[str, ...], value: Any) -> None:
    event = orjson.loads(FIXTURES["mention"])
    place = event["item"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValueError):
        channel.parse(orjson.dumps(event), CONFIG, RECEIVED)


def test_nothing_is_posted_here() -> None:
    with pytest.raises(Refused):
        channel.split({"notifications": []}, b"", CONFIG)


def test_facets_count_bytes() -> None:
    text = "Grüße @ana.example 👋 https://luma.example/a), #hilfe a@b.example #1"
    found = facets(text, lambda handle: ANA if handle == "ana.example" else "")
    raw = text.encode()
    told = [
        (
            raw[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(),
            one["features"][0]["$type"].partition("#")[2],
        )
        for one in found
    ]
    assert told == [("@ana.example", "mention"), ("https://luma.example/a", "link"), ("#hilfe", "tag")]


def test_an_answer_has_one_key_for_ever() -> None:
    key = records.key_after(POST, "ref-1")
    assert key == records.key_after(POST, "ref-1")
    assert key > "3l6oveex3ii2l"
    assert len({records.key_after(POST, f"ref-{number}") for number in range(100)}) == 100
    assert len(records.key_after("at://did:plc:x/app.bsky.feed.post/odd", "ref-1")) == 13


@pytest.fixture
def server() -> Iterator[Platform]:
    sample.ready()
    with platform() as running:
        yield running


def post(**more: Any) -> dict[str, Any]:
    """One body that is a fit answer to every request of sending."""
    root = {"root": {"uri": OURS, "cid": "bafyroot"}, "parent": {"uri": OURS, "cid": "bafyroot"}}
    shown = {
        "uri": POST,
        "cid": "bafypost",
        "record": {"text": "?", "reply": root},
        "viewer": {"like": f"at://{US}/app.bsky.feed.like/3l"},
    }
    return {
        "posts": [shown],
        "uri": OURS,
        "cid": "bafyours",
        "blob": {"$type": "blob"},
        "id": "3l6new",
        "convo": {"id": "3lc"},
        **more,
    }


def test_an_answer_stands_in_its_conversation(server: Platform) -> None:
    server.answers(200, post())
    file = File("screen.png", "image/png", 3, lambda: b"png")
    receipt = channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(file,)))
    assert receipt.external_id == OURS
    assert [asked.path.partition("?")[0].rpartition(".")[2] for asked in server.asked] == [
        "getPosts",
        "uploadBlob",
        "createRecord",
    ]
    assert server.asked[1].headers["content-type"] == "image/png"
    made = server.asked[-1].json
    assert (made["repo"], made["collection"], made["rkey"]) == (
        US,
        "app.bsky.feed.post",
        records.key_after(POST, "ref-1"),
    )
    assert made["record"]["reply"] == {
        "root": {"uri": OURS, "cid": "bafyroot"},
        "parent": {"uri": POST, "cid": "bafypost"},
    }
    assert made["record"]["embed"]["images"] == [{"image": {"$type": "blob"}, "alt": "screen.png"}]


def test_a_message_goes_through_the_proxy_and_doubt_stays_doubt(server: Platform) -> None:
    server.answers(200, post())
    config = at(CONFIG, server.base)
    receipt = channel.send(config, outbound("private"))
    assert (receipt.external_id, receipt.thread) == ("3l6convo/3l6new", None)
    assert server.asked[0].headers["atproto-proxy"] == "did:web:api.bsky.chat#bsky_chat"
    opened = channel.send(config, replace(outbound("public"), mode="private_reply"))
    assert opened.thread
    assert (opened.external_id, opened.thread.external_id, opened.thread.address) == ("3lc/3l6new", "dm:3lc", ANA)
    for status in (0, 502):
        server.status = status
        with pytest.raises(ChannelError) as caught:
            channel.send(config, outbound("private"))
        assert caught.value.kind is ErrorKind.UNKNOWN_OUTCOME


def test_acts(server: Platform) -> None:
    server.answers(200, post(value={"hiddenReplies": ["at://x"], "post": OURS}))
    config = at(CONFIG, server.base)
    for act in ("like", "unlike", "hide"):
        channel.act(config, act, POST, "public")
    channel.act(config, "delete", OURS, "public")
    channel.act(config, "seen", "3l6convo/3l6msg", "private")
    told = [(asked.path.rpartition(".")[2], asked.json) for asked in server.asked if asked.method == "POST"]
    assert [name for name, _ in told] == ["createRecord", "deleteRecord", "putRecord", "deleteRecord", "updateRead"]
    assert told[2][1]["record"]["hiddenReplies"] == ["at://x", POST]
    assert told[4][1] == {"convoId": "3l6convo", "messageId": "3l6msg"}
    with pytest.raises(ChannelError, match="own posts"):
        channel.act(config, "delete", POST, "public")


def test_only_public_servers_over_a_safe_line_are_followed() -> None:
    def home(address: str) -> str:
        return calls._home({"service": [{"id": "#atproto_pds", "serviceEndpoint": address}]})

    assert home("https://pds.example/") == "https://pds.example"
    assert [
        home(bad) for bad in ("http://pds.example", "https://127.0.0.1", "https://localhost", "https://a@b.example")
    ] == [""] * 4


def test_wrong_passwords_are_not_tried_again_and_again(server: Platform) -> None:
    config = at(replace(CONFIG, settings={**CONFIG.settings, "app_password": "wrong-here"}), server.base)
    server.answers(401, {"error": "AuthenticationRequired", "message": "Invalid identifier or password"})
    for _ in range(3):
        with pytest.raises(ChannelError, match="Invalid identifier") as caught:
            channel.check(config)
        assert caught.value.kind is ErrorKind.AUTH_EXPIRED
    assert len(server.asked) == 1


def test_recorded_payloads(shared: Path) -> None:
    found: dict[str, str] = {}
    for name, body in payloads(shared / "payloads" / "bluesky"):
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        (said,) = channel.parse(event.body, CONFIG, RECEIVED)
        private = " in private" if said.thread and said.thread.visibility == "private" else ""
        found[name] = f"ignored: {said.reason}" if said.kind is Kind.IGNORED else f"{said.kind}{private}"
    assert found == PAYLOADS
