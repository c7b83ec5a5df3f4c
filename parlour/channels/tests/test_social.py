"""Walking lists back to what was seen, sessions, limits in headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlour.channels.contract import ChannelError, ErrorKind, Split
from parlour.channels.social import (
    OVERLAP_SECONDS,
    Page,
    Sessions,
    decode,
    epoch,
    hashed,
    moment,
    newest_back,
    rest,
    saved,
)
from parlour.lib import clock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Listing:
    """Items by their times, newest first, in pages of ten; ``broken`` pages cannot be had."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.broken: dict[str, ChannelError] = {}
        self.asked: list[str] = []

    def fetch(self, token: str) -> Page:
        self.asked.append(token)
        if token in self.broken:
            raise self.broken.pop(token)
        before = float(token or "inf")
        left = sorted((at for at in self.times if at < before), reverse=True)
        page = [(at, Split(f"key-{at}", "lane", b"{}")) for at in left[:10]]
        return Page(page, str(page[-1][0]) if len(left) > 10 else "")


def keys(found: list[Split]) -> list[float]:
    return [float(one.key.removeprefix("key-")) for one in found]


def test_the_first_time_only_the_first_page_is_taken() -> None:
    listing = Listing()
    place: dict[str, Any] = {}
    listing.times = [float(number * 1000) for number in range(1, 31)]
    found, more = newest_back(listing.fetch, place)
    assert keys(found) == [float(number * 1000) for number in range(21, 31)]
    assert not more
    assert place["since"] == 30_000.0


def test_from_now_takes_nothing_that_was_there() -> None:
    listing = Listing()
    place: dict[str, Any] = {}
    listing.times = [1000.0, 2000.0]
    assert newest_back(listing.fetch, place, from_now=True) == ([], False)
    listing.times.append(3000.0)
    assert keys(newest_back(listing.fetch, place, from_now=True)[0]) == [3000.0]
    assert newest_back(listing.fetch, place, from_now=True) == ([], False)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(st.integers(1, 400), max_size=60), max_size=6))
def test_nothing_is_lost_or_doubled(rounds: list[list[int]]) -> None:
    listing = Listing()
    listing.times = [1.0]
    place: dict[str, Any] = {}
    taken = keys(newest_back(listing.fetch, place)[0])
    at = 1.0
    for steps in rounds:
        for step in steps:
            at += step
            listing.times.append(at)
        more = True
        while more:
            found, more = newest_back(listing.fetch, place, pages=2)
            taken += keys(found)
    assert sorted(taken) == sorted(listing.times)


def test_what_is_late_by_a_little_is_found() -> None:
    listing = Listing()
    place: dict[str, Any] = {}
    listing.times = [1000.0]
    newest_back(listing.fetch, place)
    listing.times.append(1000.0 - OVERLAP_SECONDS / 2)
    assert keys(newest_back(listing.fetch, place)[0]) == [1000.0 - OVERLAP_SECONDS / 2]


def test_a_walk_goes_on_where_it_was_cut_short() -> None:
    listing = Listing()
    place: dict[str, Any] = {}
    listing.times = [1000.0]
    newest_back(listing.fetch, place)
    listing.times += [float(number * 1000) for number in range(2, 32)]
    listing.broken["22000.0"] = ChannelError(ErrorKind.TRANSIENT, "Not now.")
    first, more = newest_back(listing.fetch, place)
    assert more
    assert keys(first) == [float(number * 1000) for number in range(22, 32)]
    listing.broken["22000.0"] = ChannelError(ErrorKind.INVALID, "The mark has expired.")
    second, more = newest_back(listing.fetch, place)
    assert not more
    assert {*keys(first), *keys(second)} == {float(number * 1000) for number in range(2, 32)}
    listing.broken[""] = ChannelError(ErrorKind.TRANSIENT, "Not now.")
    with pytest.raises(ChannelError):
        newest_back(listing.fetch, place)


def test_sessions_are_made_once_and_wrong_ones_rest() -> None:
    sessions: Sessions[str] = Sessions()
    made: list[str] = []

    def sign_in() -> tuple[str, float]:
        made.append(f"session {len(made)}")
        return made[-1], 60.0

    def refused() -> tuple[str, float]:
        made.append("refused")
        raise ChannelError(ErrorKind.AUTH_EXPIRED, "Wrong password.")

    assert [sessions.of("a", sign_in) for _ in range(3)] == ["session 0"] * 3
    sessions.drop("a", "another")
    assert sessions.of("a", sign_in) == "session 0"
    sessions.drop("a", "session 0")
    assert sessions.of("a", sign_in) == "session 1"
    for _ in range(3):
        with pytest.raises(ChannelError, match="Wrong password"):
            sessions.of("b", refused)
    assert made.count("refused") == 1


def test_limits_end_by_whichever_header_there_is() -> None:
    with clock.frozen(NOW):
        assert rest({"retry-after": "7"}, "reset") == 7.0
        assert rest({"reset": (NOW + timedelta(seconds=90)).isoformat()}, "reset") == 90.0
        assert rest({"reset": str(int(NOW.timestamp()) + 30)}, "reset") == 30.0
        assert rest({"reset": "42.5"}, "reset") == 42.5
        assert [rest({"reset": odd}, "reset") for odd in ("", "soon", "-5", "nan", "1e400")] == [60.0] * 5


def test_times_and_odd_values() -> None:
    assert moment("2026-11-20T10:00:00.000Z", NOW) == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert moment(1_795_161_600.0, NOW) == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    odd_times: list[object] = [None, "x", True, 1e300, "0001-01-01T00:00:00+14:00", []]
    assert [moment(odd, NOW) for odd in odd_times] == [NOW] * 6
    assert epoch("nothing") == 0.0
    assert saved("a, b\n a,,c") == ["a", "b", "c"]
    assert hashed("x" * 300).startswith("hash:")
    assert hashed("a\nb").startswith("hash:")
    assert decode(b'{"a": 1}') == {"a": 1}
    for bad in (b"", b"[]", b"{"):
        with pytest.raises(ValueError):
            decode(bad)
