"""Reads of the record: lists by keyset, timelines, ways to answer, the customer's card."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
from django.db import connection
from django.db.models import BooleanField, Count, Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from parlour.cases.access import Invalid, possible_id, visible_cases
from parlour.cases.approving import awaiting
from parlour.cases.models import Attachment, Case, Delivery, Direction, Message, MessageVersion, Purpose, Status, Thread
from parlour.cases.offers import places, template_of, template_thread, templates
from parlour.cases.parts import of_answer, place, whole_text
from parlour.cases.search import cases_matching, customers_named
from parlour.cases.ways import Way, signals, ways
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.spine import queries as spine
from parlour.spine.models import Event
from parlour.staff.access import Actor
from parlour.staff.models import Agent

T = TypeVar("T")
TABS = ("mine", "unassigned", "breaching", "open", "delight", "marketing", "noise", "resolved")
COUNTED_TABS = ("mine", "unassigned", "breaching", "open")
COUNT_CAP = 1000
PEOPLE = ("customer", "assignee", "team", "brand")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list; ``next`` is the cursor of the rest, None at the end."""

    items: list[T]
    next: str | None


def _write_cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def _read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise Invalid("This cursor is not one of ours.")
        read = [_moment(value) if kind is datetime else value for value, kind in zip(values, kinds, strict=True)]
    except (binascii.Error, UnicodeEncodeError, orjson.JSONDecodeError, TypeError, ValueError, OverflowError) as error:
        raise Invalid("This cursor is not one of ours.") from error
    for value, kind in zip(read, kinds, strict=True):
        if type(value) is not kind or (isinstance(value, int) and not -(2**63) <= value < 2**63):
            raise Invalid("This cursor is not one of ours.")
    return tuple(read)


def _moment(text: Any) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("A time without its zone.")
    return at.astimezone(UTC)


def _beyond(columns: str, sign: str, values: Sequence[Any]) -> RawSQL:
    """A row-value comparison: one range of the index, however deep the page."""
    marks = ", ".join(["%s"] * len(values))
    # SQLite keeps times as text without an offset: compare with the same.
    values = [connection.ops.adapt_datetimefield_value(v) if isinstance(v, datetime) else v for v in values]
    return RawSQL(f"({columns}) {sign} ({marks})", tuple(values), output_field=BooleanField())


def _cut(rows: list[T], limit: int, mark: Any) -> Page[T]:
    return Page(rows[:limit], mark(rows[limit - 1]) if len(rows) > limit else None)


# Written out as the partial indexes have it: SQLite then knows that every entry of them is meant, and counts without looking at rows.
_QUEUED = RawSQL("cases_case.actionable AND cases_case.status = 'open'", (), output_field=BooleanField())


def _tab(actor: Actor, tab: str) -> QuerySet[Case]:
    cases = visible_cases(actor)
    queued = cases.filter(_QUEUED)
    if tab == "mine":
        return queued.filter(assignee_id=actor.pk) if isinstance(actor, Agent) else queued.none()
    if tab in ("delight", "marketing"):
        # The second condition says nothing new, but names the partial index.
        return cases.filter(status=Status.OPEN, purpose=tab).exclude(purpose=Purpose.SERVICE)
    queued = queued.filter(purpose=Purpose.SERVICE)
    if tab == "unassigned":
        return queued.filter(assignee__isnull=True)
    if tab == "breaching":
        return queued.filter(response_due_at__isnull=False, response_due_at__lte=clock.now() + timedelta(minutes=15))
    if tab == "open":
        return queued
    if tab == "noise":
        return cases.filter(status=Status.OPEN, actionable=False, purpose=Purpose.SERVICE)
    if tab == "resolved":
        return cases.filter(status=Status.RESOLVED)
    raise Invalid(f"There is no tab {tab!r}.")


