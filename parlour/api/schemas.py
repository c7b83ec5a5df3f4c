"""What the API promises to send, for the OpenAPI document. ``shapes`` fills these; a test holds the two together."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from ninja import Schema
from pydantic import ConfigDict, Field

T = TypeVar("T")

Visibility = Literal["public", "private"]
Status = Literal["open", "resolved"]
Level = Literal["low", "normal", "high", "urgent"]
Sentiment = Literal["negative", "neutral", "positive"]
Purpose = Literal["service", "marketing", "delight"]
Presence = Literal["online", "full", "wrap-up", "away", "offline"]
Strategy = Literal["least", "robin"]


class Shape(Schema):
    model_config = ConfigDict(extra="forbid")


class ListOf(Shape, Generic[T]):
    """A page. ``next`` is the cursor of the page after it, null on the last one."""

    items: list[T]
    next: str | None


class Template(Shape):
    name: str
    language: str
    body: str = Field(description="Gaps are written `{{1}}`, or with a name.")


class Templates(Shape):
    items: list[Template]


class Named(Shape):
    id: int
    name: str


class Limit(Shape):
    """How long a text may be, counted in ``unit``."""

    length: int
    unit: Literal["characters", "weighted", "bytes", "graphemes", "utf16"]


class Capabilities(Shape):
    """What the channel can do. ``public`` and ``private`` are null when it has no such answers."""

    public: Limit | None
    private: Limit | None
    private_reply: bool = Field(description="A public message can be answered in private.")
    window_hours: int | None = Field(
        description="A private answer is free this long after the customer's last message."
    )
    acts_public: list[str]
    acts_private: list[str]
    edits: bool
    receipts: bool
    media_public: dict[str, int] = Field(
        description="Kinds of files (image, video, audio, file) a public answer can carry, and how many bytes one may have."
    )
    media_private: dict[str, int]
    media_count: int = Field(description="Files one answer may carry.")
    parts: int = Field(
        description="As many messages in a row as a private answer may become that is too long for one; 1: it is refused."
    )


class Inbox(Shape):
    id: int
    brand: Named
    channel: str
    name: str
    webhook_path: str = Field(description="Empty unless your role holds `lead`.")
    health: Literal["ok", "attention", "paused"]
    health_note: str = Field(description="What ails it, in words. Empty unless your role holds `lead`.")
    capabilities: Capabilities | None = Field(description="Null when this version does not know the channel.")


class Reason(Shape):
    points: float
    words: str


class Clock(Shape):
    """One promise to the customer. ``due_at`` is null while it rests, ``resting`` says why."""

    what: Literal["first", "next", "resolution"]
    target: str = Field(description="Key of the target it follows (`GET /service-levels`).")
    why: str
    promised_seconds: int
    started_at: datetime
    due_at: datetime | None
    resting: str | None
    breached_at: datetime | None


class Case(Shape):
    """One customer's one issue, across as many threads as it takes."""

    id: int
    brand: Named
    customer: Named
    status: Status
    channel: str = Field(description="Of the customer's latest words.")
    visibility: Visibility
    category: str
    intent: str | None = Field(
        description="What the customer wants, of their latest words that need an answer; null when not judged."
    )
    purpose: Purpose
    tags: list[str]
    level: Level | None = Field(description="A priority set by hand; null while the score decides.")
    priority: int = Field(description="0 to 100; the order of the queue.")
    priority_reasons: list[Reason]
    team: Named | None
    assignee: Named | None
    routing_reason: str
    sentiment: Sentiment | None = Field(description="Of the latest words.")
    sentiment_first: Sentiment | None
    sentiment_lowest: Sentiment | None
    language: str | None = Field(description="ISO 639-1, null when unknown.")
    urgency: float = Field(description="0 to 1, the highest among the unanswered messages.")
    actionable: bool = Field(description="False for noise that needs no answer.")
    snippet: str
    opened_at: datetime
    updated_at: datetime = Field(description="Latest activity; lists are ordered by it, newest first.")
    waiting_since: datetime | None
    first_response_at: datetime | None
    response_due_at: datetime | None
    due_what: str = Field(description="Which promise that is: first, next or resolution.")
    breached_at: datetime | None
    clocks: list[Clock] = Field(description="The promises that stand, running or resting.")
    resolved_at: datetime | None
    reopened: int
    messages_in: int
    messages_out: int


