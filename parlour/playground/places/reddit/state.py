"""Posts, comments and modmail of the Reddit stand-in, and how the API shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from parlour.playground.web import Request


@dataclass(slots=True, eq=False)
class Thing:
    """A post (t3) or a comment (t1)."""

    name: str
    author: str
    text: str
    at: datetime
    subreddit: str
    title: str = ""
    parent: Thing | None = None
    edited: float = 0.0
    gone: bool = False
    removed: bool = False
    locked: bool = False
    pictures: list[str] = field(default_factory=list)
    """Their addresses."""
    odd: object = None
    """A body in place of ``text``."""

    @property
    def post(self) -> Thing:
        thing = self
        while thing.parent is not None:
            thing = thing.parent
        return thing

    def shown(self, kind: str = "") -> dict[str, Any]:
        """As a listing shows it; ``kind``: why it is in the inbox."""
        text = "[deleted]" if self.gone else "[removed]" if self.removed else self.text
        data: dict[str, Any] = {
            "name": self.name,
            "id": self.name[3:],
            "author": "[deleted]" if self.gone else self.author,
            "created_utc": self.at.timestamp(),
            "edited": self.edited or False,
            "subreddit": self.subreddit,
            "locked": self.locked,
        }
        if self.pictures and not (self.gone or self.removed):
            data["media_metadata"] = {
                f"{self.name[3:]}{number}": {"status": "valid", "e": "Image", "m": "image/jpg", "s": {"u": url}}
                for number, url in enumerate(self.pictures)
            }
        place = f"/r/{self.subreddit}/comments/{self.post.name[3:]}/words/"
        if self.parent is None:
            data |= {"title": self.title, "selftext": text, "is_self": True, "permalink": place}
            return {"kind": "t3", "data": data}
        data |= {"body": text if self.odd is None else self.odd, "parent_id": self.parent.name}
        if kind:
            data |= {"type": kind, "was_comment": True, "context": f"{place}{self.name[3:]}/?context=3", "new": True}
        else:
            data |= {"link_id": self.post.name, "permalink": f"{place}{self.name[3:]}/"}
        return {"kind": "t1", "data": data}


@dataclass(slots=True, eq=False)
class Mail:
    """A conversation in modmail."""

    id: str
    person: str
    subject: str
    messages: list[dict[str, Any]]


def page(request: Request, shown: list[dict[str, Any]]) -> dict[str, Any]:
    """A page of a listing, newest first, from what stands after ``after``."""
    shown, after = shown[::-1], request.query.get("after", "")
    start = next((place + 1 for place, one in enumerate(shown) if one["data"]["name"] == after), 0)
    chosen = shown[start : start + min(int(request.query.get("limit", "25")), 100)]
    more = start + len(chosen) < len(shown)
    return listing(chosen, chosen[-1]["data"]["name"] if more and chosen else "")


def listing(shown: list[dict[str, Any]], after: str) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": after or None, "dist": len(shown), "children": shown}}