@dataclass(frozen=True, slots=True)
class Queued:
    """A case as the queue shows it: a page reads fifty, and a tenth of what a case holds."""

    id: int
    brand_id: int
    customer_id: int
    customer_name: str
    customer_picture: str
    customer_vip: bool
    status: str
    assignee_id: int | None
    assignee_name: str | None
    category: str
    purpose: str
    channel: str
    visibility: str
    language: str
    snippet: str
    snippet_direction: str
    level: str | None
    priority: int
    updated_at: datetime
    waiting_since: datetime | None
    due_what: str
    response_due_at: datetime | None
    response_warn_at: datetime | None
    breached_at: datetime | None
    resolved_at: datetime | None

    @property
    def pk(self) -> int:
        return self.id


_PEOPLE = {
    "customer_name": "customer__name",
    "customer_picture": "customer__picture",
    "customer_vip": "customer__vip",
    "assignee_name": "assignee__name",
}
_SHOWN = [_PEOPLE.get(one.name, one.name) for one in fields(Queued)]


@dataclass(frozen=True, slots=True)
class _Order:
    """How a tab is ordered: by two columns, both up or both down."""

    columns: tuple[str, str]
    kinds: tuple[type, type]
    down: bool = True

    @property
    def by(self) -> list[str]:
        return [f"-{column}" if self.down else column for column in self.columns]

    def page(self, rows: QuerySet[Case], cursor: str | None, limit: int) -> Page[Case]:
        found = list(self._from(rows, cursor).select_related(*PEOPLE)[: limit + 1])
        return _cut(found, limit, self.cursor_of)

    def queued(self, rows: QuerySet[Case], cursor: str | None, limit: int) -> Page[Queued]:
        """The same with what the queue shows of each."""
        found = [Queued(*row) for row in self._from(rows, cursor).values_list(*_SHOWN)[: limit + 1]]
        return _cut(found, limit, self.cursor_of)

    def _from(self, rows: QuerySet[Case], cursor: str | None) -> QuerySet[Case]:
        if cursor:
            names = ", ".join(f"cases_case.{column}" for column in self.columns)
            rows = rows.filter(_beyond(names, "<" if self.down else ">", _read_cursor(cursor, *self.kinds)))
        return rows.order_by(*self.by)

    def cursor_of(self, case: Case | Queued) -> str:
        return _write_cursor(*(getattr(case, column) for column in self.columns))


BY_PRIORITY = _Order(("priority", "id"), (int, int))
BY_DUE = _Order(("response_due_at", "id"), (datetime, int), down=False)
BY_ACTIVITY = _Order(("updated_at", "id"), (datetime, int))
ORDERS = {"breaching": BY_DUE, "noise": BY_ACTIVITY, "resolved": BY_ACTIVITY}


def queue(actor: Actor, tab: str, *, q: str = "", cursor: str | None = None, limit: int = 50) -> Page[Queued]:
    """One page of a tab, most pressing first (resolved and noise: latest first; breaching: soonest due first)."""
    rows = _tab(actor, tab)
    if q.strip():
        rows = rows.filter(_found(q))
    return ORDERS.get(tab, BY_PRIORITY).queued(rows, cursor, limit)


def _found(q: str) -> Q:
    """Cases whose messages hold the words, cases of customers of that name, and cases by number."""
    number = q.strip().lstrip("#")
    found = Q(pk__in=cases_matching(q))
    if named := customers_named(q):
        found |= Q(customer_id__in=named)
    if number.isascii() and number.isdigit() and len(number) < 18:
        found |= Q(pk=int(number))
    return found


def tab_counts(actor: Actor, tabs: Sequence[str] = COUNTED_TABS) -> dict[str, int]:
    """How many cases the tabs hold, counted up to ``COUNT_CAP``."""
    return {tab: _tab(actor, tab).order_by(*ORDERS.get(tab, BY_PRIORITY).by)[:COUNT_CAP].count() for tab in tabs}


def next_case(actor: Actor, tab: str, after_case_id: int) -> Case | None:
    """The case below this one in the tab's order, or the first of the tab, never the same one."""
    order = ORDERS.get(tab, BY_PRIORITY)
    here = visible_cases(actor).filter(pk=after_case_id).first()
    rows = _tab(actor, tab).exclude(pk=after_case_id)
    if here and all(getattr(here, column) is not None for column in order.columns):
        below = order.page(rows, order.cursor_of(here), 1).items
        if below:
            return below[0]
    return next(iter(order.page(rows, None, 1).items), None)


