"""What the shared contract tests cannot know of the chat: tokens, hours, floods, and what the widget may send."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.channels.chat import hours, settings, visitors
from parlour.channels.chat.channel import Chat
from parlour.channels.chat.floods import HOUR, MOST, TEXT_BYTES, Floods
from parlour.channels.chat.tests.sample import CONFIG, FIXTURES, SECRET, outbound
from parlour.channels.contract import ChannelError, DoorRequest, ErrorKind, Kind, Refused

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VISITOR = visitors.Visitor("visitor:kM2x9ZpQ7rT4vB1n")


def request(token: str, body: bytes = b"{}") -> DoorRequest:
    return DoorRequest("POST", {"authorization": f"Bearer {token}"}, {}, body)


def site_token(secret: str = SECRET, **claims: Any) -> str:
    told = {"sub": "customer-4711", "name": "Ada Stern", "email": "ada@mail.example", "exp": int(time.time()) + 60}
    return jwt.encode({**told, **claims}, secret, algorithm="HS256")


class TestParsing:
    def test_a_message_of_a_guest(self) -> None:
        (said,) = Chat().parse(FIXTURES["message"], CONFIG, RECEIVED)
        assert said.kind is Kind.MESSAGE
        assert said.author
        assert (said.author.external_id, said.author.realm) == (VISITOR.id, "chat:sample-chat")
        assert said.author.name == f"Visitor {VISITOR.digest[:4].upper()}"
        assert (said.author.language, said.author.verified) == ("en", False)
        assert said.thread
        assert (said.thread.external_id, said.thread.visibility) == (VISITOR.id, "private")
        assert said.meta == {"page": {"url": "https://www.luma.example/offers", "title": "Offers"}}
        assert said.at == RECEIVED

    def test_a_message_of_somebody_the_site_vouches_for(self) -> None:
        (said,) = Chat().parse(FIXTURES["message_of_customer"], CONFIG, RECEIVED)
        assert said.author
        told = (said.author.external_id, said.author.name, said.author.email, said.author.verified)
        assert told == ("customer-4711", "Ada Stern", "ada@mail.example", True)
        assert said.thread
        assert said.thread.external_id == "user:customer-4711"

    def test_an_address_left(self) -> None:
        (said,) = Chat().parse(FIXTURES["message_with_email"], CONFIG, RECEIVED)
        assert said.author
        assert said.author.email == "jana@mail.example"

    def test_files(self) -> None:
        (said,) = Chat().parse(FIXTURES["file_only"], CONFIG, RECEIVED)
        assert [(one.kind, one.name, one.mime) for one in said.attachments] == [
            ("file", "bill.pdf", "application/pdf"),
            ("image", "file-2", "image/png"),
        ]
        assert said.attachments[0].content.startswith(b"%PDF")

    def test_receipts_reach_no_further_than_now(self) -> None:
        (read,) = Chat().parse(FIXTURES["read"], CONFIG, RECEIVED)
        assert (read.kind, read.watermark) == (Kind.READ, datetime(2026, 11, 22, 11, 58, 0, 123456, tzinfo=UTC))
        ahead = FIXTURES["read"].replace(b"2026-11-22T11", b"2199-11-22T11")
        (read,) = Chat().parse(ahead, CONFIG, RECEIVED)
        assert read.watermark == RECEIVED

    def test_sending_succeeds_at_once(self) -> None:
        chat = Chat()
        assert chat.send(CONFIG, outbound("private")).external_id == "ref-1"
        for wrong in (replace(outbound("private"), text=" "), outbound("public")):
            with pytest.raises(ChannelError) as caught:
                chat.send(CONFIG, wrong)
            assert caught.value.kind is ErrorKind.INVALID
        chat.act(CONFIG, "delete", "ref-1", "private")

    def test_check_says_what_is_set(self) -> None:
        assert "https://www.luma.example" in Chat().check(CONFIG)
        with pytest.raises(ChannelError):
            Chat().check(replace(CONFIG, settings={"origins": "nonsense"}))


class TestTokens:
    def test_ours_holds_for_its_inbox_and_its_time(self) -> None:
        known = visitors.Visitor("customer-4711", "Ada Stern", "ada@mail.example", known=True, earlier="visitor:x")
        for visitor in (visitors.somebody(), known):
            assert visitors.opened(CONFIG, visitors.seal(CONFIG, visitor)) == visitor
        over = visitors.seal(CONFIG, VISITOR, now=time.time() - visitors.ANONYMOUS_SECONDS - 1)
        for token in (
            over,
            visitors.seal(replace(CONFIG, key="another-chat"), VISITOR),
            "",
            "x",
            "é",
            "a.b.c",
            "x" * 9_000,
        ):
            with pytest.raises(visitors.NotKnown):
                visitors.opened(CONFIG, token)

    def test_it_tells_nothing_to_who_has_it(self) -> None:
        token = visitors.seal(CONFIG, visitors.Visitor("customer-4711", "Ada Stern", known=True))
        assert "Ada" not in token
        assert token.count(".") == 0

    def test_the_sites(self) -> None:
        visitor = visitors.opened(CONFIG, site_token())
        assert visitor == visitors.Visitor("customer-4711", "Ada Stern", "ada@mail.example", known=True)
        assert visitors.opened(CONFIG, site_token(aud="sample-chat")).known
        assert visitors.opened(CONFIG, site_token(aud=["x", "sample-chat"])).known
        assert visitors.opened(CONFIG, site_token(email="<script>", name=5)).email == ""
        assert visitors.opened(CONFIG, site_token(name="\u202eevil\n name")).name == "evil name"

    def test_two_secrets_while_changing_over(self) -> None:
        both = replace(CONFIG, settings={**CONFIG.settings, "secret": f"{'n' * 40} {SECRET}"})
        assert visitors.opened(both, site_token()).known
        assert visitors.opened(both, site_token("n" * 40)).known
        with pytest.raises(visitors.NotKnown):
            visitors.opened(replace(CONFIG, settings={"secret": ""}), site_token())

    @pytest.mark.parametrize(
        "claims",
        [
            {"exp": 1},
            {"exp": None},
            {"sub": ""},
            {"sub": 5},
            {"sub": "x" * 151},
            {"sub": "visitor:x"},
            {"sub": "a\nb"},
            {"aud": "x"},
            {"nbf": 9e12},
        ],
    )
    def test_the_sites_that_prove_nothing(self, claims: dict[str, Any]) -> None:
        with pytest.raises(visitors.NotKnown):
            visitors.opened(
                CONFIG, site_token(**{name: value for name, value in claims.items() if value is not None} or {"exp": 1})
            )

    def test_an_unsigned_one_is_none(self) -> None:
        with pytest.raises(visitors.NotKnown):
            visitors.opened(CONFIG, jwt.encode({"sub": "x", "exp": 9e9}, "", algorithm="none"))

    def test_who_was_here_before(self) -> None:
        ada, ben = visitors.Visitor("ada", known=True), visitors.Visitor("ben", known=True)
        after = visitors.after(ada, VISITOR)
        assert after.threads == ("user:ada", VISITOR.id)
        assert visitors.after(ada, after) == after
        assert visitors.after(ben, after) == ben
        assert visitors.after(ada, None) == ada


class TestTheDoor:
    def test_nothing_in_the_body_says_who_speaks(self) -> None:
        body = b'{"type":"message","id":"0123456789","text":"x","visitor":{"id":"other"},"known":true}'
        chat, token = Chat(), visitors.seal(CONFIG, VISITOR)
        told = orjson.loads(chat.decode(request(token, body)))
        assert told["visitor"]["id"] == VISITOR.id
        (split,) = chat.split(told, orjson.dumps(told), CONFIG)
        assert split.lane == VISITOR.id
        for wrong in (b"", b"{", b'{"a":1}},"visitor":{"id":"x"}', b"[" * 200_000, b"\xff"):
            with pytest.raises(Refused) as caught:
                chat.decode(request(token, wrong))
            assert caught.value.status == 400

    def test_a_flood_of_one_and_a_flood_of_many(self) -> None:
        chat = Chat()
        token = visitors.seal(CONFIG, VISITOR)
        for _ in range(30):
            chat.verify(request(token), CONFIG)
        with pytest.raises(Refused) as caught:
            chat.verify(request(token), CONFIG)
        assert caught.value.status == 429
        narrow = replace(CONFIG, settings={**CONFIG.settings, "per_minute": "10"})
        chat = Chat()
        passed = 0
        with pytest.raises(Refused):
            for _ in range(100):
                chat.verify(request(visitors.seal(CONFIG, visitors.somebody())), narrow)
                passed += 1
        assert passed == 50

    def test_files_have_budgets_of_their_own(self) -> None:
        now = [0.0]
        chat, body = Chat(), b"x" * 4_000_000
        chat.floods = Floods(lambda: now[0])

        def sent(token: str, body: bytes = b"{}") -> int:
            try:
                chat.verify(request(token, body), CONFIG)
            except Refused as refused:
                return refused.status
            return 200

        def spoken() -> str:
            return visitors.seal(CONFIG, replace(visitors.somebody(), said=True))

        # Who has said nothing yet sends none, and takes nothing of what others may send.
        assert {sent(visitors.seal(CONFIG, visitors.somebody()), body) for _ in range(200)} == {403}
        one = spoken()
        assert [sent(one, body) for _ in range(7)] == [200] * 5 + [429] * 2
        assert sent(one) == 200
        # All together: words come through all the same, and a refusal takes nothing.
        others = [spoken() for _ in range(130)]
        assert [sent(token, body) for token in others].count(200) == 120
        assert {sent(visitors.seal(CONFIG, visitors.somebody())) for _ in range(100)} == {200}
        last = others[-1]
        assert sent(last, body) == 429
        now[0] = HOUR
        assert [sent(last, body) for _ in range(5)] == [200] * 5

    def test_the_longest_text_is_no_file(self) -> None:
        text = "\U0001f600" * 5_000
        body = json.dumps({"type": "message", "id": "0" * 64, "text": text, "files": []}).encode()
        assert len(body) > 59_000
        page = {"url": "https://www.luma.example/" + "x" * 1_900, "title": "x" * 1_000}
        assert len(body) + len(json.dumps(page)) < TEXT_BYTES

    def test_buckets_fill_again_and_are_forgotten(self) -> None:
        now = [0.0]
        floods = Floods(lambda: now[0])
        assert floods.take(("a",), 2, most=2, each_second=0.5)
        assert not floods.take(("a",), 1, most=2, each_second=0.5)
        now[0] = 2.0
        assert floods.take(("a",), 1, most=2, each_second=0.5)
        for number in range(MOST + 10):
            floods.take((str(number),), 1, most=2, each_second=0.5)
        assert len(floods._buckets) == MOST


class TestHours:
    WEEK = "mon-fri 09:00-12:30, 13:30-18:00; sat 10:00-14:00"

    @pytest.mark.parametrize(
        ("text", "at", "opens"),
        [
            (WEEK, "2026-11-23T10:00", None),
            (WEEK, "2026-11-23T12:30", "2026-11-23T13:30"),
            (WEEK, "2026-11-28T15:00", "2026-11-30T09:00"),
            ("sun 00:00-24:00", "2026-11-22T23:59", None),
            ("sat-mon 08:00-09:00", "2026-11-24T08:30", "2026-11-28T08:00"),
            ("Monday 08:00-09:00", "2026-11-23T09:00", "2026-11-30T08:00"),
            ("", "2026-11-22T03:00", None),
        ],
    )
    def test_when_somebody_is_there(self, text: str, at: str, opens: str | None) -> None:
        berlin = hours.zone("Europe/Berlin")
        now = datetime.fromisoformat(at).replace(tzinfo=berlin)
        found = hours.opens_at(hours.read(text), berlin, now)
        assert (found and found.astimezone(berlin).strftime("%Y-%m-%dT%H:%M")) == opens
        assert hours.is_open(hours.read(text), berlin, now) == (opens is None)

    def test_the_clock_is_put_forward(self) -> None:
        berlin = hours.zone("Europe/Berlin")
        night = datetime(2026, 3, 28, 23, 0, tzinfo=berlin)
        assert hours.opens_at(hours.read("sun 03:00-04:00"), berlin, night) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        ["always", "mon", "mon 9-17", "mon 17:00-09:00", "mon 09:00-25:00", "xyz 09:00-10:00", "mon 09:00-10:00; ;x"],
    )
    def test_what_is_no_week_is_said(self, text: str) -> None:
        with pytest.raises(ValueError, match="“"):
            hours.read(text)

    @given(st.text(max_size=60))
    def test_whatever_is_typed(self, text: str) -> None:
        with suppress(ValueError):
            opens = hours.opens_at(hours.read(text), hours.zone("UTC"), RECEIVED)
            assert opens is None or RECEIVED < opens <= RECEIVED + timedelta(days=8)

    def test_zones(self) -> None:
        for wrong in ("Europe/Atlantis", "../etc/passwd", "/etc/localtime", "", "\x00"):
            with pytest.raises(ValueError, match="time zone"):
                hours.zone(wrong)


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("https://www.example.com", ["https://www.example.com"]),
            ("https://a.example/, http://localhost:8100", ["https://a.example", "http://localhost:8100"]),
            ("https://*.example.com\nhttps://*.example.com", ["https://*.example.com"]),
            ("http://[::1]:80", ["http://[::1]:80"]),
        ],
    )
    def test_origins(self, text: str, found: list[str]) -> None:
        assert settings.origins(text) == found

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "*",
            "example.com",
            "https://a.example/shop",
            "https://a;script-src *",
            "ftp://a.example",
            "https://a.example?x",
            "https://u:p@a.example",
            "https://a:99999",
            "'self'",
        ],
    )
    def test_what_is_no_origin_is_said(self, text: str) -> None:
        with pytest.raises(ValueError, match="no origin"):
            settings.origins(text)

    @given(st.integers(0, 0xFFFFFF))
    def test_ink_is_read_on_every_colour(self, number: int) -> None:
        def light(colour: str) -> float:
            parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
            red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue

        colour = f"#{number:06x}"
        low, high = sorted((light(colour), light(settings.ink(colour))))
        assert (high + 0.05) / (low + 0.05) >= 4.5
