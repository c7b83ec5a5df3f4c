"""The messages labelled by hand as actionable or noise (docs/LABELLING.md): how they were drawn, and their texts by id.

Only ids and labels are kept; the texts are those of the data sets. ``python -m parlour.understanding.labelling --data
../shared/data`` prints the sample to read, with ``--again`` those of the second reading in another order.
"""

import argparse
import csv
import gzip
import html
import random
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

SEED: Final = 20261122
LABELS: Final = Path(__file__).parent / "data" / "actionable_labels.csv"
AGAIN: Final = Path(__file__).parent / "data" / "actionable_labels_again.csv"
"""The second reading of ``AGAIN_SHARE`` of the sample, made later without looking at the first."""
AGAIN_SHARE: Final = 0.15
INTENTS: Final = LABELS.with_name("intent_labels.csv")
"""Other messages of the same sets, labelled with what their writers want (``evaluate_intents``)."""
ACTIONABLE: Final = "actionable"
NOISE: Final = "noise"

# How many of each set, customers' messages to brands first.
SIZES: Final[dict[str, int]] = {
    "spotify": 230,
    "airline": 270,
    "dialogues": 120,
    "umsab": 80,
    "tweeteval": 40,
    "sms": 30,
    "banking77": 20,
}
_FILES: Final = {
    "spotify": "twcs_brand_tweets.csv.gz",
    "airline": "airline_tweets.csv.gz",
    "dialogues": "twcs_airline_dialogues.csv.gz",
    "umsab": "umsab_sentiment8.csv.gz",
    "tweeteval": "tweeteval_sentiment.csv.gz",
    "sms": "sms_spam.csv.gz",
    "banking77": "banking77.csv.gz",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one set. ``id`` is the platform's number, the set's own row number, or else the row counted from 0."""

    set: str
    id: str
    text: str
    group: str = ""
    """Messages are drawn in equal parts from the groups of a set: its languages, or just one."""


def missing(data: Path) -> list[str]:
    """The files the labelled messages come from that the folder does not hold."""
    return [name for name in _FILES.values() if not (data / name).is_file()]


def same(text: str) -> str:
    """The text as it is compared with others: two texts are the same whatever their capitals, spaces and quotation marks."""
    return re.sub(r"\s+", " ", text.replace('"', " ")).strip().casefold()


def likeness(text: str) -> str:
    """What must not be alike in a labelled text and one that is trained on: the letters and digits, or of few of them all signs."""
    letters = re.sub(r"[\W_]", "", text).casefold()
    return letters if len(letters) >= 12 else same(text)


def one_line(text: str) -> str:
    """The text without its line breaks, to be printed."""
    return re.sub(r"\s+", " ", text)


@lru_cache(maxsize=16)
def messages(data: Path, name: str) -> tuple[Message, ...]:
    """All messages of one set that may be drawn, as a desk would show them; read once."""
    return tuple(_messages(data, name))


def _messages(data: Path, name: str) -> Iterator[Message]:
    with gzip.open(data / _FILES[name], "rt", encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            match name:
                case "spotify":
                    if row["inbound"] == "True":
                        yield Message(name, row["tweet_id"].removesuffix(".0"), html.unescape(row["text"]))
                case "airline":
                    yield Message(name, row["row"], html.unescape(row["text"]))
                case "dialogues":
                    yield Message(name, str(number), _unmasked(row["first_utterance"]))
                case "umsab":
                    yield Message(name, str(number), html.unescape(_unescaped(row["text"])), row["lang"])
                case "tweeteval":
                    yield Message(name, str(number), html.unescape(_unescaped(row["text"])))
                case _:
                    yield Message(name, str(number), row["text"].strip())


def _unmasked(text: str) -> str:
    text = text.replace("<cust__", "").replace("__cust>", "").replace("__company__", "@brand")
    return html.unescape(text.replace("__cust__", "@user")).strip()


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def draw(data: Path, sizes: Mapping[str, int] = SIZES) -> list[Message]:
    """The sample: the same for the same files, no text twice."""
    seen: set[str] = set()
    found: list[Message] = []
    for name, size in sizes.items():
        groups: dict[str, list[Message]] = {}
        for message in messages(data, name):
            groups.setdefault(message.group, []).append(message)
        for group in sorted(groups):
            random.Random(f"{SEED} {name} {group}").shuffle(groups[group])
            wanted = size // len(groups)
            for message in groups[group]:
                text = same(message.text)
                if text and text not in seen:
                    seen.add(text)
                    found.append(message)
                    wanted -= 1
                if not wanted:
                    break
    return found


def draw_again(sample: Sequence[Message]) -> list[Message]:
    """The part of the sample that was read a second time, in another order."""
    return random.Random(f"{SEED} again").sample(sample, round(AGAIN_SHARE * len(sample)))


def labels(path: Path = LABELS) -> dict[tuple[str, str], str]:
    """(set, id) -> its label (actionable or noise), in the order of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["set"], row["id"]): row["label"] for row in csv.DictReader(file)}


def labelled(data: Path) -> list[tuple[Message, str]]:
    """The labelled messages with their texts. Raises KeyError when one is not in the data."""
    given = labels()
    known = texts(data, given, dict.fromkeys(name for name, _ in given))
    return [(known[key], label) for key, label in given.items()]


def held_back(data: Path) -> frozenset[str]:
    """The labelled texts as ``likeness`` writes them, of the files that are there: nothing is ever trained on one of these."""
    absent = missing(data)
    there = [name for name, file in _FILES.items() if file not in absent]
    kept = labels().keys() | labels(INTENTS).keys()
    return frozenset(likeness(one.text) for one in texts(data, kept, there).values())


def texts(data: Path, wanted: Collection[tuple[str, str]], sets: Iterable[str]) -> dict[tuple[str, str], Message]:
    """The wanted messages, by set and id, of the given sets."""
    return {(one.set, one.id): one for name in sets for one in messages(data, name) if (one.set, one.id) in wanted}


def above(data: Path, those: Iterable[Message]) -> dict[str, str]:
    """By the id of a message of spotify: the desk's words that it answers, where the set holds them."""
    ids = {one.id for one in those if one.set == "spotify"}
    with gzip.open(data / _FILES["spotify"], "rt", encoding="utf-8", newline="") as file:
        rows = {row["tweet_id"].removesuffix(".0"): row for row in csv.DictReader(file)}
    answered = {number: rows.get(rows[number]["in_response_to_tweet_id"].removesuffix(".0")) for number in ids}
    return {number: html.unescape(row["text"]) for number, row in answered.items() if row and row["inbound"] != "True"}


def agreement(first: Mapping[tuple[str, str], str], second: Mapping[tuple[str, str], str]) -> tuple[float, float, int]:
    """Share of equal labels, Cohen's kappa, and how many messages both readings have."""
    both = [(first[key], second[key]) for key in second if key in first]
    equal = sum(a == b for a, b in both) / len(both)
    chance = (
        sum(sum(a == label for a, _ in both) * sum(b == label for _, b in both) for label in (ACTIONABLE, NOISE))
        / len(both) ** 2
    )
    return equal, (equal - chance) / (1 - chance) if chance < 1 else 1.0, len(both)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.labelling", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--again", action="store_true", help="the part that is read a second time")
    given = parser.parse_args(arguments)
    if absent := missing(given.data):
        parser.error(f"{given.data} does not hold {', '.join(absent)}.")
    for message in draw_again(draw(given.data)) if given.again else draw(given.data):
        sys.stdout.write(f"{message.set}\t{message.id}\t{one_line(message.text)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
