"""Measured figures: how they are said in a table, as JSON and in docs/PERFORMANCE.md."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
LAST = HERE / "last.json"
PAGE = HERE.parent / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. ``promise`` bounds it from one side; a broken promise about a ratio fails the run."""

    bench: str
    name: str
    value: float
    unit: str = ""
    promise: float | None = None
    sense: Literal["at least", "at most"] = "at least"
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None where none is given."""
        if self.promise is None:
            return None
        return self.value >= self.promise if self.sense == "at least" else self.value <= self.promise

    @property
    def fails(self) -> bool:
        """Ratios of one run hold on any machine; absolute numbers are only told."""
        return self.kept is False and self.unit == "ratio"

    @property
    def shown(self) -> str:
        digits = 2 if self.unit == "ratio" or abs(self.value) < 10 else 1 if abs(self.value) < 100 else 0
        unit = "" if self.unit == "ratio" else f" {self.unit}"
        return f"{self.value:,.{digits}f}{unit}"

    @property
    def promised(self) -> str:
        if self.promise is None:
            return ""
        verdict = "kept" if self.kept else "BROKEN" if self.fails else "missed here"
        return f"{self.sense} {self.promise:,g}: {verdict}"


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which ``share`` (0..1) of the values stay."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {
        "processor": f"{os.cpu_count()} cores, {model}",
        "memory": f"{int(memory) / 1024**2:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load before": f"{load:.2f}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def show(figures: Sequence[Figure]) -> None:
    """The table, on the terminal."""
    table = Table("bench", "what", "measured", "promised", "note", title="Measured")
    for column in table.columns[2:3]:
        column.justify = "right"
    for one in figures:
        style = "red" if one.fails else "yellow" if one.kept is False else "green" if one.kept else ""
        table.add_row(one.bench, one.name, one.shown, one.promised, one.note, style=style)
    Console(width=None if os.isatty(1) else 150).print(table)


def keep(figures: Sequence[Figure], about: dict[str, str]) -> None:
    """Write them to ``benchmarks/last.json``, which is not committed."""
    told: dict[str, Any] = {"machine": about, "figures": [asdict(one) | {"kept": one.kept} for one in figures]}
    LAST.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")


def write_page(figures: Sequence[Figure], about: dict[str, str], path: Path = PAGE) -> None:
    """Put the table between the two marker lines of docs/PERFORMANCE.md; rows of benches that were not run stay, with their own time.
    Raises ValueError when the lines are not there."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    kept, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} has lost the lines {BEGIN} and {END}.")
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in about.items()), ""]
    lines += ["| bench | what | measured | promised | note | when |", "|---|---|---:|---|---|---|"]
    anew = {one.bench for one in figures}
    lines += [
        row for row in kept.splitlines() if row.count(" | ") == 5 and row.split(" | ")[0][2:] not in {"bench", *anew}
    ]
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M}, load {about['load before']}"
    lines += [f"| {one.bench} | {one.name} | {one.shown} | {one.promised} | {one.note} | {when} |" for one in figures]
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}", encoding="utf-8")
