"""Waiting for the log's horizon.

PostgreSQL's horizon is that of the whole server: the tests of another worker, in a database of their own, hold it back while they have
a transaction open. Lines that are to be there come late then; lines that must not be there stay away all the same.
"""

from __future__ import annotations

import time

from parlour.spine import queries
from parlour.spine.models import Event
from parlour.spine.queries import Position

PATIENCE_SECONDS = 20.0
_STEP_SECONDS = 0.02


def lines_after(position: Position, count: int) -> list[Event]:
    """What ``queries.after`` gives once it gives ``count`` lines or more, or when patience is over."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(lines := queries.after(position)) < count and time.monotonic() < until:
        time.sleep(_STEP_SECONDS)
    return lines


def wait_until_settled() -> None:
    """Return when the log's end is its last line. Raises AssertionError when patience is over."""
    until = time.monotonic() + PATIENCE_SECONDS
    while queries.unsettled(queries.end()):
        assert time.monotonic() < until, "The log did not settle."
        time.sleep(_STEP_SECONDS)
