"""Whether an answer waits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from parlour.policy.approvals.models import ApprovalRule


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an answer before it goes."""

    agent: int | None
    teams: frozenset[int]
    brand: int
    channel: str
    category: str
    visibility: str
    text: str


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = (re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def fits(rule: ApprovalRule, answer: Answer) -> bool:
    """Whether every condition of the rule holds for the answer. Who wrote it fits by name or by team."""
    if (rule.agents or rule.teams) and not (answer.agent in rule.agents or answer.teams & set(rule.teams)):
        return False
    among = ((rule.brands, answer.brand), (rule.channels, answer.channel), (rule.categories, answer.category))
    if any(wanted and value not in wanted for wanted, value in among):
        return False
    if rule.visibility and rule.visibility != answer.visibility:
        return False
    return not rule.words or _pattern(tuple(rule.words)).search(answer.text) is not None


def first_fitting(rules: Iterable[ApprovalRule], answer: Answer) -> ApprovalRule | None:
    return next((rule for rule in rules if fits(rule, answer)), None)
