"""Days of a desk without a database: arrivals, a roster, and the product's own decisions on a simulated clock."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median

from parlour.cases.models import Case
from parlour.policy.priority.score import Standing, score
from parlour.policy.routing.decide import Ask, Desk, Room, Seat, decide, team_for

MINUTE = timedelta(minutes=1)
PROMISE = timedelta(hours=1)
MOST_DAYS_AFTER = 30
"""How long after the last arrival the agents are given to work off what is left."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A customer's words, as understanding left them."""

    at: datetime
    author: str
    category: str
    channel: str
    language: str = ""
    urgency: float = 0.0
    sentiment: str = "neutral"
    intent: str = ""
    minutes: float = 4.0
    """How long an answer takes."""


@dataclass(slots=True)
class Worker:
    """An agent of the roster: a seat and a daily shift, hours from midnight UTC; one that ends before it begins goes past midnight."""

    seat: Seat
    begins: float = 0.0
    ends: float = 24.0
    held: list[Work] = field(default_factory=list)
    busy: Work | None = None
    worked: timedelta = timedelta(0)

    def on_shift(self, at: datetime) -> bool:
        hour = at.hour + at.minute / 60 + at.second / 3600
        return self.begins <= hour < self.ends if self.begins < self.ends else hour >= self.begins or hour < self.ends

    @property
    def hours(self) -> float:
        return (self.ends - self.begins) % 24 or 24.0


@dataclass(slots=True, eq=False)
class Work:
    """A case on its way."""

    number: int
    arrival: Arrival
    ask: Ask
    case: Case
    priority: int = 0
    given_at: datetime | None = None
    done_at: datetime | None = None
    desk: Desk | None = None
    fits: bool = True
    """Whether whoever has it speaks the language and has the skills."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Times are in minutes, shares from 0 to 1."""

    cases: int
    given: int
    median_wait: float
    slow_wait: float
    """95 of 100 were given to somebody within so many minutes."""
    longest_wait: float
    median_answer: float
    slow_answer: float
    within_promise: float
    occupancy: float
    gini: float
    """0: everybody worked the same share of their shift; 1: one did everything."""
    matched: float
    fullest: float
    """The most anybody carried, of what they take: never above 1 where capacity holds."""


Giver = Callable[["Days", Work], Worker | None]


