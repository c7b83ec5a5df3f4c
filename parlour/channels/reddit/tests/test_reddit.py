from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from parlour.channels.contract import ChannelError, ErrorKind, Inbound, Kind, Refused
from parlour.channels.reddit.calls import tokens
from parlour.channels.reddit.channel import channel
from parlour.channels.reddit.tests import sample
from parlour.channels.reddit.tests.payloads import PAYLOADS, payloads
from parlour.channels.reddit.tests.sample import ANA, CONFIG, FIXTURES, inside, outbound
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def one(name: str) -> Inbound:
    (found,) = channel.parse(FIXTURES[name], CONFIG, RECEIVED)
    return found


def test_comments_from_the_inbox_and_from_a_subreddit() -> None:
    reply, comment = one("comment_reply"), one("comment")
    assert reply.kind is comment.kind is Kind.MESSAGE
    assert (reply.key, reply.external_id, reply.reply_to, reply.text) == ("t1_c2", "t1_c2", "t1_c1", "order LM-7")
    assert reply.thread
    assert comment.thread
    assert reply.author
    assert (reply.thread.external_id, reply.thread.address) == (f"t3_post1/{ANA}", ANA)
    assert reply.thread.url == "https://www.reddit.com/r/luma/comments/post1/words/c2/?context=3"
    assert (reply.author.external_id, reply.author.name) == (ANA, "Ana_P")
    assert comment.thread.external_id == "t3_post1/ben-1"
    assert [(file.kind, file.mime) for file in comment.attachments] == [("image", "image/png")]
    assert comment.meta == {"subreddit": "luma"}


def test_posts() -> None:
    said, picture = one("post"), one("link_post")
    assert said.text == "Luma Go drops the line\n\nEvery night at 2 am &amp; nobody answers"
    assert said.thread
    assert (said.thread.external_id, said.thread.subject) == (f"t3_post1/{ANA}", "Luma Go drops the line")
    assert [(file.kind, file.url) for file in picture.attachments] == [("image", "https://i.redd.it/bill.jpg")]


def test_the_brands_own_words() -> None:
    known, unknown = one("own_comment"), one("own_comment_without_parent")
    assert known.kind is unknown.kind is Kind.ECHO
    assert known.counterpart
    assert known.thread
    assert (known.counterpart.external_id, known.thread.external_id) == (ANA, f"t3_post1/{ANA}")
    assert (unknown.counterpart, unknown.thread, unknown.reply_to) == (None, None, "t1_c2")


@pytest.mark.parametrize(
    "name", ["own_post", "deleted", "removed_at_once", "message_of_reddit", "message_to_moderators", "modmail_note"]
)
def test_what_is_not_kept_says_why(name: str) -> None:
    assert one(name).kind is Kind.IGNORED
    assert one(name).reason.endswith(".")


def test_later_changes() -> None:
    edit = one("edited")
    assert (edit.kind, edit.key, edit.text) == (Kind.EDIT, "t1_c2:edited:1795162000.0", "order LM-8")
    assert [one(name).kind for name in ("removed", "restored", "gone")] == [Kind.HIDE, Kind.UNHIDE, Kind.DELETE]
    assert len({one(name).key for name in ("removed", "restored", "gone", "comment_reply")}) == 4


def test_private_words() -> None:
    message, mail, ours = one("private_message"), one("modmail"), one("modmail_own")
    assert message.thread
    assert mail.thread
    assert ours.counterpart
    assert (message.thread.external_id, message.thread.visibility) == (f"pm:{ANA}", "private")
    assert (mail.thread.external_id, mail.thread.subject, mail.text) == (
        "modmail:1mahha",
        "Charged twice",
        "You charged me **twice**",
    )
    assert mail.external_id == "modmail:1mahha/2bjn0i"
    assert (ours.kind, ours.counterpart.external_id) == (Kind.ECHO, ANA)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": ["x"]},
        {"name": "../x"},
        {"author": {"a": 1}},
        {"context": "", "parent_id": ""},
        {"author": "a b<script>"},
    ],
)
def test_malformed_comments_are_refused(changes: dict[str, Any]) -> None:
    event = orjson.loads(FIXTURES["comment_reply"])
    event["data"].update(changes)
    with pytest.raises(ValueError):
        channel.parse(orjson.dumps(event), CONFIG, RECEIVED)


def test_nothing_is_posted_here() -> None:
    with pytest.raises(Refused):
        channel.split({"kind": "Listing", "data": {}}, b"", CONFIG)


@pytest.fixture
def server() -> Iterator[Platform]:
    sample.ready()
    with platform() as running:
        yield running


