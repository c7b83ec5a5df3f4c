"""When somebody is there: hours of the week in the time zone of the brand, written as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(?P<first>[a-z]{3})[a-z]*(?:\s*-\s*(?P<last>[a-z]{3})[a-z]*)?\s+(?P<spans>[\d:\-\s,]+)")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a day: minutes since its midnight, the end not included (1440 is the end of the day)."""

    day: int
    begin: int
    end: int


@lru_cache(maxsize=256)
def read(text: str) -> tuple[Span, ...]:
    """``mon-fri 09:00-12:30, 13:30-18:00; sat 10:00-14:00`` as spans; no text, no spans. Raises ValueError with a sentence."""
    spans: list[Span] = []
    for part in filter(None, (one.strip().lower() for one in re.split(r"[;\n]", text))):
        found = _PART.fullmatch(part)
        if found is None or found["first"] not in DAYS or (found["last"] or "mon") not in DAYS:
            raise ValueError(
                f"“{part[:60]}” is not understood; write for example mon-fri 09:00-17:00; sat 10:00-14:00."
            )
        first = DAYS.index(found["first"])
        last = DAYS.index(found["last"]) if found["last"] else first
        for day in range(first, last + 1 if last >= first else last + 8):
            spans += [Span(day % 7, begin, end) for begin, end in _spans(found["spans"])]
    return tuple(sorted(spans, key=lambda span: (span.day, span.begin)))


def _spans(text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        span = _SPAN.fullmatch(part.strip())
        hours = [int(one) for one in span.groups()] if span else []
        if not hours or hours[0] > 23 or hours[2] > 24 or hours[1] > 59 or hours[3] > 59:
            raise ValueError(f"“{part.strip()[:40]}” is no span of a day; write for example 09:00-17:00.")
        begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if not begin < end <= 1440:
            raise ValueError(f"“{part.strip()[:40]}” ends before it begins.")
        found.append((begin, end))
    return found


def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ValueError with a sentence."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("It is the name of a time zone such as Europe/Berlin or America/New_York.") from error


def is_open(spans: tuple[Span, ...], where: ZoneInfo, now: datetime) -> bool:
    """Whether somebody is there; always, where no hours are told."""
    local = now.astimezone(where)
    minute = local.hour * 60 + local.minute
    return not spans or any(span.day == local.weekday() and span.begin <= minute < span.end for span in spans)


def opens_at(spans: tuple[Span, ...], where: ZoneInfo, now: datetime) -> datetime | None:
    """When somebody is there next, in UTC; None when that is now, or always."""
    if is_open(spans, where, now):
        return None
    local = now.astimezone(where)
    midnight = datetime.combine(local.date(), time(), where)
    for ahead in range(8):
        day = midnight + ahead * DAY
        begins = [day + timedelta(minutes=span.begin) for span in spans if span.day == day.weekday()]
        if later := next((begin for begin in begins if begin > local), None):
            return later.astimezone(UTC)
    return None
