"""The rule book as processes hold it: compiled once for each edition, and read anew when another stamp stands in the database."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from parlour.cases.access import Invalid
from parlour.policy.rules import choices
from parlour.policy.rules.language import Act, Spec, read
from parlour.policy.rules.matching import Test, compiled
from parlour.policy.rules.models import Edition, Rule
from parlour.policy.rules.sentences import Names, act_words, sentence

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule that is on, ready to be asked."""

    id: int
    spec: Spec
    words: str
    """The rule as a sentence."""
    deeds: Mapping[Act, str]
    """Each action as part of a sentence."""
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
        specs = [(rule, spec) for rule in Rule.objects.filter(on=True) if (spec := _read(rule)) is not None]
        names = choices.lists(set().union(*(choices.asked(spec) for _, spec in specs)))
        _book = Book(stamp, tuple(_ready(rule, spec, names) for rule, spec in specs))
    return _book


def _read(rule: Rule) -> Spec | None:
    try:
        return read(rule.data)
    except Invalid:
        # Kept by an older or newer version: the page shows what is wrong with it.
        log.error("Rule %s cannot be read and is left out.", rule.pk)
        return None


def _ready(rule: Rule, spec: Spec, names: Names) -> Ready:
    deeds = {act: act_words(act, names) for act in spec.acts}
    return Ready(rule.pk, spec, sentence(spec, names), deeds, rule.since, compiled(spec.condition))
