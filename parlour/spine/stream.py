"""The live stream: server-sent events that tell browsers what changed, never what it says.

One tail per process reads the log and hands each line to every open desk; a desk asks again through the ordinary view, which checks
rights. ``Last-Event-ID`` resumes where a connection broke off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

import orjson
from django.db import Error, connection

from parlour.spine import bus, queries
from parlour.spine.models import Event
from parlour.spine.queries import Position

log = logging.getLogger(__name__)

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LOOK_SECONDS = 1.0
"""How often the tail looks without being woken (another process on SQLite may have written)."""
PING_SECONDS = 20.0
UNSETTLED_SECONDS = 0.02
MOST_BEHIND = 2_000
"""Lines a desk may be behind, or ask for on resuming, before it is told to start afresh."""


def line(event: Event, desks: int) -> bytes:
    """One event as it goes over the wire, with how many desks of this process are told of it."""
    told = orjson.dumps(queries.data_of(event) | {"desks": desks})
    return b"id: %d.%d\nevent: change\ndata: %s\n\n" % (event.tx, event.pk, told)


def _look(read: Callable[..., T], *args: Any) -> T:
    """Ask the database; a connection that fails is closed in its own thread, so that the next question gets a new one."""
    try:
        return read(*args)
    except Error:
        connection.close()
        raise


class Stream:
    """All open desks of one process, and the one tail that feeds them. Lives in one event loop."""

    def __init__(self) -> None:
        self._desks: set[asyncio.Queue[bytes]] = set()
        self._at = Position(0, 0)
        self._woken = asyncio.Event()
        self._tail: asyncio.Task[None] | None = None
        self._end: Callable[[], None] = lambda: None
        self._hearers: list[Callable[[list[Event]], None]] = []

    def tell(self, hear: Callable[[list[Event]], None]) -> None:
        """Hand the lines of the log to ``hear``, too, as they come: in this loop, and quickly."""
        self._hearers.append(hear)

    async def start(self) -> None:
        """Begin to follow the log from its present end."""
        loop = asyncio.get_running_loop()

        def woken() -> None:
            loop.call_soon_threadsafe(self._woken.set)

        self._end = bus.listen("events", woken)
        self._at = await asyncio.to_thread(_look, queries.end)
        self._tail = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop following; open connections end when their server does."""
        self._end()
        if self._tail is not None:
            self._tail.cancel()

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._pass_on()
            except Error as error:
                log.warning("The event log could not be read (%s); trying again.", type(error).__name__)
                await asyncio.sleep(1.0)

    async def _pass_on(self) -> None:
        while events := await asyncio.to_thread(_look, queries.after, self._at):
            self._at = Position(events[-1].tx, events[-1].pk)
            for hear in self._hearers:
                hear(events)
            told = b"".join(line(event, len(self._desks)) for event in events)
            for desk in list(self._desks):
                try:
                    desk.put_nowait(told)
                except asyncio.QueueFull:
                    self._desks.discard(desk)  # it reads too slowly: it is closed, reconnects and resumes
        if await asyncio.to_thread(_look, queries.unsettled, self._at):
            # A line waits for a slower transaction, whose end may wake nobody.
            await asyncio.sleep(UNSETTLED_SECONDS)
            self._woken.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One desk: hello, what it missed, then what happens, until it goes."""
        desk: asyncio.Queue[bytes] = asyncio.Queue(maxsize=MOST_BEHIND)
        told = dict(scope["headers"]).get(b"last-event-id", b"").decode("latin-1")
        since = Position.read(told)
        at = self._at
        self._desks.add(desk)
        try:
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._write(send, await self._greeting(since, at))
            gone = asyncio.create_task(_until_gone(receive))
            try:
                await self._feed(desk, send, gone)
            finally:
                gone.cancel()
        finally:
            self._desks.discard(desk)

    async def _greeting(self, since: Position | None, at: Position) -> bytes:
        """Hello, and what was missed since ``since``; a desk too far behind is told to fetch everything (``fresh``)."""
        if since is None or since >= at:
            return b"id: %s\nevent: hello\ndata: {}\n\n" % str(at).encode()
        missed = await asyncio.to_thread(_look, queries.after, since, MOST_BEHIND)
        if len(missed) >= MOST_BEHIND:
            return b'id: %s\nevent: hello\ndata: {"fresh":true}\n\n' % str(at).encode()
        return b"event: hello\ndata: {}\n\n" + b"".join(line(event, len(self._desks)) for event in missed)

    async def _feed(self, desk: asyncio.Queue[bytes], send: Send, gone: asyncio.Task[None]) -> None:
        while not gone.done():
            if desk.empty() and desk not in self._desks:
                # It was too slow, and has now got all that was kept for it.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            waiting = asyncio.create_task(desk.get())
            await asyncio.wait({waiting, gone}, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                await self._write(send, waiting.result())
                continue
            waiting.cancel()
            if not gone.done():
                await self._write(send, b": still here\n\n")

    @staticmethod
    async def _write(send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
