"""What agents set right. Kept from the first day: the corrections of a brand matter more than the model."""

from __future__ import annotations

from django.db import models


class Correction(models.Model):
    """One annotation of one message that a person changed."""

    class Field(models.TextChoices):
        CATEGORY = "category", "Category"
        SENTIMENT = "sentiment", "Sentiment"
        URGENCY = "urgency", "Urgency"
        ACTIONABLE = "actionable", "Needs an answer"
        LANGUAGE = "language", "Language"

    message_id = models.BigIntegerField(db_index=True)
    """A number, not a relation: messages live in a room above this one."""
    field = models.CharField(max_length=16, choices=Field.choices)
    was = models.CharField(max_length=64)
    now = models.CharField(max_length=64)
    agent_id = models.BigIntegerField(null=True)
    """None when a rule or an import made the change."""
    at = models.DateTimeField(db_index=True)
    model = models.CharField(max_length=64, blank=True)
    """The weights that had answered, as ``Annotation.model`` names them."""

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.field}: {self.was} -> {self.now}"
