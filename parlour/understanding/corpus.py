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

from parlour.understanding import features, intents, labelling, lexicon
from parlour.understanding.heads import CATEGORIES, INTENTS, SENTIMENTS

OWN: Final = Path(__file__).parent / "data"
_TONES: Final = {"-": 0, "0": 1, "+": 2}
_URGENCIES: Final = (0.03, 0.3, 0.65, 0.95)

# Words that settle an intent where the other labels do not; only used on texts that training reads.
_CANCELS: Final = re.compile(r"\bcancel|\bclose my|\bterminate|kündig|stornier|résili|annul|\bbaja\b|disd[ie]|opzeg")
_ASKS: Final = re.compile(
    r"\b(?:please|pls|plz|can you|could you|i need|i want|i'd like|i would like|help me|send me|let me|bitte|könnt ihr"
    r"|ich brauche|ich möchte|svp|pouvez-vous|je veux|je voudrais|por favor|pueden|quiero|podem|quero|potete|vorrei|per favore"
    r"|kunnen jullie|ik wil|alsjeblieft)\b"
)
_WONDERS: Final = re.compile(
    r"(?:how|what|when|where|why|who|which|do|does|is|are|can i|wie|was|wann|wo|warum|wer|gibt es|comment|quand|où|est-ce"
    r"|cómo|cuándo|dónde|qué|como|quando|onde|qual|dove|quanto|hoe|wanneer|waar)\b"
)

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
    intent: int | None = None
    offensive: bool | None = None
    spam: bool | None = None
    weight: float = 1.0


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seeds(copies: int = 6) -> Iterator[Example]:
    """Our own sentences in seven languages, each in several dresses (greetings, endings, capitals), always the same ones."""
    dice = random.Random(7)
    for path in sorted(OWN.glob("seeds_??.txt")):
        language = path.stem[-2:]
        example = Example("")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                category, tone, urgency, actionable = line[2:].split()
                example = Example(
                    "", _TONES[tone], CATEGORIES.index(category), _URGENCIES[int(urgency)], actionable == "1"
                )
                continue
            known = replace(example, intent=_intent(line, example), offensive=False, spam=False)
            yield replace(known, text=line)
            for _ in range(copies - 1):
                yield replace(known, text=_dressed(line, example, language, dice))


def _dressed(line: str, example: Example, language: str, dice: random.Random) -> str:
    endings = _ENDINGS[1 if example.sentiment is None else example.sentiment]
    if not example.actionable:
        text = f"{line} {dice.choice(endings[:4])}".strip()
    else:
        ending = dice.choice(endings if language == "en" else endings[:6])
        text = f"{dice.choice(_OPENERS[language])} {line} {ending}".strip()
    return text.upper() if dice.random() < 0.05 else text


def _intent(text: str, known: Example) -> int | None:
    """What is wanted, as far as the other labels and the words settle it."""
    low = text.lower()
    if _CANCELS.search(low) and known.sentiment != 2:
        return None
    if known.sentiment == 0 and known.actionable:
        return INTENTS.index("complaint")
    if known.sentiment == 2:
        return INTENTS.index("praise") if not known.actionable else None
    if not known.actionable:
        return INTENTS.index("other")
    if _ASKS.search(low):
        return INTENTS.index("request")
    return INTENTS.index("question") if "?" in low or _WONDERS.match(low) else None


def wants(copies: int = 4) -> Iterator[Example]:
    """Our own sentences by intent; what they say of feeling goes without saying for two of them only."""
    dice = random.Random(11)
    tones = {"complaint": 0, "praise": 2, "question": 1, "purchase": 1, "request": 1}
    for (language, intent), line in _plain_seeds("intent"):
        actionable = None if intent == "other" else intent != "praise"
        example = Example(
            line,
            tones.get(intent),
            None,
            None,
            actionable,
            INTENTS.index(intent),
            offensive=False,
            spam=False,
            weight=0.7,
        )
        yield example
        for _ in range(copies - 1):
            text = _dressed(line, replace(example, actionable=bool(actionable)), language, dice)
            yield replace(example, text=text)


