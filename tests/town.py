"""Channels against their stand-ins, through the real door and the real road, in one process and one test database.

    def test_something(town: Town) -> None:
        inbox = town.connect("telegram")
        words = town.place("telegram")
        words.say(words.person("Ana"), "Where is my parcel?", private=True)
        town.drive()
        ours = town.answer(Case.objects.get(), "On its way.")
        assert words.sent[-1].text == "On its way."

Needs ``pytestmark = pytest.mark.django_db(transaction=True)``: the door runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeVar

import uvicorn
from django.db import connections

from parlour.cases import actions as cases
from parlour.cases.models import Case, Delivery, Message
from parlour.channels import actions as channels
from parlour.channels import registry
from parlour.channels.contract import SIGNALS
from parlour.channels.models import Inbox
from parlour.playground.main import Stand
from parlour.playground.postman import Habits
from parlour.playground.standin import StandIn
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Presence, Role
from parlour.traffic import lanes, outbox, pipeline, polling
from parlour.traffic.door import Door

T = TypeVar("T")
QUICK = (0.05, 0.1, 0.2, 0.5, 1.0)


class Town:
    """Stand-ins of all platforms, a door, and hands that do what a worker does when told to."""

    def __init__(self, stand: Stand, door: str) -> None:
        self.stand = stand
        self.door = door
        self.inboxes: dict[str, Inbox] = {}
        lanes.prepare()
        lanes.alive("town")

    def place(self, name: str) -> StandIn:
        return self.stand.place(name)

    def call(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the stand-ins' own thread."""
        return self.stand.call(work)

    def connect(self, channel: str, *, handshake: bool = False, **settings: str) -> Inbox:
        """An inbox of ``channel`` that talks to its stand-in and gets its webhooks; ``settings`` are laid over the stand-in's."""
        told = {**self.stand.settings(channel), **settings}
        if any(one.name == SIGNALS.name for one in registry.get(channel).settings):
            # Tests count what a platform hears, and spoil it: signs of our work only where a test is about them.
            told.setdefault(SIGNALS.name, "no")
        inbox = channels.connect_inbox(channel, "Luma", f"Luma on {channel}", told)
        self.inboxes[channel] = inbox
        if channel in self.stand.world.postman.targets:
            self.stand.point(channel, self.door + inbox.webhook_path, handshake=handshake)
        return inbox

    def drive(self, patience: float = 10.0) -> int:
        """Deliver all webhooks, poll every inbox that can be, handle all arrivals; returns how many arrivals."""
        self.stand.settle(patience)
        for inbox in Inbox.objects.exclude(health=Inbox.Health.PAUSED):
            if registry.get(inbox.channel).capabilities.poll_seconds is not None:
                polling.poll(inbox)
        total = 0
        while handled := pipeline.run("town"):
            total += handled
        return total

    def agent(self, name: str = "Noor") -> Agent:
        found = Agent.objects.filter(email=f"{name.lower()}@example.com").first()
        agent = found or staff.add_agent(f"{name.lower()}@example.com", name, Role.AGENT, ["Front desk"])
        if agent.presence != Presence.ONLINE:
            staff.set_presence(agent, Presence.ONLINE)
        return agent

    def answer(self, case: Case, text: str, visibility: str = "private", **more: Any) -> Message:
        """Answer a case and send what is due; the message as it is then."""
        ours = cases.reply(case.pk, by=self.agent(), text=text, visibility=visibility, **more)
        self.send()
        return Message.objects.get(pk=ours.pk)

    def send(self) -> list[Delivery]:
        """Send everything that is due; the deliveries as they are then."""
        claimed = outbox.claim("town", 8)
        for delivery in claimed:
            outbox.send(delivery)
        return [Delivery.objects.get(pk=one.pk) for one in claimed]

    @staticmethod
    def delivery(message: Message) -> Delivery:
        return Delivery.objects.get(message=message, what="send")


@contextmanager
def _door() -> Iterator[str]:
    door = Door()

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await door(scope, receive, send)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))

    def run() -> None:
        async def main() -> None:
            await server.serve(sockets=[listener])
            await door.committer.close()
            # Its connections belong to threads of this loop, which end with it.
            await asyncio.get_running_loop().shutdown_default_executor()

        asyncio.run(main())
        connections.close_all()

    thread = threading.Thread(target=run, name="door", daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def town(habits: Habits | None = None) -> Iterator[Town]:
    """A town for the length of a ``with`` block."""
    with _door() as door, Stand(habits=habits or Habits(backoff=QUICK)) as stand:
        # People who read within seconds would be waited for by every test that settles.
        stand.graph.delivered_after, stand.graph.read_after, stand.x.read_after = 0.02, 0.05, 0.05
        yield Town(stand, door)
