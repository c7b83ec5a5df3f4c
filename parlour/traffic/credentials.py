"""Credentials that have expired: renewed where the platform allows it without a person, else the inbox says what it needs."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta

from parlour.channels import actions as channels
from parlour.channels import queries, registry
from parlour.channels.contract import ChannelError
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.spine import actions as spine

log = logging.getLogger(__name__)

LEASE_SECONDS = 60
NO_HELP = timedelta(minutes=5)
"""Credentials that expire again so soon are not renewed again: the renewal did not help, and asking on and on would not either."""


def expired(inbox: Inbox, words: str, by: str = "") -> bool:
    """Whether the credentials of ``inbox`` are renewed, or being so; else it needs attention, with the platform's ``words``.

    One process renews at a time: where the renewing secret changes with each use (X), a second try would spoil the first.
    """
    owner = secrets.token_hex(6)
    if not spine.take_lease(f"renew:{inbox.pk}", owner, LEASE_SECONDS):
        return True
    try:
        stored = Inbox.objects.get(pk=inbox.pk)
        if stored.sealed != inbox.sealed:
            return True  # somebody has just done it
        if stored.renewed_at is not None and clock.now() - stored.renewed_at < NO_HELP:
            channels.note_health(inbox.pk, Inbox.Health.ATTENTION, f"{words} Renewing it did not help.", by)
            return False
        values = registry.get(stored.channel).renew(queries.config(stored))
        if values:
            channels.update_settings(stored.pk, values)
            Inbox.objects.filter(pk=stored.pk).update(renewed_at=clock.now())
            return True
    except ChannelError as error:
        words = f"{words} Renewing it was refused: {error.words}"
    except Exception as error:
        log.error("The credentials of inbox %s could not be renewed (%s).", inbox.pk, where(error))
    finally:
        spine.drop_lease(f"renew:{inbox.pk}", owner)
    channels.note_health(inbox.pk, Inbox.Health.ATTENTION, words, by)
    return False
