"""A case's words and what happened to it, laid out in the order in which an agent reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parlour.cases import queries as cases
from parlour.cases.models import Attachment, Delivery, DeliveryState, Direction, Level, Message, MessageVersion, Purpose
from parlour.cases.readings import LABELS as READ_AS
from parlour.channels import registry
from parlour.spine.models import Event
from parlour.understanding import categories

ACTS = {
    "like": ("hand-thumb-up", "Like"),
    "hide": ("eye-slash", "Hide from the public"),
    "unhide": ("eye", "Show to the public again"),
    "delete": ("trash", "Delete on the platform"),
}

DOING = {
    "like": "Liking",
    "hide": "Hiding",
    "unhide": "Showing again",
    "delete": "Deleting",
    "unlike": "Taking the like back",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """From here on the words are public, or private, on one channel."""

    key: str
    visibility: str
    channel: str
    subject: str
    url: str
    kind: str = "lane"


@dataclass(frozen=True, slots=True)
class Said:
    """One message or note.

    ``delivery``: how its sending goes, for what was written here. ``acts``: names of ``ACTS`` it can take now. ``pending``: acts the
    platform has not yet done, with words for each.
    """

    key: str
    message: Message
    delivery: Delivery | None
    acts: tuple[str, ...]
    pending: tuple[tuple[str, Delivery], ...]
    files: tuple[Attachment, ...]
    versions: tuple[MessageVersion, ...]
    kind: str = "said"

    @property
    def at(self) -> datetime:
        return self.message.sent_at

    @property
    def place(self) -> tuple[int, int] | None:
        """Which part of an answer it is, and of how many; None where an answer is one message."""
        return cases.place(self.message)

    @property
    def cancelled(self) -> bool:
        return self.delivery is not None and self.delivery.state == DeliveryState.CANCELLED


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, in words; ``why`` is the reason where one was given."""

    key: str
    words: str
    why: str
    icon: str
    at: datetime
    kind: str = "line"


@dataclass(frozen=True, slots=True)
class Flow:
    """What the middle pane shows, oldest first. ``newest`` is the highest message id in it, 0 for none."""

    items: list[Lane | Said | Line]
    earlier: str | None
    newest: int


def flow(
    told: cases.Timeline,
    history: Sequence[Event],
    names: Mapping[int, str],
    teams: Mapping[int, str],
    brand: int,
    *,
    last: bool,
) -> Flow:
    """Weave messages and events by time. ``names`` and ``teams`` give words for ids, ``brand`` for its categories; ``last`` is False
    for earlier stretches, which end with their newest message instead of with the latest event."""
    since = told.messages[0].sent_at if told.earlier and told.messages else None
    until = None if last or not told.messages else told.messages[-1].sent_at
    lines = [line for event in history if (line := in_words(event, names, teams, brand))]
    lines = [line for line in lines if (since is None or line.at >= since) and (until is None or line.at <= until)]
    parts: list[Said | Line] = [*map(_said, told.messages), *_folded(sorted(lines, key=lambda line: line.at))]
    woven = sorted(parts, key=lambda item: item.at)
    newest = max((message.pk for message in told.messages), default=0)
    return Flow(items=list(_with_lanes(woven)), earlier=told.earlier, newest=newest)


def _said(message: Message) -> Said:
    deliveries = list(message.deliveries.all())
    return Said(
        key=f"m{message.pk}",
        message=message,
        delivery=next((one for one in deliveries if one.what == "send"), None),
        acts=_acts(message),
        pending=tuple((DOING.get(one.what, one.what), one) for one in deliveries if _unsettled_act(one)),
        files=tuple(message.attachments.all()),
        versions=tuple(message.versions.all()),
    )


def _unsettled_act(delivery: Delivery) -> bool:
    settled = {DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ, DeliveryState.CANCELLED}
    return delivery.what not in ("send", "seen") and delivery.state not in settled


def _acts(message: Message) -> tuple[str, ...]:
    channel = registry.CHANNELS.get(message.channel)
    if channel is None or message.external_id is None or message.deleted_at or message.direction == Direction.NOTE:
        return ()
    able = channel.capabilities.acts_public if message.visibility == "public" else channel.capabilities.acts_private
    ours = message.direction == Direction.OUT
    fitting = {"delete"} if ours else {"like", "delete", "unhide" if message.hidden else "hide"}
    return tuple(act for act in ACTS if act in able and act in fitting)


