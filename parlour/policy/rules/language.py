"""What a rule can say: its triggers, conditions and actions, read from data and written back. Pure.

    {"name": "Refunds", "when": {"event": "message"},
     "if": {"all": [{"what": "message.text", "is": "contains", "value": ["refund"]}]},
     "then": [{"do": "team", "value": "Billing"}]}

``docs/RULES.md`` lists every part. What is not listed is refused, never overlooked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from parlour.cases.access import Invalid
from parlour.cases.models import Level, Purpose, Status
from parlour.lib.text import one_line, storable
from parlour.understanding.queries import INTENT_NAMES, SENTIMENTS

NAME_LIMIT, VALUE_LIMIT, TEXT_LIMIT = 80, 200, 4000
LARGEST_NUMBER = 10**12
MOST_VALUES, MOST_LEAVES, MOST_ACTS, DEEPEST = 100, 60, 12, 5
VARIABLES = {
    "name": "the customer's name",
    "first_name": "its first word",
    "case": "the case's number",
    "brand": "the brand's name",
}


@dataclass(frozen=True, slots=True)
class Trigger:
    """``unit`` names the number it needs, with its least and greatest value."""

    label: str
    words: str
    unit: str = ""
    least: int = 0
    most: int = 0


TRIGGERS: dict[str, Trigger] = {
    "message": Trigger("A message comes in", "a message comes in"),
    "opened": Trigger("A case is opened", "a case is opened"),
    "reopened": Trigger("A case is opened again", "a case is opened again"),
    "resolved": Trigger("A case is resolved", "a case is resolved"),
    "assigned": Trigger("A case is given to an agent", "a case is given to an agent"),
    "warned": Trigger("A promise is about to break", "a promised time is about to pass"),
    "breached": Trigger("A promise is broken", "a promised time has passed"),
    "unanswered": Trigger("Nobody answered for some minutes", "nobody answered for {} minutes", "minutes", 1, 100_000),
    "silent": Trigger("The customer is silent for some hours", "the customer is silent for {} hours", "hours", 1, 2000),
}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Something a condition can ask about. ``choices`` are fixed, or the name of a list in ``choices.py``."""

    label: str
    kind: str
    subject: str
    choices: Pairs | str = ()
    unit: str = ""


def _named(names: Mapping[str, str]) -> Pairs:
    return tuple(names.items())


def _plain(values: tuple[str, ...]) -> Pairs:
    return tuple((value, value.capitalize()) for value in values)


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FIELDS: dict[str, Field] = {
    "message.text": Field("Message: text", "text", "it"),
    "message.sentiment": Field("Message: tone", "choice", "the tone", _plain(SENTIMENTS)),
    "message.intent": Field("Message: intent", "choice", "the intent", _named(INTENT_NAMES)),
    "message.category": Field("Message: category", "choice", "what it is about", "categories"),
    "message.language": Field("Message: language", "words", "the language"),
    "message.visibility": Field("Message: public or private", "choice", "it", _plain(("public", "private"))),
    "message.channel": Field("Message: channel", "choice", "the channel", "channels"),
    "message.files": Field("Message: has files", "yes", "it has files"),
    "message.offensive": Field("Message: is offensive", "yes", "it is offensive"),
    "message.spam": Field("Message: looks like spam", "yes", "it looks like spam"),
    "message.actionable": Field("Message: needs an answer", "yes", "it needs an answer"),
    "message.held": Field("Message: held by moderation", "yes", "moderation holds it"),
    "case.category": Field("Case: category", "choice", "the case's category", "categories"),
    "case.priority": Field("Case: priority score", "number", "the priority score", unit="of 100"),
    "case.level": Field("Case: priority set", "choice", "the priority set", (*Level.choices, ("none", "None"))),
    "case.team": Field("Case: team", "choice", "the team", "teams"),
    "case.assignee": Field("Case: agent", "choice", "the agent", "agents"),
    "case.tags": Field("Case: tags", "words", "a tag"),
    "case.purpose": Field("Case: purpose", "choice", "the purpose", tuple(Purpose.choices)),
    "case.status": Field("Case: status", "choice", "the case", tuple(Status.choices)),
    "case.waiting": Field("Case: waiting time", "number", "the waiting time", unit="minutes"),
    "case.reopened": Field("Case: times opened again", "number", "times opened again"),
    "case.actionable": Field("Case: needs an answer", "yes", "the case needs an answer"),
    "customer.vip": Field("Customer: VIP", "yes", "the customer is a VIP"),
    "customer.followers": Field("Customer: followers", "number", "the number of followers"),
    "customer.language": Field("Customer: language", "words", "the customer's language"),
    "customer.known": Field("Customer: wrote before", "yes", "the customer had a case before"),
    "customer.fact": Field("Customer: noted by their account", "words", "a noted fact"),
    "inbox": Field("Inbox", "choice", "the inbox", "inboxes"),
    "brand": Field("Brand", "choice", "the brand", "brands"),
    "time.weekday": Field("Time: day of the week", "choice", "the day", tuple(zip(DAYS, DAY_NAMES, strict=True))),
    "time.hours": Field("Time: between hours", "hours", "the time"),
}

