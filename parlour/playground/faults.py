"""Failures on demand, and rate limits: what makes a stand-in as unreliable as the real thing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

How = Literal["error", "timeout", "drop", "drop_after"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure to come.

    ``error`` answers ``status`` with the platform's error body for ``code``/``subcode``/``words`` and does nothing;
    ``timeout`` does nothing and answers after ``seconds``; ``drop`` closes the connection without doing anything;
    ``drop_after`` does the work and then closes the connection without an answer.
    ``method`` and ``path`` (a part of the path) narrow down which requests it is for.
    """

    how: How = "error"
    status: int = 500
    code: int = 2
    subcode: int | None = None
    words: str = "An unexpected error has occurred. Please retry your request later."
    seconds: float = 30.0
    method: str = ""
    path: str = ""


class Faults:
    """The failures to come, first in, first out."""

    def __init__(self) -> None:
        self.waiting: deque[Fault] = deque()

    def add(self, fault: Fault, times: int = 1) -> None:
        self.waiting.extend([fault] * times)

    def take(self, method: str, path: str) -> Fault | None:
        """The first failure meant for this request; it is used up."""
        for place, fault in enumerate(self.waiting):
            if fault.method in ("", method) and fault.path in path:
                del self.waiting[place]
                return fault
        return None

    def clear(self) -> None:
        self.waiting.clear()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a limit says about one request."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    """Seconds until the next request may pass (when refused), or until the full allowance is back."""


class Bucket:
    """A token bucket: ``limit`` requests in ``seconds``, filled again steadily."""

    def __init__(self, limit: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._now = now
        self._tokens = float(limit)
        self._at = now()

    def take(self) -> Allowance:
        """Use one token if there is one."""
        now = self._now()
        per_second = self.limit / self.seconds
        self._tokens = min(float(self.limit), self._tokens + (now - self._at) * per_second)
        self._at = now
        allowed = self._tokens >= 1
        if allowed:
            self._tokens -= 1
        missing = self.limit - self._tokens if allowed else 1 - self._tokens
        return Allowance(allowed, self.limit, int(self._tokens), missing / per_second)


class FixedWindow:
    """``limit`` requests in each window of ``seconds``, as X counts them."""

    def __init__(self, limit: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._now = now
        self._until = 0.0
        self._used = 0

    def take(self) -> Allowance:
        """Use one request of the present window if one is left."""
        now = self._now()
        if now >= self._until:
            self._until, self._used = now + self.seconds, 0
        allowed = self._used < self.limit
        if allowed:
            self._used += 1
        return Allowance(allowed, self.limit, self.limit - self._used, self._until - now)