def waits_with(actor: Actor, beside: int | None = None) -> Case | None:
    """The most pressing of somebody's own cases in which a customer waits, but for the one they have open."""
    rows = _tab(actor, "mine").filter(waiting_since__isnull=False).exclude(pk=beside or 0)
    return next(iter(BY_PRIORITY.page(rows, None, 1).items), None)


def list_cases(
    actor: Actor,
    *,
    status: str | None = None,
    team: int | str | None = None,
    assignee: int | str | None = None,
    category: str | None = None,
    channel: str | None = None,
    updated_since: datetime | None = None,
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Case]:
    """Cases by newest activity. ``team`` and ``assignee`` are ids, or "none" for those without."""
    rows = visible_cases(actor)
    exact = {"status": status, "category": category, "channel": channel}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    for name, value in {"team": team, "assignee": assignee}.items():
        if value == "none":
            rows = rows.filter(**{f"{name}__isnull": True})
        elif value is not None:
            rows = rows.filter(**{f"{name}_id": possible_id(int(value))})
    if updated_since is not None:
        rows = rows.filter(updated_at__gte=updated_since)
    if q.strip():
        rows = rows.filter(_found(q))
    return BY_ACTIVITY.page(rows, cursor, limit)


def _full(rows: QuerySet[Message]) -> QuerySet[Message]:
    return rows.select_related("identity", "agent", "thread", "thread__identity").prefetch_related(
        "attachments", "versions", "deliveries"
    )


def messages(case: Case, *, cursor: str | None = None, limit: int = 50) -> Page[Message]:
    """Messages and notes of a case, newest first."""
    found = list(_full(_page(case, cursor).order_by("-sent_at", "-id"))[: limit + 1])
    return _cut(found, limit, _cursor_of)


def _page(case: Case, cursor: str | None) -> QuerySet[Message]:
    rows = Message.objects.filter(case=case)
    if cursor:
        at = _read_cursor(cursor, datetime, int)
        rows = rows.filter(_beyond("cases_message.sent_at, cases_message.id", "<", at))
    return rows


def _cursor_of(message: Message) -> str:
    return _write_cursor(message.sent_at, message.pk)


@dataclass(frozen=True, slots=True)
class Known:
    """What has been read for a case's page already."""

    threads: Sequence[Thread] = ()
    """All threads of the case with their inboxes, oldest first."""
    identities: Sequence[Identity] = ()
    agents: Sequence[Agent] = ()


def known(case: Case, agents: Sequence[Agent] = ()) -> Known:
    """The threads of a case and the accounts of its customer, read once for all that is shown of it."""
    threads = list(case.threads.select_related("inbox").order_by("id"))
    return Known(threads, list(case.customer.identities.order_by("id")[:20]), agents)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A stretch of a case, oldest first; ``earlier`` is the cursor of what lies before it."""

    messages: list[Message]
    earlier: str | None


def timeline(case: Case, *, before: str | None = None, limit: int = 100, known: Known | None = None) -> Timeline:
    """The latest ``limit`` messages of a case, or those before a cursor. Whose words they are and in which thread is looked up among
    what is ``known``, and asked for only when it is not: all of a case's messages are in a few threads by a few people."""
    rows = _page(case, before).order_by("-sent_at", "-id")
    page = _cut(list(rows[: limit + 1]), limit, _cursor_of)
    found = page.items[::-1]
    known = known or Known()
    _join(found, "thread", Thread.objects.select_related("identity"), known.threads)
    _join(found, "identity", Identity.objects.all(), known.identities)
    _join(found, "agent", Agent.objects.all(), known.agents)
    _hang(found, "attachments", Attachment.objects.all())
    _hang(found, "versions", MessageVersion.objects.all())
    _hang(found, "deliveries", Delivery.objects.all())
    return Timeline(found, page.next)


