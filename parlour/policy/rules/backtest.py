"""Running a rule over past traffic before it goes live: how often it would have fired, on which cases, and what would change.

Nothing is written. What a rule asks of messages is read from the messages as they were understood; what it asks of cases, customers and
teams is judged as they stand now.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Min, QuerySet

from parlour.cases.models import Case, Direction, Message
from parlour.channels.queries import with_brands
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.policy.rules.facts import LIKELY, Facts, Row, latest_words
from parlour.policy.rules.follow import VERBS
from parlour.policy.rules.language import FIELDS, Act, Group, Leaf, Spec, leaves
from parlour.policy.rules.matching import Mask, Table, compiled, folded
from parlour.spine.models import Event
from parlour.staff.models import Agent, Team

CHUNK = 50_000
MOST_EXAMPLES = 12
KEPT_CASES = 5_000
"""So many cases are remembered, to say what would change on them."""

COLUMNS: dict[str, str] = {
    "message.text": "text",
    "message.sentiment": "sentiment",
    "message.intent": "intent",
    "message.category": "category",
    "message.language": "language",
    "message.visibility": "visibility",
    "message.channel": "channel",
    "message.offensive": "offensive",
    "message.spam": "spam",
    "message.actionable": "actionable",
    "message.held": "held",
    "time": "sent_at",
}
"""Fields that a message's own row answers -> the column."""


@dataclass(slots=True)
class Found:
    """What a run has found so far. ``below``: where the next one goes on; None when all was looked at."""

    looked: int = 0
    matched: int = 0
    below: int | None = None
    examples: list[tuple[int, int]] = field(default_factory=list)
    """(case, message), newest first; 0 where no message is meant."""
    cases: dict[int, None] = field(default_factory=dict)
    """The first ``KEPT_CASES`` cases, newest first."""
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        return self.below is None


@dataclass(frozen=True, slots=True)
class Example:
    case: int
    name: str
    words: str
    at: datetime


def run(spec: Spec, last: int = 100_000, seconds: float = 4.0, since: Found | None = None) -> Found:
    """Try a rule over the customers' last ``last`` messages (or the log's lines, for rules about other events), newest first, as far
    as ``seconds`` reach; ``since`` goes on where an earlier run has stopped."""
    began, found = time.monotonic(), since or Found()
    if spec.event in ("unanswered", "silent"):
        chunks = _waits(spec, last, found)
    elif spec.event in ("message", "opened"):
        chunks = _messages(spec, last, found)
    else:
        chunks = _lines(spec, last, found)
    for _ in chunks:
        if time.monotonic() - began > seconds:
            break
    else:
        found.below = None
    found.seconds += time.monotonic() - began
    return found


def _note(found: Found, hits: Sequence[tuple[int, int]]) -> None:
    """Hits of a chunk, newest first."""
    found.matched += len(hits)
    for case, message in hits:
        if case in found.cases or len(found.cases) >= KEPT_CASES:
            continue
        found.cases[case] = None
        if len(found.examples) < MOST_EXAMPLES:
            found.examples.append((case, message))


def _own(part: Group | Leaf) -> bool:
    """Whether a message's own row can answer it."""
    return all(leaf.what in COLUMNS or leaf.what.startswith("time.") for leaf in leaves(part))


def _messages(spec: Spec, last: int, found: Found) -> Iterator[None]:
    parts = spec.condition.parts if spec.condition.kind == "all" else (spec.condition,)
    own = Group("all", tuple(part for part in parts if _own(part)))
    rest = Group("all", tuple(part for part in parts if not _own(part)))
    first, then = compiled(own), compiled(rest)
    asked = list(dict.fromkeys("time" if leaf.what.startswith("time.") else leaf.what for leaf in leaves(own)))
    bottom, top = _reach(Message.objects.all(), found)
    while top > bottom and found.looked < last:
        ids, table = _chunk(top, asked, last - found.looked)
        found.looked += len(ids)
        mask: Mask = first(table)
        hits = [ids[place] for place in np.flatnonzero(mask).tolist()]
        _note(found, list(_kept(spec, hits, then if rest.parts else None)))
        top -= CHUNK
        found.below = max(top, bottom)
        yield


