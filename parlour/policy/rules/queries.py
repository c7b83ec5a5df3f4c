"""Reads of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from parlour.cases.access import Invalid
from parlour.lib import clock
from parlour.policy.rules import choices
from parlour.policy.rules.actions import EXPORTED
from parlour.policy.rules.language import read
from parlour.policy.rules.models import Edition, Firing, Rule
from parlour.policy.rules.sentences import sentence

LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule with its sentence and how often it fired. ``trouble``: why it cannot work, a sentence; empty where it can."""

    rule: Rule
    words: str
    fired: int
    fired_at: datetime | None
    trouble: str


def rules() -> list[Shown]:
    """All rules, in order."""
    names = choices.lists()
    since = clock.now() - LATELY
    counted = Firing.objects.filter(at__gt=since).values_list("rule_id").annotate(times=Count("pk"))
    times: dict[int, int] = dict(counted)
    found = Rule.objects.annotate(fired_at=Max("firings__at")).order_by("position", "id")
    return [_shown(rule, names, times.get(rule.pk, 0), rule.fired_at) for rule in found]


def _shown(rule: Rule, names: choices.Lists, fired: int, fired_at: datetime | None) -> Shown:
    words = trouble = ""
    try:
        spec = read(rule.data)
        words = sentence(spec, names)
        choices.check(spec)
    except Invalid as error:
        trouble = str(error)
    return Shown(rule, words, fired, fired_at, trouble)


def shown(rule_id: int) -> Shown:
    """One rule. Raises Rule.DoesNotExist."""
    found = Rule.objects.annotate(
        fired_at=Max("firings__at"), times=Count("firings", filter=Q(firings__at__gt=clock.now() - LATELY))
    ).get(pk=rule_id)
    return _shown(found, choices.lists(), found.times, found.fired_at)


def export(ids: Sequence[int] | None = None) -> dict[str, Any]:
    """All rules, or some, as one document that ``actions.bring`` takes."""
    found = Rule.objects.all() if ids is None else Rule.objects.filter(pk__in=ids)
    return {EXPORTED: 1, "rules": [rule.data for rule in found]}


def editions(limit: int = 20) -> list[Edition]:
    """The latest changes, newest first, without the rules they hold."""
    return list(Edition.objects.defer("rules").order_by("-pk")[:limit])


def lately(rule_id: int, limit: int = 10) -> list[Firing]:
    """The latest times a rule fired, newest first."""
    return list(Firing.objects.filter(rule_id=rule_id).order_by("-at")[:limit])
