"""The public side of a Facebook Page: comments answered in public, or once in private, hidden, deleted and liked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels import graph, meta
from parlour.channels.base import Base
from parlour.channels.contract import (
    Act,
    Answer,
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
    Receipt,
    Split,
    Visibility,
)
from parlour.channels.facebook import history, inbound
from parlour.channels.messenger import channel as messenger
from parlour.channels.messenger import sending
from parlour.channels.messenger.history import poll


class FacebookPage(Base):
    """Webhook fields ``feed`` and ``mention`` in, the Graph API out.

    A mention often comes without its words: its text is empty, then, and ``meta["fetch"]`` holds the id to look at.
    A private reply arrives in Messenger; its Receipt names the thread there.
    """

    name = "facebook"
    label = "Facebook Page"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("page_id",)
    settings = meta.SETTINGS
    capabilities = Capabilities(
        public=Limit(8000),
        private=Limit(2000),
        private_reply=True,
        private_reply_days=7,
        private_channel="messenger",
        acts_public=frozenset({"hide", "unhide", "delete", "like", "unlike"}),
        edits=True,
        poll_seconds=300,
        media_public={"image": 10 * 1024 * 1024},
        choices=Choices(13, 20),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return meta.realm(inbox)

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        meta.verify(request, inbox)

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        return meta.handshake(request, inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return meta.split(payload, body, inbound.named, meta.page_belongs(self.name, inbox))

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        return [inbound.read(piece, inbox, received_at) for piece in meta.read(body)]

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        """What was written while webhooks did not get through."""

        def cut(payload: Any, body: bytes) -> list[Split]:
            return self.split(payload, body, inbox)

        return poll(cursor, "page", lambda gap: history.entries(inbox, gap), cut)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        meta.check_outbound(outbound, self.capabilities, self.length)
        if outbound.mode == "private_reply":
            field = "post_id" if outbound.target == _post(outbound) else "comment_id"
            return sending.reply_privately(inbox, outbound, messenger.sender(inbox), field)
        if outbound.visibility != "public":
            raise ChannelError(ErrorKind.INVALID, "A Page's feed is public; private answers go through Messenger.")
        return self._comment(inbox, outbound)

    def _comment(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        """A comment may carry one photo, which is uploaded unpublished before."""
        content = {"message": outbound.text} if outbound.text.strip() else {}
        target = outbound.target or _post(outbound)
        if not target:
            raise ChannelError(ErrorKind.INVALID, "There is no message to answer or act on.")
        for file in outbound.attachments:
            content["attachment_id"] = graph.upload(
                inbox,
                meta.page_id(inbox),
                "photos",
                field="source",
                file=file,
                id_field="id",
                table=graph.COMMENTS,
                published="false",
            )
        told = graph.ask(inbox, "POST", target, "comments", table=graph.COMMENTS, data=content)
        return Receipt(graph.id_of(told.answer, "id"), rest=told.rest)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        if visibility != "public" or act not in self.capabilities.acts_public:
            raise ChannelError(ErrorKind.INVALID, f"A Facebook Page cannot do '{act}' here.")
        if act == "delete":
            answer = graph.call(inbox, "DELETE", target, table=graph.COMMENTS)
        elif act in ("like", "unlike"):
            answer = graph.call(inbox, "POST" if act == "like" else "DELETE", target, "likes", table=graph.COMMENTS)
        else:
            hidden = "true" if act == "hide" else "false"
            answer = graph.call(inbox, "POST", target, table=graph.COMMENTS, data={"is_hidden": hidden})
        graph.done(answer)

    def check(self, inbox: InboxConfig) -> str:
        return graph.account(inbox)


def _post(outbound: Outbound) -> str:
    """The post a thread hangs under."""
    return outbound.thread.partition("/")[0]


channel = FacebookPage()
