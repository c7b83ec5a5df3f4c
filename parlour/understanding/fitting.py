"""Learning in production: texts and labels in, a head out. Any set of labels will do: a brand's category tree, a bank's intents.

A head is a linear decision on the features of ``features.py``: logistic regression, or margins where there are many labels. It may
start from another head (``prior``): what is not contradicted stays as it was, labels that the prior does not know start from
nothing. Needs NumPy and SciPy only.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import embedding, features

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

STRENGTH_FROM_PRIOR: Final = 10.0
# With a head to start from, three examples of one label must not make it the answer to everything.
_HOLD: Final = 10.0
# Embeddings and features have length one; measured, embeddings may weigh twice as much.
EMBEDDED: Final = np.float32(2.0)
# From so many labels on, each against the rest with a margin does better than all against all (two points on 77 intents with
# embeddings); its sums are then stretched until they make probabilities that fit held-back questions.
MANY: Final = 20
_STRETCH: Final = np.float32(4.0)
# With so many labels, embeddings are fitted apart from the features, with waves, and their sums are added.
WAVES: Final = 2048
_FUSED_STRETCH: Final = np.float32(2.4)
_STEPS: Final = 100
_MEMORY: Final = 6
_SLICE: Final = 1024


@dataclass(frozen=True, slots=True)
class Head:
    """A decision between labels. ``weights`` has a row per kept bucket (sorted) and a column per label; ``bias`` one value per label."""

    labels: tuple[str, ...]
    buckets: Ints
    weights: Floats
    bias: Floats
    name: str = ""
    dense: Floats | None = None
    """Weights of the embedding's values (and of its waves, where they were fitted), a row each; None for a head of the fast model."""
    _table: list[tuple[NDArray[np.int32], Floats]] = field(default_factory=list, repr=False, compare=False)

    def logits(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, labels): the sums that become probabilities."""
        place, table = self._lookup()
        parts = [
            sums(features.shared().read(texts[start : start + _SLICE]), place, table)
            for start in range(0, len(texts), _SLICE)
        ]
        result: Floats = np.concatenate([*parts, np.zeros((0, len(self.labels)), np.float32)]) + self.bias
        if self.dense is not None and len(texts):
            result += from_embeddings(texts, self.dense)
        return result

    def scores(self, texts: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
        """The labels, and per text (in order) the probability of each label; every row sums to one."""
        return self.labels, softmax(self.logits(texts))

    def best(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Per text the likeliest label and its probability."""
        labels, chances = self.scores(texts)
        first = chances.argmax(axis=1) if len(texts) else np.zeros(0, np.int64)
        return [(labels[i], float(chances[row, i])) for row, i in enumerate(first.tolist())]

    def explain(self, text: str, label: str | None = None) -> list[tuple[str, float]]:
        """The words that speak for ``label`` (by default the likeliest), weightiest first, at most four, each with its weight."""
        place, table = self._lookup()
        read = features.shared().read([text])
        chosen = self.labels.index(label) if label is not None else int(self.logits([text])[0].argmax())
        return carriers(read, beyond(shares(read, place, table), chosen))

    def save(self) -> bytes:
        """The head as the bytes of an npz file. ``load`` gives back an equal one."""
        labels = "\n".join(self.labels).encode("utf-8", "surrogatepass")
        file = io.BytesIO()
        more: dict[str, Any] = {} if self.dense is None else {"dense": self.dense}
        np.savez_compressed(
            file,
            space=np.array([features.SPACE]),
            labels=np.frombuffer(labels, np.uint8),
            buckets=self.buckets.astype(np.uint32),
            weights=self.weights.astype(np.float16),
            bias=self.bias,
            name=np.frombuffer(self.name.encode(), np.uint8),
            **more,
        )
        return file.getvalue()

    @classmethod
    def load(cls, data: bytes) -> Head:
        """Raises ValueError when the bytes are no head, or one made for another version of the features (then fit it anew)."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                space = int(file["space"][0])
                labels = file["labels"].tobytes().decode("utf-8", "surrogatepass").split("\n")
                buckets, weights, bias = file["buckets"].astype(np.int64), file["weights"], file["bias"]
                name = file["name"].tobytes().decode()
                dense = file["dense"].astype(np.float32) if "dense" in file else None
        except Exception as error:
            raise ValueError("These bytes are no stored head.") from error
        if space != features.SPACE:
            raise ValueError(
                f"This head was fitted on version {space} of the features, not {features.SPACE}; fit it anew."
            )
        return cls(tuple(labels), buckets, weights.astype(np.float32), bias.astype(np.float32), name, dense)

    def _lookup(self) -> tuple[NDArray[np.int32], Floats]:
        """Bucket to row, and the rows; row 0 holds zeros for buckets that were never seen. Made once, when first needed."""
        if not self._table:
            self._table.append(lookup(self.buckets, self.weights))
        return self._table[0]


def embedded(texts: Sequence[str]) -> Floats:
    """The embeddings of the accurate model, as long as their weights expect them: shape (texts, 512)."""
    return embedding.encode(texts) * EMBEDDED


@cache
def _directions() -> tuple[Floats, Floats]:
    """Always the same random directions, and where along each its wave begins: NumPy's old generator never changes."""
    dice = np.random.RandomState(0)
    spread = dice.standard_normal((embedding.WIDTH, WAVES)).astype(np.float32)
    return spread * np.float32(np.sqrt(2) / EMBEDDED), dice.uniform(0, 2 * np.pi, WAVES).astype(np.float32)


