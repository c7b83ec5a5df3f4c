"""Words folded so that disguises fall away, and thousands of patterns found in a text in one pass.

A pattern is a word (``spam``), a phrase (``buy followers``), or holds ``*`` for any letters of a word: ``spam*``, ``*spam*``, ``s*m``. It
means whole words, however they are written: capitals, accents, letters of other alphabets that look alike, digits for letters
(``5p4m``), stretched (``spaaam``) and spelled out (``s p a m``, ``s.p.a.m``). Scripts written without spaces are matched anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

LONGEST_PATTERN = 100
SHORTEST_PIECE = 2
"""Letters a pattern with ``*`` holds at least in a row: fewer would be in every message."""
LONGEST_GAP = 200
"""Letters that a ``*`` between two pieces stands for at most."""
LONGEST_TEXT = 20_000

_ALIKE = {
    alike: latin
    for latin, others in {
        "a": "аαɑ", "b": "вʙ", "c": "сϲ", "d": "ԁđð", "e": "еεєɛ", "g": "ɡ", "h": "нһ", "i": "іιıɩɪ", "j": "ј", "k": "кκ", "l": "łӏ",
        "m": "м", "n": "ո", "o": "оοøօ", "p": "рρ", "q": "ԛ", "r": "гʀ", "s": "ѕ", "t": "тτ", "u": "υս", "v": "ν", "w": "ԝω", "x": "хχ",
        "y": "уγʏ", "z": "ᴢ",
    }.items()
    for alike in others
}  # fmt: skip
"""Letters of other alphabets, small, by the Latin ones they look like."""


class _Spaces(dict[int, str]):
    """A sign -> itself where it is part of a word or an emoji, else a space."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        self[code] = sign if _WORDS.match(sign) and sign != "_" else " "
        return self[code]


class _Folds(dict[int, str]):
    """A sign -> what is left of it; filled as signs are met."""

    def __missing__(self, code: int) -> str:
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", chr(code)).casefold())
        kept = "".join(_ALIKE.get(sign, sign) for sign in decomposed if _stays(sign))
        self[code] = unicodedata.normalize("NFC", kept)
        return self[code]


def _stays(sign: str) -> bool:
    """Accents, joiners and invisible signs go; the marks that make another letter of a Japanese one stay."""
    return unicodedata.category(sign) not in ("Mn", "Me", "Cf") or sign in "\u3099\u309a"


_FOLDS, _SPACES = _Folds(), _Spaces()
_LEET_SIGNS: dict[int, int | str] = {**str.maketrans("0134578@$!|", "oieastbasii")}
_LEET_L = _LEET_SIGNS | {ord("1"): "l", ord("|"): "l"}
_SIGNS = re.compile(r"[0134578@$!|]")
_STRETCHED = re.compile(r"([^\W_])\1\1+")
_SPELLED = re.compile(r"(?: \w){3,}(?= )")
_WORDS = re.compile(r"[\w\u2600-\u27bf\U0001f000-\U0001faff]")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u3040-\u30ff\u3400-\u9fff\U0001f000-\U0001faff\U00020000-\U0003ffff]"
)
"""Scripts without spaces between words, and emoji."""


def _leet(text: str, signs: Mapping[int, int | str]) -> str:
    """The text with letters for digits and signs, in words that have a letter; an exclamation mark is one only between letters. As
    long as it was."""
    told: list[str] = []
    done = 0
    for hit in _SIGNS.finditer(text):
        at = hit.start()
        if at < done or not _is_part(text, at):
            continue
        begin, end = at, at + 1
        while begin > done and _is_part(text, begin - 1):
            begin -= 1
        while end < len(text) and _is_part(text, end):
            end += 1
        token = text[begin:end]
        if any(map(str.isalpha, token)):
            told += text[done:begin], token.translate(signs)
            done = end
        else:
            told.append(text[done:end])
            done = end
    told.append(text[done:])
    return "".join(told)


def _is_part(text: str, at: int) -> bool:
    sign = text[at]
    if sign == "!":
        return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()
    return sign.isalnum() or sign in "@$|"


def _spaced(text: str) -> str:
    return f" {' '.join(text.translate(_SPACES).split())} "


def folded(text: str) -> str:
    """A text as it is matched: small letters without disguise, one space between words and around them."""
    return _spaced(_leet(text[:LONGEST_TEXT].translate(_FOLDS), _LEET_SIGNS))


def readings(text: str) -> list[str]:
    """All ways a text is read, the plain one first: most have one. Stretched, spelled-out and doubtful signs add theirs."""
    plain = text[:LONGEST_TEXT].translate(_FOLDS)
    latin = _leet(plain, _LEET_SIGNS)
    told = [_spaced(latin)]
    if latin != plain and ("1" in plain or "|" in plain):
        told.append(_spaced(_leet(plain, _LEET_L)))
    for one in tuple(told):
        if _STRETCHED.search(one):
            told += [_STRETCHED.sub(r"\1", one), _STRETCHED.sub(r"\1\1", one)]
    for one in tuple(told):
        if _SPELLED.search(one):
            told.append(_SPELLED.sub(lambda hit: " " + hit[0].replace(" ", ""), one))
    return list(dict.fromkeys(told)) if len(told) > 1 else told


