"""What each recorded payload of X becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.x.tests.sample import US

PAYLOADS: dict[str, str] = {
    "account_activity/direct-message-events": "message",
    "account_activity/direct-message-indicate-typing-events": "ignored: Typing is not kept.",
    "account_activity/tweet-delete-events": "delete",
    "activity_api/broadcast.end": "ignored: Broadcasts are not kept.",
    "activity_api/broadcast.start": "ignored: Broadcasts are not kept.",
    "activity_api/chat.received": "message",
    "activity_api/dm.received": "message",
    "activity_api/follow.unfollow": "ignored: Follows are not kept.",
    "activity_api/news.new": "ignored: News are not kept.",
    "activity_api/post.create": "echo",
    "activity_api/post.mention.create": "message",
    "activity_api/post.repost.create": "ignored: A repost says nothing of its own.",
    "activity_api/profile.update.banner-picture": "ignored: Changes of a profile are not kept.",
    "activity_api/profile.update.geo": "ignored: Changes of a profile are not kept.",
    "activity_api/profile.update.url": "ignored: Changes of a profile are not kept.",
    "activity_api/spaces.end": "ignored: Spaces are not kept.",
    "activity_api/top": "ignored: X sent post.create without content.",
    "dm_v2/example-events": "message",
    "dm_v2/example-events-2": "ignored: Somebody joined or left a group conversation.",
    "dm_v2/example-events-3": "ignored: Somebody joined or left a group conversation.",
    "docs/activity_quickstart-getting-the-events": "ignored: Changes of a profile are not kept.",
    "docs/direct-messages_lookup_quickstart-response": "message",
    "docs/direct-messages_lookup_quickstart-response-with-expansion": "message",
    "docs/posts_timelines_quickstart_user-mention-quickstart-get-user-mentions": "message",
    "docs/real-time-events-payload-shape-live": "message",
}
"""Name of the file -> kinds of what it becomes, an ignored one with its reason. Pages of the API come by polling."""


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body of every recorded payload that comes in, as if it were for the account of the sample."""
    here = folder / "x" if (folder / "x").is_dir() else folder
    for name in PAYLOADS:
        body = (here / f"{name}.json").read_bytes()
        if name.startswith("dm_v2/"):
            body = b'{"data":[%s]}' % body  # one item of a page
        if account := _account(orjson.loads(body)):
            body = body.replace(account.encode(), US.encode())
        yield name, body


def _account(payload: dict[str, Any]) -> str:
    data = payload.get("data")
    if isinstance(data, dict) and "payload" in data:
        told = data.get("filter", {}).get("user_id") or data["payload"].get("conversation_id", "").partition("-")[0]
        return str(told)
    return str(payload.get("for_user_id") or "")
