"""What conditions ask about, for cases and messages at hand: a few queries for all of them, and only for what some rule asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Max, Min

from parlour.cases.models import Attachment, Case, Direction, Message
from parlour.channels.models import Inbox
from parlour.customers.models import Customer, Fact, Identity
from parlour.policy.rules import choices
from parlour.policy.rules.matching import Table, folded
from parlour.staff.models import Agent, Team

LIKELY = 0.5
"""From here on a message counts as offensive, or as spam."""


@dataclass(slots=True)
class Row:
    """One case at one occurrence. ``message``: the words it is about, None where there are none."""

    case: Case
    message: Message | None
    at: datetime
    occurrence: str = ""
    chain: list[int] = field(default_factory=list)


class Facts:
    """Loads fields of rows for a table."""

    def __init__(self, rows: Sequence[Row], now: datetime) -> None:
        self.rows = rows
        self.now = now
        self._people: dict[int, tuple[bool, str]] | None = None

    def table(self) -> Table:
        return Table(len(self.rows), self.load)

    def load(self, what: str) -> Sequence[Any]:
        """The values of one field, row by row."""
        room, _, name = what.partition(".")
        if what in SPECIAL:
            return SPECIAL[what](self)
        if room == "message":
            return [getattr(row.message, name) if row.message else "" for row in self.rows]
        return [getattr(row.case, name) for row in self.rows]

    def _customers(self) -> dict[int, tuple[bool, str]]:
        if self._people is None:
            ids = {row.case.customer_id for row in self.rows}
            found = Customer.objects.filter(pk__in=ids).values_list("pk", "vip", "language")
            self._people = {pk: (vip, language) for pk, vip, language in found}
            told = Identity.objects.filter(customer_id__in=ids).exclude(language="")
            for pk, language in told.values_list("customer_id", "language"):
                vip, known = self._people.get(pk, (False, ""))
                self._people[pk] = (vip, known or language)
        return self._people

    def vip(self) -> list[bool]:
        people = self._customers()
        return [people.get(row.case.customer_id, (False, ""))[0] for row in self.rows]

    def customer_language(self) -> list[list[str]]:
        people = self._customers()
        return [[people.get(row.case.customer_id, (False, ""))[1] or row.case.language] for row in self.rows]

    def followers(self) -> list[int | None]:
        ids = {row.case.customer_id for row in self.rows}
        told = Identity.objects.filter(customer_id__in=ids).values_list("customer_id").annotate(most=Max("followers"))
        most: dict[int, int | None] = dict(told)
        return [most.get(row.case.customer_id) for row in self.rows]

    def known(self) -> list[bool]:
        ids = {row.case.customer_id for row in self.rows}
        first = dict(Case.objects.filter(customer_id__in=ids).values_list("customer_id").annotate(first=Min("pk")))
        return [first.get(row.case.customer_id, row.case.pk) < row.case.pk for row in self.rows]

    def noted(self) -> list[list[str]]:
        ids = {row.case.customer_id for row in self.rows}
        told: dict[int, list[str]] = {}
        found = Fact.objects.filter(identity__customer_id__in=ids)
        for pk, name, value in found.values_list("identity__customer_id", "name", "value"):
            told.setdefault(pk, []).append(folded(f"{name}: {value}"))
        return [told.get(row.case.customer_id, []) for row in self.rows]

    def files(self) -> list[bool]:
        ids = {row.message.pk for row in self.rows if row.message}
        having = set(Attachment.objects.filter(message_id__in=ids).values_list("message_id", flat=True))
        return [row.message is not None and row.message.pk in having for row in self.rows]

    def inbox(self) -> list[str]:
        names = {one.pk: choices.inbox_name(one) for one in Inbox.objects.select_related("brand")}
        return [names.get(row.message.inbox_id or 0, "") if row.message else "" for row in self.rows]

    def team(self) -> list[str]:
        names = dict(Team.objects.values_list("pk", "name"))
        return [names.get(row.case.team_id or 0, choices.NOBODY) for row in self.rows]

    def assignee(self) -> list[str]:
        ids = {row.case.assignee_id for row in self.rows if row.case.assignee_id}
        names = dict(Agent.objects.filter(pk__in=ids).values_list("pk", "email")) if ids else {}
        return [names.get(row.case.assignee_id or 0, choices.NOBODY) for row in self.rows]

    def waiting(self) -> list[float | None]:
        since = [row.case.waiting_since for row in self.rows]
        return [(self.now - one).total_seconds() / 60 if one else None for one in since]


@lru_cache(maxsize=2_000)
def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Folded. Remembered: each rule that puts a tag on a case lets the next one about tags ask for those of the whole batch anew."""
    return tuple(folded(tag) for tag in tags)


def _likely(name: str) -> Callable[[Facts], list[bool]]:
    return lambda facts: [
        row.message is not None and (getattr(row.message, name) or 0.0) >= LIKELY for row in facts.rows
    ]


def _flag(name: str) -> Callable[[Facts], list[bool]]:
    return lambda facts: [row.message is not None and bool(getattr(row.message, name)) for row in facts.rows]


SPECIAL: dict[str, Callable[[Facts], Sequence[Any]]] = {
    "message.language": lambda facts: [[folded(row.message.language)] if row.message else [] for row in facts.rows],
    "message.files": Facts.files,
    "message.offensive": _likely("offensive"),
    "message.spam": _likely("spam"),
    "message.actionable": _flag("actionable"),
    "message.held": _flag("held"),
    "case.level": lambda facts: [row.case.level or "none" for row in facts.rows],
    "case.tags": lambda facts: [_tags(tuple(row.case.tags)) if row.case.tags else () for row in facts.rows],
    "case.team": Facts.team,
    "case.assignee": Facts.assignee,
    "case.waiting": Facts.waiting,
    "customer.vip": Facts.vip,
    "customer.language": Facts.customer_language,
    "customer.followers": Facts.followers,
    "customer.known": Facts.known,
    "customer.fact": Facts.noted,
    "inbox": Facts.inbox,
    "brand": lambda facts: [row.case.brand.name for row in facts.rows],
    "time": lambda facts: [row.at for row in facts.rows],
}


def latest_words(cases: Sequence[int]) -> dict[int, Message]:
    """Case -> its customer's latest words, by the platform's clock. One query of ids, one of messages."""
    said = Message.objects.filter(case_id__in=cases, direction=Direction.IN)
    newest: dict[int, tuple[datetime, int]] = {}
    for pk, case_id, at in said.values_list("pk", "case_id", "sent_at"):
        if case_id is not None:
            newest[case_id] = max(newest.get(case_id, (at, pk)), (at, pk))
    found = Message.objects.in_bulk([pk for _, pk in newest.values()])
    return {message.case_id: message for message in found.values() if message.case_id is not None}
