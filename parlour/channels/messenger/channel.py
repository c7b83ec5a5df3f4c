"""Messenger: private conversations between a Page and its customers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels import graph, meta
from parlour.channels.base import Base
from parlour.channels.contract import (
    SIGNALS,
    Act,
    Answer,
    Author,
    Capabilities,
    ChannelError,
    Choices,
    DoorRequest,
    ErrorKind,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Poll,
    Rate,
    Receipt,
    Split,
    Visibility,
)
from parlour.channels.messenger import events, history, inbound, sending
from parlour.lib.text import one_line


class Messenger(Base):
    """Webhook fields of messaging in, the Send API out. ``act`` knows ``seen`` and ``typing``; its target is a message of the customer's,
    or their id."""

    name = "messenger"
    label = "Messenger"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("page_id",)
    settings = (*meta.SETTINGS, SIGNALS)
    capabilities = Capabilities(
        private=Limit(2000),
        window_hours=24,
        human_agent_hours=7 * 24,
        acts_private=frozenset({"seen", "typing"}),
        edits=True,
        receipts=True,
        poll_seconds=300,
        profiles=True,
        profile_days=30,
        media_private=dict.fromkeys(("image", "video", "audio", "file"), 25 * 1024 * 1024),
        media_count=10,
        parts=10,
        choices=Choices(13, 20),
        rate=Rate(300, 1.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return meta.realm(inbox)

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        meta.verify(request, inbox)

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        return meta.handshake(request, inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        belongs = meta.page_belongs(self.name, inbox)
        return meta.split(payload, body, lambda piece: inbound.named(piece, inbox), belongs)

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        return [event for piece in meta.read(body) for event in inbound.read(piece, inbox, received_at)]

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        """What was said while webhooks did not get through."""
        page = meta.page_id(inbox)

        def cut(payload: Any, body: bytes) -> list[Split]:
            return self.split(payload, body, inbox)

        return history.poll(cursor, "page", lambda gap: history.conversations(inbox, page, page, gap), cut)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        if outbound.mode != "reply" or outbound.visibility != "private":
            raise ChannelError(ErrorKind.INVALID, "Messenger is private: it takes private answers only.")
        meta.check_outbound(outbound, self.capabilities, self.length)
        return sending.send(inbox, outbound, sender(inbox))

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        if act not in self.capabilities.acts_private or visibility != "private":
            raise ChannelError(ErrorKind.INVALID, f"Messenger cannot do '{act}'.")
        sending.signal(inbox, act, target, sender(inbox))

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        """First and last name and picture; Meta tells them only while the person is reachable, and not of whom has no id yet."""
        if external_id.startswith((events.USER_REF, "unknown:")):
            return None
        fields = {"fields": "first_name,last_name,profile_pic"}
        told = graph.call(inbox, "GET", external_id, table=graph.MESSAGES, params=fields)
        parts = [told.get(part) for part in ("first_name", "last_name")]
        name = one_line(" ".join(part for part in parts if isinstance(part, str)), 120)
        picture = told.get("profile_pic")
        return Author(meta.realm(inbox), external_id, name=name, avatar_url=meta.picture(picture)) if name else None

    def check(self, inbox: InboxConfig) -> str:
        return graph.account(inbox)


def sender(inbox: InboxConfig) -> sending.Sender:
    """A Page's ways with the Send API."""
    return sending.Sender(
        account=meta.page_id(inbox),
        label="Messenger",
        metadata=True,
        within={"messaging_type": "RESPONSE"},
        upload={},
    )


channel = Messenger()
