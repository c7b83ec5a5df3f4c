"""Reading Reddit's JSON with care: people, comments, posts and messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parlour.channels.contract import Attachment, Author, ThreadKey
from parlour.channels.social import line, link, mapping, moment, sequence, words

REALM = "reddit"
SITE = "https://www.reddit.com"
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""Of a person."""
THING = re.compile(r"t[1-6]_[a-z0-9]{1,20}")
CONVERSATION = re.compile(r"[a-z0-9]{1,20}")
_IN_ADDRESS = re.compile(r"/comments/([a-z0-9]{1,20})(?:/|$)")
_PICTURE = re.compile(r"https://(?:i|preview)\.redd\.it/\S+|https?://\S+\.(?:png|jpe?g|gif|webp)", re.I)
DELETED, REMOVED = "[deleted]", "[removed]"
_MOST_FILES = 20


def person(name: object, what: str = "author") -> Author:
    """Who somebody is: on Reddit the name is all there is, and it cannot be changed. Raises ValueError."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"The name of the {what} is missing or is none.")
    return Author(REALM, name.lower(), name=name, handle=name)


def thing_of(data: Mapping[str, Any]) -> str:
    """The full name of a thing (``t1_...``). Raises ValueError."""
    name = data.get("name")
    if not isinstance(name, str) or not THING.fullmatch(name):
        raise ValueError("The name of the thing is missing or is none.")
    return name


def said(kind: object, data: Mapping[str, Any]) -> str:
    """The words of a comment, a message or a post; Reddit's Markdown as it was written. Raises ValueError."""
    if kind != "t3":
        if not isinstance(data.get("body"), str):
            raise ValueError("The body is missing or is no text.")
        return words(data["body"])
    title, text = data.get("title"), data.get("selftext")
    if not isinstance(title, str) or not isinstance(text, str | None):
        raise ValueError("The title of the post is missing or is no text.")
    return "\n\n".join(part for part in (words(title, 1000).strip(), words(text).strip()) if part)


def state(kind: object, data: Mapping[str, Any]) -> str:
    """``gone`` when its author has deleted it, ``removed`` when moderators have taken it away, else ''."""
    body = data.get("selftext") if kind == "t3" else data.get("body")
    if data.get("removed_by_category") == "deleted" or (data.get("author") == DELETED and body in (DELETED, "", None)):
        return "gone"
    if body == REMOVED or data.get("removed_by_category") or data.get("banned_by"):
        return "removed"
    return "gone" if body == DELETED else ""


def when(data: Mapping[str, Any], received_at: datetime) -> datetime:
    return moment(data.get("created_utc"), received_at)


def parent_of(data: Mapping[str, Any]) -> str:
    parent = data.get("parent_id")
    return parent if isinstance(parent, str) and THING.fullmatch(parent) else ""


def post_of(kind: object, data: Mapping[str, Any]) -> str:
    """The post a comment stands under, itself for a post: named, or read from its address. Raises ValueError."""
    named = data.get("name") if kind == "t3" else data.get("link_id")
    if isinstance(named, str) and THING.fullmatch(named):
        return named
    found = _IN_ADDRESS.search(words(data.get("context") or data.get("permalink"), 500))
    if found:
        return f"t3_{found[1]}"
    if parent_of(data).startswith("t3_"):
        return parent_of(data)
    raise ValueError("The comment does not say which post it stands under.")


def thread_of(kind: object, data: Mapping[str, Any], customer: str) -> ThreadKey:
    """What one person says under one post."""
    place = words(data.get("permalink") or data.get("context"), 400)
    url = link(f"{SITE}{place}", 500) if place.startswith(("/r/", "/user/")) else ""
    title = data.get("title") if kind == "t3" else data.get("link_title")
    return ThreadKey(f"{post_of(kind, data)}/{customer}", "public", address=customer, subject=line(title, 200), url=url)


def files(kind: object, data: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Pictures in the text or the gallery, and where a post's link leads."""
    found = []
    for entry in list(mapping(data.get("media_metadata")).values())[:_MOST_FILES]:
        one = mapping(entry)
        source = mapping(one.get("s"))
        if url := link(source.get("u")) or link(source.get("gif")) or link(source.get("mp4")):
            found.append(Attachment("image", url, mime=line(one.get("m"), 100)))
    url = link(data.get("url")) if kind == "t3" and data.get("is_self") is False else ""
    if url and not found:
        found.append(Attachment("image" if _PICTURE.fullmatch(url) else "link", url))
    return tuple(found)


def facts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Small facts worth keeping."""
    found: dict[str, Any] = {}
    if subreddit := line(data.get("subreddit"), 60):
        found["subreddit"] = subreddit
    if data.get("over_18") is True:
        found["sensitive"] = True
    if data.get("locked") is True:
        found["locked"] = True
    return found


def children(told: object) -> list[dict[str, Any]]:
    """The things of a listing."""
    listed = sequence(mapping(mapping(told).get("data")).get("children"))
    return [one for one in listed if isinstance(one, dict) and isinstance(one.get("data"), dict)]
