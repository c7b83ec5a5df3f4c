"""Requests to the stores, and what their refusals mean. A repeated answer replaces itself, so that no request is ever in doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.reviews.fields import mapping, sequence
from parlour.lib import http
from parlour.lib.text import one_line, storable

Bearer = Callable[[InboxConfig, bool], str]
"""Gives an access token; a fresh one when told that the last one was refused."""

LIMITED = frozenset(
    {"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED"}
)
_HOURLY = re.compile(r"user-hour-rem:0\b")


def call(
    inbox: InboxConfig,
    method: str,
    address: str,
    bearer: Bearer,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The decoded answer of one request. Raises ChannelError. A token that is refused is replaced once."""
    for again in (False, True):
        status, headers, answer = ask(
            method,
            address,
            bearer=bearer(inbox, again),
            query=query,
            content=None if body is None else orjson.dumps(body),
        )
        if status != 401 or again:
            break
    if not 200 <= status < 300:
        raise refusal(status, headers, answer)
    return answer


def ask(
    method: str,
    address: str,
    *,
    bearer: str = "",
    query: Mapping[str, str] | None = None,
    content: bytes | None = None,
    form: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    """Status, headers and decoded body ({} when it is no JSON object). Raises ChannelError when no answer came."""
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    sent: dict[str, Any] = {"data": dict(form)} if form else {}
    if content is not None:
        headers["content-type"] = "application/json"
        sent = {"content": content}
    try:
        response = http.request(method, address, params=dict(query) if query else None, headers=headers, **sent)
    except http.NoAnswer as error:
        raise ChannelError(ErrorKind.TRANSIENT, f"The store did not answer. {error}") from error
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = {}
    return response.status_code, response.headers, answer if isinstance(answer, dict) else {}


def refusal(status: int, headers: Mapping[str, str], answer: Mapping[str, Any]) -> ChannelError:
    """What an answer that is no success means, of Google's and Apple's shapes alike."""
    google = mapping(answer.get("error"))
    first = mapping(next(iter(sequence(answer.get("errors")) or sequence(google.get("errors"))), None))
    reasons = {first.get("reason"), *(mapping(one).get("reason") for one in sequence(google.get("details")))}
    said = (
        google.get("message"),
        first.get("detail"),
        first.get("title"),
        answer.get("error_description"),
        answer.get("error"),
    )
    words = next((one_line(storable(one), 300) for one in said if isinstance(one, str) and one.strip()), "")
    kind = _kind(status, {one for one in reasons if isinstance(one, str)}, words.lower())
    code = next((one for one in (google.get("status"), first.get("code")) if isinstance(one, str)), str(status))
    wait = _wait(headers) if kind is ErrorKind.RATE_LIMITED else None
    return ChannelError(kind, words or f"The store answered {status}.", retry_after=wait, code=code[:80])


def _kind(status: int, reasons: set[str], words: str) -> ErrorKind:
    if status == 429 or reasons & LIMITED:
        return ErrorKind.RATE_LIMITED
    if status == 401:
        return ErrorKind.AUTH_EXPIRED
    if status in (404, 410):
        return ErrorKind.TARGET_DELETED
    if status == 403:
        return ErrorKind.PERMISSION
    if status >= 500 or status in (408, 409, 425):
        return ErrorKind.TRANSIENT
    if "too long" in words or "exceeds" in words or "maximum length" in words:
        return ErrorKind.TOO_LONG
    return ErrorKind.INVALID


def _wait(headers: Mapping[str, str]) -> float:
    after = headers.get("retry-after", "")
    if after.isdecimal() and len(after) < 7:
        return min(max(float(after), 1.0), 86_400.0)
    # Apple counts by the hour and tells only what is left of it.
    return 900.0 if _HOURLY.search(headers.get("x-rate-limit", "")) else 60.0


def there(look: Callable[[], object]) -> bool:
    """Whether ``look`` finds what it asks for. Raises ChannelError for every other trouble."""
    try:
        look()
    except ChannelError as error:
        if error.kind is ErrorKind.TARGET_DELETED:
            return False
        raise
    return True


def base(inbox: InboxConfig, default: str) -> str:
    """Where the store is, without a slash at the end."""
    return (str(inbox.settings.get("api_base") or "") or default).rstrip("/")
