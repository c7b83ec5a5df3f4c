"""The one ASGI root: the door and the live stream are lean applications of our own; everything else goes to Django as WSGI.

``/in/...`` the webhook door · ``/stream`` the live stream · ``/chat/<key>/stream`` a visitor's · the rest Django through a2wsgi, in a small
thread pool.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.wsgi import get_wsgi_application
from django.db import Error
from django.utils.crypto import constant_time_compare

from parlour.channels import registry
from parlour.channels.contract import Answer
from parlour.chat.gate import Gate
from parlour.chat.stream import Visitors
from parlour.spine import bus
from parlour.spine.stream import Stream
from parlour.staff import access, queries
from parlour.staff import actions as staff
from parlour.staff.models import Agent
from parlour.traffic.door import MOST_BYTES, Door, read_body, respond
from parlour.traffic.worker import Worker

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DJANGO_THREADS = 8
LIFE_SECONDS = 60.0
UPLOADS = 4
UPLOAD_SECONDS = 120.0
FORM_BYTES = 5 * 1024 * 1024
"""What a form may hold beside its files."""
_UPLOAD_PATH = re.compile(r"/case/\d{1,20}/say|/api/v1/files")


class Root:
    """The application a server runs. ``with_worker``: handle arrivals and answers in this process, too."""

    def __init__(self, *, with_worker: bool = False) -> None:
        self.door = Door()
        self.chat_door = Gate(self.door)
        self.stream = Stream()
        self.visitors = Visitors()
        self.stream.tell(self.visitors.hear)
        django: Any = get_wsgi_application()
        self.django = WSGIMiddleware(django, workers=DJANGO_THREADS)
        self._worker = Worker() if with_worker else None
        self._hearer: bus.Postgres | None = None
        self._uploading = asyncio.Semaphore(UPLOADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] != "http":
            return
        elif scope["path"].startswith("/in/chat/"):
            await self.chat_door(scope, receive, send)
        elif scope["path"].startswith("/in/"):
            await self.door(scope, receive, send)
        elif scope["path"] == "/stream":
            await self._stream(scope, receive, send)
        elif scope["path"].startswith("/chat/") and scope["path"].endswith("/stream") and scope["path"].count("/") == 3:
            await self.visitors(scope, receive, send)
        else:
            await self._django(scope, receive, send)

    async def _django(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Django gets whole requests only: one that trickles in holds none of its few threads, and nothing large reaches its disk."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if _brings_files(scope, headers) and await asyncio.to_thread(_may_bring_files, headers):
            # Held in memory until Django has it: a few at a time.
            async with self._uploading:
                room = settings.FILE_BYTES + FORM_BYTES
                await self._whole(scope, send, receive, await read_body(headers, receive, room, UPLOAD_SECONDS))
        else:
            await self._whole(scope, send, receive, await read_body(headers, receive))

    async def _whole(self, scope: Scope, send: Send, receive: Receive, body: bytes | Answer) -> None:
        if isinstance(body, Answer):
            await respond(send, body)
            return
        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> MutableMapping[str, Any]:
            return next(parts, None) or await receive()

        await self.django(scope, replay, send)  # type: ignore[arg-type]

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            told = await receive()
            if told["type"] == "lifespan.startup":
                self._hearer = await asyncio.to_thread(bus.connect)
                await self.stream.start()
                await asyncio.to_thread(_warm_up)
                if self._worker is not None:
                    await asyncio.to_thread(self._worker.start)
                await send({"type": "lifespan.startup.complete"})
            elif told["type"] == "lifespan.shutdown":
                await self._end()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _end(self) -> None:
        await self.door.committer.close()
        await self.stream.stop()
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop)
        if self._hearer is not None:
            await asyncio.to_thread(self._hearer.stop)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookie = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
        agent_id = await asyncio.to_thread(_listener, cookie)
        if agent_id is None:
            await respond(send, Answer(401, b"Sign in first."))
            return
        listening = asyncio.ensure_future(self.stream(scope, receive, send))
        try:
            while agent_id is not None:
                await asyncio.to_thread(_note_life, agent_id)
                done, _ = await asyncio.wait({listening}, timeout=LIFE_SECONDS)
                if done:
                    listening.result()
                    return
                # Signed out, deactivated, another role: what was true at the start need not be any more.
                agent_id = await asyncio.to_thread(_listener, cookie)
        finally:
            listening.cancel()


def _brings_files(scope: Scope, headers: dict[str, str]) -> bool:
    """Whether a request is of a kind that may be larger than others, and is."""
    if scope["method"] != "POST" or not _UPLOAD_PATH.fullmatch(scope["path"]):
        return False
    told = headers.get("content-length", "")
    small = told.isascii() and told.isdigit() and int(told[:20]) <= MOST_BYTES
    return headers.get("content-type", "").startswith("multipart/form-data") and not small


def _may_bring_files(headers: dict[str, str]) -> bool:
    """Only who is known gets that much room; all else is checked by the view."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.isascii():
        return queries.token_of(token.strip()) is not None
    return _listener(headers.get("cookie", "")) is not None


def _note_life(agent_id: int) -> None:
    """An agent with an open desk is there: routing counts on it."""
    try:
        staff.note_life([agent_id])
    except Error as error:
        log.warning("Presence could not be noted (%s).", type(error).__name__)


def _warm_up() -> None:
    """What channels load on first use is loaded now: the first answer would hold a transaction open meanwhile."""
    for channel in registry.CHANNELS.values():
        channel.length("warm", "public")


def _listener(cookie: str) -> int | None:
    """The agent of the session behind a Cookie header, with the right to read; checked as Django's own middleware does."""
    try:
        jar = SimpleCookie(cookie)
    except CookieError:
        return None
    key = jar.get(settings.SESSION_COOKIE_NAME)
    if key is None:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(key.value)
    agent_id, backend = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY)
    if agent_id is None or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    agent = Agent.objects.filter(pk=agent_id, is_active=True).first()
    if agent is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), agent.get_session_auth_hash()):
        return None
    return agent.pk if access.may(agent, access.READ) else None
