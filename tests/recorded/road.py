"""The road of one recording: an inbox with the recording's own ids, what was there before it, its arrival, and what stands in the
database afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, Message
from parlour.channels import actions as channels
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.traffic import pipeline, polling
from parlour.traffic.models import Arrival, ArrivalState
from tests.recorded.platform import Platform
from tests.town import Town

OUR_WORDS = "We are looking into it."
EXCERPT = 40
Said = tuple[str, str]
"""Whose words (external id), and which."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded payload. ``arrive`` hands it over; ``before`` makes what it is about, where it is about something earlier."""

    channel: str
    name: str
    file: str
    """Below the folder of recorded payloads."""
    settings: Mapping[str, str]
    arrive: Callable[[Road, Inbox], None]
    before: Callable[[Road, Inbox], None] | None = None
    ours: str = ""
    """The id the platform gives to an answer of ours, which is sent after ``before``."""
    said: Sequence[Said] | None = None
    """What customers said in it, read from the file itself; None where the table of the test tells the words."""
    authors: Sequence[str] | None = None
    """Who said something in it, read from the file itself; None where ``said`` or the table tells."""
    quiet: str = ""
    """Why nothing becomes of it."""


@dataclass(frozen=True, slots=True)
class Saw:
    """One thing that became of a recording. ``short``: what it is. ``words``: how its text begins, with its date. ``whose``: by or to whom."""

    short: str
    words: str = ""
    whose: str = ""
    said: Said | None = None

    def line(self, recording: Recording) -> str:
        """What is said of it in the table of the test: all that the file itself does not tell."""
        if recording.said is not None and self.said is not None:
            return self.short
        return " ".join(filter(None, (self.short, self.whose if recording.authors is None else "", self.words)))


@dataclass(slots=True)
class _Earlier:
    """What stood in the database before the recording arrived."""

    messages: dict[int, Message]
    deliveries: dict[int, str]
    arrivals: set[int]


@dataclass(slots=True)
class Road:
    town: Town
    platform: Platform
    client: httpx.Client
    postmen: ThreadPoolExecutor
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    told: dict[int, list[Saw]] = field(default_factory=dict)
    """What became of a recording before it could be stored, by inbox."""
    posted: list[Future[None]] = field(default_factory=list)

    def walk(self, recordings: Sequence[Recording]) -> dict[str, list[Saw]]:
        """All of them, each in an inbox of its own, and what became of each."""
        for one in recordings:
            settings = {key: value.replace("{platform}", self.platform.base) for key, value in one.settings.items()}
            self.inboxes[one.name] = channels.connect_inbox(one.channel, one.name[-80:], one.name[-80:], settings)
        for one in recordings:
            if one.before is not None:
                one.before(self, self.inboxes[one.name])
        self.handle()
        for one in recordings:
            if one.ours:
                self._answer(self.inboxes[one.name])
        earlier = {one.name: _earlier(self.inboxes[one.name]) for one in recordings}
        for one in recordings:
            one.arrive(self, self.inboxes[one.name])
        self.handle()
        return {one.name: self._seen(self.inboxes[one.name], earlier[one.name]) for one in recordings}

    def post(self, inbox: Inbox, body: bytes, headers: Mapping[str, str]) -> None:
        """Through the door, twice, as platforms say things twice; the second time changes nothing. ``handle`` waits for it."""
        self.posted.append(self.postmen.submit(self._post, inbox, body, headers))

    def _post(self, inbox: Inbox, body: bytes, headers: Mapping[str, str]) -> None:
        for _ in range(2):
            answer = self.client.post(self.town.door + inbox.webhook_path, content=body, headers=dict(headers))
            if answer.status_code != 200:
                self.told[inbox.pk] = [Saw(f"refused: {answer.json()['detail']}")]

    def poll(self, inbox: Inbox) -> None:
        polling.poll(Inbox.objects.select_related("brand").get(pk=inbox.pk))
        found = Inbox.objects.get(pk=inbox.pk)
        assert not found.poll_failures, f"{inbox.name}: {found.poll_error}"

    def handle(self) -> None:
        """The pipeline until nothing is left. What waits for another event that will not come has its hours of waiting cut short."""
        while self.posted:
            self.posted.pop().result()
        for _ in range(3):
            while pipeline.run("town"):
                pass
            if not Arrival.objects.filter(state=ArrivalState.NEW).update(attempts=100, due_at=None):
                return

    def _answer(self, inbox: Inbox) -> None:
        ours = self.town.answer(Case.objects.get(brand_id=inbox.brand_id), OUR_WORDS)
        assert Delivery.objects.get(message=ours).state == DeliveryState.SENT, Delivery.objects.get(
            message=ours
        ).error_words

    def _seen(self, inbox: Inbox, earlier: _Earlier) -> list[Saw]:
        saw = list(self.told.get(inbox.pk, []))
        for message in (
            Message.objects.filter(inbox=inbox).select_related("identity", "thread__identity").order_by("pk")
        ):
            before = earlier.messages.get(message.pk)
            if before is None:
                saw.append(_said(message))
            saw += _changed(message, before)
        for delivery in Delivery.objects.filter(message__inbox=inbox, what="send").order_by("pk"):
            if delivery.state != earlier.deliveries.get(delivery.pk):
                words = f": {delivery.error_words}" if delivery.state == DeliveryState.FAILED else ""
                saw.append(Saw(f"{delivery.state} receipt{words}"))
        for arrival in Arrival.objects.filter(inbox_id=inbox.pk).exclude(pk__in=earlier.arrivals).order_by("pk"):
            if arrival.state != ArrivalState.DONE or arrival.reason:
                words = f"{arrival.state}: {arrival.reason}"
                saw.append(Saw(words))
        found = Inbox.objects.get(pk=inbox.pk)
        if found.health == Inbox.Health.ATTENTION:
            words = f"the inbox needs attention: {found.health_note}"
            saw.append(Saw(words))
        return saw


