"""What a channel is: a translator between a platform's words and ours. It knows no customer, no case and no table.

Bytes in become ``Inbound`` values; an ``Outbound`` value becomes a request to the platform. Everything the core needs to know about a
platform is data here (``Capabilities``, ``Setting``), so that nothing outside a channel's folder asks which channel it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

Visibility = Literal["public", "private"]


class Kind(StrEnum):
    """What an inbound event is."""

    MESSAGE = "message"  # somebody said something: private message, comment, post, review
    ECHO = "echo"  # the brand's own words seen on the platform: ours confirmed, or written elsewhere
    EDIT = "edit"
    DELETE = "delete"
    HIDE = "hide"
    UNHIDE = "unhide"
    REACTION = "reaction"
    DELIVERED = "delivered"  # receipt for our message(s)
    READ = "read"
    FAILED = "failed"  # the platform gave up on our message
    REVOKED = "revoked"  # our access was withdrawn
    IGNORED = "ignored"  # known and knowingly not kept; ``reason`` says why


@dataclass(frozen=True, slots=True)
class Author:
    """Who spoke, as the platform names them. ``realm`` is the name space of ``external_id``: ids are unique within one realm,
    and the public and private ids of one person on one platform share it (``meta:<page id>``, ``x``)."""

    realm: str
    external_id: str
    name: str = ""
    handle: str = ""
    avatar_url: str = ""
    followers: int | None = None
    verified: bool = False
    email: str = ""
    language: str = ""
    """The language they have set on the platform, ISO 639-1."""
    also: tuple[str, ...] = ()
    """Other ids of the same person in the same realm (a phone number beside a user id). Also read from an IGNORED event that says
    that ids have changed."""
    proof: str = ""
    """The brand's own id of them, proven (single sign-on, a token that the brand's site has signed): whoever has one such id with one
    brand is one customer. Also read from an IGNORED event."""
    facts: Mapping[str, str] | None = None
    """What their account notes about them besides (a forum's user fields), name -> value; None where nothing is said of that."""


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """One conversation as the platform sees it with one customer. ``external_id`` is unique within the inbox."""

    external_id: str
    visibility: Visibility
    address: str = ""
    """What an answer is sent to when it answers the thread as a whole (PSID, DM participant id)."""
    subject: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; fetched later, if at all. ``kind``: image, video, audio, file, sticker, link, location, post, other."""

    kind: str
    url: str = ""
    name: str = ""
    mime: str = ""
    size: int | None = None
    reference: str = ""
    """What ``Channel.source`` needs to find it, where a plain address does not do (the platform's media id)."""
    content: bytes = b""
    """The file itself, where it came with the event (mail)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file can be had now: an address with the headers it needs, or the file itself. Never stored, never logged."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    mime: str = ""
    name: str = ""
    own: bool = False
    """The address is the platform's own, as its inbox's settings name it: a stand-in on this machine is allowed, then."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event of a platform, normalised.

    ``key`` is the event's dedup key, stable over redelivery, reordering and polling, unique within the inbox, at most 200 characters.
    ``external_id`` is the id of the message it is about (for DELIVERED/READ by watermark it may be empty).
    ``thread`` may be None when the platform does not say which customer's thread it is (a page's own reply): the thread of
    ``reply_to`` is used, then.
    """

    kind: Kind
    key: str
    at: datetime
    external_id: str = ""
    author: Author | None = None
    thread: ThreadKey | None = None
    text: str = ""
    reply_to: str = ""
    """External id of the message this one answers, empty for none."""
    follows: tuple[str, ...] = ()
    """External ids of earlier messages it may continue, nearest first (mail's References): the thread of the first one that is
    known is used in place of ``thread``."""
    same: tuple[str, ...] = ()
    """Other ids the platform knows this message by (the versions of an edited post): a deletion may name any of them."""
    attachments: tuple[Attachment, ...] = ()
    counterpart: Author | None = None
    """For an ECHO: the customer it was said to, when the platform tells."""
    our_reference: str = ""
    """For an ECHO or receipt: the reference we gave when sending (``Outbound.reference``), when the platform returns it."""
    watermark: datetime | None = None
    """For DELIVERED/READ: all our messages in the thread up to this time."""
    reason: str = ""
    """For IGNORED, FAILED and REVOKED: why, in words."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Small facts worth showing (reaction emoji, postback payload, referral), JSON-ready."""


@dataclass(frozen=True, slots=True)
class Split:
    """One event cut out of a webhook body at the door.

    ``key``: the dedup key of the raw event (equal to the ``Inbound.key`` where one raw event gives one Inbound), at most 200 characters.
    ``lane``: events with the same lane are handled in the order of their arrival (a thread belongs to one lane).
    ``body``: JSON bytes that ``parse`` understands: an envelope of the platform's own shape holding just this event.
    """

    key: str
    lane: str
    body: bytes
    belongs: tuple[str, str] | None = None
    """Channel and realm of the inbox it belongs to when that is another one: a platform may send all it has to one address."""


class ErrorKind(StrEnum):
    """Why a platform refused, as far as the core needs to know."""

    WINDOW_CLOSED = "window_closed"
    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    TARGET_DELETED = "target_deleted"
    ALREADY_REPLIED = "already_replied"
    AUTH_EXPIRED = "auth_expired"
    PERMISSION = "permission"
    RATE_LIMITED = "rate_limited"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    POLICY_BLOCK = "policy_block"
    TRANSIENT = "transient"
    UNKNOWN_OUTCOME = "unknown_outcome"  # the request went out and no answer came: it may have been done


PERMANENT = frozenset(
    {
        ErrorKind.WINDOW_CLOSED,
        ErrorKind.RECIPIENT_UNAVAILABLE,
        ErrorKind.TARGET_DELETED,
        ErrorKind.ALREADY_REPLIED,
        ErrorKind.AUTH_EXPIRED,
        ErrorKind.PERMISSION,
        ErrorKind.INVALID,
        ErrorKind.TOO_LONG,
        ErrorKind.POLICY_BLOCK,
    }
)


class ChannelError(Exception):
    """A platform refused, or could not be reached. ``str(error)`` holds the platform's own words; ``retry_after`` is in seconds."""

    def __init__(self, kind: ErrorKind, words: str, *, retry_after: float | None = None, code: str = "") -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.retry_after = retry_after
        self.code = code

    @property
    def permanent(self) -> bool:
        return self.kind in PERMANENT


class Refused(Exception):
    """The door refuses a request: its ``status`` (400 or 403) and the reason, which is sent back."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


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
class File:
    """A file to send with an answer. ``kind``: image, video, audio, file."""

    name: str
    mime: str
    size: int
    read: Callable[[], bytes]

    @property
    def kind(self) -> str:
        begin = self.mime.partition("/")[0]
        return begin if begin in {"image", "video", "audio"} else "file"


@dataclass(frozen=True, slots=True)
class Template:
    """A message the platform has approved beforehand. ``body`` holds ``{{1}}``, ``{{2}}`` ... where ``values`` go."""

    name: str
    language: str
    body: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbound:
    """An answer to send. ``mode``: ``reply`` answers in the thread it belongs to; ``private_reply`` answers a public message in private."""

    text: str
    visibility: Visibility
    mode: Literal["reply", "private_reply"]
    thread: str
    """External id of the thread it belongs to."""
    address: str
    """``ThreadKey.address`` of that thread."""
    target: str
    """External id of the message it answers ('' when none)."""
    author: str
    """External id of the customer it is for."""
    reference: str
    """Our own reference, unique per message, to be carried to the platform where it takes one."""
    last_inbound_at: datetime | None = None
    """When the customer last wrote in this thread: decides reply windows."""
    human: bool = True
    subject: str = ""
    """Of the thread, where it has one."""
    references: tuple[str, ...] = ()
    """External ids of the thread's latest messages, oldest first, at most 20 (mail's References)."""
    attachments: tuple[File, ...] = ()
    choices: tuple[str, ...] = ()
    """Answers to choose from, as quick replies or buttons; only given to channels that declare ``Capabilities.choices``."""
    template: Template | None = None
    """Sent in place of ``text``; only given to channels that declare ``Capabilities.templates``."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform answered: the id of the new message and, when it opened or named another thread, that thread's key."""

    external_id: str
    thread: ThreadKey | None = None
    rest: float | None = None
    """Seconds the inbox should send nothing more, by what the platform says of its limits."""
    more: tuple[str, ...] = ()
    """Ids of further messages the answer became (a file each, where a message holds one thing): their echoes are ours, too."""


Act = Literal["hide", "unhide", "delete", "like", "unlike", "seen", "typing"]
"""``seen``: the customer is shown that this message of theirs was read. ``typing``: that an answer to it is being written; it ends by
itself after some seconds, or with the answer."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an inbox, for its form, its check and the command line."""

    name: str
    label: str
    help: str = ""
    required: bool = True
    secret: bool = False
    default: str = ""
    advanced: bool = False
    """Shown folded away in the form: the default does for nearly everybody."""
    options: tuple[tuple[str, str], ...] = ()
    """Values to choose from, each with what people call it."""
    long: bool = False
    """Many lines (a key file)."""
    when: tuple[str, ...] = ()
    """The name of an earlier setting and those of its values with which this one is asked for. With others it is neither needed nor
    kept."""
    fill: Literal["", "desk", "webhook"] = ""
    """What the desk fills in where it is left empty, when it has a public https address: that address, or with ``webhook`` the inbox's
    webhook address."""
    make: Callable[[], str] | None = None
    """Makes one up when the desk's form is left empty: a secret of ours that is to be copied to the platform. Shown with the inbox
    unless ``secret``, then only once."""
    check: Callable[[str], str | None] = field(default=lambda _: None)
    """Returns a sentence when the value is wrong."""

    def asked(self, values: Mapping[str, Any]) -> bool:
        """Whether it is asked for, by the ``values`` of the others."""
        return not self.when or values.get(self.when[0]) in self.when[1:]

    def told(self, value: str) -> str:
        """``value`` as people call it."""
        return dict(self.options).get(value, value)


SIGNALS = Setting(
    "signals",
    "What customers see of our work",
    "Whether they are shown that an agent has read their words, and is writing an answer.",
    required=False,
    default="yes",
    advanced=True,
    options=(("yes", "That their words were read and an answer is being written"), ("no", "Nothing")),
)
"""For channels with the acts ``seen`` or ``typing``: the core asks it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a text may be, in the platform's own ``unit`` (``characters``, ``weighted``, ``bytes``,
    ``graphemes``, ``utf16``: UTF-16 code units)."""

    length: int
    unit: Literal["characters", "weighted", "bytes", "graphemes", "utf16"] = "characters"


@dataclass(frozen=True, slots=True)
class Choices:
    """How many answers to choose from a message may offer, and how long each may be, in characters."""

    count: int
    length: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How much may be sent from one inbox: ``count`` messages in ``seconds``, filled again steadily."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OAuth:
    """How an administrator connects an account by signing in at the platform (authorization code with PKCE, RFC 6749 and 7636).

    ``settings`` of the answer: name of the setting -> field of the token answer. The client's id and secret are settings named
    ``client_id`` and ``client_secret``.
    """

    authorize: str
    token: str
    scopes: tuple[str, ...]
    settings: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    """More parameters of the authorization request."""
    basic: bool = False
    """The client's id and secret go to the token endpoint as HTTP basic authentication."""
    at: str = ""
    """Whose sign-in it is, when that is not the channel's label."""
    register: str = ""
    """Where this desk makes itself known as a client of the platform (any server of many has its own), with name, address to come back to
    and scopes; the answer's ``client_id`` and ``client_secret`` become settings. Empty: an administrator does that by hand."""
    by: str = ""
    """The setting whose value chooses another way out of ``others``."""
    others: Mapping[str, OAuth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do, as data. Composer, validation, settings pages and docs derive from it."""

    public: Limit | None = None
    private: Limit | None = None
    private_reply: bool = False
    """A public message can be answered in private by the brand."""
    private_channel: str = ""
    """Name of the sibling channel whose inbox (same brand, same realm) holds the private threads, when it is not this one."""
    private_reply_days: int | None = None
    window_hours: int | None = None
    """A private answer is free for this long after the customer's last message."""
    human_agent_hours: int | None = None
    """... and for this long when a person writes it."""
    acts_public: frozenset[str] = frozenset()
    acts_private: frozenset[str] = frozenset()
    edits: bool = False
    receipts: bool = False
    webhook: bool = True
    poll_seconds: int | None = None
    """How often to poll, None for never."""
    profiles: bool = False
    """Names are not in the events and must be asked for, with ``Channel.profile``."""
    profile_days: int | None = None
    """Profiles are asked for again after this many days, when the person writes again. None: never."""
    media_public: Mapping[str, int] = field(default_factory=dict)
    """Kinds of files (image, video, audio, file) that can be sent in public, and how many bytes one may have."""
    media_private: Mapping[str, int] = field(default_factory=dict)
    media_count: int = 1
    """Files one message may carry."""
    parts: int = 1
    """As many messages in a row as a private answer may become that is too long for one; 1: it is refused, with its length."""
    beside: int | None = None
    """How long a private answer's words beside a file may be, in the unit of ``private``; None: as long as without one."""
    choices: Choices | None = None
    """Answers to choose from in private messages; other channels get them as numbered lines of text."""
    templates: bool = False
    """Approved templates can be sent when the window is closed (``Channel.templates``)."""
    one_answer: bool = False
    """A message has one public answer; another one replaces it (reviews)."""
    rate: Rate | None = None
    waits: bool = False
    """``Channel.wait`` tells when there is something to poll."""


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
    def capabilities(self) -> Capabilities:
        """What it can do."""

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