class Days:
    """One run. ``give`` decides: ``parlour`` or ``round_robin``."""

    def __init__(self, desks: Sequence[Desk], workers: Sequence[Worker], give: Giver, weights: dict[str, int]) -> None:
        self.workers = {worker.seat.id: worker for worker in workers}
        self.give, self.weights = give, weights
        self.now = datetime.fromtimestamp(0, UTC)
        self.room = Room(desks, [worker.seat for worker in workers], self.now)
        self.waiting: dict[int, Work] = {}
        self.works: list[Work] = []
        self.known: dict[str, int] = {}
        self.turn = 0
        self.fullest = 0.0
        self._open: dict[str, Work] = {}
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = 0

    def run(self, arrivals: Sequence[Arrival]) -> Figures:
        """Let the arrivals come, oldest first, and the agents work until nothing is left."""
        begin, end = arrivals[0].at, arrivals[-1].at
        for arrival in arrivals:
            self._at(arrival.at, lambda arrival=arrival: self._arrive(arrival))  # type: ignore[misc]
        self._plan_shifts(begin, end + timedelta(days=MOST_DAYS_AFTER))
        self.now = self.room.now = begin
        self._change_shifts()
        while self._events:
            at, _, do = heapq.heappop(self._events)
            if at > end and not self.waiting and not any(one.busy or one.held for one in self.workers.values()):
                break
            self.now = self.room.now = at
            do()
        return self._figures(begin)

    def _at(self, when: datetime, do: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, do))

    def _plan_shifts(self, begin: datetime, end: datetime) -> None:
        day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        hours = {hour for worker in self.workers.values() for hour in (worker.begins, worker.ends)}
        while day <= end:
            for hour in hours:
                if begin < (at := day + timedelta(hours=hour)) <= end:
                    self._at(at, self._change_shifts)
            day += timedelta(days=1)

    def _arrive(self, arrival: Arrival) -> None:
        if arrival.author in self._open:
            return  # Their case is open: the words join it.
        number = len(self.works) + 1
        case = Case(
            pk=number,
            channel=arrival.channel,
            visibility="public",
            category=arrival.category,
            sentiment=arrival.sentiment,
            urgency=arrival.urgency,
            intent=arrival.intent,
            waiting_since=arrival.at,
        )
        ask = Ask(
            category=arrival.category,
            language=arrival.language,
            channel=arrival.channel,
            weight=self.weights.get(arrival.channel, 1),
            known=self.known.get(arrival.author),
        )
        work = Work(number, arrival, ask, case)
        self.works.append(work)
        self._open[arrival.author] = work
        self._wait(work)
        self._hand_out([work])

    def _wait(self, work: Work) -> None:
        self.waiting[work.number] = work
        self._score(work)

    def _score(self, work: Work) -> None:
        """The product's own score, and again when waiting alone changes it."""
        result = score(work.case, Standing(), self.now)
        work.priority = result.points
        if result.changes_at is not None:
            self._at(result.changes_at, lambda: self._score(work) if work.number in self.waiting else None)

    def _hand_out(self, some: Sequence[Work] | None = None) -> None:
        """Give what waits to whoever can have it, most pressing first, the older of equals."""
        if not any(seat.there for seat in self.room.seats):
            return
        tried: set[tuple[str, str, int]] = set()
        for work in sorted(some or self.waiting.values(), key=lambda one: (-one.priority, one.number)):
            kind = (work.ask.category, work.ask.language, work.ask.weight)
            if kind in tried:
                continue
            work.ask = replace(work.ask, waited=self.now - work.arrival.at)
            worker = self.give(self, work)
            if worker is None:
                # Whom nobody could take now, nobody can take behind it either; others help out by the age of a case, though.
                tried.add(kind)
                continue
            self._given(work, worker)

    def _given(self, work: Work, worker: Worker) -> None:
        del self.waiting[work.number]
        work.given_at = self.now
        language = self.room.tongue(work.ask.language)
        asked = work.desk.skills if work.desk else {}
        work.fits = worker.seat.speaks(language) and worker.seat.has(asked)
        worker.held.append(work)
        self.fullest = max(self.fullest, worker.seat.load / max(1, worker.seat.capacity))
        self._go_on(worker)

    def _go_on(self, worker: Worker) -> None:
        """Whoever is idle works on the most pressing of what they hold."""
        if worker.busy or not worker.held or not worker.seat.there:
            return
        work = min(worker.held, key=lambda one: (-one.priority, one.number))
        worker.held.remove(work)
        worker.busy = work
        self._at(self.now + work.arrival.minutes * MINUTE, lambda: self._done(worker, work))

    def _done(self, worker: Worker, work: Work) -> None:
        work.done_at, worker.busy = self.now, None
        worker.worked += work.arrival.minutes * MINUTE
        worker.seat.load -= work.ask.weight
        self.known[work.arrival.author] = worker.seat.id
        del self._open[work.arrival.author]
        self._go_on(worker)
        self._hand_out()

    def _change_shifts(self) -> None:
        """Who goes gives back what they have not begun; who comes gets what waits."""
        for worker in self.workers.values():
            worker.seat.there = worker.on_shift(self.now)
            if not worker.seat.there:
                for work in worker.held:
                    worker.seat.load -= work.ask.weight
                    self._wait(work)
                worker.held.clear()
        self._hand_out()

    def _figures(self, begin: datetime) -> Figures:
        waits = sorted((one.given_at - one.arrival.at) / MINUTE for one in self.works if one.given_at)
        answers = sorted((one.done_at - one.arrival.at) / MINUTE for one in self.works if one.done_at)
        answered = [one for one in self.works if one.done_at and one.done_at - one.arrival.at <= PROMISE]
        days = max(1.0, (self.now - begin) / timedelta(days=1))
        shares = [worker.worked / timedelta(hours=1) / (worker.hours * days) for worker in self.workers.values()]
        return Figures(
            cases=len(self.works),
            given=len(waits),
            median_wait=median(waits) if waits else 0.0,
            slow_wait=waits[int(len(waits) * 0.95)] if waits else 0.0,
            longest_wait=waits[-1] if waits else 0.0,
            median_answer=median(answers) if answers else 0.0,
            slow_answer=answers[int(len(answers) * 0.95)] if answers else 0.0,
            within_promise=len(answered) / max(1, len(self.works)),
            occupancy=sum(shares) / max(1, len(shares)),
            gini=gini(shares),
            matched=sum(one.fits for one in self.works if one.given_at) / max(1, len(waits)),
            fullest=self.fullest,
        )


