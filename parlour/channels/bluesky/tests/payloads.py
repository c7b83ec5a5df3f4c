"""The recorded payloads of Bluesky: what the poll hands over of them, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from parlour.channels.bluesky.parsing import framed

ME = "did:plc:brand"


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every event in the recorded files, of the channel's folder or the one above, as (name, body)."""
    folder = folder / "bluesky" if (folder / "bluesky").is_dir() else folder
    for name, kind in (("listNotifications", "notification"), ("chat_getLog", "log")):
        path = folder / f"{name}.json"
        if path.is_file():
            told = orjson.loads(path.read_bytes())
            for number, one in enumerate(told.get("notifications") or told.get("logs")):
                yield f"{name}#{number}", framed(kind, one, ME).body


PAYLOADS: dict[str, str] = {"listNotifications#0": "message", "chat_getLog#0": "message in private"}
