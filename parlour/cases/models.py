"""The record: cases, their threads and messages, and what is on its way out."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from parlour.channels.models import Brand, Inbox
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.lib.quick import QuickModel
from parlour.staff.models import Agent, Team


class Status(models.TextChoices):
    OPEN = "open", "Open"
    RESOLVED = "resolved", "Resolved"


class Level(models.TextChoices):
    """A priority set by hand, which outweighs the score."""

    LOW = "low", "Low"
    NORMAL = "normal", "Normal"
    HIGH = "high", "High"
    URGENT = "urgent", "Urgent"


class Purpose(models.TextChoices):
    """What a case is for, which decides whose queue it stands in."""

    SERVICE = "service", "Service"
    MARKETING = "marketing", "Marketing"
    DELIGHT = "delight", "Delight"


class Case(QuickModel):
    """One customer's one issue, across as many threads as it takes."""

    # The composite indexes below serve every list; one on the key alone would mislead SQLite's planner, and costs the road.
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="cases", db_index=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, db_index=False)
    assignee = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="cases", db_index=False)
    routing_reason = models.CharField(max_length=300, default="")
    category = models.CharField(max_length=40, default="other")
    category_by = models.CharField(max_length=40, default="model")
    """``model`` or ``agent:<id>``: a category set by a person is not changed by the model."""
    intent = models.CharField(max_length=16, default="")
    """What the customer wants, of their latest words that need an answer: question, complaint, request, ..."""
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.SERVICE)
    purpose_by = models.CharField(max_length=40, default="model")
    """``model``, ``rule:<id>`` or ``agent:<id>``, as ``category_by``."""
    tags = models.JSONField(default=list)
    """Free words that people and rules have put on it, in order."""
    actionable = models.BooleanField(default=True)
    """Whether any message of the customer needs an answer; noise is kept, but not queued."""
    channel = models.CharField(max_length=16)
    """The channel of the customer's latest words."""
    visibility = models.CharField(max_length=8, default="public")
    """Whether the customer's latest words are public or private."""
    language = models.CharField(max_length=8, default="")
    sentiment = models.CharField(max_length=8, default="neutral")
    """Of the latest inbound message."""
    sentiment_first = models.CharField(max_length=8, default="")
    """Of the first inbound message."""
    sentiment_lowest = models.CharField(max_length=8, default="")
    """The unhappiest of all inbound messages."""
    urgency = models.FloatField(default=0)
    """0..1, the highest among the unanswered inbound messages."""
    snippet = models.CharField(max_length=200, default="")
    """The beginning of the latest message."""
    snippet_direction = models.CharField(max_length=4, default="in")
    level = models.CharField(max_length=8, choices=Level.choices, null=True)
    """Set by hand; None while the score decides."""
    priority = models.SmallIntegerField(default=0)
    """0..100; the queue's order."""
    priority_reasons = models.JSONField(default=list)
    """``[[points, words], ...]``, the parts of the score."""
    opened_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    """Latest activity, by the desk's clock: the order of the API's lists."""
    waiting_since = models.DateTimeField(null=True)
    """Since when the customer waits for an answer (platform's clock); None when nobody waits."""
    last_in_at = models.DateTimeField(null=True)
    last_out_at = models.DateTimeField(null=True)
    first_response_at = models.DateTimeField(null=True)
    """When the brand first answered, by the platform's clock."""
    due_what = models.CharField(max_length=12, default="first")
    """Which promise ``response_due_at`` is about: ``first`` response, ``next`` response or ``resolution``."""
    response_due_at = models.DateTimeField(null=True)
    """When the nearest running promise breaks; None when all were kept or none was given."""
    response_warn_at = models.DateTimeField(null=True)
    """When to warn; None once warned."""
    breached_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)
    """When policy looks at the case again: a clock is due, or a step of the waiting part of the score. Verbs that change what
    policy depends on set it to now; a case that was resolved is looked at once more, to end its clocks."""
    resolved_at = models.DateTimeField(null=True)
    reopened = models.PositiveSmallIntegerField(default=0)
    messages_in = models.PositiveIntegerField(default=0)
    messages_out = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "customer"], condition=Q(status="open"), name="one_open_case"),
        ]
        indexes = [
            # The queue: open, actionable, by priority; each tab has its own partial index so that a page is one range read. The
            # purpose stands at the end so that tabs are counted without looking at a row.
            models.Index(
                fields=["-priority", "-id", "purpose"],
                condition=Q(status="open", actionable=True),
                name="case_queue",
            ),
            models.Index(
                fields=["assignee", "-priority", "-id", "purpose"],
                condition=Q(status="open", actionable=True),
                name="case_mine",
            ),
            models.Index(
                fields=["-priority", "-id", "purpose"],
                condition=Q(status="open", actionable=True, assignee__isnull=True),
                name="case_unassigned",
            ),
            models.Index(
                fields=["response_due_at", "id", "purpose"],
                condition=Q(status="open", actionable=True, response_due_at__isnull=False),
                name="case_due",
            ),
            models.Index(fields=["look_at"], condition=Q(look_at__isnull=False), name="case_look"),
            models.Index(fields=["-updated_at", "-id"], name="case_activity"),
            models.Index(fields=["-updated_at", "-id"], condition=Q(status="open"), name="case_open_activity"),
            models.Index(fields=["-updated_at", "-id"], condition=Q(status="resolved"), name="case_resolved_activity"),
            models.Index(fields=["team", "-updated_at", "-id"], name="case_team_activity"),
            models.Index(fields=["assignee", "-updated_at", "-id"], name="case_assignee_activity"),
            models.Index(fields=["category", "-updated_at", "-id"], name="case_category_activity"),
            models.Index(fields=["channel", "-updated_at", "-id"], name="case_channel_activity"),
            models.Index(fields=["customer", "-id"], name="case_customer"),
            # The queues of marketing and delight hold what is open, whether or not it needs an answer.
            models.Index(
                fields=["purpose", "-priority", "-id"],
                condition=Q(status="open") & ~Q(purpose="service"),
                name="case_purpose",
            ),
        ]


