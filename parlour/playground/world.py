"""The playground as one ASGI application: both platforms, their webhooks, the cast, and the pages that show it all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from parlour.playground import postman as mail
from parlour.playground.director import Director
from parlour.playground.graph import GraphApi
from parlour.playground.graph_state import FacebookPage
from parlour.playground.handshake import until_verified
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.pages import Pages
from parlour.playground.places import stand_ins
from parlour.playground.postman import Habits, Postman, Target
from parlour.playground.scenes import SCENES
from parlour.playground.shelf import Shelf
from parlour.playground.stage import PlayStage
from parlour.playground.standin import Kept
from parlour.playground.web import (
    Drop,
    Receive,
    Reply,
    Request,
    Send,
    TooLarge,
    read_request,
    send_broken,
    send_reply,
)
from parlour.playground.wires import BRAND, X_USERNAME, Wire
from parlour.playground.x_events import User
from parlour.playground.x_state import XPlatform
from parlour.playground.xapi import XApi

log = logging.getLogger(__name__)


class World:
    """State in memory only. ``speed`` None means that no cast plays; ``forgiving`` takes ids of an earlier run on trust."""

    def __init__(
        self,
        wires: Iterable[Wire],
        *,
        seed: int = 0,
        speed: float | None = None,
        forgiving: bool = False,
        habits: Habits | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.wires = {wire.channel: wire for wire in wires}
        self.clock = PlatformClock()
        self.ids = Ids(self.clock.now())
        self.postman = Postman(habits, seed)
        for wire in self.wires.values():
            target = Target(wire.channel, wire.webhook_url, wire.secret)
            if wire.channel == "x":
                target.encode, target.headers = mail.x_bytes, mail.x_headers
            self.postman.targets[wire.channel] = target
        page, account = self.wires["facebook"], self.wires["x"]
        self.page = FacebookPage(page.account_id, BRAND, self.ids, self.clock, self.postman.put)
        self.x = XPlatform(
            User(account.account_id, f"{BRAND} Help", X_USERNAME, 48_200, True),
            self.ids,
            self.clock,
            self.postman.put,
            seed,
        )
        self.places = {
            made.name: made(kept or {}, self.ids, self.clock, self.postman, seed=seed, forgiving=forgiving)
            for made in stand_ins()
        }
        self.shelf = Shelf()
        self.page.shelf = self.x.shelf = self.shelf
        for place in self.places.values():
            place.shelf = self.shelf
            self.postman.targets |= place.targets()
        self.graph_api = GraphApi(self.page, page.access_token, forgiving=forgiving)
        self.x_api = XApi(self.x, account.access_token, forgiving=forgiving)
        self.stage = PlayStage(self.page, self.x, self.places)
        scenes = (*SCENES, *(scene for place in self.places.values() for scene in place.scenes))
        self.director = Director(self.stage, seed, speed, scenes=scenes) if speed is not None else None
        self.pages = Pages(self.page, self.x, self.postman, self.director, self.places, self.shelf)
        self.played = 0.0
        """Seconds the play has gone on for; it stands still while it is paused."""
        for listeners in (self.page.listeners, self.x.listeners, *(place.listeners for place in self.places.values())):
            listeners.append(self.stage.hear)
        self.stage.on_answer = self._answered
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver webhooks, challenge the desk where that is still to be done, and let the cast play once it is there."""
        for place in self.places.values():
            await place.start()
        self.postman.start()
        for channel, target in self.postman.targets.items():
            if target.url and target.state != "verified":
                self.challenge(channel)
        if self.director is not None:
            self._tasks.append(asyncio.create_task(self._play(self.director)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.postman.stop()
        for place in self.places.values():
            await place.stop()

    def challenge(self, channel: str) -> None:
        """Make the handshake with the target of ``channel``, again and again until it succeeds."""
        target = self.postman.targets[channel]
        token = self.verify_token(channel)
        if not token and channel != "x":
            target.state = "verified"
            return
        target.state = "waiting"
        self._tasks.append(asyncio.create_task(until_verified(target, token)))

    def verify_token(self, channel: str) -> str:
        """What the platform shows in its challenge; '' where there is none, or none with a token."""
        if channel in self.wires:
            return self.wires[channel].verify_token
        return next(place.verify_token(channel) for place in self.places.values() if channel in place.channels)

    def settings(self, channel: str, base: str) -> dict[str, str]:
        """The settings of an inbox that talks to the playground at ``base``."""
        if channel in self.wires:
            return self.wires[channel].settings(base)
        place = next(place for place in self.places.values() if channel in place.channels)
        return place.settings(channel, f"{base}/api/{place.name}")

    def _answered(self, actor: Any, private: bool) -> None:
        if self.director is not None:
            self.director.heard(actor, private=private, now=self.played)

    async def _play(self, director: Director) -> None:
        while any(target.url and target.state != "verified" for target in self.postman.targets.values()):
            await asyncio.sleep(0.1)
        self.stage.set_scene()
        director.start(self.played)
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            if not director.paused:
                # A machine that slept must not wake up to a crowd.
                self.played += min(now - last, 2.0)
                self._advance(director)
            last = now

    def _advance(self, director: Director) -> None:
        try:
            director.advance(self.played)
        except Exception:
            # One step that cannot be played must not end the play; the step itself is already used up.
            log.exception("A step of the playground's cast failed.")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            request = await read_request(scope, receive)
        except TooLarge:
            await send_reply(send, Reply(413, b"too large"))
            return
        except Drop:
            return
        try:
            reply = await self._answer(request)
        except Drop:
            await send_broken(send)
            return
        with contextlib.suppress(OSError):
            await send_reply(send, reply)

    async def _answer(self, request: Request) -> Reply:
        faces = {f"/api/{place.name}": place.handle for place in self.places.values()}
        for mount, handle in {"/graph": self.graph_api.handle, "/x-api": self.x_api.handle, **faces}.items():
            if request.path.startswith(mount + "/"):
                return await handle(replace(request, path=request.path.removeprefix(mount)))
        return self.pages.handle(request)
