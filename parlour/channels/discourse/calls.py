"""Requests to a forum, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import httpx
import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.discourse.inbound import account, base
from parlour.lib import http
from parlour.lib.text import one_line

About = Literal["post", "user", "account"]
GONE: Mapping[About, ErrorKind] = {
    "post": ErrorKind.TARGET_DELETED,
    "user": ErrorKind.RECIPIENT_UNAVAILABLE,
    "account": ErrorKind.INVALID,
}
_SAID = (
    (("api username or key is invalid", "invalid_api_key"), ErrorKind.AUTH_EXPIRED),
    (("too long", "maximum is", "limited to"), ErrorKind.TOO_LONG),
    (
        ("cannot send a personal message", "can't send", "cannot send", "not accepting messages"),
        ErrorKind.RECIPIENT_UNAVAILABLE,
    ),
    (("topic has been deleted", "topic is deleted", "could not be found", "deleted by"), ErrorKind.TARGET_DELETED),
    (("is closed", "is archived", "topic is read only", "read only mode"), ErrorKind.PERMISSION),
)
"""Parts of the forum's words, which are translated into the account's language: keep that account's language English."""


def call(
    inbox: InboxConfig,
    method: str,
    path: str,
    *,
    about: About,
    once: bool = False,
    content: Mapping[str, Any] | None = None,
    params: Any = None,
    form: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
) -> dict[str, Any]:
    """The answer of one request. ``once``: doing it twice would show, so that doubt is UNKNOWN_OUTCOME. Raises ChannelError."""
    headers = {
        "api-key": str(inbox.settings.get("api_key") or ""),
        "api-username": account(inbox),
        "accept": "application/json",
    }
    told: dict[str, Any] = {"headers": headers}
    if content is not None:
        told["json"] = dict(content)
    if files is not None:
        told |= {"data": dict(form or {}), "files": dict(files)}
    if params:
        told["params"] = params
    try:
        response = http.request(method, base(inbox) + path, **told)
    except http.NoAnswer as error:
        kind = ErrorKind.UNKNOWN_OUTCOME if once and error.sent else ErrorKind.TRANSIENT
        raise ChannelError(kind, f"The forum did not answer. {error}") from None
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    found = answer if isinstance(answer, dict) else {}
    done = response.is_success and found.get("success") is not False and not found.get("errors")
    if done and (found or not once):
        return found
    raise _refusal(response, found, about, once=once)


def _refusal(response: httpx.Response, answer: Mapping[str, Any], about: About, *, once: bool) -> ChannelError:
    status = response.status_code
    errors = answer.get("errors")
    said = [one for one in errors if isinstance(one, str)] if isinstance(errors, list) else []
    if isinstance(answer.get("error"), str):
        said.append(answer["error"])
    words = one_line(" ".join(said), 400)
    slug = answer.get("error_type")
    slug = slug if isinstance(slug, str) and len(slug) < 60 else ""
    kind = _kind(status, slug, words.lower(), about, once=once)
    wait = _wait(response, answer) if kind is ErrorKind.RATE_LIMITED else None
    if 300 <= status < 400:
        words = "The forum sends us on to another address: enter the address the browser shows there."
    return ChannelError(
        kind, words or f"The forum answered HTTP {status} without a reason.", retry_after=wait, code=slug or str(status)
    )


def _kind(status: int, slug: str, words: str, about: About, *, once: bool) -> ErrorKind:
    if status == 429 or slug == "rate_limit":
        return ErrorKind.RATE_LIMITED
    if status >= 500 or status == 408 or (status < 300 and not words):
        # A 503 comes from before the forum, or from a forum that only reads: nothing was done.
        return ErrorKind.UNKNOWN_OUTCOME if once and status != 503 else ErrorKind.TRANSIENT
    if status == 401:
        return ErrorKind.AUTH_EXPIRED
    if status == 413:
        return ErrorKind.TOO_LONG
    if status in (404, 410) or slug == "not_found":
        return GONE[about]
    found = _said(words)
    return ErrorKind.PERMISSION if status == 403 and found is ErrorKind.INVALID else found


def _said(words: str) -> ErrorKind:
    return next((kind for parts, kind in _SAID if any(part in words for part in parts)), ErrorKind.INVALID)


def _wait(response: httpx.Response, answer: Mapping[str, Any]) -> float:
    """Seconds until the forum takes more, at most a day."""
    extras = answer.get("extras")
    told = extras.get("wait_seconds") if isinstance(extras, dict) else None
    if isinstance(told, int | float) and not isinstance(told, bool):
        return float(min(max(told, 1), 86_400))
    header = response.headers.get("retry-after", "")
    return min(float(header), 86_400.0) if header.isascii() and header.isdecimal() and len(header) < 7 else 30.0
