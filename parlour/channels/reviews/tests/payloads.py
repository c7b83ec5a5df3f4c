"""What each recorded payload of the stores becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

PAYLOADS: dict[str, str] = {
    "google_play_reviews_list/1": "message, edit",
    "google_play_reviews_list/2": "message, edit",
}
"""A review and its place in the list -> kinds of what it becomes. Google Play does not say whether there was an earlier version: the
edit of a review that came for the first time changes nothing. The other files are requests of ours with their answers."""
REQUESTS = {"google_play_reply", "gbp_review_updateReply"}


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body of each recorded review, as polling would hand it over."""
    here = folder / "reviews" if (folder / "reviews").is_dir() else folder
    listed = orjson.loads((here / "google_play_reviews_list.json").read_bytes())
    for number, review in enumerate(listed["reviews"], 1):
        item = {"kind": "review", "data": review, "seen": False, "revision": 0}
        body = orjson.dumps({"store": "play", "app": "com.example.luma", "items": [item]})
        yield f"google_play_reviews_list/{number}", body
