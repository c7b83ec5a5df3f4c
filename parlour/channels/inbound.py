"""What comes in from a platform, in our words. Part of the contract of a channel (``contract``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

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
