"""Django's SQLite backend with turns: threads of one process that write wait in a line instead of asking again and again.

SQLite lets one transaction write at a time; whoever comes meanwhile sleeps and tries again, ever longer, and whoever comes just then goes
first. With many writers some wait for a second. Here the next in line goes at once. Other processes (a command of an administrator)
still meet at SQLite's own lock.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from typing import Any

from django.db.backends.sqlite3 import base, operations

PATIENCE_SECONDS = 20.0
"""After that SQLite itself is asked, which says "database is locked"."""


class Turns:
    """A lock whose waiters get it in the order they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._line: deque[threading.Lock] = deque()
        self._taken = False

    def take(self, seconds: float) -> bool:
        """Wait for one's turn; False when it has not come after ``seconds``."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._line.append(mine)
        if mine.acquire(timeout=seconds):
            return True
        with self._guard:
            if mine in self._line:
                self._line.remove(mine)
                return False
        # It came just as patience ended.
        return True

    def give(self) -> None:
        """Let the next one go."""
        with self._guard:
            if self._line:
                self._line.popleft().release()
            else:
                self._taken = False


class DatabaseOperations(operations.DatabaseOperations):
    def convert_datetimefield_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """What Django does, with one call instead of ten: a road's batch reads some ten thousand times."""
        try:
            return value if value is None else datetime.fromisoformat(f"{value}+00:00")
        except ValueError:
            return super().convert_datetimefield_value(value, expression, connection)


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection; it has its turn from the beginning of a transaction to its end."""

    ops_class = DatabaseOperations
    _all_turns: dict[str, Turns] = {}
    _guard = threading.Lock()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_turn = False

    def _turns(self) -> Turns:
        with self._guard:
            return self._all_turns.setdefault(str(self.settings_dict["NAME"]), Turns())

    def _start_transaction_under_autocommit(self) -> None:
        self._has_turn = self._turns().take(PATIENCE_SECONDS)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turns().give()

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        # A commit that fails leaves the transaction open: its turn ends with the rollback that follows.
        self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()