class Author(Shape):
    """A customer has an ``external_id``, an agent an ``agent_id``; a token and words written elsewhere have neither."""

    name: str | None
    external_id: str | None
    agent_id: int | None


class Delivery(Shape):
    state: Literal["queued", "sending", "sent", "delivered", "read", "failed", "uncertain", "cancelled"]
    error: str | None = Field(description="The platform's own words when it refused.")


class Attachment(Shape):
    """A file of a message, or one uploaded to be sent. A `link` is an address to go to; nothing is fetched from it."""

    id: int
    kind: str
    state: Literal["link", "waiting", "fetched", "failed", "refused"]
    url: str = Field(description="Once fetched, where this API has it; before, the platform's own address or empty.")
    name: str
    mime: str = Field(description="Once fetched, what its bytes say; before, what the platform says.")
    size: int | None = Field(description="In bytes.")
    error: str | None = Field(description="Why it is not here, in words.")


class Message(Shape):
    """One utterance, or a note of the desk (which has no thread)."""

    id: int
    case_id: int
    thread_id: int | None
    channel: str | None
    visibility: Visibility
    direction: Literal["in", "out", "note"]
    author: Author
    text: str
    sent_at: datetime = Field(description="By the platform's clock.")
    external_id: str | None = Field(description="The platform's id; null until the platform has confirmed it.")
    reply_to: str | None = Field(description="External id of the message it answers.")
    delivery: Delivery | None = Field(description="Of what we send; null for everything else.")
    language: str | None = Field(description="ISO 639-1; null when not judged or unknown.")
    sentiment: Sentiment | None = Field(description="Null when not judged.")
    category: str | None = Field(description="Null when not judged.")
    intent: str | None = Field(description="Null when not judged.")
    urgency: float | None = Field(description="0 to 1; null when not judged.")
    edited_at: datetime | None
    deleted_at: datetime | None = Field(description="Deleted on the platform; the text is kept for the record.")
    hidden: bool
    attachments: list[Attachment]
    meta: dict[str, Any]


class Reply(Message):
    """An answer: the message, or the first one of those it became."""

    parts: list[Message] = Field(
        description="All messages the answer became, in order: one, or several where it was too long for one."
    )


class Event(Shape):
    """One thing that happened to a case. ``actor``: ``desk``, ``agent:<id>``, ``token:<id>`` or ``customer:<id>``."""

    id: int
    at: datetime
    verb: str
    actor: str
    message_id: int | None
    reason: str | None
    data: dict[str, Any]


class Agent(Shape):
    id: int
    name: str
    email: str
    role: str
    presence: Presence
    presence_until: datetime | None = Field(description="When wrapping up ends.")
    capacity: int = Field(description="How many places they have; a case takes one unless its channel weighs more.")
    skills: dict[str, int] = Field(description="Skill and level, 1 to 5.")
    languages: list[str] = Field(description="ISO 639-1; empty for any.")
    teams: list[Named]


class Team(Shape):
    """Of its lists, an empty one sets no limit; without categories it takes what no other team does."""

    id: int
    name: str
    active: bool = Field(description="A closed team takes nothing.")
    categories: list[str]
    purposes: list[Purpose]
    languages: list[str]
    channels: list[str]
    brands: list[int]
    skills: dict[str, int] = Field(description="What it asks of its agents: skill and least level.")
    strategy: Strategy
    pushes: bool
    overflow_id: int | None
    overflow_minutes: int
    hours: str = Field(description="Key of a calendar of the service levels; empty for around the clock.")
    wrap_up_seconds: int = Field(description="How long an agent who has resolved one of its cases is given nothing.")


class Me(Shape):
    """The token that asks."""

    id: int
    name: str
    role: str
    rights: list[str]
    created_at: datetime


class FieldError(Shape):
    field: str
    message: str


class Problem(Shape):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
