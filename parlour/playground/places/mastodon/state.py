"""Accounts and statuses of the Mastodon stand-in, and how the API shows them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from parlour.playground.web import Request

HOST = "social.luma.example"
MENTION = re.compile(r"(?<![\w/])@([A-Za-z0-9_]+(?:@[\w.-]+\w)?)")
TAG = re.compile(r"(?<!\w)#(\w+)")
URL = re.compile(r"https?://\S+")


@dataclass(slots=True, eq=False)
class Account:
    """A person, as the brand's server knows them."""

    id: str
    acct: str
    name: str
    followers: int = 12

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "username": self.acct.partition("@")[0],
            "acct": self.acct,
            "display_name": self.name,
            "avatar": f"https://files.luma.example/{self.id}.png",
            "avatar_static": f"https://files.luma.example/{self.id}.png",
            "followers_count": self.followers,
            "fields": [],
            "emojis": [],
        }


@dataclass(slots=True, eq=False)
class Status:
    """One post."""

    id: str
    author: Account
    text: str
    at: datetime
    visibility: str
    reply_to: Status | None = None
    warning: str = ""
    edited: datetime | None = None
    removed: bool = False
    media: list[dict[str, Any]] = field(default_factory=list)
    favourited: bool = False
    content: str = ""
    """HTML in place of what ``text`` would become: other servers send what they like."""


def status_json(status: Status, accounts: Iterable[Account]) -> dict[str, Any]:
    """A status as the API shows it."""
    named = [one for one in accounts if one.acct in MENTION.findall(status.text)]
    named.sort(key=lambda one: status.text.find("@" + one.acct))
    return {
        "id": status.id,
        "created_at": iso(status.at),
        "in_reply_to_id": status.reply_to.id if status.reply_to else None,
        "in_reply_to_account_id": status.reply_to.author.id if status.reply_to else None,
        "sensitive": bool(status.warning),
        "spoiler_text": status.warning,
        "visibility": status.visibility,
        "language": "en",
        "url": f"https://{HOST}/@{status.author.acct}/{status.id}",
        "edited_at": iso(status.edited) if status.edited else None,
        "content": status.content or _html(status.text),
        "reblog": None,
        "account": status.author.shown(),
        "media_attachments": status.media,
        "mentions": [{"id": one.id, "username": one.acct.partition("@")[0], "acct": one.acct} for one in named],
        "tags": [{"name": tag} for tag in TAG.findall(status.text)],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def _html(text: str) -> str:
    text = escape(text, quote=False)
    text = MENTION.sub(
        lambda found: (
            f'<span class="h-card"><a href="https://{HOST}/@{found[1]}" class="u-url mention">'
            f"@<span>{found[1].partition('@')[0]}</span></a></span>"
        ),
        text,
    )
    return "".join(f"<p>{part}</p>" for part in text.replace("\n\n", "\x00").replace("\n", "<br>").split("\x00"))


def cut(request: Request, items: list[Any], key: Any) -> list[Any]:
    """A page, newest first: with ``min_id`` what follows it at once, else the newest."""
    limit = min(int(request.query.get("limit", "20")), 80)
    lowest = int(request.query.get("min_id", "0"))
    found = sorted((one for one in items if key(one) > lowest), key=key)
    found = found[:limit] if "min_id" in request.query else found[-limit:]
    return found[::-1]


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def handle_of(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or f"u{zlib.crc32(name.encode()) % 10_000}"
