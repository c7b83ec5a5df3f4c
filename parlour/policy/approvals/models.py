"""Which answers wait for a second pair of eyes."""

from __future__ import annotations

from django.db import models

from parlour.lib import clock


class ApprovalRule(models.Model):
    """Answers that fit every condition wait. An empty condition fits everything."""

    name = models.CharField(max_length=80)
    on = models.BooleanField(default=True)
    agents = models.JSONField(default=list)
    """Ids of agents whose answers wait."""
    teams = models.JSONField(default=list)
    """Ids of teams whose agents' answers wait."""
    brands = models.JSONField(default=list)
    """Ids of brands."""
    channels = models.JSONField(default=list)
    categories = models.JSONField(default=list)
    visibility = models.CharField(max_length=8, default="", blank=True)
    """``public``, ``private``, or empty for both."""
    words = models.JSONField(default=list)
    """Words and phrases, any of which the answer holds; ``*`` at the end stands for any ending."""
    reviewers = models.BigIntegerField(null=True)
    """The team whose agents may approve, besides team leads."""
    created_at = models.DateTimeField(default=clock.now)
    former = models.JSONField(null=True)
    """The values before the last change, for undoing it."""
    deleted_at = models.DateTimeField(null=True)
    """A deleted rule is kept, so that deleting can be undone."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ApprovedWords(models.Model):
    """Words that something answering by itself may say without asking again: a rule's, as they stand before their gaps are filled."""

    source = models.CharField(max_length=40)
    """Whose words they are, as the event log names it: ``rule:7``."""
    digest = models.CharField(max_length=64)
    text = models.TextField()
    by = models.CharField(max_length=40)
    """Who has approved them, as the event log names them."""
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="words_approved_once")]

    def __str__(self) -> str:
        return self.text[:80]