def waved(reads: Floats) -> Floats:
    """What ``embedded`` gives with waves besides: cosines along random directions, by whose sums a straight decision follows how near
    texts are to each other (a Gaussian kernel). Shape (texts, 512 + WAVES)."""
    spread, begin = _directions()
    waves = np.cos(reads @ spread + begin) * np.float32(2 * np.sqrt(2 / WAVES))
    return np.concatenate((reads, waves), axis=1)


def from_embeddings(texts: Sequence[str], dense: Floats) -> Floats:
    """What embeddings add to the sums of a head with these ``dense`` weights: shape (texts, labels)."""
    reads = embedded(texts)
    result: Floats = (waved(reads) if len(dense) > embedding.WIDTH else reads) @ dense
    return result


def lookup(buckets: Ints, weights: Floats) -> tuple[NDArray[np.int32], Floats]:
    """From bucket to row of a table, and the table with a row 0 of zeros before the given rows."""
    place = np.zeros(features.BUCKETS, np.int32)
    place[buckets] = np.arange(1, len(buckets) + 1)
    return place, np.concatenate((np.zeros((1, weights.shape[1]), np.float32), weights))


def shares(read: features.Read, place: NDArray[np.int32], table: Floats) -> Floats:
    """What each feature adds, as it stands in ``read``: shape (features, outputs)."""
    root = np.sqrt(np.maximum(read.sizes, 1)).astype(np.float32)
    result: Floats = table[place[read.buckets]] / root[read.message()][:, None]
    return result


def sums(read: features.Read, place: NDArray[np.int32], table: Floats) -> Floats:
    """What all features of each message add up to: shape (messages, outputs)."""
    found = np.zeros((len(read.starts), table.shape[1]), np.float32)
    filled = np.flatnonzero(read.sizes)
    if len(filled):
        first = (np.cumsum(read.sizes) - read.sizes)[filled]
        found[filled] = np.add.reduceat(table[place[read.buckets]], first, axis=0)
        found[filled] /= np.sqrt(read.sizes[filled]).astype(np.float32)[:, None]
    return found


def beyond(weights: Floats, winner: int) -> Floats:
    """What each row gave to the winner beyond what it gave the others on average."""
    if weights.shape[1] < 2:
        return weights[:, winner]
    others = (weights.sum(axis=1) - weights[:, winner]) / (weights.shape[1] - 1)
    result: Floats = weights[:, winner] - others
    return result


def carriers(read: features.Read, carried: Floats, least: float = 0.05) -> list[tuple[str, float]]:
    """The words of the one text in ``read`` by what their features carried, weightiest first, at most four."""
    sums = np.zeros(len(read.words), np.float32)
    np.add.at(sums, read.place, carried)
    gained: dict[str, float] = {}
    for word, negated, value in zip(read.words, read.negated.tolist(), sums.tolist(), strict=True):
        if word and not word.startswith("^"):
            shown = f"not {word}" if negated else word
            gained[shown] = gained.get(shown, 0.0) + value
    best = sorted((item for item in gained.items() if item[1] > least), key=lambda item: -item[1])
    return best[:4]