def _reach(rows: QuerySet[Any], found: Found) -> tuple[int, int]:
    """The least id there is and, exclusive, the greatest one that was not looked at yet: where rows were deleted, ids begin anywhere."""
    ids = rows.order_by("pk").values_list("pk", flat=True)
    # Two steps into an index; both as one aggregate would scan the table on SQLite.
    least, greatest = ids.first(), ids.last()
    return least or 0, found.below if found.below is not None else (greatest or -1) + 1


Hit = tuple[int, int]


def _chunk(top: int, asked: Sequence[str], most: int) -> tuple[list[Hit], Table]:
    """The customers' messages with ids below ``top``, at most ``CHUNK`` ids down, newest first: (case, id) of each and their table."""
    names = ["id", "case_id", *(COLUMNS[what] for what in asked)]
    columns = ", ".join(f'"{name}"' for name in names)
    where = '"id" < %s AND "id" >= %s AND "direction" = %s AND "case_id" IS NOT NULL'
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {columns} FROM "cases_message" WHERE {where} ORDER BY "id" DESC LIMIT %s',
            [top, top - CHUNK, str(Direction.IN), most],
        )
        rows = cursor.fetchall()
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    told = dict(zip(asked, values[2:], strict=True))
    return list(zip(values[1], values[0], strict=True)), Table(len(rows), lambda what: _column(what, told[what]))


def _column(what: str, values: Sequence[Any]) -> Sequence[Any]:
    if what in ("message.offensive", "message.spam"):
        return [(value or 0.0) >= LIKELY for value in values]
    if FIELDS.get(what) and FIELDS[what].kind == "words":
        return [[folded(value)] for value in values]
    if what == "time" and values and isinstance(values[0], str):
        return [datetime.fromisoformat(value).replace(tzinfo=UTC) for value in values]
    return values


def _kept(spec: Spec, hits: Sequence[Hit], then: Any) -> Iterator[Hit]:
    """The hits that also hold for what other tables know, a few thousand at a time."""
    for start in range(0, len(hits), 5000):
        some = list(hits[start : start + 5000])
        if spec.event == "opened":
            firsts = Message.objects.filter(case_id__in={case for case, _ in some}, direction=Direction.IN)
            first = dict(firsts.values_list("case_id").annotate(first=Min("pk")))
            some = [(case, message) for case, message in some if first.get(case) == message]
        if then is None:
            yield from some
            continue
        cases = _cases({case for case, _ in some})
        messages = Message.objects.in_bulk([message for _, message in some])
        rows = [Row(cases[case], messages[pk], messages[pk].sent_at) for case, pk in some if case in cases]
        mask = then(Facts(rows, clock.now()).table())
        yield from ((rows[at].case.pk, some[at][1]) for at in np.flatnonzero(mask).tolist())


def _cases(ids: set[int]) -> dict[int, Case]:
    return {case.pk: case for case in with_brands(Case.objects.filter(pk__in=ids))}


def _lines(spec: Spec, last: int, found: Found) -> Iterator[None]:
    """Rules about other events, over the log."""
    test = compiled(spec.condition)
    verbs = [verb for verb, event in VERBS.items() if event == spec.event]
    bottom, top = _reach(Event.objects.all(), found)
    while top > bottom and found.looked < last:
        told = Event.objects.filter(verb__in=verbs, pk__lt=top, pk__gte=top - CHUNK, case_id__isnull=False).order_by(
            "-pk"
        )
        lines = [(pk, at) for pk, at, data in told.values_list("case_id", "at", "data") if _means(spec, data)][
            : last - found.looked
        ]
        found.looked += len(lines)
        _note(found, _holding(test, lines))
        top -= CHUNK
        found.below = max(top, bottom)
        yield


def _means(spec: Spec, data: Any) -> bool:
    return spec.event != "assigned" or (isinstance(data, dict) and bool(data.get("assignee")))


