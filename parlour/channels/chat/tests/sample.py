from __future__ import annotations

from typing import Any

from parlour.channels.chat import visitors
from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

SECRET = "a-sample-secret-of-more-than-thirty-two-letters"  # noqa: S105
FIXTURES = fixtures(__file__)
CONFIG = InboxConfig(
    id=9,
    key="sample-chat",
    channel="chat",
    settings={
        "origins": "https://www.luma.example",
        "secret": SECRET,
        "hours": "mon-fri 09:00-17:00",
        "timezone": "Europe/Berlin",
        "colour": "#0f6b5f",
        "language": "auto",
        "per_minute": "600",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO: bytes | None = None
BODY_SIGNED = False
"""The token says who speaks; the transport keeps the words as they are."""
PLATFORM = False
"""Nothing is asked of anybody when an answer goes out: visitors read it in the desk."""
TOKEN = visitors.seal(CONFIG, visitors.somebody())


def sign(body: bytes) -> dict[str, str]:  # noqa: ARG001 - the token says who, whatever they say
    return {"authorization": f"Bearer {TOKEN}"}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="Yes, until Sunday.",
        visibility=visibility,
        mode="reply",
        thread="visitor:kM2x9ZpQ7rT4vB1n",
        address="visitor:kM2x9ZpQ7rT4vB1n",
        target="abc/0f8b2c1e",
        author="visitor:kM2x9ZpQ7rT4vB1n",
        reference="ref-1",
    )


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = []
LONG: list[tuple[Visibility, str]] = [("private", "x" * 10_001)]
