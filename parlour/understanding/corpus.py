"""The labelled sentences the model learns from; only sets whose licence allows shipping what was learnt."""

import csv
import gzip
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from parlour.understanding import features, intents, lexicon
from parlour.understanding.heads import CATEGORIES, SENTIMENTS

OWN: Final = Path(__file__).parent / "data"
_TONES: Final = {"-": 0, "0": 1, "+": 2}
_URGENCIES: Final = (0.03, 0.3, 0.65, 0.95)

_OPENERS: Final = {
    "en": ("hi", "hello", "hey", "so", "@brand", "dear team", ""),
    "de": ("hallo", "hi", "liebes team", "moin", "@brand", ""),
    "fr": ("bonjour", "salut", "@brand", ""),
    "es": ("hola", "buenas", "@brand", ""),
    "pt": ("olá", "oi", "bom dia", "@brand", ""),
    "it": ("ciao", "salve", "buongiorno", "@brand", ""),
    "nl": ("hallo", "hoi", "goedemiddag", "@brand", ""),
}
_ENDINGS: Final = {
    0: ("", "!", "!!!", ".", "😡", ":(", "please help", "pls fix", "#fail", "???", "again"),
    1: ("", "?", "??", ".", "thanks", "please", ""),
    2: ("", "!", "!!", ".", "😊", ":)", "❤", "thanks", "👍"),
}


@dataclass(frozen=True, slots=True)
class Example:
    """One text with what is known of it; None means that this head learns nothing from it."""

    text: str
    sentiment: int | None = None
    category: int | None = None
    urgency: float | None = None
    actionable: bool | None = None
    weight: float = 1.0


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seeds(copies: int = 6) -> Iterator[Example]:
    """Our own sentences in seven languages, each in several dresses (greetings, endings, capitals), always the same ones."""
    dice = random.Random(7)
    for path in sorted(OWN.glob("seeds_*.txt")):
        language = path.stem[-2:]
        example = Example("")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                category, tone, urgency, actionable = line[2:].split()
                example = Example(
                    "", _TONES[tone], CATEGORIES.index(category), _URGENCIES[int(urgency)], actionable == "1", 1.0
                )
                continue
            yield replace(example, text=line)
            for _ in range(copies - 1):
                endings = _ENDINGS[1 if example.sentiment is None else example.sentiment]
                opener = dice.choice(_OPENERS[language]) if example.actionable else ""
                ending = (
                    dice.choice(endings[:6] if language != "en" else endings)
                    if example.actionable
                    else dice.choice(endings[:4])
                )
                text = f"{opener} {line} {ending}".strip()
                yield replace(example, text=text.upper() if dice.random() < 0.05 else text)


def care_dialogues(data: Path) -> Iterator[Example]:
    """IBM's customer-care conversations (Apache-2.0) with our own labels, which are kept by the message's number only."""
    with (OWN / "ibm_cdp_labels.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["tweet_id"]: row for row in csv.DictReader(file)}
    conversations: list[dict[str, Any]] = json.loads((data / "ibm_cdp_dev.json").read_text(encoding="utf-8"))
    for conversation in conversations:
        for turn in conversation["dialogContent"]:
            label = labels.pop(turn["tweet_ID"], None)
            if label:
                yield Example(
                    turn["message"].replace("&amp;", "&"),
                    SENTIMENTS.index(label["sentiment"]),
                    CATEGORIES.index(label["category"]),
                    _URGENCIES[int(label["urgency"])],
                    label["actionable"] == "1",
                    4.0,
                )


def bank_questions(data: Path) -> Iterator[Example]:
    table = intents.meaning(intents.BANKING77)
    for row in _rows(data / "banking77.csv.gz"):
        known = table.get(row["category"])
        if known:
            category, urgency, complaint = known
            yield Example(
                row["text"], 0 if complaint else 1, CATEGORIES.index(category), _URGENCIES[urgency], True, 0.3
            )


def assistant_requests(data: Path) -> Iterator[Example]:
    table = intents.meaning(intents.CLINC150)
    for row in _rows(data / "clinc150.csv.gz"):
        known = table.get(row["intent"])
        if known:
            category, urgency, complaint = known
            yield Example(
                row["text"], 0 if complaint else 1, CATEGORIES.index(category), _URGENCIES[urgency], True, 0.4
            )
        elif row["intent"] in intents.CHATTER:
            tone = 2 if row["intent"] == "thank_you" else 1
            yield Example(row["text"], tone, CATEGORIES.index("other"), 0.0, False, 0.4)
        else:
            yield Example(row["text"], 1, CATEGORIES.index("other"), 0.05, None, 0.1)


def short_messages(data: Path) -> Iterator[Example]:
    """Spam needs no answer; what friends write to each other neither, which is also how people talk past a brand."""
    for row in _rows(data / "sms_spam.csv.gz"):
        spam = row["label"] == "spam"
        text = row["text"].strip().strip('"')
        yield Example(text, None, CATEGORIES.index("other"), 0.05, False, 1.0 if spam else 0.12)


def leaning(text: str, feeling: Mapping[str, int], concepts: lexicon.Concepts) -> float:
    """What the words of feeling add up to, turned round after a negation; a rough label for texts that have none."""
    total, reach = 0.0, 0
    for word in features.tokens(text):
        if word in lexicon.NEGATORS:
            reach = 4
        elif word in lexicon.BREAKS or word[:1] in {".", ",", ";", "!", "?"}:
            reach = 0
        known = concepts.get(word, ())
        value = feeling.get(word) or 2.0 * (
            ("good" in known or "smile" in known) - ("bad" in known or "frown" in known)
        )
        total += -0.7 * value if reach else value
        reach -= reach > 0
    return total


def everyday(data: Path, feeling: Mapping[str, int]) -> Iterator[Example]:
    """Unlabelled short texts (language-identification set and text messages), labelled by the sum of their felt words."""
    whole, _ = lexicon.table()
    texts = [row["text"] for row in _rows(data / "langid_shorttext.csv.gz") if row["set"] == "eld_tweets6"]
    texts += [row["text"] for row in _rows(data / "sms_spam.csv.gz") if row["label"] == "ham"]
    for text in texts:
        value = leaning(text, feeling, whole)
        label = 2 if value >= 2 else 0 if value <= -2 else 1 if abs(value) < 1 else None
        if label is not None:
            yield Example(text, label, weight=0.25 if label == 1 else 0.4)


def felt_words(feeling: Mapping[str, int]) -> Iterator[Example]:
    """The lexicons as one-word examples: what a word means when nothing else is said."""
    for word, value in sorted(feeling.items()):
        if abs(value) >= 1:
            yield Example(word, 2 if value > 0 else 0, None, None, None, 0.06 * abs(value))
    for concept, label in (("bad", 0), ("good", 2), ("frown", 0), ("smile", 2)):
        for word in lexicon.CONCEPTS[concept]:
            yield Example(word.rstrip("*") if len(word) > 1 else word, label, None, None, None, 0.3)
    for concept in ("delivery", "billing", "account", "website", "technical", "product"):
        for word in lexicon.CONCEPTS[concept]:
            yield Example(word.rstrip("*"), None, CATEGORIES.index(concept), None, None, 0.15)


def load(data: Path, feeling: Mapping[str, int]) -> list[Example]:
    """Everything, in a fixed order."""
    found = [
        *seeds(),
        *care_dialogues(data),
        *bank_questions(data),
        *assistant_requests(data),
        *short_messages(data),
        *everyday(data, feeling),
        *felt_words(feeling),
    ]
    return [replace(example, text=re.sub(r"\s+", " ", example.text)) for example in found]
