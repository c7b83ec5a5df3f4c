from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures
from parlour.lib.signing import hex_signature

PAGE = "700100200"
POST = "700100200_9001"
SECRET = "app-secret-of-the-sample"  # noqa: S105
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=1,
    key="sample",
    channel="facebook",
    settings={
        "page_id": PAGE,
        "app_secret": SECRET,
        "verify_token": "verify-me",
        "access_token": "EAAB-token",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["page_reply"]


def sign(body: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": hex_signature(SECRET, body)}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="private_reply" if visibility == "private" else "reply",
        thread=f"{POST}/5550001",
        address="",
        target="9001_1",
        author="5550001",
        reference="ref-1",
    )


def refusal(code: int, subcode: int | None = None) -> dict[str, Any]:
    said = {"message": f"(#{code}) No.", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    return {"error": said if subcode is None else {**said, "error_subcode": subcode}}


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, refusal(100, 33), ErrorKind.TARGET_DELETED),
    (400, refusal(100), ErrorKind.INVALID),
    (400, refusal(10900), ErrorKind.ALREADY_REPLIED),
    (400, refusal(10902), ErrorKind.ALREADY_REPLIED),
    (401, refusal(190, 463), ErrorKind.AUTH_EXPIRED),
    (403, refusal(10), ErrorKind.PERMISSION),
    (403, refusal(200), ErrorKind.PERMISSION),
    (403, refusal(299), ErrorKind.PERMISSION),
    (400, refusal(4), ErrorKind.RATE_LIMITED),
    (400, refusal(17), ErrorKind.RATE_LIMITED),
    (400, refusal(32), ErrorKind.RATE_LIMITED),
    (400, refusal(613), ErrorKind.RATE_LIMITED),
    (400, refusal(80001), ErrorKind.RATE_LIMITED),
    (400, refusal(368), ErrorKind.POLICY_BLOCK),
    (500, refusal(1), ErrorKind.TRANSIENT),
    (503, refusal(2), ErrorKind.TRANSIENT),
    (500, refusal(987654), ErrorKind.UNKNOWN_OUTCOME),
    (400, refusal(987654), ErrorKind.INVALID),
    (400, {"error": {"message": "Try again.", "code": 987654, "is_transient": True}}, ErrorKind.TRANSIENT),
    (502, {}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {}, ErrorKind.UNKNOWN_OUTCOME),
    (200, refusal(190), ErrorKind.AUTH_EXPIRED),
    (200, {"id": {}}, ErrorKind.UNKNOWN_OUTCOME),
    (302, {}, ErrorKind.INVALID),
    (404, {}, ErrorKind.INVALID),
    (429, {}, ErrorKind.RATE_LIMITED),
    (400, {"error": {"code": [], "message": {}}}, ErrorKind.INVALID),
    (400, {"error": "no"}, ErrorKind.INVALID),
]
LONG: list[tuple[Visibility, str]] = [("public", "ж" * 8001), ("private", "x" * 2001)]