def test_an_answer(server: Platform) -> None:
    told = {"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": {"name": "t1_new", "id": "new"}}]}}}
    server.answers(200, told, x_ratelimit_remaining="1.0", x_ratelimit_reset="42")
    receipt = channel.send(at(CONFIG, server.base), outbound("public"))
    assert (receipt.external_id, receipt.rest) == ("t1_new", 42.0)
    asked = server.asked[0]
    assert asked.path == "/api/comment?raw_json=1"
    assert asked.body == b"api_type=json&thing_id=t1_c2&text=We+are+looking+into+it."
    assert asked.headers["authorization"] == "Bearer token-of-the-sample"
    assert asked.headers["user-agent"] == "server:parlour:0.1 (by /u/LumaHelp)"


def test_modmail_and_private_answers(server: Platform) -> None:
    conversation = {
        "id": "1new",
        "objIds": [{"id": "2a", "key": "messages"}, {"id": "2b", "key": "messages"}, {"id": "x", "key": "modActions"}],
    }
    server.answers(201, {"conversation": conversation, "json": {"errors": []}})
    config = at(CONFIG, server.base)
    assert channel.send(config, outbound("private")).external_id == "modmail:1mahha/2b"
    private = replace(outbound("public"), mode="private_reply")
    sent = channel.send(config, private)
    assert sent.thread
    assert (sent.external_id, sent.thread.external_id, sent.thread.address) == ("", f"pm:{ANA}", ANA)
    own = replace(config, settings={**config.settings, "modmail": "luma, other"})
    opened = channel.send(own, private)
    assert opened.thread
    assert (opened.external_id, opened.thread.external_id) == ("modmail:1new/2b", "modmail:1new")
    assert [asked.path.partition("?")[0] for asked in server.asked] == [
        "/api/mod/conversations/1mahha",
        "/api/compose",
        "/api/mod/conversations",
    ]
    assert b"srName=luma&" in server.asked[2].body


@pytest.mark.parametrize(
    ("words", "seconds"), [("try again in 5 minutes.", 300.0), ("Take a break for 1 second", 1.0), ("later", 60.0)]
)
def test_limits_in_words(server: Platform, words: str, seconds: float) -> None:
    server.answers(200, inside("RATELIMIT", words))
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), outbound("public"))
    assert (caught.value.kind, caught.value.retry_after) == (ErrorKind.RATE_LIMITED, seconds)


def test_signing_in_asks_once_and_keeps_secrets_in_the_body(server: Platform) -> None:
    config = at(
        replace(CONFIG, settings={**CONFIG.settings, "password": "", "refresh_token": "refresh-here"}), server.base
    )
    server.answers(200, {"access_token": "fresh", "expires_in": 3600, "name": "lumahelp"})
    assert channel.check(config) == "Connected to u/lumahelp."
    assert channel.check(config) == "Connected to u/lumahelp."
    assert [asked.path.partition("?")[0] for asked in server.asked] == [
        "/api/v1/access_token",
        "/api/v1/me",
        "/api/v1/me",
    ]
    assert server.asked[0].body == b"grant_type=refresh_token&refresh_token=refresh-here"
    nothing = replace(config, settings={**config.settings, "refresh_token": ""})
    with pytest.raises(ChannelError, match="neither a password nor a refresh token"):
        channel.check(nothing)
    wrong = replace(config, settings={**config.settings, "refresh_token": "wrong-here"})
    server.answers(400, {"message": "Bad Request", "error": 400})
    for _ in range(2):
        with pytest.raises(ChannelError) as caught:
            channel.check(wrong)
        assert caught.value.kind is ErrorKind.AUTH_EXPIRED
    assert len(server.asked) == 4
    tokens.drop("", "")


def test_acts_and_profiles(server: Platform) -> None:
    config = at(CONFIG, server.base)
    for act in ("delete", "hide", "unhide"):
        channel.act(config, act, "t1_c2", "public")
    assert [asked.path.partition("?")[0] for asked in server.asked] == ["/api/del", "/api/remove", "/api/approve"]
    with pytest.raises(ChannelError, match="is none"):
        channel.act(config, "delete", "c2&id=t1_x", "public")
    server.answers(
        200,
        {
            "kind": "t2",
            "data": {"name": "Ana_P", "icon_img": "https://x.example/a.png", "subreddit": {"subscribers": 7}},
        },
    )
    known = channel.profile(config, ANA)
    assert known
    assert (known.name, known.external_id, known.followers, known.avatar_url) == (
        "Ana_P",
        ANA,
        7,
        "https://x.example/a.png",
    )


def test_recorded_payloads(shared: Path) -> None:
    found: dict[str, str] = {}
    for name, body in payloads(shared / "payloads" / "reddit"):
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        (said,) = channel.parse(event.body, CONFIG, RECEIVED)
        private = " in private" if said.thread and said.thread.visibility == "private" else ""
        found[name] = f"ignored: {said.reason}" if said.kind is Kind.IGNORED else f"{said.kind}{private}"
    assert found == PAYLOADS