def _holding(test: Any, moments: Sequence[tuple[int | None, datetime]]) -> list[Hit]:
    """(case, its customer's latest message) of the moments at which the conditions hold."""
    hits: list[Hit] = []
    for start in range(0, len(moments), 5000):
        some = moments[start : start + 5000]
        ids = {pk for pk, _ in some if pk is not None}
        cases, words = _cases(ids), latest_words(list(ids))
        rows = [Row(cases[pk], words.get(pk), at) for pk, at in some if pk is not None and pk in cases]
        mask = test(Facts(rows, clock.now()).table())
        for at in np.flatnonzero(mask).tolist():
            row = rows[at]
            hits.append((row.case.pk, row.message.pk if row.message else 0))
    return hits


def _waits(spec: Spec, last: int, found: Found) -> Iterator[None]:
    """Rules about time, over the waits of past conversations."""
    test, now = compiled(spec.condition), clock.now()
    length = timedelta(minutes=spec.number) if spec.event == "unanswered" else timedelta(hours=spec.number)
    bottom, top = _reach(Message.objects.all(), found)
    while top > bottom and found.looked < last:
        rows = Message.objects.filter(pk__lt=top, pk__gte=top - CHUNK, case_id__isnull=False).exclude(
            direction=Direction.NOTE
        )
        said: dict[int, list[tuple[datetime, bool, bool]]] = {}
        for pk, direction, at, actionable in rows.values_list("case_id", "direction", "sent_at", "actionable"):
            said.setdefault(pk or 0, []).append((at, direction == Direction.IN, actionable is not False))
        found.looked += sum(inbound for words in said.values() for _, inbound, _ in words)
        asks = spec.event == "unanswered"
        moments: list[tuple[int | None, datetime]] = [
            (pk, at) for pk, words in said.items() for at in waits(sorted(words), length, now, unanswered=asks)
        ]
        _note(found, _holding(test, sorted(moments, key=lambda one: one[1], reverse=True)))
        top -= CHUNK
        found.below = max(top, bottom)
        yield


def waits(
    words: Sequence[tuple[datetime, bool, bool]], length: timedelta, now: datetime, *, unanswered: bool
) -> list[datetime]:
    """When somebody had waited for ``length``. ``words``: (at, from the customer, needs an answer), oldest first. ``unanswered``: the
    customer waited for us; otherwise we for them. Pure."""
    found: list[datetime] = []
    since: datetime | None = None
    for at, inbound, asks in [*words, (now, not unanswered, True)]:
        if since is not None and inbound != unanswered:
            if at - since >= length:
                found.append(since + length)
            since = None
        elif inbound == unanswered and (asks or not unanswered):
            since = (since or at) if unanswered else at
    return found


def examples(found: Found) -> list[Example]:
    """The examples in words."""
    cases = Case.objects.select_related("customer").in_bulk([case for case, _ in found.examples])
    messages = Message.objects.in_bulk([pk for _, pk in found.examples if pk])
    shown = []
    for pk, message_id in found.examples:
        case, said = cases.get(pk), messages.get(message_id)
        if case is not None:
            words = one_line(said.text if said else case.snippet, 160)
            shown.append(Example(pk, str(case.customer), words, said.sent_at if said else case.updated_at))
    return shown


def changes(spec: Spec, found: Found) -> list[tuple[Act, int | None]]:
    """What the rule would do, and on how many of the cases found it would change something as they stand now; None for what always
    happens."""
    ids = list(found.cases)
    return [(act, _changed(act, ids)) for act in spec.acts if act.do != "stop"]


def _changed(act: Act, ids: Sequence[int]) -> int | None:
    cases = Case.objects.filter(pk__in=ids)
    value = act.value[0] if act.value else ""
    match act.do:
        case "category" | "purpose" | "level":
            same = cases.filter(**{act.do: value}).count()
        case "team":
            same = cases.filter(team__in=Team.objects.filter(name=value)).count()
        case "assignee":
            same = cases.filter(assignee__in=Agent.objects.filter(email=value)).count()
        case "noise" | "needs_answer":
            same = cases.filter(actionable=act.do == "needs_answer").count()
        case "resolve":
            same = cases.filter(status="resolved").count()
        case _:
            return None
    return len(ids) - same
