"""Requests to the X API, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.x.fields import mapping, sequence
from parlour.lib import clock, http
from parlour.lib.text import json_bytes, one_line, storable

API = "https://api.x.com"

About = Literal["post", "dm", "account"]
"""What a request is about: decides whether something missing is a deleted post or a person who cannot be reached."""

GONE: dict[About, ErrorKind] = {
    "post": ErrorKind.TARGET_DELETED,
    "dm": ErrorKind.RECIPIENT_UNAVAILABLE,
    "account": ErrorKind.INVALID,
}
USAGE_CAPPED = "usage-capped"
NOT_SUMMONED = "not-summoned"
"""Code of ours for a refusal X tells by its words only."""
ADVICE = {
    USAGE_CAPPED: "The plan's cap or the credit on X is used up: it can be raised in X's developer console.",
    NOT_SUMMONED: "X lets this account answer by API only posts whose author has mentioned or quoted it. It can be answered in the X app, "
    "or by a direct message.",
}
"""What is added to X's own words where they do not tell what to do."""
PROBLEMS = {
    USAGE_CAPPED: ErrorKind.POLICY_BLOCK,
    "rate-limit-exceeded": ErrorKind.RATE_LIMITED,
    "client-forbidden": ErrorKind.PERMISSION,
    "client-not-enrolled": ErrorKind.PERMISSION,
    "oauth1-permissions": ErrorKind.PERMISSION,
    "unsupported-authentication": ErrorKind.PERMISSION,
    "not-authorized-for-field": ErrorKind.PERMISSION,
    "field-unauthorized": ErrorKind.PERMISSION,
    "disallowed-resource": ErrorKind.POLICY_BLOCK,
    "duplicate-rules": ErrorKind.INVALID,
    "invalid-rules": ErrorKind.INVALID,
    "rule-cap": ErrorKind.INVALID,
    "streaming-connection": ErrorKind.TRANSIENT,
    "operational-disconnect": ErrorKind.TRANSIENT,
    "field-hydration-failure": ErrorKind.TRANSIENT,
}
# X tells these apart only by the words of ``detail``; the first that fits wins.
SUMMONS = ("not been mentioned", "otherwise engaged", "reply to this conversation", "summoned")
SAID_OF_POSTS = (
    (("duplicate content",), ErrorKind.INVALID),
    (("deleted or not visible", "not visible to you", "has been deleted"), ErrorKind.TARGET_DELETED),
    (("bit shorter", "too long", "character limit", "exceeds the maximum"), ErrorKind.TOO_LONG),
    (SUMMONS, ErrorKind.POLICY_BLOCK),
    (("restricted who can reply",), ErrorKind.POLICY_BLOCK),
    (("automated", "spam", "cashtag", "violat"), ErrorKind.POLICY_BLOCK),
)
SAID_OF_MESSAGES = (
    (("bit shorter", "too long", "character limit", "exceeds the maximum"), ErrorKind.TOO_LONG),
    (
        (
            "permission to dm",
            "send messages to",
            "send direct messages",
            "send a direct message",
            "not following you",
            "does not follow",
            "blocked",
            "suspended",
            "deactivated",
        ),
        ErrorKind.RECIPIENT_UNAVAILABLE,
    ),
    (("duplicate content",), ErrorKind.INVALID),
    (("automated", "spam", "violat"), ErrorKind.POLICY_BLOCK),
)


