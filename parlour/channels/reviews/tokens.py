"""Access tokens of the three stores, kept in memory until shortly before they end."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt
import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, OAuth
from parlour.channels.reviews import calls
from parlour.channels.reviews.fields import mapping

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
PLAY_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
BUSINESS_SCOPE = "https://www.googleapis.com/auth/business.manage"
AUDIENCE = "appstoreconnect-v1"
OAUTH = OAuth(
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="{token_url}",  # noqa: S106
    scopes=(BUSINESS_SCOPE,),
    settings={"refresh_token": "refresh_token"},
    extra={"access_type": "offline", "prompt": "consent"},
    at="Google",
)
APPLE_SECONDS = 900
SPARE = 60.0
"""Seconds before its end at which a token is replaced."""
MOST = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    until: float


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def service_account(inbox: InboxConfig, fresh: bool) -> str:
    """For Google Play: a token the service account asks for with a signed statement (RFC 7523). Raises ChannelError."""
    told = str(inbox.settings.get("service_account") or "")
    return _cached(inbox, told, fresh, lambda: _exchange(inbox, _statement(inbox, told)))


def team_key(inbox: InboxConfig, fresh: bool) -> str:
    """For the App Store: a token signed with the team's own key. Raises ChannelError."""
    settings = [str(inbox.settings.get(name) or "") for name in ("private_key", "key_id", "issuer_id")]
    key, key_id, issuer = settings

    def make() -> tuple[str, float]:
        if not all(settings):
            raise ChannelError(ErrorKind.AUTH_EXPIRED, "The App Store needs the key, its key ID and the issuer ID.")
        now = int(time.time())
        claims = {"iss": issuer, "iat": now, "exp": now + APPLE_SECONDS, "aud": AUDIENCE}
        try:
            return jwt.encode(claims, key, algorithm="ES256", headers={"kid": key_id}), APPLE_SECONDS
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise ChannelError(
                ErrorKind.AUTH_EXPIRED, "The private key cannot be read: it is the text of a .p8 file."
            ) from error

    return _cached(inbox, "\n".join(settings), fresh, make)


def signed_in(inbox: InboxConfig, fresh: bool) -> str:
    """For Google Business: a token got with the refresh token of whoever signed in. Raises ChannelError."""
    names = ("refresh_token", "client_id", "client_secret")
    values = {name: str(inbox.settings.get(name) or "") for name in names}

    def make() -> tuple[str, float]:
        if not values["refresh_token"] or not values["client_id"]:
            raise ChannelError(ErrorKind.AUTH_EXPIRED, "Nobody has signed in at Google for this inbox yet.")
        return _exchange(inbox, {"grant_type": "refresh_token", **values})

    return _cached(inbox, "\n".join(values.values()), fresh, make)


def key_problem(value: str) -> str | None:
    """What is wrong with the text of a service account's key file, None when nothing is."""
    if not value:
        return None
    try:
        told = mapping(orjson.loads(value))
    except orjson.JSONDecodeError:
        return "It is not JSON: paste the whole content of the key file."
    missing = [name for name in ("client_email", "private_key") if not isinstance(told.get(name), str)]
    return f"It lacks {' and '.join(missing)}: this is not a service account's key file." if missing else None


def _statement(inbox: InboxConfig, account: str) -> dict[str, str]:
    if not account or key_problem(account):
        raise ChannelError(ErrorKind.AUTH_EXPIRED, "Google Play needs the key file of a service account (JSON).")
    told, now = orjson.loads(account), int(time.time())
    claims = {
        "iss": told["client_email"],
        "scope": PLAY_SCOPE,
        "aud": _token_url(inbox),
        "iat": now,
        "exp": now + 3600,
    }
    kid = told.get("private_key_id")
    try:
        signed = jwt.encode(
            claims, told["private_key"], algorithm="RS256", headers={"kid": kid} if isinstance(kid, str) else None
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ChannelError(
            ErrorKind.AUTH_EXPIRED, "The private_key in the service account's key file cannot be read."
        ) from error
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}


def _exchange(inbox: InboxConfig, form: dict[str, str]) -> tuple[str, float]:
    status, headers, answer = calls.ask("POST", _token_url(inbox), form=form)
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if 200 <= status < 300 and isinstance(token, str) and token:
        return token, float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 3600.0
    refused = calls.refusal(status, headers, answer)
    if refused.permanent:
        # invalid_grant and the like: what Google was shown does not hold any more.
        raise ChannelError(ErrorKind.AUTH_EXPIRED, f"Google gives no access: {refused.words}", code=refused.code)
    raise refused


def _token_url(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("token_url") or "") or TOKEN_URL


def _cached(inbox: InboxConfig, credentials: str, fresh: bool, make: Callable[[], tuple[str, float]]) -> str:
    """Keyed by the credentials themselves: changed ones are used at once."""
    name = hashlib.sha256(
        f"{inbox.settings.get('token_url')}\n{inbox.settings.get('api_base')}\n{credentials}".encode()
    ).hexdigest()
    with _lock:
        kept = _kept.get(name)
    if kept is not None and not fresh and kept.until > time.monotonic():
        return kept.token
    token, seconds = make()
    with _lock:
        while len(_kept) >= MOST:
            del _kept[next(iter(_kept))]
        _kept[name] = _Kept(token, time.monotonic() + max(1.0, seconds - SPARE))
    return token