def _earlier(inbox: Inbox) -> _Earlier:
    deliveries = Delivery.objects.filter(message__inbox=inbox, what="send")
    return _Earlier(
        {one.pk: one for one in Message.objects.filter(inbox=inbox)},
        {one.pk: one.state for one in deliveries},
        set(Arrival.objects.filter(inbox_id=inbox.pk).values_list("pk", flat=True)),
    )


def _said(message: Message) -> Saw:
    """A message that was not there before."""
    files = list(Attachment.objects.filter(message=message).order_by("pk").values_list("kind", flat=True))
    beside = f" with {', '.join(files)}" if files else ""
    whose = _whose(message)
    short = f"{message.visibility} {'message' if message.direction == 'in' else 'words of ours'}{beside}"
    to = "from" if message.direction == "in" else "to"
    today = clock.now() - message.sent_at < timedelta(hours=1)
    words = f"{'at once' if today else f'on {message.sent_at:%Y-%m-%d}'}: {excerpt(message.text)}"
    said = (whose, message.text) if message.direction == "in" else None
    return Saw(short, words.rstrip(), f"{to} {whose}", said)


def _whose(message: Message) -> str:
    """Who wrote it, or to whom we did."""
    partner = message.thread.identity if message.thread else None
    return message.identity.external_id if message.identity else partner.external_id if partner else "nobody"


def _changed(message: Message, before: Message | None) -> list[Saw]:
    """What became of a message that was there, or of one as soon as it was there."""
    saw = []
    reactions = message.meta.get("reactions", {})
    if before is not None and message.text != before.text:
        saw.append(Saw("edit", f"to: {excerpt(message.text)}", said=(_whose(message), message.text)))
    if message.deleted_at is not None and (before is None or before.deleted_at is None):
        saw.append(Saw("deletion"))
    if message.hidden and (before is None or not before.hidden):
        saw.append(Saw("hidden"))
    if reactions and reactions != (before.meta.get("reactions") if before else None):
        saw += [Saw("reaction", what, f"by {who}") for who, what in reactions.items()]
    return saw


def excerpt(text: str) -> str:
    """How a text begins, on one line, and how long it is."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}… ({len(text)})"


def counted(told: Sequence[str]) -> str:
    """In one line, equal ones counted."""
    return "; ".join(words if count == 1 else f"{count} × {words}" for words, count in Counter(told).items())
