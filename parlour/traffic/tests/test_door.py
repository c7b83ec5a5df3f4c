"""What the door makes of bytes, before any database: JSON that is nearly JSON, lengths, lanes."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from parlour.channels.contract import Answer, Refused
from parlour.traffic import door
from parlour.traffic.models import LANES


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'{"t": "plain"}', "plain"),
        (rb'{"t": "\ud83d half"}', "\ufffd half"),
        (rb'{"t": "\udc00\ud83d"}', "\ufffd\ufffd"),
        (rb'{"t": "\ud83d\ude00 whole"}', "😀 whole"),
        (rb'{"t": "\\ud83d is written out"}', r"\ud83d is written out"),
        (rb'{"t": "\\\ud83d behind a backslash"}', "\\\ufffd behind a backslash"),
        (rb'{"t": "\ud83d\ude00\ud83d"}', "😀\ufffd"),
    ],
)
def test_half_characters_are_mended_and_nothing_else_is_touched(body: bytes, text: str) -> None:
    payload, kept = door.decode(body)
    assert payload == {"t": text}
    assert orjson.loads(kept) == payload


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'{"a": 1e999}', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        door.decode(body)
    assert refused.value.status == 400


def _read(headers: dict[str, str], *events: dict[str, Any], pause: float = 0.0) -> bytes | Answer:
    waiting = list(events)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        return waiting.pop(0)

    return asyncio.run(door.read_body(headers, receive))


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_put_together() -> None:
    assert _read({}, part(b"a", True), part(b"", True), part(b"b")) == b"ab"
    assert _read({"content-length": "²"}, part(b"a")) == b"a"


@pytest.mark.parametrize("told", [str(door.MOST_BYTES + 1), "9" * 5000])
def test_a_body_that_says_it_is_too_large_is_not_even_read(told: str) -> None:
    answer = _read({"content-length": told})
    assert isinstance(answer, Answer)
    assert answer.status == 413


def test_a_body_that_turns_out_too_large_is_refused_before_its_end() -> None:
    answer = _read({}, *[part(b"x" * 1_000_000, True)] * 5)
    assert isinstance(answer, Answer)
    assert answer.status == 413


def test_a_body_that_ends_early_or_never_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = _read({}, part(b"x", True), {"type": "http.disconnect"})
    monkeypatch.setattr(door, "BODY_SECONDS", 0.05)
    slow = _read({}, *[part(b"x", True)] * 20, pause=0.02)
    assert [one.status for one in (gone, slow) if isinstance(one, Answer)] == [400, 408]


def test_lanes_are_few_and_stay_the_same() -> None:
    lanes = {door._lane(1, f"thread {number}") for number in range(5_000)}
    assert lanes == set(range(LANES))
    assert door._lane(1, "a") == door._lane(1, "a")
    assert 0 <= door._lane(1, "\ud800") < LANES


def test_a_refusal_is_problem_details_with_what_the_client_needs() -> None:
    async def told(answer: Answer) -> dict[bytes, bytes]:
        events: list[Any] = []

        async def send(event: Any) -> None:
            events.append(event)

        await door.respond(send, answer)
        return dict(events[0]["headers"])

    assert asyncio.run(told(door.problem(503, "Later.")))[b"retry-after"] == b"2"
    assert asyncio.run(told(door.problem(405, "No.")))[b"allow"] == b"GET, POST"
    assert orjson.loads(door.problem(404, "None.").body) == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": "None.",
    }
