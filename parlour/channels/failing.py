"""How platforms and doors refuse. Part of the contract of a channel (``contract``)."""

from __future__ import annotations

from enum import StrEnum


class ErrorKind(StrEnum):
    """Why a platform refused, as far as the core needs to know."""

    WINDOW_CLOSED = "window_closed"
    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    TARGET_DELETED = "target_deleted"
    ALREADY_REPLIED = "already_replied"
    AUTH_EXPIRED = "auth_expired"
    PERMISSION = "permission"
    RATE_LIMITED = "rate_limited"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    POLICY_BLOCK = "policy_block"
    TRANSIENT = "transient"
    UNKNOWN_OUTCOME = "unknown_outcome"  # the request went out and no answer came: it may have been done


PERMANENT = frozenset(
    {
        ErrorKind.WINDOW_CLOSED,
        ErrorKind.RECIPIENT_UNAVAILABLE,
        ErrorKind.TARGET_DELETED,
        ErrorKind.ALREADY_REPLIED,
        ErrorKind.AUTH_EXPIRED,
        ErrorKind.PERMISSION,
        ErrorKind.INVALID,
        ErrorKind.TOO_LONG,
        ErrorKind.POLICY_BLOCK,
    }
)


class ChannelError(Exception):
    """A platform refused, or could not be reached. ``str(error)`` holds the platform's own words; ``retry_after`` is in seconds."""

    def __init__(self, kind: ErrorKind, words: str, *, retry_after: float | None = None, code: str = "") -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.retry_after = retry_after
        self.code = code

    @property
    def permanent(self) -> bool:
        return self.kind in PERMANENT


class Refused(Exception):
    """The door refuses a request: its ``status`` (400 or 403) and the reason, which is sent back."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
