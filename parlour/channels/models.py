"""Brands and the accounts they are reached at."""

from __future__ import annotations

from typing import Any

from django.db import models

from parlour.lib import clock, secretbox


class Brand(models.Model):
    """What the customer talks to."""

    name = models.CharField(max_length=80, unique=True)
    reopen_hours = models.PositiveIntegerField(default=72)
    """A message this many hours after resolution, or sooner, reopens the case; a later one starts a new case."""
    recorded = models.BooleanField(default=False)
    """Known from recordings only: nobody is given its cases, nothing is promised, and they stand behind the living."""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Inbox(models.Model):
    """One connected account on one channel."""

    class Health(models.TextChoices):
        OK = "ok", "Connected"
        ATTENTION = "attention", "Needs attention"
        PAUSED = "paused", "Paused"
        GONE = "gone", "Disconnected"

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="inboxes")
    channel = models.CharField(max_length=16)
    name = models.CharField(max_length=80)
    key = models.CharField(max_length=32, unique=True)
    """The unguessable end of its webhook address."""
    sealed = models.TextField(default="")
    """Settings and credentials, sealed with the installation's secret; read through ``settings``."""
    cursor = models.JSONField(default=dict)
    """Where polling goes on."""
    health = models.CharField(max_length=12, choices=Health.choices, default=Health.OK)
    health_note = models.CharField(max_length=300, default="", blank=True)
    health_by = models.CharField(max_length=8, default="")
    """What found that it needs attention: ``poll``, or empty for everything else."""
    health_at = models.DateTimeField(null=True)
    """Since when it fares so."""
    heard_at = models.DateTimeField(null=True)
    """When something last came from it, give or take some seconds."""
    lag_seconds = models.FloatField(null=True)
    """How long after the platform's own time of what was said last it was handled here."""
    created_at = models.DateTimeField(default=clock.now)
    polled_at = models.DateTimeField(null=True)
    poll_failures = models.PositiveIntegerField(default=0)
    """How many polls in a row have failed; one that works begins anew."""
    poll_error = models.CharField(max_length=300, default="")
    """What the last of them was told."""
    renewed_at = models.DateTimeField(null=True)
    """When its credentials were last renewed without a person."""

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["brand", "channel", "name"], name="inbox_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def settings(self) -> dict[str, Any]:
        """The opened settings; kept on the instance, never in a template's reach by accident (see ``__str__``)."""
        if "_opened" not in self.__dict__:
            self.__dict__["_opened"] = secretbox.unseal(self.sealed) if self.sealed else {}
        opened: dict[str, Any] = self.__dict__["_opened"]
        return opened

    @property
    def webhook_path(self) -> str:
        return f"/in/{self.channel}/{self.key}"


STILL = (Inbox.Health.PAUSED, Inbox.Health.GONE)
"""Nothing is sent from, or fetched for, an inbox that a person has paused or disconnected."""
