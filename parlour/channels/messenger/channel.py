"""Messenger: private conversations between a Page and its customers."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from parlour.channels import graph, meta
from parlour.channels.base import Base
from parlour.channels.contract import (
    Act,
    Answer,
    Author,
    Capabilities,
    ChannelError,
    DoorRequest,
    ErrorKind,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Receipt,
    Split,
    ThreadKey,
    Visibility,
)
from parlour.channels.messenger import inbound
from parlour.lib import clock
from parlour.lib.text import one_line

WINDOW = timedelta(hours=24)
HUMAN_WINDOW = timedelta(days=7)


class Messenger(Base):
    """Webhook fields of messaging in, the Send API out. ``act`` knows ``seen``; its target is the thread's address."""

    name = "messenger"
    label = "Messenger"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    settings = meta.SETTINGS
    capabilities = Capabilities(
        private=Limit(2000),
        window_hours=24,
        human_agent_hours=7 * 24,
        acts_private=frozenset({"seen"}),
        edits=True,
        receipts=True,
        profiles=True,
    )

    def realm(self, inbox: InboxConfig) -> str:
        return meta.realm(inbox)

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        meta.verify(request, inbox)

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        return meta.handshake(request, inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return meta.split(payload, body, self.name, inbox, lambda piece: inbound.named(piece, inbox))

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        return [event for piece in meta.read(body) for event in inbound.read(piece, inbox, received_at)]

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        """Within 24 hours of the customer's last words as a response, up to 7 days by a person, then not at all."""
        if outbound.mode != "reply" or outbound.visibility != "private":
            raise ChannelError(ErrorKind.INVALID, "Messenger is private: it takes private answers only.")
        meta.check_text(outbound, self.capabilities)
        content: dict[str, Any] = {
            "recipient": _recipient(outbound.address),
            **_window(outbound),
            "message": {"text": outbound.text, "metadata": outbound.reference},
        }
        answer = graph.call(inbox, "POST", meta.page_id(inbox), "messages", table=graph.MESSAGES, json=content)
        person = answer.get("recipient_id")
        moved = (
            isinstance(person, str) and 0 < len(person) <= 100 and person.isprintable() and person != outbound.address
        )
        return Receipt(
            graph.id_of(answer, "message_id"),
            ThreadKey(str(person), "private", address=str(person)) if moved else None,
        )

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        if act != "seen" or visibility != "private":
            raise ChannelError(ErrorKind.INVALID, f"Messenger cannot do '{act}'.")
        content = {"recipient": _recipient(target), "sender_action": "mark_seen"}
        graph.call(inbox, "POST", meta.page_id(inbox), "messages", table=graph.MESSAGES, json=content)

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        """First and last name; Meta tells them only while the person is reachable."""
        fields = {"fields": "first_name,last_name,profile_pic"}
        told = graph.call(inbox, "GET", external_id, table=graph.MESSAGES, params=fields)
        parts = [told.get(part) for part in ("first_name", "last_name")]
        name = one_line(" ".join(part for part in parts if isinstance(part, str)), 120)
        picture = told.get("profile_pic")
        avatar = picture if isinstance(picture, str) and picture.startswith("https://") and len(picture) <= 500 else ""
        return Author(meta.realm(inbox), external_id, name=name, avatar_url=avatar) if name else None

    def check(self, inbox: InboxConfig) -> str:
        return graph.account(inbox)


def _recipient(address: str) -> dict[str, str]:
    if not address:
        raise ChannelError(ErrorKind.INVALID, "There is nobody to send it to.")
    if address.startswith(inbound.USER_REF):
        return {"user_ref": address.removeprefix(inbound.USER_REF)}
    return {"id": address}


def _window(outbound: Outbound) -> dict[str, str]:
    if outbound.last_inbound_at is None:
        raise ChannelError(ErrorKind.WINDOW_CLOSED, "The customer has not written in Messenger yet.")
    silence = clock.now() - outbound.last_inbound_at
    if silence < WINDOW:
        return {"messaging_type": "RESPONSE"}
    if outbound.human and silence < HUMAN_WINDOW:
        return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    allowed = "7 days" if outbound.human else "24 hours"
    raise ChannelError(ErrorKind.WINDOW_CLOSED, f"The customer's last message is more than {allowed} old.")


channel = Messenger()
