"""What goes out to a platform. Part of the contract of a channel (``contract``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from parlour.channels.inbound import ThreadKey, Visibility


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
