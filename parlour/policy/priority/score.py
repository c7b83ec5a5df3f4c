"""The priority score: parts that add up, each with words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from parlour.cases.models import Case, Level, Purpose


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that makes a case more pressing. ``most``: the points it brings at most unless a brand sets others."""

    name: str
    label: str
    help: str
    most: int


PARTS: tuple[Part, ...] = (
    Part("base", "Somebody waits", "Every customer who waits for an answer.", 10),
    Part(
        "urgency",
        "Urgent words",
        "“today”, “immediately”, “my flight leaves at six”: as many as understanding hears.",
        30,
    ),
    Part("unhappy", "Unhappy", "The latest words are negative.", 12),
    Part("cancellation", "Wants to leave", "They say that they cancel or go elsewhere.", 8),
    Part("complaint", "Complains", "What they want is to complain.", 0),
    Part("purchase", "Wants to buy", "They show interest in buying.", 0),
    Part("public", "Said in public", "Others can read it, and the answer.", 8),
    Part(
        "reach",
        "Reach",
        "All points from a million followers; fewer from 100,000, 10,000 and 1,000. In public only.",
        12,
    ),
    Part("vip", "VIP", "Customers marked as VIP.", 15),
    Part("reopened", "Opened again", "The last answer did not settle it.", 5),
    Part(
        "waiting",
        "Waiting",
        "A fifth after 15 minutes, two after an hour, two thirds after 4 hours, all after a day.",
        15,
    ),
    Part("near", "Promise is near", "The promised time is about to pass.", 6),
    Part("breached", "Promise is broken", "The promised time has passed.", 10),
)
DEFAULTS: dict[str, int] = {part.name: part.most for part in PARTS}
MOST_POINTS = 100

PATIENCE = timedelta(days=3)
"""Whoever has waited for so long stands first, whatever the weights: nobody waits for ever behind those who press more."""
WAITING_STEPS: tuple[tuple[timedelta, int, str], ...] = (
    (timedelta(hours=24), 15, "waits over a day"),
    (timedelta(hours=4), 10, "waits over 4 hours"),
    (timedelta(hours=1), 6, "waits over an hour"),
    (timedelta(minutes=15), 3, "waits over 15 minutes"),
)
REACH_STEPS = ((1_000_000, 12), (100_000, 10), (10_000, 7), (1_000, 4))
LEVEL_SCORES = {Level.URGENT: 100, Level.HIGH: 75, Level.NORMAL: 40, Level.LOW: 5}
INTENTS = {"cancellation": "wants to leave", "complaint": "a complaint", "purchase": "wants to buy"}
BASE = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the customer beyond the case."""

    vip: bool = False
    followers: int | None = None
    recorded: bool = False
    """The brand is known from recordings only."""


@dataclass(frozen=True, slots=True)
class Score:
    """0..100 with its parts, and when waiting alone will change it."""

    points: int
    reasons: list[tuple[int, str]]
    changes_at: datetime | None


def score(case: Case, standing: Standing, now: datetime, weights: Mapping[str, int] = DEFAULTS) -> Score:
    """How pressing a case is. A level set by hand outweighs everything else. ``weights`` names every part."""
    if case.level:
        return Score(
            LEVEL_SCORES[Level(case.level)], [(LEVEL_SCORES[Level(case.level)], f"set to {case.level} by hand")], None
        )
    if case.purpose == Purpose.DELIGHT:
        return _delight(standing)
    if not case.actionable:
        return Score(0, [(0, "needs no answer")], None)
    if case.waiting_since is None:
        return Score(BASE // 2, [(BASE // 2, "nobody waits for an answer")], None)
    reasons = [(points, words) for points, words in _parts(case, standing, weights) if points]
    waited, changes_at = _waiting(case.waiting_since, now, weights["waiting"])
    if waited:
        reasons.append(waited)
    if case.breached_at:
        reasons += _worth(weights["breached"], "the promised time has passed")
    elif case.response_due_at and case.response_warn_at is None:
        reasons += _worth(weights["near"], "the promised time is near")
    if now - case.waiting_since >= PATIENCE and not standing.recorded:
        return Score(100, [*reasons, (100, "waits over 3 days: before everything else")], None)
    total = min(100, sum(points for points, _ in reasons))
    if standing.recorded:
        reasons.append((total // 10 - total, "a recording: nobody waits for an answer today"))
        return Score(total // 10, reasons, None)
    return Score(total, reasons, changes_at)


def _parts(case: Case, standing: Standing, weights: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    yield weights["base"], "a customer waits for an answer"
    yield round(case.urgency * weights["urgency"]), "urgent words" if case.urgency >= 0.5 else "some urgency"
    if case.sentiment == "negative":
        yield weights["unhappy"], "the customer is unhappy"
    if case.intent in INTENTS:
        yield weights[case.intent], INTENTS[case.intent]
    if case.visibility == "public":
        yield weights["public"], "said in public"
        yield _reach(standing, weights["reach"]), f"{standing.followers or 0:,} followers"
    if standing.vip:
        yield weights["vip"], "VIP customer"
    if case.reopened:
        yield weights["reopened"], "opened again"


def _reach(standing: Standing, most: int) -> int:
    points = next((points for least, points in REACH_STEPS if (standing.followers or 0) >= least), 0)
    return round(points * most / REACH_STEPS[0][1])


def _worth(points: int, words: str) -> list[tuple[int, str]]:
    return [(points, words)] if points else []


def _delight(standing: Standing) -> Score:
    """Happy words press nobody; those that many people see stand first."""
    reasons = [(BASE // 2, "a moment of delight")]
    reasons += _worth(_reach(standing, DEFAULTS["reach"]), f"{standing.followers or 0:,} followers")
    if standing.vip:
        reasons.append((5, "VIP customer"))
    return Score(sum(points for points, _ in reasons), reasons, None)


def _waiting(since: datetime, now: datetime, most: int) -> tuple[tuple[int, str] | None, datetime | None]:
    waited = now - since
    scaled = [(after, round(points * most / WAITING_STEPS[0][1]), words) for after, points, words in WAITING_STEPS]
    passed = [(points, words) for after, points, words in scaled if waited >= after and points]
    coming = [since + after for after in (*(after for after, _, _ in scaled), PATIENCE) if waited < after]
    return (passed[0] if passed else None), (min(coming) if coming else None)
