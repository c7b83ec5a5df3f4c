"""Who gets a case: the team that takes it, then one of its agents who is there, fits and has room. Pure; the simulation runs on it, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

LEAST, ROBIN = "least", "robin"
LANGUAGE_NAMES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "tr": "Turkish",
    "zh": "Chinese",
}


@dataclass(slots=True)
class Seat:
    """An agent, as routing sees them; ``load`` grows while cases are given out."""

    id: int
    name: str
    capacity: int
    load: int
    """What their open cases weigh together."""
    teams: frozenset[int] = frozenset()
    languages: frozenset[str] = frozenset()
    """Empty for those who take any."""
    skills: Mapping[str, int] = field(default_factory=dict)
    there: bool = True
    """Whether they may be given something now."""
    given_at: datetime | None = None
    """When they were last given a case one after the other."""

    def speaks(self, language: str) -> bool:
        return not language or not self.languages or language in self.languages

    def has(self, skills: Mapping[str, int]) -> bool:
        return all(self.skills.get(skill, 0) >= level for skill, level in skills.items())

    def room(self, weight: int) -> bool:
        return self.load + weight <= self.capacity


@dataclass(frozen=True, slots=True)
class Desk:
    """A team, as routing sees it. An empty set limits nothing; without categories it takes what no other team does."""

    id: int
    name: str
    categories: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset({"service"})
    languages: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    brands: frozenset[int] = frozenset()
    skills: Mapping[str, int] = field(default_factory=dict)
    strategy: str = LEAST
    pushes: bool = True
    overflow: int | None = None
    overflow_after: timedelta = timedelta(minutes=15)
    opens_in: timedelta | None = None
    """How long it is closed from now; None while it is open."""
    opens: str = ""
    """When it opens, in words."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A case, as routing sees it."""

    category: str
    above: tuple[str, ...] = ()
    """The categories that its category stands below, the nearest first."""
    names: tuple[str, ...] = ()
    """What its brand calls the category and those above it; the slugs speak for themselves where it is empty."""
    purpose: str = "service"
    language: str = ""
    channel: str = ""
    brand: int = 0
    team: int | None = None
    """The team that has it and keeps it; None where routing chooses."""
    weight: int = 1
    waited: timedelta = timedelta(0)
    """Since the customer's words."""
    known: int | None = None
    """The agent who answered this customer last."""
    skills: Mapping[str, int] = field(default_factory=dict)
    """What its category asks of whoever answers."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a case goes and why, in words. ``again``: after how much more waiting the answer may be another."""

    team: int | None
    agent: int | None
    reason: str
    again: timedelta | None = None


class Room:
    """Teams and agents at one moment. Who could answer what is worked out once: only loads and who is there may change meanwhile."""

    def __init__(self, desks: Iterable[Desk], seats: Iterable[Seat], now: datetime) -> None:
        self.desks = {desk.id: desk for desk in desks}
        self.seats = list(seats)
        self.now = now
        self.spoken = frozenset[str]().union(*(seat.languages for seat in self.seats))
        """Languages that somebody has named."""
        self.any_language = any(not seat.languages for seat in self.seats)
        self._able: dict[tuple[int, str, tuple[tuple[str, int], ...]], list[Seat]] = {}
        self.teams: dict[tuple[object, ...], tuple[Desk | None, str]] = {}
        self.members: dict[int, list[Seat]] = {pk: [] for pk in self.desks}
        for seat in self.seats:
            for team in seat.teams & self.members.keys():
                self.members[team].append(seat)

    def able(self, desk: Desk | None, ask: Ask) -> list[Seat]:
        """Who could answer this case, here or not."""
        key = (desk.id if desk else 0, ask.language, tuple(ask.skills.items()))
        found = self._able.get(key)
        if found is None:
            members, asked = self.seats if desk is None else self.members[desk.id], _asked(desk, ask)
            found = self._able[key] = [seat for seat in members if seat.speaks(ask.language) and seat.has(asked)]
        return found

    def strangers(self, desk: Desk, ask: Ask) -> list[Seat]:
        """Who could answer a case that nobody of its team can, from any team. A team that has no members yet keeps its cases."""
        if not self.members[desk.id] or not self.hopeless(desk, ask):
            return []
        return self.able(None, replace(ask, skills=_asked(desk, ask)))

    def tongue(self, language: str) -> str:
        """The language that is asked for: none where nobody here, online or not, speaks it. Such a case is anybody's, not nobody's."""
        return language if self.any_language or language in self.spoken else ""

    def hopeless(self, desk: Desk, ask: Ask) -> bool:
        """Whether nobody of a team or of those that help it out could ever answer a case, here or not."""
        chain = (helper for helper, _ in self.helpers(desk, timedelta.max))
        return not any(self.able(one, ask) for one in (desk, *chain))

    def helpers(self, desk: Desk | None, waited: timedelta) -> Iterator[tuple[Desk, timedelta]]:
        """The teams that help this one out, each with how long a case waits before it does; those whose time has come and the next."""
        seen, after = {desk.id if desk else None}, timedelta(0)
        while desk is not None and desk.overflow in self.desks and desk.overflow not in seen:
            after += desk.overflow_after
            desk = self.desks[desk.overflow]
            seen.add(desk.id)
            yield desk, after
            if after > waited:
                return


