"""Who calls: a bearer token with a role."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from parlour.staff import queries
from parlour.staff.models import Token


class Request(HttpRequest):
    """A request whose token was recognised."""

    auth: Token


class BearerToken(HttpBearer):
    """``Authorization: Bearer <token>``, a token made with ``parlour token add``."""

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:  # noqa: ARG002 - Ninja names it
        # Our tokens are ASCII; anything else cannot be one, and may not even be encodable.
        return queries.token_of(token) if token.isascii() else None
