"""Fetching from platforms that are asked, and reconciling those that may have missed to tell."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.actions import note_health
from parlour.channels.contract import ChannelError, ErrorKind
from parlour.channels.models import STILL, Inbox
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.spine import actions as spine
from parlour.traffic.credentials import expired
from parlour.traffic.door import rows_of
from parlour.traffic.store import insert

log = logging.getLogger(__name__)

LEASE_SECONDS = 120
MOST_PAGES = 20
"""Pages fetched in a row for one inbox before the others get their turn."""


def poll_due(owner: str) -> int:
    """Poll every inbox whose time has come; returns how many. One worker polls one inbox at a time."""
    polled = 0
    for name, channel in registry.CHANNELS.items():
        seconds = channel.capabilities.poll_seconds
        if seconds is None:
            continue
        since = clock.now() - timedelta(seconds=seconds)
        never = Q(polled_at__isnull=True) | Q(polled_at__lte=since)
        due = channels.inboxes().filter(never, channel=name).exclude(health__in=STILL)
        for pk in list(due.values_list("pk", flat=True)):
            if spine.take_lease(f"poll:{pk}", owner, LEASE_SECONDS):
                try:
                    # Another worker may have polled it a moment ago: its cursor counts, and so does its time.
                    if (inbox := due.filter(pk=pk).first()) is not None:
                        poll(inbox)
                        polled += 1
                finally:
                    spine.drop_lease(f"poll:{pk}", owner)
    return polled


def poll(inbox: Inbox) -> None:
    """Fetch what is new for one inbox. Events and cursor are stored together: a crash fetches again and stores nothing twice."""
    channel = registry.get(inbox.channel)
    try:
        for _ in range(MOST_PAGES):
            got = channel.poll(channels.config(inbox), inbox.cursor)
            with transaction.atomic():
                if got.events:
                    insert(rows_of(inbox.pk, list(got.events)))
                inbox.cursor = got.cursor
                Inbox.objects.filter(pk=inbox.pk).update(cursor=got.cursor, polled_at=clock.now())
            if not got.more:
                break
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
        log.warning("Inbox %s could not be polled: %s", inbox.pk, error.kind)
    except Exception as error:
        Inbox.objects.filter(pk=inbox.pk).update(polled_at=clock.now())
        log.error("Inbox %s could not be polled: %s", inbox.pk, where(error))
