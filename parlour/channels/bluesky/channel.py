"""Bluesky: posts that mention, answer or quote the brand in public, and chats in private; searches that are listened to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels.base import Base
from parlour.channels.bluesky import parsing, polling, sending
from parlour.channels.bluesky.reading import DID, PDS, PICTURES, REALM, picture_address
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    SIGNALS,
    Act,
    Attachment,
    Author,
    Capabilities,
    Inbound,
    InboxConfig,
    Limit,
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
from parlour.channels.social import graphemes, saved

_HANDLE = re.compile(r"@?([a-zA-Z0-9-]{1,63}\.)+[a-zA-Z][a-zA-Z0-9-]{0,62}")


def _identifier(value: str) -> str | None:
    fine = len(value) <= 253 and (_HANDLE.fullmatch(value) or DID.fullmatch(value))
    return None if fine else "It is the account's handle, such as luma.bsky.social, or its DID."


def _searches(value: str) -> str | None:
    return "At most 20 searches are listened to." if len(saved(value, 1000)) > 20 else None


class Bluesky(Base):
    name = "bluesky"
    label = "Bluesky"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("identifier", "search")
    settings: tuple[Setting, ...] = (
        Setting("identifier", "Handle", "The brand's handle, such as luma.bsky.social.", check=_identifier),
        Setting(
            "app_password",
            "App password",
            "In Bluesky, signed in as the brand: Settings, Privacy and security, App passwords, Add. Tick 'Allow access to "
            "your direct messages'. Not the account's own password.",
            secret=True,
            check=printable,
        ),
        Setting(
            "search",
            "Searches to listen to",
            'Separated by commas, such as luma phone, #luma, "luma go". New posts that fit come in as if they were addressed to '
            "the brand.",
            required=False,
            check=_searches,
        ),
        Setting(
            "api_base",
            "Server",
            "Where the account signs in; only accounts on a server of their own need another one.",
            required=False,
            default=PDS,
            advanced=True,
            check=web_address(PDS),
        ),
        Setting(
            "pictures_base",
            "Pictures",
            "Where pictures of posts are fetched from.",
            required=False,
            default=PICTURES,
            advanced=True,
            check=web_address(PICTURES),
        ),
        SIGNALS,
    )
    capabilities = Capabilities(
        public=Limit(sending.POST_LENGTH, "graphemes"),
        private=Limit(sending.MESSAGE_LENGTH, "graphemes"),
        private_reply=True,
        acts_public=frozenset({"like", "unlike", "delete", "hide", "unhide"}),
        acts_private=frozenset({"like", "unlike", "delete", "seen"}),
        webhook=False,
        poll_seconds=20,
        profiles=True,
        profile_days=30,
        media_public={"image": 976_560},
        parts=10,
        media_count=4,
        rate=Rate(1_000, 3600.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return REALM

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return [parsing.split(payload)]
        except parsing.NotAnEvent as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return list(parsing.inbounds(body, received_at))

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        sending.act(inbox, act, target, visibility)

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        return sending.profile(inbox, external_id)

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        if address := picture_address(inbox, attachment.reference):
            return Source(url=address, mime=attachment.mime, name=attachment.name, own=True)
        return Source(url=attachment.url, mime=attachment.mime, name=attachment.name)

    def length(self, text: str, visibility: Visibility) -> int:
        return graphemes(text)

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = Bluesky()
