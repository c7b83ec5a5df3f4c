"""Requests to a Mastodon server, and what its refusals mean."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.mastodon.reading import base_of
from parlour.channels.social import Told, ask, fingerprint, link, mapping, rest, words
from parlour.lib.text import one_line

RESET = "x-ratelimit-reset"
KEPT_SECONDS = 3600.0
_streams: dict[str, tuple[str, float]] = {}


def call(inbox: InboxConfig, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Told:
    """The answer of one request that was granted. Raises ChannelError.

    A request without an answer is TRANSIENT: a repeated status is known by its Idempotency-Key, the rest may be done twice.
    """
    token = {"authorization": f"Bearer {inbox.settings.get('access_token', '')}"}
    told = ask("Mastodon", method, f"{base_of(inbox)}{path}", headers={**token, **(headers or {})}, **more)
    if not told.fine:
        raise refusal(told)
    return told


def credentials(inbox: InboxConfig) -> str:
    """A name for the account's credentials that does not tell them."""
    return fingerprint(base_of(inbox), inbox.settings.get("access_token", ""))


def refusal(told: Told) -> ChannelError:
    """What an answer that is no success means; the server's words are kept."""
    body = mapping(told.body)
    parts = [words(body.get(name), 300) for name in ("error", "error_description")]
    said = one_line(". ".join(filter(None, parts)), 300) or f"Mastodon answered {told.status}."
    kind = _kind(told.status, said.lower())
    after = rest(told.headers, RESET) if kind is ErrorKind.RATE_LIMITED else None
    return ChannelError(kind, said, retry_after=after, code=str(told.status))


def _kind(status: int, said: str) -> ErrorKind:
    if status == 401:
        return ErrorKind.AUTH_EXPIRED
    if status == 403:
        return ErrorKind.PERMISSION
    if status in (404, 410):
        return ErrorKind.TARGET_DELETED
    if status == 429:
        return ErrorKind.RATE_LIMITED
    if status in (408, 409, 425) or status >= 500:
        return ErrorKind.TRANSIENT
    if "character limit" in said or "too long" in said:
        return ErrorKind.TOO_LONG
    return ErrorKind.INVALID


def account(inbox: InboxConfig) -> dict[str, Any]:
    """The brand's own account. Raises ChannelError."""
    told = mapping(call(inbox, "GET", "/api/v1/accounts/verify_credentials").body)
    if not isinstance(told.get("id"), str):
        raise ChannelError(ErrorKind.TRANSIENT, "Mastodon did not say whose token it is.")
    return dict(told)


def streaming(inbox: InboxConfig) -> str:
    """Where events are streamed, as the server says. Raises ChannelError."""
    key = credentials(inbox)
    kept = _streams.get(key)
    if kept is not None and kept[1] > time.monotonic():
        return kept[0]
    told = mapping(call(inbox, "GET", "/api/v2/instance").body)
    said = words(mapping(mapping(told.get("configuration")).get("urls")).get("streaming"), 500)
    base = base_of(inbox)
    address = link(said.replace("wss://", "https://", 1).replace("ws://", "http://", 1)).rstrip("/")
    chosen = address if address and _same_house(base, address) else base
    _streams[key] = (chosen, time.monotonic() + KEPT_SECONDS)
    return chosen


def _same_house(base: str, other: str) -> bool:
    """The token goes to the server itself or a host beside or below it, never over a weaker line."""
    mine, theirs = urlsplit(base), urlsplit(other)
    home, there = mine.hostname or "", theirs.hostname or ""
    if mine.scheme == "https" and theirs.scheme != "https":
        return False
    beside = home.partition(".")[2]
    return there == home or there.endswith(f".{home}") or ("." in beside and there.endswith(f".{beside}"))
