"""Rows of the queue drawn once for all desks: after a change hundreds of them ask for the same tab in the same second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

from markupsafe import Markup

from parlour.spine import queries as spine
from parlour.spine.queries import Position
from parlour.staff.models import Agent
from parlour.web.around import Around
from parlour.web.views import parts

LASTS = 2.0
"""Seconds a drawing may be shown: what it says about time grows old even while nothing happens."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A tab as it stood at one place of the event log."""

    at: Position
    drawn: float
    rows: Markup
    more: str | None


class Drawings:
    """The latest drawing of each tab that shows the same to everybody who may read."""

    def __init__(self) -> None:
        self._drawings: dict[tuple[str, int], Drawing] = {}
        self._lock = Lock()

    def queue(
        self,
        agent: Agent,
        tab: str,
        limit: int,
        since: Position,
        current: int | None = None,
        shared: Around | None = None,
    ) -> dict[str, Any]:
        """What ``parts.queue`` and ``parts.frame`` give for a tab, with the ``current`` case marked.

        The drawing holds at least what the log tells up to ``since``. Raises Denied.
        """
        frame = parts.frame(agent, shared)
        # One desk draws while the others wait for its drawing.
        with self._lock:
            drawing = self._drawings.get((tab, limit))
            if drawing is None or drawing.at < since or time.monotonic() - drawing.drawn > LASTS:
                drawing = self._drawings[tab, limit] = _draw(agent, tab, limit)
        rows = parts.mark(drawing.rows, tab, "", current)
        return frame | parts.tab_shown(tab, "") | {"rows": rows, "more": drawing.more}

    def clear(self) -> None:
        with self._lock:
            self._drawings.clear()


def beside(agent: Agent, tab: str, q: str, current: int, around: Around) -> dict[str, Any]:
    """The queue beside an open case: as drawn for whoever asked last, if nothing has happened since ``around`` was read."""
    if q or not shared(tab):
        shown = parts.queue(agent, tab, q)
        return parts.frame(agent, around) | shown | {"rows": parts.mark(shown["rows"], tab, q, current)}
    return drawings.queue(agent, tab, parts.PAGE, around.at, current, around)


def shared(tab: str) -> bool:
    """Whether a tab is the same for everybody."""
    return tab != "mine"


def _draw(agent: Agent, tab: str, limit: int) -> Drawing:
    # The place first: what happens while the rows are read may be in them, but is not promised.
    at, began = spine.end(), time.monotonic()
    shown = parts.queue(agent, tab, "", limit=limit)
    return Drawing(at, began, shown["rows"], shown["more"])


drawings = Drawings()
