"""Fetching from platforms that are asked, and reconciling those that may have missed to tell."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.actions import note_health
from parlour.channels.contract import ChannelError, ErrorKind
from parlour.channels.models import STILL, Inbox
from parlour.lib import clock
from parlour.lib.faults import impersonal, where
from parlour.lib.text import one_line
from parlour.spine import actions as spine
from parlour.traffic.credentials import expired
from parlour.traffic.door import rows_of
from parlour.traffic.store import insert

log = logging.getLogger(__name__)

LEASE_SECONDS = 120
MOST_PAGES = 20
"""Pages fetched in a row for one inbox before the others get their turn."""
PAGES_SECONDS = 60.0
"""How long fetching pages for one inbox goes on; its lease outlives the last of them."""
FAILURES = 10
"""So many polls in a row that fail, for whatever reason, are something a person should know of."""


def poll_due(owner: str) -> int:
    """Poll every inbox whose time has come; returns how many.

    One ``owner`` polls one inbox at a time; those that another one is busy with are left out.
    """
    polled = 0
    due = channels.inboxes().filter(_is_due()).exclude(health__in=STILL)
    for pk in list(due.order_by(F("polled_at").asc(nulls_first=True), "id").values_list("pk", flat=True)):
        if spine.take_lease(f"poll:{pk}", owner, LEASE_SECONDS):
            try:
                # Another one may have polled it a moment ago: its cursor counts, and so does its time.
                if (inbox := due.filter(pk=pk).first()) is not None:
                    poll(inbox)
                    polled += 1
            finally:
                spine.drop_lease(f"poll:{pk}", owner)
    return polled


def _is_due() -> Q:
    never, now, due = Q(polled_at__isnull=True), clock.now(), Q(pk__in=())
    for name, channel in registry.CHANNELS.items():
        if (seconds := channel.capabilities.poll_seconds) is not None:
            due |= Q(channel=name) & (never | Q(polled_at__lte=now - timedelta(seconds=seconds)))
    return due


def soon(inboxes: Iterable[int]) -> None:
    """Let these inboxes (ids) be polled at once, but for those whose platform asked for patience."""
    Inbox.objects.filter(pk__in=list(inboxes), polled_at__lte=clock.now()).update(polled_at=None)


def poll(inbox: Inbox) -> None:
    """Fetch what is new for one inbox. Events and cursor are stored together: a crash fetches again and stores nothing twice."""
    channel = registry.get(inbox.channel)
    until = time.monotonic() + PAGES_SECONDS
    try:
        for _ in range(MOST_PAGES):
            got = channel.poll(channels.config(inbox), inbox.cursor)
            with transaction.atomic():
                if got.events:
                    insert(rows_of(inbox.pk, list(got.events)))
                inbox.cursor = got.cursor
                Inbox.objects.filter(pk=inbox.pk).update(cursor=got.cursor, polled_at=clock.now())
            if not got.more or time.monotonic() > until:
                break
        Inbox.objects.filter(pk=inbox.pk, poll_failures__gt=0).update(poll_failures=0, poll_error="")
        note_health(inbox.pk, Inbox.Health.OK, by="poll")
    except ChannelError as error:
        # The platform may ask for more patience than the channel has by itself.
        rest = (error.retry_after or 0.0) - (channel.capabilities.poll_seconds or 0)
        Inbox.objects.filter(pk=inbox.pk).update(
            polled_at=clock.now() + timedelta(seconds=min(max(rest, 0.0), 86_400.0))
        )
        if error.kind is ErrorKind.AUTH_EXPIRED:
            if expired(inbox, error.words, by="poll"):
                Inbox.objects.filter(pk=inbox.pk).update(polled_at=None)
        elif error.permanent:
            note_health(inbox.pk, Inbox.Health.ATTENTION, error.words, by="poll")
        _note_failure(inbox.pk, error.words)
        log.warning("%s could not be polled: %s (%s)", _named(inbox), impersonal(error.words), error.kind)
    except Exception as error:
        Inbox.objects.filter(pk=inbox.pk).update(polled_at=clock.now())
        _note_failure(inbox.pk, f"A fault of Parlour's ({type(error).__name__}).")
        log.error("%s could not be polled: %s", _named(inbox), where(error))


def _named(inbox: Inbox) -> str:
    return f"Inbox {inbox.pk} ({registry.get(inbox.channel).label}, {one_line(inbox.name, 80)})"


def _note_failure(inbox_id: int, words: str) -> None:
    """Count a poll that failed. What is known to be wrong with an inbox already stays as it was told."""
    words = one_line(words, 200)
    Inbox.objects.filter(pk=inbox_id).update(poll_failures=F("poll_failures") + 1, poll_error=words)
    if Inbox.objects.filter(pk=inbox_id, poll_failures__gte=FAILURES, health=Inbox.Health.OK).exists():
        told = f"Nothing could be fetched {FAILURES} times in a row: {words}"
        note_health(inbox_id, Inbox.Health.ATTENTION, told, by="poll")
