"""Signing in, requests to Reddit, and what its refusals mean: many of them come with a status of 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.social import Sessions, Told, ask, fingerprint, mapping, rest, sequence, words
from parlour.lib.text import one_line

API = "https://oauth.reddit.com"
SIGN_IN = "https://www.reddit.com"
RESET = "x-ratelimit-reset"
_WAIT = re.compile(r"(\d{1,4}) (millisecond|second|minute|hour|day)")
_SECONDS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}

ERRORS = {
    "RATELIMIT": ErrorKind.RATE_LIMITED,
    "QUOTA_FILLED": ErrorKind.RATE_LIMITED,
    "DELETED_COMMENT": ErrorKind.TARGET_DELETED,
    "DELETED_LINK": ErrorKind.TARGET_DELETED,
    "DELETED_THING": ErrorKind.TARGET_DELETED,
    "THREAD_LOCKED": ErrorKind.POLICY_BLOCK,
    "COMMENT_LOCKED": ErrorKind.POLICY_BLOCK,
    "TOO_OLD": ErrorKind.POLICY_BLOCK,
    "SUBREDDIT_NOTALLOWED": ErrorKind.PERMISSION,
    "SUBREDDIT_NOEXIST": ErrorKind.PERMISSION,
    "BANNED_FROM_SUBREDDIT": ErrorKind.PERMISSION,
    "MOD_REQUIRED": ErrorKind.PERMISSION,
    "TOO_LONG": ErrorKind.TOO_LONG,
    "USER_DOESNT_EXIST": ErrorKind.RECIPIENT_UNAVAILABLE,
    "INVALID_USER": ErrorKind.RECIPIENT_UNAVAILABLE,
    "NOT_WHITELISTED_BY_USER_MESSAGE": ErrorKind.RECIPIENT_UNAVAILABLE,
    "USER_BLOCKED": ErrorKind.RECIPIENT_UNAVAILABLE,
    "USER_BLOCKED_MESSAGE": ErrorKind.RECIPIENT_UNAVAILABLE,
    "USER_MUTED": ErrorKind.RECIPIENT_UNAVAILABLE,
    "USER_REQUIRED": ErrorKind.AUTH_EXPIRED,
}
STATUSES = {
    401: ErrorKind.AUTH_EXPIRED,
    403: ErrorKind.PERMISSION,
    404: ErrorKind.TARGET_DELETED,
    408: ErrorKind.TRANSIENT,
    409: ErrorKind.TRANSIENT,
    413: ErrorKind.TOO_LONG,
    425: ErrorKind.TRANSIENT,
    429: ErrorKind.RATE_LIMITED,
}

tokens: Sessions[str] = Sessions()


def base_of(inbox: InboxConfig) -> str:
    return (str(inbox.settings.get("api_base") or "") or API).rstrip("/")


def name_of(inbox: InboxConfig) -> str:
    """The brand's name on Reddit."""
    return str(inbox.settings.get("username") or "").removeprefix("/").removeprefix("u/")


def agent(inbox: InboxConfig) -> dict[str, str]:
    """Reddit blocks programs that do not say who they are."""
    return {"user-agent": f"server:parlour:0.1 (by /u/{name_of(inbox)})"}


def credentials(inbox: InboxConfig) -> str:
    """A name for what the account signs in with that does not tell it."""
    names = ("client_id", "client_secret", "username", "password", "refresh_token")
    return fingerprint(*(inbox.settings.get(name, "") for name in names))


def _sign_in(inbox: InboxConfig) -> tuple[str, float]:
    """A token and the seconds it is good for."""
    settings = inbox.settings
    if refresh := str(settings.get("refresh_token") or ""):
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
    elif password := str(settings.get("password") or ""):
        form = {"grant_type": "password", "username": name_of(inbox), "password": password}
    else:
        raise ChannelError(ErrorKind.AUTH_EXPIRED, "This inbox has neither a password nor a refresh token.")
    base = (str(settings.get("auth_base") or "") or SIGN_IN).rstrip("/")
    basic = (str(settings.get("client_id") or ""), str(settings.get("client_secret") or ""))
    told = ask("Reddit", "POST", f"{base}/api/v1/access_token", auth=basic, headers=agent(inbox), data=form)
    answer = mapping(told.body)
    token = answer.get("access_token")
    if told.fine and isinstance(token, str) and token:
        lasts = answer.get("expires_in")
        return token, float(lasts) * 0.9 if isinstance(lasts, int | float) and 60 < lasts < 1e6 else 1800.0
    if told.status in (400, 401, 403) or (told.fine and answer.get("error")):
        said = one_line(words(answer.get("error"), 100) or words(answer.get("message"), 200), 200)
        raise ChannelError(ErrorKind.AUTH_EXPIRED, f"Reddit refused to sign in: {said or told.status}.")
    raise refusal(told)


def call(
    inbox: InboxConfig,
    method: str,
    path: str,
    *,
    once: bool = False,
    query: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
) -> Told:
    """The answer of one request that was granted. A token that has run out is got anew, once. Raises ChannelError.

    ``once``: doing it twice would show, so that doubt is UNKNOWN_OUTCOME.
    """
    more: dict[str, Any] = {"params": {"raw_json": 1, **(query or {})}}
    if form is not None:
        more["data"] = {"api_type": "json", **form}
    for attempt in (1, 2):
        token = tokens.of(credentials(inbox), lambda: _sign_in(inbox))
        headers = {**agent(inbox), "authorization": f"Bearer {token}"}
        told = ask("Reddit", method, f"{base_of(inbox)}{path}", once=once, headers=headers, **more)
        if told.status == 401 and attempt == 1:
            tokens.drop(credentials(inbox), token)
            continue
        if told.fine and not (errors := _inside(told)):
            return told
        raise refusal(told, once=once) if not told.fine else _refused(told, errors)
    raise AssertionError("unreachable")


def _inside(told: Told) -> list[Any]:
    """The errors inside an answer that calls itself a success."""
    return sequence(mapping(mapping(told.body).get("json")).get("errors"))


def _refused(told: Told, errors: list[Any]) -> ChannelError:
    """What the first error inside an answer means: ``[code, words, field]``."""
    parts = [one for one in sequence(errors[0]) if isinstance(one, str)] or [str(errors[0])]
    code, said = parts[0], one_line(words(parts[1] if len(parts) > 1 else parts[0], 300), 300)
    kind = ERRORS.get(code, ErrorKind.INVALID)
    after = None
    if kind is ErrorKind.RATE_LIMITED:
        found = _WAIT.search(said)
        after = max(1.0, int(found[1]) * _SECONDS[found[2]]) if found else rest(told.headers, RESET)
    return ChannelError(kind, said or code, retry_after=after, code=code[:80])


def refusal(told: Told, *, once: bool = False) -> ChannelError:
    """What an answer that is no success means; Reddit's words are kept."""
    body = mapping(told.body)
    reason, message = words(body.get("reason"), 80), words(body.get("message"), 300)
    explained = words(body.get("explanation"), 300)
    said = one_line(explained or message or reason, 300) or f"Reddit answered {told.status}."
    if told.status >= 500:
        kind = ErrorKind.UNKNOWN_OUTCOME if once else ErrorKind.TRANSIENT
    else:
        kind = ERRORS.get(reason.upper()) or STATUSES.get(told.status, ErrorKind.INVALID)
    after = rest(told.headers, RESET) if kind is ErrorKind.RATE_LIMITED else None
    return ChannelError(kind, said, retry_after=after, code=reason or str(told.status))
