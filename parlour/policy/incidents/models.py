"""Incidents, the cases in them, what was told, and what is counted to find the next one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from parlour.cases.models import Case, Message
from parlour.channels.models import Brand
from parlour.customers.models import Customer
from parlour.lib import clock
from parlour.lib.quick import QuickModel
from parlour.staff.models import Agent


class State(models.TextChoices):
    SUGGESTED = "suggested", "Suggested"
    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"
    DISMISSED = "dismissed", "Dismissed"


RUNNING = (State.INVESTIGATING, State.IDENTIFIED, State.MONITORING)


class Watch(models.Model):
    """What counts as a wave for one brand. A brand without a row has the defaults."""

    brand = models.OneToOneField(Brand, primary_key=True, on_delete=models.CASCADE, related_name="+")
    on = models.BooleanField(default=True)
    window_minutes = models.PositiveIntegerField(default=120)
    least = models.PositiveIntegerField(default=8)
    """So many cases, at least."""
    times = models.FloatField(default=3.0)
    """So many times what is usual at that hour, at least."""


class Incident(models.Model):
    """One cause that many cases have, with one status for all."""

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=14, choices=State.choices, default=State.SUGGESTED)
    title = models.CharField(max_length=160)
    why = models.CharField(max_length=300, default="")
    """Why it was suggested, in words; empty for one opened by hand."""
    words = models.JSONField(default=list)
    """What brings a case in: entries of one or more stems that must all be said (``words.belongs``)."""
    others = models.JSONField(default=list)
    """Stems most of its cases say besides; a wave of one of them is this incident again."""
    public_words = models.TextField(default="", blank=True)
    """What may be said of it: {{status}} in answers."""
    joins = models.BooleanField(default=True)
    """Later messages that say its words join by themselves."""
    answers_later = models.BooleanField(default=True)
    """Cases that join later get the latest answer, too."""
    peak = models.PositiveIntegerField(default=0)
    """The most cases it had within one window: a dismissed wave must grow beyond it to be suggested again."""
    usual = models.FloatField(default=0)
    into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="merged")
    """The incident that took its cases, when it was merged."""
    found_at = models.DateTimeField()
    """When it began to be seen, by the time of the messages."""
    last_at = models.DateTimeField()
    """The latest message that belongs to it."""
    opened_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    opened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["brand"],
                condition=Q(state__in=["suggested", "investigating", "identified", "monitoring"]),
                name="incident_alive",
            ),
            models.Index(fields=["-id"], condition=Q(state__in=["resolved", "dismissed"]), name="incident_past"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def running(self) -> bool:
        return self.state in RUNNING


class Standing(models.Model):
    """One status an incident has had, with the words given for it."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="standings")
    state = models.CharField(max_length=14, choices=State.choices)
    words = models.TextField(default="", blank=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-id"]


class Member(models.Model):
    """A case in an incident, or one that a person has taken out and that must not come back by itself."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="members")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    """When its customer said what brought it in."""
    by = models.CharField(max_length=40, default="desk")
    reason = models.CharField(max_length=200, default="")
    out = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "case"], name="incident_case_once")]


class RoundState(models.TextChoices):
    AWAITING = "awaiting", "Waits for approval"
    REFUSED = "refused", "Sent back"
    RUNNING = "running", "Under way"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    DONE = "done", "Done"


UNDER_WAY = (RoundState.RUNNING, RoundState.PAUSED, RoundState.AWAITING, RoundState.REFUSED)
"""Not over: another answer has to wait."""


class Round(models.Model):
    """One answer to everybody in an incident. ``closing``: the last one, when it is over."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="rounds")
    closing = models.BooleanField(default=False)
    text = models.TextField()
    short = models.TextField(default="", blank=True)
    """Said instead where the text does not fit."""
    lane = models.CharField(max_length=8, default="best")
    """``best`` (where the customer last spoke) or ``private`` (in public only where there is no other way)."""
    skip_answered = models.BooleanField(default=True)
    """Leave out those whom a colleague has answered since they last wrote."""
    then_resolve = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=RoundState.choices, default=RoundState.RUNNING)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    """In whose name it is said: whoever wrote it, or changed it last."""
    awaits = models.CharField(max_length=300, default="", blank=True)
    """Why it waits, or waited, for approval."""
    awaits_rule = models.BigIntegerField(null=True)
    approved = models.CharField(max_length=64, default="", blank=True)
    """Which words were approved (``approving.wording``): other words, of the answer or of the status in it, wait again."""
    approved_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    refused = models.TextField(default="", blank=True)
    """Why it was sent back."""
    refused_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.CharField(max_length=60, default="")
    """Of the form it came from: sent twice it is one round."""
    created_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(state="running"), name="round_running")]


class ToldState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SAID = "said", "Told"
    LEFT_OUT = "left_out", "Left out"
    UNREACHABLE = "unreachable", "Could not be reached"


class Told(models.Model):
    """One customer in one round: the row is the promise that nobody is told twice."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="told")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=12, choices=ToldState.choices, default=ToldState.WAITING)
    reason = models.CharField(max_length=300, default="")
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "customer"], name="told_once")]
        indexes = [models.Index(fields=["round", "id"], condition=Q(state="waiting"), name="told_waiting")]


class Heard(QuickModel):
    """What a case's new words are about. Kept for two days: the window that waves are looked for in."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    """When it was said, by the platform's clock."""
    stems = models.TextField(default="")
    counted = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["brand", "at"], name="heard_window"),
            models.Index(fields=["id"], condition=Q(counted=False), name="heard_uncounted"),
        ]


class Hour(models.Model):
    """How often each stem was said to a brand within one hour: what is usual is learned from these."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+", db_index=False)
    start = models.DateTimeField()
    cases = models.PositiveIntegerField(default=0)
    stems = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "start"], name="hour_once")]
