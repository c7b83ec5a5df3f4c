from __future__ import annotations

from typing import Any

from parlour.channels.api import signature
from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

SECRET = "whsec_c2FtcGxlLXNlY3JldC1vZi10aGlydHktYnl0ZXM="  # noqa: S105
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=4,
    key="sample",
    channel="api",
    settings={"secret": SECRET, "callback_url": "http://127.0.0.1:9/callback"},
)
BODIES = list(FIXTURES.values())
OUR_ECHO: bytes | None = None
HUNG_UP = ErrorKind.TRANSIENT
"""Sending again is safe here: the receiver knows a repetition by its webhook-id."""


def sign(body: bytes) -> dict[str, str]:
    return signature.headers(SECRET, "msg_sample", body)


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="It is on its way.",
        visibility=visibility,
        mode="reply",
        thread="order-77",
        address="",
        target="shop-1001",
        author="cust-7",
        reference="ref-1",
    )


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (301, {}, ErrorKind.INVALID),
    (400, {"error": "no such thread"}, ErrorKind.INVALID),
    (401, {}, ErrorKind.INVALID),
    (404, {}, ErrorKind.INVALID),
    (410, {}, ErrorKind.POLICY_BLOCK),
    (429, {}, ErrorKind.RATE_LIMITED),
    (502, {}, ErrorKind.RATE_LIMITED),
    (504, {}, ErrorKind.RATE_LIMITED),
    (500, {}, ErrorKind.TRANSIENT),
    (503, {}, ErrorKind.TRANSIENT),
]
LONG: list[tuple[Visibility, str]] = [("public", "x" * 50_001), ("private", "x" * 50_001)]
