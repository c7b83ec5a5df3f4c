"""Rules about what happens to cases: they follow the event log, each line once, whatever crashes and however many workers there are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import OperationalError, connection, transaction

from parlour.cases.models import Case
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.lib.rows import update_rows
from parlour.policy.rules.asking import ask
from parlour.policy.rules.book import Book, Ready, book
from parlour.policy.rules.carrying import CHANGED, Carrying, Desk
from parlour.policy.rules.facts import Row, latest_words
from parlour.policy.rules.matching import Mask
from parlour.policy.rules.models import Cursor, Firing
from parlour.policy.rules.step import occurrences
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.spine import queries as log_of
from parlour.spine.models import Event
from parlour.spine.queries import Position

log = logging.getLogger(__name__)

NAME = "rules"
AT_ONCE = 500
FAR = 5_000
"""Lines."""
FOLLOWED = ("resolved", "reopened", "assigned", "warned", "breached")
VERBS = {
    "case.resolved": "resolved",
    "case.reopened": "reopened",
    "case.assigned": "assigned",
    "case.routed": "assigned",
    "case.warned": "warned",
    "case.breached": "breached",
}


def follow() -> bool:
    """Ask the rules about the next lines of the log; whether there may be more. The place in the log moves in the same transaction as
    what the rules do: a crash in between repeats nothing and forgets nothing."""
    rules = book()
    here = _place()
    if not rules.on(*FOLLOWED):
        _keep_up(here)
        return False
    lines = log_of.after(here, AT_ONCE)
    if len(lines) < AT_ONCE and not any(map(_concerns, lines)):
        # Nobody is kept from writing while there is nothing to do.
        return False
    with transaction.atomic():
        cursor = _cursor()
        if cursor is None:
            return False
        lines = log_of.after(Position(cursor.tx, cursor.number), AT_ONCE)
        if not lines:
            return False
        _take([line for line in lines if _concerns(line)], rules)
        _move(cursor, Position(lines[-1].tx, lines[-1].pk))
    return len(lines) == AT_ONCE


def _place() -> Position:
    """How far the log has been followed. Whoever begins does so at its end: rules do not look back."""
    cursor = Cursor.objects.filter(name=NAME).first()
    if cursor is None:
        end = log_of.end()
        Cursor.objects.bulk_create([Cursor(name=NAME, tx=end.tx, number=end.id)], ignore_conflicts=True)
        return end
    return Position(cursor.tx, cursor.number)


def _keep_up(here: Position) -> None:
    """While no rule asks, the place in the log need not be near its end, only not far away."""
    if (end := log_of.end()) > here and end.id - here.id > FAR:
        with transaction.atomic():
            if (cursor := _cursor()) is not None:
                _move(cursor, end)


def _cursor() -> Cursor | None:
    """The place in the log, held; None while another worker holds it."""
    rows = Cursor.objects.filter(name=NAME)
    return rows.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked).first()


def _move(cursor: Cursor, to: Position) -> None:
    if Position(cursor.tx, cursor.number) < to:
        Cursor.objects.filter(pk=cursor.pk).update(tx=to.tx, number=to.id)


def _concerns(line: Event) -> bool:
    if line.verb not in VERBS or line.case_id is None:
        return False
    if line.verb == "case.reopened":
        # What customers' words have opened again is asked about on the road, where the words are understood.
        return not line.actor.startswith("customer:")
    if line.verb in ("case.assigned", "case.routed"):
        return isinstance(line.data, dict) and bool(line.data.get("assignee"))
    return True


def _take(lines: Sequence[Event], rules: Book) -> None:
    """One batch, and when it fails, line by line: what fails alone is told and left behind."""
    if not lines:
        return
    try:
        with transaction.atomic():
            _ask(lines, rules)
    except OperationalError:
        raise
    except Exception as error:
        if len(lines) == 1:
            log.error("Rules stumbled over event %s: %s", lines[0].pk, where(error))
            words = f"The rules could not be asked: a fault of Parlour's ({where(error)})."
            spine.write("rule.failed", case_id=lines[0].case_id, reason=words[:400])
            return
        log.error("A batch of rules failed (%s); going one by one.", where(error))
        for line in lines:
            _take([line], rules)


def _ask(lines: Sequence[Event], rules: Book) -> None:
    wanted = {rule.spec.event for rule in rules.on(*FOLLOWED)}
    lines = [line for line in lines if VERBS[line.verb] in wanted]
    ids = {line.case_id for line in lines if line.case_id is not None}
    held = Case.objects.filter(pk__in=ids).select_related("brand").select_for_update(of=("self",)).order_by("pk")
    cases = {case.pk: case for case in held}
    lines = [line for line in lines if line.case_id in cases]
    if not lines:
        return
    now = clock.now()
    before = {pk: [getattr(case, name) for name in CHANGED] for pk, case in cases.items()}
    words, causes = latest_words(list(cases)), _causes(lines)
    rows = [
        Row(cases[line.case_id or 0], words.get(line.case_id or 0), line.at, *causes.get(line.pk, (f"e{line.pk}", [])))
        for line in lines
    ]
    carrying = Carrying(Desk(list(cases)), now)
    of, moments = occurrences([VERBS[line.verb] for line in lines]), [row.at for row in rows]
    ask(rules.on(*FOLLOWED), rows, lambda rule: of(rule) & _since(rule, moments), carrying, now)
    _save(cases, before, now)
    carrying.keep()
    spine.write_many(carrying.events)
    for work in carrying.afterwards:
        work()


def _since(rule: Ready, moments: Sequence[datetime]) -> Mask:
    """Rules do not look back: what happened before they were put on is not theirs."""
    return np.array([rule.since is None or at >= rule.since for at in moments], np.bool_)


def _save(cases: Mapping[int, Case], before: Mapping[int, list[Any]], now: datetime) -> None:
    """Write what changed; policy looks at those cases again."""
    changed = [case for pk, case in cases.items() if [getattr(case, name) for name in CHANGED] != before[pk]]
    rows = ([*(getattr(case, name) for name in CHANGED), now, now, case.pk] for case in changed)
    update_rows(Case, [*CHANGED, "look_at", "updated_at"], rows)
    if changed:
        bus.wake("policy")


def _causes(lines: Sequence[Event]) -> dict[int, tuple[str, list[int]]]:
    """Line -> (what it is an occurrence of, the rules whose changes led to it), for lines that rules have written.

    What rules set off by themselves counts as one occurrence for each step away from its beginning: each rule fires once on it.
    """
    by_rules = {line.pk: int(line.actor[5:]) for line in lines if line.actor.startswith("rule:")}
    if not by_rules:
        return {}
    ids = {line.case_id for line in lines if line.pk in by_rules}
    told = Firing.objects.filter(case_id__in=ids, rule_id__in=set(by_rules.values())).order_by("pk")
    latest = {(one.case_id, one.rule_id): one for one in told}
    causes: dict[int, tuple[str, list[int]]] = {}
    for line in lines:
        if line.pk in by_rules and (cause := latest.get((line.case_id or 0, by_rules[line.pk]))) is not None:
            begun = cause.occurrence.partition(":")[0]
            causes[line.pk] = f"{begun}:{len(cause.chain)}", cause.chain
    return causes
