"""Updates of the Bot API in, its methods out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from parlour.channels.contract import Attachment, Author, ChannelError, ErrorKind, File, Inbound, Kind, ThreadKey
from parlour.channels.telegram.channel import channel
from parlour.channels.telegram.tests.payloads import PAYLOADS, payloads
from parlour.channels.telegram.tests.sample import CONFIG, CUSTOMER, FIXTURES, GROUP, TOKEN, outbound, refusal
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.tests.samples import recorded
from parlour.lib import clock

ANA = Author("telegram", CUSTOMER, name="Ana Rocha", handle="anarocha", language="pt")
THREAD = ThreadKey(CUSTOMER, "private", address=CUSTOMER)
SENT = datetime.fromtimestamp(1790000000, UTC)
MADE = {"ok": True, "result": {"message_id": 99}}
MODES = {"groups": "all", "mode": "poll"}


def parsed(body: Any, **settings: str) -> list[Inbound]:
    config = replace(CONFIG, settings={**CONFIG.settings, **settings})
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return list(channel.parse(raw, config, RECEIVED))


def one(name: str, **members: Any) -> Inbound:
    """The event of a fixture, with some members of its message replaced."""
    body = orjson.loads(FIXTURES[name])
    for what, fields in body.items():
        if what != "update_id":
            fields |= members
    (inbound,) = parsed(body)
    return inbound


def file(kind: str = "image/png", name: str = "a.png", size: int = 3) -> File:
    return File(name, kind, size, lambda: b"abc")


def test_words_in_private_with_what_the_link_brought() -> None:
    assert one("text") == Inbound(
        Kind.MESSAGE,
        f"message:{CUSTOMER}:11",
        SENT,
        external_id=f"{CUSTOMER}:11",
        author=ANA,
        thread=THREAD,
        text="/start order_77",
        meta={"start": "order_77"},
    )


def test_a_photo_of_an_album_is_its_largest_size() -> None:
    event = one("photo")
    assert (event.text, event.meta) == ("The box was open", {"album": "9001"})
    assert event.attachments == (Attachment("image", mime="image/jpeg", size=120000, reference="large"),)


@pytest.mark.parametrize(
    ("member", "content", "expected"),
    [
        ("voice", {"file_id": "v", "mime_type": "audio/ogg"}, Attachment("audio", mime="audio/ogg", reference="v")),
        ("video_note", {"file_id": "n"}, Attachment("video", mime="video/mp4", reference="n")),
        (
            "document",
            {"file_id": "d", "file_name": "Rechnung.pdf", "mime_type": "application/pdf", "file_size": 7},
            Attachment("file", name="Rechnung.pdf", mime="application/pdf", size=7, reference="d"),
        ),
        ("document", {"file_id": "d", "mime_type": "image/png"}, Attachment("image", mime="image/png", reference="d")),
        (
            "document",
            {"file_id": "d", "mime_type": "image/svg+xml"},
            Attachment("file", mime="image/svg+xml", reference="d"),
        ),
        ("story", {"id": 3}, Attachment("other", name="A story")),
        ("sticker", {"file_id": "s", "is_animated": True}, Attachment("sticker", reference="s")),
    ],
)
def test_files(member: str, content: dict[str, Any], expected: Attachment) -> None:
    assert one("text", text="x", **{member: content}).attachments == (expected,)


def test_what_has_no_words_says_what_it_is() -> None:
    contact = {"first_name": "Rui", "phone_number": "+351 1"}
    assert one("text", text=None, contact=contact).text == "A contact: Rui, +351 1"
    poll = {"question": "Which?", "options": [{"text": "A"}, {"text": "B"}]}
    assert one("text", text=None, poll=poll).text == "Which?\n- A\n- B"
    assert one("text", text=None, sticker={"file_id": "s", "emoji": "👍"}).text == "👍"
    place = one("place")
    assert place.text == "A place: Luma shop, Rua 1"
    assert place.attachments[0].name == "41.150000, -8.610000"


def test_hidden_links_are_shown() -> None:
    entities = [{"type": "text_link", "offset": 0, "length": 4, "url": "https://example.org/x"}]
    assert one("text", entities=entities).attachments == (Attachment("link", url="https://example.org/x"),)


def test_group_words_for_the_bot_are_public_with_a_thread_for_each_member_and_topic() -> None:
    event = one("group_mention")
    assert event.kind is Kind.MESSAGE
    assert event.thread == ThreadKey(
        f"{GROUP}/7/{CUSTOMER}",
        "public",
        address=f"{GROUP}/7",
        subject="Luma fans",
        url="https://t.me/lumafans/501",
    )


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        ({"text": "hello @lumasamplebot!"}, True),
        ({"text": "hello @LumaSampleBotty"}, False),
        ({"text": "/help"}, True),
        ({"text": "/help@LumaSampleBot now"}, True),
        ({"text": "/help@OtherBot now"}, False),
        ({"reply_to_message": {"message_id": 9, "from": {"id": 900100, "is_bot": True}}}, True),
        ({"reply_to_message": {"message_id": 9, "from": {"id": 4, "is_bot": False}}}, False),
        ({"reply_to_message": {"message_id": 9, "from": {"id": 900100}, "forum_topic_created": {}}}, False),
        ({"entities": [{"type": "text_mention", "user": {"id": 900100}}]}, True),
    ],
)
def test_in_groups_only_what_is_for_the_bot_is_kept(members: dict[str, Any], kept: bool) -> None:
    event = one("group_other", **members)
    assert (event.kind is Kind.MESSAGE) is kept
    assert kept or "not addressed" in event.reason


def test_all_of_a_group_or_nothing_of_it() -> None:
    assert parsed(FIXTURES["group_other"], groups="all")[0].kind is Kind.MESSAGE
    assert "private chats only" in parsed(FIXTURES["group_mention"], groups="none")[0].reason


def test_an_edit_that_is_not_for_the_bot_changes_only_what_is_known() -> None:
    body = {
        "update_id": 1,
        "edited_message": orjson.loads(FIXTURES["group_other"])["message"] | {"edit_date": 1790000100},
    }
    (event,) = parsed(body)
    assert (event.kind, event.author, event.thread) == (Kind.EDIT, None, None)


def test_an_edit() -> None:
    event = one("edited")
    assert (event.kind, event.external_id, event.text) == (Kind.EDIT, f"{CUSTOMER}:11", "Where is order 77?")
    assert event.at == SENT + timedelta(seconds=30)
    assert one("edited", text="Other words").key != event.key


def test_a_pressed_button_says_its_title() -> None:
    event = one("press")
    assert (event.kind, event.text, event.reply_to) == (Kind.MESSAGE, "No", f"{CUSTOMER}:20")
    assert event.external_id == f"{CUSTOMER}:20:press:4382bfdwdsb323b2d9"
    # A message that is too old to be shown comes without its buttons.
    gone = {"message_id": 20, "chat": {"id": int(CUSTOMER), "type": "private"}, "date": 0}
    assert one("press", message=gone).text == "No"


def test_reactions_come_and_go() -> None:
    assert one("reaction").meta == {"reaction": "❤"}
    assert one("reaction", new_reaction=[]).meta["removed"] is True
    assert one("reaction", new_reaction=[{"type": "custom_emoji"}]).meta["reaction"] == "an emoji of their own"


def test_what_is_knowingly_not_kept_says_why() -> None:
    assert "blocked the bot" in one("blocked").reason
    assert "migrate_to_chat_id" in one("migrated").reason
    assert "channel" in one("channel_post").reason
    assert "new_chat_members" in one("joined").reason
    assert parsed({"update_id": 1, "surprise": {}})[0].reason == "Unknown update: surprise."
    assert one("text", **{"from": {"id": 900100, "is_bot": True, "first_name": "Luma"}}).kind is Kind.ECHO
    assert "Another bot" in one("group_mention", **{"from": {"id": 5, "is_bot": True}}).reason


def test_a_business_account_s_own_words_are_the_brand_s() -> None:
    event = one("business_echo")
    assert (event.kind, event.counterpart) == (Kind.ECHO, replace(ANA, language=""))
    assert event.thread == ThreadKey(f"biz:conn_1:{CUSTOMER}", "private", address=f"biz:conn_1:{CUSTOMER}")
    gone = parsed(FIXTURES["business_deleted"])
    assert [(each.kind, each.external_id) for each in gone] == [
        (Kind.DELETE, f"biz:conn_1:{CUSTOMER}:31"),
        (Kind.DELETE, f"biz:conn_1:{CUSTOMER}:32"),
    ]
    assert one("business_connection").kind is Kind.REVOKED


@pytest.mark.parametrize(
    "members",
    [
        {"chat": []},
        {"from": None},
        {"message_id": "7"},
        {"text": 4},
        {"date": "x"},
        {"photo": "x"},
        {"reply_to_message": 1},
    ],
)
def test_malformed_messages_are_parked(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        one("text", **members)


def test_recorded_payloads() -> None:
    if not (found := recorded("telegram")):
        pytest.skip("../shared is absent")
    told = {}
    for name, body in payloads(found[0].parents[1]):
        (split,) = channel.split(orjson.loads(body), body, CONFIG)
        (event,) = channel.parse(split.body, CONFIG, RECEIVED)
        told[name] = event.kind.value if event.kind is not Kind.IGNORED else f"ignored: {event.reason.lower()}"
    assert told.keys() == PAYLOADS.keys()
    for name, becomes in PAYLOADS.items():
        assert told[name].startswith(becomes), name


# Sending


@pytest.fixture
def server() -> Any:
    with platform() as running:
        running.answers(200, MADE)
        yield running


def test_words_in_private(server: Platform) -> None:
    assert channel.send(at(CONFIG, server.base), outbound("private")).external_id == f"{CUSTOMER}:99"
    (asked,) = server.asked
    assert asked.path == f"/bot{TOKEN}/sendMessage"
    assert asked.json == {"chat_id": int(CUSTOMER), "text": "We are looking into it."}


def test_words_in_a_group_answer_the_message_in_its_topic(server: Platform) -> None:
    channel.send(at(CONFIG, server.base), outbound("public"))
    told = server.asked[0].json
    assert (told["message_thread_id"], told["reply_parameters"]) == (7, {"message_id": 501})


def test_a_private_answer_to_group_words_goes_to_the_person(server: Platform) -> None:
    said = replace(outbound("public"), visibility="private", mode="private_reply")
    receipt = channel.send(at(CONFIG, server.base), said)
    assert receipt.thread == THREAD
    assert server.asked[0].json == {"chat_id": int(CUSTOMER), "text": said.text}


def test_in_the_name_of_a_business_account(server: Platform) -> None:
    said = replace(outbound("private"), address=f"biz:conn_1:{CUSTOMER}")
    assert channel.send(at(CONFIG, server.base), said).external_id == f"biz:conn_1:{CUSTOMER}:99"
    assert server.asked[0].json["business_connection_id"] == "conn_1"


def test_choices_are_buttons_within_64_bytes(server: Platform) -> None:
    channel.send(at(CONFIG, server.base), replace(outbound("private"), choices=("Yes", "é" * 60)))
    rows = server.asked[0].json["reply_markup"]["inline_keyboard"]
    assert [row[0]["text"] for row in rows] == ["Yes", "é" * 60]
    assert rows[0][0]["callback_data"] == "0 Yes"
    assert len(rows[1][0]["callback_data"].encode()) <= 64


def test_an_answer_to_a_press_answers_the_press(server: Platform) -> None:
    said = replace(outbound("private"), target=f"{CUSTOMER}:20:press:77")
    channel.send(at(CONFIG, server.base), said)
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["answerCallbackQuery", "sendMessage"]
    assert server.asked[0].json == {"callback_query_id": "77"}


def test_a_picture_bears_the_words_as_its_caption(server: Platform) -> None:
    said = replace(outbound("private"), attachments=(file(),))
    assert channel.send(at(CONFIG, server.base), said).more == ()
    (asked,) = server.asked
    assert asked.path.endswith("/sendPhoto")
    assert b"We are looking into it." in asked.body
    assert b'filename="a.png"' in asked.body


def test_files_of_several_kinds_are_several_messages_and_long_words_their_own(server: Platform) -> None:
    server.answers(200, {"ok": True, "result": [{"message_id": 5}, {"message_id": 6}]})
    files = (file(), file("video/mp4"), file("application/pdf"), file("text/plain"))
    said = replace(outbound("private"), text="x" * 1025, attachments=files)
    receipt = channel.send(at(CONFIG, server.base), said)
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["sendMediaGroup"] * 2 + ["sendMessage"]
    assert receipt.external_id == f"{CUSTOMER}:5"


def test_too_large_files_are_refused_before_any_request(server: Platform) -> None:
    said = replace(outbound("private"), attachments=(file(size=11_000_000),))
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), said)
    assert (caught.value.kind, server.asked) == (ErrorKind.TOO_LONG, [])


def test_a_rate_limit_tells_how_long(server: Platform) -> None:
    server.answers(429, refusal(429, "Too Many Requests: retry after 7", retry_after=7))
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), outbound("private"))
    assert caught.value.retry_after == 7


def test_acts(server: Platform) -> None:
    server.answers(200, {"ok": True, "result": True})
    config = at(CONFIG, server.base)
    channel.act(config, "delete", f"{GROUP}:501", "public")
    channel.act(config, "like", f"{CUSTOMER}:11", "private")
    channel.act(config, "delete", f"biz:conn_1:{CUSTOMER}:31", "private")
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == [
        "deleteMessage",
        "setMessageReaction",
        "deleteBusinessMessages",
    ]
    with pytest.raises(ChannelError):
        channel.act(config, "delete", f"{CUSTOMER}:20:press:7", "private")


# Asking


def test_updates_are_asked_for_and_confirmed(server: Platform) -> None:
    config = replace(at(CONFIG, server.base), settings={**at(CONFIG, server.base).settings, **MODES})
    found = [orjson.loads(FIXTURES["text"]), orjson.loads(FIXTURES["press"]), {"odd": 1}]
    server.answers(200, {"ok": True, "result": found})
    got = channel.poll(config, {})
    assert [event.key for event in got.events] == [f"message:{CUSTOMER}:11", "press:4382bfdwdsb323b2d9"]
    assert (got.cursor["offset"], got.more) == (47, True)
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["getUpdates", "answerCallbackQuery"]
    server.answers(200, {"ok": True, "result": []})
    again = channel.poll(config, got.cursor)
    assert server.asked[-1].json["offset"] == 47
    assert (again.cursor, again.more) == (got.cursor, False)
    # After a week of silence Telegram counts from another number.
    with clock.frozen(clock.now() + timedelta(days=8)):
        channel.poll(config, got.cursor)
    assert "offset" not in server.asked[-1].json


def test_with_a_webhook_nothing_is_asked_for_but_how_it_fares(server: Platform) -> None:
    config = at(CONFIG, server.base)
    info = {"url": "https://desk.example/in/telegram/x", "pending_update_count": 0}
    server.answers(200, {"ok": True, "result": info})
    assert channel.poll(config, {}).events == ()
    recent = int(clock.now().timestamp()) - 30
    told = {**info, "pending_update_count": 3, "last_error_date": recent, "last_error_message": "Connection refused"}
    server.answers(200, {"ok": True, "result": told})
    with pytest.raises(ChannelError, match=r"could not deliver 3 updates.*Connection refused"):
        channel.poll(config, {})
    server.answers(200, {"ok": True, "result": {"url": ""}})
    with pytest.raises(ChannelError, match="knows no webhook address"):
        channel.poll(config, {})


def test_a_file_is_fetched_by_an_address_that_is_told_nobody(server: Platform) -> None:
    server.answers(200, {"ok": True, "result": {"file_id": "v", "file_path": "voice/file 1.oga"}})
    source = channel.source(at(CONFIG, server.base), Attachment("audio", reference="v"))
    assert source.url == f"{server.base}/file/bot{TOKEN}/voice/file%201.oga"
    assert source.own
    server.answers(400, refusal(400, f"Bad Request: file is too big for bot{TOKEN}"))
    with pytest.raises(ChannelError) as caught:
        channel.source(at(CONFIG, server.base), Attachment("audio", reference="v"))
    assert TOKEN not in str(caught.value)
    assert caught.value.permanent


def test_check_tells_whose_token_it_is(server: Platform) -> None:
    server.answers(200, {"ok": True, "result": {"username": "OtherBot", "first_name": "Other"}})
    with pytest.raises(ChannelError, match="belongs to @OtherBot"):
        channel.check(at(CONFIG, server.base))