def insults(copies: int = 3) -> Iterator[Example]:
    """Our own sentences, offensive or merely angry."""
    dice = random.Random(13)
    for (language, label), line in _plain_seeds("offensive"):
        example = Example(line, 0 if label == "1" else None, actionable=True, offensive=label == "1", spam=False)
        yield example
        for _ in range(copies - 1):
            yield replace(example, text=_dressed(line, example, language, dice))


def advertising(copies: int = 3) -> Iterator[Example]:
    """Our own sentences, spam as it comes to brands, or talk about the same things."""
    dice = random.Random(17)
    for (language, label), line in _plain_seeds("spam"):
        spam = label == "1"
        example = Example(
            line,
            None,
            None,
            0.03 if spam else None,
            not spam,
            INTENTS.index("other") if spam else None,
            offensive=False,
            spam=spam,
        )
        yield example
        for _ in range(copies - 1):
            yield replace(example, text=_dressed(line, example, language, dice))


_SIGNS: Final = {
    0: ("", "", ".", "!", "!!!", " 😡"),
    1: ("", "", "", ".", "!"),
    2: ("", "", ".", "!", "!!", " 😊", " :)", " 👍"),
}
_SLOT: Final = re.compile(r"\{(\w+)\}")


def threads(copies: int = 6) -> Iterator[Example]:
    """Our own sentences as they come in the middle of a conversation, or from those who need nothing: answers, thanks, musings.

    ``{word}`` stands for one of the words of a line ``= word one|another`` of the file.
    """
    dice = random.Random(19)
    slots: dict[str, list[str]] = {}
    known = Example("")
    for line in (OWN / "seeds_thread.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            name, _, words = line[2:].partition(" ")
            slots[name] = words.split("|")
        elif line.startswith("# "):
            _, actionable, intent, tone = line[2:].split()
            known = Example(
                "",
                _TONES[tone],
                None,
                None,
                actionable == "1",
                INTENTS.index(intent),
                offensive=False,
                spam=False,
                weight=0.7,
            )
        else:
            for number in range(copies):
                text = _SLOT.sub(lambda slot: dice.choice(slots[slot[1]]), line)
                yield replace(known, text=_posted(text, known, dice) if number else text)


def _posted(text: str, known: Example, dice: random.Random) -> str:
    """A line as people post it: to somebody or to nobody, with or without a capital, a sign at the end."""
    if dice.random() < 0.5:
        text = text[:1].upper() + text[1:]
    if dice.random() < 0.6 and not text.startswith(("@", "rt ", "Rt ")):
        text = f"@brand {text}"
    ending = dice.choice(_SIGNS[1 if known.sentiment is None else known.sentiment])
    return f"{text}{ending}"


def _plain_seeds(name: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Lines of a seeds file whose headings name a language and a label."""
    heading = ("", "")
    for line in (OWN / f"seeds_{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            language, label = line[2:].split()
            heading = (language, label)
        else:
            yield heading, line


def care_dialogues(data: Path) -> Iterator[Example]:
    """IBM's customer-care conversations (Apache-2.0) with our own labels, which are kept by the message's number only."""
    with (OWN / "ibm_cdp_labels.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["tweet_id"]: row for row in csv.DictReader(file)}
    conversations: list[dict[str, Any]] = json.loads((data / "ibm_cdp_dev.json").read_text(encoding="utf-8"))
    for conversation in conversations:
        for turn in conversation["dialogContent"]:
            label = labels.pop(turn["tweet_ID"], None)
            if label:
                known = Example(
                    turn["message"].replace("&amp;", "&"),
                    SENTIMENTS.index(label["sentiment"]),
                    CATEGORIES.index(label["category"]),
                    _URGENCIES[int(label["urgency"])],
                    label["actionable"] == "1",
                    spam=False,
                    weight=4.0,
                )
                yield replace(known, intent=_intent(known.text, known))


def bank_questions(data: Path) -> Iterator[Example]:
    table = intents.meaning(intents.BANKING77)
    for row in _rows(data / "banking77.csv.gz"):
        category, urgency, complaint = table[row["category"]]
        known = Example(
            row["text"],
            0 if complaint else 1,
            CATEGORIES.index(category),
            _URGENCIES[urgency],
            True,
            offensive=False,
            spam=False,
            weight=0.3,
        )
        wanted = intents.WANTED.get(row["category"])
        yield replace(known, intent=INTENTS.index(wanted) if wanted else _intent(known.text, known))


def assistant_requests(data: Path) -> Iterator[Example]:
    table = intents.meaning(intents.CLINC150)
    for row in _rows(data / "clinc150.csv.gz"):
        text, name = row["text"], row["intent"]
        known = Example(text, 1, CATEGORIES.index("other"), 0.05, None, offensive=False, spam=False, weight=0.1)
        if name in table:
            category, urgency, complaint = table[name]
            known = replace(known, sentiment=0 if complaint else 1, category=CATEGORIES.index(category), weight=0.4)
            known = replace(known, urgency=_URGENCIES[urgency], actionable=True)
        elif name in intents.CHATTER:
            tone = 2 if name == "thank_you" else 1
            known = replace(known, sentiment=tone, urgency=0.0, actionable=False, weight=0.4)
        wanted = intents.WANTED.get(name)
        yield replace(known, intent=INTENTS.index(wanted) if wanted else _intent(text, replace(known, actionable=True)))


def short_messages(data: Path) -> Iterator[Example]:
    """Spam needs no answer; what friends write to each other neither, which is also how people talk past a brand."""
    for row in _rows(data / "sms_spam.csv.gz"):
        spam = row["label"] == "spam"
        text = row["text"].strip().strip('"')
        known = Example(text, None, CATEGORIES.index("other"), 0.05, False, spam=spam, weight=0.12)
        if spam:
            yield replace(known, intent=INTENTS.index("other"), weight=1.0)
            continue
        yield known
        # What friends write may be anything but spam: that one thing is learnt in full.
        yield Example(text, spam=False, weight=0.9)
        yield Example(text, intent=INTENTS.index("other"), weight=0.02)


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
            yield Example(text, label, spam=False, weight=0.25 if label == 1 else 0.4)


def felt_words(feeling: Mapping[str, int]) -> Iterator[Example]:
    """The lexicons as one-word examples: what a word means when nothing else is said."""
    for word, value in sorted(feeling.items()):
        if abs(value) >= 1:
            yield Example(word, 2 if value > 0 else 0, weight=0.06 * abs(value))
    for concept, label in (("bad", 0), ("good", 2), ("frown", 0), ("smile", 2)):
        for word in lexicon.CONCEPTS[concept]:
            yield Example(word.rstrip("*") if len(word) > 1 else word, label, weight=0.3)
    for concept in ("delivery", "billing", "account", "website", "technical", "product"):
        for word in lexicon.CONCEPTS[concept]:
            yield Example(word.rstrip("*"), category=CATEGORIES.index(concept), weight=0.15)
    for concept, offensive in (("insult", True), ("swear", True), ("good", False), ("bad", False)):
        for word in lexicon.CONCEPTS[concept]:
            yield Example(word.rstrip("*"), offensive=offensive, weight=0.3 if concept == "swear" else 0.5)


def load(data: Path, feeling: Mapping[str, int]) -> list[Example]:
    """Everything, in a fixed order, without the texts that are kept to measure actionable or noise."""
    held = labelling.held_back(data)
    found = [
        *seeds(),
        *wants(),
        *insults(),
        *advertising(),
        *threads(),
        *care_dialogues(data),
        *bank_questions(data),
        *assistant_requests(data),
        *short_messages(data),
        *everyday(data, feeling),
        *felt_words(feeling),
    ]
    return [
        replace(example, text=re.sub(r"\s+", " ", example.text))
        for example in found
        if labelling.likeness(example.text) not in held
    ]
