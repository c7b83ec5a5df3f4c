"""``python -m benchmarks [door road parse pages live clocks]``: measure, print a table, write benchmarks/last.json.

The exit status is 1 when a promised ratio is broken; absolute numbers depend on the machine and are only told.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import clocks, door, live, moderation, pages, parse, road, rules
from benchmarks.figures import Figure, keep, machine, show, write_page
from benchmarks.options import Options

BENCHES = {
    "door": door.run,
    "road": road.run,
    "parse": parse.run,
    "moderation": moderation.run,
    "pages": pages.run,
    "live": live.run,
    "rules": rules.run,
    "clocks": clocks.run,
}


def main() -> int:
    asked = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure what docs/PERFORMANCE.md tells of."
    )
    asked.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHES)}; all of them by default")
    asked.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds")
    asked.add_argument("--profile", action="store_true", help="also say where the time goes (the numbers suffer)")
    asked.add_argument("--postgres", action="store_true", help="pages on PostgreSQL, too (seeds 4 GB anew each time)")
    asked.add_argument("--write", action="store_true", help="put the table into docs/PERFORMANCE.md")
    given = asked.parse_args()
    if unknown := [name for name in given.names if name not in BENCHES]:
        asked.error(f"There is no {' and no '.join(unknown)}; choose of {', '.join(BENCHES)}.")
    options = Options(given.quick, given.profile, given.postgres)
    about, figures = machine(), list[Figure]()
    for name in given.names or BENCHES:
        began = time.monotonic()
        figures += BENCHES[name](options)
        print(f"{name}: measured in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    show(figures)
    keep(figures, about)
    if given.write:
        write_page(figures, about)
    return 1 if any(one.fails for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
