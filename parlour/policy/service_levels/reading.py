"""What people write into the forms of targets and calendars, read with patience: every mistake is named by its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from zoneinfo import available_timezones

from parlour.cases.models import Level
from parlour.lib.text import one_line, storable
from parlour.policy.service_levels.calendars import (
    DAY_MINUTES,
    NAMES,
    Calendar,
    Hours,
    countries,
    hours_in_words,
    overlapping,
)
from parlour.policy.service_levels.plan import AT_BREACH, AT_WARNING, PROMISES, Plan, Step, Target

MOST_MINUTES = 366 * DAY_MINUTES
MOST_LINES, MOST_STEPS = 200, 12
_LENGTH = re.compile(r"(\d{1,6})\s*(d|days?|h|hours?|hrs?|m|min|mins|minutes?)?(?:[\s,]+|$)", re.IGNORECASE)
_NUMBER = re.compile("[0-9]{1,18}")
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|to)\s*(\d{1,2})(?:[:.](\d{2}))?$")


class Wrong(ValueError):
    """What was written cannot be; ``fields`` has a sentence for each field that is wrong."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


Given = Mapping[str, str]
Many = Callable[[str], Sequence[str]]
"""All values of a field that may be chosen several times."""


def length_of(text: str) -> int | None:
    """``15``, ``15 min``, ``2 h 30 min``, ``1 d`` in minutes; None for nothing. Raises ValueError with a sentence."""
    text = text.strip()
    if not text:
        return None
    total, end = 0, 0
    while end < len(text) and (match := _LENGTH.match(text, end)):
        unit = (match[2] or "m")[0].lower()
        total += int(match[1]) * {"d": DAY_MINUTES, "h": 60, "m": 1}[unit]
        end = match.end()
    if end < len(text):
        raise ValueError("Write a length such as “15 min”, “2 h 30 min” or “1 d”.")
    if not 0 < total <= MOST_MINUTES:
        raise ValueError("It lies between one minute and a year.")
    return total


def length_text(minutes: int | None) -> str:
    """How ``length_of`` reads it back."""
    if minutes is None:
        return ""
    days, rest = divmod(minutes, DAY_MINUTES)
    hours, rest = divmod(rest, 60)
    said = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "min")) if n]
    return " ".join(said) or "0 min"


def hours_of(text: str) -> Hours:
    """``9:00-12:00, 13-17``, ``all day``, ``closed`` or nothing. Raises ValueError with a sentence."""
    text = text.strip().lower()
    if text in {"", "closed", "-"}:
        return ()
    if text in {"all day", "24 h", "24h", "always"}:
        return ((0, DAY_MINUTES),)
    spans = []
    for piece in re.split(r"[,;]", text)[:12]:
        match = _SPAN.match(piece.strip())
        if match is None:
            raise ValueError("Write hours such as “9:00-12:00, 13:00-17:00”, “all day” or “closed”.")
        begin, end = (int(match[at]) * 60 + int(match[at + 1] or 0) for at in (1, 3))
        if begin >= DAY_MINUTES or end > DAY_MINUTES or int(match[2] or 0) > 59 or int(match[4] or 0) > 59:
            raise ValueError(f"“{piece.strip()}” is no time of day.")
        spans.append((begin, end))
    hours = tuple(sorted(spans))
    if overlapping(hours):
        raise ValueError("Two of these hours overlap.")
    return hours


def read_target(given: Given, many: Many, plan: Plan, key: str) -> Target:
    """A target as it was written. Raises Wrong."""
    wrong: dict[str, str] = {}

    def length(name: str) -> int | None:
        try:
            return length_of(given.get(name, ""))
        except ValueError as error:
            wrong[name] = str(error)
            return None

    def score(name: str) -> int | None:
        text = given.get(name, "").strip()
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or int(text) > 100:
            wrong[name] = "A score lies between 0 and 100."
            return None
        return int(text)

    name = one_line(given.get("name", ""), 60).strip()
    if not name:
        wrong["name"] = "It needs a name."
    elif any(one.name.lower() == name.lower() and one.key != key for one in plan.targets):
        wrong["name"] = "Another target has this name."
    promised = {what: length(what) for what in PROMISES}
    if not any(promised.values()) and not any(what in wrong for what in PROMISES):
        wrong["first"] = "Promise at least one of the three."
    calendar = given.get("calendar", "")
    if calendar and all(one.key != calendar for one in plan.calendars):
        wrong["calendar"] = "These opening hours are no more."
    low, high = score("score_from"), score("score_to")
    if low is not None and high is not None and low > high:
        wrong["score_to"] = "It ends before it begins."
    levels = tuple(one for one in Level.values if one in many("levels"))
    warning = length("warning") if given.get("warning", "").strip() not in {"", "0"} else 0
    steps = _steps(given, wrong)
    if wrong:
        raise Wrong(wrong)
    return Target(
        key=key,
        name=name,
        brands=tuple(sorted({int(one) for one in many("brands") if _NUMBER.fullmatch(one)})),
        channels=tuple(sorted({one_line(one, 16) for one in many("channels") if one})),
        visibility=given.get("visibility", "") if given.get("visibility") in {"public", "private"} else "",
        levels=levels,
        score_from=low,
        score_to=high,
        vip=given.get("vip") == "yes",
        first=promised["first"],
        next=promised["next"],
        resolution=promised["resolution"],
        calendar=calendar,
        warning=warning or 0,
        pause_tags=tuple(
            dict.fromkeys(t for one in given.get("pause_tags", "").split(",") if (t := one_line(one, 40).strip()))
        ),
        steps=steps,
    )


