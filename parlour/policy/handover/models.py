"""Other systems, what was handed over to them, and what they said of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from parlour.cases.models import Case
from parlour.channels.models import Brand
from parlour.lib import clock, secretbox


class System(models.Model):
    """A system outside that cases can be escalated to: it gets a signed webhook, and may answer with a token of its own."""

    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    brand = models.ForeignKey(Brand, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    """Whose cases it takes; None for every brand's."""
    sealed = models.TextField(default="")
    """``secret`` (bytes of the signature, base64) and ``authorization`` (a header it asks for, or empty), sealed."""
    digest = models.CharField(max_length=64, default="", blank=True)
    """Of the token it answers with; empty while it has none."""
    created_at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(null=True)
    """A system that is removed is kept: cases were handed over to it."""

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["digest"], condition=~Q(digest=""), name="system_token")]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """As the other system wants it: ``whsec_<base64>``."""
        return f"whsec_{secretbox.unseal(self.sealed)['secret']}"

    @property
    def authorization(self) -> str:
        return str(secretbox.unseal(self.sealed).get("authorization") or "")


class State(models.TextChoices):
    WAITING = "waiting", "Being handed over"
    HANDED = "handed", "With them"
    CLOSED = "closed", "Done there"
    REFUSED = "refused", "Refused there"
    FAILED = "failed", "Not taken"


class Handover(models.Model):
    """One case handed over to one system. A row that waits is what will be sent: it outlives whatever is killed."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="handovers")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    """What the other system knows it by (``webhook-id``): sent twice it is one."""
    body = models.TextField()
    """What is sent, the same each time."""
    by = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now)
    """When it is tried next; while somebody tries, when another may take over."""
    words = models.CharField(max_length=500, default="", blank=True)
    """What the other system last said, or why it could not be asked."""
    reference = models.CharField(max_length=120, default="", blank=True)
    """What it is called there."""
    link = models.CharField(max_length=500, default="", blank=True)
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="handover_due"),
        ]


class Update(models.Model):
    """Something the other system has said, once for each key it gave."""

    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="updates")
    key = models.CharField(max_length=128)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["handover", "key"], name="update_once")]
