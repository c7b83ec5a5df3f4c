"""Customers and the identities they speak with."""

from __future__ import annotations

from django.db import models

from parlour.lib import clock
from parlour.lib.quick import QuickModel


class Customer(QuickModel):
    """The person behind one or more identities."""

    name = models.CharField(max_length=120, default="", blank=True)
    language = models.CharField(max_length=8, default="", blank=True)
    vip = models.BooleanField(default=False)
    picture = models.CharField(max_length=64, default="", blank=True)
    """SHA-256 of the latest picture of any of their identities, by which the storage has it."""
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name or f"Customer {self.pk}"


class Identity(QuickModel):
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
    language = models.CharField(max_length=8, default="", blank=True)
    """The language they have set on the platform, ISO 639-1."""
    asked_at = models.DateTimeField(null=True)
    """When the platform last told who this is, or that it will not."""
    ask_due_at = models.DateTimeField(null=True)
    """When the platform is to be asked; None while there is nothing to ask."""
    ask_tries = models.PositiveSmallIntegerField(default=0)
    picture = models.CharField(max_length=64, default="", blank=True)
    """SHA-256 of the picture, by which the storage has it."""
    picture_due_at = models.DateTimeField(null=True)
    """When the picture at ``avatar_url`` is to be fetched; None when there is nothing new."""
    picture_tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["realm", "external_id"], name="identity_once")]
        indexes = [
            models.Index(fields=["ask_due_at"], condition=models.Q(ask_due_at__isnull=False), name="identity_ask"),
            models.Index(
                fields=["picture_due_at"], condition=models.Q(picture_due_at__isnull=False), name="identity_picture"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.handle or self.external_id


class Proof(models.Model):
    """The brand's own id of a customer, proven by one of their identities: the forum's single sign-on, a token the brand's site has
    signed. Identities of one brand with one such id are one customer's; a row stays with the identity that proved it."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="proofs", db_index=False)
    brand_id = models.BigIntegerField()
    """Whose id it is (``channels.Brand``)."""
    own_id = models.CharField(max_length=200)
    proven_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "brand_id"], name="proof_once")]
        indexes = [models.Index(fields=["brand_id", "own_id"], name="proof_own")]


class Fact(models.Model):
    """Something an account notes about its owner (a forum's user fields), as last told."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="facts", db_index=False)
    """Whose account tells it: the source."""
    name = models.CharField(max_length=80)
    value = models.CharField(max_length=500)
    told_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["identity", "name"], name="fact_once")]
