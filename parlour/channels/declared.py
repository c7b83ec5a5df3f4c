"""What a channel declares about itself, as data. Part of the contract of a channel (``contract``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


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