def softmax(values: Floats) -> Floats:
    """Rows of probabilities."""
    raised = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
    result: Floats = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    prior: Head | None = None,
    strength: float | None = None,
    weights: Sequence[float] | None = None,
    balance: float = 0.0,
    accurate: bool | None = None,
) -> Head:
    """A head that answers with one of ``labels`` (and those of ``prior``, first and in its order).

    ``strength`` says how far the examples are trusted against the prior, or against knowing nothing. ``weights`` makes single
    examples count more or less; ``balance`` from 0 to 1 makes rare labels count as much as frequent ones. The same arguments give
    the same head. ``accurate`` joins embeddings to the features (by default when PARLOUR_MODEL says so). 11,000 tweets take a few
    seconds. Raises ValueError when there is nothing to learn: no texts, numbers of texts and labels that differ, or fewer than two
    labels.
    """
    if len(texts) != len(labels) or (weights is not None and len(weights) != len(texts)):
        raise ValueError(f"Each text needs one label and one weight: {len(texts)} texts, {len(labels)} labels.")
    known = prior.labels if prior else ()
    names = (*known, *sorted(set(labels) - set(known)))
    if any("\n" in name for name in names):
        raise ValueError("A label is one line.")
    if len(names) < 2 or not texts:
        raise ValueError(f"There is nothing to decide between: {len(texts)} texts, {len(names)} labels.")
    number = {name: i for i, name in enumerate(names)}
    answer = np.array([number[label] for label in labels], np.int64)
    matter = np.ones(len(texts), np.float32) if weights is None else np.array(weights, np.float32)
    matter = matter * _evened(answer, matter, balance)
    matrix = features.matrix(texts, features.shared())
    seen = np.asarray(matrix.getnnz(axis=0))
    # What stands in one example of many says nothing about the next text; with few examples nothing may be lost.
    used = np.flatnonzero(seen >= (2 if len(texts) > 2000 else 1))
    if prior is not None:
        # What the prior knows and no example has stays as it is: nothing would move it.
        used = np.union1d(used, prior.buckets[seen[prior.buckets] > 0])
    reads = embedded(texts) if (embedding.wanted() if accurate is None else accurate) else None
    if reads is not None and prior is None and len(names) >= MANY:
        reads = waved(reads)
    trust = strength or (STRENGTH_FROM_PRIOR if prior else usual_strength(len(names)))
    settled = settle(
        Design(matrix[:, used].tocsr(), reads),
        answer,
        matter,
        _start(prior, names, used, reads),
        trust,
        prior is not None,
    )
    buckets, table = used, settled.table
    if prior is not None:
        buckets = np.union1d(used, prior.buckets)
        table = _start(prior, names, buckets, None).table
        table[np.searchsorted(buckets, used)] = settled.table
    # Stored as half floats, so scored as such from the first moment.
    return _named(names, buckets, table.astype(np.float16).astype(np.float32), settled.bias, settled.dense)


