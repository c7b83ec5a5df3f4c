"""Checks of settings that many channels have. Each returns a sentence when the value is wrong."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit


def printable(value: str) -> str | None:
    """A key or a token, as it was pasted."""
    fine = value.isascii() and value.isprintable() and " " not in value
    return None if fine else "It holds spaces or odd characters."


def web_address(example: str, *, whole: bool = False) -> Callable[[str], str | None]:
    """The address of a server, or with ``whole`` of something on it, which may have a query. Empty is not wrong."""

    def check(value: str) -> str | None:
        try:
            parts = urlsplit(value)
            fine = parts.scheme in ("http", "https") and bool(parts.hostname) and value.isprintable()
            fine = fine and not parts.fragment and not parts.username and (whole or not parts.query)
            fine = fine and (parts.port is None or parts.port > 0)
        except ValueError:
            fine = False
        return None if fine or not value else f"It is a web address such as {example}."

    return check
