"""How much may come in from one visitor and one inbox: token buckets in memory, one set for each process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 20_000
"""Buckets kept; the one that was used longest ago is forgotten first, and is a full one by then."""


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
