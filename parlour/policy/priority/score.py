"""The priority score: parts that add up, each with words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from parlour.cases.models import Case, Level, Purpose

WAITING_STEPS: tuple[tuple[timedelta, int, str], ...] = (
    (timedelta(hours=24), 15, "waits over a day"),
    (timedelta(hours=4), 10, "waits over 4 hours"),
    (timedelta(hours=1), 6, "waits over an hour"),
    (timedelta(minutes=15), 3, "waits over 15 minutes"),
)
REACH_STEPS = ((1_000_000, 12), (100_000, 10), (10_000, 7), (1_000, 4))
LEVEL_SCORES = {Level.URGENT: 100, Level.HIGH: 75, Level.NORMAL: 40, Level.LOW: 5}
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


def score(case: Case, standing: Standing, now: datetime) -> Score:
    """How pressing a case is. A level set by hand outweighs everything else."""
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
    reasons: list[tuple[int, str]] = [(BASE, "a customer waits for an answer")]
    if (urgent := round(case.urgency * 30)) > 0:
        reasons.append((urgent, "urgent words" if case.urgency >= 0.5 else "some urgency"))
    if case.sentiment == "negative":
        reasons.append((12, "the customer is unhappy"))
    if case.visibility == "public":
        reasons.append((8, "said in public"))
        if reach := next((points for least, points in REACH_STEPS if (standing.followers or 0) >= least), 0):
            reasons.append((reach, f"{standing.followers:,} followers"))
    if standing.vip:
        reasons.append((15, "VIP customer"))
    if case.reopened:
        reasons.append((5, "opened again"))
    waited, changes_at = _waiting(case.waiting_since, now)
    if waited:
        reasons.append(waited)
    if case.breached_at:
        reasons.append((10, "the promised response time has passed"))
    elif case.response_due_at and case.response_warn_at is None:
        reasons.append((6, "the promised response time is near"))
    total = min(100, sum(points for points, _ in reasons))
    if standing.recorded:
        reasons.append((total // 10 - total, "a recording: nobody waits for an answer today"))
        return Score(total // 10, reasons, None)
    return Score(total, reasons, changes_at)


def _delight(standing: Standing) -> Score:
    """Happy words press nobody; those that many people see stand first."""
    reasons = [(BASE // 2, "a moment of delight")]
    if reach := next((points for least, points in REACH_STEPS if (standing.followers or 0) >= least), 0):
        reasons.append((reach, f"{standing.followers:,} followers"))
    if standing.vip:
        reasons.append((5, "VIP customer"))
    return Score(sum(points for points, _ in reasons), reasons, None)


def _waiting(since: datetime, now: datetime) -> tuple[tuple[int, str] | None, datetime | None]:
    waited = now - since
    passed = [(points, words) for after, points, words in WAITING_STEPS if waited >= after]
    coming = [since + after for after, _, _ in WAITING_STEPS if waited < after]
    return (passed[0] if passed else None), (min(coming) if coming else None)
