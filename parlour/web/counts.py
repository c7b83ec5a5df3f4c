"""How many cases each tab holds. What is the same for everybody is counted once for all desks, as long as nothing happens."""

from __future__ import annotations

import time
from dataclasses import dataclass

from parlour.cases import queries as cases
from parlour.policy.moderation import queries as moderation
from parlour.policy.service_levels import queries as service_levels
from parlour.spine import queries as spine
from parlour.spine.queries import Position
from parlour.staff.models import Agent

LASTS = 2.0
"""Seconds a count may be shown while nothing happens: promises come due by themselves."""
COMMON = tuple(tab for tab in cases.COUNTED_TABS if tab != "mine")


@dataclass(frozen=True, slots=True)
class _Count:
    at: Position
    counted: float
    numbers: dict[str, int]


_latest: _Count | None = None


def of_tabs(agent: Agent) -> dict[str, int]:
    """The counts an agent sees, each up to ``cases.COUNT_CAP``; ``awaiting`` counts answers that wait for approval, ``told``
    what targets have told team leads of and none has seen, ``held`` messages that wait for a look. Raises Denied."""
    global _latest
    mine = cases.tab_counts(agent, ("mine",))
    # The place first: what happens while it is counted may be in the numbers, but is not promised.
    at, now = spine.end(), time.monotonic()
    count = _latest
    if count is None or count.at != at or now - count.counted > LASTS:
        numbers = cases.tab_counts(agent, COMMON) | {"awaiting": cases.awaiting()[: cases.COUNT_CAP].count()}
        numbers["held"] = moderation.held_count()
        numbers["told"] = service_levels.notices_count(cases.COUNT_CAP)
        _latest = count = _Count(at, now, numbers)
    return count.numbers | mine


def forget() -> None:
    """Count anew; for tests, which put rows in without telling the log."""
    global _latest
    _latest = None
