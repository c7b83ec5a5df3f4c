from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.facebook.tests.sample import refusal
from parlour.channels.tests.samples import fixtures
from parlour.lib import clock
from parlour.lib.signing import hex_signature

IG = "17841400000000777"
CUSTOMER = "990001"
MEDIA = "18100"
SECRET = "app-secret-of-the-sample"  # noqa: S105
FIXTURES = fixtures(__file__)
CONFIG = InboxConfig(
    id=1,
    key="sample",
    channel="instagram",
    settings={
        "ig_id": IG,
        "login": "instagram",
        "app_secret": SECRET,
        "verify_token": "verify-me",
        "access_token": "IGAA-token",
        "username": "luma.phones",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["echo"]


def sign(body: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": hex_signature(SECRET, body)}


def outbound(visibility: Visibility) -> Outbound:
    public = visibility == "public"
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"{MEDIA}/{CUSTOMER}" if public else CUSTOMER,
        address="" if public else CUSTOMER,
        target="17900" if public else "aWd_1",
        author=CUSTOMER,
        reference="ref-1",
        last_inbound_at=clock.now(),
    )


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, refusal(100, 33), ErrorKind.TARGET_DELETED),
    (400, refusal(100), ErrorKind.INVALID),
    (401, refusal(190), ErrorKind.AUTH_EXPIRED),
    (403, refusal(10), ErrorKind.PERMISSION),
    (400, refusal(200), ErrorKind.PERMISSION),
    (400, refusal(4), ErrorKind.RATE_LIMITED),
    (400, refusal(613), ErrorKind.RATE_LIMITED),
    (400, refusal(368), ErrorKind.POLICY_BLOCK),
    (500, refusal(2), ErrorKind.TRANSIENT),
    (429, {}, ErrorKind.RATE_LIMITED),
    (500, {}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {}, ErrorKind.UNKNOWN_OUTCOME),
]
LONG: list[tuple[Visibility, str]] = [("public", "ж" * 2201), ("private", "ж" * 501)]
