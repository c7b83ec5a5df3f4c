"""Writing arrivals: requests that come together share one transaction, and each is answered only when it is durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from django.db import DataError, Error, IntegrityError, connection, transaction

from parlour.spine import bus

log = logging.getLogger(__name__)

MOST_PENDING = 5_000
"""Requests that may wait for a commit before the door says 503."""


class Row(NamedTuple):
    """One arrival to be stored."""

    inbox_id: int
    key: str
    lane: int
    body: bytes
    received_at: datetime


class Overloaded(Exception):
    """More is waiting for the database than it makes sense to accept."""


def insert(rows: Sequence[Row]) -> None:
    """Store arrivals in one transaction; those already there are left alone. Wakes the pipeline."""
    if not rows:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(
                # Not OR IGNORE, which would also drop a row that breaks any other rule, without a word.
                "INSERT INTO traffic_arrival (inbox_id, key, lane, body, received_at, state, attempts, reason)"
                " VALUES (%s, %s, %s, %s, %s, 'new', 0, '') ON CONFLICT DO NOTHING",
                [(r.inbox_id, r.key, r.lane, r.body, r.received_at.replace(tzinfo=None).isoformat(" ")) for r in rows],
            )
        else:
            cursor.execute(
                "INSERT INTO traffic_arrival (inbox_id, key, lane, body, received_at, state, attempts, reason)"
                " SELECT *, 'new', 0, '' FROM unnest(%s::bigint[], %s::text[], %s::smallint[], %s::bytea[], %s::timestamptz[])"
                " ON CONFLICT DO NOTHING",
                [list(column) for column in zip(*rows, strict=True)],
            )
        bus.wake("arrivals")


class Committer:
    """Group commit. One batch is in flight; what comes meanwhile makes the next. Lives in one event loop."""

    def __init__(self) -> None:
        self._pending: list[tuple[Sequence[Row], asyncio.Future[None]]] = []
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="door")
        self._running: asyncio.Task[None] | None = None

    async def commit(self, rows: Sequence[Row]) -> None:
        """Return when ``rows`` are durable. Raises Overloaded, or the database's error."""
        if len(self._pending) >= MOST_PENDING:
            raise Overloaded
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((rows, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            failure = await self._write([row for rows, _ in batch for row in rows])
            alone = isinstance(failure, DataError | IntegrityError) and len(batch) > 1
            for rows, done in batch:
                if alone:
                    # One request holds what cannot be stored: only that one may be refused for it.
                    failure = await self._write(rows)
                # A client that hung up has cancelled its future: setting a result on it would kill this task.
                if done.done():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)

    async def _write(self, rows: Sequence[Row]) -> Exception | None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, _insert_or_reconnect, rows)
        except Exception as error:  # whatever it is, every request of the batch must be answered
            return error
        return None

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._running is not None:
            await self._running
        await asyncio.get_running_loop().run_in_executor(self._writer, _disconnect)
        self._writer.shutdown(wait=True)


def _disconnect() -> None:
    # Looked up here: each thread has a connection of its own.
    connection.close()


def _insert_or_reconnect(rows: Sequence[Row]) -> None:
    try:
        insert(rows)
    except Error as error:
        log.error("Arrivals could not be stored (%s); their senders are asked to come again.", type(error).__name__)
        connection.close()
        raise