def _join(found: Sequence[Message], name: str, rows: QuerySet[Any], known: Iterable[Model]) -> None:
    """Set the relation ``name`` of each message."""
    by_id = {one.pk: one for one in known}
    wanted = {pk for message in found if (pk := getattr(message, f"{name}_id")) is not None}
    if unknown := wanted - by_id.keys():
        by_id |= rows.in_bulk(list(unknown))
    for message in found:
        if (pk := getattr(message, f"{name}_id")) is not None:
            setattr(message, name, by_id[pk])


def _hang(found: Sequence[Message], name: str, rows: QuerySet[Any]) -> None:
    """Let each message have read what hangs on it, in the order of ``rows``. As Django's prefetch does, which makes a query set and a
    manager for each message: a third of the page of a long case, though most have nothing."""
    by_message: dict[int, list[Any]] = {}
    for one in rows.filter(message_id__in=[message.pk for message in found]):
        by_message.setdefault(one.message_id, []).append(one)
    nothing = _read(rows, [])
    for message in found:
        mine = by_message.get(message.pk)
        for one in mine or ():
            one._state.fields_cache["message"] = message
        kept = message.__dict__.setdefault("_prefetched_objects_cache", {})
        kept[name] = _read(rows, mine) if mine else nothing


def _read(rows: QuerySet[Any], found: list[Any]) -> QuerySet[Any]:
    read = rows.all()
    read._result_cache, read._prefetch_done = found, True  # type: ignore[attr-defined]
    return read


def delivery(message: Message) -> Delivery | None:
    """How the sending of our message goes; None for what customers wrote, notes, and words written elsewhere."""
    return next((one for one in message.deliveries.all() if one.what == "send"), None)


def newest_message_id(case_id: int) -> int:
    """The highest id among the case's messages, 0 for none: what an agent has seen."""
    return Message.objects.filter(case_id=case_id).order_by("-id").values_list("id", flat=True).first() or 0


MOODS = 40


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """What the right-hand pane shows."""

    customer: Customer
    identities: list[Identity]
    threads: list[Thread]
    before: list[Case]
    moods: list[tuple[datetime, float]]
    """Sentiment (-1..1) of the customer's latest messages in this case, oldest first."""


def customer_card(case: Case, found: Known | None = None, latest: Sequence[Message] | None = None) -> CustomerCard:
    """The customer of a case, with what they said elsewhere and before. What was ``found`` and the ``latest`` messages of the case,
    oldest first, are not asked for again."""
    found = found or known(case)
    if latest is None:
        scored = Message.objects.filter(case=case, direction=Direction.IN, sentiment_score__isnull=False)
        latest = list(scored.order_by("-sent_at", "-id").only("sent_at", "sentiment_score", "direction")[:MOODS])[::-1]
    moods = [
        (one.sent_at, one.sentiment_score)
        for one in latest
        if one.direction == Direction.IN and one.sentiment_score is not None
    ]
    return CustomerCard(
        customer=case.customer,
        identities=list(found.identities),
        threads=list(found.threads[:50]),
        before=list(Case.objects.filter(customer_id=case.customer_id).exclude(pk=case.pk).order_by("-id")[:10]),
        moods=moods[-MOODS:],
    )


def history(case: Case, limit: int = 50) -> list[Event]:
    """What happened to a case, newest first."""
    return spine.history(case.pk, limit)


def open_load(agent_ids: Sequence[int]) -> dict[int, int]:
    """How many queued cases each agent holds."""
    held = Case.objects.filter(status=Status.OPEN, actionable=True, assignee_id__in=list(agent_ids))
    counted = held.order_by().values_list("assignee_id").annotate(Count("id"))
    return dict.fromkeys(agent_ids, 0) | {agent_id: count for agent_id, count in counted if agent_id is not None}


__all__ = [
    "COUNT_CAP",
    "TABS",
    "CustomerCard",
    "Known",
    "Page",
    "Queued",
    "Timeline",
    "Way",
    "awaiting",
    "customer_card",
    "delivery",
    "history",
    "known",
    "list_cases",
    "messages",
    "newest_message_id",
    "next_case",
    "of_answer",
    "open_load",
    "place",
    "places",
    "queue",
    "signals",
    "tab_counts",
    "template_of",
    "template_thread",
    "templates",
    "timeline",
    "ways",
    "whole_text",
]