class Thread(QuickModel):
    """One conversation as the platform sees it, with one customer. A thread without a customer is the brand's own post."""

    inbox = models.ForeignKey(Inbox, on_delete=models.PROTECT, db_index=False)
    external_id = models.CharField(max_length=250)
    visibility = models.CharField(max_length=8)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="threads")
    case = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="threads")
    """The case that holds it now; earlier messages keep the case they were part of."""
    address = models.CharField(max_length=200, default="")
    subject = models.CharField(max_length=200, default="")
    url = models.CharField(max_length=500, default="")
    last_inbound_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inbox", "external_id"], name="thread_once")]


class Direction(models.TextChoices):
    IN = "in", "Inbound"
    OUT = "out", "Outbound"
    NOTE = "note", "Note"


class Message(QuickModel):
    """One utterance in a thread, or a note on a case (which has no thread)."""

    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="messages", db_index=False)
    thread = models.ForeignKey(Thread, null=True, on_delete=models.PROTECT, related_name="messages", db_index=False)
    inbox = models.ForeignKey(Inbox, null=True, on_delete=models.PROTECT, db_index=False)
    channel = models.CharField(max_length=16, default="")
    external_id = models.CharField(max_length=200, null=True)
    """The platform's id; None for notes and for what the platform has not confirmed yet."""
    reply_to = models.CharField(max_length=200, default="")
    """External id of the message it answers, whether or not we have that one."""
    direction = models.CharField(max_length=4, choices=Direction.choices)
    visibility = models.CharField(max_length=8)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL)
    """Who wrote it, when a customer did."""
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, db_index=False)
    """Who wrote it, when somebody in the desk did."""
    text = models.TextField(default="", blank=True)
    sent_at = models.DateTimeField()
    """By the platform's clock."""
    stored_at = models.DateTimeField(default=clock.now)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    """Deleted on the platform; the text is kept for the record and shown as deleted."""
    hidden = models.BooleanField(default=False)
    language = models.CharField(max_length=8, default="")
    sentiment = models.CharField(max_length=8, default="")
    sentiment_score = models.FloatField(null=True)
    category = models.CharField(max_length=40, default="")
    urgency = models.FloatField(null=True)
    actionable = models.BooleanField(null=True)
    intent = models.CharField(max_length=16, default="")
    offensive = models.FloatField(null=True)
    """0..1."""
    spam = models.FloatField(null=True)
    """0..1."""
    confidence = models.JSONField(default=dict)
    """How sure the model was of ``sentiment``, ``category``, ``intent``, ``actionable``: each 0..1; ``next``: field -> second
    likeliest answer; ``because``: field -> correction of a
    similar text that settled it."""
    personal = models.JSONField(default=list)
    """Personal data in the text: ``[[start, end, kind], ...]`` in characters."""
    held = models.BooleanField(default=False)
    """Moderation keeps it back until a person has looked."""
    meta = models.JSONField(default=dict)
    """Small facts of the platform: reactions, postback payload, referral."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inbox", "external_id"], name="message_once")]
        indexes = [
            models.Index(fields=["case", "-sent_at", "-id"], name="message_case"),
            models.Index(fields=["thread", "-sent_at", "-id"], name="message_thread"),
            # What no model has looked at: empty but for what is being worked on, or was left by a crash.
            models.Index(fields=["id"], condition=Q(direction="in", sentiment=""), name="message_unjudged"),
        ]


class MessageVersion(models.Model):
    """What a message said before it was edited on the platform."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="versions")
    text = models.TextField()
    until = models.DateTimeField()

    class Meta:
        ordering = ["until"]


