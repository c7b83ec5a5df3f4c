"""Rules, every edition of the rule book, and each time a rule fired."""

from __future__ import annotations

from django.db import models

from parlour.lib import clock
from parlour.lib.quick import QuickModel


class Rule(models.Model):
    """One rule. What it says is ``data``, in the shape that ``language`` describes."""

    name = models.CharField(max_length=80)
    on = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)
    """Rules are asked in this order, lowest first."""
    data = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=1)
    """Grows with every change, so that two people do not write over each other."""
    since = models.DateTimeField(null=True)
    """Since when it is on, as it is now: rules about time leave alone what was due before."""
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.CharField(max_length=40, default="desk")
    stopped_at = models.DateTimeField(null=True)
    """When it was last stopped because rules chased each other; the rule stays on."""
    stopped_words = models.CharField(max_length=400, default="")
    stopped_case = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Edition(models.Model):
    """The whole rule book after one change."""

    stamp = models.CharField(max_length=32)
    """Never given twice: what processes compare with what they have compiled."""
    at = models.DateTimeField(default=clock.now)
    by = models.CharField(max_length=40)
    words = models.CharField(max_length=200)
    """What was changed."""
    rules = models.JSONField(default=list)
    """Every rule with its id, in order."""


class Firing(QuickModel):
    """One rule that fired on one case, once for one occurrence."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="firings", db_index=False)
    case_id = models.BigIntegerField()
    """A number, not a relation: cases are joined and removed without asking here."""
    occurrence = models.CharField(max_length=40)
    """What it fired on: a message, an event, a moment since which somebody waits."""
    at = models.DateTimeField(default=clock.now)
    chain = models.JSONField(default=list)
    """The rules whose changes led here, this one last."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case_id", "rule", "occurrence"], name="fired_once"),
        ]
        indexes = [models.Index(fields=["rule", "-at"], name="firing_lately")]


class Cursor(models.Model):
    """How far the event log has been followed."""

    name = models.CharField(max_length=40, primary_key=True)
    tx = models.BigIntegerField(default=0)
    number = models.BigIntegerField(default=0)
