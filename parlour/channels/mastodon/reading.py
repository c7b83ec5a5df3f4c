"""Reading Mastodon's JSON with care: accounts, statuses and their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from parlour.channels.contract import Attachment, Author, InboxConfig
from parlour.channels.mastodon.html import text_of
from parlour.channels.social import count, line, link, mapping, needed, sequence, words

IDENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Mastodon's ids are digits; other servers that speak its API use letters, too."""
VISIBILITIES = ("public", "unlisted", "private", "direct")
_KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}
_MOST_FILES = 32


def base_of(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("api_base") or "").rstrip("/")


def realm_of(inbox: InboxConfig) -> str:
    """Ids of accounts are those of the brand's own server."""
    return f"mastodon:{(urlsplit(base_of(inbox)).netloc or 'unknown').lower()}"[:80]


def ident(value: object) -> str:
    """An id, or '' when the value cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and IDENT.fullmatch(value) else ""


def person(account: object, realm: str, name: str = "account") -> Author:
    """Who an account is. Raises ValueError when it has no id."""
    told = mapping(account)
    handle = line(told.get("acct") or told.get("username"), 80)
    return Author(
        realm=realm,
        external_id=needed(told.get("id"), f"The id of the {name}", IDENT),
        name=line(told.get("display_name"), 120) or handle,
        handle=handle,
        avatar_url=link(told.get("avatar_static") or told.get("avatar"), 500),
        followers=count(told.get("followers_count")),
        verified=_verified(told),
    )


def _verified(account: Mapping[str, Any]) -> bool:
    """Mastodon has no mark of its own; a link that was checked to lead back is the nearest there is."""
    return any(isinstance(mapping(field).get("verified_at"), str) for field in sequence(account.get("fields"))[:8])


def said(status: Mapping[str, Any]) -> str:
    """A status's words: its content warning in front, the choices of its poll behind. Raises ValueError when the content is no text."""
    content = status.get("content")
    if content is not None and not isinstance(content, str):
        raise ValueError("The content of the status is not text.")
    parts = [text_of(content or "")]
    if warning := words(status.get("spoiler_text"), 2000).strip():
        parts.insert(0, f"[{warning}]")
    choices = [
        line(mapping(one).get("title"), 200) for one in sequence(mapping(status.get("poll")).get("options"))[:20]
    ]
    if any(choices):
        parts.append("\n".join(f"○ {choice}" for choice in choices if choice))
    return "\n\n".join(filter(None, parts))


def files(status: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """What is attached: media, and the status that is quoted."""
    found = []
    for entry in sequence(status.get("media_attachments")):
        one = mapping(entry)
        url = link(one.get("url")) or link(one.get("remote_url")) or link(one.get("preview_url"))
        if one and url:
            kind = one.get("type")
            found.append(
                Attachment(
                    _KINDS.get(kind, "other") if isinstance(kind, str) else "other",
                    url,
                    name=line(one.get("description"), 200),
                )
            )
    quoted = mapping(mapping(status.get("quote")).get("quoted_status"))
    if url := link(quoted.get("url")) or link(quoted.get("uri")):
        found.append(Attachment("post", url, name=line(mapping(quoted.get("account")).get("acct"), 200)))
    return tuple(found[:_MOST_FILES])


def facts(status: Mapping[str, Any]) -> dict[str, Any]:
    """Small facts worth keeping about a status."""
    found: dict[str, Any] = {}
    if (visibility := status.get("visibility")) in VISIBILITIES and visibility != "public":
        found["visibility"] = visibility
    if language := line(status.get("language"), 8):
        found["language"] = language
    if status.get("sensitive") is True:
        found["sensitive"] = True
    return found
