"""Text, clock, secrets and faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from parlour.lib import clock, secretbox
from parlour.lib.faults import where
from parlour.lib.text import json_bytes, one_line, storable, storable_json

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def test_text_loses_only_what_no_database_takes() -> None:
    assert storable("a\x00b\ud800c\udfff é ☹ 𝒳\n") == "a\ufffdb\ufffdc\ufffd é ☹ 𝒳\n"
    assert storable("x" * 50, 10) == "x" * 10
    storable("\ud83d").encode()


def test_a_name_stays_on_its_line_and_in_its_direction() -> None:
    assert one_line(" Ana\n\t Maria\u202e gnirts \u2066", 40) == "Ana Maria gnirts"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
    assert one_line("Z" + "\u0300\u0334\u0489" * 90 + "algo Việt", 40) == "Z\u0300\u0334\u0489\u0300algo Việt"
    assert one_line("word " * 20, 10) == "word word…"
    assert one_line("\x00", 10) == "\ufffd"


def test_json_becomes_storable_in_depth() -> None:
    given = {"a\x00": ["\ud800", {"b": (1, 2.5, None, True)}], "n": float("nan"), "i": float("inf"), "big": 10**30}
    told = storable_json(given)
    assert told == {"a\ufffd": ["\ufffd", {"b": [1, 2.5, None, True]}], "n": None, "i": None, "big": str(10**30)}
    orjson.dumps(told)


def test_what_a_platform_sent_can_be_written_as_json_again() -> None:
    assert orjson.loads(json_bytes({"a": "\ud800", "b": 2**70})) == {"a": "\ufffd", "b": str(2**70)}
    assert orjson.loads(json_bytes(["\ud800", 10**70, None, 1.5, True])) == ["\ufffd", None, None, 1.5, True]
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]
    assert orjson.loads(json_bytes(deep)) == orjson.loads("[" * 61 + "null" + "]" * 61)


def test_the_clock_can_be_held() -> None:
    with clock.frozen(AT):
        assert clock.now() == AT
        with clock.frozen(AT + timedelta(hours=1)):
            assert clock.now() == AT + timedelta(hours=1)
        assert clock.now() == AT
    assert abs((datetime.now(UTC) - clock.now()).total_seconds()) < 5


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e30, -1e30, 0, AT.timestamp() + 90_000])
def test_absurd_times_give_way_to_the_time_of_receipt(seconds: float) -> None:
    assert clock.platform_time(seconds, AT) == AT


def test_plausible_times_stand() -> None:
    assert clock.platform_time(AT.timestamp() - 3600.5, AT) == AT - timedelta(seconds=3600.5)
    assert clock.plausible(AT + timedelta(minutes=4), AT) == AT + timedelta(minutes=4)
    assert clock.plausible(AT + timedelta(minutes=6), AT) == AT


def test_secrets_open_only_with_the_secret_they_were_sealed_with(settings) -> None:
    sealed = secretbox.seal({"token": "gëheim"})
    assert "geheim" not in sealed
    assert "gëheim" not in sealed
    assert secretbox.seal({"token": "gëheim"}) != sealed
    assert secretbox.unseal(sealed) == {"token": "gëheim"}
    settings.SECRET_KEY = "another-secret-of-thirty-two-characters"
    with pytest.raises(secretbox.Unreadable) as caught:
        secretbox.unseal(sealed)
    assert "gëheim" not in str(caught.value)


@pytest.mark.parametrize("damaged", ["", "nonsense", "gAAAAA", "é"])
def test_damaged_seals_are_unreadable(damaged: str) -> None:
    with pytest.raises(secretbox.Unreadable):
        secretbox.unseal(damaged)


def test_a_fault_is_told_without_what_anybody_wrote() -> None:
    try:
        secretbox.seal({"token": {"Ana Prado": object()}})
    except TypeError as error:
        told = where(error)
    assert told.startswith("TypeError at secretbox.py:")
    assert told.endswith(" in seal")
    with pytest.raises(ValueError) as caught:
        int("private words")
    assert "private" not in where(caught.value)
    assert where(KeyError("private words")) == "KeyError"