def _with_lanes(items: Iterable[Said | Line]) -> Iterator[Lane | Said | Line]:
    standing: tuple[str, str, int] | None = None
    for item in items:
        if isinstance(item, Said) and item.message.direction != Direction.NOTE:
            message = item.message
            # What we said in a private reply has no thread until the platform names one; it stays in the lane it is seen in.
            thread_id = message.thread_id or (
                standing[2] if standing and standing[:2] == (message.visibility, message.channel) else 0
            )
            lane = (message.visibility, message.channel, thread_id)
            if lane != standing:
                thread = message.thread
                yield Lane(
                    key=f"l{message.pk}",
                    visibility=message.visibility,
                    channel=message.channel,
                    subject=thread.subject if thread else "",
                    url=thread.url if thread and thread.url.startswith(("https://", "http://")) else "",
                )
                standing = lane
        yield item


def _folded(lines: Sequence[Line]) -> Iterator[Line]:
    """The same words twice within a minute are one line."""
    for before, line in zip([None, *lines], lines, strict=False):
        if (
            before
            and before.words == line.words
            and before.why == line.why
            and (line.at - before.at).total_seconds() < 60
        ):
            continue
        yield line


def in_words(event: Event, names: Mapping[int, str], teams: Mapping[int, str], brand: int) -> Line | None:
    """An event as a line of the timeline; None for what the messages themselves already show."""
    data: dict[str, Any] = event.data if isinstance(event.data, dict) else {}
    if event.actor.startswith("rule:") and not event.verb.startswith("rule."):
        # The firing of the rule tells it all in one line.
        return None
    told = _words(event.verb, data, names, teams, brand)
    if told is None:
        return None
    icon, words = told
    why = str(data.get("reason") or data.get("why") or "")
    by = _by(event.actor, names)
    if why.endswith(BY_HAND):
        # Says no more than the line itself, which names the hand.
        why = ""
    if event.verb in BY_PEOPLE and by and not (event.verb == "case.assigned" and why):
        words = f"{words} by {by}"
    return Line(
        key=f"e{event.pk}",
        words=words,
        why="" if why.rstrip(".").lower() in words.lower() else why,
        icon=icon,
        at=event.at,
    )


BY_HAND = " by hand."
BY_PEOPLE = frozenset(
    {
        "case.escalated",
        "handover.again",
        "incident.joined",
        "incident.left",
        "case.resolved",
        "case.reopened",
        "case.assigned",
        "case.team",
        "case.level",
        "case.category",
        "case.purpose",
        "case.tags",
        "case.actionable",
        "reply.cancelled",
        "message.released",
        "message.kept_out",
        "message.complaint",
        "author.restricted",
        "author.forgiven",
        "author.cleared",
        "personal.shown",
        "reply.approved",
        "reply.sent_back",
    }
)


def _by(actor: str, names: Mapping[int, str]) -> str:
    kind, _, number = actor.partition(":")
    if kind == "agent" and number.isdigit():
        return names.get(int(number), "a former colleague")
    return "the API" if kind == "token" else ""


def _named(value: Any, names: Mapping[int, str], unknown: str) -> str:
    return names.get(value, unknown) if isinstance(value, int) else ""


def _promise(data: Mapping[str, Any]) -> str:
    return {"next": "next answer", "resolution": "resolution"}.get(str(data.get("what")), "first answer")


