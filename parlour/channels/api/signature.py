"""Signatures of Standard Webhooks 1.0.0: base64 of HMAC-SHA256 over ``<id>.<timestamp>.<body>``, over the raw bytes."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping

from parlour.lib import clock, signing

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
_ID = re.compile(r"[!-~]{1,256}")
_MAX_SIGNATURES = 16


class SignatureError(Exception):
    """The headers do not prove who sent the body; the words say why."""


def new_secret() -> str:
    """A fresh ``whsec_`` secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key in a ``whsec_`` secret. Raises ValueError with a sentence."""
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if encoded == secret or not 24 <= len(key) <= 64:
        raise ValueError("It is whsec_ followed by the base64 of 24 to 64 random bytes.")
    return key


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    signed = signing.hmac_sha256(key_of(secret), f"{message_id}.{timestamp}.".encode() + body)
    return "v1," + base64.b64encode(signed).decode()


def headers(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """The headers that prove ``body`` to its receiver, as of now."""
    timestamp = int(clock.now().timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }


def verify(secret: str, given: Mapping[str, str], body: bytes) -> None:
    """Return when a signature fits and the timestamp is within five minutes of now, else raise SignatureError."""
    try:
        key_of(secret)
    except ValueError as error:
        raise SignatureError("This inbox has no usable secret.") from error
    message_id, told, listed = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not message_id or not told or not listed:
        raise SignatureError("The headers webhook-id, webhook-timestamp and webhook-signature are needed.")
    if not _ID.fullmatch(message_id) or not (told.isascii() and told.isdecimal() and len(told) <= 12):
        raise SignatureError("The header webhook-id or webhook-timestamp is malformed.")
    if abs(clock.now().timestamp() - int(told)) > TOLERANCE_SECONDS:
        raise SignatureError("The timestamp is more than five minutes away from this server's clock.")
    expected = signature(secret, message_id, int(told), body)
    # While keys are being changed there are several, separated by spaces; versions other than v1 are not ours.
    if not any(signing.same(expected, one) for one in listed.split(" ")[:_MAX_SIGNATURES]):
        raise SignatureError("No signature fits the body.")
