"""(d) From a webhook to the agent's open page: one ``parlour run`` on SQLite, 300 open desks, events one at a time."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson

from benchmarks import inside
from benchmarks.figures import Figure, middle, percentile
from benchmarks.options import Options
from parlour.lib.signing import hex_signature
from parlour.playground.graph_events import messaging, text_message
from tests.desk import Desk

DESKS, EVENTS = 300, 100
PAGE = "448242228374517"
PROMISE = 250.0
LONGEST = 20.0
"""Seconds after which a line counts as lost."""
PAUSE, SPREAD, SPREAD_PER_DESK = 0.15, 0.45, 0.010
"""A browser waits this long, and at least a second since the last time, before it asks for its queue again (live.js)."""
QUEUE_OPEN, WHOLE_SECOND = "/queue/unassigned", 1.0


@dataclass
class Seat:
    """One open desk: its connection to the stream, and when it was told what."""

    cookie: str
    told: dict[int, float] = field(default_factory=dict)
    """Case id -> moment of the first line about a message received in it, since the last event was posted."""
    place: str = ""
    """Where in the event log the last line was."""
    busy: asyncio.Task[None] | None = None
    asked: float = 0.0
    waited: list[float] = field(default_factory=list)


class Room:
    """All seats, and what they are told."""

    def __init__(self, desk: Desk, cookies: list[str]) -> None:
        self.desk = desk
        self.seats = [Seat(cookie) for cookie in cookies]
        self.heard = asyncio.Condition()
        self.eager = False
        self.client = httpx.AsyncClient(
            base_url=desk.url, timeout=60, trust_env=False, limits=httpx.Limits(max_connections=None)
        )
        self._writers: list[asyncio.StreamWriter] = []
        self._readers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect every seat and wait for its hello."""
        for seat in self.seats:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.desk.port)
            writer.write(f"GET /stream HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {seat.cookie}\r\n\r\n".encode())
            head = await reader.readuntil(b"event: hello")
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit("The stream refused a signed-in agent.")
            self._writers.append(writer)
            self._readers.append(asyncio.create_task(self._listen(seat, reader)))

    async def _listen(self, seat: Seat, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            now = time.perf_counter()
            if line.startswith(b"id: "):
                seat.place = line[4:].decode().strip()
            if line.startswith(b"data: {") and b'"message.received"' in line:
                case = orjson.loads(line[6:])["case"]
                seat.told.setdefault(case, now)
                async with self.heard:
                    self.heard.notify_all()
            if self.eager and line.startswith(b"event: change") and (seat.busy is None or seat.busy.done()):
                seat.busy = asyncio.create_task(self._ask_again(seat))

    async def _ask_again(self, seat: Seat) -> None:
        """What the browser does when told of a change: once for many, a little later, its queue anew."""
        pause = PAUSE + secrets.randbelow(1000) / 1000 * max(SPREAD, SPREAD_PER_DESK * len(self.seats))
        await asyncio.sleep(pause + max(0.0, WHOLE_SECOND - (time.perf_counter() - seat.asked)))
        seat.asked = time.perf_counter()
        headers = {"cookie": seat.cookie, "hx-request": "true", "x-since": seat.place}
        answer = await self.client.get(QUEUE_OPEN, headers=headers)
        if answer.status_code == 200:
            seat.waited.append((time.perf_counter() - seat.asked) * 1000)

    async def all_told(self) -> int:
        """The case every seat has been told of."""

        def one() -> int | None:
            cases = set.intersection(*(set(seat.told) for seat in self.seats))
            return next(iter(cases), None)

        try:
            async with asyncio.timeout(LONGEST), self.heard:
                await self.heard.wait_for(one)
        except TimeoutError:
            short = sum(not seat.told for seat in self.seats)
            sys.exit(f"{short} of {len(self.seats)} desks were not told of an event within {LONGEST:.0f} seconds.")
        return one() or 0

    async def close(self) -> None:
        for task in [*self._readers, *(seat.busy for seat in self.seats if seat.busy)]:
            task.cancel()
        for writer in self._writers:
            writer.close()
        await self.client.aclose()


@dataclass
class Measured:
    """Milliseconds from the POST's first byte."""

    answered: list[float] = field(default_factory=list)
    lines: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)


