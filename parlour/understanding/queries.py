"""Text in, annotations out: language, sentiment, category, intent, urgency, noise, insults, spam; and why."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import embedding, features, fitting, heads, languages
from parlour.understanding.heads import (
    CATEGORIES,
    CATEGORY_NAMES,
    INTENT_NAMES,
    INTENTS,
    SENTIMENTS,
    Intent,
    Sentiment,
)

__all__ = [
    "CATEGORIES",
    "CATEGORY_NAMES",
    "INTENTS",
    "INTENT_NAMES",
    "SENTIMENTS",
    "Annotation",
    "Explanation",
    "Intent",
    "Sentiment",
    "annotate",
    "explain",
    "model_name",
    "shipped",
]

WEIGHTS: Final = Path(__file__).with_name("weights.npz")
EMBEDDED_WEIGHTS: Final = Path(__file__).with_name("weights_accurate.npz")
_SLICE = 512
# Complaints without a harsh word are common on a desk, so less is asked of them than of praise.
NEGATIVE_BELOW: Final = -0.3
POSITIVE_ABOVE: Final = 0.4

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one text is about.

    ``language`` is ISO 639-1, or "" where the text is too short to tell. ``sentiment_score`` runs from -1 to 1 and decides
    ``sentiment``; ``urgency``, ``offensive``, ``spam`` and the confidences run from 0 to 1, a confidence being that of the answer
    given. ``model`` names the weights that answered.
    """

    language: str
    sentiment: Sentiment
    sentiment_score: float
    sentiment_confidence: float
    category: str
    category_confidence: float
    intent: Intent
    intent_confidence: float
    urgency: float
    actionable: bool
    actionable_confidence: float
    offensive: float
    spam: float
    model: str
    next_best: Mapping[str, str] = field(default_factory=dict)
    """``category`` and ``intent``: the second likeliest answer, which a wrong one is most often corrected to."""
    because: Mapping[str, int] = field(default_factory=dict)
    """Field -> the correction of a similar text that settled it (``own.annotate``)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The words that carried each decision, weightiest first, at most four each; empty where no word did."""

    sentiment: list[str]
    category: list[str]
    intent: list[str]
    urgency: list[str]
    actionable: list[str]
    offensive: list[str]
    spam: list[str]


class _Model:
    """The shipped weights of all heads, side by side in one table."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.buckets: Ints = file["buckets"].astype(np.int64)
            self.weights: Floats = file["rows"].astype(np.float32)
            self.bias: Floats = file["bias"]
            self.name: str = file["name"].tobytes().decode()
            if int(file["space"][0]) != features.SPACE:
                raise ValueError(
                    "The weights were made for another version of the features; build them anew (make model)."
                )
        self.dense: Floats | None = None
        if embedding.wanted():
            self._join(EMBEDDED_WEIGHTS)
        self.place, self.table = fitting.lookup(self.buckets, self.weights)

    def _join(self, path: Path) -> None:
        """The accurate model answers with the mean of what features and embeddings say."""
        half = np.float32(0.5)
        with np.load(path) as file:
            self.dense = file["dense"].astype(np.float32) * half
            self.bias = (self.bias + file["bias"]) * half
        self.weights *= half
        self.name += "+embeddings"

    def logits(self, texts: Sequence[str], read: features.Read) -> Floats:
        return fitting.sums(read, self.place, self.table) + self.rest(texts)

    def rest(self, texts: Sequence[str]) -> Floats:
        """What does not come from single words: the biases, and the embeddings where they are on."""
        if self.dense is None or not len(texts):
            return self.bias
        result: Floats = fitting.embedded(texts) @ self.dense + self.bias
        return result


_model: _Model | None = None
_loading = threading.Lock()


def _loaded() -> _Model:
    global _model
    if _model is None:
        with _loading:
            if _model is None:
                _model = _Model(WEIGHTS)
    return _model


def model_name() -> str:
    """The name of the weights in use, made of their content."""
    return _loaded().name


def annotate(texts: Sequence[str]) -> list[Annotation]:
    """One annotation per text, in order. Any string will do; what comes after 2,000 characters is not looked at."""
    model = _loaded()
    found: list[Annotation] = []
    for start in range(0, len(texts), _SLICE):
        found += _annotate(model, texts[start : start + _SLICE])
    return found


def annotate_read(texts: Sequence[str], read: features.Read) -> list[Annotation]:
    """``annotate`` for a batch whose features the caller has read."""
    return _annotate(_loaded(), texts, read)


def _tone(score: float) -> Sentiment:
    return "negative" if score < NEGATIVE_BELOW else "positive" if score > POSITIVE_ABOVE else "neutral"


def _shown(values: NDArray[Any]) -> Any:
    """As Python's numbers with four digits."""
    return values.astype(np.float64).round(4).tolist()


