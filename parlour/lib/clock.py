"""The one place that asks what time it is, so that tests and replays can answer differently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at ``at`` for the length of a ``with`` block (tests only; the whole process is held)."""
    global _frozen
    before, _frozen = _frozen, at
    try:
        yield
    finally:
        _frozen = before


EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD_SECONDS = 300
"""How far a platform's clock may be ahead of ours; words from further in the future would hide those that follow."""


def platform_time(seconds: float, received_at: datetime) -> datetime:
    """A platform's epoch seconds as UTC. Times before 1990 or minutes ahead of receipt are clocks gone wrong: receipt wins."""
    try:
        told = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return received_at
    return plausible(told, received_at)


def plausible(told: datetime, received_at: datetime) -> datetime:
    """``told`` unless it is absurd (before 1990, or more than a few minutes after it was received)."""
    if told < EARLIEST or (told - received_at).total_seconds() > AHEAD_SECONDS:
        return received_at
    return told