class FileState(models.TextChoices):
    LINK = "link", "Elsewhere"  # an address to go to, or a fact without one; nothing is fetched
    WAITING = "waiting", "Waiting"
    FETCHED = "fetched", "Here"
    FAILED = "failed", "Not to be had"
    REFUSED = "refused", "Refused"


class Attachment(models.Model):
    """A file of a message, theirs or ours. Until it belongs to one, it is a file somebody has uploaded to send."""

    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="attachments")
    kind = models.CharField(max_length=16)
    url = models.TextField(default="")
    reference = models.CharField(max_length=500, default="")
    """What ``Channel.source`` finds it by, where an address does not do."""
    name = models.CharField(max_length=200, default="")
    mime = models.CharField(max_length=100, default="")
    """As told; by its bytes once the file is here."""
    size = models.BigIntegerField(null=True)
    """In bytes; as told until the file is here."""
    state = models.CharField(max_length=8, choices=FileState.choices, default=FileState.LINK)
    digest = models.CharField(max_length=64, default="")
    """SHA-256 of the file, by which the storage has it; empty until it is here."""
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, default="")
    """Why it failed or was refused: a sentence."""
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    """When a waiting one is to be fetched; while it is being fetched, when somebody else may."""
    uploaded_by = models.CharField(max_length=40, default="")
    """Who uploaded ours (``agent:<id>`` or ``token:<id>``): nobody else can send it."""
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(state="waiting"), name="attachment_due")]


class DeliveryState(models.TextChoices):
    AWAITING = "awaiting", "Awaits approval"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    UNCERTAIN = "uncertain", "Uncertain"
    CANCELLED = "cancelled", "Cancelled"


GONE = (DeliveryState.CANCELLED, DeliveryState.FAILED)
"""An answer whose sending ended like this never reached the customer."""
UNSAID = (*GONE, DeliveryState.AWAITING)
"""Neither did one that waits for a second pair of eyes, so far."""


class Delivery(models.Model):
    """One thing to be done on the platform: sending a message of ours, or an act (hide, delete, ...) on a message."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    what = models.CharField(max_length=16, default="send")
    """``send`` or an act of the contract."""
    mode = models.CharField(max_length=16, default="reply")
    target = models.CharField(max_length=200, default="")
    """External id of the message that is answered or acted on."""
    reference = models.CharField(max_length=40, unique=True)
    """Ours; carried to the platform where it takes one, so that the echo can be told apart."""
    idempotency_key = models.CharField(max_length=200, null=True, unique=True)
    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=80, default="")
    claimed_until = models.DateTimeField(null=True)
    error_kind = models.CharField(max_length=32, default="")
    error_words = models.CharField(max_length=500, default="")
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message"], condition=Q(what="send"), name="send_once"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="queued"), name="delivery_due"),
            models.Index(fields=["claimed_until"], condition=Q(state="sending"), name="delivery_claimed"),
            models.Index(fields=["id"], condition=Q(state="awaiting"), name="delivery_awaiting"),
        ]
