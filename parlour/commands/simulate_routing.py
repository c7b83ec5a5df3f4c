"""Recorded or made-up arrivals against a roster, routed by the product and by plain turns, in one table."""

from __future__ import annotations

import csv
import gzip
import io
import math
import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from parlour.commands import simulated_days
from parlour.commands.simulated_days import Arrival, Days, Figures, Worker
from parlour.lib import clock
from parlour.playground.scenes import SCENES
from parlour.policy.routing.decide import Desk, Seat
from parlour.staff.actions import checked_languages, checked_skills
from parlour.understanding.queries import annotate

ANSWER_MINUTES, SPREAD = 4.0, 0.6
"""The median time an answer takes, and how far (lognormal) others lie from it."""
AT_ONCE = 512
_OFFSET = re.compile(r" ([+-]\d\d):?(\d\d)$")


class Unreadable(ValueError):
    """A file is not what it should be; the text says what is wrong."""


@click.command()
@click.argument("arrivals", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--roster", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV; made up without one."
)
@click.option("--agents", default=24, show_default=True, help="How many agents are made up.")
@click.option("--days", default=3.0, show_default=True, help="How many days of arrivals are made up.")
@click.option("--an-hour", default=60.0, show_default=True, help="How many arrivals an hour are made up.")
@click.option("--weight", "weights", multiple=True, metavar="CHANNEL=PLACES", help="What a case of a channel takes.")
@click.option("--most", default=0, help="Only so many arrivals, the first.")
@click.option("--seed", default=1, show_default=True, help="The same numbers for the same seed.")
def routing(
    arrivals: Path | None,
    roster: Path | None,
    agents: int,
    days: float,
    an_hour: float,
    weights: tuple[str, ...],
    most: int,
    seed: int,
) -> None:
    """Route arrivals by the product's own decisions and by plain turns, on a simulated clock.

    ARRIVALS is a CSV or CSV.gz with the columns created_at and text, and where there are such author (or author_id) and inbound; without
    it, customers of the playground are made up. A roster is a CSV with the columns name, teams, languages, skills, capacity, begins and
    ends (hours, UTC); a team is written as name=category+category, an empty list of categories takes the rest. Needs no database.
    """
    if agents < 1 or days <= 0 or an_hour <= 0:
        raise click.ClickException("There must be an agent, a day and an arrival.")
    try:
        coming = list(read(arrivals, seed) if arrivals else make_up(days, an_hour, seed))
        coming = sorted(coming, key=lambda one: one.at)[: most or None]
        if not coming:
            raise Unreadable("There are no arrivals.")
        places = _places(weights)
        spoken = _spoken(coming)
        desks, workers = read_roster(roster) if roster else simulated_days.made_up(agents, seed, spoken)
    except (Unreadable, ValueError) as error:
        raise click.ClickException(str(error)) from error
    ways: dict[str, simulated_days.Giver] = {
        "Parlour": simulated_days.parlour,
        "plain turns": simulated_days.round_robin,
    }
    found = {name: Days(desks, deepcopy(workers), give, places).run(coming) for name, give in ways.items()}
    _tell(found, len(coming), len(workers))


def _places(weights: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for one in weights:
        channel, _, number = one.partition("=")
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:3]) <= 20):
            raise Unreadable(f"--weight takes CHANNEL=PLACES from 1 to 20, not {one!r}.")
        places[channel] = int(number)
    return places


def _spoken(coming: Sequence[Arrival]) -> list[str]:
    """The languages that at least one arrival in two hundred is in: a roster has somebody for those."""
    counts: dict[str, int] = {}
    for one in coming:
        counts[one.language] = counts.get(one.language, 0) + 1
    return sorted(language for language, count in counts.items() if language and count * 200 >= len(coming))


def read(path: Path, seed: int) -> Iterator[Arrival]:
    """The customers' words of a file, read by understanding. Raises Unreadable."""
    csv.field_size_limit(1_000_000)
    chance = random.Random(seed)
    try:
        raw = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed by the wrapper
        with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if missing := {"created_at", "text"} - set(rows.fieldnames or ()):
                raise Unreadable(f"{path.name} lacks the columns {', '.join(sorted(missing))}.")
            spoken = [_said(row, number) for number, row in enumerate(rows, 2)]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from error
    yield from _understood([one for one in spoken if one is not None], chance)


Said = tuple[datetime, str, str, str]
"""When, who, on which channel, what."""


def _said(row: dict[str, str], number: int) -> Said | None:
    if (row.get("inbound") or "true").lower() in ("false", "0"):
        return None
    try:
        at = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", row["created_at"].strip()))
    except (ValueError, AttributeError, TypeError) as error:
        raise Unreadable(f"Line {number}: created_at must be a time such as 2015-02-16 23:36:05 -0800.") from error
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at, row.get("author") or row.get("author_id") or str(number), row.get("channel") or "x", row["text"] or ""


