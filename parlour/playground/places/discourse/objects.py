"""What the forum holds, and the objects it writes: users, topics, posts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

BRAND_USER = "luma_help"
BRAND_ID = 3
USER_FIELDS = {"1": "Plan", "2": "Telephone", "3": "Wants our newsletter"}
SHORTEST, SHORTEST_PRIVATE, LONGEST = 20, 10, 32_000
CATEGORY = 4
_UPLOAD = re.compile(r"!\[([^\]|]*)[^\]]*\]\(upload://([\w.-]+)\)")
_ATTACHED = re.compile(r"(?<!!)\[([^\]|]*)\|attachment\]\(upload://([\w.-]+)\)")


class ForumError(Exception):
    """A refusal in the forum's words."""

    def __init__(self, status: int, words: str, kind: str = "", wait: int = 0) -> None:
        super().__init__(words)
        self.status, self.words, self.kind, self.wait = status, words, kind, wait

    @property
    def answer(self) -> dict[str, Any]:
        told: dict[str, Any] = {"errors": [self.words]}
        told |= {"error_type": self.kind} if self.kind else {"action": "create_post"}
        return {**told, "extras": {"wait_seconds": self.wait}} if self.wait else told


def not_found() -> ForumError:
    return ForumError(404, "The requested URL or resource could not be found.", "not_found")


@dataclass(slots=True)
class User:
    id: str
    username: str
    name: str
    staff: bool = False
    external_id: str = ""
    """Who they are for the brand, by single sign-on."""
    accepts: bool = True
    """Whether they take private messages."""
    fields: dict[str, str] = field(default_factory=dict)
    """What they have noted about themselves: number of a user field -> words."""


@dataclass(slots=True)
class Topic:
    id: int
    title: str
    private: bool
    category: int | None
    closed: bool = False
    base: str = ""
    """Address of the forum, for what its posts show."""
    first: int = 1
    """Number of its first post here: topics of an earlier run go on far above what they had."""
    people: set[str] = field(default_factory=set)
    """Ids of who may read a topic of private messages."""


@dataclass(slots=True)
class Post:
    id: int
    topic: Topic
    number: int
    user: User
    raw: str
    at: datetime
    answers: int | None = None
    updated: datetime | None = None
    version: int = 1
    deleted: datetime | None = None
    hidden: bool = False
    likes: set[str] = field(default_factory=set)
    kind: int = 1

    @property
    def key(self) -> str:
        return f"{self.topic.id}:{self.number}"


def stamp(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "topic"


def cooked(raw: str, base: str) -> str:
    """Markdown as HTML, as far as this forum cooks: paragraphs and uploads."""
    parts = [escape(part, quote=False).replace("\n", "<br>\n") for part in raw.split("\n\n") if part.strip()]
    picture = rf'<img src="{base}/uploads/short-url/\2" alt="\1">'
    link = rf'<a class="attachment" href="{base}/uploads/short-url/\2">\1</a>'
    return "\n".join(f"<p>{_ATTACHED.sub(link, _UPLOAD.sub(picture, part))}</p>" for part in parts)


def uploads(raw: str) -> list[str]:
    """Names of the uploads a post shows, in order."""
    found = sorted([*_UPLOAD.finditer(raw), *_ATTACHED.finditer(raw)], key=lambda one: one.start())
    return [one[2] for one in found]


def written(raw: str) -> str:
    """Markdown without its uploads."""
    return _ATTACHED.sub("", _UPLOAD.sub("", raw)).strip()


def shown(post: Post) -> dict[str, Any]:
    """A post as webhooks and answers show it."""
    user = post.user
    return {
        "id": post.id,
        "name": user.name,
        "username": user.username,
        "avatar_template": f"/letter_avatar_proxy/v4/letter/{user.username[:1]}/90ced4/{{size}}.png",
        "created_at": stamp(post.at),
        "updated_at": stamp(post.updated or post.at),
        "raw": post.raw,
        "cooked": cooked(post.raw, post.topic.base),
        "post_number": post.number,
        "post_type": post.kind,
        "reply_to_post_number": post.answers,
        "topic_id": post.topic.id,
        "topic_slug": slug(post.topic.title),
        "topic_title": post.topic.title,
        "topic_archetype": "private_message" if post.topic.private else "regular",
        "category_id": post.topic.category,
        "version": post.version,
        "user_id": int(user.id),
        "admin": user.staff,
        "moderator": user.staff,
        "staff": user.staff,
        "trust_level": 1,
        "hidden": post.hidden,
        "deleted_at": stamp(post.deleted),
    }


def about_user(user: User) -> dict[str, Any]:
    return {
        "id": int(user.id),
        "username": user.username,
        "name": user.name,
        "avatar_template": f"/letter_avatar_proxy/v4/letter/{user.username[:1]}/90ced4/{{size}}.png",
        "admin": user.staff,
        "moderator": user.staff,
        "trust_level": 1,
    }


def about_topic(topic: Topic, posts: list[Post]) -> dict[str, Any]:
    latest = posts[-1]
    return {
        "id": topic.id,
        "title": topic.title,
        "slug": slug(topic.title),
        "archetype": "private_message" if topic.private else "regular",
        "category_id": topic.category,
        "posts_count": len(posts),
        "highest_post_number": latest.number,
        "created_at": stamp(posts[0].at),
        "last_posted_at": stamp(latest.at),
        "last_poster_username": latest.user.username,
        "closed": topic.closed,
    }
