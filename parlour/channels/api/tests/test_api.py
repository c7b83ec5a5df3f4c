"""The API channel: signatures, schema, and answers to a real HTTP server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from parlour.channels.actions import WrongSettings, checked_settings
from parlour.channels.api import signature
from parlour.channels.api.channel import channel
from parlour.channels.api.tests.sample import CONFIG, FIXTURES, SECRET, outbound, sign
from parlour.channels.contract import Author, ChannelError, DoorRequest, ErrorKind, Inbound, Kind, Refused, ThreadKey
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.tests.samples import recorded
from parlour.lib import clock

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as running:
        yield running


def one(name: str) -> Inbound:
    payload = orjson.loads(FIXTURES[name])
    (split,) = channel.split(payload, FIXTURES[name], CONFIG)
    (inbound,) = channel.parse(split.body, CONFIG, RECEIVED)
    assert inbound.key == split.key
    return inbound


def reason(payload: Any) -> str:
    with pytest.raises(Refused) as caught:
        channel.split(payload, b"", CONFIG)
    assert caught.value.status == 400
    return caught.value.reason


def message(**changes: Any) -> dict[str, Any]:
    return {**orjson.loads(FIXTURES["message"]), **changes}


# Signatures


def test_the_published_vector() -> None:
    path = next((path for path in recorded("generic_webhook") if path.stem == "standard_webhooks_vector"), None)
    if path is None:
        pytest.skip("No recorded payloads beside the repository.")
    vector = orjson.loads(path.read_bytes())
    headers = {name: value for name, value in vector.items() if name.startswith("webhook-")}
    body = vector["body"].encode()
    config = replace(CONFIG, settings={"secret": vector["secret"]})
    when = datetime.fromtimestamp(int(vector["webhook-timestamp"]), UTC)
    with clock.frozen(when + timedelta(minutes=4)):
        channel.verify(DoorRequest("POST", headers, {}, body), config)
    with clock.frozen(when + timedelta(minutes=6)), pytest.raises(Refused, match="five minutes"):
        channel.verify(DoorRequest("POST", headers, {}, body), config)
    with clock.frozen(when - timedelta(minutes=6)), pytest.raises(Refused, match="five minutes"):
        channel.verify(DoorRequest("POST", headers, {}, body), config)
    assert "external_id" in reason(orjson.loads(body))


def test_we_and_the_reference_library_agree() -> None:
    body = FIXTURES["message"]
    Webhook(SECRET).verify(body, sign(body))
    now = datetime.now(UTC)
    theirs = Webhook(SECRET).sign("msg_theirs", now, body.decode())
    headers = {
        "webhook-id": "msg_theirs",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1a,abc v0,xyz v1,{base64.b64encode(b'0' * 32).decode()} {theirs}",
    }
    channel.verify(DoorRequest("POST", headers, {}, body), CONFIG)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": ",,,"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": " " * 9000},
        {"webhook-id": "other"},
        {"webhook-id": "a b"},
        {"webhook-id": "\udcff"},
        {"webhook-id": ""},
    ],
)
def test_malformed_headers_are_refused(changes: dict[str, str]) -> None:
    body = FIXTURES["message"]
    with pytest.raises(Refused) as caught:
        channel.verify(DoorRequest("POST", {**sign(body), **changes}, {}, body), CONFIG)
    assert caught.value.status == 403


@pytest.mark.parametrize("secret", ["", "abc", "whsec_", "whsec_!!!", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_wrong_secret_opens_nothing(secret: str) -> None:
    body = FIXTURES["message"]
    with pytest.raises(Refused, match="no usable secret"):
        channel.verify(DoorRequest("POST", sign(body), {}, body), replace(CONFIG, settings={"secret": secret}))
    with pytest.raises(WrongSettings):
        checked_settings(channel, {"secret": secret})


def test_a_secret_may_lack_its_padding() -> None:
    assert signature.key_of(SECRET.rstrip("=")) == signature.key_of(SECRET)
    assert checked_settings(channel, {"secret": SECRET})["secret"] == SECRET
    with pytest.raises(WrongSettings, match="web address"):
        checked_settings(channel, {"secret": SECRET, "callback_url": "file:///etc/passwd"})


def test_there_is_no_handshake() -> None:
    with pytest.raises(Refused, match="no handshake") as caught:
        channel.handshake(DoorRequest("GET", {}, {"x": "1"}, b""), CONFIG)
    assert caught.value.status == 400


# What comes in


def test_a_message() -> None:
    said = one("message")
    assert (said.kind, said.key, said.external_id) == (Kind.MESSAGE, "msg:shop-1001", "shop-1001")
    assert said.author == Author("api:sample", "cust-7", name="Ana Prado", email="ana@example.com")
    assert said.thread == ThreadKey("order-77", "private", subject="Order 77")
    assert said.at == datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC)
    assert (said.text, said.reply_to) == ("Where is my parcel?", "shop-1000")
    assert [(file.kind, file.name) for file in said.attachments] == [("file", "label.pdf"), ("image", "")]


def test_a_public_message_without_a_time_is_of_its_receipt() -> None:
    said = one("message_public")
    assert said.thread is not None
    assert (said.thread.visibility, said.at) == ("public", RECEIVED)


def test_a_message_may_be_only_a_file() -> None:
    said = one("message_file_only")
    assert (said.text, said.attachments[0].kind) == ("", "video")


def test_edits_are_told_apart_by_what_they_say() -> None:
    said = one("edit")
    assert (said.kind, said.external_id) == (Kind.EDIT, "shop-1001")
    assert said.author is not None
    assert said.thread is not None
    edit = orjson.loads(FIXTURES["edit"])
    keys = {channel.split({**edit, "text": text}, b"", CONFIG)[0].key for text in ("a", "b", "a")}
    assert len(keys) == 2
    assert all(key.startswith("edit:shop-1001:") for key in keys)


def test_a_deletion_needs_no_author() -> None:
    said = one("delete")
    assert (said.kind, said.key, said.author) == (Kind.DELETE, "delete:shop-1001", None)
    (split,) = channel.split(orjson.loads(FIXTURES["delete"]), b"", CONFIG)
    assert split.lane == "order-77"


def test_events_in_the_style_of_the_standard() -> None:
    said = one("event_received")
    assert (said.kind, said.key) == (Kind.MESSAGE, "msg:shop-1003")
    assert said.at == datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
    assert one("event_deleted").kind is Kind.DELETE
    unknown = one("event_unknown")
    assert (unknown.kind, unknown.reason) == (Kind.IGNORED, "Events of the type invoice.paid are not known.")


def test_the_recorded_event_is_ignored_with_a_reason() -> None:
    path = next((path for path in recorded("generic_webhook") if path.stem == "standard_webhooks_spec_payload"), None)
    if path is None:
        pytest.skip("No recorded payloads beside the repository.")
    (split,) = channel.split(orjson.loads(path.read_bytes()), b"", CONFIG)
    (said,) = channel.parse(split.body, CONFIG, RECEIVED)
    assert said.kind is Kind.IGNORED
    assert "contact.created" in said.reason


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"external_id": None}, "external_id"),
        ({"external_id": 5}, "external_id"),
        ({"external_id": " "}, "external_id"),
        ({"external_id": "x" * 151}, "external_id"),
        ({"external_id": "a\x00b"}, "external_id"),
        ({"external_id": "a\ud800"}, "external_id"),
        ({"author": None}, "author"),
        ({"author": {}}, "author.external_id"),
        ({"author": {"external_id": "1", "name": 5}}, "author.name"),
        ({"author": {"external_id": "1", "email": "nobody"}}, "author.email"),
        ({"thread": []}, "thread"),
        ({"thread": {}}, "thread.external_id"),
        ({"thread": {"external_id": "1", "visibility": "secret"}}, "thread.visibility"),
        ({"thread": {"external_id": "1", "subject": {}}}, "thread.subject"),
        ({"text": None}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"text": " ", "attachments": []}, "text"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [5]}, "attachments[0]"),
        ({"attachments": [{"url": "javascript:alert(1)"}]}, "attachments[0].url"),
        ({"attachments": [{"url": "https://a.example", "kind": "trap"}]}, "attachments[0].kind"),
        ({"created_at": "soon"}, "created_at"),
        ({"created_at": 5}, "created_at"),
        ({"reply_to": []}, "reply_to"),
        ({"type": "shout"}, "type"),
        ({"type": ["edit"]}, "type"),
    ],
)
def test_a_wrong_body_is_refused_by_the_name_of_its_field(changes: dict[str, Any], field: str) -> None:
    assert f"field {field} " in reason(message(**changes))


@pytest.mark.parametrize("name", ["external_id", "author", "thread", "text"])
def test_a_missing_field_is_named(name: str) -> None:
    body = message()
    del body[name]
    assert reason(body) == f"The field {name} is missing."


def test_odd_text_becomes_storable_and_odd_times_plausible() -> None:
    body = message(
        text="a\x00b\ud83d", created_at="2199-01-01T00:00:00Z", author={"external_id": "1", "name": "A\n\nB"}
    )
    (split,) = channel.split(body, b"", CONFIG)
    (said,) = channel.parse(split.body, CONFIG, RECEIVED)
    assert said.author is not None
    assert (said.text, said.at, said.author.name) == ("a\ufffdb\ufffd", RECEIVED, "A B")


def test_an_unknown_event_that_cannot_be_kept_is_refused() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    assert "nested" in reason({"type": "invoice.paid", "data": deep})


# What goes out


def sent(server: Platform, **changes: Any) -> str:
    return channel.send(at(CONFIG, server.base), replace(outbound("private"), **changes)).external_id


def test_an_answer_is_signed_and_names_its_thread(server: Platform) -> None:
    server.answers(200, {"external_id": "shop-2001"})
    assert sent(server) == "shop-2001"
    (asked,) = server.asked
    assert asked.method == "POST"
    assert asked.headers["webhook-id"] == "ref-1"
    Webhook(SECRET).verify(asked.body, dict(asked.headers))
    told = asked.json
    assert told["type"] == "message.sent"
    created = told["data"].pop("created_at")
    assert told["timestamp"] == created
    assert datetime.fromisoformat(created).tzinfo is not None
    assert told["data"] == {
        "id": "ref-1",
        "thread": {"external_id": "order-77"},
        "author_external_id": "cust-7",
        "text": "It is on its way.",
        "visibility": "private",
        "in_reply_to": "shop-1001",
    }


@pytest.mark.parametrize("answer", [b"", b"ok", b"[]", b'{"id":null}', b'{"id":true}', b'{"id":"\\n"}', b'{"id":{}}'])
def test_our_reference_stands_in_for_an_id(server: Platform, answer: bytes) -> None:
    server.answers(202, answer)
    assert sent(server) == "ref-1"
    server.answers(202, b'{"id": 77}')
    assert sent(server) == "77"


def test_a_retry_keeps_its_id(server: Platform) -> None:
    server.answers(500, {})
    for _ in range(2):
        with pytest.raises(ChannelError) as caught:
            sent(server)
        assert caught.value.kind is ErrorKind.TRANSIENT
    assert {asked.headers["webhook-id"] for asked in server.asked} == {"ref-1"}


def test_the_receivers_words_and_its_wish_to_wait(server: Platform) -> None:
    server.answers(422, b"no such\nthread " + b"x" * 900)
    with pytest.raises(ChannelError, match="answered 422: no such thread xxx") as caught:
        sent(server)
    assert len(caught.value.words) < 350
    for told, waits in (("30", 30.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0), ("9" * 50, None)):
        server.answers(429, {}, retry_after=told)
        with pytest.raises(ChannelError) as caught:
            sent(server)
        assert (caught.value.kind, caught.value.retry_after) == (ErrorKind.RATE_LIMITED, waits), told


def test_without_a_callback_address_nothing_is_sent() -> None:
    config = replace(CONFIG, settings={"secret": SECRET, "callback_url": ""})
    with pytest.raises(ChannelError, match="no callback address") as caught:
        channel.send(config, outbound("private"))
    assert caught.value.kind is ErrorKind.INVALID
    assert "cannot be sent" in channel.check(config)


def test_checking_sends_a_signed_ping(server: Platform) -> None:
    server.answers(204, b"")
    assert "accepts" in channel.check(at(CONFIG, server.base))
    (asked,) = server.asked
    assert Webhook(SECRET).verify(asked.body, dict(asked.headers))["type"] == "ping"
    server.answers(404, {})
    with pytest.raises(ChannelError):
        channel.check(at(CONFIG, server.base))
