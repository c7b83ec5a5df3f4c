"""Messages and comments that were written while webhooks did not get through. See ``messenger.history``."""

from __future__ import annotations

from typing import Any

from parlour.channels import graph
from parlour.channels.contract import InboxConfig
from parlour.channels.instagram import account
from parlour.channels.messenger.history import Event, Gap, conversations, listed, since

_COMMENT = "id,text,timestamp,from,username,parent_id"
FIELDS = f"id,media_product_type,comments.limit(50){{{_COMMENT},replies.limit(50){{{_COMMENT}}}}}"
POSTS = 25
"""How many of the latest posts are looked through."""


def entries(inbox: InboxConfig, gap: Gap) -> tuple[list[Event], str]:
    """A page of conversations, and after the last one the new comments under the latest posts. Raises ChannelError."""
    own, username = account.ig_id(inbox), str(inbox.settings.get("username", "")).casefold()
    names = (username,) if username else ()
    found, after = conversations(inbox, "me", own, gap, names, platform="instagram")
    return (found, after) if after else (found + _comments(inbox, own, gap), "")


def _comments(inbox: InboxConfig, own: str, gap: Gap) -> list[Event]:
    asked = {"fields": FIELDS, "limit": str(POSTS)}
    posts = listed(graph.call(inbox, "GET", own, "media", table=graph.COMMENTS, params=asked))
    found: list[Event] = []
    for post in posts:
        # Newest first, and in seconds: of one second, what is answered comes before its answer.
        for comment in reversed(listed(post.get("comments"))):
            found += _entry(own, post, comment, gap)
            for reply in listed(comment.get("replies")):
                found += _entry(own, post, {"parent_id": comment.get("id"), **reply}, gap)
    return sorted(found, key=lambda entry: int(entry["time"]))


def _entry(own: str, post: Event, comment: Event, gap: Gap) -> list[Event]:
    at = since(comment.get("timestamp"), gap)
    if at is None or not comment.get("id"):
        return []
    value: dict[str, Any] = {name: comment[name] for name in _COMMENT.split(",") if name in comment}
    value["media"] = {"id": post.get("id"), "media_product_type": post.get("media_product_type")}
    return [{"id": own, "time": int(at.timestamp()), "changes": [{"field": "comments", "value": value}]}]
