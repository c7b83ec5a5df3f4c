"""The form of a rule: what was typed, half done as it may be, laid out as a tree; and what becomes of it when a row is added.

Names of the fields are places in the tree: ``if.1.0.what`` is what the first condition of the second part of the conditions asks about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from parlour.policy.rules.language import DEEDS, FIELDS, SAME, TRIGGERS, WAYS, Deed, Field

Node = dict[str, Any]
KINDS = (("all", "All of these hold"), ("any", "Any of these holds"), ("not", "None of these holds"))
MOST_ROWS = 80
DEEPEST = 4
_PLACE = re.compile(r"if(?:\.\d{1,2}){0,5}|then\.\d{1,2}")


def empty() -> Node:
    """The form of a rule that nobody has written yet."""
    return {
        "name": "",
        "on": True,
        "event": "message",
        "number": "30",
        "zone": "UTC",
        "overwrite": False,
        "if": {"kind": "all", "parts": [leaf("message.text")]},
        "then": [deed("level")],
    }


def leaf(what: str, how: str = "", value: list[str] | None = None) -> Node:
    """A condition; a way to ask that its field does not know becomes the first it does."""
    what = what if what in FIELDS else "message.text"
    ways = [key for key, _ in WAYS[FIELDS[what].kind]]
    return {"what": what, "is": how if how in ways else ways[0], "value": value or []}


def deed(do: str, value: str = "", visibility: str = SAME) -> Node:
    return {"do": do if do in DEEDS else "level", "value": value, "visibility": visibility}


def of_data(data: Node) -> Node:
    """The form of a stored rule."""
    event = data["when"]["event"]
    number = data["when"].get(TRIGGERS[event].unit, 30) if TRIGGERS[event].unit else 30
    conditions = _node_of(data.get("if", {"all": []}))
    if "what" in conditions:
        conditions = {"kind": "all", "parts": [conditions]}
    return {
        "name": data["name"],
        "on": bool(data.get("on", False)),
        "event": event,
        "number": str(number),
        "zone": data.get("zone", "UTC"),
        "overwrite": bool(data.get("overwrite", False)),
        "if": conditions,
        "then": [_deed_of(one) for one in data.get("then", [])],
    }


def _node_of(told: Node) -> Node:
    if "what" in told:
        value = told["value"]
        shown = value if isinstance(value, list) else [_plain(value)]
        return leaf(told["what"], told["is"], [str(one) for one in shown])
    kind = next(iter(told))
    return {"kind": kind, "parts": [_node_of(part) for part in told[kind]]}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)


def _deed_of(told: Node) -> Node:
    value = told.get("value", "")
    return deed(told["do"], ", ".join(value) if isinstance(value, list) else str(value), told.get("visibility", SAME))


def typed(post: QueryDict) -> Node:
    """What was typed. Whatever is missing or made up becomes something the form can show."""
    event = post.get("event", "")
    conditions = _typed_node(post, "if", 1)
    if "what" in conditions:
        conditions = {"kind": "all", "parts": [conditions]}
    deeds = []
    for number in range(MOST_ROWS):
        if (do := post.get(f"then.{number}.do")) is None:
            break
        value = ", ".join(post.getlist(f"then.{number}.value"))[:10_000]
        if _of_another(DEEDS, post.get(f"then.{number}.was"), do):
            value = ""
        deeds.append(deed(do, value, post.get(f"then.{number}.visibility", SAME)))
    return {
        "name": post.get("name", "")[:200],
        "on": post.get("on", "1") == "1",
        "event": event if event in TRIGGERS else "message",
        "number": post.get("number", "30")[:20],
        "zone": post.get("zone", "UTC")[:60],
        "overwrite": post.get("overwrite", "") == "1",
        "if": conditions,
        "then": deeds,
    }


def _of_another(known: Mapping[str, Field] | Mapping[str, Deed], was: str | None, now: str) -> bool:
    """Whether a value was typed for something that takes other values: it means nothing where another thing was chosen since."""
    before, after = known.get(was or ""), known.get(now)
    return before is not None and after is not None and (before.kind, before.choices) != (after.kind, after.choices)


def _typed_node(post: QueryDict, place: str, depth: int) -> Node:
    if depth > 1 and (what := post.get(f"{place}.what")) is not None:
        how, values = post.get(f"{place}.is", ""), [one[:10_000] for one in post.getlist(f"{place}.value")]
        made = leaf(what, how, values)
        if _of_another(FIELDS, post.get(f"{place}.was"), made["what"]):
            made["value"] = []
        elif FIELDS[made["what"]].kind == "text":
            made["value"] = [line for one in values for line in one.splitlines()]
        elif FIELDS[made["what"]].kind == "words":
            made["value"] = [part for one in values for part in one.split(",")]
        return made
    kind = post.get(f"{place}.kind", "all")
    parts = []
    for number in range(MOST_ROWS):
        below = f"{place}.{number}"
        if depth > DEEPEST or (f"{below}.what" not in post and f"{below}.kind" not in post):
            break
        parts.append(_typed_node(post, below, depth + 1))
    return {"kind": kind if kind in dict(KINDS) else "all", "parts": parts}


def changed(form: Node, change: str) -> None:
    """Do what a button of the form says: ``add if.1``, ``group if``, ``drop if.1.0``, ``add then``, ``drop then.2``."""
    what, _, place = change.partition(" ")
    if change == "add then":
        form["then"].append(deed("add_tags"))
        return
    if not _PLACE.fullmatch(place):
        return
    path = [int(step) for step in place.split(".")[1:]]
    if place.startswith("then"):
        if what == "drop" and path and path[0] < len(form["then"]):
            del form["then"][path[0]]
        return
    node, parent = form["if"], None
    for step in path:
        if "parts" not in node or step >= len(node["parts"]):
            return
        parent, node = node, node["parts"][step]
    if what == "drop" and parent is not None:
        del parent["parts"][path[-1]]
    elif what == "add" and "parts" in node:
        node["parts"].append(leaf("message.text"))
    elif what == "group" and "parts" in node and len(path) < DEEPEST - 1:
        node["parts"].append({"kind": "any", "parts": [leaf("message.text"), leaf("message.sentiment")]})


def data(form: Node) -> Node:
    """The rule that the form says, to be read by ``language.read``, which refuses what is not right."""
    when: Node = {"event": form["event"]}
    if unit := TRIGGERS[form["event"]].unit:
        when[unit] = int(form["number"]) if form["number"].isascii() and form["number"].isdigit() else form["number"]
    made: Node = {"name": form["name"], "on": form["on"], "when": when, "if": _data_of(form["if"])}
    made |= {"zone": form["zone"], "then": [_deed_data(one) for one in form["then"]], "overwrite": form["overwrite"]}
    return made


def _data_of(node: Node) -> Node:
    if "parts" in node:
        return {node["kind"]: [_data_of(part) for part in node["parts"]]}
    kind, values = FIELDS[node["what"]].kind, [one.strip() for one in node["value"]]
    value: Any = [one for one in values if one]
    if kind == "yes":
        value = values[:1] != ["no"]
    elif kind == "number":
        value = _number(values[0]) if values else ""
    return {"what": node["what"], "is": node["is"], "value": value}


def _number(value: str) -> float | str:
    try:
        return float(value.replace(",", ""))
    except ValueError:
        return value


def _deed_data(told: Node) -> Node:
    kind = DEEDS[told["do"]].kind
    made: Node = {"do": told["do"]}
    if kind == "words":
        made["value"] = [one.strip() for one in told["value"].split(",") if one.strip()]
    elif kind:
        made["value"] = told["value"]
    if told["do"] == "reply":
        made["visibility"] = told["visibility"]
    return made
