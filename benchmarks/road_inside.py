"""The process in which ``road`` is measured: a new SQLite database, arrivals stored, then the pipeline until nothing is left."""

from __future__ import annotations

import cProfile
import pstats
import sqlite3
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.inside import answer, begin

TEAMS = {
    "Care": [],
    "Technical": ["technical", "website"],
    "Billing": ["billing", "account"],
    "Orders": ["delivery", "product"],
}
AGENTS = 12


def calibrate() -> float:
    """Turns a second of a fixed loop of plain Python and SQLite: what this core is worth at this moment."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "calibrate.sqlite3", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (id integer PRIMARY KEY, k text UNIQUE, body text)")
        for batch in range(40):
            rows = []
            for number in range(500):
                words = f"message {batch} {number} of a customer who waits".split()
                counted = {word: len(word) for word in words}
                rows.append((f"key-{batch:03}-{number:03}", " ".join(sorted(counted, key=counted.__getitem__)) * 4))
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO t (k, body) VALUES (?, ?)", rows)
            database.execute("COMMIT")
        database.close()
    return 20_000 / (time.perf_counter() - began)


def staff() -> None:
    """Teams, and agents online with room for everything: routing has to choose each time."""
    from parlour.staff import actions
    from parlour.staff.models import Presence

    for name, categories in TEAMS.items():
        actions.set_up_team(name, categories)
    for number in range(AGENTS):
        teams = list(TEAMS)[number % 4 : number % 4 + 2]
        agent = actions.add_agent(f"agent{number}@example.com", f"Agent {number}", teams=teams, capacity=10_000)
        actions.set_presence(agent, Presence.ONLINE)


def store(count: int) -> int:
    from benchmarks import arrivals
    from parlour.traffic.store import insert

    rows, stored = arrivals.rows(arrivals.connect(), count), 0
    while some := list(islice(rows, 1000)):
        insert(some)
        stored += len(some)
    return stored


def travel() -> dict[str, Any]:
    """Handle everything; seconds, seconds of the processor (which a busy machine hardly changes), and seconds by step."""
    from parlour.lib import garbage
    from parlour.traffic import lanes, pipeline

    lanes.prepare()
    pipeline.run("bench", limit=64)  # the models are read, statements prepared
    garbage.settle()  # as a worker does
    timing, began, spent = pipeline.Timing(), time.perf_counter(), time.process_time()
    while pipeline.run("bench", timing):
        pass
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    return {"seconds": seconds, "cpu": cpu, "steps": timing.seconds}


def outcome() -> dict[str, int]:
    from django.db.models import Count

    from parlour.cases.models import Case, Message
    from parlour.traffic.models import Arrival

    states = dict(Arrival.objects.order_by().values_list("state").annotate(Count("id")))
    routed = Case.objects.filter(team__isnull=False).count()
    return {"messages": Message.objects.count(), "cases": Case.objects.count(), "routed": routed, **states}


def main() -> None:
    given = begin()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    staff()
    stored = store(given["count"])
    speeds = [calibrate()]
    profile = cProfile.Profile() if given["profile"] else None
    if profile:
        told = profile.runcall(travel)
        _tell(profile)
    else:
        told = travel()
    speeds.append(calibrate())
    answer({**told, "stored": stored, "speeds": speeds, "outcome": outcome()})


def _tell(profile: cProfile.Profile) -> None:
    for order in ("tottime", "cumtime"):
        pstats.Stats(profile, stream=sys.stderr).sort_stats(order).print_stats(45)


if __name__ == "__main__":
    main()