def _asked(desk: Desk | None, ask: Ask) -> dict[str, int]:
    """What team and category ask of whoever answers."""
    asked = dict(desk.skills) if desk else {}
    for skill, level in ask.skills.items():
        asked[skill] = max(level, asked.get(skill, 0))
    return asked


def team_for(ask: Ask, room: Room) -> tuple[Desk | None, str]:
    """The team that takes a case: the one that names most of what it is, before those who take anything; one that has somebody who
    could answer it before one that has not."""
    skills = tuple(ask.skills.items())
    key = (ask.category, ask.above, ask.purpose, ask.language, ask.channel, ask.brand, skills)
    found = room.teams.get(key)
    if found is None:
        found = room.teams[key] = _team_for(ask, room)
    return found


def _team_for(ask: Ask, room: Room) -> tuple[Desk | None, str]:
    desks = [desk for desk in room.desks.values() if _takes(desk, ask)]
    if not desks and ask.purpose == "marketing":
        # Whoever wants to buy is not left alone because no team has been made for it.
        return team_for(replace(ask, purpose="service"), room)
    if not desks:
        return None, _nobody_takes(ask)
    desks.sort(key=lambda desk: (-_fits(desk, ask), desk.id))
    desk = next((one for one in desks if room.able(one, ask)), desks[0])
    words = f"{desk.name} takes {_what(desk, ask)}"
    if desk is not desks[0]:
        words += f" ({desks[0].name} has nobody who could answer)"
    return desk, words


def _called(ask: Ask, above: int = 0) -> str:
    """The category in words, or the one so many levels above it."""
    return ask.names[above] if ask.names else (ask.category, *ask.above)[above].replace("-", " ")


def _takes(desk: Desk, ask: Ask) -> bool:
    return (
        ask.purpose in desk.purposes
        and (not desk.categories or bool(desk.categories & {ask.category, *ask.above}))
        and (not desk.channels or ask.channel in desk.channels)
        and (not desk.brands or ask.brand in desk.brands)
        and (not desk.languages or ask.language in desk.languages)
    )


def _fits(desk: Desk, ask: Ask) -> int:
    """How much of the case the team names: its category weighs most, so that a team for billing in any language comes before one for
    anything in German."""
    special = ask.purpose != "service" and len(desk.purposes) == 1
    named = 16 if ask.category in desk.categories else 8 if desk.categories else 0
    return 32 * special + named + 4 * bool(desk.brands) + 2 * bool(desk.languages) + bool(desk.channels)


def _what(desk: Desk, ask: Ask) -> str:
    named = [
        language_name(ask.language) if desk.languages else "",
        _called(ask) if desk.categories else "",
        ask.purpose if ask.purpose != "service" and not desk.categories else "",
    ]
    words = " ".join(filter(None, named))
    if desk.channels:
        words = f"{words or 'what comes'} on {ask.channel}"
    if desk.brands and not words:
        words = "this brand"
    if desk.categories and ask.category not in desk.categories:
        parent = next(place for place, slug in enumerate(ask.above, 1) if slug in desk.categories)
        words += f" ({_called(ask)} belongs to {_called(ask, parent)})"
    return words or "what no other team does"


def _nobody_takes(ask: Ask) -> str:
    what = _called(ask) if ask.purpose == "service" else ask.purpose
    return f"no team takes {what}"


def language_name(code: str) -> str:
    return LANGUAGE_NAMES.get(code, code)


