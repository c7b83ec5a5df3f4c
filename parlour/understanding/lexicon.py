"""Words that carry meaning across languages: each belongs to a concept, and a head learns a concept once for all.

Written for this project, in ``data/concepts.txt``: a line ``# concept``, then its words; ``*`` at the end of a word stands
for any ending. What English words and emoji feel like comes from VADER's lexicon instead (MIT; ``data/feelings.txt``).
"""

from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).with_name("data")

Concepts = dict[str, tuple[str, ...]]


def _read() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DATA / "concepts.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            words = found.setdefault(line[2:], [])
        else:
            words += line.split()
    return found


CONCEPTS: Final = _read()

# After one of these the next words mean the opposite, until a comma or a stop.
NEGATORS: Final = frozenset(CONCEPTS.pop("negation"))
# A word of contrast ends what a negation covers, as punctuation does.
BREAKS: Final = frozenset(CONCEPTS.pop("contrast"))


def feelings() -> dict[str, int]:
    """English words and emoji, each from -4 (awful) to 4 (wonderful) in whole steps without 0."""
    return _values("feelings.txt")


def guesses() -> dict[str, int]:
    """Words and beginnings of words of sixteen languages, valued likewise by their nearness to the English ones; some are wrong."""
    return _values("feelings_many.txt")


def _values(name: str) -> dict[str, int]:
    pairs = (line.rsplit(" ", 1) for line in (DATA / name).read_text(encoding="utf-8").splitlines())
    return {word: int(value) for word, value in pairs}


def table() -> tuple[Concepts, Concepts]:
    """Whole words and beginnings of words, each with its concepts."""
    whole: Concepts = {}
    begin: Concepts = {}
    for concept, words in CONCEPTS.items():
        for word in words:
            target, key = (begin, word[:-1]) if word.endswith("*") and len(word) > 1 else (whole, word)
            if concept not in target.get(key, ()):
                target[key] = (*target.get(key, ()), concept)
    return whole, begin
