"""The worker: threads that handle arrivals, send answers, keep the clocks and poll. Any number of workers may run on PostgreSQL."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import close_old_connections, connection

from parlour.cases import files as sent_files
from parlour.cases import learning
from parlour.cases.models import Delivery
from parlour.lib import clock, garbage
from parlour.lib.faults import where
from parlour.policy import actions as policy
from parlour.spine.bus import Bell, wake_here
from parlour.traffic import asking, files, lanes, outbox, pipeline, polling, profiles
from parlour.traffic.pacing import Pace
from parlour.traffic.waiting import Waiters

log = logging.getLogger(__name__)

SENDERS = 8
FETCHERS = 3
"""Files fetched at a time: one that comes slowly holds up few others."""
POLLERS = 4
"""Inboxes polled at a time: a platform that answers slowly holds up few others."""
SWEEP_SECONDS = 3600.0
LEARN_SECONDS = 60.0
"""How often it is asked whether a brand has been told enough to learn anew."""
ASK_SECONDS = 5.0
"""How often it is looked for something to ask the language model about, while there is one."""
UNSENT_FOR = timedelta(days=1)
"""How long an upload that nobody sends is kept."""
STOP_SECONDS = 20.0
"""How long what is under way may take to finish."""
BACK_SECONDS = 60.0
"""A desk that was down itself gives agents' browsers time to come back before it takes their cases for left alone."""
POLL_AFTER_SECONDS = 5.0
"""The first poll waits: what starts together with the desk (a proxy, the playground) may not answer yet."""


class Worker:
    """Starts with ``start``; ``stop`` lets what is under way finish."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(6)
        self._stopping = threading.Event()
        self._started = time.monotonic()
        self._swept = 0.0
        self._threads: list[threading.Thread] = []
        self._bells: list[Bell] = []
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._sending: set[int] = set()
        self._pace = Pace()
        self._waiters = Waiters(self.name, self._stopping, lambda: wake_here("polls"))
        self._lock = threading.Lock()

    def start(self) -> None:
        garbage.settle()
        lanes.prepare()
        lanes.alive(self.name)
        if connection.vendor == "sqlite":
            # The only process there is: whatever was claimed, was claimed by one that is gone.
            lanes.forget_all()
            outbox.doubt(everybody=True)
        self._loop("pipeline", self._handle_arrivals, 1.0, "arrivals")
        self._loop("outbox", self._send_due, 0.5, "deliveries")
        self._loop("policy", self._keep_clocks, lambda: policy.until_next(0.5), "policy")
        self._loop("rules", policy.follow_rules, 1.0, "events")
        self._loop("waves", self._watch, 5.0)
        self._loop("incidents", self._tell, 1.0, "incidents", "deliveries")
        self._loop("handovers", lambda: policy.send_due() > 0, 2.0, "handovers")
        for number in range(POLLERS):
            self._loop(f"poll {number + 1}", partial(self._poll, f"{self.name}.{number + 1}"), 1.0, "polls")
        self._loop("profiles", self._ask_names, 2.0)
        self._loop("faces", self._fetch_faces, 2.0)
        for number in range(FETCHERS):
            self._loop(f"files {number + 1}", files.fetch_next, 2.0, "files")
        self._loop("learning", learning.learn_due, LEARN_SECONDS)
        if settings.LANGUAGE_MODEL is not None:
            self._loop("asking", asking.ask_next, ASK_SECONDS)
        self._loop("upkeep", self._upkeep, 5.0)

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        for bell in self._bells:
            bell.ring()
        until = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.1, until - time.monotonic()))
        self._waiters.join(2)
        self._dismiss_senders()
        for bell in self._bells:
            bell.close()

    def _dismiss_senders(self) -> None:
        """Let them finish; each closes its own connection, which nobody else can."""
        met = threading.Barrier(SENDERS)

        def leave() -> None:
            connection.close()
            # Whoever leaves waits for the others, so that nobody is asked twice.
            with suppress(threading.BrokenBarrierError):
                met.wait(30)

        for _ in range(SENDERS):
            self._senders.submit(leave)
        self._senders.shutdown(wait=True)

    def _loop(self, name: str, work: Callable[[], bool], seconds: float | Callable[[], float], *topics: str) -> None:
        """Run ``work`` when a topic wakes it, at least every ``seconds`` (asked each time where they differ), and at once again while it
        says there is more."""
        bell = Bell(*topics)

        def run() -> None:
            faults = 0
            while not self._stopping.is_set():
                try:
                    more = work()
                    rest = 0.0 if more else seconds() if callable(seconds) else seconds
                    faults = 0
                except Exception as error:
                    faults += 1
                    log.error("The %s stumbled (%s); it goes on.", name, where(error))
                    close_old_connections()
                    self._stopping.wait(min(5.0, 0.2 * 2**faults))
                    continue
                if not more:
                    bell.wait(rest)
            connection.close()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._bells.append(bell)
        self._threads.append(thread)
        thread.start()

    def _handle_arrivals(self) -> bool:
        return pipeline.run(self.name) > 0

    def _send_due(self) -> bool:
        with self._lock:
            room = SENDERS - len(self._sending)
        claimed = outbox.claim(self.name, room, self._pace) if room > 0 else []
        for delivery in claimed:
            with self._lock:
                self._sending.add(delivery.pk)
            self._senders.submit(self._send, delivery)
        return False

    def _send(self, delivery: Delivery) -> None:
        # A connection that broke while nothing was sent is found out before anything is.
        close_old_connections()
        try:
            rest = outbox.send(delivery)
            if rest is not None and delivery.message.inbox_id is not None:
                self._pace.rest(delivery.message.inbox_id, rest)
        except Exception as error:
            # It stays claimed, and is uncertain when the claim runs out.
            log.error("Delivery %s could not be settled: %s", delivery.pk, where(error))
            connection.close()
        finally:
            with self._lock:
                self._sending.discard(delivery.pk)
            self._bells[1].ring()

    def _keep_clocks(self) -> bool:
        due = policy.look()
        told = policy.tell_running() + policy.score_anew()
        policy.hand_out()
        return due >= policy.AT_ONCE or told > 0

    def _watch(self) -> bool:
        return policy.watch() > 0

    def _tell(self) -> bool:
        return policy.tell() > 0

    def _poll(self, owner: str) -> bool:
        if time.monotonic() - self._started < POLL_AFTER_SECONDS:
            return False
        polling.poll_due(owner)
        return False

    def _ask_names(self) -> bool:
        return profiles.ask() == profiles.AT_ONCE

    def _fetch_faces(self) -> bool:
        return profiles.fetch_faces() == profiles.AT_ONCE

    def _upkeep(self) -> bool:
        lanes.alive(self.name)
        outbox.doubt()
        outbox.give_up(self.name)
        pipeline.catch_up()
        self._waiters.look()
        if time.monotonic() - self._started > BACK_SECONDS:
            policy.take_back()
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            sent_files.forget_unsent(clock.now() - UNSENT_FOR)
        return False
