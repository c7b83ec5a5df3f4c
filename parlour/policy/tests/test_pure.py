"""The score and the routing, which know no table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from parlour.cases.models import Case
from parlour.policy.priority.score import WAITING_STEPS, Standing, score
from parlour.policy.routing.decide import Desk, Seat, decide, team_for

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
        waiting_since=NOW - timedelta(9),
    )
    assert points(given, Standing(True, 10**9)) == 100


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
    assert seen == [(timedelta(0), 10), *((after, 10 + more) for after, more, _ in reversed(WAITING_STEPS))]


DELIVERY = Desk(1, "Delivery", frozenset({"delivery"}))
BILLING = Desk(2, "Billing", frozenset({"billing", "account"}))
REST = Desk(3, "Everyone else", frozenset())


def seat(number: int, load: int, capacity: int = 10, teams: tuple[int, ...] = (1,)) -> Seat:
    return Seat(number, f"Agent {number}", capacity, load, frozenset(teams))


def test_a_category_goes_to_its_team_else_to_the_one_for_the_rest() -> None:
    desks = [REST, DELIVERY, BILLING]
    assert team_for("account", desks) == (BILLING, "Billing takes account")
    assert team_for("product", desks) == (REST, "Everyone else takes what no other team does")
    assert team_for("product", [DELIVERY]) == (None, "no team takes product")


def test_the_least_loaded_of_the_team_gets_it() -> None:
    seats = [seat(1, 5), seat(2, 3), seat(3, 0, teams=(2,)), seat(4, 2, capacity=4)]
    decision = decide("delivery", None, [DELIVERY, BILLING], seats)
    assert (decision.team, decision.agent) == (1, 2)
    assert decision.reason == "Delivery takes delivery; Agent 2 was least loaded (3 of 10)."
    assert seats[1].load == 4


def test_capacity_is_never_exceeded() -> None:
    seats = [seat(1, 0, capacity=3), seat(2, 1, capacity=2), seat(3, 0, capacity=0)]
    given = [decide("delivery", None, [DELIVERY], seats).agent for _ in range(6)]
    assert given.count(1) == 3
    assert given.count(2) == 1
    assert given[4:] == [None, None]
    assert decide("delivery", None, [DELIVERY], seats).reason == (
        "Delivery takes delivery; everybody online there is at capacity."
    )


def test_a_team_without_anybody_online_keeps_its_cases() -> None:
    decision = decide("billing", None, [DELIVERY, BILLING], [seat(1, 0)])
    assert (decision.team, decision.agent) == (2, None)
    assert decision.reason == "Billing takes billing; nobody there is online."


def test_a_team_set_by_hand_stays() -> None:
    decision = decide("delivery", 2, [DELIVERY, BILLING], [seat(1, 0), seat(2, 9, teams=(2,))])
    assert (decision.team, decision.agent) == (2, 2)
    assert decision.reason.startswith("Billing has it; ")
    assert decide("delivery", 9, [DELIVERY], [seat(1, 0)]).reason.startswith("Its team is gone; ")


def test_without_a_team_anybody_takes_it() -> None:
    assert decide("product", None, [DELIVERY], [seat(1, 0, teams=())]).agent == 1
