"""News for visitors: server-sent events that tell one visitor that something changed in their own conversation, or that an
answer to them is being written, and nothing else.

``/chat/<inbox key>/stream`` with the visitor's token as ``Authorization: Bearer``; the widget then asks for the messages as usual.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from django.db import Error, connection

from parlour.cases.models import Message
from parlour.channels import queries as channels
from parlour.channels.chat import visitors
from parlour.channels.chat.visitors import NotKnown
from parlour.chat import shown
from parlour.chat.views import bearer
from parlour.spine import bus
from parlour.spine.models import Event

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Talk = tuple[int, str]
"""Inbox id and external id of a thread."""

PING_SECONDS = 20.0
LIFE_SECONDS = 600.0
"""After this the widget has to come again, with a token that still holds and to a chat that still exists."""
MOST_OF_ONE = 6
"""Windows one visitor may have open."""
MOST = 5_000
HELLO = b"retry: 2000\nevent: hello\ndata: {}\n\n"
CHANGE = b"event: change\ndata: {}\n\n"
WRITING = b"event: writing\ndata: {}\n\n"


class Window:
    """One open chat, and the lines it is to be sent. Lives in the event loop."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self._lines: dict[bytes, None] = {}

    def tell(self, line: bytes) -> None:
        self._lines[line] = None
        self.news.set()

    def take(self) -> bytes:
        """What it is to be sent now; the same line once."""
        lines, self._lines = self._lines, {}
        self.news.clear()
        return b"".join(lines)


class Visitors:
    """All open chats of one process. Lives in one event loop; ``hear`` is given the lines of the event log there."""

    def __init__(self) -> None:
        self._open: dict[Talk, set[Window]] = {}
        self._count = 0
        self._telling: set[asyncio.Task[None]] = set()

    def hear(self, events: list[Event]) -> None:
        """Wake the visitors these events concern; costs one query a batch, none while nobody is there."""
        told = {event.message_id for event in events if event.message_id is not None}
        if self._open and told:
            task = asyncio.create_task(self._tell(told))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, message_ids: set[int]) -> None:
        try:
            talks = await asyncio.to_thread(_talks, message_ids)
        except Error as error:
            # A lost wake-up costs little: the widget looks by itself now and then.
            log.warning("Visitors could not be told of news (%s).", type(error).__name__)
            return
        for talk in talks:
            for window in self._open.get(talk, ()):
                window.tell(CHANGE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        token = bearer(headers.get(b"authorization", b"").decode("latin-1"))
        try:
            talks = await asyncio.to_thread(_who, scope["path"].split("/")[2], token)
        except Error:
            await _refuse(send, 503)
            return
        if not talks:
            await _refuse(send, 401)
        elif self._count >= MOST or len(self._open.get(talks[0], ())) >= MOST_OF_ONE:
            await _refuse(send, 429)
        else:
            await self._serve(talks, receive, send)

    async def _serve(self, talks: list[Talk], receive: Receive, send: Send) -> None:
        window, loop = Window(), asyncio.get_running_loop()
        gone = asyncio.create_task(_until_gone(receive))
        for talk in talks:
            self._open.setdefault(talk, set()).add(window)
        inbox, thread = talks[0]
        topic = visitors.writing(inbox, visitors.digest_of(thread))
        deaf = bus.listen(topic, partial(_from_elsewhere, loop, window))
        self._count += 1
        try:
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
                (b"x-content-type-options", b"nosniff"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _write(send, HELLO)
            await self._feed(window, gone, send)
        finally:
            deaf()
            gone.cancel()
            self._count -= 1
            for talk in talks:
                self._open[talk].discard(window)
                if not self._open[talk]:
                    del self._open[talk]

    @staticmethod
    async def _feed(window: Window, gone: asyncio.Task[None], send: Send) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + LIFE_SECONDS
        while not gone.done() and loop.time() < until:
            waiting = asyncio.create_task(window.news.wait())
            await asyncio.wait({waiting, gone}, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if gone.done():
                return
            await _write(send, window.take() or b": still here\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _who(key: str, token: str) -> list[Talk]:
    """The conversations a token opens, the visitor's present one first; none when it proves nothing."""
    try:
        inbox = channels.inbox_by_key("chat", key)
    except Error:
        connection.close()
        raise
    if inbox is None:
        return []
    try:
        visitor = visitors.opened(channels.config(inbox), token)
        return [] if shown.spent(inbox, visitor) else [(inbox.pk, thread) for thread in visitor.threads]
    except NotKnown:
        return []
    except Error:
        connection.close()
        raise


def _talks(message_ids: set[int]) -> list[Talk]:
    rows = Message.objects.filter(pk__in=message_ids, channel="chat", thread__isnull=False)
    try:
        return list(rows.values_list("inbox_id", "thread__external_id").distinct())
    except Error:
        connection.close()
        raise


def _from_elsewhere(loop: asyncio.AbstractEventLoop, window: Window) -> None:
    loop.call_soon_threadsafe(window.tell, WRITING)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"No stream for this token, or too many of them."})
