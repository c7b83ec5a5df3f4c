"""Customers and the identities they speak with."""

from __future__ import annotations

from django.db import models

from parlour.lib import clock


class Customer(models.Model):
    """The person behind one or more identities."""

    name = models.CharField(max_length=120, default="", blank=True)
    language = models.CharField(max_length=8, default="", blank=True)
    vip = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name or f"Customer {self.pk}"


class Identity(models.Model):
    """One author on one platform. ``external_id`` is unique within its ``realm`` (see ``channels.contract.Author``)."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    realm = models.CharField(max_length=80)
    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=120, default="", blank=True)
    handle = models.CharField(max_length=80, default="", blank=True)
    email = models.CharField(max_length=254, default="", blank=True)
    avatar_url = models.CharField(max_length=500, default="", blank=True)
    followers = models.PositiveIntegerField(null=True)
    verified = models.BooleanField(default=False)
    asked_at = models.DateTimeField(null=True)
    """When the platform was asked for the name, once, where events do not carry it."""
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["realm", "external_id"], name="identity_once")]
        indexes = [
            models.Index(fields=["-id"], condition=models.Q(name="", asked_at__isnull=True), name="identity_unnamed"),
        ]

    def __str__(self) -> str:
        return self.name or self.handle or self.external_id
