"""X's own count of characters."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from parlour.channels.tests.samples import recorded
from parlour.channels.x.channel import channel
from parlour.channels.x.weight import post_length, sendable, valid


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("Hello", 5),
        ("Straße — “ok”", 13),
        ("日本語", 6),
        ("#1 *2*", 6),
        ("1️⃣ #日本", 8),
        ("👩‍👩‍👧‍👦", 2),
        ("👋🏽 hi", 5),
        ("see https://northwind.example.com/a/very/long/path?with=a&query=string ok", 30),
        ("northwind.com", 23),
        ("https://northwind.com/" + "a" * 300, 23),
        ("northwind.com/track?" + "a=1&" * 100 + "b", 23),
        ("@ana_writes we are on it", 12),
        ("@ana_writes @ben_k  we are on it", 12),
        ("@ana_writes", 0),
        ("we are on it @ana_writes", 24),
        ("@ana_writes, we are on it", 25),
        ("e\u0301", 1),
        ("a\r\nb", 3),
        ("x" * 3000, 3000),
        ("👩‍👩‍👧‍👦" * 140, 280),
        ("x" * 300 + ".com", 304),
    ],
)
def test_post_length(text: str, length: int) -> None:
    assert post_length(text) == channel.length(text, "public") == length


def test_messages_count_characters() -> None:
    assert channel.length("日本語 https://northwind.example.com/", "private") == 34


def test_hostile_text_is_counted_in_time() -> None:
    began = time.monotonic()
    for text in (
        "a." * 50_000,
        "の." * 50_000,
        "a.b " * 25_000,
        "@a " * 30_000,
        ("a." * 99 + " ") * 500,
        " " * 100_000,
        "http://" * 15_000,
    ):
        post_length(text)
    assert time.monotonic() - began < 20


def cases(group: str, file: str = "conformance_validate") -> list[dict[str, Any]]:
    path = next((path for path in recorded("x/twitter_text") if path.stem == file), None)
    if path is None:
        pytest.skip("No conformance files beside the repository.")
    found: list[dict[str, Any]] = orjson.loads(path.read_bytes())["tests"][group]
    assert found
    return found


@pytest.mark.parametrize(
    "group",
    [
        "WeightedTweetsCounterTest",
        "WeightedTweetsWithDiscountedEmojiCounterTest",
        "UnicodeDirectionalMarkerCounterTest",
    ],
)
def test_conformance(group: str) -> None:
    # The first group is of version 2 of the rules; where version 3 (an emoji counts 2) says otherwise, that one holds.
    now = {case["text"]: case["expected"] for case in cases("WeightedTweetsWithDiscountedEmojiCounterTest")}
    for case in cases(group):
        expected = now.get(case["text"], case["expected"])
        assert post_length(case["text"]) == expected["weightedLength"], case["description"]
        assert valid(case["text"]) == expected["valid"], case["description"]
        assert valid(sendable(case["text"])) == (0 < expected["weightedLength"] <= 280), case["description"]


def test_conformance_of_old() -> None:
    """Version 1 took 140 characters; what it took is taken today, and twice as much."""
    for case in cases("tweets"):
        assert valid(case["text"]) == (case["expected"] or bool(case["text"])), case["description"]


LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Characters that count 1 (config_v3)."""


@pytest.mark.parametrize("group", ["urls", "urls_with_directional_markers", "tco_urls_with_params"])
def test_what_is_a_link_is_as_the_conformance_files_say(group: str) -> None:
    """Each link found counts 23, and all around it what it is: a link too many or too few would show in the length."""
    for case in cases(group, "conformance_extract"):
        rest = "x " + case["text"]  # mentions at the very beginning would not count
        for link in case["expected"]:
            rest = rest.replace(link["url"] if isinstance(link, dict) else link, "", 1)
        around = sum(1 if any(low <= ord(sign) <= high for low, high in LIGHT) else 2 for sign in rest)
        assert post_length("x " + case["text"]) == around + 23 * len(case["expected"]), case["description"]