def gini(values: Sequence[float]) -> float:
    """How unequal: 0 for all the same, towards 1 for everything with one."""
    ordered, total = sorted(values), sum(values)
    if not total:
        return 0.0
    count = len(ordered)
    return sum((2 * place - count - 1) * value for place, value in enumerate(ordered, 1)) / (count * total)


def parlour(days: Days, work: Work) -> Worker | None:
    """The product's own decision."""
    decision = decide(work.ask, days.room)
    if decision.again is not None:
        days._at(days.now + decision.again, lambda: days._hand_out([work]) if work.number in days.waiting else None)
    work.desk = days.room.desks.get(decision.team or 0)
    return days.workers[decision.agent] if decision.agent is not None else None


def round_robin(days: Days, work: Work) -> Worker | None:
    """The next agent of the team who is online, in turn; whatever they carry, speak and know. Without any: the next who is."""
    work.desk, _ = team_for(work.ask, days.room)
    members = days.room.members[work.desk.id] if work.desk else days.room.seats
    there = [seat for seat in members if seat.there] or [seat for seat in days.room.seats if seat.there]
    if not there:
        return None
    days.turn += 1
    seat = there[days.turn % len(there)]
    seat.load += work.ask.weight
    return days.workers[seat.id]


def made_up(agents: int, seed: int, languages: Sequence[str]) -> tuple[list[Desk], list[Worker]]:
    """A roster: four teams that help each other out, agents in three shifts, most of them with two languages and some skills."""
    desks = [
        Desk(1, "Care", overflow=4, overflow_after=15 * MINUTE),
        Desk(2, "Technical", frozenset({"technical", "website"}), overflow=1),
        Desk(3, "Billing", frozenset({"billing", "account"}), skills={"money": 2}, overflow=None),
        Desk(4, "Orders", frozenset({"delivery", "product"}), overflow=1),
    ]
    chance = random.Random(seed)
    return desks, list(_people(agents, chance, [one for one in languages if one != "en"]))


def _people(agents: int, chance: random.Random, others: Sequence[str]) -> Iterator[Worker]:
    for number in range(agents):
        begins = (number % 3) * 8.0
        home = number // 3 % 4 + 1
        also = chance.sample([1, 2, 3, 4], 1)
        spoken = {"en", *([others[number // 3 % len(others)]] if others else [])}
        seat = Seat(
            id=number + 1,
            name=f"Agent {number + 1}",
            capacity=chance.choice([3, 4, 5, 6]),
            load=0,
            teams=frozenset({home, *also}),
            languages=frozenset(spoken),
            skills={"money": chance.choice([1, 2, 3])} if 3 not in {home, *also} else {"money": chance.choice([2, 3])},
        )
        yield Worker(seat, begins, (begins + 8.0) % 24)
