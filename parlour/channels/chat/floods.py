"""How much may come in from one visitor, one inbox and one address: token buckets in memory, one set for each process.

Messages and the bytes of files are counted apart, so that nobody's words are refused for the files of others."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 20_000
"""Buckets kept; the one that was used longest ago is forgotten first, and is a full one by then."""
HOUR = 3600.0
VISITOR_MOST = 30.0
VISITOR_EACH_SECOND = 0.5
"""Messages of one visitor."""
TEXT_BYTES = 64_000
"""The longest text fits into it, however it is written down: a larger body brings files."""
VISITOR_BYTES = 20_000_000.0
INBOX_BYTES = 500_000_000.0
"""Bodies with files, within an hour."""
SESSION_MOST = 60.0
SESSION_EACH_SECOND = 0.2
"""New visitors from one address."""


class Floods:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()

    def take(self, whose: tuple[str, ...], cost: float, *, most: float, each_second: float) -> bool:
        """Take ``cost`` from a bucket that holds ``most`` and fills by ``each_second``; False, and nothing taken, when it holds less."""
        now = self._now()
        left, at = self._buckets.pop(whose, (most, now))
        left = min(most, left + (now - at) * each_second)
        fits = left >= cost
        self._buckets[whose] = (left - cost if fits else left, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return fits

    def give_back(self, whose: tuple[str, ...], cost: float) -> None:
        """Undo a ``take``, where what it was for has not happened."""
        if whose in self._buckets:
            left, at = self._buckets[whose]
            self._buckets[whose] = (left + cost, at)
