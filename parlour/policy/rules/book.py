"""The rule book as processes hold it: compiled once for each edition, and read anew when another stamp stands in the database."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from parlour.cases.access import Invalid
from parlour.policy.rules.language import Spec, read
from parlour.policy.rules.matching import Test, compiled
from parlour.policy.rules.models import Edition, Rule
from parlour.policy.rules.sentences import sentence

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule that is on, ready to be asked."""

    id: int
    spec: Spec
    words: str
    since: datetime | None
    test: Test


@dataclass(frozen=True, slots=True)
class Book:
    stamp: str
    rules: tuple[Ready, ...]

    def on(self, *events: str) -> list[Ready]:
        """The rules of these triggers, in order."""
        return [rule for rule in self.rules if rule.spec.event in events]


EMPTY = Book("", ())
_book = EMPTY


def book() -> Book:
    """The rules that are on, in order. One tiny query while nothing has changed."""
    global _book
    stamp = Edition.objects.order_by("-pk").values_list("stamp", flat=True).first()
    if stamp is None:
        return EMPTY
    if _book.stamp != stamp:
        rules = Rule.objects.filter(on=True)
        _book = Book(stamp, tuple(made for rule in rules if (made := _ready(rule)) is not None))
    return _book


def _ready(rule: Rule) -> Ready | None:
    try:
        spec = read(rule.data)
    except Invalid:
        # Kept by an older or newer version: the page shows what is wrong with it.
        log.error("Rule %s cannot be read and is left out.", rule.pk)
        return None
    return Ready(rule.pk, spec, sentence(spec), rule.since, compiled(spec.condition))


def ready(spec: Spec, number: int = 0) -> Ready:
    """A rule that need not be stored, for trying it out."""
    return Ready(number, spec, sentence(spec), None, compiled(spec.condition))
