"""Connections that threads of a test have left open: each is a session that keeps a test database from being emptied or dropped."""

from __future__ import annotations

import threading
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_opened: list[tuple[threading.Thread, BaseDatabaseWrapper]] = []


def _remember(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if threading.current_thread() is not threading.main_thread():
        _opened.append((threading.current_thread(), connection))


def watch() -> None:
    """From now on know of every connection that another thread than the main one opens."""
    connection_created.connect(_remember)


def close_left(*, living: bool = False) -> None:
    """Close those whose thread has ended; with ``living`` all of them, as at the end of everything."""
    for entry in list(_opened):
        thread, connection = entry
        if living or not thread.is_alive():
            _opened.remove(entry)
            # Not by Django's close(), which only the thread that opened it may call.
            if connection.connection is not None:
                connection.connection.close()
                connection.connection = None
