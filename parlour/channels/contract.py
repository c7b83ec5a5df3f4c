"""What a channel is: a translator between a platform's words and ours. It knows no customer, no case and no table.

Bytes in become ``Inbound`` values; an ``Outbound`` value becomes a request to the platform. Everything the core needs to know about a
platform is data here (``Capabilities``, ``Setting``), so that nothing outside a channel's folder asks which channel it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from parlour.channels.declared import SIGNALS, Capabilities, Choices, Limit, OAuth, Rate, Setting
from parlour.channels.failing import PERMANENT, ChannelError, ErrorKind, Refused
from parlour.channels.inbound import Attachment, Author, Inbound, Kind, Source, Split, ThreadKey, Visibility
from parlour.channels.outbound import Act, File, Outbound, Receipt, Template

__all__ = [
    "PERMANENT",
    "SIGNALS",
    "Act",
    "Answer",
    "Attachment",
    "Author",
    "Capabilities",
    "Channel",
    "ChannelError",
    "Choices",
    "DoorRequest",
    "ErrorKind",
    "File",
    "Inbound",
    "InboxConfig",
    "Kind",
    "Limit",
    "OAuth",
    "Outbound",
    "Poll",
    "Rate",
    "Receipt",
    "Refused",
    "Setting",
    "Source",
    "Split",
    "Template",
    "ThreadKey",
    "Visibility",
]


@dataclass(frozen=True, slots=True)
class DoorRequest:
    """A request at the door. Header names are lower case; ``query`` holds the first value of each parameter."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    url: str = ""
    """The whole address that was asked, as the platform wrote it (``PARLOUR_URL`` where a proxy stands in front)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handshake answers."""

    status: int
    body: bytes
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class InboxConfig:
    """An inbox as a channel sees it: no table, just values."""

    id: int
    key: str
    channel: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll brought: raw events in order, and the cursor to go on from."""

    events: Sequence[Split]
    cursor: dict[str, Any]
    more: bool = False


class Channel(Protocol):
    """The contract. One module-level object per channel folder, named ``channel``; ``base.Base`` has what many leave as it is."""

    @property
    def name(self) -> str:
        """As in webhook addresses: ``facebook``."""

    @property
    def label(self) -> str:
        """As people call it."""

    @property
    def icon(self) -> str:
        """Text of a small inline SVG (24 by 24, currentColor), read from the channel's folder."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What an inbox of it needs to be told."""

    @property
    def account_by(self) -> tuple[str, ...]:
        """Names of the settings that together say which account an inbox is of: a second inbox of it would bring in everything twice.
        Where the first of them is empty nothing is known yet. Without names a second inbox does no harm."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def to_copy(self, inbox: InboxConfig, desk: str) -> tuple[tuple[str, str], ...]:
        """What people carry from the inbox's page to where it belongs, each with its label. ``desk`` is this desk's address."""

    def realm(self, inbox: InboxConfig) -> str:
        """The name space of its authors' ids; inboxes of one realm know the same people by the same ids."""

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        """Return when the request is authentic, else raise Refused(403). Reads raw bytes only."""

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        """Answer a platform's GET challenge, or raise Refused."""

    def decode(self, request: DoorRequest) -> bytes:
        """The body as JSON: what is sent as a form becomes an object. Called after ``verify``. May raise Refused(400)."""

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        """The events of one decoded body. Raises Refused(400) when it is not this platform's envelope at all; an envelope with
        strange events inside gives one Split per event it can cut out. Must be fast: it runs at the door."""

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        """Pure. What it does not know becomes Kind.IGNORED with a reason; what is malformed raises ValueError (the arrival is parked)."""

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        """Fetch what is new since ``cursor``. Raises ChannelError. Only called when ``capabilities.poll_seconds`` is set."""

    def wait(self, inbox: InboxConfig, seconds: float) -> bool:
        """Wait until the platform says that something is new, at most ``seconds``; whether it did. Raises ChannelError. Called in a
        thread of its own, and only with ``capabilities.waits``."""

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        """Send, or raise ChannelError."""

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        """Hide, unhide, delete, like, mark seen, show that an answer is being written. Raises ChannelError."""

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        """Who an author is, None when the platform does not tell. Raises ChannelError. Only called with ``capabilities.profiles``."""

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        """Where a customer's file can be had. Raises ChannelError (permanent when it is gone)."""

    def templates(self, inbox: InboxConfig) -> Sequence[Template]:
        """The approved templates. Raises ChannelError. Only called with ``capabilities.templates``."""

    def renew(self, inbox: InboxConfig) -> Mapping[str, str]:
        """New values of settings when the credentials have expired and can be renewed without a person; empty when they cannot.
        Raises ChannelError."""

    @property
    def oauth(self) -> OAuth | None:
        """How an account is connected by signing in at the platform, None where that is not the way."""

    def length(self, text: str, visibility: Visibility) -> int:
        """Length of ``text`` in the unit of the limit of that visibility."""

    def limit(self, inbox: InboxConfig, visibility: Visibility) -> Limit | None:
        """How long an answer from this very inbox may be, where that differs between accounts (long posts, another store, a server's
        own rule); None when it cannot answer there."""

    def measure(self, inbox: InboxConfig, text: str, visibility: Visibility) -> int:
        """Length of ``text`` in the unit of ``limit``."""

    def check(self, inbox: InboxConfig) -> str:
        """Ask the platform whether the credentials work; returns words about the account. Raises ChannelError."""
