"""Connecting an account by signing in at its platform: OAuth 2.0, authorization code with PKCE."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from parlour.channels.contract import Channel, ChannelError, ErrorKind, InboxConfig, OAuth
from parlour.lib import http
from parlour.lib.text import one_line

NAME = "Parlour"
"""What people are shown when they are asked to let this desk in."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One sign-in that has begun: where to send the browser, and what must be known when it comes back."""

    address: str
    state: str
    verifier: str


def way(channel: Channel, settings: Mapping[str, Any]) -> OAuth | None:
    """How the account of an inbox with these ``settings`` is signed in to: None when it is not, or the client is not known yet."""
    oauth = channel.oauth
    if oauth is not None and oauth.by:
        oauth = oauth.others.get(str(settings.get(oauth.by)), oauth)
    if oauth is None or not (settings.get("client_id") or oauth.register):
        return None
    brought = [one for one in channel.settings if one.name in oauth.settings]
    return oauth if all(one.asked(settings) for one in brought) else None


def register(oauth: OAuth, inbox: InboxConfig, back: str) -> dict[str, str]:
    """The settings that name this desk as a client of the platform, from whom browsers come to ``back``. Raises ChannelError."""
    told = {"client_name": NAME, "redirect_uris": back, "scopes": " ".join(oauth.scopes)}
    answer = _asked(_filled(oauth.register, inbox), told, None, "client_id")
    return {name: str(answer[name]) for name in ("client_id", "client_secret") if answer.get(name)}


def begin(oauth: OAuth, inbox: InboxConfig, back: str) -> Journey:
    """Where an administrator signs in; the platform sends them back to ``back``."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": str(inbox.settings.get("client_id", "")),
        "redirect_uri": back,
        "scope": " ".join(oauth.scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **{name: _filled(value, inbox) for name, value in oauth.extra.items()},
    }
    return Journey(f"{_filled(oauth.authorize, inbox)}?{urlencode(asked)}", state, verifier)


def finish(oauth: OAuth, inbox: InboxConfig, back: str, verifier: str, code: str) -> dict[str, str]:
    """The settings that the platform gives for ``code``. Raises ChannelError."""
    told = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    answer = token(oauth, inbox, told)
    return {name: str(answer[field]) for name, field in oauth.settings.items() if answer.get(field)}


def token(oauth: OAuth, inbox: InboxConfig, told: Mapping[str, str]) -> dict[str, Any]:
    """One question to the platform's token endpoint. Raises ChannelError with its words."""
    client_id, secret = (str(inbox.settings.get(name, "")) for name in ("client_id", "client_secret"))
    basic = (client_id, secret) if oauth.basic and secret else None
    data = dict(told) if basic else {**told, "client_id": client_id, **({"client_secret": secret} if secret else {})}
    return _asked(_filled(oauth.token, inbox), data, basic, "access_token")


def _asked(address: str, data: Mapping[str, str], basic: tuple[str, str] | None, needed: str) -> dict[str, Any]:
    """The answer of a form, which holds ``needed``. Raises ChannelError."""
    try:
        response = http.request("POST", address, data=data, auth=basic, headers={"accept": "application/json"})
    except http.NoAnswer as error:
        raise ChannelError(ErrorKind.TRANSIENT, str(error)) from error
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if response.status_code != 200 or not isinstance(answer, dict) or not answer.get(needed):
        words = answer.get("error_description") or answer.get("error") if isinstance(answer, dict) else ""
        later = response.status_code >= 500 or response.status_code == 429
        kind = ErrorKind.TRANSIENT if later else ErrorKind.AUTH_EXPIRED
        raise ChannelError(kind, one_line(str(words or f"The platform answered {response.status_code}."), 300))
    return answer


def _filled(address: str, inbox: InboxConfig) -> str:
    """``{api_base}`` and the like in an address are settings of the inbox."""
    for name, value in inbox.settings.items():
        address = address.replace("{" + name + "}", str(value).rstrip("/"))
    return address
