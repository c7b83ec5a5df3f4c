"""Discourse: public topics of a forum, and private messages there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Act,
    Answer,
    Attachment,
    Author,
    Capabilities,
    DoorRequest,
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
from parlour.channels.discourse import events, inbound, polling, sending
from parlour.lib import signing

SIGNATURE, EVENT = "x-discourse-event-signature", "x-discourse-event"


def _username(value: str) -> str | None:
    return None if re.fullmatch(r"@?[\w.-]{1,60}", value) else "It is an account's name on the forum, without spaces."


def _categories(value: str) -> str | None:
    return None if re.fullmatch(r"[\d,; ]{0,200}", value, re.ASCII) else "It is a list of numbers such as 4, 7."


class Discourse(Base):
    name = "discourse"
    label = "Discourse"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("api_base", "categories")
    settings: tuple[Setting, ...] = (
        Setting(
            "api_base",
            "Address of the forum",
            "As the browser shows it: https://forum.example.com",
            check=web_address("https://forum.example.com"),
        ),
        Setting(
            "api_username",
            "Account that answers",
            "Its name on the forum. Answers appear under it; a moderator's account can also hide and delete.",
            check=_username,
        ),
        Setting(
            "api_key",
            "API key",
            "On the forum: Admin, API, New API key; user level: the account above (or all users), scope: global.",
            secret=True,
            check=printable,
        ),
        Setting(
            "webhook_secret",
            "Webhook secret",
            "Signs what the forum posts to us. Enter it on the forum under Admin, API, Webhooks, together with our address.",
            secret=True,
            make=lambda: secrets.token_urlsafe(32),
            check=printable,
        ),
        Setting(
            "categories",
            "Categories to listen to",
            "Numbers of categories, as at the end of a category's address (/c/help/4). Empty: all. Elsewhere only what mentions or "
            "answers the account is kept. Private messages always come.",
            required=False,
            check=_categories,
        ),
        Setting(
            "staff",
            "Words of the forum's staff",
            "Choose 'people like others' when the forum is not yours.",
            required=False,
            default="brand",
            options=(("brand", "Are the brand's answers"), ("others", "Are people's words like others'")),
            check=lambda value: None if value in ("brand", "others") else "It is one of brand, others.",
        ),
    )
    capabilities = Capabilities(
        public=Limit(sending.TEXT),
        private=Limit(sending.TEXT),
        private_reply=True,
        acts_public=frozenset({"hide", "unhide", "delete", "like", "unlike"}),
        acts_private=frozenset({"delete", "like", "unlike"}),
        edits=True,
        poll_seconds=120,
        profiles=True,
        profile_days=30,
        media_public=dict.fromkeys(("image", "video", "audio", "file"), sending.SIZE),
        media_private=dict.fromkeys(("image", "video", "audio", "file"), sending.SIZE),
        media_count=10,
        rate=Rate(20, 60.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return inbound.realm(inbox)

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        secret = str(inbox.settings.get("webhook_secret") or "")
        given = request.headers.get(SIGNATURE, "")
        if not given:
            raise Refused(
                403, "The header X-Discourse-Event-Signature is missing: enter the secret at the forum's webhook."
            )
        if not secret or not signing.same(signing.hex_signature(secret, request.body), given):
            raise Refused(403, "The signature does not fit the body.")

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        raise Refused(400, "Discourse asks no questions here; press Ping at the webhook instead.")

    def decode(self, request: DoorRequest) -> bytes:
        return events.named(request.headers.get(EVENT, ""), request.body)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return events.split(payload, body)

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        try:
            event = events.read(events.envelope(orjson.loads(body)))
        except Refused as refused:
            raise ValueError(refused.reason) from refused
        return inbound.read(event, inbox, received_at)

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        sending.act(inbox, act, target, visibility)

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        return sending.source(inbox, attachment)

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        return sending.profile(inbox, external_id)

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = Discourse()
