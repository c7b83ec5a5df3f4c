"""A channel of another package: letters by carrier pigeon. The example of docs/ADD_A_CHANNEL.md."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from parlour.channels.base import Base
from parlour.channels.contract import (
    Author,
    Capabilities,
    ChannelError,
    DoorRequest,
    ErrorKind,
    Inbound,
    InboxConfig,
    Kind,
    Limit,
    Outbound,
    Receipt,
    Refused,
    Setting,
    Split,
    ThreadKey,
)
from parlour.lib import http


class Pigeon(Base):
    name = "pigeon"
    label = "Carrier pigeon"
    icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="currentColor"><path d="M2 12l9-9v6h11v6H11v6z"/></svg>'
    settings = (
        Setting(
            "loft",
            "Loft",
            "The address of the loft that sends and takes pigeons.",
            advanced=True,
            default="https://loft.example",
        ),
        Setting("ring", "Ring", "Signs every letter.", secret=True),
    )
    capabilities = Capabilities(private=Limit(160))

    def realm(self, inbox: InboxConfig) -> str:
        return "pigeon"

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        ours = hmac.new(inbox.settings["ring"].encode(), request.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(ours.encode(), request.headers.get("x-ring", "").encode()):
            raise Refused(403, "The ring does not fit.")

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        if not isinstance(payload, dict) or not isinstance(payload.get("letters"), list):
            raise Refused(400, "There are no letters in it.")
        return [
            Split(key=str(letter["id"]), lane=str(letter["from"]), body=orjson.dumps(letter))
            for letter in payload["letters"]
        ]

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        letter = orjson.loads(body)
        sender = Author("pigeon", str(letter["from"]), name=str(letter.get("name", "")))
        yield Inbound(
            Kind.MESSAGE,
            key=str(letter["id"]),
            at=datetime.fromtimestamp(letter["at"], UTC),
            external_id=str(letter["id"]),
            author=sender,
            thread=ThreadKey(sender.external_id, "private", address=sender.external_id),
            text=str(letter["text"]),
        )

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        if len(outbound.text) > 160:
            raise ChannelError(ErrorKind.TOO_LONG, "No pigeon carries that much.")
        letter = {"to": outbound.address, "text": outbound.text, "reference": outbound.reference}
        try:
            answer = http.request("POST", f"{inbox.settings['loft']}/letters", json=letter)
        except http.NoAnswer as error:
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME if error.sent else ErrorKind.TRANSIENT, str(error)) from error
        if answer.status_code != 200:
            raise ChannelError(ErrorKind.RECIPIENT_UNAVAILABLE, answer.text)
        return Receipt(str(orjson.loads(answer.content)["id"]))

    def check(self, inbox: InboxConfig) -> str:
        return "The loft is open."


channel = Pigeon()
