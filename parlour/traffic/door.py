"""The webhook door: a lean ASGI application. Verify the raw bytes, cut out the events, store them durably, answer.

Statuses: 200 stored (or a handshake answered) · 400 not what the platform sends · 403 not authentic · 404 no such inbox ·
405 neither GET nor POST · 408 the body came too slowly · 413 too large · 503 cannot be stored now, come again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.conf import settings
from django.db import Error

from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import Answer, Channel, DoorRequest, InboxConfig, Refused, Split
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.lib.secretbox import Unreadable
from parlour.traffic.models import LANES
from parlour.traffic.store import Committer, Overloaded, Row

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BYTES = 4 * 1024 * 1024
"""Platforms send at most 3 MB (WhatsApp's batches)."""
BODY_SECONDS = 10.0
KNOWN_SECONDS = 2.0
MOST_UNKNOWN = 16
"""Lookups of unknown inboxes under way at a time: guessing keys must not starve the rest."""
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\\\|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


@dataclass(slots=True)
class _Known:
    channel: Channel
    inbox: InboxConfig
    until: float


class Door:
    """``/in/<channel>/<inbox key>``."""

    def __init__(self) -> None:
        self.committer = Committer()
        self._known: dict[tuple[str, str], _Known] = {}
        self._looking = asyncio.Semaphore(MOST_UNKNOWN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            answer = problem(refused.status, refused.reason)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.error("The door failed (%s).", where(error))
            answer = problem(503, "The event could not be taken now; send it again.")
        await respond(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        parts = scope["path"].split("/")
        if len(parts) != 4:
            return problem(404, "There is no such inbox.")
        known = await self._find(parts[2], parts[3])
        if known is None:
            return problem(404, "There is no such inbox.")
        method = scope["method"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if method == "GET":
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            url = _address(scope, headers)
            return known.channel.handshake(DoorRequest(method, headers, query, b"", url), known.inbox)
        if method != "POST":
            return problem(405, "Webhooks are posted here.")
        body = await read_body(headers, receive)
        if isinstance(body, Answer):
            return body
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        request = DoorRequest(method, headers, query, body, _address(scope, headers))
        known.channel.verify(request, known.inbox)
        return await self._store(known, request)

    async def _store(self, known: _Known, request: DoorRequest) -> Answer:
        payload, body = decode(known.channel.decode(request))
        now = clock.now()
        rows = []
        owners: dict[tuple[str, str], _Known | None] = {}
        for split in _cut(known, payload, body):
            owner = known
            if split.belongs is not None and split.belongs not in owners:
                owners[split.belongs] = await self._owner(split.belongs, request)
            if split.belongs is not None and (other := owners[split.belongs]) is not None:
                owner, split = other, _cut(other, orjson.loads(split.body), split.body)[0]
            rows.append(Row(owner.inbox.id, split.key, _lane(owner.inbox.id, split.lane), split.body, now))
        if rows:
            try:
                await self.committer.commit(rows)
            except (Overloaded, Error):
                return problem(503, "The event could not be stored now; send it again.")
        return Answer(200, b'{"accepted":%d}' % len(rows), "application/json")

    async def _owner(self, belongs: tuple[str, str], request: DoorRequest) -> _Known | None:
        """The inbox an event belongs to that came to another one's address: of that channel and realm, and signed with its secret, too."""
        channel, realm = belongs
        for key in await asyncio.to_thread(_keys_of, channel, realm):
            other = await self._find(channel, key)
            if other is not None:
                try:
                    other.channel.verify(request, other.inbox)
                except Refused:
                    continue
                return other
        return None

    async def _find(self, channel: str, key: str) -> _Known | None:
        known = self._known.get((channel, key))
        if known and known.until > time.monotonic():
            return known
        if known:
            # Stale: one request asks again, the others go on with what is known meanwhile.
            known.until = time.monotonic() + KNOWN_SECONDS
        if channel not in registry.CHANNELS or not 8 <= len(key) <= 32:
            return None
        async with self._looking:
            found = await asyncio.to_thread(_look_up, channel, key)
        if found is None:
            self._known.pop((channel, key), None)
        else:
            self._known[channel, key] = found
        return found


def _address(scope: Scope, headers: Mapping[str, str]) -> str:
    """The address a platform asked, which some sign: behind a proxy only ``PARLOUR_URL`` knows how it begins."""
    base = settings.PUBLIC_URL or f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
    query = scope["query_string"].decode("latin-1")
    return f"{base}{scope['path']}{'?' + query if query else ''}"


def _look_up(channel: str, key: str) -> _Known | None:
    inbox = channels.inbox_by_key(channel, key)
    if inbox is None:
        return None
    try:
        return _Known(registry.get(channel), channels.config(inbox), time.monotonic() + KNOWN_SECONDS)
    except Unreadable as error:
        raise Refused(503, str(error)) from error


def _keys_of(channel: str, realm: str) -> list[str]:
    """Keys of the inboxes of a channel in a realm."""
    if channel not in registry.CHANNELS:
        return []
    found = channels.inboxes().filter(channel=channel)
    return [inbox.key for inbox in found if registry.get(channel).realm(channels.config(inbox)) == realm]


async def read_body(
    headers: dict[str, str], receive: Receive, most: int | None = None, seconds: float | None = None
) -> bytes | Answer:
    """A whole request body, or the refusal of one that is too large, comes too slowly or ends early."""
    most, seconds = most or MOST_BYTES, seconds or BODY_SECONDS
    told = headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > most:
        return problem(413, f"What is sent here may have at most {most:,} bytes.")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                part = await receive()
                if part["type"] == "http.disconnect":
                    return problem(400, "The body ended early.")
                body += part.get("body", b"")
                if len(body) > most:
                    return problem(413, f"What is sent here may have at most {most:,} bytes.")
                if not part.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return problem(408, f"The body took longer than {seconds:.0f} seconds.")


def decode(body: bytes) -> tuple[Any, bytes]:
    """The JSON of a body and the bytes to keep. Half characters (lone surrogates), which customers can type and databases refuse,
    become U+FFFD; anything else that is not JSON is Refused."""
    try:
        return orjson.loads(body), body
    except orjson.JSONDecodeError:
        mended = _LONE_SURROGATE.sub(lambda found: b"\\ufffd" if len(found[0]) == 6 else found[0], body)
        try:
            return orjson.loads(mended), mended
        except orjson.JSONDecodeError as error:
            raise Refused(400, f"The body is not JSON: {error.msg}.") from None


def _cut(known: _Known, payload: Any, body: bytes) -> list[Split]:
    try:
        return known.channel.split(payload, body, known.inbox)
    except Refused:
        raise
    except Exception as error:
        # A fault of ours must not lose a customer's words: the whole body is kept, and parked with its reason by the pipeline.
        log.error("A body for %s could not be cut (%s); it is kept whole.", known.channel.name, where(error))
        return [Split("whole:" + hashlib.sha256(body).hexdigest(), "", body)]


def _lane(inbox_id: int, lane: str) -> int:
    return zlib.crc32(f"{inbox_id}:{lane}".encode("utf-8", "surrogatepass")) % LANES


def rows_of(inbox_id: int, splits: list[Split]) -> list[Row]:
    """Events from elsewhere than the door (a poll, a replay) as rows to store."""
    now = clock.now()
    return [Row(inbox_id, split.key, _lane(inbox_id, split.lane), split.body, now) for split in splits]


TITLES = {
    400: "Bad request",
    403: "Not authentic",
    404: "Not found",
    405: "Wrong method",
    408: "Too slow",
    413: "Too large",
    503: "Come again",
}


def problem(status: int, detail: str) -> Answer:
    """A refusal as RFC 9457 problem details."""
    told = {"type": "about:blank", "title": TITLES.get(status, "Refused"), "status": status, "detail": detail}
    return Answer(status, orjson.dumps(told), "application/problem+json")


async def respond(send: Send, answer: Answer) -> None:
    """Write an answer to an ASGI connection."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    if answer.status == 503:
        headers.append((b"retry-after", b"2"))
    if answer.status == 405:
        headers.append((b"allow", b"GET, POST"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
