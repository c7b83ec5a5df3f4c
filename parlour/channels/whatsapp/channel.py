"""WhatsApp: private conversations between a business number and its customers, over Meta's Cloud API."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels import meta
from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    SIGNALS,
    Act,
    Answer,
    Attachment,
    Capabilities,
    ChannelError,
    Choices,
    DoorRequest,
    ErrorKind,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Rate,
    Receipt,
    Setting,
    Source,
    Split,
    Template,
    Visibility,
)
from parlour.channels.whatsapp import envelope, inbound, sending


def _number(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{5,25}", value, re.ASCII) else "It is a number such as 106540352242922."


def _account(value: str) -> str | None:
    return _number(value) if value else None


def _label(value: str) -> str | None:
    return None if len(value) <= sending.BUTTON else f"It may have {sending.BUTTON} characters at most."


class WhatsApp(Base):
    """Webhook fields ``messages`` and ``smb_message_echoes`` in, the messages endpoint out. ``act`` knows ``seen`` and ``typing``; its
    target is the customer's message."""

    name = envelope.NAME
    label = "WhatsApp"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("phone_number_id",)
    settings: tuple[Setting, ...] = (
        Setting(
            "phone_number_id",
            "Phone number id",
            "Not the number itself: the id below it in the app's dashboard, under WhatsApp, API setup.",
            check=_number,
        ),
        Setting(
            "business_account_id",
            "WhatsApp Business account id",
            "Beside the phone number id in API setup. Needed to offer templates when the 24 hours are over.",
            required=False,
            check=_account,
        ),
        Setting(
            "app_secret",
            "App secret",
            "In the app's dashboard, under App settings, Basic. Proves that webhooks come from Meta.",
            secret=True,
        ),
        Setting(
            "verify_token",
            "Verify token",
            "A word of your choice. Enter the same word in the dashboard, under WhatsApp, Configuration, with the webhook address.",
            make=lambda: secrets.token_urlsafe(18),
        ),
        Setting(
            "access_token",
            "Access token",
            "Of a system user (Business settings, System users) with whatsapp_business_messaging and"
            " whatsapp_business_management. The token shown in API setup ends after a day.",
            secret=True,
            check=printable,
        ),
        Setting(
            "list_label",
            "Word that opens a list",
            "Shown on the button that opens more than three answers to choose from.",
            required=False,
            default="Choose",
            advanced=True,
            check=_label,
        ),
        Setting(
            "api_base",
            "Graph API address",
            "Change it only for a stand-in, or for another version of the API.",
            default=meta.GRAPH,
            advanced=True,
            check=web_address(meta.GRAPH),
        ),
        SIGNALS,
    )
    capabilities = Capabilities(
        private=Limit(sending.TEXT),
        window_hours=24,
        acts_private=frozenset({"seen", "typing"}),
        edits=True,
        receipts=True,
        media_private=sending.MEDIA,
        parts=10,
        beside=sending.CAPTION,
        choices=Choices(sending.ROWS, sending.ROW),
        templates=True,
        rate=Rate(80, 1.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return envelope.realm(envelope.number_id(inbox))

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        meta.verify(request, inbox)

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        return meta.handshake(request, inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return envelope.split(payload, body, inbox, inbound.named)

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        return [event for piece in envelope.read(body) for event in inbound.read(piece, inbox, received_at)]

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        if act not in self.capabilities.acts_private or visibility != "private":
            raise ChannelError(ErrorKind.INVALID, f"WhatsApp cannot do '{act}'.")
        sending.seen(inbox, target, typing=act == "typing")

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        return sending.source(inbox, attachment)

    def templates(self, inbox: InboxConfig) -> Sequence[Template]:
        return sending.templates(inbox)

    def check(self, inbox: InboxConfig) -> str:
        return sending.account(inbox)


channel = WhatsApp()
