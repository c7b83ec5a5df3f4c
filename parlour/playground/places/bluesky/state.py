"""People, posts and chats of the Bluesky stand-in, and how the API shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SIGNS = "234567abcdefghijklmnopqrstuvwxyz"
POST = "app.bsky.feed.post"


def tid(number: int) -> str:
    """A record key: 13 signs, later ones are larger."""
    return "".join(SIGNS[(number >> 5 * place) & 31] for place in range(12, -1, -1))


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, eq=False)
class Person:
    """Somebody with an account."""

    did: str
    handle: str
    name: str
    followers: int = 30
    incoming: str = "all"
    """Who may write to them: ``all``, ``none``."""

    def shown(self) -> dict[str, Any]:
        return {"did": self.did, "handle": self.handle, "displayName": self.name, "labels": []}


@dataclass(slots=True, eq=False)
class Post:
    """One post. ``record`` is what its author's program wrote."""

    uri: str
    cid: str
    author: Person
    record: dict[str, Any]
    at: datetime
    parent: Post | None = None
    removed: bool = False
    likes: set[str] = field(default_factory=set)

    @property
    def root(self) -> Post:
        post = self
        while post.parent is not None:
            post = post.parent
        return post

    @property
    def strong(self) -> dict[str, str]:
        return {"uri": self.uri, "cid": self.cid}

    def shown(self, liked: str = "") -> dict[str, Any]:
        return {
            **self.strong,
            "author": self.author.shown(),
            "record": self.record,
            "indexedAt": iso(self.at),
            "viewer": {"like": liked} if liked else {},
            "labels": [],
        }


@dataclass(slots=True, eq=False)
class Chat:
    """What the brand and one person say in private."""

    id: str
    person: Person
    brand: Person
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    rev: str = ""
    unread: int = 0

    def shown(self) -> dict[str, Any]:
        last = next(reversed(self.messages.values()), None)
        return {
            "id": self.id,
            "rev": self.rev,
            "members": [self.brand.shown(), self.person.shown()],
            "muted": False,
            "status": "accepted",
            "unreadCount": self.unread,
            **({"lastMessage": last} if last else {}),
        }
