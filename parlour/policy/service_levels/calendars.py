"""Business time: opening hours of a place on earth, with its holidays. Pure.

Moments are aware datetimes in UTC, lengths are seconds. Hours are said in local time: on the days when clocks change, what a wall
clock skips does not exist, and what it shows twice counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays

DAY_MINUTES = 24 * 60
HORIZON_DAYS = 3 * 366
"""How far ahead opening hours are looked for: a promise that needs longer is never due."""
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Hours = tuple[tuple[int, int], ...]
"""Intervals of a day in minutes after midnight: ``(540, 1020)`` is 9:00 to 17:00. One that ends at or before its start ends on the next
day; ``(0, 1440)`` is all day."""
Week = tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
ALWAYS: Week = (((0, DAY_MINUTES),),) * 7


@dataclass(frozen=True)
class Calendar:
    """When a brand is there for its customers."""

    key: str
    name: str
    zone: str = "UTC"
    hours: Week = ALWAYS
    """Monday first."""
    country: str = ""
    """ISO 3166 code whose public holidays are days off; '' for none."""
    part: str = ""
    """Its state or province, as the package ``holidays`` names it."""
    closed: tuple[tuple[date, str], ...] = ()
    """Own days off, each with a name."""
    special: tuple[tuple[date, Hours], ...] = ()
    """Days with hours of their own, which outweigh everything else."""
    _days: dict[date, tuple[tuple[int, int], ...]] = field(default_factory=dict, compare=False, repr=False)

    def hours_of(self, day: date) -> Hours:
        """The opening hours that begin on this local day."""
        special = dict(self.special)
        if day in special:
            return special[day]
        if self.day_off(day):
            return ()
        return self.hours[day.weekday()]

    def day_off(self, day: date) -> str:
        """Why a day is off: the name of the holiday; '' for an ordinary day."""
        own = dict(self.closed)
        if day in own:
            return own[day] or "Day off"
        return _holidays(self.country, self.part, day.year).get(day, "") if self.country else ""

    def add(self, start: datetime, seconds: float) -> datetime | None:
        """The moment at which ``seconds`` of open time have passed since ``start``; the first such moment. None when there are not that
        many in the next three years. Nothing to wait for is over at ``start``."""
        if seconds <= 0:
            return start
        left, begin = seconds, start.timestamp()
        for opens, closes in self._open_from(start):
            opens = max(opens, begin)
            if closes - opens >= left:
                return datetime.fromtimestamp(opens + left, UTC)
            left -= max(closes - opens, 0)
        return None

    def between(self, start: datetime, end: datetime) -> float:
        """How many seconds of open time lie between two moments; 0 when ``end`` is not after ``start``."""
        begin, finish, total = start.timestamp(), end.timestamp(), 0.0
        if finish <= begin:
            return 0.0
        for opens, closes in self._open_from(start, until=end):
            if opens >= finish:
                break
            total += max(min(closes, finish) - max(opens, begin), 0)
        return total

    def is_open(self, at: datetime) -> bool:
        return self.between(at, at + timedelta(seconds=1)) > 0

    def _open_from(self, start: datetime, until: datetime | None = None) -> Iterator[tuple[float, float]]:
        """Open stretches in order as seconds since the epoch, none overlapping another; the first may have begun before ``start``."""
        day = start.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        last = until.astimezone(ZoneInfo(self.zone)).date() if until else day + timedelta(days=HORIZON_DAYS)
        reached = float("-inf")
        while day <= last:
            for opens, closes in self._stretches(day):
                if closes > reached:
                    yield max(opens, reached), closes
                    reached = closes
            day += timedelta(days=1)

    def _stretches(self, day: date) -> tuple[tuple[int, int], ...]:
        """What opens on a local day, in seconds since the epoch, in order of opening."""
        if day not in self._days:
            if len(self._days) > 4000:
                self._days.clear()
            spans = sorted(
                (_moment(self.zone, day, begin, last=False), _moment(self.zone, day, _ends(begin, end), last=True))
                for begin, end in self.hours_of(day)
            )
            self._days[day] = tuple(span for span in spans if span[1] > span[0])
        return self._days[day]


def _ends(begin: int, end: int) -> int:
    return end if end > begin else end + DAY_MINUTES


def _moment(zone: str, day: date, minutes: int, *, last: bool) -> int:
    """A wall clock's time as seconds since the epoch. One that does not exist is the moment the clocks change; of one that exists twice
    the ``last`` is meant, or the first."""
    place = ZoneInfo(zone)
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    early, late = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late:
        return int(early.timestamp())
    if early < late:
        return int((late if last else early).timestamp())
    return _change(place, int(late.timestamp()), int(early.timestamp()))


def _change(place: ZoneInfo, before: int, after: int) -> int:
    """When the clocks change between two moments, to the second."""

    def offset(at: int) -> timedelta | None:
        return datetime.fromtimestamp(at, UTC).astimezone(place).utcoffset()

    was = offset(before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset(middle) == was else (before, middle)
    return after


@lru_cache(maxsize=256)
def _holidays(country: str, part: str, year: int) -> dict[date, str]:
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=[year], language="en_US")
    except (NotImplementedError, KeyError):
        return {}
    return {day: name for day, name in found.items() if day.year == year}


@lru_cache(maxsize=1)
def countries() -> dict[str, tuple[str, ...]]:
    """Country code -> its parts, as far as their holidays are known."""
    known = holidays.list_supported_countries(include_aliases=False)
    return {code: tuple(parts) for code, parts in sorted(known.items())}


def next_days_off(calendar: Calendar, today: date, most: int = 6) -> list[tuple[date, str]]:
    """The next days on which the calendar is shut or has hours of its own, with words, within a year."""
    special = dict(calendar.special)
    found: list[tuple[date, str]] = []
    for ahead in range(366):
        day = today + timedelta(days=ahead)
        if day in special:
            found.append((day, f"open {hours_in_words(special[day])}" if special[day] else "closed"))
        elif words := calendar.day_off(day):
            found.append((day, words))
        if len(found) == most:
            break
    return found


def clock_words(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def hours_in_words(hours: Hours) -> str:
    """``09:00-12:00, 13:00-17:00``; ``closed``; ``all day``."""
    if not hours:
        return "closed"
    if hours == ((0, DAY_MINUTES),):
        return "all day"
    return ", ".join(f"{clock_words(begin)}-{clock_words(end)}" for begin, end in hours)


def week_in_words(calendar: Calendar) -> str:
    """``Mon to Fri 09:00-17:00; Sat 10:00-14:00``, days alike together."""
    if calendar.hours == ALWAYS:
        return "every day, all day"
    groups: list[list[int]] = []
    for day in range(7):
        if groups and calendar.hours[groups[-1][-1]] == calendar.hours[day]:
            groups[-1].append(day)
        else:
            groups.append([day])
    said = []
    for group in groups:
        if hours := calendar.hours[group[0]]:
            first, last = NAMES[group[0]][:3], NAMES[group[-1]][:3]
            days = first if len(group) == 1 else f"{first} and {last}" if len(group) == 2 else f"{first} to {last}"
            said.append(f"{days} {hours_in_words(hours)}")
    return "; ".join(said) or "never open"


def overlapping(hours: Hours) -> bool:
    """Whether two intervals of one day overlap."""
    spans = sorted((begin, _ends(begin, end)) for begin, end in hours)
    return any(one[1] > other[0] for one, other in pairwise(spans))


@lru_cache(maxsize=1)
def country_names() -> tuple[tuple[str, str], ...]:
    """(code, English name) of the countries whose holidays are known, by name."""
    named = {names[1]: _spaced(names[0]) for names in holidays.registry.COUNTRIES.values()}
    return tuple(sorted(((code, named.get(code, code)) for code in countries()), key=lambda one: one[1]))


def _spaced(name: str) -> str:
    """``UnitedStates`` as people write it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
