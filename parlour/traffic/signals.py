"""What a customer sees of an agent at work: that an answer is being written. Best effort and at once or never: nothing is stored,
nothing is tried again, and nobody waits for it."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from django.db import connections

from parlour.cases.models import Direction, Message
from parlour.cases.queries import signals
from parlour.channels import registry
from parlour.channels.contract import ChannelError, InboxConfig
from parlour.channels.queries import config
from parlour.lib.faults import where

log = logging.getLogger(__name__)

EACH_SECONDS = 4.0
"""How often a customer's platform is told at most. The signs last five seconds and more."""
MOST_WAITING = 20
"""A platform that does not answer must not pile them up."""
MOST_KNOWN = 5_000

_pool = ThreadPoolExecutor(2, thread_name_prefix="typing")
_lock = Lock()
_told: dict[int, float] = {}
_waiting = 0


def typing(said: Message) -> bool:
    """Show the customer that an answer to ``said`` is being written. Returns at once: whether the platform is being told."""
    if said.inbox is None or said.thread_id is None or said.external_id is None:
        return False
    if said.direction != Direction.IN or said.visibility != "private" or "typing" not in signals(said.inbox):
        return False
    if not _take(said.thread_id):
        return False
    _pool.submit(_tell, config(said.inbox), said.external_id)
    return True


def _take(thread: int) -> bool:
    global _waiting
    now = time.monotonic()
    with _lock:
        if now - _told.get(thread, -EACH_SECONDS) < EACH_SECONDS or _waiting >= MOST_WAITING:
            return False
        if len(_told) >= MOST_KNOWN:
            _told.clear()
        _told[thread] = now
        _waiting += 1
    return True


def _tell(inbox: InboxConfig, target: str) -> None:
    global _waiting
    try:
        registry.get(inbox.channel).act(inbox, "typing", target, "private")
    except ChannelError as error:
        log.debug("A sign of writing was not taken (%s).", error.kind)
    except Exception as error:
        log.error("A sign of writing failed in an unforeseen way: %s", where(error))
    finally:
        connections.close_all()
        with _lock:
            _waiting -= 1
