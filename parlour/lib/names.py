"""The addresses of names, looked up within a time limit: the system's resolver knows none, and a name server that never answers would
hold whoever asks."""

from __future__ import annotations

import socket
import threading
import time

WAITING = 32
"""Look-ups that may be under way at once. One that is given up goes on in a thread of its own until the system ends it."""

_room = threading.BoundedSemaphore(WAITING)


class NotFound(Exception):
    """The name has no address, or none was told in time."""


def addresses(host: str, port: int, seconds: float) -> list[str]:
    """The IP addresses of ``host``, in the order to be tried, at least one. Raises NotFound, after ``seconds`` at the latest."""
    try:
        # An address needs no name server, and no thread.
        return _asked(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass
    until = time.monotonic() + seconds
    room = _room
    if not room.acquire(timeout=max(0.0, seconds)):
        raise NotFound("Too many names are being looked up.")
    found: list[list[str] | Exception] = []

    def run() -> None:
        try:
            found.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            found.append(error)
        finally:
            room.release()

    thread = threading.Thread(target=run, name="look-up", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        room.release()
        raise NotFound("No thread could be started to look it up.") from error
    thread.join(max(0.0, until - time.monotonic()))
    if not found or isinstance(found[0], Exception) or not found[0]:
        raise NotFound("Its name could not be found.")
    return found[0]


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, however long the system takes to find them. Raises OSError or UnicodeError."""
    return _asked(host, port)


def _asked(host: str, port: int, flags: int = 0) -> list[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
