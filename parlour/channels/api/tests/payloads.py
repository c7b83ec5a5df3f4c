"""What each recorded payload of the API channel becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

PAYLOADS = {"standard_webhooks_spec_payload": "ignored", "standard_webhooks_vector": "refused"}
"""Both are examples of the standard with other fields than ours: one an event of an unknown type, one no message at all."""


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, body) of every inbound payload below the folder of recorded ones."""
    for path in sorted((folder / "generic_webhook").glob("*.json")):
        told = orjson.loads(path.read_bytes())
        if "body" in told:
            yield path.stem, told["body"].encode()
        elif "type" in told:
            yield path.stem, path.read_bytes()
