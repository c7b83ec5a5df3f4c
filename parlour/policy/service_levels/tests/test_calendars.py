"""Business time over days, nights, holidays and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlour.policy.service_levels.calendars import (
    ALWAYS,
    Calendar,
    Hours,
    Week,
    hours_in_words,
    next_days_off,
    week_in_words,
)

HOUR = 3600
NINE_TO_FIVE: Week = (*(((540, 1020),),) * 5, (), ())
BERLIN = Calendar("b", "Berlin", zone="Europe/Berlin", hours=NINE_TO_FIVE, country="DE", part="BE")


def local(calendar: Calendar, *when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(calendar.zone), fold=fold).astimezone(UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ((2026, 3, 2, 10, 0), 2, (2026, 3, 2, 12, 0)),
        ((2026, 3, 2, 7, 0), 2, (2026, 3, 2, 11, 0)),  # before it opens
        ((2026, 3, 2, 16, 0), 2, (2026, 3, 3, 10, 0)),  # over night
        ((2026, 3, 6, 16, 0), 2, (2026, 3, 9, 10, 0)),  # over a weekend
        ((2026, 3, 2, 15, 0), 2, (2026, 3, 2, 17, 0)),  # to the very end of a day
        ((2026, 4, 2, 16, 0), 2, (2026, 4, 7, 10, 0)),  # Good Friday and Easter Monday between
        ((2026, 3, 27, 16, 0), 2, (2026, 3, 30, 10, 0)),  # summer time begins on the Sunday between
        ((2026, 10, 23, 16, 0), 2, (2026, 10, 26, 10, 0)),  # and ends
        ((2026, 3, 6, 10, 0), 2, (2026, 3, 6, 12, 0)),
        ((2027, 3, 8, 10, 0), 2, (2027, 3, 9, 11, 0)),  # Women's Day is a holiday in Berlin alone
    ],
)
def test_hours_of_an_office_in_berlin(start: tuple[int, ...], hours: float, end: tuple[int, ...]) -> None:
    begin, due = local(BERLIN, *start), local(BERLIN, *end)
    assert BERLIN.add(begin, hours * HOUR) == due
    assert BERLIN.between(begin, due) == hours * HOUR


def test_a_day_with_one_hour_less_and_one_with_one_more() -> None:
    always = Calendar("a", "Always", zone="Europe/Berlin")
    for day, hours in ((29, 23), (30, 24)):
        assert always.between(local(always, 2026, 3, day, 0, 0), local(always, 2026, 3, day + 1, 0, 0)) == hours * HOUR
    assert always.between(local(always, 2026, 10, 25, 0, 0), local(always, 2026, 10, 26, 0, 0)) == 25 * HOUR


def test_hours_that_the_change_of_clocks_swallows_or_doubles() -> None:
    night = Calendar("n", "Night", zone="Europe/Berlin", hours=(((120, 180),),) * 7)
    assert night.between(local(night, 2026, 3, 29, 0, 0), local(night, 2026, 3, 29, 12, 0)) == 0
    assert night.between(local(night, 2026, 10, 25, 0, 0), local(night, 2026, 10, 25, 12, 0)) == 2 * HOUR
    # It would open at 2:30, which no clock shows on that night: it opens when the clocks change.
    late = Calendar("l", "Late", zone="Europe/Berlin", hours=(((150, 240),),) * 7)
    assert late.add(local(late, 2026, 3, 29, 0, 0), 1) == datetime(2026, 3, 29, 1, 0, 1, tzinfo=UTC)
    assert late.between(local(late, 2026, 3, 29, 0, 0), local(late, 2026, 3, 29, 12, 0)) == HOUR


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    # Friday 22:00 to Saturday 06:00, and nothing else.
    shift = Calendar("s", "Shift", hours=((), (), (), (), ((1320, 360),), (), ()), closed=((date(2026, 3, 7), "Off"),))
    friday = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
    assert shift.add(friday, 3 * HOUR) == datetime(2026, 3, 7, 1, 0, tzinfo=UTC)
    assert shift.add(friday, 9 * HOUR) == datetime(2026, 3, 13, 23, 0, tzinfo=UTC)
    assert shift.is_open(datetime(2026, 3, 7, 5, 59, tzinfo=UTC))
    assert not shift.is_open(datetime(2026, 3, 7, 6, 0, tzinfo=UTC))


def test_own_days_off_and_days_with_hours_of_their_own() -> None:
    calendar = Calendar(
        "c",
        "C",
        hours=NINE_TO_FIVE,
        country="DE",
        closed=((date(2026, 3, 2), "Inventory"),),
        special=((date(2026, 12, 25), ((600, 720),)), (date(2026, 3, 3), ())),
    )
    assert calendar.add(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), HOUR) == datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
    # Christmas Day is off, but for these two hours.
    assert calendar.between(datetime(2026, 12, 25, tzinfo=UTC), datetime(2026, 12, 26, tzinfo=UTC)) == 2 * HOUR
    assert next_days_off(calendar, date(2026, 3, 1), 3) == [
        (date(2026, 3, 2), "Inventory"),
        (date(2026, 3, 3), "closed"),
        (date(2026, 4, 3), "Good Friday"),
    ]


def test_a_calendar_that_never_opens_makes_nothing_due() -> None:
    never = Calendar("n", "Never", hours=((),) * 7)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    assert never.add(start, 1) is None
    assert never.between(start, start + timedelta(days=400)) == 0
    assert never.add(start, 0) == start


def test_hours_in_words() -> None:
    assert week_in_words(BERLIN) == "Mon to Fri 09:00-17:00"
    assert week_in_words(Calendar("a", "A")) == "every day, all day"
    assert week_in_words(Calendar("a", "A", hours=((),) * 7)) == "never open"
    assert hours_in_words(((540, 720), (780, 1080))) == "09:00-12:00, 13:00-18:00"


minutes = st.integers(0, 96).map(lambda quarter: quarter * 15)
day_hours = st.lists(st.tuples(st.integers(0, 95).map(lambda q: q * 15), minutes), max_size=3).map(tuple)


def _calendar(zone: str, hours: list[Hours], closed: list[date]) -> Calendar:
    return Calendar("p", "P", zone=zone, hours=tuple(hours), closed=tuple((day, "") for day in closed))  # type: ignore[arg-type]


calendars = st.builds(
    _calendar,
    # Clocks change by an hour, by half an hour, in the other half of the year, and never.
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]),
    st.lists(day_hours, min_size=7, max_size=7),
    st.lists(st.dates(date(2026, 3, 1), date(2026, 12, 1)), max_size=3),
)
moments = st.integers(0, 300 * 24 * 60).map(lambda m: datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=m))
lengths = st.integers(0, 60 * HOUR)


@settings(max_examples=60, deadline=None)
@given(calendars, moments, lengths)
def test_what_is_added_lies_between(calendar: Calendar, start: datetime, seconds: int) -> None:
    due = calendar.add(start, seconds)
    if due is None:
        assert calendar.between(start, start + timedelta(days=60)) < seconds
        return
    assert due >= start
    assert calendar.between(start, due) == seconds
    # It is the first such moment: a second before, not all of it has passed.
    assert not seconds or calendar.between(start, due - timedelta(seconds=1)) == seconds - 1


@settings(max_examples=60, deadline=None)
@given(calendars, moments, st.integers(0, 20 * 24 * 60), st.integers(0, 20 * 24 * 60))
def test_open_time_adds_up_and_never_exceeds_time(calendar: Calendar, start: datetime, one: int, two: int) -> None:
    middle = start + timedelta(minutes=one)
    end = middle + timedelta(minutes=two)
    whole = calendar.between(start, end)
    assert whole == calendar.between(start, middle) + calendar.between(middle, end)
    assert 0 <= whole <= (end - start).total_seconds()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe"]), moments, lengths)
def test_around_the_clock_is_plain_time_whatever_clocks_do(zone: str, start: datetime, seconds: int) -> None:
    assert Calendar("a", "A", zone=zone, hours=ALWAYS).add(start, seconds) == start + timedelta(seconds=seconds)