def _steps(given: Given, wrong: dict[str, str]) -> tuple[Step, ...]:
    found: list[Step] = []
    for number in range(MOST_STEPS):
        when, done = given.get(f"step_when_{number}", ""), given.get(f"step_do_{number}", "")
        if not when and not done:
            continue
        do, _, value = done.partition(":")
        if when not in {AT_WARNING, AT_BREACH} or do not in {"notify", "level", "team", "agent"}:
            wrong[f"step_do_{number}"] = "Say when it happens and what."
            continue
        try:
            after = length_of(given.get(f"step_after_{number}", "")) or 0
        except ValueError as error:
            wrong[f"step_after_{number}"] = str(error)
            continue
        if do == "level" and value not in Level.values:
            wrong[f"step_do_{number}"] = "There is no such priority."
            continue
        if do in {"team", "agent"} and not _NUMBER.fullmatch(value):
            wrong[f"step_do_{number}"] = f"There is no such {do}."
            continue
        step = Step(when=when, do=do, value=value, after=after if when == AT_BREACH else 0)
        if step not in found:
            found.append(step)
    return tuple(sorted(found, key=lambda one: (one.when != AT_WARNING, one.after)))


def read_calendar(given: Given, plan: Plan, key: str) -> Calendar:
    """A calendar as it was written. Raises Wrong."""
    wrong: dict[str, str] = {}
    name = one_line(given.get("name", ""), 60).strip()
    if not name:
        wrong["name"] = "It needs a name."
    elif any(one.name.lower() == name.lower() and one.key != key for one in plan.calendars):
        wrong["name"] = "Other opening hours have this name."
    zone = given.get("zone", "").strip() or "UTC"
    if zone not in available_timezones():
        wrong["zone"] = "There is no such time zone; write one such as Europe/Berlin."
    hours: list[Hours] = []
    for number, day in enumerate(NAMES):
        try:
            hours.append(hours_of(given.get(f"day_{number}", "")))
        except ValueError as error:
            wrong[f"day_{number}"] = f"{day}: {error}"
            hours.append(())
    country, part = given.get("country", "").strip().upper(), given.get("part", "").strip()
    if country and country not in countries():
        wrong["country"] = "Its holidays are not known; leave it empty and write the days off below."
    elif part and part not in countries().get(country, ()):
        known = ", ".join(countries().get(country, ())[:40])
        wrong["part"] = f"Choose one of {known}." if known else "This country has no parts with holidays of their own."
    closed = _lines(given.get("closed", ""), "closed", wrong)
    special: list[tuple[date, Hours]] = []
    for when, words in _lines(given.get("special", ""), "special", wrong):
        try:
            special.append((when, hours_of(words)))
        except ValueError as error:
            wrong["special"] = f"{when.isoformat()}: {error}"
    if wrong:
        raise Wrong(wrong)
    return Calendar(key, name, zone, tuple(hours), country, part, tuple(closed), tuple(special))  # type: ignore[arg-type]


def _lines(text: str, field: str, wrong: dict[str, str]) -> list[tuple[date, str]]:
    """Lines that begin with a day, in the order of days; of two for one day the last holds."""
    found: dict[date, str] = {}
    for line in [one.strip() for one in storable(text, 20_000).splitlines() if one.strip()][:MOST_LINES]:
        day, _, words = line.partition(" ")
        try:
            found[date.fromisoformat(day)] = one_line(words.strip(), 80)
        except ValueError:
            wrong[field] = f"“{one_line(line, 40)}” does not begin with a day such as 2026-12-24."
    return sorted(found.items())


def calendar_given(calendar: Calendar) -> dict[str, str]:
    """A calendar as the form shows it."""
    return {
        "name": calendar.name,
        "zone": calendar.zone,
        "country": calendar.country,
        "part": calendar.part,
        "closed": "\n".join(f"{day.isoformat()} {words}".strip() for day, words in calendar.closed),
        "special": "\n".join(f"{day.isoformat()} {hours_in_words(hours)}" for day, hours in calendar.special),
        **{f"day_{number}": hours_in_words(hours) for number, hours in enumerate(calendar.hours)},
    }


def target_given(target: Target) -> dict[str, str]:
    """A target as the form shows it; what may be chosen several times is asked of the target."""
    given = {
        "name": target.name,
        "visibility": target.visibility,
        "score_from": "" if target.score_from is None else str(target.score_from),
        "score_to": "" if target.score_to is None else str(target.score_to),
        "vip": "yes" if target.vip else "",
        "calendar": target.calendar,
        "warning": length_text(target.warning),
        "pause_tags": ", ".join(target.pause_tags),
        **{what: length_text(target.promised(what)) for what in PROMISES},
    }
    for number, step in enumerate(target.steps):
        given[f"step_when_{number}"] = step.when
        given[f"step_after_{number}"] = length_text(step.after) if step.after else ""
        given[f"step_do_{number}"] = f"{step.do}:{step.value}" if step.value else step.do
    return given