def _named(names: tuple[str, ...], buckets: Ints, weights: Floats, bias: Floats, dense: Floats | None) -> Head:
    content = b"".join(part.tobytes() for part in (buckets, weights, bias) if part is not None)
    content += b"" if dense is None else dense.tobytes()
    digest = hashlib.sha256(content + "\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return Head(names, buckets, weights, bias, f"head-{digest[:10]}", dense)


def _evened(answer: Ints, matter: Floats, balance: float) -> Floats:
    total = np.bincount(answer, weights=matter)
    mean = total[total > 0].mean()
    factors: Floats = ((mean / np.maximum(total, 1e-9)) ** balance)[answer].astype(np.float32)
    return factors


def _start(prior: Head | None, names: tuple[str, ...], used: Ints, reads: Floats | None) -> Linear:
    table = np.zeros((len(used), len(names)), np.float32)
    bias = np.zeros(len(names), np.float32)
    dense = None if reads is None else np.zeros((reads.shape[1], len(names)), np.float32)
    if prior is not None:
        known = len(prior.labels)
        there = np.isin(prior.buckets, used)
        table[np.searchsorted(used, prior.buckets[there]), :known] = prior.weights[there]
        bias[:known] = prior.bias
        if dense is not None and prior.dense is not None:
            dense[:, :known] = prior.dense
    return Linear(table, bias, dense)


@dataclass(frozen=True, slots=True)
class Design:
    """What is known of the examples: their features (sparse, a row each) and, with the accurate model, their embeddings."""

    features: Any
    embedded: Floats | None = None


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights per feature and label, a bias per label, and weights per value of the embedding and label."""

    table: Floats
    bias: Floats
    dense: Floats | None = None


def usual_strength(labels: int) -> float:
    """How far examples are trusted when nothing else is said: the more labels, the finer the differences; margins need less."""
    return 1.0 if labels >= MANY else 1 + labels / 4


def settle(
    design: Design, answer: Ints, matter: Floats, start: Linear, strength: float, from_prior: bool = False
) -> Linear:
    """The mean of two ways to weigh the features: as they are, and by how unevenly they fall on the labels.

    Measured half a point to two points better than either; from a prior, which has weighed them already, no better than the first
    alone. Arguments as for ``minimise``.
    """
    from scipy.sparse import diags

    hold = _HOLD if from_prior else 0.0
    many = start.table.shape[1] >= MANY
    stretch = _STRETCH if many else np.float32(1)
    if many and design.embedded is not None and not from_prior:
        return _fused(design, answer, matter, start, strength)
    start = Linear(start.table / stretch, start.bias / stretch, None if start.dense is None else start.dense / stretch)
    plain = minimise(design, answer, matter, start, strength, hold)
    if from_prior:
        dense = None if plain.dense is None else plain.dense * stretch
        return Linear(plain.table * stretch, plain.bias * stretch, dense)
    scale = _telling(design.features, answer, start.table.shape[1])
    scaled = Design((design.features @ diags(scale)).tocsr().astype(np.float32), design.embedded)
    told = minimise(
        scaled,
        answer,
        matter,
        Linear(start.table / scale[:, None], start.bias, start.dense),
        strength * (0.5 if many else 1),
        hold,
    )
    half = stretch / np.float32(2)
    dense = None if plain.dense is None or told.dense is None else (plain.dense + told.dense) * half
    return Linear((plain.table + told.table * scale[:, None]) * half, (plain.bias + told.bias) * half, dense)


def _fused(design: Design, answer: Ints, matter: Floats, start: Linear, strength: float) -> Linear:
    """Features and embeddings fitted apart; a point better on 77 intents than side by side, where the features drown the rest."""
    from scipy.sparse import csr_matrix

    words = settle(Design(design.features), answer, matter, replace(start, dense=None), strength)
    nothing = Design(csr_matrix((len(answer), 1), dtype=np.float32), design.embedded)
    meant = minimise(nothing, answer, matter, replace(start, table=np.zeros_like(start.table[:1])), strength)
    assert meant.dense is not None
    share = _FUSED_STRETCH / _STRETCH
    return Linear(words.table * share, words.bias * share + meant.bias * _FUSED_STRETCH, meant.dense * _FUSED_STRETCH)


def _telling(matrix: Any, answer: Ints, labels: int) -> Floats:
    """Per feature how far the odds of its favourite label are from those without it (naive Bayes), smoothed."""
    from scipy.sparse import csr_matrix

    count = matrix.shape[0]
    there = matrix.copy()
    there.data = np.ones_like(there.data)
    right = csr_matrix((np.ones(count, np.float32), (np.arange(count), answer)), shape=(count, labels))
    inside = np.asarray((there.T @ right).todense(), np.float32)
    total = np.bincount(answer, minlength=labels).astype(np.float32) + 1
    among = (inside + np.float32(0.5)) / total
    outside = (inside.sum(axis=1, keepdims=True) - inside + np.float32(0.5)) / (count - total + 2)
    odds: Floats = np.abs(np.log(among / outside)).max(axis=1) / np.float32(1.5)
    return np.maximum(odds, np.float32(0.05)).astype(np.float32)


def minimise(design: Design, answer: Ints, matter: Floats, start: Linear, strength: float, hold: float = 0.0) -> Linear:
    """Weights and biases of least loss plus the squared way from the start over twice ``strength`` (L-BFGS).

    A bias is held back ``hold`` times as much as a weight; by default it is free to follow how frequent each label is.
    """
    matrix, reads = design.features, design.embedded
    turned = matrix.T.tocsr()
    wide = matrix.shape[1]
    parts = [start.table, start.bias[None], *([] if start.dense is None else [start.dense])]
    begin = np.concatenate(parts).astype(np.float32)
    width = np.full((len(begin), 1), 1 / strength, np.float32)
    width[wide] *= hold
    blame = _margin(answer, matter) if start.table.shape[1] >= MANY else _crossed(answer, matter)

    def loss(at: Floats) -> tuple[float, Floats]:
        sums = matrix @ at[:wide] + at[wide]
        if reads is not None:
            sums += reads @ at[wide + 1 :]
        value, slope = blame(sums)
        way = at - begin
        pull = width * way
        value += 0.5 * float(np.vdot(way, pull))
        slopes = [turned @ slope, slope.sum(axis=0)[None], *([] if reads is None else [reads.T @ slope])]
        return value, np.concatenate(slopes) + pull

    found = _descend(loss, begin)
    return Linear(found[:wide], found[wide], None if reads is None else found[wide + 1 :])


Blame = Callable[[Floats], tuple[float, Floats]]


def _crossed(answer: Ints, matter: Floats) -> Blame:
    """Cross entropy of all labels against each other, and its slope."""
    rows = np.arange(len(answer))

    def blame(chances: Floats) -> tuple[float, Floats]:
        chances -= chances.max(axis=1, keepdims=True)
        right = chances[rows, answer]
        np.exp(chances, out=chances)
        total = chances.sum(axis=1)
        value = float((matter * (np.log(total) - right)).sum(dtype=np.float64))
        chances /= total[:, None]
        chances[rows, answer] -= 1
        chances *= matter[:, None]
        return value, chances

    return blame


def _margin(answer: Ints, matter: Floats) -> Blame:
    """Squared hinge of each label against the rest, and its slope."""
    rows = np.arange(len(answer))

    def blame(sums: Floats) -> tuple[float, Floats]:
        sums[rows, answer] *= -1
        sums += 1
        np.maximum(sums, 0, out=sums)
        weighed = sums * matter[:, None]
        value = float(np.vdot(weighed, sums))
        weighed *= 2
        weighed[rows, answer] *= -1
        return value, weighed

    return blame


def _descend(loss: Any, at: Floats) -> Floats:
    value, slope = loss(at)
    past: list[tuple[Floats, Floats, float]] = []
    for _ in range(_STEPS):
        way = _direction(slope, past)
        steepness = float(np.vdot(way, slope))
        length = 1.0
        while length > 1e-4:
            nearer = at - np.float32(length) * way
            less, new = loss(nearer)
            if less <= value - 1e-4 * length * steepness:
                break
            length /= 2
        else:
            return at
        bend = float(np.vdot(nearer - at, new - slope))
        if bend > 1e-9:
            past = [*past, (nearer - at, new - slope, 1 / bend)][-_MEMORY:]
        gained, at, value, slope = value - less, nearer, less, new
        if gained < 1e-5 * abs(value):
            break
    return at


def _direction(slope: Floats, past: Iterable[tuple[Floats, Floats, float]]) -> Floats:
    """The step downhill from the last slopes (the two loops of L-BFGS)."""
    way, listed, taken = slope.copy(), list(past), []
    for moved, bent, inverse in reversed(listed):
        taken.append(inverse * float(np.vdot(moved, way)))
        way -= np.float32(taken[-1]) * bent
    if listed:
        _, bent, inverse = listed[-1]
        way *= np.float32(1 / (inverse * float(np.vdot(bent, bent))))
    else:
        way *= np.float32(1 / max(float(np.sqrt(np.vdot(slope, slope))), 1e-9))
    for (moved, bent, inverse), share in zip(listed, reversed(taken), strict=True):
        way += np.float32(share - inverse * float(np.vdot(bent, way))) * moved
    return way
