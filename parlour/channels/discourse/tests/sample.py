from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures
from parlour.lib import signing

SECRET = "sample-webhook-secret"  # noqa: S105
BASE = "https://forum.example"
CUSTOMER = "501"
FIXTURES = fixtures(__file__)
CONFIG = InboxConfig(
    id=12,
    key="sample",
    channel="discourse",
    settings={
        "api_base": BASE,
        "api_username": "luma_help",
        "api_key": "f00dfacefeed0123456789",
        "webhook_secret": SECRET,
        "categories": "",
        "staff": "brand",
    },
)
BODIES = list(FIXTURES.values())
"""As ``decode`` hands them on: with the event's name, which comes in a header."""
OUR_ECHO: bytes | None = FIXTURES["post_ours"]


def sign(body: bytes) -> dict[str, str]:
    return {"x-discourse-event-signature": signing.hex_signature(SECRET, body)}


def outbound(visibility: Visibility) -> Outbound:
    public = visibility == "public"
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"77/{CUSTOMER}" if public else "80",
        address="77" if public else CUSTOMER,
        target="77:3" if public else "80:1",
        author=CUSTOMER,
        reference="ref-1",
    )


def refusal(words: str, kind: str = "", **extras: int) -> dict[str, Any]:
    told: dict[str, Any] = {"errors": [words]}
    told |= {"error_type": kind} if kind else {"action": "create_post"}
    return {**told, "extras": extras} if extras else told


_KEY = "You are not permitted to view the requested resource. The API username or key is invalid."
_SIMILAR = "Body is too similar to what you recently posted"
ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (403, refusal(_KEY, "invalid_access"), ErrorKind.AUTH_EXPIRED),
    (
        403,
        refusal("You are not permitted to view the requested resource.", "invalid_access"),
        ErrorKind.PERMISSION,
    ),
    (404, refusal("The requested URL or resource could not be found.", "not_found"), ErrorKind.TARGET_DELETED),
    (410, {}, ErrorKind.TARGET_DELETED),
    (422, refusal("Body is too short (minimum is 20 characters)"), ErrorKind.INVALID),
    (422, refusal("Body is limited to 32000 characters; you entered 32050."), ErrorKind.TOO_LONG),
    (422, refusal(_SIMILAR), ErrorKind.INVALID),
    (422, refusal("Sorry, you cannot send a personal message to that user."), ErrorKind.RECIPIENT_UNAVAILABLE),
    (422, refusal("This topic is closed"), ErrorKind.PERMISSION),
    (
        429,
        refusal("You’ve performed this action too many times.", "rate_limit", wait_seconds=8),
        ErrorKind.RATE_LIMITED,
    ),
    (429, {}, ErrorKind.RATE_LIMITED),
    (301, {}, ErrorKind.INVALID),
    (500, {}, ErrorKind.UNKNOWN_OUTCOME),
    (502, {}, ErrorKind.UNKNOWN_OUTCOME),
    (503, {}, ErrorKind.TRANSIENT),
    (200, {"success": True, "action": "enqueued", "pending_count": 1}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {"id": 5}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {}, ErrorKind.UNKNOWN_OUTCOME),
]
LONG: list[tuple[Visibility, str]] = [("public", "x" * 32_001), ("private", "x" * 32_001)]
