"""(b) From a stored arrival to a routed case: one worker on SQLite."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import inside
from benchmarks.figures import Figure, middle
from benchmarks.options import Options

PROMISE = 1_500.0
FIRST = 64
"""Handled before the clock starts."""


def run(options: Options) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="parlour-road-") as folder:
        asked = {"count": 6_000 if options.quick else 24_000, "profile": options.profile}
        told = inside.call("benchmarks.road_inside", asked, inside.environment(Path(folder)))
    came = told["outcome"]
    if came.get("done") != told["stored"]:
        sys.exit(f"Of {told['stored']} arrivals only {came.get('done', 0)} are done: {came}.")
    handled = told["stored"] - FIRST
    speed, calibrated = handled / told["seconds"], middle(told["speeds"])
    whole = sum(told["steps"].values())
    size = f"{told['stored']:,} arrivals, {came['cases']:,} cases, {came['routed']:,} with a team"
    figures = [
        Figure("road", "messages from arrival to routed case", speed, "/s", PROMISE, note=size),
        Figure("road", "messages for a second of the processor", handled / told["cpu"], "/s"),
        Figure(
            "road", "calibration loop, turns", calibrated, "/s", note="plain Python and SQLite, just before and after"
        ),
        Figure(
            "road",
            "messages for 100 turns of the loop",
            100 * speed / calibrated,
            note="for comparing machines and days",
        ),
    ]
    for step, seconds in sorted(told["steps"].items(), key=lambda one: -one[1]):
        note = f"{seconds / told['stored'] * 1e6:.0f} µs a message"
        figures.append(Figure("road", f"share of {step}", 100 * seconds / whole, "%", note=note))
    return figures
