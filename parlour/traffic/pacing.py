"""How fast an inbox may send: a token bucket each, by what its channel declares, and rests that platforms ask for.

Kept in the process: several workers together may send faster than the declared rate, and the platform's own refusal slows them, then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from parlour.channels.contract import Rate


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Pace:
    """Which inboxes may send now. Safe to use from several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: dict[int, _Bucket] = {}
        self._rests: dict[int, float] = {}
        self._lock = threading.Lock()

    def rest(self, inbox_id: int, seconds: float) -> None:
        """Let an inbox send nothing for ``seconds``."""
        with self._lock:
            self._rests[inbox_id] = max(self._rests.get(inbox_id, 0.0), self._now() + seconds)

    def resting(self) -> frozenset[int]:
        """The inboxes that rest now."""
        now = self._now()
        with self._lock:
            self._rests = {inbox: until for inbox, until in self._rests.items() if until > now}
            return frozenset(self._rests)

    def take(self, inbox_id: int, rate: Rate | None) -> bool:
        """Whether one more may be sent from an inbox now; it counts as sent. At the limit the inbox rests until the next may go."""
        if rate is None:
            return True
        with self._lock:
            now, per_second = self._now(), rate.count / rate.seconds
            bucket = self._buckets.setdefault(inbox_id, _Bucket(float(rate.count), now))
            bucket.tokens = min(float(rate.count), bucket.tokens + (now - bucket.at) * per_second)
            bucket.at = now
            if bucket.tokens < 1:
                self._rests[inbox_id] = max(self._rests.get(inbox_id, 0.0), now + (1 - bucket.tokens) / per_second)
                return False
            bucket.tokens -= 1
            return True
