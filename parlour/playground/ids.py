"""Ids of the platforms' shapes. Never repeated over restarts, since the desk remembers what the stand-ins forget."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from itertools import count

from parlour.lib import clock

_X_EPOCH_MS = 1_288_834_974_657
_MACHINES = count(secrets.randbelow(1024))
"""A snowflake names the machine that made it: two makers of ids in the same millisecond (the stand-in answering, a load driver
asking) never make the same one."""


class PlatformClock:
    """The stand-ins' time: ours, plus what a test or a demonstration has skipped."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return clock.now() + self.ahead


class Ids:
    """Rising ids that begin where the present millisecond is, so that a later start never meets an earlier one's."""

    def __init__(self, started: datetime) -> None:
        self._meta = int(started.timestamp() * 1000) * 10_000
        self._x = 0
        self._machine = (next(_MACHINES) % 1024) << 12

    def meta(self) -> str:
        """17 digits, as Meta's ids of objects and people are."""
        self._meta += 1
        return str(self._meta)

    def x(self, at: datetime) -> str:
        """A snowflake: the milliseconds, 10 bits of machine, 12 of sequence. Later ids are larger."""
        self._x = max(self._x + 1, ((int(at.timestamp() * 1000) - _X_EPOCH_MS) << 22) + self._machine)
        return str(self._x)
