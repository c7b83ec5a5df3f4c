"""What a message is about, as a handful of word stems that can be counted. Pure; any language, no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

MOST = 40
"""Stems kept of one message: the rest of a very long mail says nothing new."""
LONGEST = 30
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uff66-\uff9d"
_SKIPPED = re.compile(r"https?://\S+|www\.\S+|[@＠][\w.]+|&\w+;")
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W\d_{_UNSPACED}]{{3,}}")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_ENDINGS = ("ations", "ation", "ings", "ing", "ied", "ies", "ed", "es", "s", "e")
_SAID_ANYWAY = """
the and for you your our are was were with that this have has had not but can cant could couldnt just from they them their there
here what when where why how who which will would wont dont didnt doesnt isnt wasnt havent get got getting been being about into
out all any one now more some than then too very been still only also like its his her she him did does doing done because over
please thanks thank hey hello need know want make even never always after before again back said say says tell told going
customer customers service help time hour hours hrs hour minute minutes mins day days work while off through someone should ive
really much many way well yes sure trying try let lol wow ever since been every other people thing things today
der die das und ist nicht ich wir sie ein eine mit auf den dem von für les des est pas une pour que qui dans vous nous sur
los las una por con para del como más pero het een van niet voor
"""
_LITTLE = frozenset(_SAID_ANYWAY.split())
"""Words that are never told as what a wave is about. Counting them does no harm: they are usual."""


def stem(word: str) -> str:
    """A word without its ending, so that "cancelled", "cancels" and "cancellations" are one."""
    word = word.lower()
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    if len(word) > 4 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:LONGEST]


def words(text: str) -> list[str]:
    """The words of a text that can be counted; addresses and names of accounts are none. Scripts without spaces are cut in pairs."""
    found: list[str] = []
    cut: list[str] = _WORD.findall(_SKIPPED.sub(" ", text[:4000].replace("’", "'").replace("'", "")))
    if text.isascii():
        return cut
    for word in cut:
        if _IS_UNSPACED.match(word):
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        else:
            found.append(word)
    return found


def stems(texts: Iterable[str]) -> list[str]:
    """The different stems of some texts, in the order in which they come, at most ``MOST``."""
    seen: dict[str, None] = {}
    for text in texts:
        for word in words(text):
            if found := _telling(word):
                seen.setdefault(found)
    return list(seen)[:MOST]


@lru_cache(maxsize=20_000)
def _telling(word: str) -> str:
    """Its stem; empty for one that is said anyway. Remembered: most of what is written was written a moment ago."""
    return "" if word.lower() in _LITTLE else stem(word)


def spoken(texts: Iterable[str]) -> dict[str, str]:
    """Stem -> the form in which it is said most often."""
    forms: dict[str, Counter[str]] = {}
    for text in texts:
        for word in words(text):
            forms.setdefault(stem(word), Counter())[word.lower()] += 1
    return {one: max(found.items(), key=lambda pair: (pair[1], -len(pair[0])))[0] for one, found in forms.items()}


def read_words(text: str) -> list[str]:
    """What a person has typed as the words that bring a case in: parted by commas or lines; words of one entry must all be there."""
    entries = (" ".join(stems([entry])) for entry in re.split(r"[,\n;]", text))
    return list(dict.fromkeys(entry for entry in entries if entry))[:20]


def belongs(entries: Iterable[str], said: frozenset[str] | set[str]) -> str:
    """The first entry all of whose stems were said; empty for none."""
    return next((entry for entry in entries if said.issuperset(entry.split())), "")
