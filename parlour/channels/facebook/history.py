"""Posts and comments of a Page that were written while webhooks did not get through. See ``messenger.history``."""

from __future__ import annotations

from typing import Any

from parlour.channels import graph, meta
from parlour.channels.contract import InboxConfig
from parlour.channels.messenger.history import Event, Gap, listed, since

_COMMENTS = (
    "comments.limit(50).order(reverse_chronological).filter(stream){id,from,message,created_time,parent,attachment}"
)
FIELDS = f"id,from,message,created_time,permalink_url,{_COMMENTS}"
POSTS = 25
"""How many of the latest posts are looked through, fifty comments each."""


def entries(inbox: InboxConfig, gap: Gap) -> tuple[list[Event], str]:
    """What is new under the latest posts, as one entry of a webhook. Raises ChannelError."""
    page = meta.page_id(inbox)
    asked = {"fields": FIELDS, "limit": str(POSTS)}
    posts = listed(graph.call(inbox, "GET", page, "feed", table=graph.COMMENTS, params=asked))
    found: list[Event] = []
    for post in reversed(posts):
        found += _change(post, post, gap)
        for comment in reversed(listed(post.get("comments"))):
            found += _change(post, comment, gap)
    # The lists are newest first and count in seconds: of one second, what is answered comes before its answer.
    found.sort(key=lambda change: int(change["value"]["created_time"]))
    return ([{"id": page, "time": found[-1]["value"]["created_time"], "changes": found}] if found else []), ""


def _change(post: Event, said: Event, gap: Gap) -> list[Event]:
    at = since(said.get("created_time"), gap)
    if at is None or not said.get("id"):
        return []
    value: dict[str, Any] = {
        "item": "post",
        "verb": "add",
        "from": said.get("from"),
        "message": said.get("message"),
        "created_time": int(at.timestamp()),
        "post_id": post.get("id"),
        "post": {"id": post.get("id"), "permalink_url": post.get("permalink_url")},
    }
    if said is not post:
        above = said.get("parent")
        parent = above.get("id") if isinstance(above, dict) else None
        value |= {"item": "comment", "comment_id": said["id"], "parent_id": parent or post.get("id"), **_media(said)}
    return [{"field": "feed", "value": value}]


def _media(comment: Event) -> dict[str, Any]:
    attachment = comment.get("attachment")
    media = attachment.get("media") if isinstance(attachment, dict) else None
    image = media.get("image") if isinstance(media, dict) else None
    return {"photo": image["src"]} if isinstance(image, dict) and image.get("src") else {}
