"""Folding and matching, against a naive matcher and against people who disguise words."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.policy.moderation.models import WordList
from parlour.policy.moderation.presets import LANGUAGES, words_of
from parlour.policy.moderation.prints import NEAR, far, print_of
from parlour.policy.moderation.queries import matcher
from parlour.policy.moderation.words import Finder, folded, problem, read_list, readings


def found(patterns: list[str], text: str) -> set[str]:
    return {patterns[hit.pattern] for hit in Finder(patterns).find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "spam", "SPAM!", "(Spam)", "s p a m", "s.p.a.m", "s-p-a-m now", "spaaaam", "SPÀM", "5p4m", "sp@m", "$pam", "ѕрам", "ｓｐａｍ",
        "s\u200bpam", "spa\u00adm", "hi,spam,bye", "𝐬𝐩𝐚𝐦", "s_p_a_m",
    ],
)  # fmt: skip
def test_disguises_fall_away(text: str) -> None:
    assert found(["spam"], text) == {"spam"}


@pytest.mark.parametrize("text", ["spams", "spammer", "aspam", "spa m", "sp am", "", "455 1000", "spas mum"])
def test_other_words_are_other_words(text: str) -> None:
    assert found(["spam", "ass", "loo"], text) == set()


@pytest.mark.parametrize(
    ("pattern", "text", "acts"),
    [
        ("scam*", "You scammers!", True),
        ("scam*", "a scam", True),
        ("scam*", "outscam", False),
        ("*scam", "outscam", True),
        ("*scam*", "xscamx", True),
        ("f*k", "fork, folk", True),
        ("f*rk", "fo rk", False),
        ("buy followers", "BUY   followers, now", True),
        ("buy followers", "buy my followers", False),
        ("buy follow*", "buy following", True),
        ("don't", "I DON’T", True),
        ("b1tch", "bitch", True),
        ("hell", "he11", True),
        ("クソ", "これはクソだ", True),
        ("🖕", "and you 🖕🏽 too", True),
        ("сука", "СУКА!", True),
        ("ass", "a$$", True),
        ("schei*", "Scheiße", True),
    ],
)
def test_patterns(pattern: str, text: str, acts: bool) -> None:
    assert found([pattern], text) == ({pattern} if acts else set())


WORDS = st.text("abcde", min_size=1, max_size=4)
PATTERNS = st.tuples(st.booleans(), st.text("abcde", min_size=2, max_size=4), st.booleans()).map(
    lambda one: "*" * one[0] + one[1] + "*" * one[2]
)


@given(st.lists(PATTERNS, min_size=1, max_size=12, unique=True), st.lists(WORDS, max_size=8))
def test_the_automaton_finds_what_a_naive_matcher_finds(patterns: list[str], words: list[str]) -> None:
    text = " ".join(words)
    plain = readings(text)
    naive = {
        pattern
        for pattern in patterns
        for reading in plain
        if re.search(rf"(?<!\w){re.escape(pattern).replace(chr(92) + '*', '[a-z]*')}(?!\w)", reading)
    }
    assert found(patterns, text) == naive


@given(st.text(max_size=60))
def test_folding_is_done_once_and_any_word_finds_itself(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    if "*" not in text and "\n" not in text and "#" not in text and text.strip() and not problem(text):
        assert found([text], text) == {text}
        assert found([text], text.upper()) or text.upper().casefold() != text.casefold()


@given(st.text(max_size=200), st.lists(st.text(max_size=30), max_size=5))
def test_nothing_anybody_types_breaks_it(text: str, lines: list[str]) -> None:
    patterns, wrong = read_list("\n".join(lines))
    usable = [pattern for pattern in patterns if not problem(pattern)]
    assert len(wrong) == len(patterns) - len(usable)
    Finder(usable).find(text)


def list_of(words: str, **values: object) -> WordList:
    return WordList(name="L", words=words, **{"action": "hide", **values})


def test_an_exception_spares_only_what_stands_inside_it() -> None:
    ready = matcher([list_of("*cunt*", exceptions="scunthorpe")])
    assert ready.matches("Trains to Scunthorpe", None, "en") == []
    assert [one.word for one in ready.matches("Scunthorpe, you cunts", None, "en")] == ["*cunt*"]


def test_lists_act_for_their_brand_and_language_only() -> None:
    ready = matcher([list_of("gift", brand_id=1, language="de"), list_of("poison", action="flag")])
    assert [one.list.action for one in ready.matches("poison and gift", 1, "de")] == ["hide", "flag"]
    assert [one.word for one in ready.matches("poison and gift", 1, "en")] == ["poison"]
    assert [one.word for one in ready.matches("poison and gift", 2, "de")] == ["poison"]
    assert {one.word for one in ready.matches("gift", 1, "")} == {"gift"}, "a language nobody could tell counts as any"


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_shipped_list_has_words_that_find_themselves(language: str) -> None:
    words = list(words_of(language))
    assert len(words) > 10
    finder = Finder(words)
    for word in words:
        assert any(words[hit.pattern] == word for hit in finder.find(word)), word


def test_prints_of_near_duplicates_are_near_and_of_other_texts_far() -> None:
    one = print_of("Boycott this awful company now, they lie to us all! http://a.example @ann 12")
    near = print_of("BOYCOTT this awful company now - they lie to us all!!! http://b.example @bob")
    other = print_of("My parcel has not arrived yet and nobody answers the telephone")
    assert one is not None
    assert near is not None
    assert other is not None
    assert far(one, near) <= NEAR < far(one, other)
    assert print_of("thanks a lot") is None
    assert far(-1, 0) == 64


@pytest.mark.parametrize("pattern", ["ab*a*a*a*a*a*c", "*ab*cd*", "a*ab*ab*cd*x"])
def test_no_pattern_makes_a_text_take_long(pattern: str) -> None:
    finder = Finder([pattern])
    began = process_time()
    assert finder.find("ab" + "a" * 380) == []
    assert finder.find("ab" * 10_000) == []
    assert process_time() - began < 2


def test_a_pattern_with_stars_is_found_with_the_whole_word() -> None:
    def spans(pattern: str, text: str) -> list[str]:
        return [hit.reading[hit.start : hit.end].strip() for hit in Finder([pattern]).find(text)]

    assert spans("*as*ment*", "an assessment, reassessments") == ["assessment", "reassessments"]
    assert spans("fu*k*u", "fuck u, fuckyou fulckxu") == ["fuckyou", "fulckxu"]
    assert spans("f*a*b", "fab fxaxabxb fa b") == ["fab", "fxaxabxb"]
    assert spans("日本*人*の", "これは日本のひと人たちのだ") == ["日本のひと人たちの"]
