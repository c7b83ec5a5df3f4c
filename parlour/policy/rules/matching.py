"""Conditions over many rows at once. Pure: what a row holds comes from whoever makes the table.

Each condition becomes a mask over the rows. Equal conditions of different rules are worked out once, and words are looked for in all
texts together, so that hundreds of rules cost little more than one.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from parlour.policy.rules.language import DAYS, FIELDS, Group, Leaf

Mask = NDArray[np.bool_]
Test = Callable[["Table"], Mask]
LONGEST_TOKEN = 200
EDGES = ".,;:!?¡¿\"'“”„‘’«»()[]{}<>…"


def folded(text: str) -> str:
    """As texts are compared: full-width letters as plain ones, no difference of case."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


class Table:
    """``size`` rows. ``load`` gives the values of a field for all of them, in order, when it is first asked about:

    text, choice: a text each; words: a list of folded texts each; yes: a bool; number: a float or None; time: a datetime.
    """

    def __init__(self, size: int, load: Callable[[str], Sequence[Any]]) -> None:
        self.size = size
        self._load = load
        self._masks: dict[str, dict[Any, Mask]] = {}
        self._columns: dict[str, Any] = {}

    def forget(self, *fields: str) -> None:
        """The values of these fields have changed."""
        for field in fields:
            self._masks.pop(field, None)
            self._columns.pop(field, None)

    def mask(self, leaf: Leaf) -> Mask:
        """Which rows the condition holds for."""
        kept = self._masks.setdefault(leaf.what, {})
        key = (leaf.how, leaf.value, leaf.zone)
        found = kept.get(key)
        if found is None:
            found = kept[key] = KINDS[FIELDS[leaf.what].kind](self, leaf)
        return found

    def none(self) -> Mask:
        return np.zeros(self.size, np.bool_)

    def column(self, field: str, make: Callable[[Sequence[Any]], Any]) -> Any:
        """What ``make`` makes of a field's values, made once."""
        if field not in self._columns:
            self._columns[field] = make(self._load(field))
        return self._columns[field]

    def by_value(self, field: str, *, several: bool) -> dict[str, list[int]]:
        """Value -> the rows that have it."""

        def sort(values: Sequence[Any]) -> dict[str, list[int]]:
            rows: dict[str, list[int]] = {}
            for row, value in enumerate(values):
                for one in value if several else (value,):
                    rows.setdefault(one, []).append(row)
            return rows

        found: dict[str, list[int]] = self.column(field, sort)
        return found


