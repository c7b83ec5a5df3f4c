"""The three stores behind one shape."""

from __future__ import annotations

from typing import Any, Protocol, cast

from parlour.channels.contract import InboxConfig, Limit
from parlour.channels.reviews import appstore, business, play
from parlour.channels.reviews.fields import STORES, Reply, Review, Store, short


class Shop(Protocol):
    """What each store's module offers. ``read`` raises ValueError, the others ChannelError."""

    def read(self, item: Any) -> Review: ...

    def page(self, inbox: InboxConfig, token: str) -> tuple[list[Any], str]: ...

    def reply(self, inbox: InboxConfig, review: str, text: str) -> Reply: ...

    def withdraw(self, inbox: InboxConfig, review: str) -> None: ...

    def exists(self, inbox: InboxConfig, review: str) -> bool: ...

    def check(self, inbox: InboxConfig) -> str: ...

    def url(self, app: str, review: str) -> str: ...


SHOPS: dict[Store, Shop] = {"play": play, "appstore": appstore, "business": business}
LIMITS: dict[Store, Limit] = {
    "play": Limit(play.LIMIT),
    "appstore": Limit(appstore.LIMIT),
    "business": Limit(business.LIMIT, "bytes"),
}


def store_of(inbox: InboxConfig) -> Store:
    told = inbox.settings.get("store")
    return cast(Store, told) if told in STORES else "play"


def shop_of(inbox: InboxConfig) -> Shop:
    return SHOPS[store_of(inbox)]


def realm_of(inbox: InboxConfig) -> str:
    """Reviewers of one app in one store; ids never meet those of another."""
    whole = f"reviews:{store_of(inbox)}:{inbox.settings.get('app') or ''}"
    return whole if len(whole) <= 80 else f"reviews:{short(whole)}"
