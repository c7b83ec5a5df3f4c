"""The event log and leases."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from parlour.lib import clock
from parlour.lib.quick import QuickModel


class TransactionNumber(models.Func):
    """The number of the writing transaction on PostgreSQL, 0 on SQLite (where ids already are in commit order)."""

    arity = 0
    output_field = models.BigIntegerField()
    allowed_default = True

    def as_sql(
        self, compiler: Any, connection: BaseDatabaseWrapper, *args: Any, **kwargs: Any
    ) -> tuple[str, list[Any]]:
        if connection.vendor == "postgresql":
            return "(pg_current_xact_id()::text::bigint)", []
        return "0", []


class Event(QuickModel):
    """One line of what happened, by whom, to what. Written in the transaction of the change it tells of."""

    at = models.DateTimeField(default=clock.now)
    verb = models.CharField(max_length=40)
    actor = models.CharField(max_length=40, default="desk")
    """``desk``, ``agent:<id>``, ``token:<id>`` or ``customer:<id>``."""
    case_id = models.BigIntegerField(null=True)
    message_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    """What changed and why, in words where a person decided or a rule did. Never message text."""
    tx = models.BigIntegerField(db_default=TransactionNumber())

    class Meta:
        indexes = [
            models.Index(fields=["tx", "id"], name="event_tail"),
            models.Index(fields=["case_id", "id"], name="event_case", condition=models.Q(case_id__isnull=False)),
        ]


class Lease(models.Model):
    """The right of one worker to a named piece of work until ``until``; taken by conditional UPDATE."""

    name = models.CharField(max_length=80, primary_key=True)
    owner = models.CharField(max_length=80, default="")
    until = models.DateTimeField()
