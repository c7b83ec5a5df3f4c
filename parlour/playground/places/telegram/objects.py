"""What the Bot API's stand-in holds, and the objects it writes: users, chats, messages, files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

BOT = {
    "id": 700700700,
    "is_bot": True,
    "first_name": "Luma Help",
    "username": "LumaHelpBot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
GROUP_TITLE = "Luma users"
TEXT, CAPTION = 4096, 1024
MEGABYTE = 1024 * 1024


class BotError(Exception):
    """A refusal in the Bot API's words."""

    def __init__(self, code: int, words: str, **parameters: int) -> None:
        super().__init__(words)
        self.code, self.words, self.parameters = code, words, parameters

    @property
    def answer(self) -> dict[str, Any]:
        told: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.words}
        return {**told, "parameters": self.parameters} if self.parameters else told


@dataclass(slots=True)
class Letter:
    """One message of a chat."""

    chat: int
    number: int
    person: str
    """Whoever wrote it, or the customer it was written to."""
    by_bot: bool
    text: str
    at: datetime
    answers: int = 0
    edited: datetime | None = None
    removed: bool = False
    content: dict[str, Any] = field(default_factory=dict)
    """Media and keyboards, as the Bot API shows them."""
    reactions: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.chat}:{self.number}"


@dataclass(slots=True)
class Stored:
    """A file on Telegram's servers."""

    id: str
    name: str
    mime: str
    content: bytes
    size: int

    @property
    def path(self) -> str:
        return f"documents/{self.id}/{self.name or 'file'}"


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def media(kind: str, file: Stored) -> dict[str, Any]:
    """The member of a message that shows a file of that kind."""
    about: dict[str, Any] = {"file_id": file.id, "file_unique_id": f"u{file.id}", "file_size": file.size}
    match kind:
        case "photo":
            small = {**about, "file_id": f"{file.id}-small", "file_size": max(1, file.size // 10)}
            return {"photo": [{**small, "width": 90, "height": 60}, {**about, "width": 1280, "height": 853}]}
        case "video" | "audio" | "voice" | "video_note":
            told = {**about, "duration": 4, "mime_type": file.mime}
            return {kind: {**told, "width": 640, "height": 360} if kind == "video" else told}
        case "sticker":
            shape = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
            return {"sticker": {**about, **shape, "emoji": "👍"}}
    return {"document": {**about, "file_name": file.name, "mime_type": file.mime}}
