"""Webhooks of a forum in, its API out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from parlour.channels.contract import (
    Attachment,
    Author,
    ChannelError,
    DoorRequest,
    ErrorKind,
    File,
    Inbound,
    Kind,
    ThreadKey,
)
from parlour.channels.discourse import cooked
from parlour.channels.discourse import fields as user_fields
from parlour.channels.discourse.channel import channel
from parlour.channels.discourse.tests.payloads import payloads
from parlour.channels.discourse.tests.sample import BASE, CONFIG, CUSTOMER, FIXTURES, outbound, refusal
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.tests.samples import recorded
from parlour.lib import clock

PICTURE = f"{BASE}/user_avatar/forum.example/ana_r/120/12_2.png"
REALM = "discourse:forum.example"
ANA = Author(REALM, CUSTOMER, name="Ana Rocha", handle="ana_r", avatar_url=PICTURE)
WRITTEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
URL = f"{BASE}/t/no-signal/77"


def parsed(body: Any, **settings: str) -> list[Inbound]:
    config = replace(CONFIG, settings={**CONFIG.settings, **settings})
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return list(channel.parse(raw, config, RECEIVED))


def one(name: str, settings: dict[str, str] | None = None, **members: Any) -> Inbound:
    """The event of a fixture, with some members of its post replaced."""
    body = orjson.loads(FIXTURES[name])
    body["post"] |= members
    (inbound,) = parsed(body, **(settings or {}))
    return inbound


def test_a_post() -> None:
    assert one("post_created") == Inbound(
        Kind.MESSAGE,
        "post_created:9001",
        WRITTEN,
        external_id="77:1",
        author=ANA,
        thread=ThreadKey("77/501", "public", address="77", subject="No signal", url=URL),
        text="Our whole street has no signal. Is this an outage?",
        meta={"category_id": 4, "trust_level": 1},
    )


def test_a_reply_with_a_quote_and_a_picture() -> None:
    event = one("post_reply")
    assert (event.reply_to, event.text) == ("77:2", "> luma_help:\n> Which street?\n\nMine, too.")
    assert event.attachments == (Attachment("image", url="https://cdn.forum.example/original/abc.jpeg", name="shot"),)
    assert event.author is not None
    assert event.author.name == "rui"


def test_without_its_markdown_a_post_is_read_from_its_html() -> None:
    event = one("post_reply", raw=None)
    assert event.text == "> Which street?\n\nMine, too."
    assert one("post_created", raw=None, cooked=None).text == ""


def test_what_a_post_answers_is_told_by_its_number() -> None:
    assert one("post_reply", reply_to_post_number=None).reply_to == "77:1"
    assert one("post_created").reply_to == ""


def test_our_own_words_and_those_of_staff() -> None:
    ours = one("post_ours")
    assert (ours.kind, ours.thread, ours.reply_to) == (Kind.ECHO, None, "77:1")
    begun = one("post_ours", post_number=1)
    assert (begun.kind, begun.reply_to, begun.thread is None) == (Kind.ECHO, "", False)
    assert one("post_reply", staff=True).kind is Kind.ECHO
    assert one("post_reply", {"staff": "others"}, staff=True).kind is Kind.MESSAGE
    assert one("post_ours", {"staff": "others"}).kind is Kind.ECHO


def test_a_private_message_is_one_thread() -> None:
    event = one("post_private")
    assert event.thread is not None
    assert (event.thread.external_id, event.thread.visibility, event.thread.address) == ("80", "private", CUSTOMER)


def test_edits_removals_and_returns() -> None:
    event = one("post_edited")
    assert (event.kind, event.external_id, event.at) == (Kind.EDIT, "77:1", WRITTEN + timedelta(minutes=5))
    assert one("post_edited", updated_at="2026-11-20T10:05:01.000Z").key != event.key
    assert one("post_destroyed").kind is Kind.DELETE
    assert one("post_recovered").kind is Kind.UNHIDE
    edit, hidden = parsed(FIXTURES["post_hidden"])
    assert (edit.kind, hidden.kind) == (Kind.EDIT, Kind.HIDE)
    ours = one("post_edited", username="luma_help")
    assert (ours.kind, ours.thread) == (Kind.EDIT, None)


def test_only_some_categories_are_listened_to() -> None:
    settings = {"categories": "7; 9"}
    assert "does not listen" in one("post_created", settings).reason
    assert one("post_created", settings, category_id=9).kind is Kind.MESSAGE
    assert one("post_created", settings, raw="what does @Luma_Help say?").kind is Kind.MESSAGE
    assert one("post_created", settings, raw="what does @luma_helper say?").kind is Kind.IGNORED
    assert one("post_created", settings, reply_to_user={"username": "luma_help"}).kind is Kind.MESSAGE
    assert one("post_private", settings).kind is Kind.MESSAGE
    edit = one("post_edited", settings)
    assert (edit.kind, edit.author, edit.thread) == (Kind.EDIT, None, None)


def test_what_is_knowingly_not_kept_says_why() -> None:
    assert "whisper" in one("post_whisper").reason
    assert "forum itself" in one("post_created", user_id=-1, username="system").reason
    assert "topic as a whole" in parsed(FIXTURES["topic_created"])[0].reason
    assert "tries whether" in parsed(FIXTURES["ping"])[0].reason
    assert parsed({"event": "surprise_made"})[0].reason == "Events of the kind 'surprise_made' are not kept."


def test_single_sign_on_says_who_they_are_for_the_brand() -> None:
    (event,) = parsed(FIXTURES["user_updated"])
    assert event.author is not None
    assert (event.kind, event.author.external_id, event.author.proof) == (Kind.IGNORED, CUSTOMER, "crm-4711")
    said = one("post_created", external_id="crm-4711")
    assert said.author is not None
    assert (said.meta["sso_external_id"], said.author.proof) == ("crm-4711", "crm-4711")


def test_a_like() -> None:
    (event,) = parsed(FIXTURES["like"])
    assert (event.kind, event.external_id, event.key) == (Kind.REACTION, "77:1", "like:9001:502")
    assert event.meta == {"reaction": "❤️"}


@pytest.mark.parametrize(
    "members",
    [{"id": "1"}, {"topic_id": None}, {"post_number": "2"}, {"raw": 4}, {"created_at": "x"}, {"user_id": "5"}],
)
def test_malformed_posts_are_parked(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        one("post_created", **members)


def test_the_name_of_the_event_is_put_into_the_body() -> None:
    def decoded(event: str, body: bytes) -> bytes:
        return channel.decode(DoorRequest("POST", {"x-discourse-event": event}, {}, body))

    assert orjson.loads(decoded("post_created", b' {"post":{"id":1}} ')) == {"event": "post_created", "post": {"id": 1}}
    assert orjson.loads(decoded("ping", b"{}")) == {"event": "ping"}
    for odd in (b"", b"[1]", b"{", b"5"):
        assert decoded("ping", odd) == odd
    assert decoded('x","y":"', b"{}") == b"{}"


def test_recorded_payloads() -> None:
    found = [path for path in recorded("discourse") if path.name.startswith("fedora_")]
    if not found:
        pytest.skip("../shared is absent, or holds no webhooks of Discourse")
    for name, body in payloads(found[0].parents[1]):
        (split,) = channel.split(orjson.loads(body), body, CONFIG)
        assert parsed(split.body), name


def test_recordings_are_read_with_their_headers(tmp_path: Path) -> None:
    folder = tmp_path / "discourse"
    folder.mkdir()
    body = orjson.loads(FIXTURES["post_created"])
    told = {"headers": {"X-Discourse-Event": "post_created"}, "body": {"post": body["post"]}}
    (folder / "fedora_post.json").write_bytes(orjson.dumps(told))
    ((name, raw),) = payloads(tmp_path)
    assert (name, parsed(raw)[0].kind) == ("fedora_post", Kind.MESSAGE)


# What people read


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<br>two</p><p>three &amp; four</p>", "One\ntwo\n\nthree & four"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ('<p>Hi <img class="emoji" alt=":wave:" src="/w.png"> there</p>', "Hi :wave: there"),
        ("<p>x<script>alert(1)</script><style>y</style>z</p>", "xz"),
        ("<blockquote><p>said</p></blockquote><p>answer</p>", "> said\n\nanswer"),
        ("<p>a < b && c</p></div></div><p>d", "a < b && c\n\nd"),
        ('<p><a class="mention" href="/u/ana">@ana</a> hello</p>', "@ana hello"),
    ],
)
def test_cooked_words(html: str, text: str) -> None:
    assert cooked.read(html, BASE)[0] == text


def test_cooked_files() -> None:
    html = (
        '<p><img src="/uploads/a.png" alt="a"><a class="attachment" href="/uploads/b.pdf">b.pdf</a> (1 KB)</p>'
        '<aside class="onebox"><img class="thumbnail" src="https://elsewhere.example/t.png"></aside>'
        '<video src="https://cdn.example/v.mp4"></video><img src="javascript:alert(1)"><img src="data:image/png;base64,AA">'
    )
    assert cooked.read(html, BASE)[1] == (
        Attachment("image", url=f"{BASE}/uploads/a.png", name="a"),
        Attachment("file", url=f"{BASE}/uploads/b.pdf", name="b.pdf"),
        Attachment("video", url="https://cdn.example/v.mp4"),
    )


def test_quotes_and_uploads_as_written() -> None:
    raw = 'a\n[quote="x, post:1"]\n[quote="y"]\nin\n[/quote]\nout\n[/quote]\n[f.pdf|attachment](upload://q.pdf) (12 KB)\nend'
    assert cooked.written(raw) == "a\n> x:\n> > y:\n> > in\n> \n> \n> out\n\nend"
    assert cooked.written("[quote]" * 5000) == "[quote]" * 5000


# Sending


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as running:
        running.answers(200, {"id": 9010, "topic_id": 77, "post_number": 4, "username": "ana_r"})
        yield running


def test_an_answer_in_public(server: Platform) -> None:
    assert channel.send(at(CONFIG, server.base), outbound("public")).external_id == "77:4"
    (asked,) = server.asked
    assert (asked.path, asked.headers["api-username"]) == ("/posts.json", "luma_help")
    assert asked.json == {"topic_id": 77, "reply_to_post_number": 3, "raw": "We are looking into it."}


def test_an_answer_to_the_first_post_answers_the_topic(server: Platform) -> None:
    channel.send(at(CONFIG, server.base), replace(outbound("public"), target="77:1"))
    assert "reply_to_post_number" not in server.asked[0].json


def test_a_private_message_to_whoever_wrote_in_public(server: Platform) -> None:
    said = replace(outbound("public"), visibility="private", mode="private_reply", subject="No signal")
    receipt = channel.send(at(CONFIG, server.base), said)
    assert [asked.path for asked in server.asked] == ["/posts/by_number/77/3.json", "/posts.json"]
    told = server.asked[1].json
    assert (told["title"], told["target_recipients"], told["archetype"]) == (
        "Re: No signal",
        "ana_r",
        "private_message",
    )
    assert receipt.thread is not None
    assert (receipt.thread.external_id, receipt.thread.address) == ("77", CUSTOMER)


def test_files_are_handed_over_first(server: Platform) -> None:
    server.answers(200, {"short_url": "upload://x.png", "topic_id": 77, "post_number": 4, "id": 1})
    file = File("a.png", "image/png", 3, lambda: b"abc")
    channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(file,)))
    assert [asked.path for asked in server.asked] == ["/uploads.json", "/posts.json"]
    assert server.asked[1].json["raw"] == "We are looking into it.\n\n![a.png](upload://x.png)"
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(replace(file, size=5_000_000),)))
    assert (caught.value.kind, len(server.asked)) == (ErrorKind.TOO_LONG, 2)


def test_a_rate_limit_tells_how_long(server: Platform) -> None:
    for body, headers, wait in (
        (refusal("Too many times.", "rate_limit", wait_seconds=8), {}, 8),
        ({}, {"retry_after": "17"}, 17),
        ({}, {}, 30),
    ):
        server.answers(429, body, **headers)
        with pytest.raises(ChannelError) as caught:
            channel.send(at(CONFIG, server.base), outbound("public"))
        assert caught.value.retry_after == wait


def test_who_somebody_is(server: Platform) -> None:
    told = {"id": 501, "username": "ana_r", "name": "Ana", "email": "ana@example.com", "locale": "pt_BR"}
    server.answers(200, {**told, "single_sign_on_record": {"external_id": "crm-4711"}})
    author = channel.profile(at(CONFIG, server.base), CUSTOMER)
    assert author is not None
    assert (author.email, author.language, author.proof) == ("ana@example.com", "pt", "crm-4711")
    assert author.facts is None
    server.answers(403, refusal("You are not permitted to view the requested resource.", "invalid_access"))
    assert channel.profile(at(CONFIG, server.base), CUSTOMER) is None
    assert channel.profile(at(CONFIG, server.base), "@ana_r") is None


def test_what_users_have_noted_about_themselves(server: Platform) -> None:
    inbox = at(CONFIG, server.base)
    told = {"id": 501, "username": "ana_r"}
    values = {
        "1": "Luma Go",
        "2": None,
        "3": "true",
        "4": ["Blue", "", "Red\n"],
        "5": "false",
        "6": {"odd": 1},
        "7": 12,
    }
    site = {
        "user_fields": [{"id": 1, "name": "Plan"}, {"id": 3, "name": "Newsletter"}, {"id": 4, "name": "Colours"}, "odd"]
    }
    user = {**told, "user_fields": values}
    assert user_fields.told(inbox, "ana_r", {**told, "user_fields": {}}) == {}
    server.answers(200, site)
    expected = {"Plan": "Luma Go", "Newsletter": "Yes", "Colours": "Blue, Red", "Field 7": "12"}
    assert user_fields.told(inbox, "ana_r", user) == expected
    # The names are asked for once; a field that moderators may not see is none of theirs.
    server.answers(500, {})
    assert user_fields.told(inbox, "ana_r", user) == expected
    with pytest.raises(ChannelError):
        user_fields.told(inbox, "ana_r", told)
    server.answers(404, refusal("The requested URL or resource could not be found.", "not_found"))
    assert user_fields.told(inbox, "ana_r", told) is None
    server.answers(200, {"user": user})
    assert user_fields.told(inbox, "ana_r", told) == expected
    assert server.asked[-1].path == "/u/ana_r.json"


def test_the_key_is_shown_to_the_forum_s_uploads_only() -> None:
    def headers(url: str) -> int:
        return len(channel.source(CONFIG, Attachment("image", url=url)).headers)

    assert headers(f"{BASE}/uploads/default/original/1X/a.png") == 2
    assert headers(f"{BASE}/secure-uploads/a.png") == 2
    for other in (
        "/admin/users/1.json",
        "/uploads/../admin/backups",
        "/uploads/%2e%2e/logs",
        ".evil.example/uploads/a",
    ):
        assert headers(BASE + other) == 0
    assert headers("https://cdn.forum.example/uploads/a.png") == 0


# Asking


def latest(*ids: int) -> dict[str, Any]:
    post = orjson.loads(FIXTURES["post_created"])["post"]
    return {
        "latest_posts": [{**post, "id": number, "post_number": number} for number in ids],
        "topic_list": {"topics": []},
    }


def test_the_first_poll_only_notes_where_the_forum_stands(server: Platform) -> None:
    server.answers(200, latest(50, 49))
    got = channel.poll(at(CONFIG, server.base), {})
    assert (list(got.events), got.cursor["since"], got.more) == ([], 50, False)
    server.answers(200, latest(52, 51, 50))
    again = channel.poll(at(CONFIG, server.base), got.cursor)
    assert [event.key for event in again.events] == ["post_created:51", "post_created:52"]
    assert (again.cursor["since"], again.more) == (52, False)


def test_a_gap_is_filled_downwards_over_many_polls(server: Platform) -> None:
    server.answers(200, latest(*range(3000, 2950, -1)))
    config = at(CONFIG, server.base)
    got = channel.poll(config, {"since": 100, "pms": clock.now().isoformat()})
    assert (len(got.events), got.more, got.cursor["top"]) == (50, True, 3000)
    before = got.cursor["before"]
    assert before < 2951
    # When the forum has enough of us what was found so far stays found.
    server.answers(429, refusal("Too many times.", "rate_limit", wait_seconds=8))
    with pytest.raises(ChannelError):
        channel.poll(config, got.cursor)
    server.answers(200, latest(before - 1, 101, 90))
    rest = channel.poll(config, got.cursor)
    assert [event.key for event in rest.events] == ["post_created:101", f"post_created:{before - 1}"]
    assert (rest.cursor["since"], rest.more, "before" in rest.cursor) == (3000, False, False)


def test_check(server: Platform) -> None:
    server.answers(200, {"user": {"username": "luma_help", "admin": False, "moderator": False}})
    assert "no moderator" in channel.check(at(CONFIG, server.base))
    server.answers(200, {"user": {"username": "somebody"}})
    with pytest.raises(ChannelError, match="knows nobody called luma_help"):
        channel.check(at(CONFIG, server.base))
    server.answers(301, {})
    with pytest.raises(ChannelError, match="another address"):
        channel.check(at(CONFIG, server.base))
