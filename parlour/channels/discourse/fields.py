"""User fields: what a forum asks its users about themselves, which its administrators name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from parlour.channels.contract import ChannelError, InboxConfig
from parlour.channels.discourse.calls import call
from parlour.channels.discourse.inbound import base
from parlour.lib.text import one_line, storable

KEPT_SECONDS = 3600.0
MOST = 40
_names: dict[str, tuple[dict[str, str], float]] = {}


def told(inbox: InboxConfig, username: str, user: Mapping[str, Any]) -> dict[str, str] | None:
    """The user's fields by the names people know; None where the forum does not tell them. Raises ChannelError on what may pass."""
    try:
        values = user.get("user_fields")
        if not isinstance(values, dict):
            path = f"/u/{quote(username, safe='')}.json"
            page = call(inbox, "GET", path, about="user").get("user") if username else None
            values = page.get("user_fields") if isinstance(page, dict) else None
        if not isinstance(values, dict):
            return None
        filled = {str(number): _value(value) for number, value in list(values.items())[:MOST]}
        names = _named(inbox) if any(filled.values()) else {}
    except ChannelError as error:
        if error.permanent:
            return None
        raise
    return {names.get(number) or f"Field {one_line(number, 20)}": value for number, value in filled.items() if value}


def _value(value: Any) -> str:
    """A field is words, a tick (``"true"``), or several choices."""
    if isinstance(value, bool):
        return "Yes" if value else ""
    if isinstance(value, list):
        return ", ".join(filter(None, (_value(one) for one in value[:20])))
    if isinstance(value, int):
        return str(value) if abs(value) < 2**63 else ""
    if not isinstance(value, str) or value == "false":
        return ""
    return "Yes" if value == "true" else one_line(storable(value, 2000), 500)


def _named(inbox: InboxConfig) -> dict[str, str]:
    """Number of a field -> its name. Raises ChannelError."""
    kept = _names.get(base(inbox))
    if kept is not None and kept[1] > time.monotonic():
        return kept[0]
    site = call(inbox, "GET", "/site.json", about="account")
    listed = site.get("user_fields")
    names = {
        str(one["id"]): one_line(one["name"], 80)
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and isinstance(one.get("name"), str) and "id" in one
    }
    _names[base(inbox)] = (names, time.monotonic() + KEPT_SECONDS)
    return names
