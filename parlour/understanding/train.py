"""Builds the weights: ``python -m parlour.understanding.train --data ../shared/data --out parlour/understanding/weights.npz``.

The same data and libraries on the same kind of
machine give the same file, byte for byte.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import corpus, features, fitting, lexicon
from parlour.understanding.corpus import Example

TRAINED_ON = ("ibm_cdp_dev.json", "banking77.csv.gz", "clinc150.csv.gz", "sms_spam.csv.gz", "langid_shorttext.csv.gz")

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Strength:
    """How far each head trusts its examples (``fitting.settle``); larger is further."""

    sentiment: float = 2.0
    category: float = 6.0
    urgency: float = 3.0
    intent: float = 6.0
    actionable: float = 3.0
    offensive: float = 6.0
    spam: float = 5.0


# Added to what was learnt, in log odds. Balanced on so few insults the decision says yes too rarely; and of messages to be answered fewer
# may be missed than the examples would have it. Where both stand was settled on scores (docs/MODELS.md).
_OFFENSIVE_LEAN = np.float32(1.6)
_ACTIONABLE_LEAN = np.float32(0.25)


def feelings() -> dict[str, int]:
    """VADER's words and emoji (MIT) as whole steps from -4 to 4, without what it holds for neutral: ``data/feelings.txt``."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    found = {
        word.lower(): round(value)
        for word, value in analyser.lexicon.items()
        if re.fullmatch(r"[a-z][a-z'-]*", word.lower()) and abs(value) >= 0.5
    }
    for sign, description in analyser.emojis.items():
        value = sum(analyser.lexicon.get(word, 0.0) for word in description.split())
        if len(sign) == 1 and abs(value) >= 0.5:
            found[sign] = max(-4, min(4, round(value)))
    return {word: value for word, value in sorted(found.items()) if value}


def _evened(weights: Floats, labels: list[int | None]) -> Floats:
    """Factors that make every class weigh the same in all."""
    answer = np.array([-1 if label is None else label for label in labels], np.int64)
    total = np.bincount(answer[answer >= 0], weights=weights[answer >= 0])
    factors: Floats = np.where(answer >= 0, (total.mean() / total)[answer], 1.0).astype(np.float32)
    return factors


def _classes(matrix: Any, labels: list[int | None], weights: Floats, strength: float) -> tuple[Floats, Floats]:
    chosen = np.array([i for i, label in enumerate(labels) if label is not None])
    answer = np.array([label for label in labels if label is not None], np.int64)
    return _fit(matrix[chosen], answer, weights[chosen], strength)


def _fit(
    matrix: Any, answer: Ints, weights: Floats, strength: float, way: Callable[..., fitting.Linear] = fitting.settle
) -> tuple[Floats, Floats]:
    if isinstance(matrix, np.ndarray):
        return _fit_embedded(matrix, answer, weights, strength)
    # Buckets no text fills would stay at zero; leaving them out saves most of the work.
    used = np.flatnonzero(matrix.getnnz(axis=0))
    classes = int(answer.max()) + 1
    start = np.zeros((len(used), classes), np.float32)
    bias = np.zeros(classes, np.float32)
    found = way(fitting.Design(matrix[:, used].tocsr()), answer, weights, fitting.Linear(start, bias), strength)
    table = np.zeros((matrix.shape[1], classes), np.float32)
    table[used] = found.table
    return table, found.bias


def _fit_embedded(reads: Floats, answer: Ints, weights: Floats, strength: float) -> tuple[Floats, Floats]:
    from scipy.sparse import csr_matrix

    classes = int(answer.max()) + 1
    nothing = csr_matrix((len(reads), 1), dtype=np.float32)
    start = fitting.Linear(
        np.zeros((1, classes), np.float32),
        np.zeros(classes, np.float32),
        np.zeros((reads.shape[1], classes), np.float32),
    )
    found = fitting.minimise(fitting.Design(nothing, reads), answer, weights, start, strength)
    assert found.dense is not None
    return found.dense, found.bias


def _degrees(matrix: Any, degrees: list[float | None], weights: Floats, strength: float) -> tuple[Floats, Floats]:
    """A degree between 0 and 1 is learnt as no and yes, each with its share; the answer is how far yes is ahead."""
    from scipy.sparse import vstack

    chosen = np.array([i for i, degree in enumerate(degrees) if degree is not None])
    share = np.array([degree for degree in degrees if degree is not None], np.float32)
    part = matrix[chosen]
    answer = np.concatenate((np.ones(len(chosen), np.int64), np.zeros(len(chosen), np.int64)))
    both = np.concatenate((weights[chosen] * share, weights[chosen] * (1 - share))) + np.float32(1e-6)
    both_sides = np.concatenate((part, part)) if isinstance(part, np.ndarray) else vstack((part, part)).tocsr()
    # Each text stands on both sides, so how its words fall on them tells nothing: they count as they are.
    table, bias = _fit(both_sides, answer, both.astype(np.float32), strength, fitting.minimise)
    return table[:, 1:] - table[:, :1], bias[1:] - bias[:1]


