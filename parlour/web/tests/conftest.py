"""A small brand with agents, inboxes and a case that has a public and a private side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from parlour.cases.models import Case, Delivery, Message, Thread
from parlour.channels.models import Brand, Inbox
from parlour.customers.models import Customer, Identity
from parlour.lib import clock, secretbox
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Role
from parlour.web import around
from parlour.web.views.drawn import drawings
from parlour.web.views.session import failed_tries

numbers = count(1)
HTMX = {"HX-Request": "true"}
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    """Tests put rows in without telling the log, by which the desk knows that what it has drawn and counted is old."""
    drawings.clear()
    monkeypatch.setattr(around, "LASTS", -1.0)


@dataclass
class Scene:
    """Makes what a test needs, in few words."""

    brand: Brand
    inboxes: dict[str, Inbox] = field(default_factory=dict)

    def inbox(self, channel: str) -> Inbox:
        if channel not in self.inboxes:
            sealed = secretbox.seal({"access_token": "very-secret-token"})
            self.inboxes[channel] = Inbox.objects.create(
                brand=self.brand, channel=channel, name=f"{channel} inbox", key=f"key{next(numbers)}", sealed=sealed
            )
        return self.inboxes[channel]

    def case(
        self, name: str = "Lena Okafor", *, channel: str = "facebook", visibility: str = "public", **more: Any
    ) -> Case:
        number = next(numbers)
        customer = Customer.objects.create(name=name)
        Identity.objects.create(customer=customer, realm=f"test:{channel}", external_id=str(number), name=name)
        values: dict[str, Any] = {
            "channel": channel,
            "visibility": visibility,
            "snippet": "Does anybody answer here?",
            "waiting_since": clock.now() - timedelta(minutes=4),
            "priority_reasons": [[30, "urgent words"]],
            "priority": 30,
        }
        case = Case.objects.create(brand=self.brand, customer=customer, **(values | more))
        self.thread(case, channel, visibility)
        return case

    def thread(self, case: Case, channel: str, visibility: str) -> Thread:
        identity = case.customer.identities.get()
        return Thread.objects.create(
            inbox=self.inbox(channel),
            external_id=f"t{next(numbers)}",
            visibility=visibility,
            identity=identity,
            customer=case.customer,
            case=case,
            address=identity.external_id,
            last_inbound_at=clock.now(),
        )

    def said(self, case: Case, text: str, *, visibility: str = "public", ago: float = 4, **more: Any) -> Message:
        """The customer's words, in the case's thread of that visibility."""
        thread = case.threads.filter(visibility=visibility).select_related("inbox").first()
        assert thread is not None
        return Message.objects.create(
            **{
                "case": case,
                "thread": thread,
                "inbox": thread.inbox,
                "channel": thread.inbox.channel,
                "external_id": f"e{next(numbers)}",
                "direction": "in",
                "visibility": visibility,
                "identity": thread.identity,
                "text": text,
                "sent_at": clock.now() - timedelta(minutes=ago),
                "sentiment": "negative",
                "sentiment_score": -0.5,
                "language": "en",
                **more,
            }
        )

    def answered(
        self, case: Case, text: str, agent: Agent, state: str, *, visibility: str = "public", **more: Any
    ) -> Message:
        """Words of an agent, with a delivery in that state."""
        message = self.said(
            case,
            text,
            visibility=visibility,
            ago=1,
            direction="out",
            identity=None,
            agent=agent,
            sentiment="",
            sentiment_score=None,
        )
        Delivery.objects.create(message=message, reference=f"p{next(numbers)}", state=state, due_at=clock.now(), **more)
        return message


@pytest.fixture(autouse=True)
def _fresh_tries() -> None:
    failed_tries.clear()


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene(Brand.objects.create(name="Aerolane"))


@pytest.fixture
def person(db: None) -> Callable[..., Agent]:
    def make(name: str = "Amara", role: str = Role.AGENT) -> Agent:
        return staff.add_agent(f"{name.lower()}@example.com", name, role, ["Front desk"])

    return make


@pytest.fixture
def amara(person: Callable[..., Agent]) -> Agent:
    return person()


@pytest.fixture
def desk(amara: Agent) -> Client:
    """A browser in which Amara, an agent, is signed in."""
    client = Client()
    client.force_login(amara)
    return client


def statements(ask: Callable[[], object]) -> list[str]:
    """The beginnings of the statements of an answer, but for what a process keeps for some seconds."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    kept = ("moderation_change", "understanding_category")
    return [one["sql"][:60] for one in asked.captured_queries if not any(name in one["sql"] for name in kept)]
