"""What each recorded payload of a Facebook Page becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from parlour.channels.facebook.tests.sample import PAGE

PAYLOADS: dict[str, str] = {"inbox_labels_change": "ignored: a label of Meta's own inbox"}
"""File's stem -> what it becomes. What is left out is a request of ours or an answer of the platform."""
RECORDED = b"1234567890"
"""The account in the files; the sample's takes its place."""


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body of every inbound payload of a Page; ``folder`` holds a folder for each platform."""
    for path in sorted((folder / "facebook_page").glob("*.json")):
        body = path.read_bytes()
        if b'"object"' in body:
            yield path.stem, body.replace(RECORDED, PAGE.encode())
