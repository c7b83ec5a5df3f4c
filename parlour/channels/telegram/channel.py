"""Telegram: private chats with a bot, groups it is in, and chats of a business account it is connected to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.base import Base
from parlour.channels.checks import web_address
from parlour.channels.contract import (
    SIGNALS,
    Act,
    Answer,
    Attachment,
    Capabilities,
    Choices,
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
from parlour.channels.telegram import inbound, polling, sending, updates
from parlour.channels.telegram.calls import API
from parlour.channels.telegram.places import REALM, polled
from parlour.lib import signing

HEADER = "x-telegram-bot-api-secret-token"


def _token(value: str) -> str | None:
    fine = re.fullmatch(r"\d{3,20}:[A-Za-z0-9_-]{20,100}", value)
    return None if fine else "A bot token looks like 123456789:AAE… (digits, a colon, letters)."


def _username(value: str) -> str | None:
    fine = re.fullmatch(r"@?[A-Za-z0-9_]{3,32}", value)
    return None if fine else "It is the bot's name as in t.me/LumaHelpBot, without spaces."


def _secret(value: str) -> str | None:
    fine = re.fullmatch(r"[A-Za-z0-9_-]{0,256}", value)
    return None if fine else "Telegram takes letters, digits, _ and - here, at most 256."


class Telegram(Base):
    name = "telegram"
    label = "Telegram"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("bot_token",)
    settings: tuple[Setting, ...] = (
        Setting(
            "bot_token",
            "Bot token",
            "Write to @BotFather in Telegram: /newbot makes a bot and shows its token, /token shows it again.",
            secret=True,
            check=_token,
        ),
        Setting("username", "Name of the bot", "As in t.me/LumaHelpBot; it ends in 'bot'.", check=_username),
        Setting(
            "mode",
            "How updates come",
            "The webhook is faster. Choose asking when this desk has no public https address.",
            required=False,
            default="webhook",
            options=(("webhook", "Telegram posts them to us"), ("poll", "We ask Telegram")),
        ),
        Setting(
            "public_url",
            "Public address of this desk",
            "As in https://desk.example.com. With it, testing the inbox gives Telegram the webhook's address and the secret token; "
            "without it, that is yours to do.",
            required=False,
            when=("mode", "webhook"),
            fill="desk",
            check=web_address("https://desk.example.com"),
        ),
        Setting(
            "secret_token",
            "Secret token",
            "Proves that a webhook comes from Telegram. Made up when left empty.",
            required=False,
            when=("mode", "webhook"),
            secret=True,
            make=lambda: secrets.token_urlsafe(32),
            check=_secret,
        ),
        Setting(
            "groups",
            "What to keep of groups",
            "In groups the bot is in. To see all words there, privacy mode must be off at @BotFather (/setprivacy).",
            required=False,
            default="addressed",
            options=(
                ("addressed", "What mentions or answers the bot"),
                ("all", "Everything members write"),
                ("none", "Nothing: private chats only"),
            ),
        ),
        Setting(
            "api_base",
            "API address",
            "Change it only for a Bot API server of your own.",
            required=False,
            default=API,
            advanced=True,
            check=web_address(API),
        ),
        SIGNALS,
    )
    capabilities = Capabilities(
        public=Limit(sending.TEXT, "utf16"),
        private=Limit(sending.TEXT, "utf16"),
        private_reply=True,
        acts_public=frozenset({"delete", "like", "unlike"}),
        acts_private=frozenset({"delete", "like", "unlike", "typing"}),
        edits=True,
        poll_seconds=30,
        waits=True,
        media_public=sending.SIZES,
        media_private=sending.SIZES,
        media_count=sending.ALBUM,
        parts=10,
        choices=Choices(20, 60),
        rate=Rate(25, 1.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return REALM

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        secret = str(inbox.settings.get("secret_token") or "")
        given = request.headers.get(HEADER, "")
        if polled(inbox):
            raise Refused(403, "This inbox asks Telegram for updates; nothing is posted here.")
        if not given:
            raise Refused(403, "The header X-Telegram-Bot-Api-Secret-Token is missing.")
        if not secret or not signing.same(secret, given):
            raise Refused(403, "The secret token is not this inbox's.")

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        raise Refused(400, "Telegram asks no questions here.")

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return updates.split(payload, body)

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        try:
            update = updates.read(updates.envelope(orjson.loads(body)))
        except Refused as refused:
            raise ValueError(refused.reason) from refused
        return inbound.read(update, inbox, received_at)

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def wait(self, inbox: InboxConfig, seconds: float) -> bool:
        return polling.wait(inbox, seconds)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        sending.act(inbox, act, target, visibility)

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        return polling.source(inbox, attachment)

    def length(self, text: str, visibility: Visibility) -> int:
        return sending.units(text)

    def check(self, inbox: InboxConfig) -> str:
        return polling.check(inbox)


channel = Telegram()
