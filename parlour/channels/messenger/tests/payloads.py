"""What each recorded payload of Messenger becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from parlour.channels.messenger.tests.sample import PAGE

PAYLOADS: dict[str, str] = {
    "delivery": "delivery receipt",
    "echo_template_standby": "echo: a message with buttons of another app",
    "echo_text": "echo",
    "handover_pass": "ignored: the thread was passed between apps",
    "message_attachment_image": "message (private) with an image",
    "message_edit": "edit",
    "message_fallback_link": "message (private) with a link",
    "message_sticker_transition": "message (private) with one sticker",
    "message_text": "message (private)",
    "postback_changes_style_doc": "message (private): a pressed button, by somebody without an id yet",
    "postback_get_started_with_ref": "message (private): a pressed button, with where the customer came from",
    "referral_mme": "ignored: the customer came back through a link, without words",
}
"""File's stem -> what it becomes. What is left out is an answer of the platform."""
RECORDED = b"1234567890"
"""The account in the files; the sample's takes its place."""


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body of every inbound payload of Messenger; ``folder`` holds a folder for each platform."""
    for path in sorted((folder / "messenger").glob("*.json")):
        if not path.stem.startswith("error_"):
            yield path.stem, path.read_bytes().replace(RECORDED, PAGE.encode())