def problem(pattern: str) -> str:
    """Why a pattern cannot be used: a sentence, '' when it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"“{pattern[:30]}…” is longer than {LONGEST_PATTERN} characters."
    pieces = [folded(piece).strip() for piece in pattern.split("*")]
    longest = max(pieces, key=len)
    if not longest:
        return f"“{pattern}” holds no letters."
    if "*" in pattern and len(longest) < SHORTEST_PIECE and not _UNSPACED.search(longest):
        return f"“{pattern}” would match nearly everything: it needs {SHORTEST_PIECE} letters in a row."
    return ""


@dataclass(frozen=True, slots=True)
class Needle:
    """A pattern made ready. ``key`` is what the automaton looks for; ``whole`` is looked for in a text that has it, where the key does
    not do. ``opens``: any letters may stand before it."""

    key: str
    whole: re.Pattern[str] | None = None
    opens: bool = False


def needle(pattern: str) -> Needle:
    """``pattern`` is one that has no ``problem``."""
    pieces = [_inside(piece) for piece in pattern.strip().split("*")]
    anywhere = _UNSPACED.search(pattern) is not None
    if not anywhere:
        pieces[0] = " " + pieces[0].lstrip() if pieces[0] else ""
        pieces[-1] = pieces[-1].rstrip() + " " if pieces[-1] else ""
        if len(pieces) == 1:
            pieces = [_spaced(pattern_folded(pattern))]
    key = max(pieces, key=len)
    if sum(1 for piece in pieces if piece) == 1:
        return Needle(key)
    return Needle(key, _in_order(pieces), opens=not pieces[0])


def _in_order(pieces: Sequence[str]) -> re.Pattern[str]:
    """The pieces in one word, each where it first stands behind the one before: nothing is tried twice, whatever a text repeats."""
    told = [re.escape(piece) for piece in pieces if piece]
    if pieces[-1].endswith(" "):
        # It is looked at and left: it stands before the next word, too.
        told[-1] = re.escape(pieces[-1][:-1]) + "(?= )"
    gap = rf"[^ ]{{0,{LONGEST_GAP}}}"
    return re.compile(told[0] + "".join(f"(?>{gap}?{piece})" for piece in told[1:]) + ("" if pieces[-1] else gap))


def pattern_folded(pattern: str) -> str:
    return _leet(pattern.translate(_FOLDS), _LEET_SIGNS)


def _inside(piece: str) -> str:
    """A piece between stars, with the spaces at its ends that are its own."""
    spaced = _spaced(pattern_folded(piece)).strip()
    return (" " if piece[:1].isspace() else "") + spaced + (" " if piece[-1:].isspace() else "") if spaced else ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern found: its number, and where it stands in which reading."""

    pattern: int
    reading: str
    start: int
    end: int


class Finder:
    """Patterns by number, found together. Building it takes some milliseconds for a thousand; looking costs what the text is long."""

    def __init__(self, patterns: Sequence[str]) -> None:
        needles = [needle(pattern) for pattern in patterns]
        keys = list(dict.fromkeys(one.key for one in needles))
        numbers = {key: number for number, key in enumerate(keys)}
        self._of_key: list[list[tuple[int, Needle]]] = [[] for _ in keys]
        for number, one in enumerate(needles):
            self._of_key[numbers[one.key]].append((number, one))
        self._automaton = (
            AhoCorasick(keys, matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA)
            if keys
            else None
        )

    def find(self, text: str) -> list[Hit]:
        """Every pattern in a text, once for each place it stands at, in the order of readings and places."""
        if self._automaton is None:
            return []
        return [hit for reading in readings(text) for hit in self._in(reading)]

    def _in(self, reading: str) -> Iterator[Hit]:
        assert self._automaton is not None
        looked: set[int] = set()
        for key, start, end in self._automaton.find_matches_as_indexes(reading, overlapping=True):
            for number, one in self._of_key[key]:
                if one.whole is None:
                    yield Hit(number, reading, start, end)
                elif number not in looked:
                    looked.add(number)
                    yield from _wholes(number, one, reading)


def _wholes(number: int, one: Needle, reading: str) -> Iterator[Hit]:
    """Every place of a pattern with stars in it."""
    assert one.whole is not None
    for hit in one.whole.finditer(reading):
        start = reading.rfind(" ", 0, hit.start() + 1) if one.opens else hit.start()
        yield Hit(number, reading, max(start, 0), hit.end() + reading.startswith(" ", hit.end()))


def read_list(text: str) -> tuple[list[str], list[str]]:
    """Patterns of a list as it was typed, one a line, each once, and the sentences of those that cannot be. ``#`` begins a remark."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    patterns = list(dict.fromkeys(line for line in lines if line))
    wrong = [words for words in map(problem, patterns) if words]
    return patterns, wrong
