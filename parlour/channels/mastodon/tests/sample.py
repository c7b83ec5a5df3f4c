from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

US, ANA = "109000000000000001", "109000000000000042"
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=21,
    key="sample",
    channel="mastodon",
    settings={
        "api_base": "http://127.0.0.1:9",
        "access_token": "token-of-the-sample",
        "search": "luma, #LumaPhone",
        "max_characters": "500",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["own_reply"]
HUNG_UP = ErrorKind.TRANSIENT
"""Sending again is safe here: the server knows a repetition by its Idempotency-Key for an hour."""


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"1101/{ANA}" if visibility == "public" else f"direct:{ANA}",
        address=ANA,
        target="1101",
        author=ANA,
        reference="ref-1",
    )


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (401, {"error": "The access token is invalid"}, ErrorKind.AUTH_EXPIRED),
    (403, {"error": "This action is not allowed"}, ErrorKind.PERMISSION),
    (404, {"error": "Record not found"}, ErrorKind.TARGET_DELETED),
    (410, {}, ErrorKind.TARGET_DELETED),
    (422, {"error": "Validation failed: Text can't be blank"}, ErrorKind.INVALID),
    (422, {"error": "Validation failed: Text character limit of 500 exceeded"}, ErrorKind.TOO_LONG),
    (429, {"error": "Too many requests"}, ErrorKind.RATE_LIMITED),
    (503, {"error": "Service Unavailable"}, ErrorKind.TRANSIENT),
    (500, {}, ErrorKind.TRANSIENT),
    (502, {}, ErrorKind.TRANSIENT),
    (302, {}, ErrorKind.INVALID),
    (200, {}, ErrorKind.TRANSIENT),
]
LONG: list[tuple[Visibility, str]] = [
    ("public", "x" * 461),
    ("public", "👩‍👩‍👧" * 461),
    ("private", "https://luma.example/" + "x" * 100 + " y" * 219),
]
