"""How a case can be answered now: which thread, publicly or privately, within which limits. All from what channels declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from parlour.cases.files import media
from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Message, Thread
from parlour.channels import registry
from parlour.channels.contract import SIGNALS, Capabilities, Channel, Visibility
from parlour.channels.models import STILL, Inbox
from parlour.channels.queries import config
from parlour.lib import clock


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer. ``blocked`` is a sentence when it is closed; ``until`` tells when an open one closes."""

    visibility: Visibility
    mode: str
    channel: str
    label: str
    limit: int
    unit: str
    answers: int
    blocked: str = ""
    until: datetime | None = None
    media: Mapping[str, int] = field(default_factory=dict)
    """Kinds of files that may come along (image, video, audio, file), and how many bytes one may have."""
    media_count: int = 0
    parts: int = 1
    """As many messages as an answer may become that is too long for one."""
    signals: frozenset[str] = frozenset()
    """What the customer can be shown of an agent's work: ``seen``, ``typing``."""
    buttons: tuple[int, int] = (0, 0)
    """So many answers to choose from become buttons, and how long one may be; what does not fit becomes numbered lines."""
    templates: bool = False
    """Approved templates can be sent, also while it is blocked."""


def ways(case: Case, threads: Iterable[Thread] | None = None, latest: Sequence[Message] = ()) -> list[Way]:
    """Ways to answer a case, best first: the lane the customer last spoke in, then the others; open ways before closed ones.

    ``threads`` and ``latest``, all its threads with their inboxes and its latest messages, spare asking for them again.
    """
    if threads is None:
        threads = Thread.objects.filter(case=case).select_related("inbox")
    theirs = [one for one in threads if one.customer_id is not None]
    # The last of each lane. Where the account has another inbox by now, the conversation goes on there.
    theirs.sort(
        key=lambda one: (
            one.inbox.health != Inbox.Health.GONE,
            one.last_inbound_at is not None,
            one.last_inbound_at or case.opened_at,
            one.pk,
        )
    )
    by_lane = {one.visibility: one for one in theirs}
    found: list[Way] = []
    for visibility in ("private", "public"):
        thread = by_lane.get(visibility)
        if thread and (way := way_for(thread, visibility, _said_in(thread, latest))):
            found.append(way)
    if not any(way.visibility == "private" for way in found):
        public = by_lane.get("public")
        if public and (way := way_for(public, "private", _said_in(public, latest))):
            found.append(way)
    return sorted(found, key=lambda way: (bool(way.blocked), way.visibility != case.visibility))


def way_for(thread: Thread, visibility: str, answers: Message | None = None) -> Way | None:
    """The way to answer ``answers`` (default: the customer's latest words in the thread) in public or private; None for none."""
    channel = registry.get(thread.inbox.channel)
    said = answers or latest_inbound(thread)
    if said is None:
        return None
    way: Way | None
    if visibility == "public":
        way = _public(channel, thread.inbox, said) if thread.visibility == "public" else None
    elif thread.visibility == "private":
        way = _private(channel, thread, said)
    else:
        way = _private_reply(channel, thread.inbox, said) if channel.capabilities.private_reply else None
    if way is not None and way.mode == "reply" and (able := media(channel.capabilities, visibility)):
        way = replace(way, media=able, media_count=channel.capabilities.media_count)
    if way is not None and visibility == "private" and (can := channel.capabilities.choices):
        way = replace(way, buttons=(can.count, can.length))
    if way is not None and thread.inbox.health in STILL:
        how = thread.inbox.get_health_display().lower()
        return replace(way, blocked=f"The inbox {thread.inbox.name} is {how}: nothing is sent from it.")
    return way


def _said_in(thread: Thread, latest: Sequence[Message]) -> Message | None:
    """What ``latest_inbound`` would give, if that is among these messages."""
    said = [
        one for one in latest if one.thread_id == thread.pk and one.direction == Direction.IN and one.deleted_at is None
    ]
    return max(said, key=lambda one: (one.sent_at, one.pk), default=None)


def latest_inbound(thread: Thread) -> Message | None:
    """The customer's latest words in a thread that still stand there."""
    said = Message.objects.filter(thread=thread, direction=Direction.IN).order_by("-sent_at", "-id")
    return said.filter(deleted_at=None).first() or said.first()


def _public(channel: Channel, inbox: Inbox, said: Message) -> Way | None:
    limit = channel.limit(config(inbox), "public")
    if limit is None:
        return None
    blocked = "The message it would answer was deleted." if said.deleted_at else ""
    return Way(
        "public", "reply", channel.name, f"Public reply · {channel.label}", limit.length, limit.unit, said.pk, blocked
    )


def _private(channel: Channel, thread: Thread, said: Message) -> Way | None:
    limit = channel.limit(config(thread.inbox), "private")
    if limit is None:
        return None
    until = window_closes_at(channel.capabilities, thread.last_inbound_at)
    blocked = ""
    if until and until <= clock.now():
        blocked = f"{channel.label} takes no free answer so long after the customer's last message."
    return Way(
        "private",
        "reply",
        channel.name,
        f"Private reply · {channel.label}",
        limit.length,
        limit.unit,
        said.pk,
        blocked,
        until,
        parts=channel.capabilities.parts,
        signals=signals(thread.inbox),
        templates=channel.capabilities.templates,
    )


def signals(inbox: Inbox) -> frozenset[str]:
    """What customers of an inbox can be shown of an agent's work, in private; nothing where it wants none, or is out of order."""
    if inbox.health != Inbox.Health.OK or config(inbox).settings.get(SIGNALS.name) == "no":
        return frozenset()
    channel = registry.CHANNELS.get(inbox.channel)
    return channel.capabilities.acts_private & {"seen", "typing"} if channel else frozenset()


def window_closes_at(capabilities: Capabilities, last_inbound_at: datetime | None) -> datetime | None:
    """When a person's private answer is no longer taken; None when there is no window."""
    hours = capabilities.human_agent_hours or capabilities.window_hours
    if hours is None or last_inbound_at is None:
        return None
    return last_inbound_at + timedelta(hours=hours)


def _private_reply(channel: Channel, inbox: Inbox, said: Message) -> Way | None:
    limit = channel.limit(config(inbox), "private")
    if limit is None:
        return None
    blocked, until = "", None
    if channel.capabilities.private_reply_days is not None:
        until = said.sent_at + timedelta(days=channel.capabilities.private_reply_days)
        spent = (
            Delivery.objects.filter(mode="private_reply", target=said.external_id or "", message__case=said.case_id)
            .exclude(state__in=[DeliveryState.FAILED, DeliveryState.CANCELLED])
            .exists()
        )
        if until <= clock.now():
            blocked = f"{channel.label} takes a private reply only {channel.capabilities.private_reply_days} days long."
        elif spent:
            blocked = "This message has had its one private reply; the customer must write back first."
    label = f"Private reply · {channel.label}"
    return Way("private", "private_reply", channel.name, label, limit.length, limit.unit, said.pk, blocked, until)
