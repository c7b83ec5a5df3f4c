from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.sms import signature
from parlour.channels.tests.samples import fixtures

ACCOUNT = "AC00000000000000000000000000000001"
ANA = "+4915550100200"
NUMBER = "+4915799900100"
TOKEN = "auth-token-of-the-sample"  # noqa: S105
URL = "https://desk.example.com/in/sms/sample"
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=6,
    key="sample",
    channel="sms",
    settings={
        "account_sid": ACCOUNT,
        "auth_token": TOKEN,
        "number": NUMBER,
        "public_url": URL,
        "shared_key_id": "SK1",
        "shared_key_secret": "shared-secret-of-the-sample",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["sent_by_us"]


def wire(body: bytes) -> bytes:
    """Twilio posts forms."""
    told = orjson.loads(body)
    return urlencode(told).encode() if "message" not in told else body


def sign(body: bytes) -> dict[str, str]:
    return {"x-twilio-signature": signature.sign(TOKEN, URL, signature.form(body))}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"{NUMBER}|{ANA}",
        address=ANA,
        target="SM00000000000000000000000000000001",
        author=ANA,
        reference="ref-1",
    )


def refusal(code: int, status: int = 400) -> dict[str, Any]:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": f"No, says {code}.", "more_info": more, "status": status}


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, refusal(21610), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(21211), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(21612), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(21614), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(21408), ErrorKind.PERMISSION),
    (400, refusal(21606), ErrorKind.PERMISSION),
    (400, refusal(21617), ErrorKind.TOO_LONG),
    (400, refusal(21602), ErrorKind.INVALID),
    (401, refusal(20003), ErrorKind.AUTH_EXPIRED),
    (404, refusal(20404), ErrorKind.INVALID),
    (429, refusal(20429), ErrorKind.RATE_LIMITED),
    (429, {}, ErrorKind.RATE_LIMITED),
    (400, refusal(63016), ErrorKind.WINDOW_CLOSED),
    (400, refusal(987654), ErrorKind.INVALID),
    (400, {"code": "x", "message": {}}, ErrorKind.INVALID),
    (503, {}, ErrorKind.TRANSIENT),
    (500, {}, ErrorKind.UNKNOWN_OUTCOME),
    (500, refusal(20500), ErrorKind.TRANSIENT),
    (201, {"status": "queued"}, ErrorKind.UNKNOWN_OUTCOME),
    (201, {"sid": "SM1", "status": "failed", "error_code": 30007}, ErrorKind.POLICY_BLOCK),
]
LONG: list[tuple[Visibility, str]] = [("private", "x" * 1601)]
