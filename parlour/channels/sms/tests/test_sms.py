"""Twilio's webhooks and lists in, its Messages resource out."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

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
    Refused,
    ThreadKey,
)
from parlour.channels.sms import numbers, signature
from parlour.channels.sms.channel import channel
from parlour.channels.sms.segments import plain, segments
from parlour.channels.sms.tests.payloads import PAYLOADS, payloads
from parlour.channels.sms.tests.sample import ACCOUNT, ANA, CONFIG, FIXTURES, NUMBER, TOKEN, URL, outbound
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import platform
from parlour.lib import clock

SHARED = Path(__file__).parents[5] / "shared" / "payloads" / "sms_twilio"
THREAD = ThreadKey(f"{NUMBER}|{ANA}", "private", address=ANA)
AUTHOR = Author("sms", ANA, handle="+49 15550 100200")


def one(name: str, **members: Any) -> Inbound:
    """The event of a fixture, with some of its members replaced."""
    (inbound,) = channel.parse(orjson.dumps({**orjson.loads(FIXTURES[name]), **members}), CONFIG, RECEIVED)
    return inbound


def with_settings(**settings: str) -> Any:
    return replace(CONFIG, settings={**CONFIG.settings, **settings})


# The door


def test_the_documented_vector() -> None:
    params = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309"}
    pairs = [*params.items(), ("To", "+18005551212")]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature.sign("12345", url, pairs) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    request = DoorRequest(
        "POST", {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}, {}, urlencode(pairs).encode(), url
    )
    channel.verify(request, with_settings(auth_token="12345", public_url=""))
    channel.verify(request, with_settings(auth_token="12345", public_url="https://mycompany.com/myapp.php"))
    with pytest.raises(Refused):
        channel.verify(replace(request, url=url + "&x=1"), with_settings(auth_token="12345", public_url=""))


def test_the_recorded_vector() -> None:
    path = SHARED / "signature_vector.json"
    if not path.is_file():
        pytest.skip("../shared/payloads/sms_twilio is absent.")
    told = orjson.loads(path.read_bytes())
    signed = signature.sign(told["auth_token"], told["url"], list(told["params"].items()))
    assert signed == told["X-Twilio-Signature"]


def verify(url: str, signed_as: str, body: bytes, public: str = "") -> None:
    header = {"x-twilio-signature": signature.sign(TOKEN, signed_as, signature.form(body))}
    channel.verify(DoorRequest("POST", header, {}, body, url), with_settings(public_url=public))


@pytest.mark.parametrize(
    ("url", "signed_as", "public"),
    [
        ("https://d.example/in", "https://d.example:443/in", ""),
        ("https://d.example:443/in", "https://d.example/in", ""),
        ("http://d.example/in?a=1", "http://d.example:80/in?a=1", ""),
        ("https://[::1]/in", "https://[::1]:443/in", ""),
        ("http://inside:8000/in/x?reference=p1", "https://d.example/hook?reference=p1", "https://d.example/hook"),
        ("http://inside:8000/in/x", "https://d.example:8443/hook", "https://d.example:8443/hook"),
    ],
)
def test_the_address_may_be_written_in_more_ways(url: str, signed_as: str, public: str) -> None:
    verify(url, signed_as, b"MessageSid=SM1&Empty=&Twice=b&Twice=a&Twice=b", public)
    with pytest.raises(Refused):
        verify(url, signed_as + "x", b"MessageSid=SM1", public)


def test_a_shared_key() -> None:
    body, header = b"MessageSid=SM1&Body=Hi", "x-twilio-webhooks-signature-settings"
    signed = signature.sign("shared-secret-of-the-sample", URL, signature.form(body), "sha256")
    good = {"x-twilio-signature": signed, header: "key=SK1,algorithm=HMAC_SHA256"}
    channel.verify(DoorRequest("POST", good, {}, body), CONFIG)
    for wrong in (
        {**good, header: "key=SK2,algorithm=HMAC_SHA256"},
        {**good, header: "key=SK1,algorithm=HMAC_MD5"},
        {**good, header: "algorithm=HMAC_SHA256"},
        {"x-twilio-signature": signed},
        {**good, "x-twilio-signature": signature.sign(TOKEN, URL, signature.form(body))},
    ):
        with pytest.raises(Refused):
            channel.verify(DoorRequest("POST", wrong, {}, body), CONFIG)
    with pytest.raises(Refused):
        channel.verify(DoorRequest("POST", good, {}, body), with_settings(shared_key_id="", shared_key_secret=""))


def test_a_json_body_is_signed_by_its_hash() -> None:
    body = FIXTURES["text"]
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    request = DoorRequest("POST", {"x-twilio-signature": signature.sign(TOKEN, url)}, {}, body, url)
    channel.verify(request, CONFIG)
    assert channel.decode(request) == body
    with pytest.raises(Refused):
        channel.verify(replace(request, body=body + b" "), CONFIG)


def test_forms_become_objects() -> None:
    body = b"MessageSid=SM1&Body=Caf%C3%A9+%F0%9F%91%8B%FF&Twice=a&Twice=b&Empty="
    told = orjson.loads(channel.decode(DoorRequest("POST", {}, {"reference": "p1"}, body)))
    assert told == {"MessageSid": "SM1", "Body": "Café 👋\ufffd", "Twice": "a", "Empty": "", "reference": "p1"}
    with pytest.raises(Refused) as caught:
        channel.decode(DoorRequest("POST", {}, {}, b"a=1&" * 1001))
    assert caught.value.status == 400


def test_twilio_must_post() -> None:
    with pytest.raises(Refused) as caught:
        channel.handshake(DoorRequest("GET", {}, {}, b""), CONFIG)
    assert "POST" in caught.value.reason


# Events


def test_text() -> None:
    assert one("text") == Inbound(
        kind=Kind.MESSAGE,
        key="message:SM00000000000000000000000000000001",
        at=RECEIVED,
        external_id="SM00000000000000000000000000000001",
        author=AUTHOR,
        thread=THREAD,
        text="Where is my SIM card?",
        meta={"city": "Berlin", "country": "DE"},
    )
    assert one("short_code").author == Author("sms", "72727", handle="72727")
    assert one("stop").meta["opt_out"] == "STOP"


def test_files() -> None:
    begin = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM2/Media"
    assert one("photo").attachments == (
        Attachment("image", mime="image/jpeg", reference=f"{begin}/ME1"),
        Attachment("file", mime="text/vcard", reference=f"{begin}/ME2"),
    )


def test_what_was_listed_is_the_same_message() -> None:
    listed = one("listed")
    assert (listed.key, listed.thread, listed.text) == (
        "message:SM00000000000000000000000000000014",
        THREAD,
        "Nobody heard me at noon",
    )
    assert listed.at == datetime(2026, 11, 22, 11, 0, 1, tzinfo=UTC)
    assert listed.attachments[0].mime == "image/png"


def test_statuses() -> None:
    kinds = {name: one(name).kind for name in ("delivered", "read", "undelivered", "failed", "queued", "odd_status")}
    assert kinds == {
        "delivered": Kind.DELIVERED,
        "read": Kind.READ,
        "undelivered": Kind.FAILED,
        "failed": Kind.FAILED,
        "queued": Kind.IGNORED,
        "odd_status": Kind.IGNORED,
    }
    assert one("delivered").key == "status:SM0000000000000000000000000000000a:delivered"
    assert one("undelivered").reason == (
        "It did not arrive: the phone cannot be reached: switched off, or without a network (30003)."
    )
    assert one("failed").reason == "It did not arrive: no reason was given."
    ours = one("sent_by_us")
    assert (ours.kind, ours.our_reference, ours.counterpart, ours.author) == (
        Kind.ECHO,
        "ref-1",
        AUTHOR,
        Author("sms", NUMBER),
    )
    assert one("sent_elsewhere").kind is Kind.IGNORED


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("text", {"From": ""}),
        ("text", {"From": ["+49"]}),
        ("text", {"MessageSid": {}}),
        ("text", {"Body": 5}),
        ("photo", {"NumMedia": "many"}),
        ("photo", {"MediaUrl0": {}}),
        ("listed", {"message": {"sid": "SM1", "from": ANA, "to": NUMBER, "date_sent": "noon"}}),
        ("listed", {"message": None}),
        ("listed", {"media": "x"}),
    ],
)
def test_malformed_events_are_named(name: str, members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        one(name, **members)


def test_a_strange_message_is_kept_and_something_else_refused() -> None:
    body = {"MessageSid": {}, "From": ANA}
    (split,) = channel.split(body, orjson.dumps(body), CONFIG)
    assert split.key.startswith("odd:")
    with pytest.raises(Refused):
        channel.split({"CallSid": "CA1"}, b"{}", CONFIG)


def test_recorded_webhooks() -> None:
    if not SHARED.is_dir():
        pytest.skip("../shared/payloads/sms_twilio is absent.")
    found = {}
    for name, body in payloads(SHARED):
        (split,) = channel.split(orjson.loads(body), body, CONFIG)
        (event,) = channel.parse(split.body, CONFIG, RECEIVED)
        found[name] = ", ".join([str(event.kind), *(file.kind for file in event.attachments)])
    assert found == PAYLOADS


# Parts and numbers


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" * 5, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("👋" * 35, 1),
        ("👋" * 36, 2),
        ("👋" * 67, 3),
        ("it's", 1),
    ],
)
def test_parts(text: str, count: int) -> None:
    assert segments(text) == count


def test_one_sign_decides_for_all() -> None:
    assert plain("ça va, Grüße à 5 € [ok]") is False
    assert plain("Grüße à 5 € [ok]") is True
    assert plain("it’s") is False


def test_numbers() -> None:
    assert numbers.e164("+1 (555) 222-3333") == "+15552223333"
    assert [numbers.e164(one) for one in ("LUMA", "72727", "", "+", "whatsapp:+1555")] == [
        "LUMA",
        "72727",
        "",
        "+",
        "whatsapp:+1555",
    ]
    assert numbers.wrong("+15552223333") is None
    for wrong in ("5552223333", "+1", "+1 555 222 3333", "Luma"):
        assert numbers.wrong(wrong)


# Sending


def sent(config: Any = CONFIG, **changes: Any) -> dict[str, str]:
    with platform() as server:
        server.answers(201, {"sid": "SM9", "status": "queued", "error_code": None})
        assert channel.send(at(config, server.base), replace(outbound("private"), **changes)).external_id == "SM9"
    (asked,) = server.asked
    assert asked.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert asked.headers["authorization"].startswith("Basic ")
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def test_sending() -> None:
    assert sent() == {
        "To": ANA,
        "From": NUMBER,
        "Body": "We are looking into it.",
        "StatusCallback": f"{URL}?reference=ref-1",
    }
    assert "StatusCallback" not in sent(with_settings(public_url=""))
    service = with_settings(messaging_service_sid="MG1", number="")
    assert sent(service, thread="+4930111|" + ANA)["From"] == "+4930111"
    assert "From" not in sent(service, thread="")
    assert sent(service)["MessagingServiceSid"] == "MG1"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"text": " "}, ErrorKind.INVALID),
        ({"address": ""}, ErrorKind.INVALID),
        ({"visibility": "public"}, ErrorKind.INVALID),
        ({"mode": "private_reply"}, ErrorKind.INVALID),
        ({"attachments": (File("a.png", "image/png", 1, bytes),)}, ErrorKind.INVALID),
        ({"text": "x" * 307}, ErrorKind.TOO_LONG),
    ],
)
def test_what_cannot_be_sent_asks_nobody(changes: dict[str, Any], kind: ErrorKind) -> None:
    with platform() as server, pytest.raises(ChannelError) as caught:
        channel.send(at(with_settings(most_segments="2"), server.base), replace(outbound("private"), **changes))
    assert (caught.value.kind, server.asked) == (kind, [])


def test_a_file_is_asked_for_with_the_token_at_twilio_alone() -> None:
    def headers(url: str) -> Any:
        return channel.source(CONFIG, Attachment("image", reference=url)).headers

    assert headers("https://api.twilio.com/x")["authorization"].startswith("Basic ")
    for url in ("http://api.twilio.com/x", "https://api.twilio.com.evil.example/x", "https://[bad", "javascript:x", ""):
        assert headers(url) == {}


# Asking


def test_the_first_poll_asks_nothing() -> None:
    with clock.frozen(RECEIVED):
        first = channel.poll(CONFIG, {})
    assert (list(first.events), first.cursor) == ([], {"since": RECEIVED.isoformat()})


def listed(sid: str, **more: Any) -> dict[str, Any]:
    at = "Sun, 22 Nov 2026 11:30:00 +0000"
    told = {
        "sid": sid,
        "from": ANA,
        "to": NUMBER,
        "body": sid,
        "direction": "inbound",
        "num_media": "0",
        "date_sent": at,
    }
    return {**told, **more}


def test_what_was_missed_is_listed_by_the_hour() -> None:
    rows = [
        listed("SM3"),
        listed("SM2", direction="outbound-api"),
        listed("SM1"),
        listed("SM0", to="+4930999", messaging_service_sid="MG9"),
        None,
        {**listed("SM4"), "sid": 5},
    ]
    with clock.frozen(RECEIVED), platform() as server:
        server.answers(200, {"messages": rows, "next_page_uri": None})
        since = RECEIVED - timedelta(hours=2)
        got = channel.poll(at(CONFIG, server.base), {"since": since.isoformat()})
        assert [split.key for split in got.events] == ["message:SM1", "message:SM3"]
        assert (got.cursor, got.more) == ({"since": (since + timedelta(hours=1)).isoformat()}, True)
        asked = parse_qs(urlsplit(server.asked[0].path).query)
        assert (asked["DateSent>"], asked["DateSent<"], asked["To"]) == (
            ["2026-11-22T09:50:00Z"],
            ["2026-11-22T11:00:01Z"],
            [NUMBER],
        )
        last = channel.poll(at(CONFIG, server.base), got.cursor)
        assert (last.cursor, last.more) == ({"since": RECEIVED.isoformat()}, False)
        service = with_settings(number="", messaging_service_sid="MG9")
        assert [split.key for split in channel.poll(at(service, server.base), got.cursor).events] == ["message:SM0"]


def test_lists_that_are_none_are_named() -> None:
    with platform() as server:
        config = at(CONFIG, server.base)
        for answer in ({"messages": None}, {"messages": [], "next_page_uri": "//evil.example/x"}):
            server.answers(200, answer)
            with pytest.raises(ChannelError):
                channel.poll(config, {"since": RECEIVED.isoformat()})


def test_checking() -> None:
    with platform() as server:
        server.answers(200, {"friendly_name": "Luma\u202e", "status": "active"})
        assert channel.check(at(CONFIG, server.base)) == "Connected to the Twilio account Luma."
        server.answers(200, {"status": "suspended"})
        with pytest.raises(ChannelError) as caught:
            channel.check(at(CONFIG, server.base))
        assert caught.value.kind is ErrorKind.AUTH_EXPIRED
    with pytest.raises(ChannelError):
        channel.check(with_settings(number="", messaging_service_sid=""))
