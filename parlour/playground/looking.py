"""When the desk looks at the platforms that must be asked: sooner here than in life, and at once when somebody wants it.

In life a feed or a store's reviews are asked for every five minutes. Whoever tries the desk should not wait that long.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection

from parlour.channels import queries, registry
from parlour.lib import clock
from parlour.playground.standin import StandIn
from parlour.playground.wires import BRAND
from parlour.traffic import polling

log = logging.getLogger(__name__)

NEWS_SECONDS = 20.0
"""A platform with news is looked at this often; the stores' own limits (200 times an hour) are kept so."""
PAUSE = 1.0


class Looks:
    """Watches the desk's inboxes in a thread of its own. ``left`` and ``soon`` may be called from anywhere."""

    def __init__(self, places: Mapping[str, StandIn]) -> None:
        self.places = places
        self._next: dict[str, datetime] = {}
        """Channel -> when the desk looks next."""
        self._known: dict[str, int] = {}
        """Channel -> what its customers had said when it was last looked at because of it."""
        self._wanted: set[str] = set()
        self._wake = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="looks", daemon=True).start()

    def left(self, place: StandIn) -> int | None:
        """Seconds until the desk looks at a place by itself; None where it is told at once, or has no inbox."""
        due = self._next.get(place.channels[0])
        return None if due is None else max(0, round((due - clock.now()).total_seconds()))

    def soon(self, place: StandIn) -> None:
        """Let the desk look now."""
        self._wanted |= set(place.channels)
        self._wake.set()

    def _watch(self) -> None:
        while True:
            self._wake.wait(PAUSE)
            self._wake.clear()
            try:
                self.look()
            except Exception:
                log.exception("The desk could not be asked to look at the playground's platforms.")
            finally:
                connection.close()

    def look(self) -> None:
        """Note when each inbox is polled next, and bring forward those that are wanted or have news."""
        asked = {place.channels[0]: place for place in self.places.values() if not place.targets()}
        found = queries.inboxes().filter(brand__name=BRAND, channel__in=asked, name__startswith=f"{BRAND} on ")
        sooner = []
        for pk, channel, polled_at in found.values_list("pk", "channel", "polled_at"):
            seconds = registry.get(channel).capabilities.poll_seconds
            if seconds is None:
                continue
            now, news = clock.now(), _said(asked[channel])
            looked = polled_at or now - timedelta(seconds=seconds)
            fresh = news != self._known.get(channel)
            due = looked + timedelta(seconds=min(seconds, NEWS_SECONDS) if fresh else seconds)
            if channel in self._wanted or (fresh and due <= now):
                self._wanted.discard(channel)
                self._known[channel], due = news, now
                sooner.append(pk)
            self._next[channel] = due
        if sooner:
            polling.soon(sooner)


def _said(place: StandIn) -> int:
    """A number that changes whenever a customer says, changes or deletes something."""
    return hash(tuple((one.id, one.text, one.removed) for one in list(place.words.values()) if not one.by_brand))
