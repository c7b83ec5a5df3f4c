"""What the pipeline's steps pass along: a batch of arrivals on their way to becoming messages of cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from parlour.cases.models import Attachment, Case, Delivery, Message, MessageVersion, Thread
from parlour.channels.contract import Author, Channel, Inbound, InboxConfig
from parlour.channels.models import Inbox
from parlour.customers.models import Identity
from parlour.spine.models import Event
from parlour.traffic.models import Arrival, ArrivalState

THREAD_FIELDS = ["identity_id", "customer_id", "case_id", "last_inbound_at"]
"""What the road changes on a thread."""


def thread_values(thread: Thread) -> tuple[object, ...]:
    return tuple(getattr(thread, name) for name in THREAD_FIELDS)


@dataclass(slots=True)
class Outcome:
    """What became of one arrival. It is done when nothing else is said."""

    state: str = ArrivalState.DONE
    reason: str = ""
    due_at: datetime | None = None


@dataclass(slots=True)
class Item:
    """One normalised event and what the steps found out about it."""

    arrival: Arrival
    inbox: Inbox
    channel: Channel
    config: InboxConfig
    inbound: Inbound
    identity: Identity | None = None
    thread: Thread | None = None
    message: Message | None = None

    @property
    def customer_author(self) -> Author | None:
        """The customer concerned: who wrote it, or whom our own words were said to."""
        if self.inbound.kind == "echo":
            return self.inbound.counterpart
        return self.inbound.counterpart or self.inbound.author


@dataclass(slots=True)
class Batch:
    """A list of arrivals, in order, with everything the steps have loaded or made."""

    arrivals: list[Arrival]
    now: datetime
    items: list[Item] = field(default_factory=list)
    met: list[Author] = field(default_factory=list)
    """People of whom an event told, without more, that several ids are theirs."""
    told_of: list[tuple[Inbox, Channel, Author]] = field(default_factory=list)
    """People whose account has changed, by events that say nothing else."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    identities: dict[tuple[str, str], Identity] = field(default_factory=dict)
    moved: dict[tuple[int, str], str] = field(default_factory=dict)
    """(customer, address that is somebody else's now) -> what they are answered at instead."""
    apart: dict[int, str] = field(default_factory=dict)
    """New customers who could be taken for a known one, by id: why they are not."""
    ask: set[int] = field(default_factory=set)
    """Identities whose platform is to be asked who they are."""
    messages: dict[tuple[int, str], Message] = field(default_factory=dict)
    threads: dict[tuple[int, str], Thread] = field(default_factory=dict)
    stored_threads: dict[int, tuple[object, ...]] = field(default_factory=dict)
    """What the stored threads said when they were loaded: only what has changed is written."""
    cases: dict[int, Case] = field(default_factory=dict)
    """Stored cases by id, each loaded once and held until the transaction ends."""
    in_flight: list[Delivery] = field(default_factory=list)
    """Answers of ours whose receipt has not come: an echo may be theirs."""
    open_cases: dict[tuple[int, int], Case] = field(default_factory=dict)
    """(brand, customer) -> the open case."""
    closed_cases: dict[tuple[int, int], Case] = field(default_factory=dict)
    """(brand, customer) -> the case resolved last."""
    new_cases: list[Case] = field(default_factory=list)
    new_messages: list[Message] = field(default_factory=list)
    files: dict[tuple[int, int], Attachment] = field(default_factory=dict)
    """What came inside events, stored: by the item's identity (``id``) and the file's place in it."""
    attachments: list[Attachment] = field(default_factory=list)
    versions: list[MessageVersion] = field(default_factory=list)
    changed_messages: dict[int, Message] = field(default_factory=dict)
    changed_cases: dict[int, Case] = field(default_factory=dict)
    settled: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Deliveries that reached another state, by id: state, words of an error."""
    undelivered: list[Message] = field(default_factory=list)
    """Answers of which the platform says now that they never reached their customer."""
    events: list[tuple[str, Case | None, Message | None, str, dict[str, object]]] = field(default_factory=list)
    """Lines to write once the rows have ids: verb, case, message, actor, data."""
    fresh: list[Item] = field(default_factory=list)
    """Customers' messages new in this batch or edited: what understanding and policy look at."""

    def forget(self) -> None:
        """Let go of what ``recall`` has loaded: it has changed since."""
        self.messages.clear()
        self.threads.clear()
        self.stored_threads.clear()
        self.in_flight = []

    def case_of(self, thing: Message | Thread | None) -> Case | None:
        """The case of a message or thread as this batch holds it."""
        if thing is None:
            return None
        return self.cases.get(thing.case_id) if thing.case_id else thing.case

    def known_thread(self, stored: Thread) -> Thread:
        """Every thread is one object in a batch, so that changes meet."""
        known = self.threads.setdefault((stored.inbox_id, stored.external_id), stored)
        if known is stored:
            self.stored_threads[stored.pk] = thread_values(stored)
        return known

    def state_of(self, delivery: Delivery) -> str:
        """Where a delivery stands, with what this batch has heard of it."""
        state, _ = self.settled.get(delivery.pk, (delivery.state, ""))
        return state

    def settle(self, delivery: Delivery, state: str, words: str = "") -> None:
        self.settled[delivery.pk] = (state, words)

    def change(self, case: Case) -> None:
        if case.pk:
            self.changed_cases[case.pk] = case

    def outcome(self, arrival: Arrival) -> Outcome:
        return self.outcomes.setdefault(arrival.pk, Outcome())

    def tell(self, verb: str, case: Case | None, message: Message | None, actor: str = "desk", **data: object) -> None:
        self.events.append((verb, case, message, actor, data))

    def lines(self) -> list[Event]:
        """The events, now that everything has an id."""
        return [
            Event(
                verb=verb,
                actor=actor,
                case_id=case.pk if case else None,
                message_id=message.pk if message else None,
                data=data,
            )
            for verb, case, message, actor, data in self.events
        ]
