"""Signing in with an app password, requests to the brand's server, and what its refusals mean."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from parlour.channels.bluesky.reading import DID, PDS
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.social import Sessions, Told, ask, fingerprint, mapping, rest, sequence, words
from parlour.lib import clock
from parlour.lib.text import one_line

CHAT = {"atproto-proxy": "did:web:api.bsky.chat#bsky_chat"}
"""Requests for chats go to the chat's own service by way of the brand's server."""
RESET = "ratelimit-reset"
SESSION_SECONDS = 1800.0
_IPV4 = re.compile(r"[0-9.]+")

ERRORS = {
    "ExpiredToken": ErrorKind.AUTH_EXPIRED,
    "InvalidToken": ErrorKind.AUTH_EXPIRED,
    "AuthMissing": ErrorKind.AUTH_EXPIRED,
    "AuthenticationRequired": ErrorKind.AUTH_EXPIRED,
    "AuthFactorTokenRequired": ErrorKind.AUTH_EXPIRED,
    "AccountTakedown": ErrorKind.AUTH_EXPIRED,
    "AccountDeactivated": ErrorKind.AUTH_EXPIRED,
    "RateLimitExceeded": ErrorKind.RATE_LIMITED,
    "RecordNotFound": ErrorKind.TARGET_DELETED,
    "NotFound": ErrorKind.TARGET_DELETED,
    "BlockedActor": ErrorKind.RECIPIENT_UNAVAILABLE,
    "BlockedByActor": ErrorKind.RECIPIENT_UNAVAILABLE,
    "MessagesDisabled": ErrorKind.RECIPIENT_UNAVAILABLE,
    "NotFollowedBySender": ErrorKind.RECIPIENT_UNAVAILABLE,
    "RecipientNotFound": ErrorKind.RECIPIENT_UNAVAILABLE,
    "AccountSuspended": ErrorKind.RECIPIENT_UNAVAILABLE,
    "Forbidden": ErrorKind.PERMISSION,
    "BlobTooLarge": ErrorKind.INVALID,
}
# What only the words tell; the first that fits wins.
SAID = (
    (("bad token scope", "scope"), ErrorKind.PERMISSION),
    (("incoming messages", "block between", "recipient", "not allow"), ErrorKind.RECIPIENT_UNAVAILABLE),
    (("grapheme", "too long", "must not be longer", "too big"), ErrorKind.TOO_LONG),
)


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. ``base``: the server the account lives on, '' where it signed in."""

    did: str
    handle: str
    access: str
    refresh: str
    base: str


sessions: Sessions[Session] = Sessions()
_refresh: dict[str, Session] = {}


def base_of(inbox: InboxConfig) -> str:
    return (str(inbox.settings.get("api_base") or "") or PDS).rstrip("/")


def credentials(inbox: InboxConfig) -> str:
    """A name for what the account signs in with that does not tell it."""
    return fingerprint(inbox.settings.get("identifier", ""), inbox.settings.get("app_password", ""))


def session(inbox: InboxConfig) -> Session:
    """The session of the inbox, made when there is none. Raises ChannelError; wrong passwords are not tried again for a while."""
    return sessions.of(credentials(inbox), lambda: _sign_in(inbox))


