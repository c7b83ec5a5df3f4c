"""Text in, annotations out: language, sentiment, category, urgency, whether an answer is needed; and why."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import eldc
import numpy as np
from numpy.typing import NDArray

from parlour.understanding import features, heads
from parlour.understanding.heads import CATEGORIES, CATEGORY_NAMES, SENTIMENTS, Sentiment

__all__ = [
    "CATEGORIES",
    "CATEGORY_NAMES",
    "SENTIMENTS",
    "Annotation",
    "Explanation",
    "Sentiment",
    "annotate",
    "explain",
    "model_name",
]

WEIGHTS: Final = Path(__file__).with_name("weights.npz")
_SLICE = 512
# Complaints without a harsh word are common on a desk, so less is asked of them than of praise.
NEGATIVE_BELOW: Final = -0.3
POSITIVE_ABOVE: Final = 0.4

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one text is about.

    ``language`` is ISO 639-1, or "" where the text is too short to tell. ``sentiment_score`` runs from -1 to 1 and decides
    ``sentiment``; ``urgency`` and the confidences run from 0 to 1, a confidence being that of the answer given. ``model`` names
    the weights that answered.
    """

    language: str
    sentiment: Sentiment
    sentiment_score: float
    category: str
    category_confidence: float
    urgency: float
    actionable: bool
    actionable_confidence: float
    model: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The words that carried each decision, weightiest first, at most four each; empty where no word did."""

    sentiment: list[str]
    category: list[str]
    urgency: list[str]
    actionable: list[str]


class _Model:
    """The weights and, per word seen, the sum of its features' weights. One lock: a batch takes milliseconds."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            buckets, rows = file["buckets"], file["rows"].astype(np.float32)
            self.bias: Floats = file["bias"]
            words = file["feeling_words"].tobytes().decode().split("\n")
            feeling = dict(zip(words, file["feeling_values"].tolist(), strict=True))
            self.name: str = file["name"].tobytes().decode()
        # Bucket -> row of the compact table; row 0 holds zeros for all buckets the training never saw.
        self._place = np.zeros(features.BUCKETS, np.int32)
        self._place[buckets] = np.arange(1, len(buckets) + 1)
        self._table: Floats = np.concatenate((np.zeros((1, heads.OUTPUTS), np.float32), rows))
        self._sums = np.zeros((8192, heads.OUTPUTS), np.float32)
        self._counts = np.zeros(8192, np.float32)
        self._words = features.Words(feeling, self._remember)
        self._lock = threading.Lock()

    def _remember(self, row: int, buckets: list[int]) -> None:
        if row >= len(self._counts):
            self._sums = np.concatenate((self._sums, np.zeros_like(self._sums)))
            self._counts = np.concatenate((self._counts, np.zeros_like(self._counts)))
        self._sums[row] = self._table[self._place[buckets]].sum(axis=0) if buckets else 0
        self._counts[row] = len(buckets)

    def parts(self, texts: Sequence[str]) -> tuple[features.Batch, Floats, Floats, Floats]:
        """The batch; each place's word weights; its pair's weights; the number of features per message."""
        with self._lock:
            batch = self._words.batch(texts)
            words = self._sums[batch.rows]
            counts = self._counts[batch.rows]
        # Index -1 (no pair) reads the last bucket, so it is blanked afterwards.
        place = np.where(batch.pairs >= 0, self._place[batch.pairs], 0)
        pairs = self._table[place]
        number = np.add.reduceat(counts + (batch.pairs >= 0), batch.starts)
        return batch, words, pairs, np.maximum(number, 1).astype(np.float32)

    def logits(self, texts: Sequence[str]) -> Floats:
        batch, words, pairs, number = self.parts(texts)
        words += pairs
        sums = np.add.reduceat(words, batch.starts, axis=0)
        result: Floats = (sums / np.sqrt(number)[:, None] + self.bias).astype(np.float32)
        return result


_model: _Model | None = None
_loading = threading.Lock()


def _loaded() -> _Model:
    global _model
    if _model is None:
        with _loading:
            if _model is None:
                eldc.init()
                _model = _Model(WEIGHTS)
    return _model


def model_name() -> str:
    """The name of the weights in use, made of their content."""
    return _loaded().name


