"""A chat with the whole root in front of it, and what its visitors do."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from django.db import connections

from parlour.asgi import Root
from parlour.channels.chat.channel import channel
from parlour.channels.chat.floods import Floods
from parlour.channels.models import Inbox
from parlour.playground.places.chat import Site
from tests.desk import eventually
from tests.town import Town


@dataclass
class Chat:
    """A town whose chat inbox has the whole root in front of it, and visitors of it."""

    town: Town
    url: str
    inbox: Inbox

    @property
    def site(self) -> Site:
        place = self.town.place("chat")
        assert isinstance(place, Site)
        return place

    def client(self, token: str = "") -> httpx.Client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=5)

    def session(self, **told: Any) -> dict[str, Any]:
        with self.client() as client:
            answer = client.post(f"/chat/{self.inbox.key}/session", json=told)
            assert answer.status_code == 200, answer.text
            given: dict[str, Any] = answer.json()
            return given

    def post(self, token: str, event: Any, **more: Any) -> httpx.Response:
        with self.client(token) as client:
            if more:
                return client.post(f"/in/chat/{self.inbox.key}", **more)
            return client.post(f"/in/chat/{self.inbox.key}", json=event)

    def write(self, token: str, text: str, named: str = "11111111-aaaa", **more: Any) -> None:
        answer = self.post(token, {"type": "message", "id": named, "text": text, **more})
        assert answer.status_code == 200, answer.text
        self.town.drive()

    def read(self, token: str, **params: str) -> dict[str, Any]:
        with self.client(token) as client:
            answer = client.get(f"/chat/{self.inbox.key}/messages", params=params)
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            return told

    def lines(self, token: str) -> list[tuple[bool, str]]:
        return [(one["mine"], one["text"]) for one in self.read(token)["messages"]]


def calm() -> None:
    """Nobody has written much lately."""
    channel.floods = Floods()


@pytest.fixture
def chat(town: Town) -> Iterator[Chat]:
    inbox = town.connect("chat", hours="", signals="yes")
    calm()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(Root(), lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    def run() -> None:
        asyncio.run(server.serve(sockets=[listener]))
        connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    eventually(lambda: server.started, every_seconds=0.005)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    town.stand.point("chat", url + inbox.webhook_path)
    yield Chat(town, url, inbox)
    server.should_exit = True
    thread.join(10)
    listener.close()
