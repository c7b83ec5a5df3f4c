"""Asking rules about rows, in order, so that each sees what those before it have changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from django.db import DatabaseError

from parlour.policy.rules.book import Ready
from parlour.policy.rules.carrying import MOST_DEEP, Carrying, stop
from parlour.policy.rules.facts import Facts, Row
from parlour.policy.rules.matching import Mask

log = logging.getLogger(__name__)


def ask(
    rules: Sequence[Ready], rows: Sequence[Row], at: Callable[[Ready], Mask], carrying: Carrying, now: datetime
) -> None:
    """Let these rules fire on the rows they hold for. ``at`` gives the rows that are an occurrence of a rule's event."""
    table = Facts(rows, now).table()
    alive = ~table.none()
    for rule in rules:
        asked = at(rule) & alive
        if not asked.any():
            continue
        try:
            found = asked & rule.test(table)
            if found.any():
                table.forget(*_fire(rule, rows, found, alive, carrying))
        except DatabaseError:
            raise
        except Exception:
            # One rule that stumbles must not hold up the road.
            log.exception("Rule %s could not be asked.", rule.id)


def _fire(rule: Ready, rows: Sequence[Row], found: Mask, alive: Mask, carrying: Carrying) -> set[str]:
    """The fields that changed."""
    touched: set[str] = set()
    stops = any(act.do == "stop" for act in rule.spec.acts)
    for place in np.flatnonzero(found).tolist():
        row = rows[place]
        if len(row.chain) >= MOST_DEEP:
            if row.case.pk not in carrying.stopped:
                carrying.stopped.add(row.case.pk)
                carrying.events.append(stop(rule, row, carrying.now))
            continue
        changed = carrying.fire(rule, row)
        if changed is None:
            continue
        touched |= changed
        if stops:
            alive[place] = False
    return touched
