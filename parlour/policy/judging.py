"""What the steps of policy pass along: open cases under judgement, and the customers' new words that brought them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from parlour.cases.models import Case, Message
from parlour.spine.models import Event

JUDGED = [
    "category",
    "category_by",
    "purpose",
    "purpose_by",
    "tags",
    "level",
    "actionable",
    "waiting_since",
    "priority",
    "priority_reasons",
    "team_id",
    "assignee_id",
    "routing_reason",
    "due_what",
    "response_due_at",
    "response_warn_at",
    "breached_at",
    "look_at",
]
"""What steps may change on a case; it is written once, after the last of them."""


@dataclass(slots=True)
class Judging:
    """A batch on its way through policy. Inside one transaction; the cases are held and carry their brand."""

    cases: list[Case]
    now: datetime
    said: Mapping[int, Sequence[Message]] = field(default_factory=dict)
    """Case -> its customer's messages that are new or were edited, oldest first, as understanding left them; nothing for a case
    that is here because time has passed or somebody has changed it."""
    events: list[Event] = field(default_factory=list)
    """Lines to write with the cases."""
    coming: dict[int, list[datetime]] = field(default_factory=dict)
    """Case -> moments at which something about it will change by itself."""
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """Verbs to do in the same transaction once the cases are saved. A step that will resolve a case takes it out of ``cases``, so that
    those after it leave it alone; it is saved all the same."""

    def tell(self, verb: str, case: Case, message: Message | None = None, **data: object) -> None:
        self.events.append(Event(verb=verb, case_id=case.pk, message_id=message.pk if message else None, data=data))

    def again(self, case: Case, at: datetime | None) -> None:
        """Look at the case again at ``at``; None and the past say nothing."""
        if at is not None and at > self.now:
            self.coming.setdefault(case.pk, []).append(at)