async def events(room: Room, path: str, secret: str, count: int) -> Measured:
    """Post one event at a time, each of a customer of its own, and follow it to the desks."""
    measured = Measured()
    for number in range(count):
        for seat in room.seats:
            seat.told.clear()
        word, now = f"word{secrets.token_hex(6)}", datetime.now(UTC)
        psid = str(10**16 + secrets.randbelow(10**15))
        text = f"My parcel has not arrived, where is it? {word}"
        event = text_message(psid, PAGE, now, f"m_{secrets.token_urlsafe(60)}", text)
        body = orjson.dumps(messaging(PAGE, now, event))
        headers = {"content-type": "application/json", "x-hub-signature-256": hex_signature(secret, body)}
        began = time.perf_counter()
        answer = await room.client.post(path, content=body, headers=headers)
        if answer.status_code != 200:
            sys.exit(f"The door answered {answer.status_code}.")
        measured.answered.append((time.perf_counter() - began) * 1000)
        case = await room.all_told()
        moments = [(seat.told[case] - began) * 1000 for seat in room.seats]
        measured.lines += moments
        measured.last.append(max(moments))
        seat = room.seats[number % len(room.seats)]
        asking = time.perf_counter()
        page = await room.client.get(f"/case/{case}/timeline", headers={"cookie": seat.cookie, "hx-request": "true"})
        if word not in page.text:
            sys.exit(
                f"The desk was told of case {case}, but its timeline ({page.status_code}) does not hold the words."
            )
        # The seat asks when its own line comes, not when the last of all seats has been told.
        measured.shown.append((seat.told[case] - began + time.perf_counter() - asking) * 1000)
        await asyncio.sleep(0.05)
    return measured


async def follow(desk: Desk, cookies: list[str], path: str, secret: str, count: int) -> list[Figure]:
    room = Room(desk, cookies)
    await room.open()
    await events(room, path, secret, 5)
    calm = await events(room, path, secret, count)
    room.eager = True
    eager = await events(room, path, secret, count)
    waited = [one for seat in room.seats for one in seat.waited] or [0.0]
    await room.close()
    desks = f"{len(cookies)} desks"
    last = f"the last of {desks}: median {middle(calm.last):.0f} ms"
    asked = f"all {desks} ask for their queues after each change, as browsers do: {len(waited):,} pages"
    return [
        Figure("live", "webhook to the words on the open page, median", middle(calm.shown), "ms", PROMISE, "at most"),
        Figure("live", "webhook to the words on the open page, p95", percentile(calm.shown, 0.95), "ms"),
        Figure("live", f"webhook to the change told at {desks}, median", middle(calm.lines), "ms", note=last),
        Figure("live", f"webhook to the change told at {desks}, p95", percentile(calm.lines, 0.95), "ms"),
        Figure("live", "webhook answered, median", middle(calm.answered), "ms"),
        Figure("live", "while all desks ask again: words on the page, median", middle(eager.shown), "ms", note=asked),
        Figure("live", "while all desks ask again: words on the page, p95", percentile(eager.shown, 0.95), "ms"),
        Figure("live", "while all desks ask again: a queue, median", middle(waited), "ms"),
    ]


def run(options: Options) -> list[Figure]:
    desks, count = (100, 20) if options.quick else (DESKS, EVENTS)
    secret = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="parlour-live-") as name:
        folder = Path(name)
        with Desk(folder) as desk:
            desk.cli("migrate")
            inbox = desk.add_inbox("messenger", page_id=PAGE, app_secret=secret, verify_token="v", access_token="a")
            desk.start()
            cookies = inside.call("benchmarks.seats", {"count": desks}, inside.environment(folder))
            return asyncio.run(follow(desk, cookies, inbox["webhook_path"], secret, count))