def decide(ask: Ask, room: Room) -> Decision:
    """The decision for one case; takes a place at the chosen seat. A case that has its team stays with it; others help out in time."""
    if room.tongue(ask.language) != ask.language:
        ask = replace(ask, language="")
    if ask.team is not None:
        desk = room.desks.get(ask.team)
        words = f"{desk.name} has it" if desk else "its team is gone"
    else:
        desk, words = team_for(ask, room)
    team = desk.id if desk else None
    if ask.purpose == "delight":
        return Decision(team, None, f"{_sentence(words)}; moments of delight are given to nobody.")
    if desk is not None and not desk.pushes:
        return Decision(team, None, f"{_sentence(words)}; its agents take the next one themselves.")
    if desk is not None and desk.opens_in is not None:
        return _closed(desk, words, ask, room)
    seat, how = _choose(desk, ask, room)
    if seat is not None:
        return _given(desk, seat, f"{words}; {how}", ask, room)
    if desk is not None and room.strangers(desk, ask):
        seat, why = _choose(None, replace(ask, skills=_asked(desk, ask)), room)
        if seat is not None:
            return _given(desk, seat, f"{words}, but nobody of it could answer; {why}", ask, room)
    for helper, after in room.helpers(desk, ask.waited):
        if after > ask.waited:
            return Decision(team, None, f"{_sentence(words)}; {how}.", after - ask.waited)
        seat, why = _choose(helper, ask, room) if helper.pushes and helper.opens_in is None else (None, "")
        if seat is not None:
            minutes = round(after.total_seconds() / 60)
            helped = f"{words}, but {how} for {minutes} minutes; {helper.name} helps out: {why}"
            return _given(helper, seat, helped, ask, room)
    return Decision(team, None, f"{_sentence(words)}; {how}.")


def _closed(desk: Desk, words: str, ask: Ask, room: Room) -> Decision:
    """Outside its hours a team's cases go at once to who helps it out, or wait until it opens."""
    closed = f"it is closed until {desk.opens}" if desk.opens else "it is closed"
    for helper, _ in room.helpers(desk, timedelta.max):
        if helper.pushes and helper.opens_in is None:
            seat, why = _choose(helper, ask, room)
            if seat is not None:
                return _given(helper, seat, f"{words}, but {closed}; {helper.name} helps out: {why}", ask, room)
            closed += f", and {helper.name} cannot help out: {why}"
    return Decision(desk.id, None, f"{_sentence(words)}; {closed}.", desk.opens_in)


def _choose(desk: Desk | None, ask: Ask, room: Room) -> tuple[Seat | None, str]:
    """A seat with room and how it was chosen, or None and why there is none."""
    able = room.able(desk, ask)
    there = [seat for seat in able if seat.there]
    free = [seat for seat in there if seat.room(ask.weight)]
    if not free:
        return None, _why_not(desk, ask, room, there)
    # Whoever has named the language comes before those who have named none.
    speakers = [seat for seat in free if ask.language in seat.languages] or free
    known = next((seat for seat in free if seat.id == ask.known), None)
    if known is not None:
        return known, f"{known.name} knows the customer and has room ({known.load} of {known.capacity})"
    if desk is not None and desk.strategy == ROBIN:
        seat = min(speakers, key=lambda one: (one.given_at is not None, one.given_at or room.now, one.id))
        return seat, f"it was {seat.name}'s turn"
    seat = min(speakers, key=lambda one: (one.load / one.capacity, one.load, one.id))
    return seat, f"{seat.name} was least loaded ({seat.load} of {seat.capacity})"


def _why_not(desk: Desk | None, ask: Ask, room: Room, there: Sequence[Seat]) -> str:
    if there:
        return "everybody online there is at capacity"
    members = room.seats if desk is None else room.members[desk.id]
    if any(seat.there for seat in members):
        needs = (
            [f"speaks {language_name(ask.language)}"]
            if not any(s.speaks(ask.language) for s in members if s.there)
            else []
        )
        skills = _asked(desk, ask)
        needs += [
            f"knows {skill}"
            for skill in skills
            if not any(s.skills.get(skill, 0) >= skills[skill] for s in members if s.there)
        ]
        return f"nobody online there {' and '.join(needs) or 'has both the language and the skill'}"
    return "nobody there is online"


def _given(desk: Desk | None, seat: Seat, words: str, ask: Ask, room: Room) -> Decision:
    seat.load += ask.weight
    seat.given_at = room.now
    return Decision(desk.id if desk else None, seat.id, f"{_sentence(words)}.")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
