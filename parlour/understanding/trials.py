"""Public sets cut into what a head is trained on and what it is scored on. Nothing that is scored is trained on, not even as a copy."""

import csv
import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from parlour.understanding import fitting

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """One set: where it comes from, how it is cut, and its rows (text, label). ``balance`` and ``strength`` go to ``fitting.fit``."""

    name: str
    source: str
    cut: str
    train: list[Row]
    score: list[Row]
    balance: float = 0.0
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial, in per cent."""

    accuracy: float
    macro_f1: float
    macro_recall: float


def rows(path: Path) -> list[dict[str, str]]:
    """A compressed CSV file with its header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def unescaped(text: str) -> str:
    """Some sets write signs as their numbers."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


@lru_cache(maxsize=100_000)
def normal(text: str) -> str:
    """A text as far as it matters for being the same as another: its words, without names, addresses and numbers."""
    return " ".join(re.findall(r"[^\W\d_]+", re.sub(r"https?://\S+|@\w+", " ", text.lower())))


def _cut(name: str, source: str, cut: str, train: Sequence[Row], score: Sequence[Row], balance: float = 0.0) -> Trial:
    scored = {normal(text) for text, _ in score}
    return Trial(name, source, cut, [row for row in train if normal(row[0]) not in scored], list(score), balance)


_AIRLINE: Final = "Twitter US Airline Sentiment (CC BY-NC-SA 4.0, evaluation only)"
_LAST_FIFTH: Final = "first 80 % by time / last 20 %"


def _by_time(data: Path, label: str) -> tuple[list[Row], list[Row]]:
    listed = sorted(rows(data / "airline_tweets.csv.gz"), key=lambda row: row["created_at"])
    parts = listed[: len(listed) * 4 // 5], listed[len(listed) * 4 // 5 :]
    first, last = ([(row["text"], row[label]) for row in part if row[label]] for part in parts)
    return first, last


def _nth(listed: Sequence[Row], every: int, offset: int) -> tuple[list[Row], list[Row]]:
    """Every n-th row of each label is kept back, beginning with the one at ``offset``."""
    seen: dict[str, int] = {}
    train: list[Row] = []
    score: list[Row] = []
    for row in listed:
        number = seen[row[1]] = seen.get(row[1], -1) + 1
        (score if number % every == offset else train).append(row)
    return train, score


def _val(data: Path, file: str) -> tuple[list[Row], list[Row]]:
    listed = rows(data / file)
    train, score = (
        [(unescaped(row["text"]), row["label"]) for row in listed if (row["split"] == "val") is wanted]
        for wanted in (False, True)
    )
    return train, score


def airline_sentiment(data: Path) -> Trial:
    return _cut("airline sentiment", _AIRLINE, _LAST_FIFTH, *_by_time(data, "sentiment"))


def airline_reason(data: Path) -> Trial:
    return _cut("airline negative reason", _AIRLINE, _LAST_FIFTH, *_by_time(data, "negativereason"))


def bank(data: Path, offset: int = 0) -> Trial:
    listed = [(row["text"], row["category"]) for row in rows(data / "banking77.csv.gz")]
    cut = "its train rows; every tenth of each intent kept back, ten times over"
    return _cut("banking77, 77 intents", "PolyAI Banking77 (CC BY 4.0)", cut, *_nth(listed, 10, offset))


def offensive(data: Path) -> Trial:
    source = "TweetEval offensive (research use, evaluation only)"
    # Both by three of five cuts of its train rows.
    found = _cut("offensive", source, "train / val", *_val(data, "tweeteval_offensive.csv.gz"), balance=0.8)
    return replace(found, strength=4.0)


def general_sentiment(data: Path) -> Trial:
    source = "TweetEval sentiment (research use, evaluation only)"
    return _cut("sentiment of general tweets", source, "train / val", *_val(data, "tweeteval_sentiment.csv.gz"))


def spam(data: Path, offset: int = 0) -> Trial:
    listed = [(row["text"].strip().strip('"'), row["label"]) for row in rows(data / "sms_spam.csv.gz")]
    cut = "every tenth of each label kept back, ten times over"
    found = _cut("SMS spam", "SMS Spam Collection (free use)", cut, *_nth(listed, 10, offset), balance=0.5)
    return replace(found, strength=10.0)


FOLDS: Final = 10


def all_trials(data: Path, folds: int = FOLDS) -> Iterator[list[Trial]]:
    """Each set as its trials: one, or as many as it is cut into (the first ``folds``); every row of those is scored once."""
    single: tuple[Callable[[Path], Trial], ...] = (airline_sentiment, airline_reason, offensive, general_sentiment)
    for make in single:
        yield [make(data)]
    yield [bank(data, offset) for offset in range(folds)]
    yield [spam(data, offset) for offset in range(folds)]


def answers(trial: Trial, *, accurate: bool = False) -> list[tuple[str, str]]:
    """Truth and answer for each scored row, by a head fitted on the others."""
    texts, labels = zip(*trial.train, strict=True)
    head = fitting.fit(texts, labels, balance=trial.balance, strength=trial.strength, accurate=accurate)
    given = head.best([text for text, _ in trial.score])
    return [(truth, answer) for (_, truth), (answer, _) in zip(trial.score, given, strict=True)]


def outcome(pairs: Sequence[tuple[str, str]]) -> Outcome:
    """Scores of (truth, answer) pairs over the labels that truth has."""
    names = sorted({truth for truth, _ in pairs})
    hits = {name: sum(truth == answer == name for truth, answer in pairs) for name in names}
    truths = {name: sum(truth == name for truth, _ in pairs) for name in names}
    given = {name: sum(answer == name for _, answer in pairs) for name in names}
    return Outcome(
        100 * sum(hits.values()) / len(pairs),
        100 * sum(2 * hits[name] / (truths[name] + given[name]) for name in names) / len(names),
        100 * sum(hits[name] / truths[name] for name in names) / len(names),
    )
