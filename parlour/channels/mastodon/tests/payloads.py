"""The recorded payloads of Mastodon: what the poll hands over of them, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.mastodon.parsing import framed

ME = "14715"
"""Whose notifications the documentation shows."""
RECORDED = "117440810532227399"
"""Who is spoken to in the recordings."""


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every event in the recorded files, of the channel's folder or the one above, as (name, body), in the order of the files' names."""
    folder = folder / "mastodon" if (folder / "mastodon").is_dir() else folder
    for path in sorted([*folder.glob("*.json"), *folder.glob("docs/*.json")]):
        for number, (event, payload, me) in enumerate(_events(path)):
            yield f"{path.stem}#{number} {event}", framed(event, payload, me=me).body


def _events(path: Path) -> Iterator[tuple[str, Any, str]]:
    told = orjson.loads(path.read_bytes())
    if path.stem.startswith("vcr_"):
        for exchange in told:
            answer, asked = exchange["response"].get("json"), exchange["request"]
            if "/api/v1/notifications" in asked["uri"]:
                for one in answer if isinstance(answer, list) else [answer]:
                    yield "notification", one, RECORDED
            elif asked["method"] in ("POST", "PUT") and isinstance(answer, dict) and "visibility" in answer:
                yield ("update" if asked["method"] == "POST" else "status.update"), answer, answer["account"]["id"]
    elif path.stem == "streaming_sse_events":
        for one in told[1:]:
            yield one["event"], one["data"], ME
    elif path.stem.startswith(("methods_notifications-200", "entities_notification")):
        for one in told if isinstance(told, list) else [told]:
            if "type" in one:
                yield "notification", one, ME
    elif path.stem == "entities_conversation-example":
        yield "conversation", told, ME


IGNORED_POST = "ignored: The brand's own post that answers nobody."
PAYLOADS: dict[str, str] = {
    "entities_conversation-example#0 conversation": "ignored: Direct messages are told by their notifications.",
    "entities_notification-favourite#0 notification": "reaction",
    "entities_notification-mention#0 notification": "message",
    "methods_notifications-200-ok-2#0 notification": "message",
    "methods_notifications-200-ok#0 notification": "message",
    "methods_notifications-200-ok#1 notification": "reaction",
    "streaming_sse_events#0 update": "message",
    "streaming_sse_events#1 notification": "message",
    "streaming_sse_events#2 filters_changed": "ignored: Filters are not kept.",
    "streaming_sse_events#3 announcement": "ignored: Announcements of the server are not kept.",
    "streaming_sse_events#4 announcement.reaction": "ignored: Announcements of the server are not kept.",
    "streaming_sse_events#5 announcement.delete": "ignored: Announcements of the server are not kept.",
    "streaming_sse_events#6 status.update": "edit",
    "streaming_sse_events#7 notification": "message",
    "streaming_sse_events#8 update": "message",
    "streaming_sse_events#9 delete": "delete",
    "streaming_sse_events#10 status.update": "edit",
    "streaming_sse_events#11 update": IGNORED_POST,
    "streaming_sse_events#12 delete": "delete",
    "streaming_sse_events#13 status.update": "edit",
    "streaming_sse_events#14 update": "message",
    "streaming_sse_events#15 delete": "delete",
    "streaming_sse_events#16 status.update": "edit",
    "streaming_sse_events#17 update": IGNORED_POST,
    "streaming_sse_events#18 delete": "delete",
    "streaming_sse_events#19 status.update": "edit",
    "streaming_sse_events#20 update": IGNORED_POST,
    "streaming_sse_events#21 delete": "delete",
    "streaming_sse_events#22 status.update": "edit",
    "streaming_sse_events#23 update": "message",
    "vcr_test_media_post#0 update": IGNORED_POST,
    "vcr_test_media_post_multiple#0 update": IGNORED_POST,
    "vcr_test_notifications_exclude_and_types#0 update": IGNORED_POST,
    "vcr_test_notifications_exclude_and_types#1 notification": "message",
    "vcr_test_notifications_exclude_and_types#2 notification": "message",
    "vcr_test_notifications_exclude_types#0 update": IGNORED_POST,
    "vcr_test_notifications_mentions_only#0 update": IGNORED_POST,
    "vcr_test_notifications_mentions_only#1 notification": "message",
    "vcr_test_notifications_mentions_only#2 notification": "message",
    "vcr_test_status_post[Content warning-direct]#0 update": IGNORED_POST,
    "vcr_test_status_post[None-None]#0 update": IGNORED_POST,
    "vcr_test_status_post[None-direct]#0 update": IGNORED_POST,
    "vcr_test_status_post[None-public]#0 update": IGNORED_POST,
    "vcr_test_status_post[None-unlisted]#0 update": IGNORED_POST,
    "vcr_test_status_reply#0 update": IGNORED_POST,
    "vcr_test_status_reply#1 update": "echo",
    "vcr_test_status_reply_with_quote#0 update": IGNORED_POST,
    "vcr_test_status_reply_with_quote#1 update": IGNORED_POST,
    "vcr_test_status_reply_with_quote#2 update": IGNORED_POST,
    "vcr_test_stream_user_direct#0 update": IGNORED_POST,
    "vcr_test_stream_user_direct#1 update": IGNORED_POST,
    "vcr_test_stream_user_direct#2 update": IGNORED_POST,
    "vcr_test_stream_user_direct#3 update": "echo in private",
    "vcr_test_stream_user_direct#4 update": "echo in private",
    "vcr_test_stream_user_direct#5 status.update": "edit",
    "vcr_test_stream_websocket_user_direct#0 update": IGNORED_POST,
    "vcr_test_stream_websocket_user_direct#1 update": "echo in private",
}
