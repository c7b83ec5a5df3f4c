"""A desk with rows to ask for, and a way to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from django.test import Client

from parlour.cases.models import Case, Direction, Message, Thread
from parlour.channels.models import Brand, Inbox
from parlour.customers.models import Customer, Identity
from parlour.lib import secretbox
from parlour.staff.actions import add_agent, add_token
from parlour.staff.models import Agent, Role, Team

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_numbers = count(1)


@dataclass
class Asker:
    """A client with a token. Every answer is read as JSON, and every error must be problem details."""

    token: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def __call__(
        self, method: str, path: str, body: Any = None, *, status: int = 200, key: str = "", query: Any = None
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        response = self.client.generic(
            method,
            f"/api/v1{path}",
            orjson.dumps(body) if body is not None else b"",
            "application/json",
            headers=headers,
            query_params=query,
        )
        assert response.status_code == status, response.content
        if status >= 400:
            is_problem(response)
        return response.json()

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        return self("GET", path, status=status, query=query)


def is_problem(response: Any) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == response.status_code
    assert body["type"].startswith("/api/v1/docs#problem-")
    return body


@pytest.fixture
def tokens(db: None) -> dict[str, str]:
    return {str(role): add_token(f"{role} token", role) for role in Role.values}


@pytest.fixture
def ask(tokens: dict[str, str]) -> Asker:
    return Asker(tokens["agent"])


@pytest.fixture
def ask_as(tokens: dict[str, str]) -> Callable[[str], Asker]:
    return lambda role: Asker(tokens[role])


@dataclass
class Rows:
    """The standing rows, and how to make more of them."""

    brand: Brand
    inbox: Inbox
    team: Team
    agent: Agent

    def case(self, **values: Any) -> Case:
        number = next(_numbers)
        customer = Customer.objects.create(name=f"Customer {number}")
        values = {"channel": "x", "updated_at": START + timedelta(minutes=number), "snippet": "Hello"} | values
        return Case.objects.create(brand=self.brand, customer=customer, **values)

    def said(self, case: Case, text: str = "Where is my parcel?", visibility: str = "public", **values: Any) -> Message:
        number = next(_numbers)
        identity, _ = Identity.objects.get_or_create(
            realm="x", external_id=f"u{case.customer_id}", defaults={"customer": case.customer, "name": "Ada"}
        )
        at = START + timedelta(minutes=number)
        thread, _ = Thread.objects.get_or_create(
            inbox=self.inbox,
            external_id=f"t{case.pk}-{visibility}",
            defaults={
                "visibility": visibility,
                "identity": identity,
                "customer": case.customer,
                "case": case,
                "address": f"u{case.customer_id}",
            },
        )
        Thread.objects.filter(pk=thread.pk).update(last_inbound_at=at)
        values = {"direction": Direction.IN, "identity": identity, "external_id": f"m{number}"} | values
        return Message.objects.create(
            case=case,
            thread=thread,
            inbox=self.inbox,
            channel="x",
            visibility=visibility,
            text=text,
            sent_at=at,
            **values,
        )


@pytest.fixture
def rows(db: None) -> Rows:
    brand = Brand.objects.create(name="Acme")
    inbox = Inbox.objects.create(brand=brand, channel="x", name="@acme", key="k" * 24, sealed=secretbox.seal({}))
    team = Team.objects.create(name="Delivery", categories=["delivery"])
    agent = add_agent("noor@example.com", "Noor", teams=["Delivery"])
    return Rows(brand, inbox, team, agent)
