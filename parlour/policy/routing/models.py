"""How routing is set, and what was changed about it."""

from __future__ import annotations

from django.db import models

from parlour.lib import clock


class Settings(models.Model):
    """One row: what holds for all teams. See ``queries.Rules`` for its values and what they are before anything is set."""

    values = models.JSONField(default=dict)


class Change(models.Model):
    """One change to the settings, a team or an agent, which can be taken back."""

    what = models.CharField(max_length=8)
    """``settings``, ``team`` or ``agent``."""
    subject = models.BigIntegerField(null=True)
    """Id of the team or agent."""
    words = models.CharField(max_length=200)
    """What was done, as a sentence."""
    before = models.JSONField()
    after = models.JSONField()
    by = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)
