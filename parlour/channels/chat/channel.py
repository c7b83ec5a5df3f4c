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
from parlour.channels.chat import events, floods, settings, visitors
from parlour.channels.chat.floods import Floods
from parlour.channels.contract import (
    Act,
    Author,
    Capabilities,
    ChannelError,
    Choices,
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
from parlour.spine import bus

LIMIT = 10_000
WORDS_FIRST = "Write a few words before you send files."
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
        acts_private=frozenset({"delete", "typing"}),
        receipts=True,
        media_private=dict.fromkeys(("image", "video", "audio", "file"), FILE_BYTES),
        media_count=5,
        parts=5,
        choices=Choices(10, 80),
    )

    def __init__(self) -> None:
        self.floods = Floods()

    def to_copy(self, inbox: InboxConfig, desk: str) -> tuple[tuple[str, str], ...]:
        page = f"{desk}/chat/{inbox.key}"
        return (
            ("For every page of your website", f'<script src="{page}/widget.js" async></script>'),
            ("The same conversation as a page", page),
        )

    def realm(self, inbox: InboxConfig) -> str:
        return f"chat:{inbox.key}"

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        """Besides the token, how much this visitor and all of them have sent lately: Refused(429) when it is too much."""
        try:
            visitor = visitors.opened(inbox, _token(request))
        except visitors.NotKnown as error:
            raise Refused(403, str(error)) from error
        with_files = len(request.body) > floods.TEXT_BYTES
        if with_files and not visitor.may_send_files:
            raise Refused(403, WORDS_FIRST)
        most, each_second = floods.VISITOR_MOST, floods.VISITOR_EACH_SECOND
        if not self.floods.take((inbox.key, visitor.thread), 1, most=most, each_second=each_second):
            raise Refused(429, "You are writing very fast; wait a moment.")
        if with_files:
            self._take_bytes(inbox.key, visitor.thread, len(request.body))
            return
        minute = float(settings.setting(inbox, "per_minute"))
        if not self.floods.take((inbox.key,), 1, most=max(minute, 50.0), each_second=minute / 60):
            raise Refused(429, "Very many people are writing now; wait a moment.")

    def _take_bytes(self, key: str, thread: str, count: int) -> None:
        most, whose = floods.VISITOR_BYTES, (key, thread, "bytes")
        if not self.floods.take(whose, count, most=most, each_second=most / floods.HOUR):
            raise Refused(429, "You have sent very many files; send more in an hour.")
        most = floods.INBOX_BYTES
        if not self.floods.take((key, "", "bytes"), count, most=most, each_second=most / floods.HOUR):
            self.floods.give_back(whose, count)
            raise Refused(429, "Very many files are being sent now; write to us, and send yours later.")

    def decode(self, request: DoorRequest) -> bytes:
        try:
            visitor = visitors.already_proven(_token(request))
            event = _json(request.body)
        except visitors.NotKnown as error:
            raise Refused(400, str(error)) from error
        except (ValueError, RecursionError) as error:
            raise Refused(400, "The body is not JSON.") from error
        if isinstance(event, dict) and event.get("files") and not visitor.may_send_files:
            raise Refused(403, WORDS_FIRST)
        named = {name: value for name, value in asdict(visitor).items() if name not in ("earlier", "said")}
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
            proof=visitor.id if visitor.known else "",
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
        """Delete: the widget shows no words that the desk has marked as deleted. Typing: its open windows are told."""
        if act == "typing" and visibility == "private":
            bus.wake(visitors.writing(inbox.id, target.partition("/")[0]))
            return
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
