"""Builds the weights: ``python -m parlour.understanding.train --data ../shared/data --out parlour/understanding/weights.npz``.

Needs the development dependencies (scikit-learn, vaderSentiment). The same data and libraries on the same kind of
machine give the same file, byte for byte.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import corpus, features, heads
from parlour.understanding.corpus import Example

TRAINED_ON = ("ibm_cdp_dev.json", "banking77.csv.gz", "clinc150.csv.gz", "sms_spam.csv.gz", "langid_shorttext.csv.gz")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Strength:
    """How far each head may go (scikit-learn's C; larger trusts the data more)."""

    sentiment: float = 2.0
    category: float = 6.0
    urgency: float = 3.0
    actionable: float = 3.0


def feelings() -> dict[str, int]:
    """VADER's words and emoji (MIT) as whole steps from -4 to 4; words it holds for neutral are left out."""
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


def _fit(matrix: Any, labels: NDArray[np.int64], weights: Floats, strength: float) -> tuple[Floats, Floats]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=300, tol=1e-4, solver="lbfgs")
    # Buckets no text fills would stay at zero; leaving them out saves most of the work.
    used = np.flatnonzero(matrix.getnnz(axis=0))
    model.fit(matrix[:, used], labels, sample_weight=weights)
    coefficients = np.zeros((len(model.coef_), features.BUCKETS), np.float32)
    coefficients[:, used] = model.coef_
    return coefficients, model.intercept_.astype(np.float32)


def _balanced(weights: Floats, labels: list[int | None]) -> Floats:
    """Factors that make every class weigh the same in all."""
    answer = np.array([-1 if label is None else label for label in labels], np.int64)
    total = np.bincount(answer[answer >= 0], weights=weights[answer >= 0])
    factors: Floats = np.where(answer >= 0, (total.mean() / total)[answer], 1.0).astype(np.float32)
    return factors


def _classes(matrix: Any, labels: list[int | None], weights: Floats, strength: float) -> tuple[Floats, Floats]:
    chosen = np.array([i for i, label in enumerate(labels) if label is not None])
    answer = np.array([label for label in labels if label is not None], np.int64)
    return _fit(matrix[chosen], answer, weights[chosen], strength)


def _degrees(matrix: Any, degrees: list[float | None], weights: Floats, strength: float) -> tuple[Floats, Floats]:
    """A degree between 0 and 1 is learnt as yes and no, each with its share."""
    from scipy.sparse import vstack  # type: ignore[import-untyped]

    chosen = np.array([i for i, degree in enumerate(degrees) if degree is not None])
    share = np.array([degree for degree in degrees if degree is not None], np.float32)
    part = matrix[chosen]
    answer = np.concatenate((np.ones(len(chosen), np.int64), np.zeros(len(chosen), np.int64)))
    both = np.concatenate((weights[chosen] * share, weights[chosen] * (1 - share))) + np.float32(1e-6)
    return _fit(vstack((part, part)).tocsr(), answer, both, strength)


def fit(examples: Sequence[Example], feeling: dict[str, int], strength: Strength) -> tuple[Floats, Floats]:
    """Weights (buckets, outputs) and biases of all heads."""
    matrix = features.matrix([example.text for example in examples], feeling).tocsr()
    weights = np.array([example.weight for example in examples], np.float32)
    table = np.zeros((features.BUCKETS, heads.OUTPUTS), np.float32)
    bias = np.zeros(heads.OUTPUTS, np.float32)
    topics = [e.category for e in examples]
    # Plain texts are easy to come by and complaints without a harsh word look like them; on a desk a missed complaint is dearer.
    felt = weights * np.array([0.7 if e.sentiment == 1 else 1.0 for e in examples], np.float32)
    even = _balanced(weights, [e.sentiment for e in examples])
    for columns, (coefficients, intercept) in (
        (heads.SENTIMENT_COLUMNS, _classes(matrix, [e.sentiment for e in examples], felt * even, strength.sentiment)),
        (
            heads.CATEGORY_COLUMNS,
            _classes(matrix, topics, weights * _balanced(weights, topics) ** 0.5, strength.category),
        ),
        (slice(10, 11), _degrees(matrix, [e.urgency for e in examples], weights, strength.urgency)),
        (
            slice(11, 12),
            _degrees(
                matrix,
                [None if e.actionable is None else 0.98 if e.actionable else 0.02 for e in examples],
                # To overlook a customer costs more than to show one message too many.
                weights * np.array([1.6 if e.actionable else 1.0 for e in examples], np.float32),
                strength.actionable,
            ),
        ),
    ):
        table[:, columns] = coefficients.T
        bias[columns] = intercept
    return table, bias


def save(path: Path, table: Floats, bias: Floats, feeling: dict[str, int], floor: float = 0.02) -> str:
    """Writes the buckets that matter as half floats; returns the model's name, which is made of its content."""
    kept = np.flatnonzero(np.abs(table).max(axis=1) >= floor)
    rows = table[kept].astype(np.float16)
    words = "\n".join(feeling).encode()
    values = np.array(list(feeling.values()), np.int8)
    digest = hashlib.sha256(kept.tobytes() + rows.tobytes() + bias.tobytes() + words + values.tobytes()).hexdigest()
    name = f"heads-{digest[:10]}"
    np.savez_compressed(
        path,
        buckets=kept.astype(np.uint32),
        rows=rows,
        bias=bias.astype(np.float32),
        feeling_words=np.frombuffer(words, np.uint8),
        feeling_values=values,
        name=np.frombuffer(name.encode(), np.uint8),
    )
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, required=True, help="the weights file to write")
    given = parser.parse_args(arguments)
    missing = [name for name in TRAINED_ON if not (given.data / name).is_file()]
    if missing:
        parser.error(f"{given.data} does not hold {', '.join(missing)}.")
    feeling = feelings()
    examples = corpus.load(given.data, feeling)
    table, bias = fit(examples, feeling, Strength())
    name = save(given.out, table, bias, feeling)
    sys.stdout.write(f"{name}: {len(examples):,} examples, {given.out.stat().st_size:,} bytes in {given.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
