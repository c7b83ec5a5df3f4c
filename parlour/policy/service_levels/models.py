"""Editions of what is promised, and the clocks that run by it."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from parlour.cases.models import Case
from parlour.lib import clock
from parlour.lib.quick import QuickModel


def _mark() -> str:
    return secrets.token_hex(8)


class Edition(models.Model):
    """All targets and calendars as they were decided at one moment; the latest is in force. Never changed: undoing adds another."""

    document = models.JSONField()
    """See ``plan.document``."""
    words = models.CharField(max_length=200)
    """What was changed."""
    by = models.CharField(max_length=40)
    """An actor, as the event log names them."""
    at = models.DateTimeField(default=clock.now)
    mark = models.CharField(max_length=16, default=_mark)
    """Told from any other edition by this: a number may come again where a database was restored."""
    reached = models.BigIntegerField(default=0)
    """Up to which case the running clocks were told of it."""
    told = models.PositiveIntegerField(default=0)
    """How many cases that were."""
    done_at = models.DateTimeField(null=True)
    """When the last was."""


class Clock(QuickModel):
    """One promise to one customer, running, resting or over. Kept in step with its case by ``step.keep_time``; rows are changed only
    while their case is held.

    When something about it is due, the case's ``look_at`` says: 100,000 clocks that run cost nothing.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="clocks", db_index=False)
    what = models.CharField(max_length=12)
    """``first`` or ``next`` answer, ``resolution``."""
    target = models.CharField(max_length=40)
    """Key of the target it follows."""
    why = models.CharField(max_length=300)
    """Why that one."""
    promised = models.PositiveIntegerField()
    """In seconds."""
    started_at = models.DateTimeField()
    """Of an answer: since when the customer waits for it."""
    spent = models.FloatField(default=0)
    """Seconds of open time that had passed when it last rested."""
    running_since = models.DateTimeField(null=True)
    """None while it rests, or is over."""
    resting = models.CharField(max_length=80, default="")
    """Why it rests."""
    due_at = models.DateTimeField(null=True)
    """None while it rests, or where the calendar never opens long enough."""
    warn_at = models.DateTimeField(null=True)
    """None once warned."""
    warned_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    steps = models.JSONField(default=list)
    """Keys of the steps of escalation that were taken."""
    notified_at = models.DateTimeField(null=True)
    """When team leads were told that it broke, or will."""
    seen_at = models.DateTimeField(null=True)
    """When one of them said to have seen it."""
    ended_at = models.DateTimeField(null=True)
    kept = models.BooleanField(null=True)
    """Whether the promise was kept; None while it runs, and where it ended without: nobody waited any longer."""

    class Meta:
        indexes = [
            models.Index(fields=["case", "started_at"], name="clock_case"),
            models.Index(
                fields=["breached_at"],
                condition=Q(breached_at__isnull=False, ended_at__isnull=True),
                name="clock_broken",
            ),
            models.Index(
                fields=["notified_at"],
                condition=Q(notified_at__isnull=False, seen_at__isnull=True, ended_at__isnull=True),
                name="clock_notified",
            ),
        ]
