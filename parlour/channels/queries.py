"""Reads of the channels room."""

from __future__ import annotations

from django.db.models import QuerySet

from parlour.channels.contract import InboxConfig
from parlour.channels.models import Brand, Inbox


def config(inbox: Inbox) -> InboxConfig:
    """The inbox as its channel sees it."""
    return InboxConfig(id=inbox.pk, key=inbox.key, channel=inbox.channel, settings=inbox.settings)


def inbox_by_key(channel: str, key: str) -> Inbox | None:
    return Inbox.objects.select_related("brand").filter(channel=channel, key=key).first()


def inboxes() -> QuerySet[Inbox]:
    return Inbox.objects.select_related("brand")


def brands() -> QuerySet[Brand]:
    return Brand.objects.all()
