"""Messaging events in, the Send API out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from parlour.channels.contract import Attachment, Author, ChannelError, ErrorKind, File, Inbound, Kind, ThreadKey
from parlour.channels.facebook.tests.sample import FIXTURES as FACEBOOK
from parlour.channels.messenger.channel import channel
from parlour.channels.messenger.tests.payloads import PAYLOADS, payloads
from parlour.channels.messenger.tests.sample import CONFIG, CUSTOMER, FIXTURES, PAGE, outbound
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import platform
from parlour.channels.tests.samples import recorded
from parlour.lib import clock

REALM = f"meta:{PAGE}"
ANA = Author(REALM, CUSTOMER)
LANTERN = Author(REALM, PAGE)
THREAD = ThreadKey(CUSTOMER, "private", address=CUSTOMER)
SENT = datetime.fromtimestamp(1790000000, UTC)


def one(name: str, **members: Any) -> Inbound:
    """The event of a fixture, with some of its members replaced."""
    body = orjson.loads(FIXTURES[name])
    entry = body["entry"][0]
    for where in ("messaging", "standby"):
        for event in entry.get(where, ()):
            event |= members
    (inbound,) = channel.parse(orjson.dumps(body), CONFIG, RECEIVED)
    return inbound


def test_text() -> None:
    assert one("text") == Inbound(
        kind=Kind.MESSAGE,
        key="message:m_1",
        at=SENT,
        external_id="m_1",
        author=ANA,
        thread=THREAD,
        text="Hello, my order 1234 is late",
    )


def test_an_answer_by_quick_reply() -> None:
    event = one("text_reply")
    assert (event.reply_to, dict(event.meta)) == ("m_page_1", {"payload": "CONFIRM"})


def test_attachments() -> None:
    assert one("photo").attachments == (Attachment("image", url="https://cdn.example/cup.jpg"),)
    assert one("sticker_twice").attachments == (Attachment("sticker", url="https://cdn.example/s.png"),)
    assert one("link").attachments == (
        Attachment("link", url="https://example.org", name="Example"),
        Attachment("link"),
    )


def test_our_echo_carries_our_reference() -> None:
    echo = one("echo")
    assert (echo.kind, echo.author, echo.counterpart, echo.thread) == (Kind.ECHO, LANTERN, ANA, THREAD)
    assert (echo.our_reference, echo.external_id, echo.key) == ("ref-1", "m_page_1", "echo:m_page_1")


def test_an_echo_written_elsewhere() -> None:
    echo = one("echo_elsewhere")
    assert (echo.kind, echo.our_reference, echo.counterpart) == (Kind.ECHO, "", ANA)
    assert echo.attachments == (Attachment("other", url="https://example.org/o", name="Offer"),)


def test_an_echo_without_its_mark_is_known_by_its_sender() -> None:
    echo = one("text", sender={"id": PAGE}, recipient={"id": CUSTOMER})
    assert (echo.kind, echo.thread, echo.counterpart) == (Kind.ECHO, THREAD, ANA)


def test_standby_is_read_like_messaging_and_has_its_key() -> None:
    assert one("standby_text").kind is Kind.MESSAGE
    body = orjson.loads(FIXTURES["text"])
    body["entry"][0]["standby"] = body["entry"][0].pop("messaging")
    assert channel.parse(orjson.dumps(body), CONFIG, RECEIVED) == [one("text")]


def test_edit() -> None:
    edit = one("edit")
    assert (edit.kind, edit.external_id, edit.text) == (Kind.EDIT, "m_1", "Hello, my order 1235 is late")
    assert edit.key != one("edit", message_edit={"mid": "m_1", "text": "x", "num_edit": 2}).key


def test_receipts() -> None:
    first, second = channel.parse(FIXTURES["delivered"], CONFIG, RECEIVED)
    assert (first.kind, first.external_id, first.key) == (Kind.DELIVERED, "m_page_1", "delivered:m_page_1")
    assert second.external_id == "m_page_2"
    up_to = one("delivered_by_watermark")
    assert (up_to.kind, up_to.external_id, up_to.thread) == (Kind.DELIVERED, "", THREAD)
    assert up_to.watermark == SENT + timedelta(milliseconds=950)
    seen = one("read")
    assert (seen.kind, seen.external_id, seen.author, seen.thread) == (Kind.READ, "", ANA, THREAD)
    assert seen.watermark == SENT + timedelta(seconds=1)
    assert seen.key == f"read:{CUSTOMER}:1790000001000"


def test_one_receipt_has_the_same_key_split_or_parsed() -> None:
    single = one("delivered", delivery={"mids": ["m_page_1"], "watermark": 1})
    assert single.key == "delivered:m_page_1"


def test_postbacks_are_words() -> None:
    pressed = one("postback")
    assert (pressed.kind, pressed.text, pressed.external_id, pressed.key) == (
        Kind.MESSAGE,
        "Get started",
        "m_7",
        "postback:m_7",
    )
    assert dict(pressed.meta) == {
        "payload": "START",
        "referral": {"ref": "poster", "source": "SHORTLINK", "type": "OPEN_THREAD"},
    }
    bare = one("postback_without_id")
    assert (bare.kind, bare.text) == (Kind.MESSAGE, "Opening hours")
    assert bare.external_id == bare.key


def test_a_postback_as_a_change_by_somebody_without_a_psid() -> None:
    pressed = one("postback_as_change")
    assert (pressed.kind, pressed.text, pressed.at) == (Kind.MESSAGE, "Keep me posted", SENT)
    assert pressed.thread == ThreadKey("user_ref:box-9", "private", address="user_ref:box-9")


def test_reactions() -> None:
    added, removed = one("reaction"), one("reaction_removed")
    assert (added.kind, added.external_id, dict(added.meta)) == (Kind.REACTION, "m_page_1", {"reaction": "❤"})
    assert dict(removed.meta) == {"reaction": "❤", "removed": True}
    assert added.key != removed.key


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("referral", "came back"),
        ("optin", "opt-in"),
        ("handover", "passed"),
        ("policy", "policy"),
        ("account_linking", "account"),
        ("feedback", "rated"),
        ("unknown", "hologram"),
        ("labels", "inbox_labels"),
    ],
)
def test_what_is_knowingly_ignored(name: str, words: str) -> None:
    assert one(name).kind is Kind.IGNORED
    assert words in one(name).reason


def test_what_belongs_to_other_inboxes() -> None:
    events = channel.parse(FIXTURES["batch"], CONFIG, RECEIVED)
    assert [event.kind for event in events] == [Kind.MESSAGE, Kind.MESSAGE, Kind.IGNORED, Kind.IGNORED]
    (comment,) = channel.parse(FACEBOOK["comment"], CONFIG, RECEIVED)
    assert (comment.kind, "Facebook inbox" in comment.reason) == (Kind.IGNORED, True)


def test_lanes_are_customers() -> None:
    names = ("text", "echo", "edit", "read", "delivered", "reaction", "postback", "echo_elsewhere")
    for name in names:
        (event,) = channel.split(orjson.loads(FIXTURES[name]), FIXTURES[name], CONFIG)
        assert event.lane == CUSTOMER


@pytest.mark.parametrize(
    "members",
    [
        {"message": "hi"},
        {"message": {"text": "no id"}},
        {"message": {"mid": "m", "text": ["x"]}},
        {"message": {"mid": {}, "text": "x"}},
        {"message": {"mid": "m", "attachments": {}}},
        {"message": {"mid": "m", "attachments": ["x"]}},
        {"sender": None},
        {"sender": {"id": ""}},
        {"sender": "5550001"},
        {"timestamp": "yesterday"},
    ],
)
def test_malformed_events_are_named(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        one("text", **members)


def test_sending_within_the_window() -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "m_out"})
        receipt = channel.send(at(CONFIG, server.base), outbound("private"))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/{PAGE}/messages")
    assert asked.headers["authorization"] == "Bearer EAAB-token"
    assert asked.json == {
        "recipient": {"id": CUSTOMER},
        "messaging_type": "RESPONSE",
        "message": {"text": "We are looking into it.", "metadata": "ref-1"},
    }
    assert (receipt.external_id, receipt.thread) == ("m_out", None)


@pytest.mark.parametrize(
    ("silence", "human", "expected"),
    [
        (timedelta(hours=23, minutes=59), False, {"messaging_type": "RESPONSE"}),
        (timedelta(hours=24), True, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}),
        (timedelta(days=6, hours=23), True, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}),
        (timedelta(hours=24), False, None),
        (timedelta(days=7), True, None),
        (None, True, None),
    ],
)
def test_windows(silence: timedelta | None, human: bool, expected: dict[str, str] | None) -> None:
    with clock.frozen(RECEIVED), platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "m_out"})
        last = None if silence is None else RECEIVED - silence
        answer = replace(outbound("private"), last_inbound_at=last, human=human)
        if expected is not None:
            channel.send(at(CONFIG, server.base), answer)
            sent = server.asked[0].json
            assert {name: sent[name] for name in sent if name in ("messaging_type", "tag")} == expected
        else:
            with pytest.raises(ChannelError) as caught:
                channel.send(at(CONFIG, server.base), answer)
            assert caught.value.kind is ErrorKind.WINDOW_CLOSED
            assert server.asked == []


def test_whoever_had_no_psid_gets_one() -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": "777", "message_id": "m_out"})
        receipt = channel.send(at(CONFIG, server.base), replace(outbound("private"), address="user_ref:box-9"))
    assert server.asked[0].json["recipient"] == {"user_ref": "box-9"}
    assert receipt.thread == ThreadKey("777", "private", address="777")


def test_what_cannot_be_sent_asks_nobody() -> None:
    with platform() as server:
        for wrong in (
            replace(outbound("private"), text=""),
            replace(outbound("private"), address=""),
            replace(outbound("private"), visibility="public"),
            replace(outbound("private"), mode="private_reply"),
        ):
            with pytest.raises(ChannelError) as caught:
                channel.send(at(CONFIG, server.base), wrong)
            assert caught.value.kind is ErrorKind.INVALID
    assert server.asked == []


def test_marking_as_seen() -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER})
        channel.act(at(CONFIG, server.base), "seen", CUSTOMER, "private")
        server.answers(200, {"from": {"id": CUSTOMER}})
        channel.act(at(CONFIG, server.base), "seen", "m_1", "private")
        channel.act(at(CONFIG, server.base), "typing", "m_1", "private")
        server.answers(200, {"from": {"id": ["x"]}})
        with pytest.raises(ChannelError, match="who wrote"):
            channel.act(at(CONFIG, server.base), "seen", "m_2", "private")
    # Whose message it is was asked once.
    first, who, second, writing, _ = server.asked
    assert writing.json == {"recipient": {"id": CUSTOMER}, "sender_action": "typing_on"}
    assert first.json == second.json == {"recipient": {"id": CUSTOMER}, "sender_action": "mark_seen"}
    assert (who.method, who.path) == ("GET", "/m_1?fields=from")


def test_files_are_handed_over_first_and_the_text_comes_last() -> None:
    photo = File("cup.png", "image/png", 4, lambda: b"\x89PNG")
    invoice = File("invoice.pdf", "application/pdf", 5, lambda: b"%PDF-")
    with platform() as server:
        server.answers(200, {"attachment_id": "77", "recipient_id": CUSTOMER, "message_id": "m_out"})
        answer = replace(outbound("private"), attachments=(photo, invoice), choices=("Yes", "No"))
        receipt = channel.send(at(CONFIG, server.base), answer)
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["message_attachments"] * 2 + ["messages"] * 3
    assert b'filename="cup.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG' in server.asked[0].body
    first, second, words = (asked.json["message"] for asked in server.asked[2:])
    assert first == {"attachment": {"type": "image", "payload": {"attachment_id": "77"}}, "metadata": "ref-1"}
    assert second["attachment"]["type"] == "file"
    assert [reply["title"] for reply in words["quick_replies"]] == ["Yes", "No"]
    assert "quick_replies" not in first
    assert "quick_replies" not in second
    assert (receipt.external_id, len(receipt.more)) == ("m_out", 2)


def test_an_answer_that_is_half_out_is_not_said_twice() -> None:
    photo = File("cup.png", "image/png", 4, lambda: b"\x89PNG")
    with platform() as server:
        server.answers(200, {"attachment_id": "77", "recipient_id": CUSTOMER})
        with pytest.raises(ChannelError) as caught:
            channel.send(at(CONFIG, server.base), replace(outbound("private"), attachments=(photo,)))
        assert caught.value.kind is ErrorKind.UNKNOWN_OUTCOME
        server.answers(500, {})
        with pytest.raises(ChannelError) as caught:
            channel.send(at(CONFIG, server.base), replace(outbound("private"), attachments=(photo,)))
        # Nobody has seen a file that was only handed over: it may be tried again.
        assert caught.value.kind is ErrorKind.TRANSIENT


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        ({}, None),
        ({"x_app_usage": '{"call_count":50,"total_time":10,"total_cputime":10}'}, None),
        ({"x_app_usage": '{"call_count":50,"total_time":91,"total_cputime":10}'}, 5.0),
        ({"x_page_usage": '{"call_count":100}'}, 300.0),
        ({"x_business_use_case_usage": '{"1":[{"call_count":20,"estimated_time_to_regain_access":2}]}'}, 120.0),
        ({"x_business_use_case_usage": '{"1":[{"call_count":"x"},5]}', "x_app_usage": "[1]"}, None),
    ],
)
def test_how_much_of_the_allowance_is_used(headers: dict[str, str], rest: float | None) -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "m_out"}, **headers)
        assert channel.send(at(CONFIG, server.base), outbound("private")).rest == rest


def test_a_blocked_page_loses_its_access() -> None:
    blocked = one("policy", policy_enforcement={"action": "block", "reason": "spam"})
    assert (blocked.kind, blocked.reason.endswith("spam")) == (Kind.REVOKED, True)


def test_a_filled_in_lead_form_is_named() -> None:
    lead = one("referral", referral={"type": "LEAD_COMPLETE"}, lead={"data": []})
    assert (lead.kind, "Leads Center" in lead.reason) == (Kind.IGNORED, True)


def test_profiles() -> None:
    with platform() as server:
        server.answers(200, {"first_name": "Ana", "last_name": "Petrova", "profile_pic": "https://cdn.example/a.jpg"})
        config = at(CONFIG, server.base)
        ana = Author(REALM, CUSTOMER, name="Ana Petrova", avatar_url="https://cdn.example/a.jpg")
        assert channel.profile(config, CUSTOMER) == ana
        assert channel.profile(config, "user_ref:box-9") is None
        server.answers(200, {})
        assert channel.profile(config, CUSTOMER) is None
        assert len(server.asked) == 2


def test_recorded_webhooks() -> None:
    files = recorded("messenger")
    if not files:
        pytest.skip("../shared/payloads/messenger is absent.")
    told = dict(payloads(files[0].parents[1]))
    assert set(told) == set(PAYLOADS)
    expected = {"handover_pass": Kind.IGNORED, "referral_mme": Kind.IGNORED, "message_edit": Kind.EDIT}
    expected |= {"delivery": Kind.DELIVERED, "echo_text": Kind.ECHO, "echo_template_standby": Kind.ECHO}
    for name, body in told.items():
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        (inbound,) = channel.parse(event.body, CONFIG, RECEIVED)
        assert inbound.kind is expected.get(name, Kind.MESSAGE), name
        assert inbound.key == event.key
