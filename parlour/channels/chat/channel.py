"""Our own live chat on the brand's website. The widget posts to the door like any platform, and reads answers from the desk itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from json import loads
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.base import Base
from parlour.channels.chat import events, settings, visitors
from parlour.channels.chat.floods import Floods
from parlour.channels.contract import (
    Act,
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
    Split,
    ThreadKey,
    Visibility,
)
from parlour.lib.text import storable_json

LIMIT = 10_000
VISITOR_MOST = 30.0
VISITOR_EACH_SECOND = 0.5
BYTES_OF_ONE = 500_000
"""A body this much larger counts as one message more."""
FILE_BYTES = 10 * 1024 * 1024
"""A file of ours; a visitor's own are limited in ``events``."""
KINDS = {"delivered": Kind.DELIVERED, "read": Kind.READ}


class Chat(Base):
    """The door takes one event a request, with the visitor's token as ``Authorization: Bearer``. What is sent is read by the widget
    from the desk's own database, so sending succeeds at once; ``delivered`` and ``read`` come in by the door."""

    name = "chat"
    label = "Chat"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    settings = settings.SETTINGS
    capabilities = Capabilities(
        private=Limit(LIMIT),
        acts_private=frozenset({"delete"}),
        receipts=True,
        media_private=dict.fromkeys(("image", "video", "audio", "file"), FILE_BYTES),
        media_count=5,
    )

    def __init__(self) -> None:
        self.floods = Floods()

    def realm(self, inbox: InboxConfig) -> str:
        return f"chat:{inbox.key}"

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        """Besides the token, how much this visitor and all of them have said lately: Refused(429) when it is too much."""
        try:
            visitor = visitors.opened(inbox, _token(request))
        except visitors.NotKnown as error:
            raise Refused(403, str(error)) from error
        cost = 1.0 + len(request.body) // BYTES_OF_ONE
        most, each_second = VISITOR_MOST, VISITOR_EACH_SECOND
        if not self.floods.take((inbox.key, visitor.thread), cost, most=most, each_second=each_second):
            raise Refused(429, "You are writing very fast; wait a moment.")
        minute = float(settings.setting(inbox, "per_minute"))
        if not self.floods.take((inbox.key,), cost, most=max(minute, 50.0), each_second=minute / 60):
            raise Refused(429, "Very many people are writing now; wait a moment.")

    def decode(self, request: DoorRequest) -> bytes:
        try:
            visitor = visitors.already_proven(_token(request))
            event = _json(request.body)
        except visitors.NotKnown as error:
            raise Refused(400, str(error)) from error
        except (ValueError, RecursionError) as error:
            raise Refused(400, "The body is not JSON.") from error
        named = {name: value for name, value in asdict(visitor).items() if name != "earlier"}
        try:
            return orjson.dumps({"event": event, "visitor": named})
        except orjson.JSONEncodeError as error:
            raise Refused(400, "The body is nested too deeply, or holds numbers that JSON cannot hold.") from error

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            said = events.read(payload)
        except events.Wrong as error:
            raise Refused(400, str(error)) from error
        return [Split(said.key, said.visitor.thread, body)]

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        try:
            said = events.read(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise ValueError("The body is not JSON.") from error
        visitor = said.visitor
        author = Author(
            self.realm(inbox),
            visitor.id,
            name=visitor.name or ("" if visitor.known else f"Visitor {visitor.digest[:4].upper()}"),
            email=said.email or visitor.email,
            verified=visitor.known,
            language=said.language,
        )
        thread = ThreadKey(visitor.thread, "private", address=visitor.thread)
        if said.type != "message":
            assert said.until is not None
            seen = min(said.until, received_at)
            return [Inbound(KINDS[said.type], said.key, seen, author=author, thread=thread, watermark=seen)]
        return [
            Inbound(
                Kind.MESSAGE,
                said.key,
                received_at,
                external_id=said.external_id,
                author=author,
                thread=thread,
                text=said.text,
                attachments=said.files,
                meta={"page": dict(said.page)} if said.page else {},
            )
        ]

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        """The words are in the database, where the widget reads them as soon as they have this receipt."""
        if outbound.visibility != "private" or outbound.mode != "reply":
            raise ChannelError(ErrorKind.INVALID, "The chat is private: it takes private answers only.")
        if not outbound.text.strip() and not outbound.attachments:
            raise ChannelError(ErrorKind.INVALID, "An empty message is not sent.")
        if len(outbound.text) > LIMIT:
            raise ChannelError(
                ErrorKind.TOO_LONG, f"The message has {len(outbound.text):,} of at most {LIMIT:,} characters."
            )
        return Receipt(outbound.reference)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        """Delete: the widget shows no words that the desk has marked as deleted."""
        if act != "delete" or visibility != "private":
            raise ChannelError(ErrorKind.INVALID, f"The chat cannot do '{act}'.")

    def check(self, inbox: InboxConfig) -> str:
        try:
            sites = settings.origins(settings.setting(inbox, "origins"))
        except ValueError as error:
            raise ChannelError(ErrorKind.INVALID, str(error)) from error
        known = (
            "Signed-in visitors are recognised."
            if visitors.keys_of(inbox)
            else "Nobody is vouched for: it has no secret."
        )
        return f"The chat can be shown on {', '.join(sites)}; their pages load /chat/{inbox.key}/widget.js. {known}"


def _token(request: DoorRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise visitors.NotKnown("The visitor's token is missing.")
    return token


def _json(body: bytes) -> Any:
    """JSON, with half characters and the like made storable: visitors can type them."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return storable_json(loads(body))


channel = Chat()
