"""(a) Durable accepts a second with 64 connections: Parlour's door against a bare application, in turns on the same machine."""

from __future__ import annotations

import os
import pstats
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg

from benchmarks.figures import Figure, middle
from benchmarks.options import Options
from tests.desk import SECRET, Desk, free_port
from tests.postgres import new_database, server

CONNECTIONS = 64
PAGE = "448242228374517"
PROMISE = 0.60


@dataclass(frozen=True, slots=True)
class Contender:
    """A running application and where to knock."""

    name: str
    port: int
    path: str
    database: str
    table: str
    process: int

    def spent(self) -> float:
        """Seconds of the processor its process has had; 0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stored(self) -> int:
        """Rows in its table."""
        question = f"SELECT count(*) FROM {self.table}"
        if self.database.startswith("postgresql:"):
            with psycopg.connect(self.database) as connection:
                row = connection.execute(question).fetchone()
        else:
            row = sqlite3.connect(self.database).execute(question).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def running(which: str, folder: Path, url: str, key: str, profile: Path | None) -> Iterator[tuple[int, int]]:
    """One application in a process of its own; gives its port and the process's id."""
    port = free_port()
    environment = os.environ | {
        "PARLOUR_PORT": str(port),
        "PARLOUR_DATA": str(folder),
        "PARLOUR_SECRET": SECRET,
        "DATABASE_URL": url,
        "BENCH_SECRET": key,
        "BENCH_PROFILE": str(profile or ""),
    }
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.serve", which], env=environment)
    try:
        for _ in range(400):
            if process.poll() is not None:
                sys.exit(f"The application “{which}” did not start.")
            try:
                httpx.get(f"http://127.0.0.1:{port}/in/", timeout=2, trust_env=False)
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def load(one: Contender, key: str, seconds: float) -> dict[str, Any]:
    """One round of the client."""
    asked = {
        "port": one.port,
        "path": one.path,
        "secret": key,
        "page": PAGE,
        "connections": CONNECTIONS,
        "warm": 0.5,
        "seconds": seconds,
    }
    line = [sys.executable, "-m", "benchmarks.client", orjson.dumps(asked).decode()]
    before = one.spent()
    told: dict[str, Any] = orjson.loads(
        subprocess.run(line, stdout=subprocess.PIPE, check=True, timeout=60 + seconds * 3).stdout
    )
    if told["refused"]:
        sys.exit(f"{one.name} refused {told['refused']} of the events.")
    return told | {"cost": (one.spent() - before) / max(1, told["accepted"]) * 1e6}


def compare(label: str, folder: Path, postgres: str | None, options: Options) -> list[Figure]:
    """Rounds in turns on one database."""
    key = secrets.token_hex(16)
    rounds, seconds = (3, 2.0) if options.quick else (5, 4.0)
    ours_url = new_database(postgres, "bench_parlour") if postgres else ""
    bare_url = new_database(postgres, "bench_bare") if postgres else ""
    desk = Desk(folder, ours_url or None)
    desk.cli("migrate")
    inbox = desk.add_inbox("messenger", page_id=PAGE, app_secret=key, verify_token="v", access_token="a")
    profile = folder / "profile" if options.profile else None
    with ExitStack() as stack:
        bare_port, bare_process = stack.enter_context(running("bare", folder, bare_url, key, None))
        ours_port, ours_process = stack.enter_context(running("parlour", folder, ours_url, key, profile))
        bare = Contender("bare", bare_port, "/in", bare_url or str(folder / "bare.sqlite3"), "arrival", bare_process)
        ours_file = ours_url or str(folder / "parlour.sqlite3")
        ours = Contender("parlour", ours_port, inbox["webhook_path"], ours_file, "traffic_arrival", ours_process)
        told: dict[str, list[dict[str, Any]]] = {"bare": [], "parlour": []}
        for _ in range(rounds):
            for one in (bare, ours):
                told[one.name].append(load(one, key, seconds))
        for one in (bare, ours):
            accepted = sum(round_["accepted"] for round_ in told[one.name])
            if one.stored() != accepted:
                sys.exit(f"{one.name} answered {accepted} events with 200 and stored {one.stored()}.")
    if profile:
        print(f"\nThe door on {label}: where the event loop's thread spends its time")
        pstats.Stats(str(profile)).sort_stats("tottime").print_stats(25)
    return _figures(label, told)


def _figures(label: str, told: dict[str, list[dict[str, Any]]]) -> list[Figure]:
    ratios = [ours["accepts"] / bare["accepts"] for ours, bare in zip(told["parlour"], told["bare"], strict=True)]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} rounds"

    def mid(name: str, what: str) -> float:
        return middle([round_[what] for round_ in told[name]])

    return [
        Figure("door", f"{label}: parlour against bare", middle(ratios), "ratio", PROMISE, note=spread),
        Figure("door", f"{label}: parlour, durable accepts", mid("parlour", "accepts"), "/s"),
        Figure("door", f"{label}: bare, durable accepts", mid("bare", "accepts"), "/s"),
        Figure("door", f"{label}: parlour, processor for an accept", mid("parlour", "cost"), "µs"),
        Figure("door", f"{label}: bare, processor for an accept", mid("bare", "cost"), "µs"),
        Figure("door", f"{label}: parlour, time to answer, median", mid("parlour", "p50"), "ms"),
        Figure("door", f"{label}: parlour, time to answer, p99", mid("parlour", "p99"), "ms"),
        Figure("door", f"{label}: bare, time to answer, p99", mid("bare", "p99"), "ms"),
    ]


def run(options: Options) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="parlour-door-") as folder, server(durable=True) as postgres:
        figures = []
        for label, url in (("SQLite", None), ("PostgreSQL", postgres)):
            place = Path(folder) / label
            place.mkdir()
            figures += compare(label, place, url, options)
        return figures
