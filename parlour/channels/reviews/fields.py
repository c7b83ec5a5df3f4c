"""Reading the stores' JSON with care, and what a review and a reply are to all three."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from parlour.lib.text import one_line, storable

Store = Literal["play", "appstore", "business"]
STORES: dict[Store, str] = {"play": "Google Play", "appstore": "App Store", "business": "Google Business Profile"}

_IDENT = re.compile(r"[A-Za-z0-9_.:=+-]{1,150}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Review:
    """One version of a review, as the store shows it now."""

    id: str
    rating: int
    """1 to 5, 0 when the store does not tell."""
    text: str
    """Title, if it has one, and words."""
    author: str
    at: datetime | None
    """When it was written; None when the store tells only when it was changed."""
    changed: datetime | None
    """When this version was written; None when the store does not tell."""
    avatar: str = ""
    language: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)
    """What the store tells beside it: version of the app, device, country."""
    reply: Reply | None = None

    @property
    def digest(self) -> str:
        """Tells versions apart where the store gives no time of change."""
        return short(f"{self.rating}\n{self.text}")


@dataclass(frozen=True, slots=True)
class Reply:
    """The one answer that stands under a review."""

    text: str
    at: datetime | None
    state: str = ""
    refused: str = ""
    """Why the store does not show it, in words."""

    @property
    def version(self) -> str:
        """What tells one answer from the one that replaced it."""
        return str(milliseconds(self.at)) if self.at else short(self.text)


def short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def ident(value: object) -> str:
    """An id as text, or '' when the value cannot be one."""
    return value if isinstance(value, str) and _IDENT.fullmatch(value) and value.strip(".") else ""


def needed(value: object, name: str) -> str:
    """The id in ``value``. Raises ValueError naming the field."""
    if not (found := ident(value)):
        raise ValueError(f"{name} is missing or is no id.")
    return found


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def words(value: object, name: str) -> str:
    """Text, '' when there is none. Raises ValueError when it is something else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text.")
    return storable(value).strip()


def line(value: object, limit: int) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def link(value: object) -> str:
    """A web address, or ''."""
    fine = isinstance(value, str) and len(value) <= 500 and value.isprintable()
    return str(value) if fine and str(value).startswith(("https://", "http://")) else ""


def stars(value: object) -> int:
    """A rating from 1 to 5. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5:
        return value
    raise ValueError("The rating is not a number from 1 to 5.")


def iso(value: object) -> datetime | None:
    """A moment in ISO 8601; None for what is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        told = datetime.fromisoformat(value)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def timestamp(value: object) -> datetime | None:
    """A moment as Google's ``{"seconds": "1443676826", "nanos": 713000000}``; None for what is none."""
    told = mapping(value)
    seconds, nanos = told.get("seconds"), told.get("nanos", 0)
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdecimal() and len(seconds) < 14:
        seconds = int(seconds)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds < 10**11:
        return None
    part = nanos // 1000 if isinstance(nanos, int) and 0 <= nanos < 10**9 else 0
    return _EPOCH + timedelta(seconds=seconds, microseconds=part)
