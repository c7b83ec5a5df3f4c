"""(c) Server time of the desk's pages and the API's lists at 1,000,000 cases against 10,000.

Two processes serve the same pages of two seeded databases and are asked in turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from benchmarks import inside
from benchmarks.figures import Figure, middle, percentile
from benchmarks.options import Options
from tests.postgres import new_database, server

SMALL, LARGE, QUICK_LARGE = 10_000, 1_000_000, 100_000
DATA = Path(os.environ.get("PARLOUR_BENCH_DATA", "/tmp/parlour-bench"))
ROOM = {LARGE: 7 * 1024**3}
RATIO, MEDIAN = 1.5, 30.0
PROMISED = ("queue", "case")
"""The promise is about the queue page and the case page; searches and the API's lists are only told."""


@dataclass
class Serving:
    """One process serving one database."""

    process: subprocess.Popen[bytes]
    into: IO[bytes]
    out: IO[bytes]
    names: list[str]
    ms: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def ask(self, **asked: Any) -> Any:
        self.into.write(orjson.dumps(asked) + b"\n")
        self.into.flush()
        line = self.out.readline()
        if not line:
            sys.exit("A page could not be served.")
        return orjson.loads(line)

    def measure(self, name: str, times: int) -> None:
        told = self.ask(page=name, times=times)
        self.ms.setdefault(name, []).extend(told["ms"])
        self.cpu.setdefault(name, []).extend(told["cpu"])
        self.rows[name] = told["rows"]


def _edition() -> str:
    """Changes when the schema or the seed does."""
    root = Path(__file__).resolve().parent
    sources = [root / "seed.py", *sorted((root.parent / "parlour").glob("*/migrations/*.py"))]
    return hashlib.sha256(b"".join(one.read_bytes() for one in sources)).hexdigest()[:16]


def seeded(cases: int, url: str) -> tuple[dict[str, str], dict[str, Any]]:
    """A database of ``cases`` cases: the settings to reach it and what the seed told. One on SQLite is kept for the next run."""
    folder = DATA / f"{'postgresql' if url else 'sqlite'}-{cases}"
    note = folder / "seeded.json"
    settings = inside.environment(folder, url)
    if not url and note.is_file():
        told: dict[str, Any] = orjson.loads(note.read_bytes())
        if told["edition"] == _edition():
            return settings, told
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if shutil.disk_usage(folder).free < ROOM.get(cases, 1024**3):
        sys.exit(f"{folder} has no room for {cases:,} cases; name another folder in PARLOUR_BENCH_DATA.")
    began = time.monotonic()
    told = inside.call("benchmarks.seed", {"cases": cases}, settings) | {"edition": _edition()}
    print(f"pages: seeded {cases:,} cases in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    note.write_bytes(orjson.dumps(told))
    return settings, told


@contextmanager
def serving(cases: int, url: str) -> Iterator[Serving]:
    settings, told = seeded(cases, url)
    line = [sys.executable, "-m", "benchmarks.pages_inside", orjson.dumps(told).decode()]
    with subprocess.Popen(line, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line_of_names = process.stdout.readline()
        if not line_of_names:
            sys.exit("The pages could not be served.")
        try:
            yield Serving(process, process.stdin, process.stdout, orjson.loads(line_of_names))
        finally:
            process.stdin.close()


def compare(label: str, url: str, options: Options) -> list[Figure]:
    large_size = QUICK_LARGE if options.quick else LARGE
    urls = [new_database(url, f"bench_{size}") if url else "" for size in (SMALL, large_size)]
    with serving(SMALL, urls[0]) as small, serving(large_size, urls[1]) as large:
        for name in small.names:
            for one in (small, large):
                one.ask(page=name, times=3)
        for _ in range(4 if options.quick else 8):
            for name in small.names:
                for one in (small, large):
                    one.measure(name, 5)
        figures = [figure for name in small.names for figure in _figures(label, name, small, large)]
        if options.profile:
            _explain(label, small, large)
    return figures


def _figures(label: str, name: str, small: Serving, large: Serving) -> list[Figure]:
    little, much = middle(small.ms[name]), middle(large.ms[name])
    promised = name.startswith(PROMISED)
    told = f"{little:.1f} ms small; p95 {percentile(large.ms[name], 0.95):.1f} ms; {middle(large.cpu[name]):.1f} ms of processor"
    ratio, median = (RATIO, MEDIAN) if promised else (None, None)
    return [
        Figure("pages", f"{label}, {name}", much / little, "ratio", ratio, "at most"),
        Figure("pages", f"{label}, {name}, median", much, "ms", median, "at most", note=told),
    ]


def _explain(label: str, small: Serving, large: Serving) -> None:
    print(f"\n{label}: the slowest statement of each page")
    for name in small.names:
        before, after = small.ask(explain=name), large.ask(explain=name)
        worst = after["slowest"]
        print(f"\n{name}: {after['queries']} statements, {before['ms']:.2f} -> {after['ms']:.2f} ms of SQL;", end=" ")
        print(f"slowest {before['slowest']['ms']:.2f} -> {worst['ms']:.2f} ms\n  {worst['sql'][:600]}")
        for step in worst["plan"]:
            print(f"    {step}")


def run(options: Options) -> list[Figure]:
    figures = compare("SQLite", "", options)
    if options.postgres:
        with server(durable=False) as url:
            figures += compare("PostgreSQL", url, options)
    return figures
