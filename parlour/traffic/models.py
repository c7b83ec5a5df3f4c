"""What came through the door, with its outcome."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from parlour.lib import clock
from parlour.lib.quick import QuickModel

LANES = 64


class ArrivalState(models.TextChoices):
    NEW = "new", "New"
    DONE = "done", "Done"
    IGNORED = "ignored", "Ignored"
    PARKED = "parked", "Parked"


class Arrival(QuickModel):
    """One raw inbound event as the platform sent it. ``key`` is unique within the inbox: redelivery is refused by the database."""

    inbox_id = models.BigIntegerField()
    """No foreign key: the door writes without asking, and an inbox with arrivals is never deleted."""
    key = models.CharField(max_length=200)
    lane = models.SmallIntegerField()
    """0..63, from the thread: one lane is handled by one worker at a time, in the order of ids."""
    body = models.BinaryField()
    received_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=8, choices=ArrivalState.choices, default=ArrivalState.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    """For an arrival that waits for another one (an answer whose question has not come yet)."""
    reason = models.CharField(max_length=300, default="")
    """Why it was ignored or parked."""
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inbox_id", "key"], name="arrival_once")]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="new"), name="arrival_new"),
            models.Index(fields=["lane", "id"], condition=Q(state="new"), name="arrival_lane"),
            models.Index(fields=["id"], condition=Q(state="parked"), name="arrival_parked"),
        ]
