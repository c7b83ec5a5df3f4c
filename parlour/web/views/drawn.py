"""Rows of the queue drawn once for all desks: after a change hundreds of them ask for the same tab in the same second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.template.loader import render_to_string
from markupsafe import Markup

from parlour.cases import queries as cases
from parlour.spine import queries as spine
from parlour.spine.queries import Position
from parlour.staff.models import Agent
from parlour.web.views import parts

LASTS = 2.0
"""Seconds a drawing may be shown: what it says about time grows old even while nothing happens."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A tab as it stood at one place of the event log."""

    at: Position
    drawn: float
    rows: Markup
    counts: dict[str, int]
    """Of the tabs that are the same for everybody."""


class Drawings:
    """The latest drawing of each tab that shows the same to everybody who may read."""

    def __init__(self) -> None:
        self._drawings: dict[tuple[str, int], Drawing] = {}
        self._lock = Lock()

    def queue(self, agent: Agent, tab: str, limit: int, since: Position) -> dict[str, Any]:
        """What ``parts.queue`` and ``parts.frame`` give for a tab, its rows drawn already.

        The drawing holds at least what the log tells up to ``since``. Raises Denied.
        """
        mine = cases.tab_counts(agent, ("mine",))
        # One desk draws while the others wait for its drawing.
        with self._lock:
            drawing = self._drawings.get((tab, limit))
            if drawing is None or drawing.at < since or time.monotonic() - drawing.drawn > LASTS:
                drawing = self._drawings[tab, limit] = _draw(agent, tab, limit)
        shown = parts.tab_shown(tab, "") | {"rows": drawing.rows, "drawn": drawing.rows}
        return parts.frame(agent, drawing.counts | mine) | shown

    def clear(self) -> None:
        with self._lock:
            self._drawings.clear()


def _draw(agent: Agent, tab: str, limit: int) -> Drawing:
    # The place first: what happens while the rows are read may be in them, but is not promised.
    at, began = spine.end(), time.monotonic()
    counts = cases.tab_counts(agent, tuple(one for one in cases.COUNTED_TABS if one != "mine"))
    shown = parts.queue(agent, tab, "", limit=limit)
    return Drawing(at, began, Markup(render_to_string("parts/rows.html", shown)), counts)  # noqa: S704 - our own template


drawings = Drawings()
