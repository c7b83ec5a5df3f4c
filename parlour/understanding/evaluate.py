"""Measures the shipped weights: ``python -m parlour.understanding.evaluate --data ../shared/data``.

The sets read here (except the last) may be used for evaluation only; nothing the weights hold was learnt from them.
"""

import argparse
import csv
import gzip
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from parlour.understanding.heads import SENTIMENTS
from parlour.understanding.queries import Annotation, annotate, model_name

# Reasons given for complaints about airlines, in our terms; the others could be anything.
REASONS: Final = {
    "Late Flight": "delivery",
    "Cancelled Flight": "delivery",
    "Lost Luggage": "delivery",
    "Damaged Luggage": "delivery",
    "Customer Service Issue": "other",
    "Flight Attendant Complaints": "other",
    "Flight Booking Problems": "website",
    "Bad Flight": "product",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured number: of what, how much, over how many rows."""

    name: str
    value: float
    rows: int


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _annotations(texts: Sequence[str]) -> list[Annotation]:
    return [found for start in range(0, len(texts), 1024) for found in annotate(texts[start : start + 1024])]


def macro_f1(pairs: Iterable[tuple[str, str]], classes: Sequence[str]) -> float:
    """Mean F1 over the classes of (truth, answer) pairs."""
    listed = list(pairs)
    scores = []
    for name in classes:
        hits = sum(truth == answer == name for truth, answer in listed)
        truths = sum(truth == name for truth, _ in listed)
        answers = sum(answer == name for _, answer in listed)
        scores.append(2 * hits / (truths + answers) if truths + answers else 0.0)
    return sum(scores) / len(scores)


def _sentiment(name: str, rows: Sequence[tuple[str, str]]) -> Measure:
    answers = [found.sentiment for found in _annotations([text for text, _ in rows])]
    return Measure(name, 100 * macro_f1(zip((truth for _, truth in rows), answers, strict=True), SENTIMENTS), len(rows))


def sentiment(data: Path, every: int = 1) -> list[Measure]:
    """Sentiment macro-F1 in per cent on three sets, the last per language; ``every`` n-th row."""
    general = [
        (_unescaped(row["text"]), SENTIMENTS[int(row["label"])])
        for row in _rows(data / "tweeteval_sentiment.csv.gz")
        if row["split"] == "val"
    ]
    airline = [(row["text"], row["sentiment"]) for row in _rows(data / "airline_tweets.csv.gz")]
    many = _rows(data / "umsab_sentiment8.csv.gz")
    found = [
        _sentiment("sentiment, general tweets (TweetEval, val)", general[::every]),
        _sentiment("sentiment, airline tweets", airline[::every]),
        _sentiment(
            "sentiment, 8 languages together (UMSAB)",
            [(row["text"], SENTIMENTS[int(row["label"])]) for row in many][::every],
        ),
    ]
    for language in sorted({row["lang"] for row in many}):
        rows = [(row["text"], SENTIMENTS[int(row["label"])]) for row in many if row["lang"] == language]
        found.append(_sentiment(f"sentiment, {language} (UMSAB)", rows[::every]))
    return found


def category(data: Path, every: int = 1) -> list[Measure]:
    """Category against the reasons of airline complaints: accuracy over all, and recall per reason, in per cent."""
    rows = [row for row in _rows(data / "airline_tweets.csv.gz") if row["negativereason"] in REASONS][::every]
    answers = [found.category for found in _annotations([row["text"] for row in rows])]
    pairs = [(row["negativereason"], answer) for row, answer in zip(rows, answers, strict=True)]
    right = sum(REASONS[reason] == answer for reason, answer in pairs)
    found = [Measure("category, airline complaints (proxy)", 100 * right / len(pairs), len(pairs))]
    for reason, wanted in REASONS.items():
        given = [answer for truth, answer in pairs if truth == reason]
        found.append(Measure(f"  {reason} as {wanted}", 100 * given.count(wanted) / max(len(given), 1), len(given)))
    return found


def needs(data: Path, every: int = 1) -> list[Measure]:
    """Actionable: share of customers' first messages to airlines kept, and of general tweets set aside, in per cent."""
    first = [row["first_utterance"] for row in _rows(data / "twcs_airline_dialogues.csv.gz")][:: every * 8]
    asked = [
        text.replace("<cust__", "").replace("__cust>", "").replace("__company__", "@brand").strip() for text in first
    ]
    chatter = [row["text"] for row in _rows(data / "tweeteval_sentiment.csv.gz") if row["split"] == "val"][::every]
    kept = sum(found.actionable for found in _annotations(asked))
    aside = sum(not found.actionable for found in _annotations(chatter))
    return [
        Measure("actionable, first messages to airlines kept", 100 * kept / len(asked), len(asked)),
        Measure("noise, general tweets set aside", 100 * aside / len(chatter), len(chatter)),
    ]


def language(data: Path, every: int = 1) -> list[Measure]:
    """Language: per cent right of those answered, and per cent answered at all, per set."""
    found = []
    rows = _rows(data / "langid_shorttext.csv.gz")
    for name in sorted({row["set"] for row in rows}):
        chosen = [row for row in rows if row["set"] == name][::every]
        answers = [given.language for given in _annotations([row["text"] for row in chosen])]
        answered = [(row["lang"], answer) for row, answer in zip(chosen, answers, strict=True) if answer]
        right = sum(truth == answer for truth, answer in answered)
        found.append(
            Measure(f"language right where given ({name})", 100 * right / max(len(answered), 1), len(answered))
        )
        found.append(Measure(f"language given ({name})", 100 * len(answered) / len(chosen), len(chosen)))
    return found


def speed(data: Path, rows: int = 20_000) -> list[Measure]:
    """Messages a second on one core in batches of 1, 64 and 1,024, real tweets, after a warm-up on other tweets."""
    texts = [row["text"] for row in _rows(data / "twcs_brand_tweets.csv.gz")]
    warm, timed = texts[: len(texts) // 3], texts[len(texts) // 3 :][:rows]
    annotate(warm)
    found = []
    for size, part in ((1, timed[: rows // 8]), (64, timed), (1024, timed)):
        began = time.perf_counter()
        for start in range(0, len(part), size):
            annotate(part[start : start + size])
        found.append(
            Measure(f"messages a second, batches of {size}", len(part) / (time.perf_counter() - began), len(part))
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    given = parser.parse_args(arguments)
    if not (given.data / "airline_tweets.csv.gz").is_file():
        parser.error(f"{given.data} does not hold the evaluation sets.")
    sys.stdout.write(f"model {model_name()}\n")
    parts: tuple[Callable[[Path], list[Measure]], ...] = (sentiment, category, needs, language, speed)
    for part in parts:
        for measure in part(given.data):
            sys.stdout.write(f"{measure.name:<58}{measure.value:>10,.1f}{measure.rows:>10,}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