def _annotate(model: _Model, texts: Sequence[str], read: features.Read | None = None) -> list[Annotation]:
    logits = model.logits(texts, read or features.shared().read(texts))
    feeling = fitting.softmax(logits[:, heads.SENTIMENT_COLUMNS])
    topic = fitting.softmax(logits[:, heads.CATEGORY_COLUMNS])
    wanted = fitting.softmax(logits[:, heads.INTENT_COLUMNS])
    degrees = 1 / (1 + np.exp(-logits[:, heads.URGENCY_COLUMN :].astype(np.float64)))
    seconds = zip(_second(topic), _second(wanted), strict=True)
    rows = zip(
        texts,
        _shown(feeling),
        topic.argmax(axis=1).tolist(),
        _shown(topic.max(axis=1)),
        wanted.argmax(axis=1).tolist(),
        _shown(wanted.max(axis=1)),
        _shown(degrees),
        seconds,
        strict=True,
    )
    found = []
    for text, tones, category, category_chance, intent, intent_chance, chances, (category_2, intent_2) in rows:
        urgency, actionable, offensive, spam = chances
        score = round(tones[2] - tones[0], 4)
        tone = _tone(score)
        found.append(
            Annotation(
                language=languages.of(text),
                sentiment=tone,
                sentiment_score=score,
                sentiment_confidence=tones[SENTIMENTS.index(tone)],
                category=CATEGORIES[category],
                category_confidence=category_chance,
                intent=INTENTS[intent],
                intent_confidence=intent_chance,
                urgency=urgency,
                actionable=actionable >= 0.5,
                actionable_confidence=round(max(actionable, 1 - actionable), 4),
                offensive=offensive,
                spam=spam,
                model=model.name,
                next_best={"category": CATEGORIES[category_2], "intent": INTENTS[intent_2]},
            )
        )
    return found


def _second(chances: Floats) -> list[int]:
    """The second likeliest column of each row."""
    found: list[int] = np.argpartition(chances, -2, axis=1)[:, -2].tolist()
    return found


def explain(text: str) -> Explanation:
    """The words that carried the decisions of ``annotate`` for this text."""
    model = _loaded()
    read = features.shared().read([text])
    parts = fitting.shares(read, model.place, model.table)
    logits = parts.sum(axis=0) + np.atleast_2d(model.rest([text]))[0]
    feeling = fitting.softmax(logits[None, heads.SENTIMENT_COLUMNS])[0]
    tone = SENTIMENTS.index(_tone(float(feeling[2] - feeling[0])))

    def chosen(columns: slice, winner: int | None = None) -> list[str]:
        best = int(logits[columns].argmax()) if winner is None else winner
        return _words(fitting.carriers(read, fitting.beyond(parts[:, columns], best)))

    def degree(column: int, sign: float = 1.0) -> list[str]:
        return _words(fitting.carriers(read, parts[:, column] * np.float32(sign)))

    return Explanation(
        sentiment=chosen(heads.SENTIMENT_COLUMNS, tone),
        category=chosen(heads.CATEGORY_COLUMNS),
        intent=chosen(heads.INTENT_COLUMNS),
        urgency=degree(heads.URGENCY_COLUMN),
        actionable=degree(heads.ACTIONABLE_COLUMN, float(np.sign(logits[heads.ACTIONABLE_COLUMN]))),
        offensive=degree(heads.OFFENSIVE_COLUMN),
        spam=degree(heads.SPAM_COLUMN),
    )


def _words(carried: list[tuple[str, float]]) -> list[str]:
    return [word for word, _ in carried]


HEADS: Final[dict[str, tuple[slice, tuple[str, ...]]]] = {
    "sentiment": (heads.SENTIMENT_COLUMNS, SENTIMENTS),
    "category": (heads.CATEGORY_COLUMNS, CATEGORIES),
    "intent": (heads.INTENT_COLUMNS, INTENTS),
}
YES_OR_NO: Final[dict[str, int]] = {
    "urgency": heads.URGENCY_COLUMN,
    "actionable": heads.ACTIONABLE_COLUMN,
    "offensive": heads.OFFENSIVE_COLUMN,
    "spam": heads.SPAM_COLUMN,
}


def shipped(name: str) -> fitting.Head:
    """One decision of the shipped model as a head, to start a brand's own from: ``fitting.fit(texts, labels, prior=...)``.

    ``name`` is "sentiment", "category" or "intent", whose labels are those of ``heads``; or "urgency", "actionable", "offensive"
    or "spam", whose labels are "false" and "true". Raises KeyError for any other.
    """
    model = _loaded()
    dense: Floats | None = None
    if name in YES_OR_NO:
        column = YES_OR_NO[name]
        half = np.stack((-model.weights[:, column], model.weights[:, column]), axis=1) / 2
        bias: Floats = np.array([-model.bias[column], model.bias[column]], np.float32) / np.float32(2)
        if model.dense is not None:
            dense = np.stack((-model.dense[:, column], model.dense[:, column]), axis=1) / np.float32(2)
        return fitting.Head(("false", "true"), model.buckets, half.astype(np.float32), bias, model.name, dense)
    columns, labels = HEADS[name]
    if model.dense is not None:
        dense = model.dense[:, columns].copy()
    return fitting.Head(labels, model.buckets, model.weights[:, columns].copy(), model.bias[columns], model.name, dense)
