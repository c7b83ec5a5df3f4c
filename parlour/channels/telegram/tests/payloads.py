"""The recorded payloads of Telegram, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PAYLOADS = {
    "message_text": "message",
    "message_forwarded_old_shape": "message",
    "business_message": "message",
    "my_chat_member_blocked": "ignored: the customer blocked the bot",
}


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body, as the door gets it, of every update in ``folder`` (``…/payloads``); errors and the schema are no updates."""
    for path in sorted((folder / "telegram").glob("*.json")):
        if not path.stem.startswith(("error_", "bot_api_")):
            yield path.stem, path.read_bytes()