WAYS: dict[str, Pairs] = {
    "text": (
        ("contains", "contains any of"),
        ("lacks", "contains none of"),
        ("word", "has the whole word"),
        ("pattern", "matches the pattern"),
    ),
    "choice": (("is", "is any of"), ("not", "is none of")),
    "words": (("is", "is any of"), ("not", "is none of")),
    "yes": (("is", "is"),),
    "number": (("least", "is at least"), ("most", "is at most")),
    "hours": (("between", "is between"), ("outside", "is not between")),
}
"""Kind of field -> how it can be asked about."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a rule can do. ``kind``: ``choice``, ``words``, ``text`` (with variables) or empty."""

    label: str
    kind: str = ""
    choices: Pairs | str = ()
    optional: bool = False


SAME = "same"
VISIBILITIES: Pairs = (
    (SAME, "where the customer wrote"),
    ("public", "in public"),
    ("private", "in private"),
)
DEEDS: dict[str, Deed] = {
    "category": Deed("Set the category", "choice", "categories"),
    "purpose": Deed("Set the purpose", "choice", tuple(Purpose.choices)),
    "team": Deed("Hand to the team", "choice", "teams"),
    "assignee": Deed("Give to the agent", "choice", "agents"),
    "level": Deed("Set the priority", "choice", tuple(Level.choices)),
    "add_tags": Deed("Add tags", "words"),
    "remove_tags": Deed("Take away tags", "words"),
    "noise": Deed("Mark as noise"),
    "needs_answer": Deed("Mark as needing an answer"),
    "note": Deed("Add a note", "text"),
    "reply": Deed("Send an answer", "text"),
    "escalate": Deed("Escalate to a team lead", "text", optional=True),
    "hide": Deed("Hide the message on the platform"),
    "resolve": Deed("Resolve the case"),
    "stop": Deed("Ask no further rules"),
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. ``value``: texts, or a number, a bool, or two times; ``zone`` for what asks about time."""

    what: str
    how: str
    value: tuple[str, ...] | float | bool
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Group:
    """``all`` of its parts hold, ``any`` does, or none (``not``)."""

    kind: str
    parts: tuple[Group | Leaf, ...]


@dataclass(frozen=True, slots=True)
class Act:
    do: str
    value: tuple[str, ...] = ()
    visibility: str = SAME


@dataclass(frozen=True, slots=True)
class Spec:
    """A rule as it is understood. ``number`` is the trigger's minutes or hours, 0 where it needs none."""

    name: str
    event: str
    number: int
    zone: str
    condition: Group
    acts: tuple[Act, ...]
    overwrite: bool


@cache
def zones() -> frozenset[str]:
    """The names of all time zones; they are files, which are read once."""
    return frozenset(available_timezones())


def _shown(value: object) -> str:
    return one_line(str(value), 60)


def _object(value: object, where: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{where} must be an object, not {_shown(value)!r}.")
    if unknown := next((key for key in value if key not in known), None):
        raise Invalid(f"{where} has no part {_shown(unknown)!r}; there are {', '.join(known)}.")
    return value


def read(data: object) -> Spec:
    """A rule from its data. Raises Invalid with a sentence that names the part."""
    whole = _object(data, "A rule", ("name", "on", "when", "if", "then", "zone", "overwrite"))
    name = one_line(_text(whole.get("name", ""), "The name"), NAME_LIMIT + 1).strip()
    if not name:
        raise Invalid("The rule needs a name.")
    if len(name) > NAME_LIMIT:
        raise Invalid(f"A rule's name has at most {NAME_LIMIT} characters.")
    event, number = _when(whole.get("when", {}))
    zone = whole.get("zone", "UTC")
    if not isinstance(zone, str) or zone not in zones():
        raise Invalid(f"There is no time zone {_shown(zone)!r}; one is Europe/Berlin.")
    for flag in ("on", "overwrite"):
        if not isinstance(whole.get(flag, False), bool):
            raise Invalid(f"“{flag}” is true or false.")
    condition = _condition(whole.get("if", {"all": []}), zone, 1)
    if not isinstance(condition, Group):
        condition = Group("all", (condition,))
    if sum(1 for _ in leaves(condition)) > MOST_LEAVES:
        raise Invalid(f"A rule has at most {MOST_LEAVES} conditions.")
    return Spec(name, event, number, zone, condition, _acts(whole.get("then", [])), whole.get("overwrite", False))


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{where} must be text.")
    return storable(value, TEXT_LIMIT + 1)


def _when(value: object) -> tuple[str, int]:
    told = _object(value, "“when”", ("event", "minutes", "hours"))
    event = told.get("event")
    if not isinstance(event, str) or event not in TRIGGERS:
        raise Invalid(f"There is no event {_shown(event)!r}; there are {', '.join(TRIGGERS)}.")
    trigger = TRIGGERS[event]
    if extra := next((key for key in told if key not in ("event", trigger.unit)), None):
        raise Invalid(f"The event “{event}” has no {extra}.")
    if not trigger.unit:
        return event, 0
    number = told.get(trigger.unit)
    if isinstance(number, bool) or not isinstance(number, int) or not trigger.least <= number <= trigger.most:
        raise Invalid(f"The event “{event}” needs {trigger.unit}, from {trigger.least} to {trigger.most:,}.")
    return event, number


def _condition(value: object, zone: str, depth: int) -> Group | Leaf:
    if depth > DEEPEST:
        raise Invalid(f"Conditions are nested at most {DEEPEST} deep.")
    if isinstance(value, dict) and "what" in value:
        return _leaf(value, zone)
    told = _object(value, "A condition", ("all", "any", "not", "what", "is", "value"))
    kinds = [kind for kind in ("all", "any", "not") if kind in told]
    if len(told) != 1 or len(kinds) != 1:
        raise Invalid("A condition is one of all, any, not, or has “what”, “is” and “value”.")
    parts = told[kinds[0]]
    if not isinstance(parts, list):
        raise Invalid(f"“{kinds[0]}” holds a list of conditions.")
    if not parts and (depth > 1 or kinds[0] != "all"):
        raise Invalid("A group of conditions needs at least one.")
    if len(parts) > MOST_LEAVES:
        raise Invalid(f"A rule has at most {MOST_LEAVES} conditions.")
    return Group(kinds[0], tuple(_condition(part, zone, depth + 1) for part in parts))


def _leaf(value: Mapping[str, object], zone: str) -> Leaf:
    told = _object(value, "A condition", ("what", "is", "value"))
    what, how = told["what"], told.get("is")
    if not isinstance(what, str) or what not in FIELDS:
        raise Invalid(f"Nothing is known about {_shown(what)!r}; conditions ask about {', '.join(FIELDS)}.")
    field = FIELDS[what]
    ways = [key for key, _ in WAYS[field.kind]]
    if how not in ways:
        raise Invalid(f"{field.label} is asked about with {' or '.join(ways)}, not {_shown(how)!r}.")
    return Leaf(what, str(how), _value(told.get("value"), field, str(how)), zone if what.startswith("time.") else "UTC")


def _value(value: object, field: Field, how: str) -> tuple[str, ...] | float | bool:
    if field.kind == "yes":
        if not isinstance(value, bool):
            raise Invalid(f"{field.label} is true or false.")
        return value
    if field.kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
            raise Invalid(f"{field.label} is compared with a number of at most {LARGEST_NUMBER:,}.")
        return float(value)
    values = texts(value, field.label)
    if field.kind == "hours":
        if len(values) != 2:
            raise Invalid(f"{field.label} takes two times, such as 09:00 and 17:30.")
        return tuple(_clock(one, field.label) for one in values)
    if field.kind == "choice" and not isinstance(field.choices, str):
        known = [key for key, _ in field.choices]
        if unknown := next((one for one in values if one not in known), None):
            raise Invalid(f"{field.label} knows no {_shown(unknown)!r}; there are {', '.join(known)}.")
    if how == "pattern" and (bare := next((one for one in values if not one.strip("*? ")), None)) is not None:
        raise Invalid(f"The pattern {_shown(bare)!r} would match everything.")
    return values


def _clock(value: str, label: str) -> str:
    try:
        hours, minutes = value.split(":")
        return time(int(hours), int(minutes)).strftime("%H:%M")
    except ValueError:
        raise Invalid(f"{label} takes times such as 09:00, not {_shown(value)!r}.") from None


def texts(value: object, label: str) -> tuple[str, ...]:
    """A list of texts, each on one line, none empty, none twice. Raises Invalid."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid(f"{label} takes a list of texts.")
    found = tuple(dict.fromkeys(one for one in (one_line(one, VALUE_LIMIT + 1).strip() for one in value) if one))
    if not found:
        raise Invalid(f"{label}: say what to compare with.")
    if len(found) > MOST_VALUES or any(len(one) > VALUE_LIMIT for one in found):
        raise Invalid(f"{label} takes at most {MOST_VALUES} values of {VALUE_LIMIT} characters.")
    return found


def _acts(value: object) -> tuple[Act, ...]:
    if not isinstance(value, list) or not value:
        raise Invalid("A rule needs something to do.")
    if len(value) > MOST_ACTS:
        raise Invalid(f"A rule does at most {MOST_ACTS} things.")
    acts = tuple(_act(one) for one in value)
    if len({act.do for act in acts}) != len(acts):
        raise Invalid("A rule does each thing once; put several tags into one “Add tags”.")
    if {"noise", "needs_answer"} <= {act.do for act in acts}:
        raise Invalid("A case cannot be noise and need an answer.")
    return acts


def _act(value: object) -> Act:
    told = _object(value, "An action", ("do", "value", "visibility"))
    do = told.get("do")
    if not isinstance(do, str) or do not in DEEDS:
        raise Invalid(f"There is no action {_shown(do)!r}; there are {', '.join(DEEDS)}.")
    deed = DEEDS[do]
    visibility = told.get("visibility", SAME)
    if visibility not in [key for key, _ in VISIBILITIES] or (do != "reply" and "visibility" in told):
        raise Invalid("Only an answer has a visibility: same, public or private.")
    if not deed.kind:
        if "value" in told:
            raise Invalid(f"“{deed.label}” takes no value.")
        return Act(do)
    given = told.get("value", "")
    if deed.kind == "text":
        text = _text(given, f"“{deed.label}”").strip()
        if not text and not deed.optional:
            raise Invalid(f"“{deed.label}” needs some text.")
        if len(text) > TEXT_LIMIT:
            raise Invalid(f"“{deed.label}” takes at most {TEXT_LIMIT:,} characters.")
        fill(text, dict.fromkeys(VARIABLES, ""))
        return Act(do, (text,) if text else (), visibility)
    values = texts(given, f"“{deed.label}”")
    if deed.kind == "words" and any(len(one) > 40 for one in values):
        raise Invalid("A tag has at most 40 characters.")
    if deed.kind == "choice":
        if len(values) != 1:
            raise Invalid(f"“{deed.label}” takes one value.")
        if not isinstance(deed.choices, str) and values[0] not in dict(deed.choices):
            raise Invalid(f"“{deed.label}” knows no {_shown(values[0])!r}.")
    return Act(do, values)


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its ``{variables}`` filled in. Raises Invalid for one that does not exist."""
    parts = text.split("{")
    out = [parts[0]]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        if not closed:
            out.append("{" + part)
            continue
        if name not in values:
            known = ", ".join(f"{{{one}}}" for one in VARIABLES)
            raise Invalid(f"There is no variable {{{_shown(name)}}}; there are {known}.")
        out.append(values[name] + rest)
    return "".join(out)


def leaves(condition: Group | Leaf) -> list[Leaf]:
    """Every single condition in it."""
    if isinstance(condition, Leaf):
        return [condition]
    return [leaf for part in condition.parts for leaf in leaves(part)]


def write(spec: Spec, *, on: bool) -> dict[str, Any]:
    """The rule as data, in one settled order: what is exported and stored."""
    when: dict[str, Any] = {"event": spec.event}
    if spec.number:
        when[TRIGGERS[spec.event].unit] = spec.number
    data: dict[str, Any] = {"name": spec.name, "on": on, "when": when, "if": _written(spec.condition)}
    if spec.zone != "UTC":
        data["zone"] = spec.zone
    data["then"] = [_written_act(act) for act in spec.acts]
    if spec.overwrite:
        data["overwrite"] = True
    return data


def _written(condition: Group | Leaf) -> dict[str, Any]:
    if isinstance(condition, Group):
        return {condition.kind: [_written(part) for part in condition.parts]}
    value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return {"what": condition.what, "is": condition.how, "value": value}


def _written_act(act: Act) -> dict[str, Any]:
    deed, told = DEEDS[act.do], {"do": act.do}
    data: dict[str, Any] = dict(told)
    if deed.kind == "words":
        data["value"] = list(act.value)
    elif act.value:
        data["value"] = act.value[0]
    if act.visibility != SAME:
        data["visibility"] = act.visibility
    return data
