"""Feed events in, comments and moderation out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from parlour.channels.contract import Attachment, Author, ChannelError, ErrorKind, File, Inbound, Kind, ThreadKey
from parlour.channels.facebook.channel import channel
from parlour.channels.facebook.tests.payloads import PAYLOADS, payloads
from parlour.channels.facebook.tests.sample import CONFIG, FIXTURES, PAGE, POST, outbound
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import platform
from parlour.channels.tests.samples import recorded

REALM = f"meta:{PAGE}"
ANA = Author(REALM, "5550001", name="Ana Petrova")
LANTERN = Author(REALM, PAGE, name="Lantern Teas")
POST_URL = "https://www.facebook.com/700100200/posts/9001"


def one(name: str, **value: Any) -> Inbound:
    """The event of a fixture, with some members of its value replaced."""
    body = orjson.loads(FIXTURES[name])
    body["entry"][0]["changes"][0]["value"] |= value
    (inbound,) = channel.parse(orjson.dumps(body), CONFIG, RECEIVED)
    return inbound


def lane(name: str) -> str:
    (event,) = channel.split(orjson.loads(FIXTURES[name]), FIXTURES[name], CONFIG)
    return event.lane


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(1790000000 + seconds, UTC)


def test_a_comment() -> None:
    assert one("comment") == Inbound(
        kind=Kind.MESSAGE,
        key="feed:comment:add:9001_1:1790000000",
        at=moment(0),
        external_id="9001_1",
        author=ANA,
        thread=ThreadKey(f"{POST}/5550001", "public", url=POST_URL),
        text="My parcel has not arrived ☹",
        reply_to=POST,
    )


def test_a_nested_reply_has_its_own_thread_and_its_comments_lane() -> None:
    reply = one("reply")
    assert reply.thread
    assert reply.thread.external_id == f"{POST}/5550002"
    assert reply.reply_to == "9001_1"
    assert lane("reply") == lane("comment") == lane("page_reply") == lane("edited") == lane("removed") == "9001_1"
    assert lane("visitor_post") == "700100200_9002"


def test_the_pages_own_words_are_echoes() -> None:
    reply, top, post = one("page_reply"), one("page_comment_on_post"), one("page_post")
    assert (reply.kind, reply.thread, reply.reply_to, reply.external_id) == (Kind.ECHO, None, "9001_1", "9001_3")
    assert (top.kind, top.thread, top.reply_to) == (Kind.ECHO, None, POST)
    assert (post.kind, post.thread, post.reply_to) == (Kind.ECHO, ThreadKey(POST, "public"), "")
    assert reply.author == top.author == post.author == LANTERN


def test_a_visitors_post_and_photos() -> None:
    post, photo, comment = one("visitor_post"), one("photo_post"), one("photo_comment")
    assert post.kind is photo.kind is comment.kind is Kind.MESSAGE
    assert post.external_id == "700100200_9002"
    assert post.thread == ThreadKey("700100200_9002/5550001", "public")
    assert photo.attachments == (Attachment("image", url="https://cdn.example/tea.jpg"),)
    assert comment.attachments == (Attachment("image", url="https://cdn.example/broken-cup.jpg"),)
    assert comment.text == ""
    both = one("photo_post", photos=["https://cdn.example/2.jpg", "https://cdn.example/tea.jpg"])
    assert [each.url[-7:] for each in both.attachments] == ["tea.jpg", "e/2.jpg"]


def test_nobody_is_lost_when_from_is_missing() -> None:
    comment = one("anonymous_comment")
    assert comment.author == Author(REALM, "unknown:9001_6")
    assert comment.thread
    assert comment.thread.external_id == f"{POST}/unknown:9001_6"


def test_what_happens_to_a_comment_later() -> None:
    edited = one("edited")
    assert (edited.kind, edited.external_id, edited.author) == (Kind.EDIT, "9001_1", ANA)
    assert edited.text == "My parcel has not arrived, order 1234"
    assert edited.thread == one("comment").thread
    for name, kind in (("removed", Kind.DELETE), ("hidden", Kind.HIDE), ("unhidden", Kind.UNHIDE)):
        event = one(name)
        assert (event.kind, event.external_id, event.thread, event.text) == (kind, "9001_1", None, "")
    assert one("edited", **{"from": {"id": PAGE}}).thread is None


def test_edits_at_one_time_are_told_apart_by_their_words() -> None:
    assert one("edited").key != one("edited", message="Something else").key
    assert one("edited").key == one("edited").key


def test_reactions_are_told_apart_by_person() -> None:
    added, removed = one("reaction"), one("reaction_removed")
    assert (added.kind, added.external_id, added.author, dict(added.meta)) == (
        Kind.REACTION,
        "9001_3",
        ANA,
        {"reaction": "angry"},
    )
    assert (removed.kind, removed.external_id, dict(removed.meta)) == (
        Kind.REACTION,
        POST,
        {"reaction": "like", "removed": True},
    )
    assert added.key != one("reaction", **{"from": {"id": "5550009"}}).key


def test_mentions() -> None:
    told, silent = one("mention"), one("mention_without_words")
    assert (told.kind, told.text, dict(told.meta)) == (Kind.MESSAGE, "@Lantern Teas please answer", {})
    assert told.thread == ThreadKey("5550003_70/5550003", "public")
    assert silent.author == Author(REALM, "5550003", name="Chloé")
    assert (silent.kind, silent.text, dict(silent.meta)) == (Kind.MESSAGE, "", {"fetch": "5550003_71"})


def test_what_is_knowingly_ignored() -> None:
    for name, reason in (("rating", "'ratings'"), ("album", "'album'"), ("blocked", "'block'")):
        assert one(name).kind is Kind.IGNORED
        assert reason in one(name).reason
    assert "as a whole" in one("reaction_removed", post_id=None).reason


def test_a_batch_for_several_inboxes() -> None:
    events = channel.parse(FIXTURES["batch"], CONFIG, RECEIVED)
    assert [event.kind for event in events] == [Kind.MESSAGE, Kind.MESSAGE, Kind.IGNORED, Kind.IGNORED]
    assert [event.reason[:20] for event in events[2:]] == ["It belongs to anothe", "A private message: i"]
    assert len(channel.split(orjson.loads(FIXTURES["batch"]), FIXTURES["batch"], CONFIG)) == 4


def test_malformed_events_are_named() -> None:
    cases: list[dict[str, Any]] = [
        {"comment_id": ["x"]},
        {"comment_id": "x" * 101},
        {"comment_id": "a\x00b"},
        {"from": "me"},
        {"message": 5},
        {"created_time": {}},
        {"comment_id": None, "post_id": None, "parent_id": None, "post": None},
    ]
    for wrong in cases:
        with pytest.raises(ValueError, match=r"[a-z]"):
            one("comment", **wrong)


def test_odd_text_and_times_are_made_storable() -> None:
    event = one("comment", message="a\x00b", created_time=99999999999, **{"from": {"id": 7, "name": "E\u202eve\n x"}})
    assert event.text == "a\ufffdb"
    assert event.at == RECEIVED
    assert event.author == Author(REALM, "7", name="Eve x")


def test_a_comment_without_its_post_is_its_own_thread() -> None:
    event = one("comment", post_id=None, post=None, parent_id=None)
    assert event.thread
    assert (event.thread.external_id, event.reply_to) == ("9001_1/5550001", "")


def test_sending_in_public() -> None:
    with platform() as server:
        server.answers(200, {"id": "9001_77"})
        receipt = channel.send(at(CONFIG, server.base), outbound("public"))
        channel.send(at(CONFIG, server.base), replace(outbound("public"), target=""))
    first, second = server.asked
    assert (receipt.external_id, receipt.thread) == ("9001_77", None)
    assert (first.method, first.path) == ("POST", "/9001_1/comments")
    assert first.headers["authorization"] == "Bearer EAAB-token"
    assert parse_qs(first.body.decode()) == {"message": ["We are looking into it."]}
    assert second.path == f"/{POST}/comments"


@pytest.mark.parametrize(("target", "recipient"), [("9001_1", {"comment_id": "9001_1"}), (POST, {"post_id": POST})])
def test_a_private_reply_names_the_thread_it_opened(target: str, recipient: dict[str, str]) -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": "5550001", "message_id": "m_9"})
        receipt = channel.send(at(CONFIG, server.base), replace(outbound("private"), target=target))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/{PAGE}/messages")
    assert asked.json == {
        "recipient": recipient,
        "message": {"text": "We are looking into it.", "metadata": "ref-1"},
    }
    assert receipt.external_id == "m_9"
    assert receipt.thread == ThreadKey("5550001", "private", address="5550001")


def test_what_cannot_be_sent_asks_nobody() -> None:
    with platform() as server:
        for wrong in (
            replace(outbound("public"), text="  "),
            replace(outbound("private"), mode="reply"),
            replace(outbound("private"), target=""),
            replace(outbound("public"), target="", thread=""),
        ):
            with pytest.raises(ChannelError) as caught:
                channel.send(at(CONFIG, server.base), wrong)
            assert caught.value.kind is ErrorKind.INVALID
    assert server.asked == []


def test_a_private_reply_given_twice() -> None:
    with platform() as server:
        server.answers(400, {"error": {"code": 10900, "message": "Activity already replied to"}})
        with pytest.raises(ChannelError) as caught:
            channel.send(at(CONFIG, server.base), outbound("private"))
    assert caught.value.kind is ErrorKind.ALREADY_REPLIED


@pytest.mark.parametrize(
    ("act", "method", "path", "form"),
    [
        ("hide", "POST", "/9001_1", {"is_hidden": ["true"]}),
        ("unhide", "POST", "/9001_1", {"is_hidden": ["false"]}),
        ("delete", "DELETE", "/9001_1", {}),
        ("like", "POST", "/9001_1/likes", {}),
        ("unlike", "DELETE", "/9001_1/likes", {}),
    ],
)
def test_acts(act: Any, method: str, path: str, form: dict[str, list[str]]) -> None:
    with platform() as server:
        server.answers(200, {"success": True})
        channel.act(at(CONFIG, server.base), act, "9001_1", "public")
        server.answers(200, {"success": "true"})
        channel.act(at(CONFIG, server.base), act, "9001_1", "public")
        server.answers(200, {"success": False})
        with pytest.raises(ChannelError):
            channel.act(at(CONFIG, server.base), act, "9001_1", "public")
    asked = server.asked[0]
    assert (asked.method, asked.path, parse_qs(asked.body.decode())) == (method, path, form)


def test_a_photo_goes_with_a_comment() -> None:
    photo = File("tea.png", "image/png", 4, lambda: b"\x89PNG")
    with platform() as server:
        server.answers(200, {"id": "9001_77"}, x_app_usage='{"call_count":100}')
        receipt = channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(photo,)))
        channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(photo,), text=""))
    upload, comment, _, bare = server.asked
    assert upload.path == f"/{PAGE}/photos"
    assert b'name="published"\r\n\r\nfalse' in upload.body
    assert b"\x89PNG" in upload.body
    assert parse_qs(comment.body.decode()) == {"message": ["We are looking into it."], "attachment_id": ["9001_77"]}
    assert parse_qs(bare.body.decode()) == {"attachment_id": ["9001_77"]}
    assert (receipt.external_id, receipt.rest) == ("9001_77", 300.0)


def test_what_goes_with_nothing() -> None:
    film = File("tea.mp4", "video/mp4", 4, lambda: b"....")
    large = File("tea.png", "image/png", 11 * 1024 * 1024, lambda: b"")
    with platform() as server:
        for answer, kind in (
            (replace(outbound("public"), attachments=(film,)), ErrorKind.INVALID),
            (replace(outbound("public"), attachments=(large,)), ErrorKind.TOO_LONG),
            (replace(outbound("private"), attachments=(film,)), ErrorKind.INVALID),
        ):
            with pytest.raises(ChannelError) as caught:
                channel.send(at(CONFIG, server.base), answer)
            assert caught.value.kind is kind
    assert server.asked == []


def test_recorded_webhooks() -> None:
    files = recorded("facebook_page")
    if not files:
        pytest.skip("../shared/payloads/facebook_page is absent.")
    told = dict(payloads(files[0].parents[1]))
    assert set(told) == set(PAYLOADS)
    for name, body in told.items():
        payload = orjson.loads(body)
        for event in channel.split(payload, body, CONFIG):
            (inbound,) = channel.parse(event.body, CONFIG, RECEIVED)
            assert PAYLOADS[name].startswith(str(inbound.kind)), name
            assert inbound.kind is not Kind.IGNORED or inbound.reason, name
