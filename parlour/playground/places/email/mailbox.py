"""A mailbox as a mail server keeps it: folders that number their mails and tell when one has come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(slots=True)
class Kept:
    uid: int
    raw: bytes
    at: datetime
    flags: set[str] = field(default_factory=set)


class Folder:
    """``put`` may be called from any thread."""

    def __init__(self, name: str, flag: str, validity: int) -> None:
        self.name = name
        self.flag = flag
        """Its special use, such as ``\\Sent``."""
        self.validity = validity
        self.next_uid = 1
        self.mails: list[Kept] = []
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def put(self, raw: bytes, at: datetime | None = None, flags: set[str] | None = None) -> int:
        """Keep a mail; its UID."""
        uid = self.next_uid
        self.next_uid += 1
        self.mails.append(Kept(uid, raw, (at or datetime.now(UTC)).replace(microsecond=0), flags or set()))
        for event, loop in list(self._watchers.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
        return uid

    def renumber(self) -> None:
        """What happens when a server is restored or moved: the same mails under new numbers."""
        self.validity += 1
        for number, kept in enumerate(self.mails, 1):
            kept.uid = number + 1000
        self.next_uid = len(self.mails) + 1001

    def watch(self) -> asyncio.Event:
        """An event that is set when a mail comes. Belongs to the running loop."""
        event = asyncio.Event()
        self._watchers[event] = asyncio.get_running_loop()
        return event

    def unwatch(self, event: asyncio.Event) -> None:
        self._watchers.pop(event, None)
