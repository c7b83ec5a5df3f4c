"""RSS and Atom feeds: blogs, forum categories, news, anything that has one. Listens only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from parlour.channels.base import Base
from parlour.channels.contract import (
    Capabilities,
    ChannelError,
    ErrorKind,
    Inbound,
    InboxConfig,
    Outbound,
    Poll,
    Receipt,
    Refused,
    Setting,
    Split,
)
from parlour.channels.feed import polling, reading


def _address(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and value.isprintable()
        fine = fine and (parts.port is None or parts.port > 0)
    except ValueError:
        return "It is a web address such as https://www.example.com/feed.xml."
    if fine and (parts.username or parts.password):
        return "It holds a name and a password, which would show wherever the address does."
    return None if fine else "It is a web address such as https://www.example.com/feed.xml."


class Feed(Base):
    name = "feed"
    label = "Feed"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("url",)
    settings: tuple[Setting, ...] = (
        Setting(
            "url",
            "Address of the feed",
            "An RSS or Atom feed: often the page's address with /feed or /rss behind it. A forum's category has one, too (in Discourse: "
            "/c/name/5.rss). When the address is a page that names its feed, the test tells it.",
            check=_address,
        ),
    )
    capabilities = Capabilities(edits=True, webhook=False, poll_seconds=300)

    def realm(self, inbox: InboxConfig) -> str:
        return reading.realm_of(str(inbox.settings.get("url") or ""))

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return reading.split(payload)
        except reading.EnvelopeError as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return list(reading.inbounds(body, self.realm(inbox), received_at))

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        raise ChannelError(ErrorKind.INVALID, "A feed only tells; whoever wrote this is answered where they wrote it.")

    def check(self, inbox: InboxConfig) -> str:
        return polling.check(inbox)


channel = Feed()
