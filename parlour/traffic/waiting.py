"""Waiting at platforms that tell when something is new (IMAP's IDLE, a stream): a thread for each such inbox, which makes it due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections, connection

from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import ChannelError
from parlour.channels.models import STILL, Inbox
from parlour.lib.faults import where
from parlour.spine import actions as spine

log = logging.getLogger(__name__)

SECONDS = 20.0
"""How long one wait lasts: the lease outlives it, and stopping takes no longer."""
LEASE_SECONDS = 60
LONGEST_REST = 300.0


class Waiters:
    """The threads of one worker. ``due`` is called when an inbox has news."""

    def __init__(self, owner: str, stopping: threading.Event, due: Callable[[], None]) -> None:
        self._owner = owner
        self._stopping = stopping
        self._due = due
        self._threads: dict[int, threading.Thread] = {}

    def look(self) -> None:
        """Begin to wait at every inbox nobody waits at yet."""
        self._threads = {pk: thread for pk, thread in self._threads.items() if thread.is_alive()}
        names = [name for name, channel in registry.CHANNELS.items() if channel.capabilities.waits]
        waiting = channels.inboxes().filter(channel__in=names).exclude(health__in=STILL)
        for pk in waiting.values_list("pk", flat=True):
            if pk not in self._threads and spine.take_lease(f"wait:{pk}", self._owner, LEASE_SECONDS):
                thread = threading.Thread(target=self._wait, args=(pk,), name=f"wait-{pk}", daemon=True)
                self._threads[pk] = thread
                thread.start()

    def join(self, seconds: float) -> None:
        for thread in self._threads.values():
            thread.join(seconds)

    def _wait(self, pk: int) -> None:
        rest = 1.0
        try:
            while not self._stopping.is_set():
                close_old_connections()
                inbox = channels.inboxes().filter(pk=pk).exclude(health__in=STILL).first()
                if inbox is None or not spine.take_lease(f"wait:{pk}", self._owner, LEASE_SECONDS):
                    return
                try:
                    if registry.get(inbox.channel).wait(channels.config(inbox), SECONDS):
                        Inbox.objects.filter(pk=pk).update(polled_at=None)
                        self._due()
                    rest = 1.0
                except ChannelError as error:
                    # Polling, which goes on, tells what is wrong.
                    log.info("Waiting at inbox %s was cut short: %s", pk, error.kind)
                    rest = min(LONGEST_REST, max(rest * 2, error.retry_after or 0.0))
                    self._stopping.wait(rest)
        except Exception as error:
            log.error("Waiting at inbox %s failed (%s); it is asked now and then instead.", pk, where(error))
            self._stopping.wait(30.0)
        finally:
            spine.drop_lease(f"wait:{pk}", self._owner)
            connection.close()
