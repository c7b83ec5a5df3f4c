"""What each part of the score weighs, and what was changed about it."""

from __future__ import annotations

from django.db import models

from parlour.channels.models import Brand
from parlour.lib import clock


class Weights(models.Model):
    """How many points the parts bring at most, for one brand or (without one) for all that have none of their own."""

    brand = models.OneToOneField(Brand, null=True, on_delete=models.CASCADE, related_name="+")
    values = models.JSONField(default=dict)
    """Part -> points; see ``score.PARTS``."""


class Change(models.Model):
    """One change of the weights, which can be taken back, and how far the open cases have been scored anew since."""

    brand = models.ForeignKey(Brand, null=True, on_delete=models.CASCADE, related_name="+")
    before = models.JSONField(null=True)
    """None: there were none of its own."""
    after = models.JSONField(null=True)
    by = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)
    cases = models.PositiveIntegerField(default=0)
    """How many open cases it concerns."""
    reached = models.BigIntegerField(default=0)
    """Id of the last case that was sent to be scored."""
    scored = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(done_at__isnull=True), name="weights_pending")]
