"""A rule as a sentence: how the pages, the timeline and the log tell of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parlour.lib.text import one_line
from parlour.policy.rules.language import DEEDS, FIELDS, TRIGGERS, VISIBILITIES, Act, Group, Leaf, Spec

Names = Mapping[str, Mapping[str, str]]
"""Name of a list of choices -> value -> how it is shown; what is missing is shown as it is written."""


def sentence(spec: Spec, names: Names | None = None) -> str:
    """The whole rule: when this happens, if these hold, do those."""
    names = names or {}
    when = TRIGGERS[spec.event].words.format(f"{spec.number:,}")
    if spec.number == 1:
        when = when.removesuffix("s")
    conditions = condition_words(spec.condition, names)
    deeds = listed([act_words(act, names) for act in spec.acts], "and")
    return f"When {when}{f' and {conditions}' if conditions else ''}, {deeds}."


def listed(words: Sequence[str], last: str) -> str:
    """``a, b and c``"""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def condition_words(condition: Group | Leaf, names: Names, *, inside: bool = False) -> str:
    """The conditions as the middle of a sentence; empty for none."""
    if isinstance(condition, Leaf):
        return leaf_words(condition, names)
    parts = [condition_words(part, names, inside=True) for part in condition.parts]
    if condition.kind == "not":
        return f"not ({listed(parts, 'or')})"
    joined = listed(parts, "and" if condition.kind == "all" else "or")
    return f"({joined})" if len(parts) > 1 and (inside or condition.kind == "any") else joined


def leaf_words(leaf: Leaf, names: Names) -> str:
    field = FIELDS[leaf.what]
    if isinstance(leaf.value, bool):
        return field.subject if leaf.value else _denied(field.subject)
    if isinstance(leaf.value, float):
        number = f"{leaf.value:,.0f}" if leaf.value.is_integer() else f"{leaf.value:,}"
        unit = f" {field.unit}" if field.unit else ""
        return f"{field.subject} is at {leaf.how} {number}{unit}"
    if field.kind == "hours":
        within = "is" if leaf.how == "between" else "is not"
        return f"{field.subject} {within} between {leaf.value[0]} and {leaf.value[1]} ({leaf.zone})"
    if field.kind == "text":
        quoted = listed([f"“{one_line(one, 60)}”" for one in leaf.value], "or")
        verb = {"contains": "mentions", "lacks": "does not mention", "word": "has the word"}.get(leaf.how, "matches")
        return f"{field.subject} {verb} {quoted}"
    shown = [_shown(field.choices, one, names) for one in leaf.value]
    if field.kind == "words":
        shown = [f"“{one}”" for one in shown]
    return f"{field.subject} is {'not ' if leaf.how == 'not' else ''}{listed(shown, 'or')}"


def _denied(subject: str) -> str:
    for is_so, is_not in (
        (" is ", " is not "),
        (" has ", " has no "),
        (" had ", " never had "),
        (" looks ", " does not look "),
    ):
        if is_so in subject:
            return subject.replace(is_so, is_not, 1)
    return subject.replace(" needs ", " does not need ").replace(" holds ", " does not hold ")


def _shown(choices: object, value: str, names: Names) -> str:
    if isinstance(choices, str):
        found = names.get(choices, {}).get(value)
        return found or (names.get("archived", {}).get(value) if choices == "categories" else None) or value
    label = dict(choices).get(value, value) if isinstance(choices, tuple) else value
    return str(label) if choices and str(choices[0][1]) == "Monday" else str(label).lower()  # type: ignore[index]


def act_words(act: Act, names: Names) -> str:
    """One action as part of a sentence."""
    value = _shown(DEEDS[act.do].choices, act.value[0], names) if act.value else ""
    match act.do:
        case "category" | "purpose":
            return f"set the {act.do} to {value}"
        case "level":
            return f"set the priority to {value}"
        case "team":
            return f"hand it to {value}"
        case "assignee":
            return f"give it to {value}"
        case "add_tags":
            return f"tag it {listed([f'“{one}”' for one in act.value], 'and')}"
        case "remove_tags":
            return f"take away the tag {listed([f'“{one}”' for one in act.value], 'and')}"
        case "noise":
            return "mark it as noise"
        case "needs_answer":
            return "mark it as needing an answer"
        case "note":
            return f"note “{one_line(act.value[0], 60)}”"
        case "reply":
            return f"answer {dict(VISIBILITIES)[act.visibility]} “{one_line(act.value[0], 60)}”"
        case "escalate":
            return "escalate it to a team lead"
        case "hide":
            return "hide the message on the platform"
        case "resolve":
            return "resolve the case"
        case _:
            return "ask no further rules"
