"""Signatures over raw bytes. Comparison is always in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac


def hmac_sha256(key: str | bytes, body: bytes) -> bytes:
    return hmac.new(key.encode() if isinstance(key, str) else key, body, hashlib.sha256).digest()


def hex_signature(key: str | bytes, body: bytes) -> str:
    """``sha256=<lowercase hex>``, as Meta signs."""
    return "sha256=" + hmac_sha256(key, body).hex()


def base64_signature(key: str | bytes, body: bytes) -> str:
    """``sha256=<base64>``, as X signs."""
    return "sha256=" + base64.b64encode(hmac_sha256(key, body)).decode()


def same(expected: str, given: str) -> bool:
    """Whether two signatures agree; text that is not ASCII never does."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))


def webhook_signature(secret: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64>`` over ``identity.timestamp.body``, as standardwebhooks.com has it."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac_sha256(secret, signed)).decode()
