"""What moderation is told, what it has done, and whom and what it has recognised."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from parlour.cases.models import Message
from parlour.channels.models import Brand
from parlour.customers.models import Identity
from parlour.lib import clock
from parlour.understanding import personal


class Action(models.TextChoices):
    """What happens to a message, mildest first."""

    FLAG = "flag", "Flag it for agents"
    HOLD = "hold", "Hold it until a person has looked"
    HIDE = "hide", "Hide it on the platform"
    DELETE = "delete", "Delete it on the platform"


class WordList(models.Model):
    """Words that make something happen, one pattern a line (see ``words``)."""

    brand = models.ForeignKey(Brand, null=True, on_delete=models.CASCADE)
    """None: every brand."""
    name = models.CharField(max_length=80)
    language = models.CharField(max_length=8, default="", blank=True)
    """Only messages in this language (ISO 639-1); '' for all. A message whose language nobody could tell counts as any."""
    action = models.CharField(max_length=8, choices=Action.choices, default=Action.FLAG)
    words = models.TextField(default="")
    exceptions = models.TextField(default="", blank=True)
    """Patterns in whose midst a word of the list means nothing: Scunthorpe."""
    active = models.BooleanField(default=True)
    preset = models.CharField(max_length=40, default="", blank=True)
    """The shipped list it began as."""

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


def _all_kinds() -> list[str]:
    return list(personal.KINDS)


class Measures(models.Model):
    """What a brand does besides its lists."""

    brand = models.OneToOneField(Brand, on_delete=models.CASCADE)
    region = models.CharField(max_length=2, default="", blank=True)
    """ISO country of phone numbers written without one; '' goes by the language."""
    templates = models.JSONField(default=list, blank=True)
    """Its booking and order numbers: ``AA-99999``."""
    hide_personal = models.BooleanField(default=False)
    """Personal data in public is hidden on the platform by itself."""
    hide_kinds = models.JSONField(default=_all_kinds)
    recognise = models.BooleanField(default=False)
    """Look for floods and for authors who repeat themselves or abuse."""
    flood_messages = models.PositiveSmallIntegerField(default=5)
    flood_authors = models.PositiveSmallIntegerField(default=3)
    spam_messages = models.PositiveSmallIntegerField(default=3)
    """So many abusive, spam or repeated public messages of one author are too many."""
    window_minutes = models.PositiveIntegerField(default=60)
    mute_spammers = models.BooleanField(default=False)
    """Mute whom it recognises for a day, instead of only proposing it."""


class Change(models.Model):
    """What somebody changed here, with what it was before: undone by putting that back. Its newest id tells whether settings that are
    kept in memory are old."""

    what = models.CharField(max_length=10)
    """``list``, ``measures`` or ``author``."""
    ref = models.BigIntegerField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    words = models.CharField(max_length=300)
    by = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)
    undone = models.BooleanField(default=False)


class Standing(models.TextChoices):
    MUTED = "muted", "Muted"
    RESTRICTED = "restricted", "Restricted"
    BLOCKED = "blocked", "Blocked"


STANDING_WORDS = {
    Standing.MUTED: "their messages do not reach the queue",
    Standing.RESTRICTED: "what they write in public is hidden at once",
    Standing.BLOCKED: "what they write in public is hidden at once, and nothing reaches the queue",
}


class Restriction(models.Model):
    """What an author has been put under, and until when; kept after it was lifted."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="restrictions")
    kind = models.CharField(max_length=10, choices=Standing.choices)
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["identity"], condition=Q(lifted_at__isnull=True), name="restricted_once")
        ]

    @property
    def words(self) -> str:
        return STANDING_WORDS[Standing(self.kind)]


class Flood(models.Model):
    """Many authors saying nearly the same in a short time."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    sample = models.CharField(max_length=200)
    """How one of them put it, personal data covered."""
    print = models.BigIntegerField()
    messages = models.PositiveIntegerField()
    authors = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    state = models.CharField(max_length=8, default="open")
    """``open``; ``hidden``: what belongs to it is hidden; ``none``: somebody said it is no flood."""
    by = models.CharField(max_length=40, default="")


class Kind(models.TextChoices):
    WORD = "word", "A word"
    PERSONAL = "personal", "Personal data"
    AUTHOR = "author", "Its author"
    FLOOD = "flood", "A flood"


class Handled(models.Model):
    """One thing moderation did to one message, and why."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="handled")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    action = models.CharField(max_length=8)
    """An ``Action``, or ``mute``."""
    list = models.ForeignKey(WordList, null=True, on_delete=models.SET_NULL)
    flood = models.ForeignKey(Flood, null=True, on_delete=models.SET_NULL, related_name="handled")
    word = models.CharField(max_length=100, default="")
    """The pattern that acted."""
    reason = models.CharField(max_length=300)
    acted = models.BooleanField(default=False)
    """Whether the platform was asked to hide or delete it."""
    at = models.DateTimeField(default=clock.now)
    looked_at = models.DateTimeField(null=True)
    """When a person has decided about a held message."""
    looked_by = models.CharField(max_length=40, default="")
    complaint_guess = models.BooleanField(default=False)
    """Whether the models took it for a real complaint."""
    complaint = models.BooleanField(null=True)
    """What a person said it is."""
    complaint_by = models.CharField(max_length=40, default="")

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="handled_newest"),
            models.Index(fields=["at"], condition=Q(action="hold", looked_at__isnull=True), name="handled_held"),
        ]

    @property
    def is_complaint(self) -> bool:
        """As corrected by people, else as the models say."""
        return self.complaint_guess if self.complaint is None else self.complaint


class Suspect(models.Model):
    """An author who was recognised; somebody is to decide."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "brand"], condition=Q(settled_at__isnull=True), name="suspected_once"
            )
        ]


class Heard(models.Model):
    """The print of a recent public message, by which near duplicates are found; forgotten after the brand's window."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, db_index=False)
    message = models.OneToOneField(Message, on_delete=models.CASCADE)
    identity_id = models.BigIntegerField(null=True)
    print = models.BigIntegerField()
    band_a = models.IntegerField()
    band_b = models.IntegerField()
    band_c = models.IntegerField()
    band_d = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            *(models.Index(fields=["brand", f"band_{one}"], name=f"heard_{one}") for one in "abcd"),
            models.Index(fields=["brand", "at"], name="heard_at"),
        ]
