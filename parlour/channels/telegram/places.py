"""Ids of messages, threads and addresses of Telegram, as text, and who is who among bots.

A message is ``<chat>:<message>``, a pressed button ``<chat>:<message>:press:<id of the press>``. An address is ``<chat>`` or
``<chat>/<topic>``. What a business account's customers wrote, which is answered in its name, begins with ``biz:<connection>:``.
In groups each member has a thread of their own: ``<chat>/<topic or 0>/<member>``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig

REALM = "telegram"
BUSINESS = "biz:"
_CHAT = r"(?:biz:(?P<connection>[^:/\s]{1,80}):)?(?P<chat>-?\d{1,20})"
_MESSAGE = re.compile(_CHAT + r":(?P<message>\d{1,20})(?::press:(?P<press>[\w-]{1,64}))?", re.ASCII)
_ADDRESS = re.compile(_CHAT + r"(?:/(?P<topic>\d{1,20}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Spot:
    """A message of Telegram, or the press of a button under it."""

    chat: int
    message: int
    connection: str = ""
    press: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """Where something can be sent: a chat, perhaps one topic of it, perhaps in the name of a business account."""

    chat: int
    topic: int = 0
    connection: str = ""

    @property
    def address(self) -> str:
        begin = f"{BUSINESS}{self.connection}:" if self.connection else ""
        return f"{begin}{self.chat}" + (f"/{self.topic}" if self.topic else "")

    def message(self, message: int) -> str:
        begin = f"{BUSINESS}{self.connection}:" if self.connection else ""
        return f"{begin}{self.chat}:{message}"


def spot(external_id: str) -> Spot:
    """The message an id of ours names. Raises ChannelError."""
    found = _MESSAGE.fullmatch(external_id)
    if found is None:
        raise ChannelError(ErrorKind.INVALID, "There is no message of Telegram to answer or act on.")
    return Spot(int(found["chat"]), int(found["message"]), found["connection"] or "", found["press"] or "")


def room(address: str) -> Room:
    """The room an address of ours names. Raises ChannelError."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ChannelError(ErrorKind.INVALID, "There is no chat of Telegram to write to.")
    return Room(int(found["chat"]), int(found["topic"] or 0), found["connection"] or "")


def token(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("bot_token") or "")


def bot_id(inbox: InboxConfig) -> str:
    """The bot's own id, which its token begins with."""
    return token(inbox).partition(":")[0]


def username(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("username") or "").removeprefix("@")


def polled(inbox: InboxConfig) -> bool:
    return inbox.settings.get("mode") == "poll"
