"""What is promised to whom: targets, with the calendars they count by. Pure; a plan is one readable document, kept in editions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from parlour.cases.models import Case
from parlour.policy.service_levels.calendars import ALWAYS, Calendar, Hours

FIRST, NEXT, RESOLUTION = "first", "next", "resolution"
PROMISES = {FIRST: "first answer", NEXT: "next answer", RESOLUTION: "resolution"}
AT_WARNING, AT_BREACH = "warning", "breach"


@dataclass(frozen=True)
class Step:
    """What happens by itself when a promise is about to break, or ``after`` minutes after it broke."""

    when: str
    """``warning`` or ``breach``."""
    do: str
    """``notify`` the team leads, raise the ``level``, hand to a ``team``, or give to an ``agent``."""
    value: str = ""
    """The level, or the id of the team or agent."""
    after: int = 0

    @property
    def key(self) -> str:
        """What it is known by once it was done."""
        return f"{self.when}:{self.after}:{self.do}:{self.value}"


@dataclass(frozen=True)
class Target:
    """A promise to the cases that meet all its conditions; an empty condition is met by all. Lengths in minutes; None promises nothing."""

    key: str
    name: str
    brands: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    visibility: str = ""
    levels: tuple[str, ...] = ()
    """Priorities set by hand."""
    score_from: int | None = None
    score_to: int | None = None
    vip: bool = False
    first: int | None = None
    next: int | None = None
    resolution: int | None = None
    calendar: str = ""
    """Key of the calendar it counts by; '' around the clock."""
    warning: int = 15
    """How long before it breaks the desk warns."""
    pause_tags: tuple[str, ...] = ()
    """The clock of the resolution rests while a case has one of these tags, as it does while the customer is waited for."""
    steps: tuple[Step, ...] = ()

    def promised(self, what: str) -> int | None:
        """Minutes."""
        return {FIRST: self.first, NEXT: self.next, RESOLUTION: self.resolution}[what]

    def conditions(self) -> list[str]:
        """The kinds of conditions it makes: the more, the more specific it is."""
        made = {
            "brand": self.brands,
            "channel": self.channels,
            "visibility": self.visibility,
            "priority": self.levels,
            "score": self.score_from is not None or self.score_to is not None,
            "VIP": self.vip,
        }
        return [name for name, given in made.items() if given]

    def fits(self, case: Case, vip: bool) -> bool:
        return (
            (not self.brands or case.brand_id in self.brands)
            and (not self.channels or case.channel in self.channels)
            and (not self.visibility or case.visibility == self.visibility)
            and (not self.levels or case.level in self.levels)
            and (self.score_from is None or case.priority >= self.score_from)
            and (self.score_to is None or case.priority <= self.score_to)
            and (vip or not self.vip)
        )


@dataclass(frozen=True)
class Plan:
    """Everything that is promised. Of the targets that fit a case and promise something, the most specific one holds; of two that are
    equally so, the one that stands first."""

    targets: tuple[Target, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    edition: int = 0
    since: datetime | None = None
    """When it came into force; None for what the desk begins with."""
    _by_key: dict[str, Calendar] = field(default_factory=dict, compare=False, repr=False)

    def calendar(self, key: str) -> Calendar:
        """The calendar of that key; around the clock for ''."""
        if not self._by_key:
            self._by_key.update({one.key: one for one in (AROUND_THE_CLOCK, *self.calendars)})
        return self._by_key.get(key, AROUND_THE_CLOCK)

    def target(self, key: str) -> Target | None:
        return next((one for one in self.targets if one.key == key), None)

    def pick(self, what: str, case: Case, vip: bool) -> tuple[Target, str] | None:
        """The target that holds, and why in words; None where nothing is promised."""
        fitting = [one for one in self.targets if one.promised(what) is not None and one.fits(case, vip)]
        if not fitting:
            return None
        won = max(fitting, key=lambda one: len(one.conditions()))
        return won, _why(won, fitting)

    @property
    def minds_vip(self) -> bool:
        return any(one.vip for one in self.targets)

    @property
    def minds_score(self) -> bool:
        return any(one.score_from is not None or one.score_to is not None for one in self.targets)


AROUND_THE_CLOCK = Calendar("", "around the clock", hours=ALWAYS)
BEGINNING = Plan(targets=(Target("everybody", "Everybody", first=60, warning=15),))
"""What a desk promises before anybody has decided anything: an answer within the hour."""


def _why(won: Target, fitting: Sequence[Target]) -> str:
    name = f"“{won.name}”"
    if len(fitting) == 1:
        return f"{name} is the only target that fits."
    made = won.conditions()
    rivals = [one for one in fitting if len(one.conditions()) == len(made)]
    if len(rivals) > 1:
        return f"{name} stands first of {len(rivals)} targets that fit equally well."
    by = f" (by {', '.join(made)})" if made else ""
    return f"{name} is the most specific{by} of {len(fitting)} targets that fit."


# Words


def length(minutes: int) -> str:
    """``15 minutes``, ``1 hour``, ``2 hours 30 minutes``, ``3 days``."""
    if minutes >= 2 * 1440 and minutes % 1440 == 0:
        return f"{minutes // 1440} days"
    hours, rest = divmod(minutes, 60)
    said = [f"{hours} hour{'s' * (hours != 1)}"] if hours else []
    if rest or not hours:
        said.append(f"{rest} minute{'s' * (rest != 1)}")
    return " ".join(said)


def whom(target: Target, brands: Mapping[int, str], channels: Mapping[str, str]) -> str:
    """The cases a target is about: ``Facebook or X, public, VIP``; ``Every case``."""
    said = []
    if target.brands:
        said.append(" or ".join(brands.get(one, "a former brand") for one in target.brands))
    if target.channels:
        said.append(" or ".join(channels.get(one, one) for one in target.channels))
    if target.visibility:
        said.append(target.visibility)
    if target.levels:
        said.append(f"priority {' or '.join(target.levels)}")
    if target.score_from is not None or target.score_to is not None:
        low = 0 if target.score_from is None else target.score_from
        high = 100 if target.score_to is None else target.score_to
        said.append(f"score {low} to {high}")
    if target.vip:
        said.append("VIP")
    return ", ".join(said) or "Every case"


def promise(target: Target, plan: Plan) -> str:
    """``first answer within 15 minutes, resolution within 1 day, in opening hours “Berlin”``."""
    said = [f"{words} within {length(m)}" for what, words in PROMISES.items() if (m := target.promised(what))]
    if not said:
        return "nothing is promised"
    by = f"in opening hours “{plan.calendar(target.calendar).name}”" if target.calendar else "around the clock"
    return f"{', '.join(said)}, {by}"


def step_words(step: Step, teams: Mapping[int, str], agents: Mapping[int, str]) -> str:
    """``30 minutes after it broke: hand it to the team Supervisors``."""
    when = "At the warning" if step.when == AT_WARNING else "When it breaks"
    if step.when == AT_BREACH and step.after:
        when = f"{length(step.after).capitalize()} after it broke"
    number = int(step.value) if step.value.isdigit() else 0
    done = {
        "notify": "tell the team leads",
        "level": f"raise the priority to {step.value}",
        "team": f"hand it to the team {teams.get(number, 'that is no more')}",
        "agent": f"give it to {agents.get(number, 'somebody who has left')}",
    }
    return f"{when}: {done[step.do]}"


# The document


def document(plan: Plan) -> dict[str, Any]:
    """The plan as readable data, as it is kept, exported and given by the API."""
    return {
        "targets": [_target_document(one) for one in plan.targets],
        "calendars": [calendar_document(one) for one in plan.calendars],
    }


def _target_document(target: Target) -> dict[str, Any]:
    return {
        "key": target.key,
        "name": target.name,
        "brands": list(target.brands),
        "channels": list(target.channels),
        "visibility": target.visibility,
        "levels": list(target.levels),
        "score_from": target.score_from,
        "score_to": target.score_to,
        "vip": target.vip,
        "first": target.first,
        "next": target.next,
        "resolution": target.resolution,
        "calendar": target.calendar,
        "warning": target.warning,
        "pause_tags": list(target.pause_tags),
        "steps": [{"when": s.when, "do": s.do, "value": s.value, "after": s.after} for s in target.steps],
    }


def calendar_document(calendar: Calendar) -> dict[str, Any]:
    return {
        "key": calendar.key,
        "name": calendar.name,
        "zone": calendar.zone,
        "hours": [_spans(hours) for hours in calendar.hours],
        "country": calendar.country,
        "part": calendar.part,
        "closed": [[day.isoformat(), words] for day, words in calendar.closed],
        "special": [[day.isoformat(), _spans(hours)] for day, hours in calendar.special],
    }


def _spans(hours: Hours) -> list[list[int]]:
    return [[begin, end] for begin, end in hours]


def plan_of(data: Mapping[str, Any], edition: int = 0, since: datetime | None = None) -> Plan:
    """A plan from its document, which ``document`` has made."""
    return Plan(
        tuple(_target_of(one) for one in data["targets"]),
        tuple(_calendar_of(one) for one in data["calendars"]),
        edition,
        since,
    )


def _target_of(data: Mapping[str, Any]) -> Target:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return Target(**{**given, "steps": tuple(Step(**step) for step in data["steps"])})


def _calendar_of(data: Mapping[str, Any]) -> Calendar:
    def hours(spans: Sequence[Sequence[int]]) -> Hours:
        return tuple((begin, end) for begin, end in spans)

    return Calendar(
        key=data["key"],
        name=data["name"],
        zone=data["zone"],
        hours=tuple(hours(day) for day in data["hours"]),  # type: ignore[arg-type]
        country=data["country"],
        part=data["part"],
        closed=tuple((date.fromisoformat(day), words) for day, words in data["closed"]),
        special=tuple((date.fromisoformat(day), hours(spans)) for day, spans in data["special"]),
    )
