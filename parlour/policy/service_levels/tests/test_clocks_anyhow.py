"""Whatever happens to a case, and however late anybody looks: clocks say what they should, and fire once. Nothing is stored here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from parlour.cases.models import Case, Status
from parlour.policy.service_levels.calendars import Calendar
from parlour.policy.service_levels.clocks import Hand, end, follow
from parlour.policy.service_levels.models import Clock
from parlour.policy.service_levels.plan import RESOLUTION, Plan, Target

START = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)  # a Friday; clocks change on the Sunday
OFFICE = Calendar("office", "Office", zone="Europe/Berlin", hours=(*(((540, 1020),),) * 5, (), ((1320, 120),)))
EVERY = Target("all", "All", first=45, next=30, resolution=240, warning=10)
PLANS = [
    Plan((EVERY,)),
    Plan((replace(EVERY, calendar="office"),), (OFFICE,)),
    Plan((replace(EVERY, next=None, resolution=None),)),
]
happenings = st.lists(
    st.tuples(st.integers(1, 600), st.sampled_from(["write", "answer", "resolve", "reopen", "look", "look"])),
    max_size=14,
)


class Story:
    """A case that lives as the road and the verbs would have it, in memory."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.case = Case(pk=1, brand_id=1, channel="x", visibility="private", opened_at=START, messages_in=1)
        self.case.waiting_since = self.case.last_in_at = START
        self.clocks: list[Clock] = []
        self.told: list[tuple[str, str, datetime]] = []
        self.answers: list[datetime] = []
        self.now = START

    def happen(self, what: str) -> None:
        case = self.case
        if what == "write" and case.status == Status.OPEN:
            case.last_in_at = self.now
            if case.waiting_since is None:
                case.waiting_since = self.now
                case.due_what = "next" if case.first_response_at else "first"
        elif what == "answer" and case.status == Status.OPEN:
            self.answers.append(self.now)
            case.last_out_at, case.waiting_since = self.now, None
            case.first_response_at = case.first_response_at or self.now
        elif what == "resolve" and case.status == Status.OPEN:
            case.status, case.resolved_at, case.waiting_since = Status.RESOLVED, self.now, None
        elif what == "reopen" and case.status == Status.RESOLVED:
            case.status, case.resolved_at, case.reopened = Status.OPEN, None, case.reopened + 1
        if what != "look":
            self.look()

    def look(self) -> None:
        def tell(verb: str, _: Case, **data: Any) -> None:
            self.told.append((verb, data["what"], self.now))

        def answered(clock: Clock) -> datetime | None:
            return next((at for at in self.answers if at >= clock.started_at), None)

        hand = Hand(self.case, self.clocks, self.plan, self.now, tell, answered=answered)
        follow(hand) if self.case.status == Status.OPEN else end(hand)
        self.clocks = hand.clocks
        for number, clock in enumerate(self.clocks, 1):
            clock.pk = number


def lived(plan: Plan, happened: list[tuple[int, str]], *, peeking: bool) -> Story:
    story = Story(plan)
    story.look()
    for minutes, what in happened:
        until = story.now + timedelta(minutes=minutes)
        while peeking and story.now < until - timedelta(minutes=7):
            story.now += timedelta(minutes=7)
            story.look()
        story.now = until
        story.happen(what)
    story.look()
    return story


def facts(story: Story) -> list[tuple[Any, ...]]:
    return [(c.what, c.started_at, c.due_at, c.breached_at, c.kept, c.ended_at, round(c.spent)) for c in story.clocks]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLANS), happenings)
def test_it_does_not_matter_how_often_anybody_looks(plan: Plan, happened: list[tuple[int, str]]) -> None:
    assert facts(lived(plan, happened, peeking=True)) == facts(lived(plan, happened, peeking=False))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLANS), happenings)
def test_each_promise_breaks_once_at_its_moment_and_only_if_it_was_not_kept(
    plan: Plan, happened: list[tuple[int, str]]
) -> None:
    story = lived(plan, happened, peeking=True)
    broken = [clock for clock in story.clocks if clock.breached_at is not None]
    assert len([one for one in story.told if one[0] == "case.breached"]) == len(broken)
    for clock in story.clocks:
        target = plan.targets[0]
        calendar, promised = plan.calendar(target.calendar), (target.promised(clock.what) or 0) * 60
        assert clock.promised == promised
        assert clock.kept is not True or clock.breached_at is None
        assert clock.kept is not False or clock.breached_at is not None
        if clock.what == RESOLUTION:
            continue
        over = clock.ended_at or story.now
        spent = calendar.between(clock.started_at, over)
        if clock.breached_at is not None:
            assert calendar.between(clock.started_at, clock.breached_at) == promised
            assert spent >= promised
        else:
            assert spent <= promised
        if clock.kept:
            assert clock.ended_at in story.answers


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLANS), happenings)
def test_a_case_has_one_clock_for_who_waits_and_one_for_its_end(plan: Plan, happened: list[tuple[int, str]]) -> None:
    story = lived(plan, happened, peeking=False)
    standing = [clock for clock in story.clocks if clock.ended_at is None]
    waits = story.case.waiting_since
    for_answer = [clock for clock in standing if clock.what != RESOLUTION]
    assert len(for_answer) <= 1
    assert not (waits is None and for_answer)
    assert len([clock for clock in story.clocks if clock.what == RESOLUTION]) <= 1
    if story.case.status == Status.RESOLVED:
        assert not standing
    if story.case.status == Status.OPEN and waits is not None and plan.targets[0].next is not None:
        assert [clock.started_at for clock in for_answer] == [waits]
