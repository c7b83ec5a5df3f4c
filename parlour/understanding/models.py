"""What people set right, each brand's categories, and what was learnt from both. Kept from the first day: the corrections of a brand
matter more than the model."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from parlour.lib import clock


class Correction(models.Model):
    """One annotation of one message that a person changed, or confirmed (``was`` equals ``now``)."""

    class Field(models.TextChoices):
        CATEGORY = "category", "Category"
        SENTIMENT = "sentiment", "Sentiment"
        INTENT = "intent", "Intent"
        ACTIONABLE = "actionable", "Needs an answer"
        URGENCY = "urgency", "Urgent"
        OFFENSIVE = "offensive", "Offensive"
        SPAM = "spam", "Spam"
        LANGUAGE = "language", "Language"

    brand_id = models.BigIntegerField(null=True)
    """A number, not a relation: brands and messages live in other rooms. None for corrections from before brands learnt by themselves."""
    message_id = models.BigIntegerField(db_index=True)
    text = models.TextField(default="")
    """The words as they were when they were judged: what is learnt from."""
    field = models.CharField(max_length=16, choices=Field.choices)
    was = models.CharField(max_length=64)
    now = models.CharField(max_length=64)
    agent_id = models.BigIntegerField(null=True)
    """None when a rule, an import or a language model made the change."""
    by = models.CharField(max_length=40, default="")
    """``agent:<id>``, ``token:<id>``, ``llm`` or ``desk``."""
    at = models.DateTimeField(db_index=True)
    model = models.CharField(max_length=64, blank=True)
    """The weights that had answered, as ``Annotation.model`` names them."""
    undone_at = models.DateTimeField(null=True)
    """Taken back: nothing is learnt from it any more."""

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["brand_id", "field", "id"], name="correction_learning")]

    def __str__(self) -> str:
        return f"{self.field}: {self.was} -> {self.now}"


class Category(models.Model):
    """One category of a brand's own tree. A brand without any has the tree that ships."""

    brand_id = models.BigIntegerField()
    slug = models.CharField(max_length=40)
    """What cases hold; it never changes."""
    name = models.CharField(max_length=60)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    order = models.PositiveIntegerField(default=0)
    archived_at = models.DateTimeField(null=True)
    """Given to no further message; cases that have it keep it."""
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="merged")
    """What its corrections and examples count for since."""
    examples = models.JSONField(default=list)
    """Sentences a customer might write, typed by people."""

    class Meta:
        ordering = ["order", "id"]
        constraints = [models.UniqueConstraint(fields=["brand_id", "slug"], name="category_once")]

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    """One head that was fitted on a brand's corrections, whether or not it is in use."""

    brand_id = models.BigIntegerField()
    field = models.CharField(max_length=16, choices=Correction.Field.choices)
    number = models.PositiveIntegerField()
    """1, 2, 3, ... within brand and field."""
    made_at = models.DateTimeField(default=clock.now)
    made_by = models.CharField(max_length=40, default="desk")
    active = models.BooleanField(default=False)
    data = models.BinaryField()
    """The head, learnt from everything."""
    proof = models.BinaryField()
    """The same without what is held back: what it is compared by, now and with later ones."""
    corrections = models.PositiveIntegerField()
    confirmed = models.PositiveIntegerField(default=0)
    """Messages that were answered without being corrected, which count less."""
    upto = models.BigIntegerField(default=0)
    """The last correction it knows."""
    scores = models.JSONField(default=dict)
    """``now`` and ``before``: macro-F1 and share of right answers on what was held back; ``rows``: ``[message id, truth, answer]``."""
    words = models.CharField(max_length=300, default="")
    """Why it took over, or did not."""

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["brand_id", "field", "number"], name="version_once"),
            models.UniqueConstraint(fields=["brand_id", "field"], condition=Q(active=True), name="one_active_version"),
        ]


class Asking(models.Model):
    """Whether a brand has a language model asked about messages the desk is unsure of. No row: it has not."""

    brand_id = models.BigIntegerField(primary_key=True)
    on = models.BooleanField(default=False)
    per_hour = models.PositiveIntegerField(default=60)
    """Messages it may be asked about within any hour."""


class Asked(models.Model):
    """One question to the language model, and what came of it. Never what was asked or answered."""

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered"
        UNUSABLE = "unusable", "No usable answer"
        FAILED = "failed", "No answer"

    brand_id = models.BigIntegerField()
    message_id = models.BigIntegerField(null=True, db_index=True)
    """None for a text that was tried on the page."""
    at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    changed = models.PositiveSmallIntegerField(default=0)
    """Fields of the message that are otherwise since."""
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    """As the endpoint told; 0 where it told nothing."""
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["brand_id", "at"], name="asked_of_brand")]


class Endpoint(models.Model):
    """How the language model's endpoint fares; one row for the desk."""

    ONLY = 1
    faults = models.PositiveIntegerField(default=0)
    """Failures since it last answered."""
    unusable = models.PositiveIntegerField(default=0)
    """Unusable answers in a row."""
    rest_until = models.DateTimeField(null=True)
    """It is left alone until then."""
    error = models.CharField(max_length=300, default="")
    error_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)


def _stamp() -> str:
    return secrets.token_hex(8)


class Learned(models.Model):
    """A brand that has anything of its own: corrections, categories, heads. Whoever keeps these in memory compares ``stamp``."""

    brand_id = models.BigIntegerField(primary_key=True)
    stamp = models.CharField(max_length=16, default=_stamp)

    @classmethod
    def changed(cls, brand_id: int) -> None:
        """Every process reads anew what ``brand_id`` has of its own, once the transaction is committed."""
        cls.objects.update_or_create(brand_id=brand_id, defaults={"stamp": _stamp()})
