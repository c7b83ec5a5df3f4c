"""(f) Clocks: what is due costs, what runs does not; and how soon a broken promise is told."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import inside
from benchmarks.figures import Figure, percentile
from benchmarks.options import Options

FEW = 5_000
PROPORTION = 1.5
"""How much more the same due clocks may cost with twenty times as many running."""
SECOND = 1.0


def run(options: Options) -> list[Figure]:
    many = 40_000 if options.quick else 100_000
    asked = {"few": FEW, "many": many, "rounds": 3 if options.quick else 5, "lags": 100}
    with tempfile.TemporaryDirectory(prefix="parlour-clocks-") as folder:
        told = inside.call("benchmarks.clocks_inside", asked, inside.environment(Path(folder)))
    each = 1e6 * told["due_many"] / told["due"]
    size = f"{told['due']} due of {many:,} running"
    return [
        Figure(
            "clocks",
            f"cost of the same due clocks, {many:,} running against {FEW:,}",
            told["due_many"] / told["due_few"],
            "ratio",
            PROPORTION,
            "at most",
            note=size,
        ),
        Figure("clocks", "a promise that breaks, told and judged anew", each, "µs", note=size),
        Figure("clocks", f"a look while nothing is due, {many:,} running", 1e6 * told["idle_many"], "µs"),
        Figure("clocks", f"a look while nothing is due, {FEW:,} running", 1e6 * told["idle_few"], "µs"),
        Figure("clocks", "from due to told, median", percentile(told["lags"], 0.5), "s", SECOND, "at most"),
        Figure(
            "clocks",
            "from due to told, the latest",
            max(told["lags"]),
            "s",
            SECOND,
            "at most",
            note=f"of {asked['lags']}",
        ),
    ]
