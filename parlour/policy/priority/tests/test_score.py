"""The score, which knows no table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from parlour.cases.models import Case
from parlour.policy.priority.score import DEFAULTS, PATIENCE, WAITING_STEPS, Standing, score

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def case(**values: object) -> Case:
    return Case(**({"channel": "x", "visibility": "private", "waiting_since": NOW} | values))


def points(given: Case, standing: Standing | None = None, now: datetime = NOW) -> int:
    return score(given, standing or Standing(), now).points


def test_the_parts_add_up_and_say_why() -> None:
    given = case(
        urgency=0.9,
        sentiment="negative",
        visibility="public",
        reopened=1,
        waiting_since=NOW - timedelta(hours=5),
    )
    result = score(given, Standing(followers=2_500), NOW)
    assert result.reasons == [
        (10, "a customer waits for an answer"),
        (27, "urgent words"),
        (12, "the customer is unhappy"),
        (8, "said in public"),
        (4, "2,500 followers"),
        (5, "opened again"),
        (10, "waits over 4 hours"),
    ]
    assert result.points == sum(part for part, _ in result.reasons)


@pytest.mark.parametrize(
    ("values", "standing", "more"),
    [
        ({"urgency": 0.5}, Standing(), 15),
        ({"urgency": 0.01}, Standing(), 0),
        ({"sentiment": "negative"}, Standing(), 12),
        ({"sentiment": "positive"}, Standing(), 0),
        ({"visibility": "public"}, Standing(), 8),
        ({"visibility": "public"}, Standing(followers=999), 8),
        ({"visibility": "public"}, Standing(followers=10_000), 15),
        ({"visibility": "public"}, Standing(followers=5_000_000), 20),
        ({}, Standing(followers=5_000_000), 0),
        ({}, Standing(vip=True), 15),
        ({"reopened": 3}, Standing(), 5),
        ({"breached_at": NOW}, Standing(), 10),
        ({"response_due_at": NOW, "response_warn_at": None}, Standing(), 6),
        ({"response_due_at": NOW, "response_warn_at": NOW}, Standing(), 0),
    ],
)
def test_each_part(values: dict[str, object], standing: Standing, more: int) -> None:
    assert points(case(**values), standing) == 10 + more


def test_the_score_ends_at_a_hundred() -> None:
    given = case(
        urgency=1,
        sentiment="negative",
        visibility="public",
        reopened=1,
        breached_at=NOW,
        waiting_since=NOW - timedelta(2),
    )
    assert points(given, Standing(True, 10**9)) == 100


def test_whoever_has_waited_for_days_stands_first_whatever_the_weights() -> None:
    nothing = dict.fromkeys(DEFAULTS, 0)
    given = case(waiting_since=NOW - PATIENCE)
    result = score(given, Standing(), NOW, nothing)
    assert (result.points, result.reasons) == (100, [(100, "waits over 3 days: before everything else")])
    before = score(given, Standing(), NOW - timedelta(seconds=1), nothing)
    assert (before.points, before.changes_at) == (0, NOW)


def test_a_brand_s_weights_scale_each_part() -> None:
    given = case(urgency=0.5, sentiment="negative", visibility="public", intent="complaint", reopened=1)
    doubled = DEFAULTS | {"urgency": 60, "reach": 24, "complaint": 9, "reopened": 0, "waiting": 30}
    result = score(given, Standing(followers=20_000), NOW + timedelta(hours=2), doubled)
    assert result.reasons == [
        (10, "a customer waits for an answer"),
        (30, "urgent words"),
        (12, "the customer is unhappy"),
        (9, "a complaint"),
        (8, "said in public"),
        (14, "20,000 followers"),
        (12, "waits over an hour"),
    ]


def test_a_level_set_by_hand_outweighs_everything() -> None:
    levels = {level: score(case(level=level, actionable=False), Standing(vip=True), NOW) for level in ("low", "urgent")}
    assert (levels["low"].points, levels["urgent"].points) == (5, 100)
    assert levels["low"].reasons == [(5, "set to low by hand")]
    assert levels["low"].changes_at is None


def test_nobody_waits_for_noise_or_after_an_answer() -> None:
    assert score(case(actionable=False, urgency=1), Standing(), NOW).reasons == [(0, "needs no answer")]
    answered = score(case(waiting_since=None, urgency=1), Standing(), NOW)
    assert (answered.points, answered.changes_at) == (5, None)


def test_waiting_raises_the_score_step_by_step_and_tells_when() -> None:
    given, at, seen = case(), NOW, []
    while True:
        result = score(given, Standing(), at)
        seen.append((at - NOW, result.points))
        if result.changes_at is None:
            break
        assert result.changes_at > at
        before = score(given, Standing(), result.changes_at - timedelta(seconds=1))
        assert before.points == result.points, "nothing changes before it is said to"
        at = result.changes_at
    steps = [(timedelta(0), 10), *((after, 10 + more) for after, more, _ in reversed(WAITING_STEPS))]
    assert seen == [*steps, (PATIENCE, 100)]
