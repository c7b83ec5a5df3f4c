"""Instagram: direct messages, story replies and mentions in private; comments and mentions in public."""

from __future__ import annotations

from collections.abc import Mapping
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
from parlour.channels.instagram import account, comments, history, inbound
from parlour.channels.messenger import events, sending
from parlour.channels.messenger.history import poll
from parlour.lib.text import one_line

_MB = 1024 * 1024
_TYPES: Mapping[str, frozenset[str]] = {
    "image": frozenset({"image/png", "image/jpeg", "image/gif"}),
    "file": frozenset({"application/pdf"}),
}
"""Of these kinds Instagram takes some formats only."""


class Instagram(Base):
    """Both flavours of the API (Instagram Login and Facebook Login); the inbox's setting ``login`` says which.

    A private reply opens a thread in this same inbox. ``act`` knows ``seen`` in private; its target is a message of the customer's,
    or their id.
    """

    name = "instagram"
    label = "Instagram"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("ig_id",)
    settings = (*account.SETTINGS, SIGNALS)
    capabilities = Capabilities(
        public=Limit(2200),
        private=Limit(1000, "bytes"),
        private_reply=True,
        private_reply_days=7,
        window_hours=24,
        human_agent_hours=7 * 24,
        acts_public=frozenset({"hide", "unhide", "delete"}),
        acts_private=frozenset({"seen", "typing"}),
        receipts=True,
        poll_seconds=300,
        profiles=True,
        profile_days=7,
        media_private={"image": 8 * _MB, "video": 25 * _MB, "audio": 25 * _MB, "file": 25 * _MB},
        media_count=10,
        parts=10,
        choices=Choices(13, 20),
        rate=Rate(300, 1.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return account.realm(inbox)

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        meta.verify(request, inbox)

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        return meta.handshake(request, inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return meta.split(
            payload,
            body,
            lambda piece: inbound.named(piece, inbox),
            lambda piece: inbound.belongs(piece, inbox),
            "instagram",
        )

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        return [event for piece in meta.read(body, "instagram") for event in inbound.read(piece, inbox, received_at)]

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        """What was said while webhooks did not get through."""
        config = account.dressed(inbox)

        def cut(payload: Any, body: bytes) -> list[Split]:
            return self.split(payload, body, inbox)

        return poll(cursor, "instagram", lambda gap: history.entries(config, gap), cut)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        meta.check_outbound(outbound, self.capabilities, self.length)
        inbox = account.dressed(inbox)
        for file in outbound.attachments:
            if file.mime not in _TYPES.get(file.kind, {file.mime}):
                words = ", ".join(sorted(_TYPES[file.kind]))
                raise ChannelError(ErrorKind.INVALID, f"Of this kind of file, Instagram takes {words} only.")
        if outbound.mode == "private_reply":
            return sending.reply_privately(inbox, outbound, account.SENDER)
        if outbound.visibility == "private":
            return sending.send(inbox, outbound, account.SENDER)
        return self._comment(inbox, outbound)

    def _comment(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        """Answers a comment, or comments on the post when none is named; a mention elsewhere is answered by an edge of its own."""
        post = outbound.thread.partition("/")[0]
        content = {"message": outbound.text}
        if post.startswith(comments.MENTION):
            media = post.removeprefix(comments.MENTION)
            content["media_id"] = media
            if outbound.target not in ("", media):
                content["comment_id"] = outbound.target
            path = (account.ig_id(inbox), "mentions")
        elif outbound.target:
            path = (outbound.target, "replies")
        else:
            path = (post, "comments")
        told = graph.ask(inbox, "POST", *path, table=graph.COMMENTS, data=content)
        return Receipt(graph.id_of(told.answer, "id"), rest=told.rest)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        possible = self.capabilities.acts_private if visibility == "private" else self.capabilities.acts_public
        if act not in possible:
            raise ChannelError(ErrorKind.INVALID, f"Instagram cannot do '{act}' here.")
        inbox = account.dressed(inbox)
        if act in ("seen", "typing"):
            sending.signal(inbox, act, target, account.SENDER)
        elif act == "delete":
            graph.done(graph.call(inbox, "DELETE", target, table=graph.COMMENTS))
        else:
            hide = {"hide": "true" if act == "hide" else "false"}
            graph.done(graph.call(inbox, "POST", target, table=graph.COMMENTS, data=hide))

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        """Name, account name, picture, followers and verified mark; refused until the person has written in private."""
        if external_id.startswith((events.USER_REF, "unknown:")):
            return None
        fields = {"fields": "name,username,profile_pic,follower_count,is_verified_user"}
        told = graph.call(account.dressed(inbox), "GET", external_id, table=graph.COMMENTS, params=fields)
        username = told.get("username")
        handle = one_line(username, 80) if isinstance(username, str) else ""
        followers = told.get("follower_count")
        counted = isinstance(followers, int) and not isinstance(followers, bool) and followers >= 0
        name = meta.name(told.get("name")) or handle
        if not name:
            return None
        return Author(
            self.realm(inbox),
            external_id,
            name=name,
            handle=handle,
            avatar_url=meta.picture(told.get("profile_pic")),
            followers=followers if counted else None,
            verified=told.get("is_verified_user") is True,
        )

    def length(self, text: str, visibility: Visibility) -> int:
        """Private messages are counted in bytes of UTF-8, comments in characters."""
        return len(text.encode("utf-8", "surrogatepass")) if visibility == "private" else len(text)

    def check(self, inbox: InboxConfig) -> str:
        return account.check(inbox)


channel = Instagram()
