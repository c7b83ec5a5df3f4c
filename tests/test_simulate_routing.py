"""``parlour simulate routing``: what it promises of routing, over made-up and given days."""

from __future__ import annotations

import random
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from parlour.commands.simulate_routing import routing
from parlour.commands.simulated_days import Arrival, Days, Worker, gini, made_up, parlour, round_robin
from parlour.policy.routing.decide import Desk, Seat

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def told(*line: str) -> str:
    result = CliRunner().invoke(routing, list(line))
    assert result.exit_code == 0, result.output
    return result.output


def number(output: str, words: str, column: int = 0) -> str:
    row = next(line for line in output.splitlines() if words in line)
    return re.split("[│|]", row)[2 + column].strip()


def test_made_up_days_keep_what_is_promised() -> None:
    output = told("--days", "0.5", "--an-hour", "60", "--agents", "24")
    assert number(output, "language and skill match") == "100.0%"
    assert number(output, "waits for ever") == "0"
    assert int(number(output, "fullest").rstrip("%")) <= 100
    assert float(number(output, "language and skill match", 1).rstrip("%")) < 100, "plain turns look at neither"
    assert int(number(output, "fullest", 1).rstrip("%").replace(",", "")) > 100


def test_the_same_seed_tells_the_same(tmp_path: Path) -> None:
    line = ("--days", "0.2", "--an-hour", "30", "--agents", "6", "--seed", "7")
    assert told(*line) == told(*line)


def test_a_given_roster_and_given_arrivals(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "name,teams,languages,skills,capacity,begins,ends\n"
        "Ada,Care,en,,2,0,24\n"
        "Ben,Billing=billing+account;Care,en de,money:3,3,8,16\n"
    )
    arrivals = tmp_path / "arrivals.csv"
    lines = [
        f"2026-03-02 0{hour}:{minute:02}:00 +0000,a{hour}{minute},Where is my parcel? It is late!"
        for hour in (8, 9)
        for minute in range(0, 60, 6)
    ]
    arrivals.write_text("created_at,author,text\n" + "\n".join(lines) + "\n")
    output = told(str(arrivals), "--roster", str(roster), "--weight", "x=2")
    assert "20 messages, 20 cases, 2 agents" in output
    assert number(output, "given to an agent") == "20 of 20"
    assert number(output, "fullest") == "100%", "Ada has room for one case of two places, Ben too"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "lacks the columns created_at, text"),
        ("created_at,text\nyesterday,Hello\n", "Line 2: created_at must be a time"),
        ("created_at,text\n", "There are no arrivals"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "arrivals.csv"
    file.write_text(text)
    result = CliRunner().invoke(routing, [str(file)])
    assert result.exit_code == 1
    assert words in result.output


def test_gini() -> None:
    assert gini([1, 1, 1, 1]) == pytest.approx(0)
    assert gini([0, 0, 0, 1]) == pytest.approx(0.75)
    assert gini([]) == gini([0, 0]) == 0


def arrivals_of(chance: random.Random, count: int) -> list[Arrival]:
    at, found = START, []
    for _ in range(count):
        at += chance.expovariate(1) * MINUTE
        found.append(
            Arrival(
                at,
                f"author {chance.randrange(count)}",
                chance.choice(["billing", "delivery", "technical", "other"]),
                chance.choice(["x", "chat"]),
                chance.choice(["", "en", "de", "fi"]),
                urgency=chance.random(),
                minutes=chance.uniform(1, 30),
            )
        )
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 12), st.integers(1, 3))
def test_whatever_the_roster_nobody_waits_for_ever_and_nobody_is_overfull(seed: int, agents: int, heavy: int) -> None:
    chance = random.Random(seed)
    desks, workers = made_up(agents * 3, seed, ["en", "de"])
    for worker in workers:
        worker.seat.skills = {"money": 2}
    figures = Days(desks, workers, parlour, {"chat": heavy}).run(arrivals_of(chance, 80))
    assert figures.given == figures.cases
    assert figures.matched == 1
    assert figures.fullest <= 1
    assert all(worker.seat.load == 0 for worker in workers)


def test_most_pressing_first_and_nobody_overtaken_for_ever() -> None:
    """One agent with one place, and a customer every four minutes who presses more than the first one: five days of them."""
    seat = Seat(1, "Ada", 1, 0, frozenset({1}))
    stream = [
        Arrival(START + 4 * number * MINUTE, f"loud {number}", "other", "x", urgency=1.0, minutes=4)
        for number in range(1800)
    ]
    busy = Arrival(START - MINUTE, "before", "other", "x", minutes=8)
    quiet = Arrival(START - MINUTE / 2, "quiet", "other", "x", minutes=4)
    days = Days([Desk(1, "Care")], [Worker(seat)], parlour, {})
    days.run([busy, quiet, *stream])
    (waited,) = (one for one in days.works if one.arrival is quiet)
    assert waited.given_at is not None
    assert timedelta(hours=1) < waited.given_at - quiet.at < timedelta(days=3, hours=2)
    first = [one.arrival.author for one in sorted(days.works, key=lambda one: one.given_at or START)][1]
    assert first == "loud 0"


def test_plain_turns_overfill_where_parlour_does_not() -> None:
    desks, workers = made_up(6, 3, ["en"])
    coming = arrivals_of(random.Random(5), 150)
    ours = Days(desks, deepcopy(workers), parlour, {}).run(coming)
    plain = Days(desks, deepcopy(workers), round_robin, {}).run(coming)
    assert ours.fullest <= 1 < plain.fullest