# Words that settle the language of a text too short for statistics.
_SHORT: Final[dict[str, str]] = {
    word: language
    for language, words in {
        "en": "thanks thank hello hey please help why what the you",
        "de": "danke hallo bitte nein ja wann warum hilfe guten moin nicht ist",
        "fr": "merci bonjour salut oui aide pourquoi svp bonsoir",
        "es": "gracias hola ayuda buenos buenas porfa",
        "pt": "obrigado obrigada olá oi ajuda não",
        "it": "grazie ciao aiuto salve perché buongiorno",
        "nl": "bedankt hoi dankjewel waarom hulp goedemorgen",
    }.items()
    for word in words.split()
}
_WORD = re.compile(r"[^\W\d_]+")
_NOISE = re.compile(r"(?:https?://|www\.)\S*|[@#][\w.]+|[^\w\s'’.,!?¿¡-]|\d|_")
_OTHER_SCRIPT = re.compile("[\u0370-\u03ff\u0530-\u1fff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _language(text: str) -> str:
    clean = _NOISE.sub(" ", text[: features.MAX_CHARS]).strip()
    if len(clean) < 40:
        words = _WORD.findall(clean)
        letters = sum(map(len, words))
        if letters < 12 and not _OTHER_SCRIPT.search(clean):
            known = {_SHORT[word] for word in map(str.lower, words) if word in _SHORT}
            if len(known) == 1:
                return known.pop()
            if letters < 10:
                return ""
    found = str(eldc.detect(clean))
    return "" if found == "und" else found


def _softmax(values: Floats) -> Floats:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result


def annotate(texts: Sequence[str]) -> list[Annotation]:
    """One annotation per text, in order. Any string will do; what comes after 2,000 characters is not looked at."""
    model = _loaded()
    found: list[Annotation] = []
    for start in range(0, len(texts), _SLICE):
        found += _annotate(model, texts[start : start + _SLICE])
    return found


def _tone(score: float) -> Sentiment:
    return "negative" if score < NEGATIVE_BELOW else "positive" if score > POSITIVE_ABOVE else "neutral"


def _annotate(model: _Model, texts: Sequence[str]) -> list[Annotation]:
    logits = model.logits(texts)
    feeling = _softmax(logits[:, heads.SENTIMENT_COLUMNS])
    topic = _softmax(logits[:, heads.CATEGORY_COLUMNS])
    degrees = 1 / (1 + np.exp(-logits[:, heads.URGENCY_COLUMN :]))
    rows = zip(
        texts,
        (feeling[:, 2] - feeling[:, 0]).tolist(),
        topic.argmax(axis=1).tolist(),
        topic.max(axis=1).tolist(),
        degrees.tolist(),
        strict=True,
    )
    return [
        Annotation(
            language=_language(text),
            sentiment=_tone(score),
            sentiment_score=round(score, 4),
            category=CATEGORIES[category],
            category_confidence=round(confidence, 4),
            urgency=round(urgency, 4),
            actionable=actionable >= 0.5,
            actionable_confidence=round(max(actionable, 1 - actionable), 4),
            model=model.name,
        )
        for text, score, category, confidence, (urgency, actionable) in rows
    ]


def explain(text: str) -> Explanation:
    """The words that carried the decisions of ``annotate`` for this text."""
    model = _loaded()
    batch, words, pairs, number = model.parts([text])
    # A pair of words belongs to both.
    weights = words + pairs / 2
    weights[:-1] += pairs[1:] / 2
    weights = (weights / np.sqrt(number[0])).astype(np.float32)
    logits = weights.sum(axis=0) + model.bias
    feeling = _softmax(logits[None, heads.SENTIMENT_COLUMNS])[0]
    tone = _tone(float(feeling[2] - feeling[0]))
    topic = int(logits[heads.CATEGORY_COLUMNS].argmax())
    return Explanation(
        sentiment=_carriers(batch, _beyond(weights[:, heads.SENTIMENT_COLUMNS], SENTIMENTS.index(tone))),
        category=_carriers(batch, _beyond(weights[:, heads.CATEGORY_COLUMNS], topic)),
        urgency=_carriers(batch, weights[:, heads.URGENCY_COLUMN]),
        actionable=_carriers(batch, weights[:, heads.ACTIONABLE_COLUMN] * np.sign(logits[heads.ACTIONABLE_COLUMN])),
    )


def _beyond(weights: Floats, winner: int) -> Floats:
    """What each word gave to the winner beyond what it gave the others on average."""
    others = np.delete(weights, winner, axis=1).mean(axis=1)
    result: Floats = weights[:, winner] - others
    return result


def _carriers(batch: features.Batch, carried: Floats) -> list[str]:
    gained: dict[str, float] = {}
    for word, row, value in zip(batch.words, batch.rows.tolist(), carried.tolist(), strict=True):
        if word and not word.startswith("^"):
            shown = f"not {word}" if row % 2 else word
            gained[shown] = gained.get(shown, 0.0) + value
    best = sorted((item for item in gained.items() if item[1] > 0.05), key=lambda item: -item[1])
    return [word for word, _ in best[:4]]
