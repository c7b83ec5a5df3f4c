"""Intents against labels by hand: ``python -m parlour.understanding.evaluate_intents --data ../shared/data``.

The guideline, and how the messages were drawn and labelled: docs/LABELLING.md. ``--read`` prints the sample without its labels,
``--mistakes`` what is answered otherwise than labelled.
"""

import argparse
import csv
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from parlour.understanding import labelling
from parlour.understanding.heads import INTENTS
from parlour.understanding.labelling import Message
from parlour.understanding.queries import annotate, model_name

EVENLY: Final = "evenly"
SIZES: Final = {"spotify": 75, "airline": 75, "dialogues": 50, "banking77": 20}
# Who leaves or wants to buy is rare: so many more are drawn from the messages that hold such a word, whatever they turn out to mean.
BY_WORD: Final = 25
WORDS: Final = {
    "cancellation": r"\bcancel(?:l?ing)? (?:my|our|the|this)|unsubscri|\bclose my|delete my account|switching to"
    r"|\bleaving (?:you|spotify)|\bquit\b|\bdone with\b",
    "purchase": r"\b(?:buy|purchase|upgrade|subscribe|sign up|how much|book a|booking a|price of|student discount|family plan"
    r"|pre-?order)\b",
}
TO_BRANDS: Final = ("spotify", "airline", "dialogues")

Judge = Callable[[Sequence[str]], list[str]]
"""Texts to intents."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well one intent is told from the others, in per cent. ``support`` counts the messages labelled with it."""

    intent: str
    support: int
    precision: float | None
    recall: float | None
    f1: float


def draw(data: Path) -> list[Message]:
    """The sample, the same for the same files: no text twice, none of those labelled as actionable or noise."""
    seen = {labelling.same(one.text) for one, _ in labelling.labelled(data)}
    found: list[Message] = []
    for name, size in SIZES.items():
        found += _drawn(list(labelling.messages(data, name)), name, size, seen)
    for kind, pattern in WORDS.items():
        wanted = re.compile(pattern, re.IGNORECASE)
        told = [one for name in TO_BRANDS for one in labelling.messages(data, name) if wanted.search(one.text)]
        found += [replace(one, group=kind) for one in _drawn(told, kind, BY_WORD, seen)]
    return found


def _drawn(listed: list[Message], name: str, size: int, seen: set[str]) -> list[Message]:
    random.Random(f"{labelling.SEED} intent {name}").shuffle(listed)
    found: list[Message] = []
    for message in listed:
        text = labelling.same(message.text)
        if text and text not in seen:
            seen.add(text)
            found.append(message)
            if len(found) == size:
                break
    return found


def labels() -> dict[tuple[str, str], tuple[str, str]]:
    """(set, id) -> how it was drawn and its intent, in the order of the file."""
    with labelling.INTENTS.open(encoding="utf-8", newline="") as file:
        return {(row["set"], row["id"]): (row["drawn"], row["label"]) for row in csv.DictReader(file)}


def labelled(data: Path) -> list[tuple[Message, str]]:
    """The messages with their intents; ``group`` says how each was drawn. Raises KeyError when one is not in the data."""
    given = labels()
    texts = labelling.texts(data, given, dict.fromkeys(name for name, _ in given))
    return [(replace(texts[key], group=drawn), label) for key, (drawn, label) in given.items()]


def shipped(texts: Sequence[str]) -> list[str]:
    """The answers of the shipped model."""
    return [found.intent for found in annotate(texts)]


def scores(pairs: Sequence[tuple[str, str]]) -> list[Score]:
    """Per intent, from (label, answer)."""
    found = []
    for intent in INTENTS:
        support = sum(label == intent for label, _ in pairs)
        given = sum(answer == intent for _, answer in pairs)
        hits = sum(label == answer == intent for label, answer in pairs)
        found.append(
            Score(
                intent,
                support,
                100 * hits / given if given else None,
                100 * hits / support if support else None,
                200 * hits / (support + given) if support + given else 0.0,
            )
        )
    return found


_SECTION: Final = """
## Intent, labelled by hand

{count} messages labelled one by one by the guideline in [LABELLING.md](LABELLING.md), which says who labelled them and what that is
worth; `python -m parlour.understanding.evaluate_intents --data ../shared/data`. None of them was trained on. Right: {right:.1f} % of all,
{even:.1f} % of the {evenly} drawn evenly (always answering *complaint* would give {most:.1f} and {most_even:.1f}); macro-F1
{macro:.1f}. In per cent; where there are fewer than 20 messages, a line says little.

| intent | messages | precision | recall | F1 |
|---|---:|---:|---:|---:|
"""


def section(data: Path, judge: Judge = shipped) -> str:
    """The part of docs/ACCURACY.md about these labels."""
    known = labelled(data)
    answers = judge([message.text for message, _ in known])
    pairs = [(label, answer) for (_, label), answer in zip(known, answers, strict=True)]
    even = [pair for (message, _), pair in zip(known, pairs, strict=True) if message.group == EVENLY]
    listed = scores(pairs)
    page = _SECTION.format(
        count=len(pairs),
        evenly=len(even),
        right=_share(pairs),
        even=_share(even),
        most=_share([(label, "complaint") for label, _ in pairs]),
        most_even=_share([(label, "complaint") for label, _ in even]),
        macro=sum(one.f1 for one in listed) / len(listed),
    )
    for one in listed:
        cells = ("–" if value is None else f"{value:.1f}" for value in (one.precision, one.recall, one.f1))
        page += f"| {one.intent} | {one.support} | {' | '.join(cells)} |\n"
    return page


def _share(pairs: Sequence[tuple[str, str]]) -> float:
    return 100 * sum(label == answer for label, answer in pairs) / len(pairs)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.evaluate_intents", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--read", action="store_true", help="the sample without its labels, to read")
    parser.add_argument("--mistakes", action="store_true", help="the messages that are answered wrongly, to read")
    given = parser.parse_args(arguments)
    if absent := labelling.missing(given.data):
        parser.error(f"{given.data} does not hold {', '.join(absent)}.")
    if given.read:
        for message in draw(given.data):
            sys.stdout.write(f"{message.set}\t{message.id}\t{labelling.one_line(message.text)}\n")
    elif given.mistakes:
        known = labelled(given.data)
        for (message, label), answer in zip(known, shipped([one.text for one, _ in known]), strict=True):
            if label != answer:
                sys.stdout.write(
                    f"{message.set}\t{message.id}\t{label}\t{answer}\t{labelling.one_line(message.text)}\n"
                )
    else:
        sys.stdout.write(f"Model {model_name()}\n{section(given.data)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
