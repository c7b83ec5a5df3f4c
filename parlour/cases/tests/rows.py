"""Rows to test with: a brand with real inboxes, customers, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Message, Thread
from parlour.channels.actions import connect_inbox
from parlour.channels.models import Brand, Inbox
from parlour.customers.models import Customer, Identity
from parlour.staff.actions import add_agent
from parlour.staff.models import Agent, Presence, Role

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
META = {"page_id": "700100200", "app_secret": "app-secret", "verify_token": "verify", "access_token": "token"}
SETTINGS: dict[str, dict[str, str]] = {
    "facebook": META,
    # Deliveries are counted: signs of our work only where a test is about them.
    "messenger": {**META, "signals": "no"},
    "whatsapp": {"phone_number_id": "700100201", "app_secret": "s", "verify_token": "v", "access_token": "t"},
    "x": {"user_id": "1500000000000000001", "consumer_secret": "consumer-secret", "access_token": "token"},
    "api": {"secret": "whsec_c2FtcGxlLXNlY3JldC1vZi10aGlydHktYnl0ZXM=", "callback_url": "http://127.0.0.1:9/callback"},
}


def settings_of(channel: str, **changed: str) -> dict[str, str]:
    base = {} if channel == "api" else {"api_base": "http://127.0.0.1:9"}
    return {**SETTINGS[channel], **base, **changed}


@dataclass
class Rows:
    """Makes rows as the road would have left them; every message a minute after the one before."""

    brand_name: str = "Northwind"
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def inbox(self, channel: str = "x", **settings: str) -> Inbox:
        if channel not in self.inboxes:
            made = connect_inbox(channel, self.brand_name, f"@{channel}", settings_of(channel, **settings))
            self.inboxes[channel] = Inbox.objects.select_related("brand").get(pk=made.pk)
        return self.inboxes[channel]

    @property
    def brand(self) -> Brand:
        return Brand.objects.get_or_create(name=self.brand_name)[0]

    def agent(self, name: str = "Noor", role: str = Role.AGENT, presence: str = Presence.OFFLINE, **more: Any) -> Agent:
        agent = add_agent(f"{name.lower()}{next(self.numbers)}@example.com", name, role, **more)
        Agent.objects.filter(pk=agent.pk).update(presence=presence)
        agent.presence = presence
        return agent

    def case(self, **values: Any) -> Case:
        customer = values.pop("customer", None) or Customer.objects.create(name=f"Customer {next(self.numbers)}")
        values = {"channel": "x", "opened_at": START, "updated_at": START} | values
        return Case.objects.create(brand=self.brand, customer=customer, **values)

    def said(
        self, case: Case, text: str = "Where is my parcel?", channel: str = "x", visibility: str = "public", **more: Any
    ) -> Message:
        """A customer's message in this lane of the case, waiting for its answer."""
        number = next(self.numbers)
        inbox = self.inbox(channel)
        at = more.pop("sent_at", START + timedelta(minutes=number))
        identity, _ = Identity.objects.get_or_create(
            realm=f"test:{channel}",
            external_id=f"u{case.customer_id}",
            defaults={"customer": case.customer, "name": "Ana"},
        )
        thread, _ = Thread.objects.get_or_create(
            inbox=inbox,
            external_id=f"t{case.pk}-{visibility}",
            defaults={
                "visibility": visibility,
                "identity": identity,
                "customer": case.customer,
                "case": case,
                "address": identity.external_id,
            },
        )
        Thread.objects.filter(pk=thread.pk).update(last_inbound_at=at)
        values = {"external_id": f"m{number}", "actionable": True, "urgency": 0.5, "sentiment": "neutral"} | more
        message = Message.objects.create(
            case=case,
            thread=thread,
            inbox=inbox,
            channel=channel,
            visibility=visibility,
            direction=Direction.IN,
            identity=identity,
            text=text,
            sent_at=at,
            **values,
        )
        case.refresh_from_db()
        due = at + timedelta(minutes=60)
        Case.objects.filter(pk=case.pk).update(
            waiting_since=case.waiting_since or at,
            response_due_at=case.response_due_at or due,
            response_warn_at=case.response_warn_at or due - timedelta(minutes=15),
            last_in_at=at,
            snippet=text[:200],
            snippet_direction="in",
            messages_in=case.messages_in + 1,
            visibility=visibility,
            channel=channel,
            urgency=0.5,
        )
        case.refresh_from_db()
        return message


def delivery_of(message: Message) -> Delivery:
    return Delivery.objects.get(message=message, what="send")


def claimed(message: Message, state: str = DeliveryState.SENDING) -> Delivery:
    """The delivery of a message as a worker that took it has left it."""
    Delivery.objects.filter(message=message).update(state=state, claimed_by="w", claimed_until=START, attempts=1)
    return delivery_of(message)
