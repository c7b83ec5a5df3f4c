"""(f) Rules: what 200 of them cost on the road, and how long one takes to be tried on a million messages."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import inside
from benchmarks.figures import Figure
from benchmarks.options import Options


def run(options: Options) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="parlour-rules-") as folder:
        asked = {
            "count": 6_000 if options.quick else 24_000,
            "rules": 200,
            "past": 200_000 if options.quick else 1_000_000,
        }
        told = inside.call("benchmarks.rules_inside", asked, inside.environment(Path(folder)))
    handled = told["handled"]
    share = told["asking"] / told["road"]
    figures = [
        Figure(
            "rules",
            f"share of the road that asking {asked['rules']} rules takes",
            share,
            "ratio",
            0.15,
            "at most",
            note=f"{told['asking'] / handled * 1e6:.0f} µs a message; {told['fired']:,} firings on {handled:,} messages",
        )
    ]
    for name, one in told["tried"].items():
        note = f"{one['looked']:,} messages looked at, {one['matched']:,} found"
        figures.append(
            Figure("rules", f"a rule about {name} tried on past traffic", one["seconds"], "s", 10.0, "at most", note)
        )
    return figures
