"""A platform where somebody signs in and lets an application in: OAuth 2.0, authorization code with PKCE. Whoever is sent here consents at
once; what is wrong with the request is told as platforms do."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from parlour.playground.web import Reply, Request, html_reply, json_reply


class Consent:
    """``clients``: id -> secret. ``access`` and ``refresh`` are what a sign-in gives; ``refresh`` may be ''."""

    def __init__(self, access: str, refresh: str = "") -> None:
        self.clients: dict[str, str] = {}
        self.backs: dict[str, str] = {}
        """Client -> the only address it may be sent back to, where it has told one."""
        self.access = access
        self.refresh = refresh
        self.refuses = False
        """Whether people press "No"."""
        self.asked: dict[str, str] = {}
        """The latest authorization request."""
        self._codes: dict[str, Mapping[str, str]] = {}

    def register(self, request: Request) -> Reply:
        """A new client, as Mastodon makes one."""
        told = request.form()
        if not told.get("client_name") or not told.get("redirect_uris"):
            return json_reply({"error": "Validation failed: Application name can't be blank"}, 422)
        client_id = secrets.token_urlsafe(16)
        self.clients[client_id] = secrets.token_urlsafe(24)
        self.backs[client_id] = told["redirect_uris"]
        return json_reply({"id": "1", "client_id": client_id, "client_secret": self.clients[client_id]})

    def authorize(self, request: Request) -> Reply:
        """To where the client wants people back, with a code; a client nobody knows is told so here."""
        told = self.asked = dict(request.query)
        client_id, back = told.get("client_id", ""), told.get("redirect_uri", "")
        if client_id not in self.clients or back != self.backs.get(client_id, back) or not back:
            return html_reply("<p>The client is not known, or may not be sent there.</p>", 400)
        answer = {"state": told.get("state", "")}
        if self.refuses:
            answer |= {"error": "access_denied", "error_description": "The resource owner denied the request."}
        else:
            code = secrets.token_urlsafe(12)
            self._codes[code] = told
            answer["code"] = code
        return Reply(302, b"", {"location": f"{back}?{urlencode(answer)}"})

    def token(self, request: Request) -> Reply:
        """Tokens for a code, which is good once, or for the refresh token."""
        told = request.form()
        if self.clients.get(told.get("client_id", "")) != told.get("client_secret"):
            return json_reply({"error": "invalid_client", "error_description": "Client authentication failed."}, 401)
        if told.get("grant_type") == "refresh_token":
            fine = bool(self.refresh) and told.get("refresh_token") == self.refresh
        else:
            fine = self._fits(told)
        if not fine:
            return json_reply({"error": "invalid_grant", "error_description": "The grant has expired."}, 400)
        answer = {"access_token": self.access, "token_type": "Bearer"}
        first = told.get("grant_type") != "refresh_token"
        return json_reply({**answer, "refresh_token": self.refresh} if self.refresh and first else answer)

    def _fits(self, told: Mapping[str, str]) -> bool:
        began = self._codes.pop(told.get("code", ""), None)
        if began is None or any(told.get(name) != began.get(name) for name in ("client_id", "redirect_uri")):
            return False
        digest = hashlib.sha256(told.get("code_verifier", "").encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == began.get("code_challenge")
