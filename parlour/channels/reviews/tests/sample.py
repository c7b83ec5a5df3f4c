from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

REVIEW = "00000033-1f2e-4b5c-9d6a-000000000001"
FIXTURES = fixtures(__file__)
TEAM_KEY = ec.generate_private_key(ec.SECP256R1())
CONFIG = InboxConfig(
    id=11,
    key="sample",
    channel="reviews",
    settings={
        "store": "appstore",
        "app": "1234567890",
        "key_id": "2X9R4HXF34",
        "issuer_id": "57246542-96fe-1a63-e053-0824d011072a",
        "private_key": TEAM_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "service_account": "",
        "client_secret": "",
        "refresh_token": "",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["play_reply"]
HUNG_UP = ErrorKind.TRANSIENT
"""An answer that is given again replaces itself."""


def sign(body: bytes) -> Mapping[str, str]:  # noqa: ARG001
    return {}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are sorry to hear it.",
        visibility=visibility,
        mode="reply",
        thread=REVIEW,
        address="",
        target=REVIEW,
        author=f"review:{REVIEW}",
        reference="ref-1",
    )


def apple(code: str, detail: str = "No.") -> dict[str, Any]:
    return {"errors": [{"id": "1", "status": "400", "code": code, "title": "Refused", "detail": detail}]}


def google(status: str, message: str = "No.", reason: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {"code": 400, "message": message, "status": status}
    return {"error": {**told, "errors": [{"message": message, "reason": reason}]} if reason else told}


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, apple("PARAMETER_ERROR.INVALID"), ErrorKind.INVALID),
    (400, google("INVALID_ARGUMENT", "Reply text is too long."), ErrorKind.TOO_LONG),
    (401, apple("NOT_AUTHORIZED"), ErrorKind.AUTH_EXPIRED),
    (401, {}, ErrorKind.AUTH_EXPIRED),
    (403, apple("FORBIDDEN_ERROR"), ErrorKind.PERMISSION),
    (403, google("PERMISSION_DENIED", "No.", "quotaExceeded"), ErrorKind.RATE_LIMITED),
    (404, apple("NOT_FOUND"), ErrorKind.TARGET_DELETED),
    (404, google("NOT_FOUND"), ErrorKind.TARGET_DELETED),
    (409, apple("STATE_ERROR"), ErrorKind.TRANSIENT),
    (422, apple("ENTITY_UNPROCESSABLE"), ErrorKind.INVALID),
    (429, apple("RATE_LIMIT_EXCEEDED"), ErrorKind.RATE_LIMITED),
    (429, google("RESOURCE_EXHAUSTED"), ErrorKind.RATE_LIMITED),
    (500, {}, ErrorKind.TRANSIENT),
    (503, google("UNAVAILABLE"), ErrorKind.TRANSIENT),
    (302, {}, ErrorKind.INVALID),
]
LONG: list[tuple[Visibility, str]] = [("public", "x" * 5971)]
