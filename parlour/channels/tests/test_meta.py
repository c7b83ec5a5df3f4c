"""The handshake, the envelope and the client that Meta's channels share."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from parlour.channels import graph, meta
from parlour.channels.contract import ChannelError, DoorRequest, ErrorKind, InboxConfig, Refused
from parlour.channels.facebook.channel import channel as facebook
from parlour.channels.facebook.tests.sample import CONFIG, PAGE, SECRET, refusal
from parlour.channels.messenger.channel import channel as messenger
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import Platform, platform

HOLA = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158201444"}


def shaken(query: dict[str, str], config: InboxConfig = CONFIG) -> bytes:
    return meta.handshake(DoorRequest("GET", {}, query, b""), config).body


def test_handshake_echoes_the_challenge() -> None:
    assert shaken(HOLA) == b"1158201444"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"hub.mode": "unsubscribe"}, 403),
        ({"hub.mode": ""}, 403),
        ({"hub.verify_token": "verify-m"}, 403),
        ({"hub.verify_token": ""}, 403),
        ({"hub.verify_token": "\ud800"}, 403),
        ({"hub.challenge": ""}, 400),
        ({"hub.challenge": "1" * 1001}, 400),
    ],
)
def test_handshake_refuses(change: dict[str, str], status: int) -> None:
    with pytest.raises(Refused) as caught:
        shaken({**HOLA, **change})
    assert caught.value.status == status


def test_an_inbox_without_secrets_lets_nobody_in() -> None:
    bare = replace(CONFIG, settings={"page_id": PAGE, "app_secret": "", "verify_token": ""})
    with pytest.raises(Refused):
        shaken({**HOLA, "hub.verify_token": ""}, bare)
    signed = "sha256=" + hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    with pytest.raises(Refused):
        meta.verify(DoorRequest("POST", {"x-hub-signature-256": signed}, {}, b"{}"), bare)


def test_the_signature_is_over_the_bytes_as_they_came() -> None:
    body = rb'{"object":"page", "entry":[], "t":"\u00e4\u00f6 \ud83d\ude00"}'
    signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    meta.verify(DoorRequest("POST", {"x-hub-signature-256": signed}, {}, body), CONFIG)
    with pytest.raises(Refused):
        meta.verify(DoorRequest("POST", {"x-hub-signature-256": signed}, {}, orjson.dumps(orjson.loads(body))), CONFIG)
    with pytest.raises(Refused):
        meta.verify(DoorRequest("POST", {"x-hub-signature": signed}, {}, body), CONFIG)


@pytest.mark.parametrize("channel", [facebook, messenger], ids=lambda channel: channel.name)
class TestEnvelope:
    def test_other_objects_are_refused_in_words(self, channel) -> None:
        for payload in ({}, {"object": "instagram", "entry": []}, {"object": "page"}, {"object": "page", "entry": {}}):
            with pytest.raises(Refused) as caught:
                channel.split(payload, orjson.dumps(payload), CONFIG)
            assert caught.value.status == 400

    def test_an_empty_envelope_holds_nothing(self, channel) -> None:
        assert channel.split({"object": "page", "entry": []}, b"", CONFIG) == []

    def test_odd_parts_are_kept_beside_good_ones(self, channel) -> None:
        good = {"sender": {"id": "1"}, "recipient": {"id": PAGE}, "message": {"mid": "m_1", "text": "hi"}}
        entries = [5, {"id": PAGE}, {"id": PAGE, "messaging": [None, good, "x"], "changes": {}}]
        payload = {"object": "page", "entry": entries}
        splits = channel.split(payload, orjson.dumps(payload), CONFIG)
        odd = [event for event in splits if event.key.startswith("odd:")]
        assert (len(splits), len(odd)) == (6, 5)
        assert len({event.key for event in odd}) == 5
        assert splits[3].key not in {event.key for event in odd}
        for event in odd:
            assert event.lane == ""
            with pytest.raises(ValueError, match=r"[a-z]"):
                channel.parse(event.body, CONFIG, RECEIVED)
        assert channel.parse(splits[3].body, CONFIG, RECEIVED)

    def test_a_lone_event_keeps_the_body_as_it_is(self, channel) -> None:
        body = b'{ "object": "page", "entry": [{"id": "1", "messaging": [{"sender": {"id": "2"}}]}] }'
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        assert event.body is body

    def test_nesting_deeper_than_can_be_written_loses_nothing(self, channel) -> None:
        deep = "[" * 400 + "]" * 400
        body = f'{{"object":"page","entry":[{{"changes":[{{"field":"x","value":{deep}}},{{"field":"y"}}]}}]}}'.encode()
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        assert event.body == body
        with pytest.raises(ValueError, match="deep"):
            channel.parse(event.body, CONFIG, RECEIVED)

    def test_what_cannot_be_read_is_a_value_error(self, channel) -> None:
        for body in (b"", b"{", b"\xff", b"[]", b'{"object":"page","entry":[1]}', rb'"\ud800"'):
            with pytest.raises(ValueError, match=r"."):
                channel.parse(body, CONFIG, RECEIVED)

    def test_it_is_quick_enough_for_the_door(self, channel) -> None:
        events = [
            {"sender": {"id": str(n)}, "recipient": {"id": PAGE}, "message": {"mid": f"m_{n}", "text": "hi"}}
            for n in range(1000)
        ]
        payload = {"object": "page", "entry": [{"id": PAGE, "time": 1, "messaging": events}]}
        splits = channel.split(payload, orjson.dumps(payload), CONFIG)
        assert len({event.key for event in splits}) == 1000


def test_keys_stay_short_and_printable() -> None:
    assert meta.key("a", "b", "") == "a:b:"
    assert meta.key("a", "\x00") != meta.key("a", "\x01")
    for parts in (("message", "m" * 500), ("message", "\x00"), ("💩" * 300, "x"), ("x" * 500,)):
        assert len(meta.key(*parts)) <= 200
        assert meta.key(*parts).isprintable()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (1742667604, datetime(2025, 3, 22, 18, 20, 4, tzinfo=UTC)),
        (1742667604000, datetime(2025, 3, 22, 18, 20, 4, tzinfo=UTC)),
        ("1742667604", datetime(2025, 3, 22, 18, 20, 4, tzinfo=UTC)),
        ("2025-03-22T18:20:04+0000", datetime(2025, 3, 22, 18, 20, 4, tzinfo=UTC)),
        ("2025-03-22T20:20:04+02:00", datetime(2025, 3, 22, 18, 20, 4, tzinfo=UTC)),
        (0, RECEIVED),
        (-5, RECEIVED),
        (10**18, RECEIVED),
        (1e300, RECEIVED),
        ("nan", RECEIVED),
        ("inf", RECEIVED),
        ("0001-01-01T00:00:00+14:00", RECEIVED),
        ("9999-12-31T23:59:59-14:00", RECEIVED),
    ],
)
def test_times(told: object, expected: datetime) -> None:
    assert meta.when(told, "time", RECEIVED) == expected


@pytest.mark.parametrize("told", [True, [], {}, "soon", "12:00"])
def test_what_is_no_time(told: object) -> None:
    with pytest.raises(ValueError, match="time is not a time"):
        meta.when(told, "time", RECEIVED)


def test_settings_explain_what_is_wrong() -> None:
    check = {setting.name: setting.check for setting in meta.SETTINGS}
    for base in ("https://graph.facebook.com/v26.0", "http://127.0.0.1:8100/graph", "http://[::1]:80"):
        assert check["api_base"](base) is None
    for base in ("graph.facebook.com", "ftp://x", "https://", "https://x?y=1", "http://x:99999", "http://[::1"):
        assert check["api_base"](base)
    assert check["page_id"]("448242228374517") is None
    for page in ("me/accounts", "1 2", "٣", "x" * 65):
        assert check["page_id"](page)
    assert check["access_token"]("EAAB|x-_.") is None
    for token in ("a b", "ä", "a\nb"):
        assert check["access_token"](token)


class TestGraph:
    def ask(self, server: Platform, **settings: str) -> ChannelError:
        config = at(CONFIG, server.base)
        with pytest.raises(ChannelError) as caught:
            graph.call(config, "POST", "1_2", "comments", table=graph.COMMENTS, data={"message": "x"})
        return caught.value

    def test_how_long_to_wait(self) -> None:
        usage = orjson.dumps(
            {"1": [{"type": "pages", "estimated_time_to_regain_access": 7}, {"estimated_time_to_regain_access": 3}, 5]}
        ).decode()
        with platform() as server:
            for headers, expected in (
                ({}, None),
                ({"retry_after": "30"}, 30.0),
                ({"retry_after": "0"}, None),
                ({"retry_after": "soon"}, None),
                ({"retry_after": "-5"}, None),
                ({"retry_after": "9" * 30}, 86_400.0),
                ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
                ({"x_business_use_case_usage": usage}, 420.0),
                ({"x_business_use_case_usage": "[]"}, None),
                ({"x_business_use_case_usage": "{"}, None),
                ({"x_business_use_case_usage": usage, "retry_after": "30"}, 30.0),
            ):
                server.answers(400, refusal(613), **headers)
                error = self.ask(server)
                assert (error.kind, error.retry_after) == (ErrorKind.RATE_LIMITED, expected), headers

    def test_the_platforms_words_and_code_are_kept(self) -> None:
        with platform() as server:
            server.answers(400, refusal(100, 33))
            error = self.ask(server)
        assert (error.words, error.code, error.permanent) == ("(#100) No.", "100/33", True)

    def test_targets_cannot_leave_their_place(self) -> None:
        with platform() as server:
            config = at(CONFIG, server.base + "/v26.0/")
            server.answers(200, {"success": True})
            graph.call(config, "POST", "../1?a=b#c/d", table=graph.COMMENTS)
            assert server.asked[0].path == "/v26.0/..%2F1%3Fa%3Db%23c%2Fd"
            for target in ("", ".", ".."):
                with pytest.raises(ChannelError):
                    graph.call(config, "POST", target, table=graph.COMMENTS)
            assert len(server.asked) == 1

    def test_a_hostile_answer_is_an_error_of_ours(self) -> None:
        with platform() as server:
            for body in (b"\xff", b"[]", b"null", b"[" * 100_000, b""):
                server.answers(200, body)
                assert self.ask(server).kind is ErrorKind.UNKNOWN_OUTCOME

    def test_the_check_tells_the_pages_name(self) -> None:
        with platform() as server:
            server.answers(200, {"id": PAGE, "name": "Lantern\nTeas"})
            assert facebook.check(at(CONFIG, server.base)) == "Connected to the Page Lantern Teas."
            assert server.asked[0].path == f"/{PAGE}?fields=id%2Cname"
            assert server.asked[0].headers["authorization"] == "Bearer EAAB-token"
            server.answers(200, {"id": "1", "name": "Another"})
            with pytest.raises(ChannelError):
                messenger.check(at(CONFIG, server.base))
