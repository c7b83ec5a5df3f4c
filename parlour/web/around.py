"""What stands around every page: how many cases each tab holds, and what everybody should know. What is the same for all is read once
for all desks, as long as nothing happens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from parlour.cases import queries as cases
from parlour.channels import queries as channels
from parlour.channels.models import Inbox
from parlour.policy.incidents import approving
from parlour.policy.incidents import queries as incidents
from parlour.policy.incidents.models import Incident
from parlour.policy.moderation import queries as moderation
from parlour.policy.routing import queries as routing
from parlour.policy.routing.queries import Rules
from parlour.policy.service_levels import queries as service_levels
from parlour.spine import queries as spine
from parlour.spine.queries import Position
from parlour.staff import queries as staff
from parlour.staff.models import Agent, Team
from parlour.understanding import categories
from parlour.understanding.categories import Tree

LASTS = 2.0
"""Seconds it may be shown while nothing happens: promises come due by themselves."""
COMMON = tuple(tab for tab in cases.COUNTED_TABS if tab != "mine")


@dataclass(frozen=True)
class Around:
    """As things stood at one place of the event log. Counts go up to ``cases.COUNT_CAP``."""

    at: Position
    read: float
    counts: dict[str, int]
    """Of the tabs that are the same for everybody; ``awaiting``: answers that wait for approval, one to
    everybody as one; ``told``: what targets have told team
    leads of and none has seen; ``held``: messages that wait for a look of moderation."""
    ailing: Sequence[Inbox]
    incidents: Sequence[Incident]
    """Those that run, newest first."""

    # Read when a page first needs them.

    @cached_property
    def agents(self) -> Sequence[Agent]:
        return tuple(staff.agents())

    @cached_property
    def teams(self) -> Sequence[Team]:
        return tuple(staff.teams())

    @cached_property
    def rules(self) -> Rules:
        return routing.rules()

    @cached_property
    def _trees(self) -> dict[int, Tree]:
        return {}

    def tree(self, brand_id: int) -> Tree:
        """The categories of a brand."""
        found = self._trees.get(brand_id)
        if found is None:
            found = self._trees[brand_id] = categories.tree(brand_id)
        return found


_latest: Around | None = None


def around(agent: Agent) -> Around:
    """What is the same for everybody who may read. Raises Denied."""
    global _latest
    # The place first: what happens while it is read may be in it, but is not promised.
    at, now = spine.end(), time.monotonic()
    latest = _latest
    if latest is None or latest.at != at or now - latest.read > LASTS:
        awaiting = cases.awaiting()[: cases.COUNT_CAP].count() + approving.waiting_count()
        numbers = cases.tab_counts(agent, COMMON) | {"awaiting": awaiting}
        numbers |= {"held": moderation.held_count(), "told": service_levels.notices_count(cases.COUNT_CAP)}
        _latest = latest = Around(at, now, numbers, channels.ailing(), incidents.running())
    return latest


def forget() -> None:
    """Read anew; for tests, which put rows in without telling the log."""
    global _latest
    _latest = None