def make_up(days: float, an_hour: float, seed: int) -> Iterator[Arrival]:
    """Customers of the playground: busy by day, quiet by night."""
    chance = random.Random(seed)
    begin = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    at, spoken, number = begin, list[Said](), 0
    while at < begin + timedelta(days=days):
        at += timedelta(hours=chance.expovariate(an_hour * 2))
        # Between a tenth and all of the highest rate, highest at three in the afternoon.
        if chance.random() > 0.55 + 0.45 * math.cos((at.hour + at.minute / 60 - 15) / 24 * 2 * math.pi):
            continue
        scene = chance.choices(SCENES, [one.weight for one in SCENES])[0]
        number += 1
        spoken.append((at, f"customer {number}", scene.platform, " ".join(say.text for say in scene.opening)))
    yield from _understood(spoken, chance)


def _understood(spoken: Sequence[Said], chance: random.Random) -> Iterator[Arrival]:
    for start in range(0, len(spoken), AT_ONCE):
        some = spoken[start : start + AT_ONCE]
        for (at, author, channel, _), thought in zip(some, annotate([one[3] for one in some]), strict=True):
            if not thought.actionable:
                continue
            yield Arrival(
                at=at,
                author=author,
                category=thought.category,
                channel=channel,
                language=thought.language,
                urgency=thought.urgency,
                sentiment=thought.sentiment,
                intent=thought.intent,
                minutes=min(60.0, chance.lognormvariate(math.log(ANSWER_MINUTES), SPREAD)),
            )


def read_roster(path: Path) -> tuple[list[Desk], list[Worker]]:
    """Teams and agents of a CSV. Raises Unreadable, or ValueError for a skill or a language that cannot be."""
    desks: dict[str, Desk] = {}
    workers = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 1):
                workers.append(_worker(number, row, desks))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable(
            f"{path.name} needs the columns name, teams, languages, skills, capacity, begins, ends."
        ) from error
    if not workers:
        raise Unreadable(f"{path.name} names nobody.")
    return list(desks.values()), workers


def _worker(number: int, row: dict[str, str], desks: dict[str, Desk]) -> Worker:
    teams = set()
    for one in filter(None, re.split(r"[;\s]+", row["teams"])):
        name, _, categories = one.partition("=")
        if name not in desks:
            desks[name] = Desk(len(desks) + 1, name, frozenset(filter(None, categories.split("+"))))
        teams.add(desks[name].id)
    skills = dict(part.partition(":")[::2] for part in re.split(r"[;\s]+", row["skills"]) if part)
    seat = Seat(
        id=number,
        name=row["name"],
        capacity=_number(row, "capacity", 10_000),
        load=0,
        teams=frozenset(teams),
        languages=frozenset(checked_languages(re.split(r"[;\s]+", row["languages"]))),
        skills=checked_skills({skill: int(level) if level.isdigit() else 1 for skill, level in skills.items()}),
    )
    return Worker(seat, float(_number(row, "begins", 24)), float(_number(row, "ends", 24)))


def _number(row: dict[str, str], name: str, most: int) -> int:
    value = row[name].strip()
    if not (value.isascii() and value.isdigit() and int(value[:6]) <= most):
        raise Unreadable(f"{row['name']}: {name} must be a number from 0 to {most:,}, not {value[:20]!r}.")
    return int(value)


def _tell(found: dict[str, Figures], arrivals: int, agents: int) -> None:
    first = next(iter(found.values()))
    table = Table(title=f"{arrivals:,} messages, {first.cases:,} cases, {agents} agents")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    lines: list[tuple[str, Callable[[Figures], str]]] = [
        ("given to an agent", lambda one: f"{one.given:,} of {one.cases:,}"),
        ("minutes until given: median", lambda one: f"{one.median_wait:,.1f}"),
        ("minutes until given: 95 of 100", lambda one: f"{one.slow_wait:,.1f}"),
        ("minutes until given: longest", lambda one: f"{one.longest_wait:,.1f}"),
        ("minutes until answered: median", lambda one: f"{one.median_answer:,.1f}"),
        ("minutes until answered: 95 of 100", lambda one: f"{one.slow_answer:,.1f}"),
        ("answered within the hour promised", lambda one: f"{one.within_promise:.1%}"),
        ("occupancy", lambda one: f"{one.occupancy:.1%}"),
        ("inequality of work (Gini)", lambda one: f"{one.gini:.3f}"),
        ("language and skill match", lambda one: f"{one.matched:.1%}"),
        ("fullest anybody was, of capacity", lambda one: f"{one.fullest:.0%}"),
        ("waits for ever", lambda one: f"{one.cases - one.given:,}"),
    ]
    for words, read_off in lines:
        table.add_row(words, *(read_off(figures) for figures in found.values()))
    Console(width=100).print(table)