def call(
    inbox: InboxConfig,
    method: str,
    path: str,
    *,
    about: About,
    once: bool = False,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The decoded answer of one request. ``once``: doing it twice would show, so that doubt is UNKNOWN_OUTCOME.

    Raises ChannelError, also when X answers success but without ``data`` (an empty page of a list has ``meta``).
    """
    return ask(inbox, method, path, about=about, once=once, query=query, body=body)[0]


def ask(
    inbox: InboxConfig,
    method: str,
    path: str,
    *,
    about: About,
    once: bool = False,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """As ``call``, with the headers of the answer. ``fields`` and ``files`` (name, content, type) go as a multipart form."""
    headers = {"authorization": f"Bearer {inbox.settings.get('access_token', '')}"}
    sent: dict[str, Any] = {}
    if body is not None:
        headers["content-type"] = "application/json"
        sent = {"content": json_bytes(dict(body))}
    elif files:
        sent = {"data": dict(fields or {}), "files": dict(files)}
    try:
        response = http.request(
            method, f"{base(inbox)}{path}", params=dict(query) if query else None, headers=headers, **sent
        )
    except http.NoAnswer as error:
        doubt = once and error.sent
        kind = ErrorKind.UNKNOWN_OUTCOME if doubt else ErrorKind.TRANSIENT
        raise ChannelError(kind, f"X did not answer. {error}") from error
    answer = _decoded(response.content)
    status = response.status_code
    if not 200 <= status < 300:
        raise refusal(status, answer, response.headers, about=about, once=once)
    if answer.get("data") is None:
        if problems := [one for one in sequence(answer.get("errors")) if isinstance(one, dict)]:
            # X answers 200 with ``errors`` when it could not do what was asked.
            raise refusal(status, problems[0], response.headers, about=about, once=once)
        if once:
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "X accepted the request but did not say what it made.")
        if "meta" not in answer and status != 204:
            raise ChannelError(ErrorKind.TRANSIENT, f"X answered {status} without data.")
    return answer, response.headers


def base(inbox: InboxConfig) -> str:
    """Where X is, without a slash at the end."""
    return (str(inbox.settings.get("api_base") or "") or API).rstrip("/")


def rest(headers: Mapping[str, str]) -> float | None:
    """Seconds until anything more may be sent, when this was the last request X allows for now; None while some are left."""
    scopes = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
    waits = [_until(headers, scope) for scope in scopes if headers.get(f"{scope}-remaining") == "0"]
    return max((wait for wait in waits if wait is not None), default=None)


def refusal(
    status: int, problem: Mapping[str, Any], headers: Mapping[str, str], *, about: About, once: bool
) -> ChannelError:
    """What an answer that is no success means."""
    first = mapping(next(iter(sequence(problem.get("errors"))), None))
    said = [
        problem.get("detail"),
        first.get("detail"),
        first.get("message"),
        problem.get("title"),
        problem.get("error"),
    ]
    words = next(
        (one_line(storable(one), 300) for one in said if isinstance(one, str) and one.strip()), f"X answered {status}."
    )
    slug = _slug(problem.get("type")) or _slug(first.get("type"))
    kind = _kind(status, slug, words.lower(), about, once=once)
    wait = _wait(headers) if kind is ErrorKind.RATE_LIMITED else None
    code = slug or str(status)
    if kind is ErrorKind.POLICY_BLOCK and status == 402:
        code = USAGE_CAPPED
    elif kind is ErrorKind.POLICY_BLOCK and about == "post" and any(part in words.lower() for part in SUMMONS):
        code = NOT_SUMMONED
    return ChannelError(kind, " ".join(filter(None, (words, ADVICE.get(code)))), retry_after=wait, code=code)


def _kind(status: int, slug: str, words: str, about: About, *, once: bool) -> ErrorKind:
    if slug in PROBLEMS and not (slug == "rate-limit-exceeded" and status == 403):
        return PROBLEMS[slug]
    if status == 429:
        return ErrorKind.RATE_LIMITED
    if status == 401:
        return ErrorKind.AUTH_EXPIRED
    if status == 402:
        return ErrorKind.POLICY_BLOCK
    if status >= 500:
        # A 503 that explains itself comes from X's front: nothing was done. Others may have come after the deed.
        told = status == 503 and bool(slug)
        return ErrorKind.UNKNOWN_OUTCOME if once and not told else ErrorKind.TRANSIENT
    for parts, kind in SAID_OF_MESSAGES if about == "dm" else SAID_OF_POSTS:
        if any(part in words for part in parts):
            return kind
    if status in (404, 410) or slug in ("resource-not-found", "resource-unavailable"):
        return GONE[about]
    if status == 403 or slug == "not-authorized-for-resource":
        return ErrorKind.PERMISSION
    if slug == "internal-error":
        return ErrorKind.UNKNOWN_OUTCOME if once else ErrorKind.TRANSIENT
    return ErrorKind.TRANSIENT if status in (408, 409, 425) else ErrorKind.INVALID


def _slug(value: object) -> str:
    """The last part of a problem's ``type``: older deployments name another host."""
    if not isinstance(value, str) or len(value) > 300:
        return ""
    return value.rstrip("/").rpartition("/")[2].lower()


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds until X takes requests again; the limit of a day counts when it is used up, else that of 15 minutes."""
    for scope in ("x-user-limit-24hour", "x-app-limit-24hour", "x-rate-limit"):
        told = _until(headers, scope)
        if told is not None and (scope == "x-rate-limit" or headers.get(f"{scope}-remaining") == "0"):
            return told
    after = headers.get("retry-after", "")
    return min(float(after), 86_400.0) if after.isdecimal() and len(after) < 7 else 60.0


def _until(headers: Mapping[str, str], scope: str) -> float | None:
    reset = headers.get(f"{scope}-reset", "")
    if not reset.isdecimal() or len(reset) >= 12:
        return None
    return min(max(1.0, int(reset) - clock.now().timestamp()), 86_400.0)


def _decoded(body: bytes) -> dict[str, Any]:
    """An answer's body, empty when it is no JSON object."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
