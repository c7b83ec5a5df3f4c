"""The recorded webhooks of Discourse, and what each event becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from parlour.channels.discourse.events import named

PAYLOADS = {
    "post_created": "message; echo when staff or our own account wrote it",
    "post_edited": "edit; hide, too, when moderators hid it",
    "post_destroyed": "delete",
    "post_recovered": "unhide",
    "post_liked": "reaction",
    "topic_created": "ignored: its posts come by themselves",
    "topic_edited": "ignored: its posts come by themselves",
    "topic_destroyed": "ignored: its posts come by themselves",
    "accepted_solution": "ignored: a mark on a post",
    "user_updated": "ignored, but for the brand's own id of the user",
    "notification_created": "ignored: somebody's notification",
    "ping": "ignored: a try",
}


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body, as ``decode`` hands it on, of every recorded webhook in ``folder`` (``…/payloads``). A recording holds the
    headers beside the body."""
    for path in sorted((folder / "discourse").glob("fedora_*.json")):
        told = orjson.loads(path.read_bytes())
        if not isinstance(told, dict):
            continue
        headers = told.get("headers")
        headers = headers if isinstance(headers, dict) else {}
        event = next((str(value) for name, value in headers.items() if name.lower() == "x-discourse-event"), "")
        body = told.get("body", told)
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        yield path.stem, named(event, raw)
