"""Running the playground: for ever for people (``serve``), or beside a test (``Stand``)."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar

import uvicorn

from parlour.channels.models import Brand
from parlour.playground import policy
from parlour.playground.graph import GraphApi
from parlour.playground.graph_state import FacebookPage, Line, Person, Post
from parlour.playground.looking import Looks
from parlour.playground.postman import Habits
from parlour.playground.setup import connect, join, kept
from parlour.playground.standin import StandIn
from parlour.playground.wires import BRAND, made_up
from parlour.playground.world import World
from parlour.playground.x_events import Dm, Tweet, User
from parlour.playground.x_state import XPlatform
from parlour.playground.xapi import XApi

T = TypeVar("T")


def serve(port: int, desk_url: str, seed: int, speed: float) -> None:
    """Run the playground on 127.0.0.1:``port`` until it is stopped, joined to the desk at ``desk_url``. Needs Django set up.

    The desk may start later: the webhook handshakes are tried until it is there, and only then do customers appear.
    ``speed`` 0 means that no cast plays. Ends with a sentence when the port is taken.
    """
    listener = _listen(port)
    desk_url, base = desk_url.rstrip("/"), f"http://127.0.0.1:{listener.getsockname()[1]}"
    new = not Brand.objects.filter(name=BRAND).exists()
    world = World(connect(desk_url, base), seed=seed, speed=speed or None, forgiving=True, kept=kept())
    world.shelf.base = base
    join(world, desk_url, base)
    if new:
        policy.set_up()
    world.pages.looks = Looks(world.places)
    world.pages.looks.start()
    _server(world).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise SystemExit(f"The playground cannot use port {port}: {error.strerror}.") from error
    return listener


def _server(world: World) -> uvicorn.Server:
    # Broken answers are this server's trade: uvicorn's complaints about them are noise.
    config = uvicorn.Config(
        world,
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


class Stand:
    """The stand-ins on a free port, for the length of a ``with`` block.

    ``stand.graph`` and ``stand.x`` are the platforms' states (``sent``, ``answers``, ``sent_tweets``, ``sent_dms`` ...),
    ``stand.graph_api`` and ``stand.x_api`` their HTTP faces (``faults``, ``requests``). No cast plays unless ``speed`` is given.
    Webhooks go nowhere until ``point`` names an address, or ``targets`` did (channel name to webhook address).
    """

    def __init__(
        self,
        targets: Mapping[str, str] | None = None,
        *,
        seed: int = 0,
        speed: float | None = None,
        habits: Habits | None = None,
        tag: str = "stand-in",
    ) -> None:
        self.world = World(made_up(tag), seed=seed, speed=speed, habits=habits)
        self.base = ""
        self._people: dict[str, Person] = {}
        self._users: dict[str, User] = {}
        self._ready = threading.Event()
        self._server = _server(self.world)
        self._loop: asyncio.AbstractEventLoop | None = None
        for channel, url in (targets or {}).items():
            self._aim(channel, url)

    def __enter__(self) -> Stand:
        self._listener = _listen(0)
        self.base = self.world.shelf.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, name="playground", daemon=True)
        self._thread.start()
        until = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError("The playground did not start.")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    @property
    def graph(self) -> FacebookPage:
        return self.world.page

    @property
    def x(self) -> XPlatform:
        return self.world.x

    @property
    def graph_api(self) -> GraphApi:
        return self.world.graph_api

    @property
    def x_api(self) -> XApi:
        return self.world.x_api

    def settings(self, channel: str) -> dict[str, str]:
        """The settings of an inbox that talks to this stand-in."""
        return self.world.settings(channel, self.base)

    def place(self, name: str) -> StandIn:
        """The stand-in of that name (``parlour.playground.places``)."""
        return self.world.places[name]

    def point(self, channel: str, url: str, *, handshake: bool = False) -> None:
        """Send the webhooks of ``channel`` to ``url`` from now on, after the platform's handshake if wanted."""
        self.call(lambda: self._aim(channel, url))
        if handshake:
            self.call(lambda: self.world.challenge(channel))

    def settle(self, patience: float = 10.0) -> None:
        """Wait until every webhook was delivered, those for later among them. Raises TimeoutError after ``patience`` seconds."""
        until = time.monotonic() + patience
        while self.world.postman.waiting():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.world.postman.waiting()} webhooks are still to be delivered.")
            time.sleep(0.01)

    def call(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the stand-in's own thread, where nothing else happens meanwhile."""
        if self._loop is None:
            raise RuntimeError("The playground is not running.")

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def person(self, name: str) -> Person:
        """The customer of that name on Facebook and Messenger, made at the first call."""
        if name not in self._people:
            self._people[name] = self.call(lambda: self.graph.person(name))
        return self._people[name]

    def user(self, name: str) -> User:
        """The customer of that name on X, made at the first call."""
        if name not in self._users:
            self._users[name] = self.call(lambda: self.x.user(name))
        return self._users[name]

    def say_post(self, name: str, text: str) -> Post:
        """A customer writes on the Page's wall."""
        person = self.person(name)
        return self.call(lambda: self.graph.post(person, text))

    def say_comment(self, name: str, text: str, on: str | None = None) -> Post:
        """A customer comments on a post or comment; without ``on`` on a new post of the Page."""
        person = self.person(name)

        def comment() -> Post:
            target = on or self.graph.post(None, "What do you think of our new offer?").id
            return self.graph.comment(person, text, target)

        return self.call(comment)

    def say_private(self, name: str, text: str) -> Line:
        """A customer writes in Messenger."""
        person = self.person(name)
        return self.call(lambda: self.graph.message(person, text))

    def tweet(self, name: str, text: str, reply_to: str = "") -> Tweet:
        """A customer posts on X; mention the brand (``stand.x.brand.username``) to be heard."""
        user = self.user(name)
        return self.call(lambda: self.x.tweet(user, text, reply_to))

    def dm(self, name: str, text: str) -> Dm:
        """A customer writes a direct message on X."""
        user = self.user(name)
        return self.call(lambda: self.x.dm(user, text))

    def _aim(self, channel: str, url: str) -> None:
        target = self.world.postman.targets[channel]
        target.url, target.state = url, "verified"

    def _run(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[self._listener])

        asyncio.run(main())