def _sign_in(inbox: InboxConfig) -> tuple[Session, float]:
    """A session and the seconds it is good for: an earlier one renewed, else a new one (they are limited to 300 a day)."""
    key, base = credentials(inbox), base_of(inbox)
    told = None
    if (earlier := _refresh.get(key)) is not None:
        headers = {"authorization": f"Bearer {earlier.refresh}"}
        told = ask("Bluesky", "POST", f"{base}/xrpc/com.atproto.server.refreshSession", headers=headers)
        if told.status in (400, 401):
            _refresh.pop(key, None)
            told = None
    if told is None:
        body = {
            "identifier": str(inbox.settings.get("identifier") or "").lstrip("@"),
            "password": str(inbox.settings.get("app_password") or ""),
        }
        told = ask("Bluesky", "POST", f"{base}/xrpc/com.atproto.server.createSession", json=body)
    if not told.fine:
        raise refusal(told)
    answer = mapping(told.body)
    did, access, refresh = answer.get("did"), answer.get("accessJwt"), answer.get("refreshJwt")
    if (
        not isinstance(did, str)
        or not DID.fullmatch(did)
        or not isinstance(access, str)
        or not isinstance(refresh, str)
    ):
        raise ChannelError(ErrorKind.TRANSIENT, "Bluesky did not say who signed in.")
    made = Session(did, words(answer.get("handle"), 300), access, refresh, _home(mapping(answer.get("didDoc"))))
    _refresh[key] = made
    return made, _lasts(access)


def _home(document: Mapping[str, Any]) -> str:
    """The server the account lives on, as its document says; only public names over a safe line are believed."""
    for entry in sequence(document.get("service")):
        service = mapping(entry)
        address = service.get("serviceEndpoint")
        if str(service.get("id", "")).endswith("#atproto_pds") and isinstance(address, str) and len(address) < 300:
            host = urlsplit(address).hostname or ""
            if address.startswith("https://") and "." in host and not _IPV4.fullmatch(host) and "@" not in address:
                return address.rstrip("/")
    return ""


def _lasts(token: str) -> float:
    """Seconds a token is good for, less a minute."""
    try:
        part = token.split(".")[1]
        ends = float(orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return SESSION_SECONDS
    return min(max(30.0, ends - clock.now().timestamp() - 60), 86_400.0)


def call(
    inbox: InboxConfig,
    method: str,
    name: str,
    *,
    chat: bool = False,
    once: bool = False,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Mapping[str, Any]:
    """The answer of one request that was granted. A session that has run out is renewed and the request made again. Raises ChannelError.

    ``once``: doing it twice would show, so that doubt is UNKNOWN_OUTCOME.
    """
    for attempt in (1, 2):
        now = session(inbox)
        sent = {"authorization": f"Bearer {now.access}", **(CHAT if chat else {}), **(headers or {})}
        told = ask("Bluesky", method, f"{now.base or base_of(inbox)}/xrpc/{name}", once=once, headers=sent, **more)
        if told.fine:
            return mapping(told.body)
        error = refusal(told, once=once)
        if error.kind is not ErrorKind.AUTH_EXPIRED or attempt == 2:
            raise error
        sessions.drop(credentials(inbox), now)
    raise AssertionError("unreachable")


def refusal(told: Told, *, once: bool = False) -> ChannelError:
    """What an answer that is no success means; the server's words are kept."""
    body = mapping(told.body)
    name = words(body.get("error"), 80)
    said = one_line(words(body.get("message"), 300), 300) or name or f"Bluesky answered {told.status}."
    kind = _kind(told.status, name, said.lower(), once=once)
    after = rest(told.headers, RESET) if kind is ErrorKind.RATE_LIMITED else None
    return ChannelError(kind, said, retry_after=after, code=name or str(told.status))


def _kind(status: int, name: str, said: str, *, once: bool) -> ErrorKind:
    if status >= 500:
        return ErrorKind.UNKNOWN_OUTCOME if once else ErrorKind.TRANSIENT
    if status == 429:
        return ErrorKind.RATE_LIMITED
    if status < 429:
        for parts, kind in SAID:
            if any(part in said for part in parts) and name not in ("RateLimitExceeded", "ExpiredToken"):
                return kind
    if name in ERRORS:
        return ERRORS[name]
    by_status = {
        401: ErrorKind.AUTH_EXPIRED,
        403: ErrorKind.PERMISSION,
        404: ErrorKind.TARGET_DELETED,
        408: ErrorKind.TRANSIENT,
        425: ErrorKind.TRANSIENT,
    }
    return by_status.get(status, ErrorKind.INVALID)
