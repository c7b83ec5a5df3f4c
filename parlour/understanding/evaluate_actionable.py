"""Actionable or noise against the labels by hand: ``python -m parlour.understanding.evaluate_actionable --data ../shared/data``.

The guideline, and how the messages were drawn and labelled: docs/LABELLING.md.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from parlour.understanding import labelling, threads
from parlour.understanding.labelling import ACTIONABLE, NOISE, Message
from parlour.understanding.queries import annotate, model_name

TO_BRANDS: Final = ("spotify", "airline", "dialogues")
"""The sets of messages that customers really wrote to brands; the others are questions to a bank and strangers' talk."""

Known = Sequence[tuple[Message, str]]
"""Messages with their labels, as ``labelling.labelled`` gives them."""
Judge = Callable[[Sequence[str]], list[bool]]
"""Texts to answers, True for actionable."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well one part of the messages is told apart, in per cent; None where the part has none of that kind.

    ``support`` counts the messages labelled actionable and noise. Precision is the share of right ones among the answers,
    recall that among the labels, F1 their harmonic mean.
    """

    name: str
    support: tuple[int, int]
    accuracy: float
    actionable: tuple[float | None, float | None, float | None]
    noise: tuple[float | None, float | None, float | None]


def shipped(texts: Sequence[str]) -> list[bool]:
    """The answers of the shipped model, without any brand's corrections."""
    return [found.actionable for found in annotate(texts)]


def scores(known: Known, judge: Judge = shipped) -> list[Score]:
    """All messages, those to brands, and each set by itself."""
    answers = judge([message.text for message, _ in known])
    triples = [
        (message.set, label, ACTIONABLE if answer else NOISE)
        for (message, label), answer in zip(known, answers, strict=True)
    ]
    sets = tuple(dict.fromkeys(name for name, _, _ in triples))
    parts = {"all": sets, "written to brands": TO_BRANDS, **{name: (name,) for name in sets}}
    return [
        _score(part, [(label, answer) for name, label, answer in triples if name in chosen])
        for part, chosen in parts.items()
    ]


def _score(name: str, pairs: Sequence[tuple[str, str]]) -> Score:
    count = {kind: sum(label == kind for label, _ in pairs) for kind in (ACTIONABLE, NOISE)}
    right = sum(label == answer for label, answer in pairs)
    return Score(
        name,
        (count[ACTIONABLE], count[NOISE]),
        100 * right / len(pairs),
        _three(pairs, ACTIONABLE),
        _three(pairs, NOISE),
    )


def _three(pairs: Iterable[tuple[str, str]], kind: str) -> tuple[float | None, float | None, float | None]:
    listed = list(pairs)
    hits = sum(label == answer == kind for label, answer in listed)
    labels = sum(label == kind for label, _ in listed)
    answers = sum(answer == kind for _, answer in listed)
    if not labels:
        return None, None, None
    return 100 * hits / answers if answers else None, 100 * hits / labels, 200 * hits / (labels + answers)


HEADINGS: Final = (
    "messages",
    "actionable",
    "noise",
    "accuracy",
    "actionable: precision",
    "recall",
    "F1",
    "noise: precision",
    "recall",
    "F1",
)


def rows(known: Known, judge: Judge = shipped) -> list[tuple[str, ...]]:
    """``scores`` as cells of a table under ``HEADINGS``."""
    return [
        (
            one.name,
            *(f"{count:,}" for count in one.support),
            *("–" if value is None else f"{value:.1f}" for value in (one.accuracy, *one.actionable, *one.noise)),
        )
        for one in scores(known, judge)
    ]


def table(known: Known, judge: Judge = shipped) -> str:
    """``rows`` as Markdown, with its headings."""
    lines = [HEADINGS, ("---", *("---:" for _ in HEADINGS[1:])), *rows(known, judge)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


_SECTION: Final = """
## Actionable or noise, labelled by hand

{count:,} messages labelled one by one by the guideline in [LABELLING.md](LABELLING.md), which also says who labelled them and what that
is worth; `python -m parlour.understanding.evaluate_actionable --data ../shared/data`. None of them was trained on. In per cent; “written
to brands” are the sets {brands}. A second reading of {again} gave the same label to {equal:.0f} % (Cohen's kappa {kappa:.2f}).

"""


def section(data: Path) -> str:
    """The part of docs/ACCURACY.md about these labels."""
    known = labelling.labelled(data)
    equal, kappa, again = labelling.agreement(labelling.labels(), labelling.labels(labelling.AGAIN))
    said = _SECTION.format(count=len(known), brands=", ".join(TO_BRANDS), again=again, equal=100 * equal, kappa=kappa)
    return said + table(known) + _threads(data, known)


_BELOW: Final = """
The same in conversations: {count} of the messages of spotify answer words of the desk that the set holds too, and are read below them
(`threads.py`), as on the desk's road. The labels were given without them.

"""


def _threads(data: Path, known: Known) -> str:
    above = labelling.above(data, [message for message, _ in known])
    found = annotate([message.text for message, _ in known])
    answers = [
        threads.after(one, message.text, above.get(message.id, "") if message.set == "spotify" else "").actionable
        for one, (message, _) in zip(found, known, strict=True)
    ]
    lines = table(known, lambda _: answers).splitlines(keepends=True)
    shown = (*lines[:2], *(line for line in lines if line.startswith(("| written to brands", "| spotify"))))
    return _BELOW.format(count=len(above)) + "".join(shown)


def mistakes(known: Known, judge: Judge = shipped) -> list[tuple[Message, str]]:
    """What was answered otherwise than it is labelled, with its label."""
    answers = judge([message.text for message, _ in known])
    return [one for one, answer in zip(known, answers, strict=True) if answer != (one[1] == ACTIONABLE)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.evaluate_actionable", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--mistakes", action="store_true", help="the messages that are answered wrongly, to read")
    given = parser.parse_args(arguments)
    if absent := labelling.missing(given.data):
        parser.error(f"{given.data} does not hold {', '.join(absent)}.")
    if given.mistakes:
        for message, label in mistakes(labelling.labelled(given.data)):
            text = re.sub(r"\s+", " ", message.text)
            sys.stdout.write(f"{message.set}\t{message.id}\t{label}\t{text}\n")
    else:
        sys.stdout.write(f"Model {model_name()}\n{section(given.data)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
