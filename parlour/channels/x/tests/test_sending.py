"""Answering and acting, against a real HTTP server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from parlour.channels.contract import Attachment, ChannelError, ErrorKind, File, Outbound, ThreadKey
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.x import calls, sending
from parlour.channels.x.channel import channel
from parlour.channels.x.tests.sample import ANA, BEN, CONFIG, NOT_SUMMONED, US, outbound, problem

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
    assert error.kind is ErrorKind.POLICY_BLOCK
    assert (error.code, error.retry_after) == ("usage-capped", None)
    assert error.words.startswith("Monthly cap reached. The plan's cap")
    server.answers(402, problem("credits-depleted", "No credits."))
    assert refused(server, outbound("public")).words.startswith("No credits. The plan's cap")


def test_who_has_not_called_the_brand_cannot_be_answered_and_the_reason_is_told(server: Platform) -> None:
    server.answers(403, problem("", NOT_SUMMONED))
    error = refused(server, outbound("public"))
    assert (error.kind, error.code) == (ErrorKind.POLICY_BLOCK, "not-summoned")
    assert error.words.startswith(NOT_SUMMONED)
    assert "only posts whose author has mentioned or quoted it" in error.words


def test_the_last_request_of_a_window_makes_the_inbox_rest(server: Platform) -> None:
    reset = str(int(time.time()) + 300)
    left = {"x_rate_limit_remaining": "3", "x_rate_limit_reset": reset}
    server.answers(201, MADE, **left)
    assert channel.send(at(CONFIG, server.base), outbound("private")).rest is None
    server.answers(201, MADE, **{**left, "x_rate_limit_remaining": "0"})
    rest = channel.send(at(CONFIG, server.base), outbound("private")).rest
    assert rest is not None
    assert 290 < rest <= 300
    day = {"x_user_limit_24hour_remaining": "0", "x_user_limit_24hour_reset": str(int(time.time()) + 4000)}
    server.answers(201, MADE, **left, **day)
    rest = channel.send(at(CONFIG, server.base), outbound("private")).rest
    assert rest is not None
    assert rest > 3900


def test_long_posts_are_a_matter_of_the_account(server: Platform) -> None:
    server.answers(201, {"data": {"id": "2080000000000000333"}})
    config = at(CONFIG, server.base)
    premium = replace(config, settings={**config.settings, "long_posts": "yes"})
    limits = [channel.limit(one, "public") for one in (config, premium)]
    assert [one.length for one in limits if one] == [280, 25_000]
    long = replace(outbound("public"), text="x" * 25_000)
    channel.send(premium, long)
    assert refused(server, long).kind is ErrorKind.TOO_LONG
    with pytest.raises(ChannelError) as caught:
        channel.send(premium, replace(long, text="x" * 25_001))
    assert caught.value.kind is ErrorKind.TOO_LONG
    assert len(server.asked) == 1


def test_signs_that_x_refuses_are_left_out(server: Platform) -> None:
    server.answers(201, MADE)
    channel.send(at(CONFIG, server.base), replace(outbound("private"), text="a\ufeffb\uffff"))
    assert server.asked[0].json == {"text": "ab"}


def picture(size: int = 10, mime: str = "image/png", name: str = "a.png") -> File:
    return File(name, mime, size, lambda: b"x" * size)


def test_a_picture_is_uploaded_and_named(server: Platform) -> None:
    server.answers(200, {"data": {"id": "1583157113245011970", "dm_event_id": "2080000000000000321"}})
    channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(picture(), picture())))
    upload, _, post = server.asked
    assert (upload.method, upload.path) == ("POST", "/2/media/upload")
    assert b"tweet_image" in upload.body
    assert post.json["media"] == {"media_ids": ["1583157113245011970"] * 2}
    server.asked.clear()
    channel.send(at(CONFIG, server.base), replace(outbound("private"), text="", attachments=(picture(),)))
    upload, message = server.asked
    assert b"dm_image" in upload.body
    assert message.json == {"attachments": [{"media_id": "1583157113245011970"}]}


def test_of_direct_messages_each_carries_one_file(server: Platform) -> None:
    server.answers(200, {"data": {"id": "1583157113245011970", "dm_event_id": "2080000000000000321"}})
    receipt = channel.send(at(CONFIG, server.base), replace(outbound("private"), attachments=(picture(), picture())))
    assert (receipt.external_id, receipt.more) == ("2080000000000000321", ("2080000000000000321",))
    attached = {"attachments": [{"media_id": "1583157113245011970"}]}
    assert [asked.json for asked in server.asked[2:]] == [{**attached, "text": "We are looking into it."}, attached]


def test_a_part_of_the_files_is_an_unknown_outcome(server: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers(200, {"data": {"id": "1583157113245011970", "dm_event_id": "2080000000000000321"}})
    ask = calls.ask

    def failing(inbox, method, path, **more):
        if path.endswith("/messages") and sum(asked.path.endswith("/messages") for asked in server.asked) == 1:
            raise ChannelError(ErrorKind.RATE_LIMITED, "Too Many Requests", retry_after=60)
        return ask(inbox, method, path, **more)

    monkeypatch.setattr(sending, "ask", failing)
    error = refused(server, replace(outbound("private"), attachments=(picture(), picture())))
    assert (error.kind, error.words) == (ErrorKind.UNKNOWN_OUTCOME, "1 of 2 files arrived. Too Many Requests")


def test_who_somebody_is(server: Platform) -> None:
    metrics = {"followers_count": 1200}
    server.answers(200, {"data": {"id": ANA, "name": "Ana", "username": "ana_writes", "public_metrics": metrics}})
    told = channel.profile(at(CONFIG, server.base), ANA)
    assert told is not None
    assert (told.name, told.handle, told.followers) == ("Ana", "ana_writes", 1200)
    server.answers(200, {"errors": [problem("resource-not-found", "Could not find user.")]})
    assert channel.profile(at(CONFIG, server.base), ANA) is None
    server.answers(429, {})
    with pytest.raises(ChannelError):
        channel.profile(at(CONFIG, server.base), ANA)


def test_a_video_goes_in_pieces(server: Platform) -> None:
    server.answers(200, {"data": {"id": "1583157113245011970"}})
    size = 5 * 1024 * 1024
    channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(picture(size, "video/mp4"),)))
    assert [asked.path for asked in server.asked] == [
        "/2/media/upload/initialize",
        "/2/media/upload/1583157113245011970/append",
        "/2/media/upload/1583157113245011970/append",
        "/2/media/upload/1583157113245011970/finalize",
        "/2/tweets",
    ]
    assert server.asked[0].json == {"media_type": "video/mp4", "total_bytes": size, "media_category": "tweet_video"}
    server.answers(200, {"data": {"id": "1", "processing_info": {"state": "failed"}}})
    error = refused(server, replace(outbound("public"), attachments=(picture(9, "video/mp4"),)))
    assert (error.kind, error.words) == (ErrorKind.INVALID, "X could not make a video of this file.")


@pytest.mark.parametrize(
    ("visibility", "files", "kind"),
    [
        ("public", (picture(mime="application/pdf"),), ErrorKind.INVALID),
        ("public", (picture(size=6 * 1024 * 1024),), ErrorKind.TOO_LONG),
        ("public", (picture(),) * 5, ErrorKind.INVALID),
        ("public", (picture(), picture(mime="video/mp4")), ErrorKind.INVALID),
        ("private", (picture(),) * 5, ErrorKind.INVALID),
    ],
)
def test_files_x_does_not_take_are_refused_before_any_request(server: Platform, visibility, files, kind) -> None:
    assert refused(server, replace(outbound(visibility), attachments=files)).kind is kind
    assert server.asked == []


def test_an_upload_without_an_answer_is_no_doubt(server: Platform) -> None:
    server.status = 0
    assert refused(server, replace(outbound("public"), attachments=(picture(),))).kind is ErrorKind.TRANSIENT


def test_pictures_of_messages_are_fetched_through_the_api() -> None:
    told = Attachment("image", "https://ton.x.com/1.1/ton/data/dm/2080765901528535096/123/AbC-d_.jpg?x=1")
    source = channel.source(CONFIG, told)
    assert source.url == "http://127.0.0.1:9/2/dm_conversations/media/2080765901528535096/123/AbC-d_.jpg"
    assert source.headers == {"authorization": "Bearer user-token-of-the-sample"}
    assert source.own
    public = channel.source(CONFIG, Attachment("image", "https://pbs.twimg.com/media/a.jpg"))
    assert (public.url, dict(public.headers), public.own) == ("https://pbs.twimg.com/media/a.jpg", {}, False)


def test_an_access_token_is_renewed_and_the_refresh_token_changes(server: Platform) -> None:
    fresh = {"token_type": "bearer", "expires_in": 7200, "access_token": "new-a", "refresh_token": "new-r"}
    server.answers(200, fresh)
    assert channel.renew(at(CONFIG, server.base)) == {"access_token": "new-a", "refresh_token": "new-r"}
    (asked,) = server.asked
    assert asked.path == "/2/oauth2/token"
    assert asked.headers["authorization"].startswith("Basic ")
    assert b"grant_type=refresh_token" in asked.body
    bare = replace(CONFIG, settings={**CONFIG.settings, "refresh_token": ""})
    assert channel.renew(bare) == {}
    server.answers(400, {"error": "invalid_request", "error_description": "Value passed for the token was invalid."})
    with pytest.raises(ChannelError, match="Value passed") as caught:
        channel.renew(at(CONFIG, server.base))
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED


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
