"""Ids of the platforms' shapes."""

from __future__ import annotations

from datetime import UTC, datetime

from parlour.playground.ids import Ids

AT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def test_two_makers_in_the_same_millisecond_never_make_the_same_id() -> None:
    one, other = Ids(AT), Ids(AT)
    made = [ids.x(AT) for _ in range(500) for ids in (one, other)]
    assert len(set(made)) == len(made)


def test_ids_rise_and_tell_their_time() -> None:
    ids = Ids(AT)
    made = [int(ids.x(AT)) for _ in range(500)]
    assert made == sorted(set(made))
    assert {(one >> 22) + 1_288_834_974_657 for one in made} == {int(AT.timestamp() * 1000)}
