"""The live stream, driven as a server would drive it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import pytest
from django.db import connections

from parlour.spine import actions, queries, stream
from parlour.spine.models import Event
from parlour.spine.stream import Stream
from parlour.spine.tests.patience import PATIENCE_SECONDS, wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)


class Desk:
    """One open connection: what it got, as events."""

    def __init__(self, app: Stream, last_id: str = "") -> None:
        headers = [(b"last-event-id", last_id.encode())] if last_id else []
        self.status = 0
        self.ended = False
        self.reading = asyncio.Event()
        self.reading.set()
        self._text = b""
        self._leave = asyncio.Event()
        self._changed = asyncio.Event()
        self.task = asyncio.create_task(app({"headers": headers}, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.reading.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self._text += message["body"]
            self.ended = not message["more_body"]
        self._changed.set()

    @property
    def events(self) -> list[dict[str, str]]:
        blocks = [block for block in self._text.decode().split("\n\n")[:-1] if not block.startswith(":")]
        return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]

    @property
    def cases(self) -> list[int]:
        return [orjson.loads(one["data"])["case"] for one in self.events if one["event"] == "change"]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def greeted(self) -> None:
        await self.until(lambda: bool(self.events))

    async def heard(self, case: int) -> None:
        await self.until(lambda: case in self.cases)

    async def leave(self) -> None:
        self._leave.set()
        async with asyncio.timeout(10):
            await self.task


@asynccontextmanager
async def running() -> AsyncIterator[Stream]:
    one = Stream()
    await one.start()
    try:
        yield one
    finally:
        await one.stop()
        assert one._tail is not None
        with suppress(asyncio.CancelledError):
            await one._tail


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        await scene()
        # The threads that asked the database have connections of their own: they end with the loop's pool.
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(None, connections.close_all) for _ in range(40)))

    asyncio.run(whole())


async def write(*cases: int, verb: str = "case.level") -> None:
    """Write a line for each case, and return when readers are given them."""

    def all_of_them() -> None:
        for case in cases:
            actions.write(verb, case_id=case)
        wait_until_settled()

    await asyncio.to_thread(all_of_them)


def test_a_desk_is_greeted_and_told_what_changes() -> None:
    async def scene() -> None:
        await write(1)
        async with running() as app:
            desk = Desk(app)
            await desk.until(lambda: len(desk.events) == 1)
            assert desk.status == 200
            assert desk.headers[b"content-type"].startswith(b"text/event-stream")
            assert desk.events[0]["event"] == "hello"
            assert desk.events[0]["id"] == str(await asyncio.to_thread(queries.end))
            await write(2, 3)
            await desk.until(lambda: desk.cases == [2, 3])
            told = desk.events[-1]
            said = {"case": 3, "message": None, "verb": "case.level", "actor": "desk", "desks": 1}
            assert orjson.loads(told["data"]) == said
            assert told["id"] == str(await asyncio.to_thread(queries.end))
            await desk.leave()
            assert not app._desks

    play(scene)


def test_a_desk_that_comes_back_gets_what_it_missed_once() -> None:
    async def scene() -> None:
        async with running() as app:
            desk = Desk(app)
            await write(1, 2)
            await desk.until(lambda: desk.cases == [1, 2])
            await desk.leave()
            await write(3, 4)
            last = Desk(app, desk.events[-1]["id"])
            await last.until(lambda: 4 in last.cases)
            await write(5)
            await last.until(lambda: 5 in last.cases)
            assert sorted(set(last.cases)) == [3, 4, 5]
            assert last.events[0]["event"] == "hello"
            await last.leave()

    play(scene)


def test_every_open_desk_hears_the_same() -> None:
    async def scene() -> None:
        async with running() as app:
            desks = [Desk(app) for _ in range(20)]
            for desk in desks:
                await desk.greeted()
            await write(*range(30))
            for desk in desks:
                await desk.heard(29)
                assert desk.cases == list(range(30))
                await desk.leave()

    play(scene)


def test_a_desk_too_far_behind_is_told_to_begin_afresh(monkeypatch) -> None:
    monkeypatch.setattr(stream, "MOST_BEHIND", 10)

    async def scene() -> None:
        await write(0)
        start = str(await asyncio.to_thread(queries.end))
        await write(*range(1, 12))
        async with running() as app:
            desk = Desk(app, start)
            await desk.until(lambda: bool(desk.events))
            assert orjson.loads(desk.events[0]["data"]) == {"fresh": True}
            assert desk.events[0]["id"] == str(await asyncio.to_thread(queries.end))
            assert desk.cases == []
            await desk.leave()

    play(scene)


def test_a_foreign_last_id_is_a_plain_hello() -> None:
    async def scene() -> None:
        await write(1)
        async with running() as app:
            for told in ("nonsense", "1", "9" * 30 + ".1", f"{2**60}.1", "\xff"):
                desk = Desk(app, told)
                await desk.greeted()
                assert desk.events[0]["event"] == "hello"
                assert orjson.loads(desk.events[0]["data"]) == {}
                assert desk.events[0]["id"] == str(await asyncio.to_thread(queries.end))
                await desk.leave()

    play(scene)


def test_a_slow_reader_is_dropped_and_resumes_where_it_was(monkeypatch) -> None:
    monkeypatch.setattr(stream, "MOST_BEHIND", 3)

    async def scene() -> None:
        async with running() as app:
            slow, quick = Desk(app), Desk(app)
            for desk in (slow, quick):
                await desk.greeted()
            slow.reading.clear()
            for case in range(8):
                await write(case)
                await quick.heard(case)
            assert len(app._desks) == 1
            slow.reading.set()
            async with asyncio.timeout(5):
                await slow.task
            assert slow.ended
            assert slow.cases == list(range(len(slow.cases)))
            assert len(slow.cases) < 8
            monkeypatch.setattr(stream, "MOST_BEHIND", 100)
            again = Desk(app, slow.events[-1]["id"])
            await again.until(lambda: 7 in again.cases)
            assert slow.cases + again.cases == list(range(8))
            await again.leave()
            await quick.leave()

    play(scene)


def test_the_tail_outlives_a_database_that_fails(monkeypatch) -> None:
    from django.db import OperationalError

    monkeypatch.setattr(stream, "LOOK_SECONDS", 0.02)
    failures = [OperationalError("gone"), OperationalError("still gone")]
    real = queries.after

    def after(*args: Any) -> list[Event]:
        if failures:
            raise failures.pop()
        return real(*args)

    monkeypatch.setattr(queries, "after", after)
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(min(seconds, 0.01)))

    async def scene() -> None:
        async with running() as app:
            desk = Desk(app)
            await write(1)
            await desk.until(lambda: desk.cases == [1])
            assert not failures
            await desk.leave()

    play(scene)


def test_a_quiet_desk_hears_that_it_is_still_connected(monkeypatch) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.01)

    async def scene() -> None:
        async with running() as app:
            desk = Desk(app)
            await desk.until(lambda: b": still here\n\n" in desk._text)
            await write(1)
            await desk.until(lambda: desk.cases == [1])
            await desk.leave()

    play(scene)
