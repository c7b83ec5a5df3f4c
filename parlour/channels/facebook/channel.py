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
from parlour.channels.facebook import inbound


class FacebookPage(Base):
    """Webhook fields ``feed`` and ``mention`` in, the Graph API out.

    A mention often comes without its words: its text is empty, then, and ``meta["fetch"]`` holds the id to look at.
    A private reply arrives in Messenger; its Receipt names the thread there.
    """

    name = "facebook"
    label = "Facebook Page"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    settings = meta.SETTINGS
    capabilities = Capabilities(
        public=Limit(8000),
        private=Limit(2000),
        private_reply=True,
        private_reply_days=7,
        private_channel="messenger",
        acts_public=frozenset({"hide", "unhide", "delete", "like"}),
        edits=True,
    )

    def realm(self, inbox: InboxConfig) -> str:
        return meta.realm(inbox)

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        meta.verify(request, inbox)

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        return meta.handshake(request, inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        return meta.split(payload, body, self.name, inbox, inbound.named)

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        return [inbound.read(piece, inbox, received_at) for piece in meta.read(body)]

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        meta.check_text(outbound, self.capabilities)
        if outbound.mode == "private_reply":
            return self._private_reply(inbox, outbound)
        if outbound.visibility != "public":
            raise ChannelError(ErrorKind.INVALID, "A Page's feed is public; private answers go through Messenger.")
        target = outbound.target or _post(outbound)
        answer = graph.call(inbox, "POST", target, "comments", table=graph.COMMENTS, data={"message": outbound.text})
        return Receipt(graph.id_of(answer, "id"))

    def _private_reply(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        if not outbound.target:
            raise ChannelError(ErrorKind.INVALID, "A private reply answers one comment or post; none is named.")
        recipient = "post_id" if outbound.target == _post(outbound) else "comment_id"
        content = {
            "recipient": {recipient: outbound.target},
            "message": {"text": outbound.text, "metadata": outbound.reference},
        }
        answer = graph.call(inbox, "POST", meta.page_id(inbox), "messages", table=graph.MESSAGES, json=content)
        person = graph.id_of(answer, "recipient_id")
        return Receipt(graph.id_of(answer, "message_id"), ThreadKey(person, "private", address=person))

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        if visibility != "public" or act not in self.capabilities.acts_public:
            raise ChannelError(ErrorKind.INVALID, f"A Facebook Page cannot do '{act}' here.")
        if act == "delete":
            answer = graph.call(inbox, "DELETE", target, table=graph.COMMENTS)
        elif act == "like":
            answer = graph.call(inbox, "POST", target, "likes", table=graph.COMMENTS)
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
