from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from parlour.channels.contract import ChannelError, ErrorKind, File, Inbound, Kind, Refused
from parlour.channels.mastodon.channel import channel
from parlour.channels.mastodon.html import text_of
from parlour.channels.mastodon.tests.payloads import PAYLOADS, payloads
from parlour.channels.mastodon.tests.sample import ANA, CONFIG, FIXTURES, outbound
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def one(name: str) -> Inbound:
    (found,) = channel.parse(FIXTURES[name], CONFIG, RECEIVED)
    return found


def changed(name: str, **fields: object) -> Inbound:
    """The fixture's status with other fields."""
    event = orjson.loads(FIXTURES[name])
    event["payload"]["status"].update(fields)
    (found,) = channel.parse(orjson.dumps(event), CONFIG, RECEIVED)
    return found


def test_a_mention() -> None:
    said = one("mention")
    assert (said.kind, said.key, said.external_id) == (Kind.MESSAGE, "status:1101", "1101")
    assert said.text == "@luma my parcel is late.\nAny news?"
    assert said.thread
    assert said.author
    assert (said.thread.external_id, said.thread.visibility, said.thread.address) == (f"1101/{ANA}", "public", ANA)
    assert (said.author.handle, said.author.name, said.author.followers) == (
        "ana@fern.example",
        "Ana Prado :blobcat:",
        321,
    )
    assert said.author.verified
    assert said.author.realm == "mastodon:127.0.0.1:9"


def test_an_answer_stays_in_the_conversation_and_links_are_whole() -> None:
    said = one("mention_reply")
    assert said.thread
    assert (said.thread.external_id, said.reply_to) == (f"1101/{ANA}", "1102")
    assert said.text == "@luma order LM-7, see https://fern.example/a/long/way & tell me"


def test_direct_messages_are_private_and_one_thread() -> None:
    said = one("direct")
    assert said.thread
    assert (said.thread.external_id, said.thread.visibility) == (f"direct:{ANA}", "private")


def test_warnings_come_first_and_files_are_kept() -> None:
    said = one("warning_and_media")
    assert said.text == "[broken screen]\n\n@luma look :ohno:\n\n○ yes\n○ no"
    assert [(file.kind, file.url, file.name) for file in said.attachments] == [
        ("image", "https://files.example/5.jpg", "A cracked screen"),
        ("video", "https://fern.example/6.mp4", ""),
    ]
    assert said.meta == {"visibility": "unlisted", "language": "en", "sensitive": True}


def test_a_quote_is_a_message_without_its_preface() -> None:
    said = one("quote")
    assert said.text == "Is this true?"
    assert said.attachments[0].kind == "post"


@pytest.mark.parametrize(("name", "sign"), [("favourite", "⭐"), ("reblog", "🔁")])
def test_reactions(name: str, sign: str) -> None:
    said = one(name)
    assert (said.kind, said.external_id, said.meta["reaction"]) == (Kind.REACTION, "1102", sign)


def test_the_brands_own_words() -> None:
    reply, direct = one("own_reply"), one("own_direct")
    assert reply.kind is direct.kind is Kind.ECHO
    assert reply.thread
    assert reply.counterpart
    assert direct.thread
    assert (reply.thread.external_id, reply.reply_to, reply.counterpart.external_id) == (f"1101/{ANA}", "1101", ANA)
    assert (direct.thread.external_id, direct.thread.visibility) == (f"direct:{ANA}", "private")
    assert one("own_post").kind is Kind.IGNORED


def test_later_changes() -> None:
    edit, delete = one("edit"), one("delete")
    assert (edit.kind, edit.external_id, edit.key) == (Kind.EDIT, "1101", "status:1101:2026-11-20T10:05:00.000Z")
    assert edit.text == "@luma my parcel LM-7 is late."
    assert edit.thread is None
    assert (delete.kind, delete.external_id, delete.at) == (Kind.DELETE, "1101", RECEIVED)


@pytest.mark.parametrize("name", ["follow", "unknown_notification", "boost", "own_post"])
def test_what_is_not_kept_says_why(name: str) -> None:
    assert one(name).kind is Kind.IGNORED
    assert one(name).reason.endswith(".")


def test_a_status_is_one_message_however_it_is_found() -> None:
    event = orjson.loads(FIXTURES["mention"])
    found = channel.split({**event, "event": "update", "payload": event["payload"]["status"]}, b"", CONFIG)
    assert found[0].key == one("mention").key


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>a</p><p>b<br>c</p>", "a\n\nb\nc"),
        (
            '<p><a href="https://evil.example/x">https://bank.example</a></p>',
            "https://bank.example (https://evil.example/x)",
        ),
        ('<a href="https://luma.example/">luma.example</a>', "luma.example"),
        ("<script>alert(1)</script>hi<style>*{}</style>", "hi"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ('<img src=x onerror="alert(1)">x', "x"),
        ("<p" * 5000, "<p" * 5000),
        ("plain", "plain"),
    ],
)
def test_html_becomes_text(content: str, text: str) -> None:
    assert text_of(content) == text


