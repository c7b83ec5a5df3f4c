"""The load of ``door``, in a process of its own: signed Messenger events of 1 kB over keep-alive connections, as fast as they are taken.

``python -m benchmarks.client '{"port": …, "path": …, "secret": …, "page": …, "connections": 64, "warm": 0.5, "seconds": 4}'`` prints one
JSON object: ``accepts`` (a second), ``p50`` and ``p99`` (ms), ``accepted`` and ``refused`` (numbers of answers, warm-up included).
The requests are made before the clock starts, so that the client costs as little as it can of the machine it shares with the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import uvloop

from benchmarks.figures import percentile
from parlour.playground.graph_events import messaging, text_message

BYTES = 1000
MID = "m_" + "M" * 86
MOST_A_SECOND = 20_000
WORDS = "My parcel has not arrived and nobody answers, this is ridiculous. Wo bleibt meine Bestellung? Ma facture est fausse. "


def bodies(page: str, count: int) -> Iterator[bytes]:
    """Messages of 200 customers, each with an id of its own, of 1,000 bytes."""
    now = datetime.now(UTC)
    templates = []
    for number in range(200):
        psid = str(10**16 + number)
        empty = len(orjson.dumps(messaging(page, now, text_message(psid, page, now, MID, ""))))
        text = (WORDS.encode("ascii", "replace").decode() * 9)[: BYTES - empty]
        body = orjson.dumps(messaging(page, now, text_message(psid, page, now, MID, text)))
        templates.append(body.split(MID.encode()))
    for _ in range(count):
        before, after = random.choice(templates)
        yield before + b"m_" + secrets.token_urlsafe(64)[:86].encode() + after


def requests(asked: dict[str, Any], count: int) -> list[bytes]:
    made = []
    secret = asked["secret"].encode()
    head = (
        f"POST {asked['path']} HTTP/1.1\r\nhost: 127.0.0.1:{asked['port']}\r\ncontent-type: application/json\r\n"
        "user-agent: facebookplatform/1.0\r\naccept: */*\r\n"
    )
    for body in bodies(asked["page"], count):
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        made.append(
            f"{head}content-length: {len(body)}\r\nx-hub-signature-256: sha256={signature}\r\n\r\n".encode() + body
        )
    return made


class Load:
    """What all connections share."""

    def __init__(self, made: list[bytes], warm: float, seconds: float) -> None:
        self.made = made
        self.begin = time.perf_counter() + warm
        self.end = self.begin + seconds
        self.latencies: list[float] = []
        self.accepted = self.refused = 0
        self.last = self.begin


class Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is whole."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        load = self._load
        self._sent = time.perf_counter()
        if self._sent >= load.end or not load.made:
            self._transport.close()
            return
        self._transport.write(load.made.pop())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank or len(body) < _length(head):
            return
        self._buffer = b""
        load, now = self._load, time.perf_counter()
        if head.startswith(b"HTTP/1.1 200"):
            load.accepted += 1
            if load.begin <= now < load.end:
                load.latencies.append(now - self._sent)
                load.last = now
        else:
            load.refused += 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.done.done():
            self.done.set_result(None)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def drive(asked: dict[str, Any]) -> dict[str, Any]:
    made = requests(asked, int(MOST_A_SECOND * (asked["warm"] + asked["seconds"])))
    loop = asyncio.get_running_loop()
    load = Load(made, asked["warm"], asked["seconds"])
    opened = [
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", asked["port"])
        for _ in range(asked["connections"])
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))
    measured = load.last - load.begin
    return {
        "accepts": len(load.latencies) / measured if measured > 0 else 0.0,
        "p50": percentile(load.latencies, 0.5) * 1000 if load.latencies else 0.0,
        "p99": percentile(load.latencies, 0.99) * 1000 if load.latencies else 0.0,
        "accepted": load.accepted,
        "refused": load.refused,
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(drive(orjson.loads(sys.argv[1])))))
