"""Where an answer is cut that is too long for one message."""

from __future__ import annotations

import itertools

import pytest
import regex

from parlour.cases.access import Invalid
from parlour.cases.parts import Part, Room, plan, split
from parlour.channels import registry
from parlour.channels.contract import Channel

FAMILY = "👨‍👩‍👧‍👦"
LINK = "https://example.com/a/very/long/path?with=a&query=of%20some%20length"


def whole(parts: list[Part]) -> str:
    return "".join(part.gap + part.text for part in parts)


def within(limit: int, text: str) -> list[str]:
    found = split(text, lambda words: len(words) <= limit)
    assert whole(found) == text
    assert all(0 < len(part.text) <= limit for part in found)
    return [part.text for part in found]


def test_paragraphs_stay_together_where_they_can() -> None:
    first, second = "One is here. And more of it.", "Two is here. And more."
    assert within(40, f"{first}\n\n{second}") == [first, second]


def test_else_it_is_cut_after_a_sentence_then_after_a_line_then_between_words() -> None:
    assert within(30, "The first sentence. The second sentence.") == ["The first sentence.", "The second sentence."]
    assert within(30, "a line without an end\nanother one without") == ["a line without an end", "another one without"]
    assert within(10, "some words in a row") == ["some words", "in a row"]
    assert within(9, "これは文です。次の文です。最後の文。") == ["これは文です。", "次の文です。", "最後の文。"]


def test_an_early_seam_is_no_reason_for_a_tiny_message() -> None:
    assert within(30, "Hi!\n\nsome words that go on without an end") == [
        "Hi!\n\nsome words that go on",
        "without an end",
    ]


def test_no_character_is_cut_in_two() -> None:
    shown = regex.findall(r"\X", "e\u0301" * 9 + FAMILY * 9)
    for limit in range(len(FAMILY), 40):
        for part in within(limit, "".join(shown)):
            assert set(regex.findall(r"\X", part)) <= set(shown)


def test_no_address_is_cut_in_two() -> None:
    text = f"Have a look at {LINK} and then at {LINK}. 文。{LINK}文です。" + "word " * 20
    for limit in range(len(LINK) + 2, 200):
        assert sum(part.count(LINK) for part in within(limit, text.strip())) == 3


def test_an_address_too_long_for_a_message_is_refused_in_words() -> None:
    with pytest.raises(Invalid, match="web address that is too long"):
        within(40, f"Look: {LINK}")


def test_a_character_too_long_for_a_message_is_refused_in_words() -> None:
    with pytest.raises(Invalid, match="character that is too long"):
        within(3, "ab" + FAMILY)


SPLITTING = [channel for channel in map(registry.get, registry.CHANNELS) if channel.capabilities.parts > 1]


@pytest.mark.parametrize("channel", SPLITTING, ids=lambda channel: channel.name)
def test_each_part_fits_by_the_platforms_own_unit(channel: Channel) -> None:
    limit = channel.capabilities.private
    assert limit is not None
    words = itertools.cycle(["Ünïcödé", FAMILY, "文字。", "plain", LINK, "end."])
    text = ""
    while channel.length(text, "private") < limit.length * 2.5:
        text += " ".join(itertools.islice(words, 200)) + " "
    found = plan(
        text.strip(),
        (),
        ("Yes", "No"),
        Room(limit.length, limit.unit, lambda said: channel.length(said, "private"), 10),
    )
    assert whole(found) == text.strip()
    assert 3 <= len(found) <= 10
    assert all(channel.length(part.text, "private") <= limit.length for part in found)
    assert [part.choices for part in found] == [()] * (len(found) - 1) + [("Yes", "No")]


def test_what_becomes_too_many_messages_is_refused_with_its_length() -> None:
    room = Room(10, "characters", len, 3)
    assert len(plan("1234567 1234567 1234567", (), (), room)) == 3
    with pytest.raises(Invalid, match="31 characters: more than the 3 messages of 10"):
        plan("1234567 1234567 1234567 1234567", (), (), room)
    with pytest.raises(Invalid, match="29 characters: more than"):
        plan("123456 123456 123456 12345678", (), (), room)
    with pytest.raises(Invalid, match="11 of at most 10 characters"):
        plan("12345678901", (), (), Room(10, "characters", len))