class Texts:
    """Many texts laid end to end, in which words are looked for once for all of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        parts = [folded(text) for text in texts]
        # What is looked for stands on one line: no hit reaches over a boundary.
        self.whole = "\n".join(parts)
        self.starts = list(accumulate((len(part) + 1 for part in parts[:-1]), initial=0)) if parts else []
        self._found: dict[tuple[str, bool], list[int]] = {}
        self._tokens: dict[int, list[str]] = {}

    def rows_with(self, words: str, *, whole: bool) -> list[int]:
        """The rows in which ``words`` (folded) stand, each once; ``whole``: not as part of a longer word."""
        key = (words, whole)
        if key not in self._found:
            self._found[key] = self._look(words, whole)
        return self._found[key]

    def _look(self, words: str, whole: bool) -> list[int]:
        text, starts, rows, at = self.whole, self.starts, [], 0
        end = len(text)
        while (at := text.find(words, at)) >= 0:
            after = at + len(words)
            alone = not whole or (
                (at == 0 or not _joins(text[at - 1], words[0])) and (after >= end or not _joins(text[after], words[-1]))
            )
            if not alone:
                at += 1
                continue
            row = bisect_right(starts, at) - 1
            rows.append(row)
            if row + 1 >= len(starts):
                break
            at = starts[row + 1]
        return rows

    def text(self, row: int) -> str:
        end = self.starts[row + 1] - 1 if row + 1 < len(self.starts) else len(self.whole)
        return self.whole[self.starts[row] : end]

    def tokens(self, row: int) -> list[str]:
        """The words of a row, cut once for all patterns."""
        found = self._tokens.get(row)
        if found is None:
            found = self._tokens[row] = self.text(row).split()
        return found


def _joins(beside: str, edge: str) -> bool:
    """Whether two neighbouring characters are of one word."""
    return (beside.isalnum() or beside == "_") and (edge.isalnum() or edge == "_")


def _text(table: Table, leaf: Leaf) -> Mask:
    texts: Texts = table.column(leaf.what, Texts)
    mask = table.none()
    for value in leaf.value if isinstance(leaf.value, tuple) else ():
        words = folded(value)
        rows = (
            matching_rows(texts, words) if leaf.how == "pattern" else texts.rows_with(words, whole=leaf.how == "word")
        )
        if rows:
            mask[rows] = True
    return ~mask if leaf.how == "lacks" else mask


def matching_rows(texts: Texts, pattern: str) -> list[int]:
    """The rows in which words stand that match ``pattern``: ``*`` any characters of a word, ``?`` one, ``#`` a digit.

    The time is bounded by the text's length times the pattern's, whatever either holds.
    """
    wanted = [(word, max(_literals(word), key=len)) for word in pattern.split()]
    literal = max((piece for _, piece in wanted), key=len, default="")
    candidates = texts.rows_with(literal, whole=False) if literal else range(len(texts.starts))
    return [row for row in candidates if _matches(texts.tokens(row), wanted)]


def _literals(word: str) -> list[str]:
    return word.replace("?", "*").replace("#", "*").split("*")


def _matches(tokens: list[str], wanted: list[tuple[str, str]]) -> bool:
    if len(wanted) == 1:
        [(word, literal)] = wanted
        return any(literal in token and _fits(token, word, literal) for token in tokens)
    return any(
        all(_fits(tokens[at + offset], word, literal) for offset, (word, literal) in enumerate(wanted))
        for at in range(len(tokens) - len(wanted) + 1)
    )


def _fits(token: str, word: str, literal: str) -> bool:
    if literal not in token:
        return False
    cut = token[:LONGEST_TOKEN]
    return glob(cut, word) or glob(cut.strip(EDGES), word)


def glob(token: str, pattern: str) -> bool:
    """Whether the whole token matches; never more than (length of token) x (length of pattern) steps."""
    at, place, star, resume = 0, 0, -1, 0
    while at < len(token):
        sign = pattern[place] if place < len(pattern) else ""
        if sign == "*":
            star, resume, place = place, at, place + 1
        elif sign and (sign == "?" or sign == token[at] or (sign == "#" and token[at].isdigit())):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return all(sign == "*" for sign in pattern[place:])


def _choice(table: Table, leaf: Leaf) -> Mask:
    several = FIELDS[leaf.what].kind == "words"
    rows = _weekdays(table, leaf.zone) if leaf.what == "time.weekday" else table.by_value(leaf.what, several=several)
    mask = table.none()
    for value in leaf.value if isinstance(leaf.value, tuple) else ():
        if found := rows.get(folded(value) if several else value):
            mask[found] = True
    return ~mask if leaf.how == "not" else mask


def _local(table: Table, zone: str) -> list[datetime]:
    area = ZoneInfo(zone)
    moments: list[datetime] = table.column("time", list)
    return [at.astimezone(area) for at in moments]


def _weekdays(table: Table, zone: str) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, at in enumerate(_local(table, zone)):
        rows.setdefault(DAYS[at.weekday()], []).append(row)
    return rows


def _hours(table: Table, leaf: Leaf) -> Mask:
    first, last = leaf.value if isinstance(leaf.value, tuple) else ("", "")
    clocks = np.array([at.hour * 60 + at.minute for at in _local(table, leaf.zone)], np.int32)
    begin, end = (int(one[:2]) * 60 + int(one[3:]) for one in (first, last))
    # From 22:00 to 06:00 goes over midnight; the end itself is outside.
    inside = (clocks >= begin) & (clocks < end) if begin < end else (clocks >= begin) | (clocks < end)
    found: Mask = inside if leaf.how == "between" else ~inside
    return found


def _yes(table: Table, leaf: Leaf) -> Mask:
    values: Mask = table.column(
        leaf.what, lambda found: np.fromiter((bool(one) for one in found), np.bool_, table.size)
    )
    return values if leaf.value else ~values


def _number(table: Table, leaf: Leaf) -> Mask:
    def numbers(found: Sequence[Any]) -> NDArray[np.float64]:
        return np.fromiter((np.nan if one is None else one for one in found), np.float64, table.size)

    values = table.column(leaf.what, numbers)
    found: Mask = values >= leaf.value if leaf.how == "least" else values <= leaf.value
    return found


KINDS: dict[str, Callable[[Table, Leaf], Mask]] = {
    "text": _text,
    "choice": _choice,
    "words": _choice,
    "yes": _yes,
    "number": _number,
    "hours": _hours,
}
_DEAR = {"text": 2, "hours": 1}


def _cost(part: Group | Leaf) -> int:
    return 3 if isinstance(part, Group) else _DEAR.get(FIELDS[part.what].kind, 0)


def compiled(condition: Group | Leaf) -> Test:
    """The condition as a function of a table, made once for an edition of the rules. Cheap parts are asked first."""
    if isinstance(condition, Leaf):
        leaf = condition
        return lambda table: table.mask(leaf)
    parts = [compiled(part) for part in sorted(condition.parts, key=_cost)]
    if condition.kind == "all":
        return lambda table: _all(table, parts)
    if condition.kind == "any":
        return lambda table: _any(table, parts)
    return lambda table: ~_any(table, parts)


def _all(table: Table, parts: Sequence[Test]) -> Mask:
    mask = ~table.none()
    for part in parts:
        mask &= part(table)
        if not mask.any():
            break
    return mask


def _any(table: Table, parts: Sequence[Test]) -> Mask:
    mask = table.none()
    for part in parts:
        mask |= part(table)
    return mask
