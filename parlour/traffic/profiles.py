"""Asking platforms whose events carry no names who somebody is: once, after the message is there, and a refusal is normal."""

from __future__ import annotations

import logging

from django.db import transaction

from parlour.cases.models import Thread
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import ChannelError
from parlour.channels.models import STILL
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.spine import actions as spine

log = logging.getLogger(__name__)

AT_ONCE = 20


def ask() -> int:
    """Ask about the newest identities without a name, at most ``AT_ONCE``; returns how many were looked at."""
    asking = [name for name, channel in registry.CHANNELS.items() if channel.capabilities.profiles]
    unnamed = list(Identity.objects.filter(name="", asked_at__isnull=True).order_by("-id")[:AT_ONCE])
    threads = Thread.objects.filter(identity__in=unnamed, inbox__channel__in=asking).select_related("inbox", "identity")
    for thread in threads.exclude(inbox__health__in=STILL):
        if thread.identity is not None and _claimed(thread.identity):
            _ask(thread, thread.identity)
    Identity.objects.filter(pk__in=[one.pk for one in unnamed], asked_at__isnull=True).update(asked_at=clock.now())
    return len(unnamed)


def _claimed(identity: Identity) -> bool:
    return bool(Identity.objects.filter(pk=identity.pk, asked_at__isnull=True).update(asked_at=clock.now()))


def _ask(thread: Thread, identity: Identity) -> None:
    channel = registry.get(thread.inbox.channel)
    try:
        told = channel.profile(channels.config(thread.inbox), identity.external_id)
    except ChannelError as error:
        log.debug("A name was refused by %s (%s).", channel.name, error.kind)
        return
    if told is None:
        return
    name = one_line(told.name, 120)
    with transaction.atomic():
        Identity.objects.filter(pk=identity.pk).update(name=name, avatar_url=told.avatar_url or identity.avatar_url)
        Customer.objects.filter(pk=identity.customer_id, name="").update(name=name)
        spine.write("customer.named", case_id=thread.case_id)
