"""What most channels leave as it is. A channel overrides what its platform has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parlour.channels.contract import (
    Act,
    Answer,
    Attachment,
    Author,
    Capabilities,
    ChannelError,
    DoorRequest,
    ErrorKind,
    InboxConfig,
    Limit,
    OAuth,
    Outbound,
    Poll,
    Receipt,
    Refused,
    Source,
    Split,
    Template,
    Visibility,
)


class Base:
    """No webhook, no poll, no acts, nobody to ask about; text is counted in characters."""

    name = ""
    label = ""
    oauth: OAuth | None = None
    account_by: tuple[str, ...] = ()
    capabilities = Capabilities()

    def to_copy(self, inbox: InboxConfig, desk: str) -> tuple[tuple[str, str], ...]:
        return (("Webhook address", f"{desk}/in/{inbox.channel}/{inbox.key}"),) if self.capabilities.webhook else ()

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        raise Refused(403, f"{self.label} is asked for what is new; nothing is posted here.")

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        raise Refused(403, f"{self.label} asks no questions here.")

    def decode(self, request: DoorRequest) -> bytes:
        return request.body

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        raise Refused(400, f"{self.label} is asked for what is new; nothing is posted here.")

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return Poll((), cursor)

    def wait(self, inbox: InboxConfig, seconds: float) -> bool:
        return False

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        raise ChannelError(ErrorKind.INVALID, f"{self.label} takes no answers.")

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        raise ChannelError(ErrorKind.INVALID, f"{self.label} cannot do '{act}'.")

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        return None

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        return Source(url=attachment.url, mime=attachment.mime, name=attachment.name)

    def templates(self, inbox: InboxConfig) -> Sequence[Template]:
        return ()

    def renew(self, inbox: InboxConfig) -> Mapping[str, str]:
        return {}

    def length(self, text: str, visibility: Visibility) -> int:
        return len(text)

    def limit(self, inbox: InboxConfig, visibility: Visibility) -> Limit | None:
        return self.capabilities.public if visibility == "public" else self.capabilities.private

    def measure(self, inbox: InboxConfig, text: str, visibility: Visibility) -> int:
        return self.length(text, visibility)
