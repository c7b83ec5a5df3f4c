"""Answering and acting, against a real HTTP server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from parlour.channels.contract import ChannelError, ErrorKind, Outbound, ThreadKey
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.x.channel import channel
from parlour.channels.x.tests.sample import ANA, BEN, CONFIG, US, outbound, problem

POST = "2080000000000000100"
MADE = {"data": {"dm_conversation_id": f"{US}-{ANA}", "dm_event_id": "2080000000000000321"}}


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as running:
        yield running


def refused(server: Platform, out: Outbound) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), out)
    return caught.value


def test_a_public_answer(server: Platform) -> None:
    server.answers(201, {"data": {"id": "2080000000000000333", "text": "We are looking into it."}})
    receipt = channel.send(at(CONFIG, server.base), outbound("public"))
    assert (receipt.external_id, receipt.thread) == ("2080000000000000333", None)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/2/tweets")
    assert asked.headers["authorization"] == "Bearer user-token-of-the-sample"
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {"text": "We are looking into it.", "reply": {"in_reply_to_tweet_id": POST}}


def test_a_direct_message(server: Platform) -> None:
    server.answers(201, MADE)
    receipt = channel.send(at(CONFIG, server.base), outbound("private"))
    assert receipt.external_id == "2080000000000000321"
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/2/dm_conversations/with/{ANA}/messages")
    assert asked.json == {"text": "We are looking into it."}


def test_a_public_post_is_answered_in_private(server: Platform) -> None:
    server.answers(201, MADE)
    receipt = channel.send(
        at(CONFIG, server.base), replace(outbound("public"), visibility="private", mode="private_reply")
    )
    assert receipt.thread == ThreadKey(f"dm:{US}-{ANA}", "private", address=ANA)
    assert server.asked[0].path == f"/2/dm_conversations/with/{ANA}/messages"


def test_a_group_is_answered_as_a_whole(server: Platform) -> None:
    server.answers(201, MADE)
    group = replace(outbound("private"), thread=f"dm:1578398451921985538/{BEN}", address="")
    channel.send(at(CONFIG, server.base), group)
    assert server.asked[0].path == "/2/dm_conversations/1578398451921985538/messages"


@pytest.mark.parametrize("wrong", ["", "..", "1/../2", "1?x=1", "é", "a" * 65])
def test_what_is_no_id_is_never_part_of_a_path(server: Platform, wrong: str) -> None:
    assert refused(server, replace(outbound("public"), target=wrong)).kind is ErrorKind.INVALID
    private = replace(outbound("private"), address=wrong, thread=f"dm:{wrong}")
    assert refused(server, private).kind is ErrorKind.INVALID
    assert server.asked == []


def test_a_limit_tells_when_it_ends(server: Platform) -> None:
    reset = int(time.time()) + 300
    server.answers(429, problem("rate-limit-exceeded"), x_rate_limit_reset=str(reset))
    error = refused(server, outbound("public"))
    assert error.kind is ErrorKind.RATE_LIMITED
    assert error.retry_after is not None
    assert 290 < error.retry_after <= 300
    day = {"x_user_limit_24hour_remaining": "0", "x_user_limit_24hour_reset": str(reset + 3600)}
    server.answers(429, {}, x_rate_limit_reset=str(reset), **day)
    waits = refused(server, outbound("public")).retry_after
    assert waits is not None
    assert 3800 < waits <= 3900
    server.answers(429, {}, x_rate_limit_reset="soon")
    assert refused(server, outbound("public")).retry_after == 60


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (403, "You do not have permission to DM one or more participants.", ErrorKind.RECIPIENT_UNAVAILABLE),
        (403, "You cannot send messages to this user.", ErrorKind.RECIPIENT_UNAVAILABLE),
        (403, "You have been blocked from the author of this post.", ErrorKind.RECIPIENT_UNAVAILABLE),
        (404, "Not found", ErrorKind.RECIPIENT_UNAVAILABLE),
        (403, "Your client app is not permitted.", ErrorKind.PERMISSION),
        (400, "text: is empty", ErrorKind.INVALID),
    ],
)
def test_refusals_of_direct_messages(server: Platform, status: int, detail: str, kind: ErrorKind) -> None:
    server.answers(status, problem("", detail))
    error = refused(server, outbound("private"))
    assert (error.kind, error.words) == (kind, detail)


def test_a_cap_on_money_is_final_and_says_so(server: Platform) -> None:
    server.answers(429, problem("usage-capped", "Monthly cap reached."))
    error = refused(server, outbound("public"))
    assert error.permanent
    assert (error.words, error.code, error.retry_after) == ("Monthly cap reached.", "usage-capped", None)


def test_answers_that_are_no_json_still_have_words(server: Platform) -> None:
    server.answers(502, b"<html>bad gateway</html>")
    error = refused(server, outbound("public"))
    assert (error.kind, error.words) == (ErrorKind.UNKNOWN_OUTCOME, "X answered 502.")


@pytest.mark.parametrize(
    ("act", "visibility", "method", "path", "body"),
    [
        ("hide", "public", "PUT", f"/2/tweets/{POST}/hidden", b'{"hidden":true}'),
        ("unhide", "public", "PUT", f"/2/tweets/{POST}/hidden", b'{"hidden":false}'),
        ("delete", "public", "DELETE", f"/2/tweets/{POST}", b""),
        ("delete", "private", "DELETE", f"/2/dm_events/{POST}", b""),
    ],
)
def test_acts(server: Platform, act, visibility, method: str, path: str, body: bytes) -> None:
    server.answers(200, {"data": {"deleted": True}})
    channel.act(at(CONFIG, server.base), act, POST, visibility)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == (method, path, body)
    # Doing it again does no harm, so a fault is no doubt.
    server.answers(500, {})
    with pytest.raises(ChannelError) as caught:
        channel.act(at(CONFIG, server.base), act, POST, visibility)
    assert caught.value.kind is ErrorKind.TRANSIENT


def test_checking_names_the_account(server: Platform) -> None:
    server.answers(200, {"data": {"id": US, "username": "NorthwindHelp", "name": "Northwind"}})
    assert channel.check(at(CONFIG, server.base)) == "Connected to @NorthwindHelp (Northwind)."
    assert server.asked[0].path.startswith(f"/2/users/{US}?")
    server.answers(200, {"errors": [problem("resource-not-found", "Could not find user.")]})
    with pytest.raises(ChannelError, match="Could not find user") as caught:
        channel.check(at(CONFIG, server.base))
    assert caught.value.kind is ErrorKind.INVALID
    server.answers(401, problem("", "Unauthorized"))
    with pytest.raises(ChannelError) as caught:
        channel.check(at(CONFIG, server.base))
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED
