"""Credentials at rest: a JSON object sealed with a key derived from ``PARLOUR_SECRET``."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unreadable(Exception):
    """The sealed value was made with another secret."""


@lru_cache(maxsize=4)
def _fernet(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"parlour.credentials:" + secret.encode()).digest()))


def seal(values: dict[str, Any]) -> str:
    """``values`` as an opaque string that only this installation's secret opens."""
    return _fernet(settings.SECRET_KEY).encrypt(orjson.dumps(values)).decode()


def unseal(sealed: str) -> dict[str, Any]:
    """What was sealed. Raises Unreadable when the secret has changed since."""
    try:
        opened: dict[str, Any] = orjson.loads(_fernet(settings.SECRET_KEY).decrypt(sealed.encode()))
    except InvalidToken as error:
        raise Unreadable("The stored credentials were sealed with another PARLOUR_SECRET.") from error
    return opened
