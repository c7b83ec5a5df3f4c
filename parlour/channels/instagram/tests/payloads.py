"""What each recorded payload of Instagram becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from parlour.channels.instagram.tests.sample import IG

PAYLOADS: dict[str, str] = {
    "comment_facebook_login_changes": "message (public): an answer to a comment",
    "comment_instagram_login_flat": "message (public): a comment, flat in its entry",
    "dashboard_test_event_quirks": "ignored: a test of Meta's dashboard",
    "ephemeral_media": "message (private) with a file that can be seen once",
    "live_comment": "message (public): a comment on a live video",
    "message_attachments": "message (private) with an image and a video",
    "message_deleted": "delete",
    "message_echo": "echo",
    "message_text": "message (private)",
    "message_unsupported": "message (private) that can be seen in the app only",
    "messaging_seen": "read receipt: of the message, and of everything before it",
    "reaction": "reaction",
    "standby": "message (private), while another app has the thread",
    "story_reply": "message (private) with the story it answers",
}
"""File's stem -> what it becomes. What is left out is an answer of the platform."""
RECORDED = b"17841405309211844"
"""The account in the files; the sample's takes its place."""


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body of every inbound payload of Instagram; ``folder`` holds a folder for each platform."""
    for path in sorted((folder / "instagram").glob("*.json")):
        if not path.stem.startswith("error_"):
            yield path.stem, path.read_bytes().replace(RECORDED, IG.encode())
