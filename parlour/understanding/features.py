"""Text to hashed features: words, beginnings and endings, concepts, feeling, negation, neighbours.

A word is looked at once and remembered as a row; a message is then a list of rows, and everything that depends on the
neighbourhood (negation, pairs of words) is computed for a whole batch with NumPy. The hash is CRC-32: the same in every process.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import lexicon

SPACE: Final = 3
"""The version of the features. Raise it with every change here: weights fitted on others mean nothing."""
BITS: Final = 18
BUCKETS: Final = 1 << BITS
MAX_CHARS: Final = 2_000
_MAX_WORD = 40
_MAX_WORDS = 60_000

_STARTS: Final = ("^", "^url", "^shout", "^url shout")
NEGATED: Final = "¬"

# Scripts that write words without spaces are read sign by sign; pairs of neighbours then stand for words.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uff66-\uff9d"
_SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"
_TOKEN = re.compile(
    r"(?:https?://|www\.)\S*|@[\w.]*|\d[\d.,:]*"
    r"|([a-z]{1,8}\*{1,8}[a-z]{0,8}|"
    r"[:;=]['-]?[()\[\]dp/|]+(?!\w)|\(:|</?3"
    r"|[!?]+|[.,;]"
    f"|[{_UNSPACED}{_SYMBOLS}]"
    "|[^\x00-\x26\x28-\x40\x5b-\x60\x7b-\xb4\xb6-\xb9\xbb-\xbf\u060c\u061b\u061f\u06d4\u0964\u0965"
    f"\u2000-\u2bff\u3000-\u303f{_UNSPACED}\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe6f\uff00-\uff0f\U0001f000-\U000e01ef]+)"
)
# #NotHappy and #notHappy2 as their words.
_HASHTAG = re.compile(r"#\w*[a-z0-9][A-Z]\w*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SHOUT = re.compile(r"\b[A-Z]{4,}\b")
_ARTICLE = re.compile("^[وفبك]?(?:ال|لل)|^و")
_STRETCH = re.compile(r"(.)\1{2,}")
_GUESSED_FROM = 5
_ELISIONS = frozenset(
    ["l", "d", "j", "m", "t", "s", "c", "n", "qu", "dell", "all", "un", "nell", "sull", "dall", "quell"]
)

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Read:
    """A batch of messages as features.

    ``words`` are all words of all messages in one line, ``negated`` tells which stand under a negation, and ``starts`` where each
    message begins; a message always has at least one word (its start mark). ``buckets`` are the features of all words in one
    line, ``place`` the word each belongs to; a pair belongs to its second word. ``sizes`` counts the features per message.
    """

    words: list[str]
    negated: NDArray[np.bool_]
    starts: Ints
    buckets: Ints
    place: Ints
    sizes: Ints

    def message(self) -> Ints:
        """The message each feature belongs to."""
        result: Ints = np.repeat(np.arange(len(self.starts)), self.sizes)
        return result


def _bucket(feature: str) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass")) & (BUCKETS - 1)


def tokens(text: str) -> list[str]:
    """Start mark and words of one text; an address, a name or a number becomes an empty word."""
    text = text[:MAX_CHARS]
    if "#" in text:
        text = _HASHTAG.sub(lambda tag: _HUMP.sub(" ", tag[0]), text)
    low = text.lower().replace("’", "'")
    start = ("://" in low or "www." in low) + 2 * (_SHOUT.search(text) is not None)
    found: list[str] = _TOKEN.findall(low)
    found.insert(0, _STARTS[start])
    return found


class Reader:
    """Reads texts, and remembers the words seen so far, each as two rows: plain (even) and negated (odd). Safe for threads."""

    def __init__(self) -> None:
        self._feeling = lexicon.feelings()
        self._guess = lexicon.guesses()
        self._whole, self._begin = lexicon.table()
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._row: dict[str, int] = {}
        self._hash = np.zeros(4096, np.uint32)
        self._negates = np.zeros(4096, np.bool_)
        self._breaks = np.zeros(4096, np.bool_)
        self._flat = np.zeros(1 << 16, np.int64)
        self._first = np.zeros(8192, np.int64)
        self._many = np.zeros(8192, np.int64)
        self._filled = 0

    def read(self, texts: Sequence[str]) -> Read:
        """The features of each text. Any string will do; an empty list too."""
        with self._lock:
            if len(self._row) > _MAX_WORDS:
                self._clear()
            return self._read(texts)

    def _read(self, texts: Sequence[str]) -> Read:
        known = self._row
        words: list[str] = []
        first: list[int] = []
        for text in texts:
            first.append(len(words))
            words += tokens(text)
        try:
            ids = [known[word] for word in words]
        except KeyError:
            ids = [known[word] if word in known else self._learn(word) for word in words]
        plain = np.array(ids, np.int64)
        starts = np.array(first, np.int64)
        negated = self._negation(plain)
        rows = plain * 2 + negated
        hashes = self._hash[plain]
        # Room for one more per word: the pair it ends. Words without one leave a hole, which is taken out at the end.
        many = self._many[rows] + 1
        ends = np.cumsum(many)
        before = ends - many
        place = np.repeat(np.arange(len(rows)), many)
        buckets = self._flat[np.repeat(self._first[rows] - before, many) + np.arange(len(place))]
        buckets[ends - 1] = _pairs(hashes)
        there = buckets >= 0
        buckets, place = buckets[there], place[there]
        bounds = np.append(starts, len(rows))
        sizes = np.diff(np.searchsorted(place, bounds)) if len(starts) else np.zeros(0, np.int64)
        return Read(words, negated, starts, buckets, place, sizes)

    def _negation(self, plain: Ints) -> NDArray[np.bool_]:
        negates, open_ = self._negates[plain], ~self._breaks[plain]
        reach = np.zeros(len(plain), np.bool_)
        step = negates
        for _ in range(3):
            step = np.concatenate(([False], step[:-1])) & open_
            reach |= step
        return reach & ~negates

    def _learn(self, word: str) -> int:
        key = word if len(word) <= _MAX_WORD else word[:_MAX_WORD]
        if key != word and key in self._row:
            return self._row[key]
        number = len(self._row)
        if number >= len(self._hash):
            self._hash = np.concatenate((self._hash, np.zeros_like(self._hash)))
            self._negates = np.concatenate((self._negates, np.zeros_like(self._negates)))
            self._breaks = np.concatenate((self._breaks, np.zeros_like(self._breaks)))
        stop = key in (".", ",", ";")
        self._row[key] = number
        self._hash[number] = 0 if stop or key.startswith("^") else crc32(key.encode("utf-8", "surrogatepass")) | 1
        self._negates[number] = key in lexicon.NEGATORS
        self._breaks[number] = stop or key[0:1] in ("!", "?", "^") or key in lexicon.BREAKS
        for negated in (False, True):
            self._keep(number * 2 + negated, [] if stop else self._features(key, negated))
        return number

    def _keep(self, row: int, found: list[str]) -> None:
        while row >= len(self._first):
            self._first = np.concatenate((self._first, np.zeros_like(self._first)))
            self._many = np.concatenate((self._many, np.zeros_like(self._many)))
        # One place more than is filled: reading looks one further, where the pair of words goes.
        while self._filled + len(found) >= len(self._flat):
            self._flat = np.concatenate((self._flat, np.zeros_like(self._flat)))
        self._first[row], self._many[row] = self._filled, len(found)
        self._flat[self._filled : self._filled + len(found)] = [_bucket(feature) for feature in found]
        self._filled += len(found)

    def _features(self, key: str, negated: bool) -> list[str]:
        if not key:
            return ["#"]
        if key[0] in "!?":
            return ["mark " + ("?" if "?" in key else "!"), *(["mark !!"] if len(key) > 1 else [])]
        if key[0] == "^":
            return [key]
        if "*" in key:
            return [key, "starred"]
        word = key.strip("'") or key
        stretched = _STRETCH.search(word) is not None
        word = self._squeezed(word) if stretched else word
        head, _, tail = word.partition("'")
        stem = tail if tail and head in _ELISIONS else word
        mark = NEGATED if negated else ""
        found = [mark + stem]
        if len(stem) > 4:
            found += ["<" + stem[:4], stem[-4:] + ">"]
        if len(stem) > 6:
            found.append("<" + stem[:6])
        if stretched:
            found.append("stretched")
        feeling = self._feeling.get(key) or self._feeling.get(stem) or 0
        concepts = self._concepts(stem, bool(feeling))
        if not feeling and "good" not in concepts and "bad" not in concepts:
            feeling = self._guessed(stem)
        if feeling:
            found += [f"{mark}feel{feeling}", mark + ("feel+" if feeling > 0 else "feel-")]
        return found + [f"{mark}*{concept}" for concept in concepts]

    def _squeezed(self, word: str) -> str:
        """A word with letters drawn out, as it is written: the spelling somebody knows, else with two of each."""
        once, twice = _STRETCH.sub(r"\1", word), _STRETCH.sub(r"\1\1", word)
        known = once in self._feeling or once in self._whole
        return once if known and twice not in self._feeling and twice not in self._whole else twice

    def _guessed(self, stem: str) -> int:
        for length in range(len(stem), _GUESSED_FROM - 1, -1):
            if stem[:length] in self._guess:
                return self._guess[stem[:length]]
        return self._guess.get(stem, 0)

    def _concepts(self, stem: str, felt: bool) -> list[str]:
        found = list(self._whole.get(stem, ()) or self._whole.get(_ARTICLE.sub("", stem), ()))
        for length in range(3, len(stem) + 1):
            found += [concept for concept in self._begin.get(stem[:length], ()) if concept not in found]
        # VADER has already said what an English word feels like; a cognate elsewhere must not count twice.
        return [concept for concept in found if not (felt and concept in ("good", "bad"))]


def _pairs(hashes: NDArray[np.uint32]) -> Ints:
    """The bucket of the pair that ends at each word; -1 where there is none."""
    found = np.full(len(hashes), -1, np.int64)
    mixed = (hashes[:-1] * np.uint32(0x9E3779B1)) ^ (hashes[1:] * np.uint32(0x85EBCA6B))
    buckets = (mixed >> np.uint32(32 - BITS)).astype(np.int64)
    found[1:] = np.where((hashes[:-1] != 0) & (hashes[1:] != 0), buckets, -1)
    return found


@cache
def shared() -> Reader:
    """The reader that all heads of this process share: each word is taken apart once."""
    return Reader()


def matrix(texts: Sequence[str], reader: Reader) -> Any:
    """The features as a sparse matrix (scipy), one row per text, for fitting: counts over the root of their number."""
    from scipy.sparse import csr_matrix, vstack

    parts = []
    for start in range(0, len(texts), 4096):
        read = reader.read(texts[start : start + 4096])
        values = np.repeat(1 / np.sqrt(np.maximum(read.sizes, 1)), read.sizes).astype(np.float32)
        shape = (len(read.starts), BUCKETS)
        parts.append(csr_matrix((values, (read.message(), read.buckets)), shape=shape, dtype=np.float32))
    return vstack(parts).tocsr() if parts else csr_matrix((0, BUCKETS), dtype=np.float32)
