"""Delivers webhooks as the platforms do: signed, at least once, again after a failure, some twice or out of order."""

from __future__ import annotations

import asyncio
import heapq
import json
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import orjson

from parlour.lib import signing

Payload = dict[str, Any]


@cache
def trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: each client would read them anew, which takes longer than starting everything else."""
    return ssl.create_default_context()


def meta_bytes(payload: Payload) -> bytes:
    """JSON as Meta sends it: escaped unicode in lower case, escaped slashes. The signature is over these bytes."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def meta_headers(secret: str, body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": "facebookplatform/1.0 (stand-in)",
        "x-hub-signature-256": signing.hex_signature(secret, body),
    }


def x_bytes(payload: Payload) -> bytes:
    return orjson.dumps(payload)


def x_headers(secret: str, body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": "X-Webhooks (stand-in)",
        "x-twitter-webhooks-signature": signing.base64_signature(secret, body),
    }


@dataclass(slots=True)
class Target:
    """Where one platform's webhooks go, and the secret they are signed with."""

    name: str
    url: str
    secret: str
    encode: Callable[[Payload], bytes] = meta_bytes
    headers: Callable[[str, bytes], Mapping[str, str]] = meta_headers
    state: str = "waiting"
    """``waiting`` for the handshake, ``verified``, or what went wrong with it."""
    where: Callable[[Payload], str] = lambda _: ""
    """What is added to the address for an event, where platforms are told an address for each."""
    signed: Callable[[str, str, bytes], Mapping[str, str]] | None = None
    """Headers by secret, address and body, in place of ``headers``: for platforms that sign the address."""
    retries: bool = True
    """Whether it knocks again after a failure."""


@dataclass(slots=True)
class Habits:
    """How well the mail works. Delays are in seconds."""

    timeout: float = 5.0
    backoff: tuple[float, ...] = (0.3, 1, 3, 10, 30, 60, 120, 300, 600, 600, 600, 600)
    """The wait before each further attempt; after the last one the event is dropped."""
    duplicates: float = 0.0
    """The share of events that are delivered twice."""
    reorder: float = 0.0
    """The share of events that are held back for up to ``held`` seconds, so that later ones overtake them."""
    held: float = 1.0
    batch: int = 1
    """How many entries Meta puts into one request when several are waiting."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery that was tried. ``status`` is None when no answer came."""

    target: str
    payload: Payload
    body: bytes
    status: int | None
    number: int


@dataclass(order=True, slots=True)
class _Parcel:
    due: float
    turn: int
    payload: Payload = field(compare=False)
    tries: int = field(default=0, compare=False)


class Postman:
    """One queue and one task for each target. ``put`` may be called from any thread, the rest belongs to the loop."""

    def __init__(self, habits: Habits | None = None, seed: int = 0) -> None:
        self.habits = habits or Habits()
        self.targets: dict[str, Target] = {}
        self.attempts: deque[Attempt] = deque(maxlen=20_000)
        self.delivered = 0
        self.dropped = 0
        self._queues: dict[str, list[_Parcel]] = {}
        self._busy: set[str] = set()
        self._turn = 0
        self._lock = threading.Lock()
        self._random = random.Random(f"postman:{seed}")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def put(self, target: str, payload: Payload, delay: float = 0.0) -> None:
        """Deliver ``payload`` to ``target`` after ``delay`` seconds. Forgotten when nobody subscribed."""
        if target not in self.targets or not self.targets[target].url:
            return
        with self._lock:
            due = time.monotonic() + delay
            if self._random.random() < self.habits.reorder:
                due += self._random.uniform(0.05, 1.0) * self.habits.held
            self._push(target, payload, due)
            if self._random.random() < self.habits.duplicates:
                self._push(target, payload, due + self._random.uniform(0.0, 0.2))
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake[target].set)

    def waiting(self) -> int:
        """How many deliveries are still to be made, among them those for later."""
        with self._lock:
            return sum(len(queue) for queue in self._queues.values()) + len(self._busy)

    def start(self) -> None:
        """Begin to deliver to all targets, in the running loop; each waits for its handshake first."""
        self._loop = asyncio.get_running_loop()
        for name in self.targets:
            self._wake[name] = asyncio.Event()
            self._tasks.append(self._loop.create_task(self._serve(name)))

    async def stop(self) -> None:
        self._loop = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def settle(self, patience: float = 10.0) -> bool:
        """Wait until nothing is left to deliver; False when that took longer than ``patience`` seconds."""
        until = time.monotonic() + patience
        while self.waiting():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.01)
        return True

    def _push(self, target: str, payload: Payload, due: float, tries: int = 0) -> None:
        self._turn += 1
        heapq.heappush(self._queues.setdefault(target, []), _Parcel(due, self._turn, payload, tries))

    async def _serve(self, name: str) -> None:
        wake, target = self._wake[name], self.targets[name]
        async with httpx.AsyncClient(trust_env=False, verify=trusted(), timeout=self.habits.timeout) as client:
            while True:
                parcels, pause = self._due(name) if target.state == "verified" else ([], 0.2)
                if parcels:
                    await self._deliver(client, target, parcels)
                    continue
                wake.clear()
                try:
                    await asyncio.wait_for(wake.wait(), pause)
                except TimeoutError:
                    continue

    def _due(self, name: str) -> tuple[list[_Parcel], float | None]:
        """What is to be delivered now in one request, or how long until the next is due."""
        with self._lock:
            queue = self._queues.setdefault(name, [])
            now = time.monotonic()
            size = self.habits.batch if self.targets[name].encode is meta_bytes else 1
            parcels: list[_Parcel] = []
            while queue and queue[0].due <= now and len(parcels) < size:
                parcels.append(heapq.heappop(queue))
            if parcels:
                self._busy.add(name)
                return parcels, None
            return [], max(0.0, queue[0].due - now) if queue else None

    async def _deliver(self, client: httpx.AsyncClient, target: Target, parcels: list[_Parcel]) -> None:
        payload = parcels[0].payload
        if len(parcels) > 1:
            payload = {**payload, "entry": [entry for parcel in parcels for entry in parcel.payload["entry"]]}
        body = target.encode(payload)
        number = parcels[0].tries + 1
        url = target.url + target.where(payload)
        sign = target.signed
        headers = sign(target.secret, url, body) if sign else target.headers(target.secret, body)
        try:
            answer = await client.post(url, content=body, headers=dict(headers))
            status: int | None = answer.status_code
        except httpx.HTTPError:
            status = None
        self.attempts.append(Attempt(target.name, payload, body, status, number))
        with self._lock:
            if status is not None and 200 <= status < 300:
                self.delivered += len(parcels)
            else:
                self._again(target.name, parcels)
            self._busy.discard(target.name)

    def _again(self, name: str, parcels: list[_Parcel]) -> None:
        for parcel in parcels:
            if not self.targets[name].retries or parcel.tries >= len(self.habits.backoff):
                self.dropped += 1
            else:
                due = time.monotonic() + self.habits.backoff[parcel.tries]
                self._push(name, parcel.payload, due, parcel.tries + 1)
