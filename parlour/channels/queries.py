"""Reads of the channels room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from django.db.models import QuerySet
from django.db.models.base import ModelState

from parlour.channels.contract import InboxConfig
from parlour.channels.models import Brand, Inbox


class Branded(Protocol):
    """Anything that belongs to a brand."""

    brand: Brand
    brand_id: int
    _state: ModelState


def config(inbox: Inbox) -> InboxConfig:
    """The inbox as its channel sees it."""
    return InboxConfig(id=inbox.pk, key=inbox.key, channel=inbox.channel, settings=inbox.settings)


def inbox_by_key(channel: str, key: str) -> Inbox | None:
    return inboxes().filter(channel=channel, key=key).first()


def inboxes() -> QuerySet[Inbox]:
    """Those that are connected, paused ones among them."""
    return Inbox.objects.select_related("brand").exclude(health=Inbox.Health.GONE)


def ailing() -> list[Inbox]:
    """Those that need attention."""
    return list(inboxes().filter(health=Inbox.Health.ATTENTION))


B = TypeVar("B", bound=Branded)


def with_brands(rows: Iterable[B]) -> list[B]:
    """``rows`` with their brands set: few objects shared by all, where a join would make one for each."""
    found = list(rows)
    brands = Brand.objects.in_bulk({row.brand_id for row in found})
    for row in found:
        # What row.brand = ... comes to, once all its questions are answered.
        row._state.fields_cache["brand"] = brands[row.brand_id]
    return found


def brands() -> QuerySet[Brand]:
    return Brand.objects.all()
