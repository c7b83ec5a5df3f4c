from __future__ import annotations

from dataclasses import replace
from typing import Any

from parlour.channels.contract import ErrorKind, Outbound, Visibility
from parlour.channels.facebook.tests import sample as facebook
from parlour.channels.tests.samples import fixtures
from parlour.lib import clock

PAGE = facebook.PAGE
CUSTOMER = "5550001"
FIXTURES = fixtures(__file__)
CONFIG = replace(facebook.CONFIG, id=2, channel="messenger")
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["echo"]
sign = facebook.sign
refusal = facebook.refusal


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=CUSTOMER,
        address=CUSTOMER,
        target="m_1",
        author=CUSTOMER,
        reference="ref-1",
        last_inbound_at=clock.now(),
    )


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, refusal(10, 2018278), ErrorKind.WINDOW_CLOSED),
    (400, refusal(10, 2018065), ErrorKind.WINDOW_CLOSED),
    (400, refusal(10, 1545041), ErrorKind.WINDOW_CLOSED),
    (400, refusal(10, 2018108), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(10, 1893063), ErrorKind.POLICY_BLOCK),
    (400, refusal(551, 1545041), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(200, 1545041), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(200, 2018028), ErrorKind.PERMISSION),
    (400, refusal(230), ErrorKind.PERMISSION),
    (400, refusal(100, 2018001), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, refusal(100, 2018109), ErrorKind.INVALID),
    (400, refusal(100), ErrorKind.INVALID),
    (401, refusal(190, 1234567), ErrorKind.AUTH_EXPIRED),
    (400, refusal(4, 2018022), ErrorKind.RATE_LIMITED),
    (400, refusal(613), ErrorKind.RATE_LIMITED),
    (500, refusal(1200), ErrorKind.TRANSIENT),
    (500, refusal(2), ErrorKind.TRANSIENT),
    (400, refusal(368), ErrorKind.POLICY_BLOCK),
    (400, refusal(10303), ErrorKind.INVALID),
    (500, {}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {"recipient_id": CUSTOMER}, ErrorKind.UNKNOWN_OUTCOME),
]
LONG: list[tuple[Visibility, str]] = [("private", "x" * 2001)]
