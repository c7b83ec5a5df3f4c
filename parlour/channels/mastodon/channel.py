"""Mastodon: posts that mention the brand in public, and direct messages in private; hashtags that are listened to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Act,
    Attachment,
    Capabilities,
    Inbound,
    InboxConfig,
    Limit,
    OAuth,
    Outbound,
    Poll,
    Rate,
    Receipt,
    Refused,
    Setting,
    Source,
    Split,
    Visibility,
)
from parlour.channels.mastodon import calls, parsing, polling, sending
from parlour.channels.mastodon.reading import base_of, realm_of
from parlour.channels.social import event_stream, saved

MB = 1024 * 1024
MEDIA = {"image": 16 * MB, "video": 40 * MB, "audio": 40 * MB}
NEWS = frozenset({"notification", "conversation", "status.update", "delete", "notifications_merged"})
"""Events of the stream that are a reason to poll."""


def _hashtags(value: str) -> str | None:
    wrong = next((tag for tag in saved(value, 1000) if not tag.lstrip("#").replace("_", "").isalnum()), None)
    if wrong is not None:
        return f"{wrong[:40]!r} is not a hashtag: letters, digits and underscores, separated by commas."
    return "At most 20 hashtags are listened to." if len(saved(value, 1000)) > 20 else None


def _characters(value: str) -> str | None:
    fine = value.isascii() and value.isdecimal() and len(value) < 8 and int(value) > sending.NAMED
    return None if fine else f"It is a number above {sending.NAMED}."


class Mastodon(Base):
    name = "mastodon"
    label = "Mastodon"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("access_token", "api_base")
    settings: tuple[Setting, ...] = (
        Setting(
            "api_base",
            "Server",
            "The address of the server the brand's account is on, such as https://mastodon.social.",
            check=web_address("https://mastodon.social"),
        ),
        Setting(
            "access_token",
            "Access token",
            "Leave it empty, and sign in at the server once the inbox is saved. Or by hand: on the server, signed in as the brand, "
            "Preferences, Development, New application; tick read, write:statuses, write:media, write:favourites; copy 'Your access token'.",
            secret=True,
            check=printable,
        ),
        Setting(
            "search",
            "Hashtags to listen to",
            "Separated by commas, such as luma, lumaphone. New posts with them come in as if they were addressed to the brand.",
            required=False,
            check=_hashtags,
        ),
        Setting(
            "max_characters",
            "Longest post",
            "How many characters the server allows; the test of the connection says so when it is another number.",
            required=False,
            default=str(sending.CHARACTERS),
            advanced=True,
            check=_characters,
        ),
        Setting("client_id", "Client id", "Filled in by signing in.", required=False, advanced=True, check=printable),
        Setting(
            "client_secret",
            "Client secret",
            "Filled in by signing in.",
            required=False,
            secret=True,
            advanced=True,
            check=printable,
        ),
    )
    oauth = OAuth(
        authorize="{api_base}/oauth/authorize",
        token="{api_base}/oauth/token",  # noqa: S106
        scopes=("read", "write:statuses", "write:media", "write:favourites"),
        settings={"access_token": "access_token"},
        register="{api_base}/api/v1/apps",
        at="the server",
    )
    capabilities = Capabilities(
        public=Limit(sending.CHARACTERS - sending.NAMED),
        private=Limit(sending.CHARACTERS - sending.NAMED),
        private_reply=True,
        acts_public=frozenset({"like", "unlike", "delete"}),
        acts_private=frozenset({"like", "unlike", "delete"}),
        edits=True,
        webhook=False,
        poll_seconds=60,
        waits=True,
        media_public=MEDIA,
        media_private=MEDIA,
        parts=10,
        media_count=4,
        rate=Rate(150, 300.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return realm_of(inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return [parsing.split(payload)]
        except parsing.NotAnEvent as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return list(parsing.inbounds(body, inbox, received_at))

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def wait(self, inbox: InboxConfig, seconds: float) -> bool:
        token = {"authorization": f"Bearer {inbox.settings.get('access_token', '')}"}
        address = f"{calls.streaming(inbox)}/api/v1/streaming/user"
        return event_stream("Mastodon", address, token, seconds, NEWS)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        sending.act(inbox, act, target, visibility)

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        own = urlsplit(attachment.url).netloc == urlsplit(base_of(inbox)).netloc
        return Source(url=attachment.url, mime=attachment.mime, name=attachment.name, own=own)

    def length(self, text: str, visibility: Visibility) -> int:
        return sending.length(text)

    def limit(self, inbox: InboxConfig, visibility: Visibility) -> Limit | None:
        return Limit(sending.most(inbox))

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = Mastodon()
