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
REMEMBERED: Final = 2_000
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
    return rare


@dataclass(frozen=True, slots=True)
class Seen:
    """Texts made comparable: a sparse row of length one per text (zero where nothing tells it from others), and whether it denies."""

    rows: Any
    denies: NDArray[np.bool_]


def seen(read: features.Read) -> Seen:
    """The texts of a batch, to be compared with others."""
    denies = np.logical_or.reduceat(read.negated, read.starts) if len(read.starts) else np.zeros(0, np.bool_)
    return Seen(_rows(read), denies)


def _rows(read: features.Read) -> Any:
    from scipy.sparse import csr_matrix

    shape = (len(read.starts), features.BUCKETS)
    found = csr_matrix((np.ones(len(read.buckets), np.float32), (read.message(), read.buckets)), shape=shape)
    found.sum_duplicates()
    found.data = _rarity()[found.indices]
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    found.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(found.indptr)).astype(np.float32)
    return found


class Memory:
    """The judged texts of one brand and field, oldest first."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.judged = list(judged)
        self._exactly = {plain(one.text): one for one in self.judged}
        mine = seen(features.shared().read([one.text for one in self.judged]))
        self._turned, self._denies = mine.rows.T.tocsr(), mine.denies

    def like(self, texts: Sequence[str], those: Seen) -> list[Likeness | None]:
        """Per text (``those``: the same texts, ``seen``) the judged one it is most like, the latest of equals; None where nothing is.
        What denies something is like nothing that does not."""
        found: list[Likeness | None] = [None] * len(texts)
        near = (those.rows @ self._turned).tocsr()
        for number, text in enumerate(texts):
            exact = self._exactly.get(plain(text))
            if exact is not None:
                found[number] = Likeness(exact, 1.0)
                continue
            places = near.indices[near.indptr[number] : near.indptr[number + 1]]
            shares = near.data[near.indptr[number] : near.indptr[number + 1]]
            shares = np.where(self._denies[places] == those.denies[number], shares, 0)
            if len(shares) and (most := float(shares.max())) >= LIKE:
                latest = int(places[shares >= most - 1e-6].max())
                found[number] = Likeness(self.judged[latest], min(1.0, round(most, 4)))
        return found
