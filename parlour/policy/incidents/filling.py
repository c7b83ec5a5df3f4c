"""One answer in the words of each customer: variables with fallbacks, and the way and length that fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from parlour.cases import ways
from parlour.cases.access import Invalid
from parlour.cases.models import Case, Message
from parlour.cases.parts import Room, plan
from parlour.cases.queries import Way
from parlour.channels import registry
from parlour.channels.queries import config
from parlour.lib.text import one_line

VARIABLES: Mapping[str, str] = {
    "name": "the customer's name",
    "first_name": "the first word of it",
    "case": "the number of the case",
    "brand": "the brand's name",
    "incident": "the incident's title",
    "status": "the incident's public words",
    "agent": "who sends it",
}
FALLBACKS: Mapping[str, str] = {"name": "there", "first_name": "there", "status": "we are looking into it"}
_VARIABLE = re.compile(r"\{\{\s*([^{}|]*?)\s*(?:\|([^{}]*))?\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_NO_NAME = re.compile(r"[@#+]|\d{3}|^customer \d+$|://", re.IGNORECASE)


def checked(text: str) -> str:
    """The text, when every variable in it is known. Raises Invalid with a sentence."""
    for name, _ in _VARIABLE.findall(text):
        if name not in VARIABLES:
            known = ", ".join(f"{{{{{one}}}}}" for one in VARIABLES)
            raise Invalid(f"There is no variable {{{{{one_line(name, 40)}}}}}; there are {known}.")
    if _BRACES.search(_VARIABLE.sub("", text)):
        raise Invalid("Two braces belong around a variable, as in {{name|there}}; one of them is not closed.")
    return text


def says(text: str, name: str) -> bool:
    """Whether a text holds that variable."""
    return any(found == name for found, _ in _VARIABLE.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its variables filled; one without a value becomes the words after its bar, else the usual fallback. What a value
    holds is never read as a variable."""

    def put(found: re.Match[str]) -> str:
        name, instead = found[1], found[2]
        return values.get(name, "") or (instead if instead is not None else FALLBACKS.get(name, ""))

    return _VARIABLE.sub(put, text).strip()


def values_of(case: Case, title: str, status: str, agent: str) -> dict[str, str]:
    """What the variables are for the customer of a case; names that are handles or numbers are none."""
    name = one_line(case.customer.name, 80)
    name = "" if _NO_NAME.search(name) else name
    return {
        "name": name,
        "first_name": name.split()[0] if name else "",
        "case": str(case.pk),
        "brand": case.brand.name,
        "incident": title,
        "status": status,
        "agent": agent,
    }


@dataclass(frozen=True, slots=True)
class Fit:
    """How one customer would be told. ``trouble`` is a sentence when there is no way, and ``way`` is None then."""

    case: Case
    text: str
    way: Way | None
    trouble: str = ""
    shortened: bool = False


def fit(case: Case, text: str, short: str, lane: str, values: Mapping[str, str]) -> Fit:
    """The best open way that the words fit into. The first trouble is told when there is none."""
    trouble = "There is no way to answer this customer."
    open_ways = ways.ways(case)
    if lane == "private":
        open_ways.sort(key=lambda way: (bool(way.blocked), way.visibility != "private"))
    said, shorter = fill(text, values), fill(short, values)
    for number, way in enumerate(open_ways):
        if way.blocked:
            trouble = way.blocked if number == 0 else trouble
            continue
        for words in filter(None, (said, shorter)):
            if refusal := _refusal(way, words):
                trouble = refusal
                continue
            return Fit(case, words, way, shortened=words is not said)
    return Fit(case, said, None, trouble)


def _refusal(way: Way, text: str) -> str:
    """Why the words do not fit into a way; empty when they do."""
    answered = Message.objects.select_related("inbox").get(pk=way.answers)
    assert answered.inbox is not None
    channel, account = registry.get(way.channel), config(answered.inbox)
    beside = channel.capabilities.beside if way.visibility == "private" else None
    room = Room(way.limit, way.unit, lambda words: channel.measure(account, words, way.visibility), way.parts, beside)
    try:
        plan(text, [], (), room)
    except Invalid as error:
        return str(error)
    return ""
