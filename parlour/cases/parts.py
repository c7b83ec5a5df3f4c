"""An answer that is too long for one message: where it is cut, and what belongs together afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import regex

from parlour.cases.access import Invalid
from parlour.cases.models import Attachment, Direction, Message

PART = "part"
"""In the ``meta`` of a part: ``{"answer": what its parts share, "number", "of", "gap": what was cut away before its words}``."""

_GRAPHEME = regex.compile(r"\X")
_ADDRESS = regex.compile(
    # Scripts that are written without spaces may follow an address at once.
    r"(?:https?://|www\.|mailto:)[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\u3000-\u303f\uff00-\uffef]+",
    regex.IGNORECASE,
)
_PARAGRAPH = regex.compile(r"\s*\n[^\S\n]*\n\s*")
_SENTENCE = regex.compile(r"(?<=[.!?…]['\"”’»)\]]*)\s+|(?<=[。！？]['\"”’»」』）\]]*)\s*")
_LINE = regex.compile(r"[^\S\n]*\n\s*")
_WORD = regex.compile(r"\s+")
_FULL_ENOUGH = 0.4
"""A cut at the end of a paragraph, sentence or line is taken when the part is that full; else a longer part is better."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message of an answer. ``gap``: the space that was cut away before its words."""

    text: str
    gap: str = ""
    files: tuple[Attachment, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """How much goes into one message, and how many an answer may become. ``beside``: the limit of words beside a file, if another."""

    limit: int
    unit: str
    measure: Callable[[str], int]
    parts: int = 1
    beside: int | None = None

    def too_long(self, length: int) -> str:
        """A sentence for whoever wrote it."""
        unit = self.unit if self.unit == "bytes" else "characters"
        if self.parts == 1:
            return f"The answer has {length:,} of at most {self.limit:,} {unit}."
        return f"The answer has {length:,} {unit}: more than the {self.parts} messages of {self.limit:,} it may become."


@dataclass(slots=True)
class _Rest:
    """What is still to be cut, with the places where a cut would go through an address or a character."""

    text: str
    ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ends = list(accumulate(len(one) for one in _GRAPHEME.findall(self.text)))

    def longest(self, fits: Callable[[str], bool]) -> int:
        """How many characters at the beginning fit, whole graphemes only."""
        low, high = 0, len(self.ends)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(self.text[: self.ends[middle - 1]].rstrip()) else (low, middle - 1)
        return self.ends[low - 1] if low else 0


def split(text: str, fits: Callable[[str], bool]) -> list[Part]:
    """``text`` in parts that each fit, cut between paragraphs, sentences, lines or words, in this order; within a word only where it
    fits into no part, and never within what a reader sees as one character, or a web address.

    ``"".join(part.gap + part.text)`` is the text again. Raises Invalid when an address or a character is too long by itself.
    """
    parts: list[Part] = []
    gap = ""
    while not fits(text):
        end, begin = _cut(text, _Rest(text).longest(fits))
        parts.append(Part(text[:end], gap))
        gap, text = text[end:begin], text[begin:]
    return [*parts, Part(text, gap)]


def _cut(text: str, most: int) -> tuple[int, int]:
    """Where the first part ends, and where the next begins. ``most``: the first part's characters at most."""
    kept = [(found.start(), found.end()) for found in _ADDRESS.finditer(text) if found.start() < most]
    least = int(most * _FULL_ENOUGH)
    for seam, at_least in ((_PARAGRAPH, least), (_SENTENCE, least), (_LINE, least), (_WORD, 1)):
        cuts = [found.span() for found in seam.finditer(text, 0, min(len(text), most + 200))]
        fitting = [(end, begin) for end, begin in cuts if at_least <= end <= most and end > 0 and begin < len(text)]
        fitting = [cut for cut in fitting if not any(start < cut[0] < until for start, until in kept)]
        if fitting:
            return fitting[-1]
    if through := next((start for start, until in kept if start < most < until), None):
        return through, through
    if through == 0:
        raise Invalid("The answer holds a web address that is too long for one message, and an address cannot be cut.")
    if not most:
        raise Invalid("The answer holds a character that is too long for one message.")
    return most, most


def plan(text: str, files: Sequence[Attachment], choices: tuple[str, ...], room: Room) -> list[Part]:
    """The messages an answer becomes. Files go first, by themselves where the words are too long beside them; choices stand below the
    last words, since many platforms drop them when another message follows. Raises Invalid when it is too long."""
    length = room.measure(text)
    refused = Invalid(room.too_long(length))
    if length > room.limit * room.parts:
        raise refused
    found = split(text, lambda words: room.measure(words) <= room.limit) if length > room.limit else [Part(text)]
    if files and room.beside is not None and room.parts > 1 and room.measure(found[0].text) > room.beside:
        found = [Part(""), *found]
    if len(found) > room.parts:
        raise refused
    found[0] = replace(found[0], files=tuple(files))
    found[-1] = replace(found[-1], choices=choices)
    return found


def stored(answer: str, number: int, of: int, gap: str) -> dict[str, Any]:
    """What of it is kept in the ``meta`` of a message; nothing of an answer that is one message."""
    return {PART: {"answer": answer, "number": number, "of": of, "gap": gap}} if of > 1 else {}


def place(message: Message) -> tuple[int, int] | None:
    """(number, of how many) of a part; None for an answer that is one message."""
    told = message.meta.get(PART)
    return (int(told["number"]), int(told["of"])) if isinstance(told, dict) else None


def of_answer(message: Message) -> list[Message]:
    """All messages of the answer ``message`` belongs to, in order."""
    told = message.meta.get(PART)
    if not isinstance(told, dict):
        return [message]
    ours = Message.objects.filter(case=message.case_id, direction=Direction.OUT)
    found = ours.filter(**{f"meta__{PART}__answer": told["answer"]})
    return sorted(found, key=lambda one: int(one.meta[PART]["number"]))


def whole_text(parts: Sequence[Message]) -> str:
    """The words as they were written."""
    return "".join(str((part.meta.get(PART) or {}).get("gap", "")) + part.text for part in parts)
