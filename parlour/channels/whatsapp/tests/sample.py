from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures
from parlour.lib import clock
from parlour.lib.signing import hex_signature

NUMBER = "700500300100"
ACCOUNT = "900800700"
ANA = "DE.77001122334455"
PHONE = "4915550100"
SECRET = "app-secret-of-the-sample"  # noqa: S105
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=5,
    key="sample",
    channel="whatsapp",
    settings={
        "phone_number_id": NUMBER,
        "business_account_id": ACCOUNT,
        "app_secret": SECRET,
        "verify_token": "verify-me",
        "access_token": "EAAB-token-of-the-sample",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["sent_by_us"]


def sign(body: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": hex_signature(SECRET, body)}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=ANA,
        address=PHONE,
        target="wamid.IN1",
        author=ANA,
        reference="ref-1",
        last_inbound_at=clock.now(),
    )


def refusal(code: int, details: str = "") -> dict[str, Any]:
    data = {"error_data": {"messaging_product": "whatsapp", "details": details}} if details else {}
    return {"error": {"message": f"(#{code}) No.", "type": "OAuthException", "code": code, **data, "fbtrace_id": "A1"}}


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, refusal(131047), ErrorKind.WINDOW_CLOSED),
    (400, refusal(131026), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(131050), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(131030), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(131062), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(131049), ErrorKind.POLICY_BLOCK),
    (403, refusal(131031), ErrorKind.POLICY_BLOCK),
    (403, refusal(368), ErrorKind.POLICY_BLOCK),
    (403, refusal(130497), ErrorKind.POLICY_BLOCK),
    (400, refusal(131048), ErrorKind.POLICY_BLOCK),
    (400, refusal(131042), ErrorKind.POLICY_BLOCK),
    (429, refusal(130429), ErrorKind.RATE_LIMITED),
    (400, refusal(80007), ErrorKind.RATE_LIMITED),
    (400, refusal(4), ErrorKind.RATE_LIMITED),
    (400, refusal(131056), ErrorKind.TRANSIENT),
    (500, refusal(131000), ErrorKind.TRANSIENT),
    (503, refusal(131016), ErrorKind.TRANSIENT),
    (503, refusal(131057), ErrorKind.TRANSIENT),
    (403, refusal(131005), ErrorKind.PERMISSION),
    (403, refusal(10), ErrorKind.PERMISSION),
    (403, refusal(200), ErrorKind.PERMISSION),
    (401, refusal(190), ErrorKind.AUTH_EXPIRED),
    (401, refusal(0), ErrorKind.AUTH_EXPIRED),
    (400, refusal(100, "Message must be a template message."), ErrorKind.INVALID),
    (400, refusal(131008), ErrorKind.INVALID),
    (400, refusal(131009), ErrorKind.INVALID),
    (400, refusal(131021), ErrorKind.INVALID),
    (404, refusal(132001), ErrorKind.INVALID),
    (400, refusal(132005), ErrorKind.TOO_LONG),
    (500, {}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {"messages": []}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {"messages": [{"id": 5}]}, ErrorKind.UNKNOWN_OUTCOME),
]
LONG: list[tuple[Visibility, str]] = [("private", "x" * 4097)]