def test_hostile_fields_stay_text_or_are_refused() -> None:
    said = changed("mention", content="<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>", url="javascript:alert(1)")
    assert said.text == "<script>alert(1)</script>"
    assert said.thread
    assert said.thread.url == ""
    with pytest.raises(ValueError, match="not text"):
        changed("mention", content=["x"])
    with pytest.raises(ValueError, match="id of the status"):
        changed("mention", id="../../secrets")


def test_a_notification_of_no_kind_stops_no_poll() -> None:
    event = {"event": "notification", "payload": {"type": ["mention"], "id": "7"}}
    (split,) = channel.split(event, b"", CONFIG)
    assert split.key == "notification:7"
    with pytest.raises(ValueError, match="has no type"):
        channel.parse(split.body, CONFIG, RECEIVED)


def test_nothing_is_posted_here() -> None:
    with pytest.raises(Refused):
        channel.split({"type": "mention"}, b"", CONFIG)


def test_lengths_count_as_mastodon_does() -> None:
    assert channel.length("https://luma.example/a/very/long/way/that/never/ends x", "public") == 25
    assert channel.length("@ana@fern.example hi", "public") == 7
    assert channel.length("👩‍👩‍👧é", "public") == 2
    more = replace(CONFIG, settings={**CONFIG.settings, "max_characters": "5000"})
    limit = channel.limit(more, "public")
    assert limit
    assert limit.length == 4960


def server_of(status: dict[str, object]) -> dict[str, object]:
    """One body that is a fit answer to every request of sending."""
    return {"id": "77", "visibility": "unlisted", "account": {"id": ANA, "acct": "ana@fern.example"}, **status}


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as running:
        yield running


def test_an_answer_copies_visibility_and_warning_and_names_the_customer(server: Platform) -> None:
    server.answers(200, server_of({"spoiler_text": "food"}), x_ratelimit_remaining="2", x_ratelimit_reset="soon")
    receipt = channel.send(at(CONFIG, server.base), outbound("public"))
    assert (receipt.external_id, receipt.thread, receipt.rest) == ("77", None, 60.0)
    posted = server.asked[-1]
    assert posted.headers["idempotency-key"] == "ref-1"
    assert posted.json == {
        "status": "@ana@fern.example We are looking into it.",
        "visibility": "unlisted",
        "in_reply_to_id": "77",
        "spoiler_text": "food",
    }


def test_a_private_answer_is_for_the_customer_alone(server: Platform) -> None:
    server.answers(200, server_of({}))
    config = at(CONFIG, server.base)
    receipt = channel.send(config, replace(outbound("private"), mode="private_reply"))
    assert receipt.thread
    assert (receipt.thread.external_id, receipt.thread.address) == (f"direct:{ANA}", ANA)
    assert server.asked[-1].json["visibility"] == "direct"
    with pytest.raises(ChannelError, match="take the @ from ben"):
        channel.send(config, replace(outbound("private"), text="Ask @ben, not me@mail.example"))


def test_a_text_that_does_not_fit_with_the_name_is_refused(server: Platform) -> None:
    server.answers(200, server_of({"account": {"id": ANA, "acct": "a" * 60}}))
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), replace(outbound("public"), text="x" * 460))
    assert caught.value.kind is ErrorKind.TOO_LONG
    assert len(server.asked) == 1


def test_files_are_uploaded_first(server: Platform) -> None:
    server.answers(200, server_of({}))
    file = File("a.png", "image/png", 3, lambda: b"png")
    channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(file,)))
    assert [asked.path for asked in server.asked] == ["/api/v1/statuses/1101", "/api/v2/media", "/api/v1/statuses"]
    assert b'filename="a.png"' in server.asked[1].body
    assert server.asked[2].json["media_ids"] == ["77"]


def test_acts(server: Platform) -> None:
    config = at(CONFIG, server.base)
    channel.act(config, "like", "1101", "public")
    channel.act(config, "unlike", "1101", "private")
    channel.act(config, "delete", "1102", "public")
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("POST", "/api/v1/statuses/1101/favourite"),
        ("POST", "/api/v1/statuses/1101/unfavourite"),
        ("DELETE", "/api/v1/statuses/1102"),
    ]
    with pytest.raises(ChannelError, match="not an id"):
        channel.act(config, "like", "../accounts", "public")


def test_the_check_names_the_account_and_what_is_set_wrong(server: Platform) -> None:
    server.answers(
        200,
        {
            "id": "1",
            "acct": "luma",
            "configuration": {"statuses": {"max_characters": 3000}},
            "for_new_accounts": "filter",
        },
    )
    said = channel.check(at(CONFIG, server.base))
    assert "Connected to @luma." in said
    assert "3,000 characters" in said
    assert "keep messages of some people back" in said


def test_recorded_payloads(shared: Path) -> None:
    found: dict[str, str] = {}
    for name, body in payloads(shared / "payloads" / "mastodon"):
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        (said,) = channel.parse(event.body, CONFIG, RECEIVED)
        private = " in private" if said.thread and said.thread.visibility == "private" else ""
        found[name] = f"ignored: {said.reason}" if said.kind is Kind.IGNORED else f"{said.kind}{private}"
    assert found == PAYLOADS
