"""Texts that people have judged, and how like them a new text is. What one correction says counts from the next message on."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import features

LIKE: Final = 0.65
"""From here on two texts are taken to say the same (cosine of their words, rare ones counting more)."""
COMMON: Final = 0.35
"""What tells two texts apart less than this is left out: it stands in every other text, and to compare it would cost most of the time."""
REMEMBERED: Final = 1_000
"""Judged texts a brand remembers per field, the latest."""

_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Judged:
    """One text somebody has judged. ``id`` is that of the correction; 0 for an example of a category."""

    id: int
    text: str
    label: str
    at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The judged text that a new one is most like, and how much (0..1)."""

    judged: Judged
    share: float


def plain(text: str) -> str:
    """What two texts have in common that differ in capitals and spaces only."""
    return _SPACES.sub(" ", text[: features.MAX_CHARS]).strip().casefold()


@cache
def _rarity() -> NDArray[np.float32]:
    """How much a feature tells two texts apart, from the sentences that ship; what never occurs there tells most."""
    texts = [
        line.rpartition("\t")[2]
        for path in sorted((Path(__file__).parent / "data").glob("seeds_*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    seen = np.asarray(features.matrix(texts, features.shared()).getnnz(axis=0), np.float64)
    rare: NDArray[np.float32] = (np.log((len(texts) + 1) / (seen + 1)) / math.log(len(texts) + 1)).astype(np.float32)
    rare[rare < COMMON] = 0
    return rare


@dataclass(frozen=True, slots=True)
class Seen:
    """Texts made comparable: a sparse row of length one per text (zero where nothing tells it from others), whether it denies, and its
    plain words."""

    rows: Any
    denies: NDArray[np.bool_]
    words: list[str]


def seen(texts: Sequence[str], read: features.Read | None = None) -> Seen:
    """The texts of a batch, to be compared with others. ``read``: their features, where they are there already."""
    read = read or features.shared().read(texts)
    denies = np.logical_or.reduceat(read.negated, read.starts) if len(read.starts) else np.zeros(0, np.bool_)
    return Seen(_rows(read), denies, [plain(text) for text in texts])


def _rows(read: features.Read) -> Any:
    from scipy.sparse import csr_matrix

    shape = (len(read.starts), features.BUCKETS)
    found = csr_matrix((np.ones(len(read.buckets), np.float32), (read.message(), read.buckets)), shape=shape)
    found.sum_duplicates()
    found.data = _rarity()[found.indices]
    found.eliminate_zeros()
    sizes = np.diff(found.indptr)
    squares = np.concatenate(([0.0], np.cumsum(found.data.astype(np.float64) ** 2)))
    lengths = np.sqrt(squares[found.indptr[1:]] - squares[found.indptr[:-1]])
    found.data /= np.repeat(np.maximum(lengths, 1e-9), sizes).astype(np.float32)
    return found


class Memory:
    """The judged texts of one brand and field, oldest first."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.judged = list(judged)
        mine = seen([one.text for one in self.judged])
        self._exactly = dict(zip(mine.words, self.judged, strict=True))
        self._turned, self._denies = mine.rows.T.tocsr(), mine.denies

    def like(self, those: Seen) -> list[Likeness | None]:
        """Per text the judged one it is most like, the latest of equals; None where nothing is. What denies something is like nothing
        that does not."""
        found: list[Likeness | None] = [
            None if one is None else Likeness(one, 1.0) for one in map(self._exactly.get, those.words)
        ]
        near = (those.rows @ self._turned).tocsr()
        chosen = np.flatnonzero(near.data >= LIKE)
        rows = np.searchsorted(near.indptr, chosen, "right") - 1
        places = near.indices[chosen]
        alike = self._denies[places] == those.denies[rows]
        best: dict[int, tuple[float, int]] = {}
        for row, place, share in zip(rows[alike], places[alike], near.data[chosen][alike].round(4), strict=True):
            best[int(row)] = max(best.get(int(row), (0.0, 0)), (float(share), int(place)))
        for number, (share, place) in best.items():
            if found[number] is None:
                found[number] = Likeness(self.judged[place], min(1.0, round(share, 4)))
        return found