def _certainly(answers: Sequence[bool | None]) -> list[float | None]:
    return [None if answer is None else 0.98 if answer else 0.02 for answer in answers]


def _leaning(fitted: tuple[Floats, Floats], lean: np.float32) -> tuple[Floats, Floats]:
    table, bias = fitted
    return table, bias + lean


def fit(examples: Sequence[Example], strength: Strength) -> tuple[Floats, Floats]:
    """Weights (buckets, outputs) and biases of all heads."""
    return _heads(features.matrix([example.text for example in examples], features.shared()), examples, strength)


def fit_embedded(examples: Sequence[Example], strength: Strength) -> tuple[Floats, Floats]:
    """The same heads on nothing but embeddings: weights (512, outputs) and biases. Needs parlour[accurate] and two minutes."""
    return _heads(fitting.embedded([example.text for example in examples]), examples, strength)


def _heads(matrix: Any, examples: Sequence[Example], strength: Strength) -> tuple[Floats, Floats]:
    weights = np.array([example.weight for example in examples], np.float32)
    tones = [e.sentiment for e in examples]
    topics = [e.category for e in examples]
    wanted = [e.intent for e in examples]
    # Plain texts are easy to come by and complaints without a harsh word look like them; on a desk a missed complaint is dearer.
    felt = weights * np.array([0.7 if tone == 1 else 1.0 for tone in tones], np.float32) * _evened(weights, tones)
    insults = weights * _evened(weights, [None if e.offensive is None else int(e.offensive) for e in examples])
    # A customer taken for spam costs more than spam that is read.
    adverts = weights * np.array([0.4 if e.spam else 1.0 for e in examples], np.float32)
    # To overlook a customer costs more than to show one message too many.
    heard = weights * np.array([1.6 if e.actionable else 1.0 for e in examples], np.float32)
    parts = [
        _classes(matrix, tones, felt, strength.sentiment),
        _classes(matrix, topics, weights * _evened(weights, topics) ** 0.5, strength.category),
        _classes(matrix, wanted, weights * _evened(weights, wanted) ** 0.5, strength.intent),
        _degrees(matrix, [e.urgency for e in examples], weights, strength.urgency),
        _leaning(
            _degrees(matrix, _certainly([e.actionable for e in examples]), heard, strength.actionable), _ACTIONABLE_LEAN
        ),
        _leaning(
            _degrees(matrix, _certainly([e.offensive for e in examples]), insults, strength.offensive), _OFFENSIVE_LEAN
        ),
        _degrees(matrix, _certainly([e.spam for e in examples]), adverts, strength.spam),
    ]
    return np.concatenate([table for table, _ in parts], axis=1), np.concatenate([bias for _, bias in parts])


def save(path: Path, table: Floats, bias: Floats, floor: float = 0.02) -> str:
    """Writes the buckets that matter as half floats; returns the model's name, which is made of its content."""
    kept = np.flatnonzero(np.abs(table).max(axis=1) >= floor)
    rows = table[kept].astype(np.float16)
    digest = hashlib.sha256(kept.tobytes() + rows.tobytes() + bias.tobytes()).hexdigest()
    name = f"heads-{digest[:10]}"
    np.savez_compressed(
        path,
        buckets=kept.astype(np.uint32),
        rows=rows,
        bias=bias.astype(np.float32),
        space=np.array([features.SPACE]),
        name=np.frombuffer(name.encode(), np.uint8),
    )
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--accurate", type=Path, help="the file for the weights of embeddings; needs parlour[accurate]")
    parser.add_argument("--out", type=Path, required=True, help="the weights file to write")
    given = parser.parse_args(arguments)
    missing = [name for name in TRAINED_ON if not (given.data / name).is_file()]
    if missing:
        parser.error(f"{given.data} does not hold {', '.join(missing)}.")
    examples = corpus.load(given.data, lexicon.feelings())
    table, bias = fit(examples, Strength())
    name = save(given.out, table, bias)
    if given.accurate:
        dense, dense_bias = fit_embedded(examples, Strength())
        np.savez_compressed(given.accurate, dense=dense.astype(np.float16), bias=dense_bias)
    sys.stdout.write(f"{name}: {len(examples):,} examples, {given.out.stat().st_size:,} bytes in {given.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
