"""Wake-ups: something of a topic is due, look now. They carry no data and may be lost; whoever waits also looks by itself now and then.

Within a process they pass directly. Between processes on PostgreSQL they pass by LISTEN/NOTIFY; on SQLite one process runs everything.
Topics: ``arrivals``, ``deliveries``, ``events``, ``files``, ``handovers``, ``policy``, ``polls``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection, transaction

log = logging.getLogger(__name__)

CHANNEL = "parlour"

_listeners: dict[str, list[Callable[[], None]]] = {}
_lock = threading.Lock()


def wake(topic: str) -> None:
    """Wake whoever waits for ``topic``, in every process, once the current transaction (if any) is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, topic])
    transaction.on_commit(lambda: wake_here(topic))


def wake_here(topic: str) -> None:
    """Wake whoever waits in this process."""
    with _lock:
        callbacks = list(_listeners.get(topic, ()))
    for callback in callbacks:
        try:
            callback()
        except RuntimeError as error:
            # A listener whose loop has ended must not undo what has just been committed.
            log.warning("A wake-up found nobody (%s).", type(error).__name__)


def listen(topic: str, callback: Callable[[], None]) -> Callable[[], None]:
    """Call ``callback`` (quick, from any thread) at each wake-up; returns what ends it."""
    with _lock:
        _listeners.setdefault(topic, []).append(callback)

    def end() -> None:
        with _lock:
            if callback in _listeners.get(topic, []):
                _listeners[topic].remove(callback)

    return end


class Bell:
    """Waits for wake-ups of some topics from a thread. Rings that come while nobody waits are kept (as one)."""

    def __init__(self, *topics: str) -> None:
        self._rung = threading.Event()
        self._ends = [listen(topic, self._rung.set) for topic in topics]

    def ring(self) -> None:
        self._rung.set()

    def wait(self, seconds: float) -> bool:
        """Whether it rang within ``seconds``."""
        rang = self._rung.wait(seconds)
        self._rung.clear()
        return rang

    def close(self) -> None:
        for end in self._ends:
            end()


class Postgres:
    """The thread that hears NOTIFY from other processes. Reconnects by itself; after a gap it wakes every topic once."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(**self._params, autocommit=True) as heard:
                    heard.execute(f"LISTEN {CHANNEL}")
                    for topic in list(_listeners):
                        wake_here(topic)
                    while not self._stop.is_set():
                        for note in heard.notifies(timeout=1.0):
                            wake_here(note.payload)
            except psycopg.Error as error:
                log.warning("The wake-up connection was lost (%s); trying again.", type(error).__name__)
                self._stop.wait(1.0)


def connect() -> Postgres | None:
    """Start hearing other processes, where the database can tell of them."""
    if connection.vendor != "postgresql":
        return None
    params = {k: v for k, v in connection.get_connection_params().items() if k not in {"cursor_factory", "context"}}
    hearer = Postgres({k: v for k, v in params.items() if k not in {"prepare_threshold", "server_side_binding"}})
    hearer.start()
    return hearer
