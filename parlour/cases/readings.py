"""What a message was taken for and why, in words: for the page of one message and the head of its case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from parlour.cases.access import get_message
from parlour.cases.corrections import brand_of, value_of
from parlour.cases.models import Case, Direction, Message
from parlour.staff.access import Actor
from parlour.staff.models import Agent
from parlour.understanding import categories, own
from parlour.understanding.actions import LANGUAGE_MODEL
from parlour.understanding.categories import Tree
from parlour.understanding.heads import INTENT_NAMES, INTENTS, SENTIMENTS
from parlour.understanding.models import Correction
from parlour.understanding.own import Reason
from parlour.understanding.queries import Annotation

LABELS: Final[dict[str, dict[str, str]]] = {
    "sentiment": {one: one.capitalize() for one in SENTIMENTS},
    "intent": dict(INTENT_NAMES),
    "actionable": {"true": "Needs an answer", "false": "Needs none"},
    "urgency": {"true": "Urgent", "false": "Not urgent"},
    "offensive": {"true": "Offensive", "false": "Not offensive"},
    "spam": {"true": "Spam", "false": "No spam"},
}
NAMES: Final = {
    "category": "Category",
    "sentiment": "Mood",
    "intent": "Wants",
    "actionable": "Answer",
    "urgency": "Urgency",
    "offensive": "Tone",
    "spam": "Spam",
    "language": "Language",
}
SNIPPET: Final = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a message: its ``value``, in ``words``; ``why`` in a sentence; ``choices`` it can be corrected to. ``open``: the
    language model said it, and nobody has confirmed it yet."""

    field: str
    name: str
    value: str
    words: str
    why: str
    choices: tuple[tuple[str, str], ...]
    open: bool = False


def get(actor: Actor, message_id: int) -> Message:
    """A customer's message. Raises Denied or Message.DoesNotExist."""
    message = get_message(actor, message_id)
    if message.direction != Direction.IN:
        raise Message.DoesNotExist
    return message


def choices(brand_id: int | None, field: str) -> list[tuple[str, str]]:
    """What a field can be, with its words."""
    if field == "category":
        return categories.tree(brand_id).options() if brand_id is not None else categories.SHIPPED.options()
    if field == "intent":
        return [(one, INTENT_NAMES[one]) for one in INTENTS]
    return list(LABELS.get(field, {}).items())


def label(tree: Tree, field: str, value: str) -> str:
    """A value in words."""
    return tree.name(value) if field == "category" else LABELS.get(field, {}).get(value, value)


def by_words(by: str) -> str:
    """Who made a correction, as people call them."""
    kind, _, number = by.partition(":")
    if kind == "agent" and number.isdigit():
        return Agent.objects.filter(pk=int(number)).values_list("name", flat=True).first() or "a former colleague"
    return {"token": "the API", "llm": "the language model"}.get(kind, "the desk")


def of(message: Message) -> list[Line]:
    """Everything a message was taken for."""
    brand_id = brand_of(message)
    tree = categories.tree(brand_id) if brand_id is not None else categories.SHIPPED
    now, reasons = own.explain(message.text, brand_id)
    told = {one.field: one for one in Correction.objects.filter(message_id=message.pk, undone_at=None).order_by("id")}
    lines = []
    for field, name in NAMES.items():
        value = value_of(message, field)
        why = _why(message, field, value, told.get(field), reasons.get(field), _value_now(now, field))
        last = told.get(field)
        open_ = last is not None and last.by == LANGUAGE_MODEL and last.now == value
        lines.append(Line(field, name, value, label(tree, field, value), why, tuple(choices(brand_id, field)), open_))
    return lines


def _value_now(now: Annotation, field: str) -> str:
    value = getattr(now, field)
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value >= 0.5).lower()


def _why(message: Message, field: str, value: str, told: Correction | None, reason: Reason | None, now: str) -> str:
    if told is not None and told.by == LANGUAGE_MODEL and told.now == value:
        return _second_opinion(message, field, told)
    if told is not None and own.label_of(field, told.now) == value:
        said = "Confirmed" if told.was == told.now else "Set"
        return f"{said} by {by_words(told.by)} on {told.at:%-d %b}."
    because = message.confidence.get("because", {}).get(field) if isinstance(message.confidence, dict) else None
    if because and (found := Correction.objects.filter(pk=because).first()):
        words = f"Because of a correction of {found.at:%-d %b} by {by_words(found.by)}: “{_cut(found.text)}”."
        return words if found.undone_at is None else words + " It has been taken back since."
    if reason is None:
        return ""
    if value != now:
        return "Read so when it came; the desk has learnt since and would read it otherwise now."
    if reason.like is not None and not reason.like.judged.id:
        return f"Because of an example of this category: “{_cut(reason.like.judged.text)}”."
    if value == "false" and field in ("urgency", "offensive", "spam"):
        return "Nothing in its words speaks strongly for it."
    carried = ", ".join(f"“{word}”" for word in reason.words)
    # A probability far from 1 is worth saying: it is why a person should look.
    sure = message.confidence.get(field) if isinstance(message.confidence, dict) else None
    doubt = f" {sure:.0%} sure." if isinstance(sure, float) else ""
    return (f"Because of {carried}." if carried else "No single word settled it.") + doubt


def _second_opinion(message: Message, field: str, told: Correction) -> str:
    """What the language model said, beside what the desk had read itself."""
    sure = message.confidence.get(field) if isinstance(message.confidence, dict) else None
    doubt = f"{sure:.0%} sure" if isinstance(sure, float) else "unsure"
    brand_id = brand_of(message)
    tree = categories.tree(brand_id) if brand_id is not None else categories.SHIPPED
    own_words = label(tree, field, told.was).strip() or "nothing"
    same = "our own reading was the same" if told.was == told.now else f"our own reading was “{own_words}”"
    return f"The language model said so on {told.at:%-d %b}; {same}, {doubt}. Nothing is learnt from it unless you confirm it."


def _cut(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SNIPPET else plain[: SNIPPET - 1].rstrip() + "…"


def why_category(case: Case) -> str:
    """Why a case has its category, in a sentence; empty where there is nothing to say."""
    if case.category_by == LANGUAGE_MODEL:
        return "The language model said so: our own reading was unsure."
    if case.category_by.startswith(("agent:", "token:")):
        return f"Set by {by_words(case.category_by)}."
    if case.category_by != "model":
        return "Set by a rule."
    rows = Message.objects.filter(case_id=case.pk, direction=Direction.IN, category=case.category)
    first = rows.order_by("sent_at", "id").first()
    if first is None or not first.sentiment:
        return ""
    now, reasons = own.explain(first.text, case.brand_id)
    return _why(first, "category", case.category, None, reasons.get("category"), now.category)