def _words(
    verb: str, data: Mapping[str, Any], names: Mapping[int, str], teams: Mapping[int, str], brand: int
) -> tuple[str, str] | None:
    match verb:
        case "case.opened":
            return "inbox-arrow-down", "Case opened"
        case "case.reopened":
            return "arrow-uturn-left", "Reopened"
        case "case.resolved":
            return "check-circle", "Resolved"
        case "case.routed" | "case.assigned":
            reason = str(data.get("reason") or "")
            if verb == "case.assigned" and reason and not reason.endswith(BY_HAND):
                return "user", reason.rstrip(".")
            who = _named(data.get("assignee"), names, "a former colleague")
            team = _named(data.get("team"), teams, "a former team")
            if who:
                return "user", f"Given to {who}"
            return ("user-group", f"Given to the team {team}") if team else ("user-minus", "Given to nobody")
        case "case.returned":
            return "arrow-uturn-left", "Went back to the queue"
        case "case.joined":
            return "user-group", f"Joined with case {data.get('into') or data.get('took')}"
        case "customer.joined":
            return "user-group", "Known to be one customer with another"
        case "case.team":
            team = _named(data.get("team"), teams, "a former team")
            return "user-group", f"Handed to the team {team}" if team else "Taken from its team"
        case "case.level":
            level = data.get("level")
            label = Level(level).label if level in Level.values else ""
            return "flag", f"Priority set to {label.lower()}" if label else "Priority left to the score"
        case "case.category":
            slug = str(data.get("now") or data.get("category") or "")
            return "tag", f"Category set to {categories.name(slug, brand)}"
        case "message.corrected":
            field, now = str(data.get("field")), str(data.get("now"))
            if field == "category":
                return "academic-cap", f"A message was read wrongly: it is about {categories.name(now, brand)}"
            said = READ_AS.get(field, {}).get(now, now)
            return "academic-cap", f"A message was read wrongly: {said.lower()} it is"
        case "message.labelled" if data.get("labels") != data.get("was"):
            return "cpu-chip", "A message is read otherwise than at first"
        case "correction.undone":
            return "arrow-uturn-left", "A correction was taken back"
        case "case.purpose":
            purpose = str(data.get("now"))
            return (
                "sparkles",
                f"Purpose set to {Purpose(purpose).label.lower() if purpose in Purpose.values else purpose}",
            )
        case "case.tags":
            return "tag", f"Tagged {', '.join(data.get('now') or []) or 'with nothing'}"
        case "case.actionable":
            return "funnel", "Called back from noise" if data.get("actionable") else "Marked as noise"
        case "incident.joined":
            return "bolt", f"Part of the incident “{data.get('title')}”"
        case "incident.left":
            return "bolt", f"Taken out of the incident “{data.get('title')}”"
        case "case.escalated":
            return "arrow-trending-up", f"Escalated to {data.get('name')}"
        case "handover.taken":
            called = f" as {data['reference']}" if data.get("reference") else ""
            return "arrow-trending-up", f"{data.get('name')} took it{called}"
        case "handover.failed":
            return "exclamation-triangle", f"{data.get('name')} did not take it"
        case "handover.again":
            return "arrow-path", f"{data.get('name')} is asked again"
        case "handover.told":
            return "arrow-trending-up", f"{data.get('name')}: {str(data.get('state')).lower()}"
        case "case.warned":
            return "clock", f"The promise of a {_promise(data)} is about to break"
        case "case.breached":
            return "exclamation-triangle", f"The promise of a {_promise(data)} was broken"
        case "case.leads_told":
            return "bell-alert", "Team leads were told"
        case "reply.approved":
            return "check-badge", "An answer was approved"
        case "reply.sent_back":
            return "arrow-uturn-left", "An answer was sent back, with a note why"
        case "rule.fired":
            did = "; ".join(str(one) for one in data.get("did") or ()) or "nothing to change"
            left = "; ".join(f"did not {one}" for one in data.get("left") or ())
            return "bolt", f"Rule “{data.get('name')}”: {did}{f'; {left}' if left else ''}"
        case "rule.failed":
            return "exclamation-triangle", str(data.get("reason") or "A rule failed").rstrip(".")
        case "rule.stopped":
            return "stop-circle", str(data.get("reason") or "Rules were stopped").rstrip(".")
        case "message.moderated":
            return "shield-exclamation", f"Moderation: {str(data.get('did') or 'flagged').lower()}"
        case "message.released":
            return "inbox-arrow-down", "A held message was let through"
        case "message.kept_out":
            return "archive-box", "A held message was kept out of the queue"
        case "message.complaint":
            return "shield-check", f"A moderated message {'is' if data.get('complaint') else 'is not'} a real complaint"
        case "author.restricted":
            return "no-symbol", f"The author was {data.get('kind')}"
        case "author.forgiven":
            return "hand-thumb-up", f"The author is no longer {data.get('was')}"
        case "author.suspected":
            return "exclamation-triangle", "The author was recognised as a spammer or troll"
        case "author.cleared":
            return "hand-thumb-up", "The author was cleared"
        case "personal.shown":
            return "eye", "Personal data was uncovered"
        case "reply.cancelled":
            return "arrow-uturn-left", "An answer was taken back before it left"
    return None
