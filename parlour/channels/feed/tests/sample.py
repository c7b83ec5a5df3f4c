from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

FIXTURES = fixtures(__file__)
CONFIG = InboxConfig(id=12, key="sample", channel="feed", settings={"url": "https://blog.example.com/feed.xml"})
BODIES = list(FIXTURES.values())
OUR_ECHO = None
ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = []
LONG: list[tuple[Visibility, str]] = []


def sign(body: bytes) -> Mapping[str, str]:  # noqa: ARG001
    return {}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound("Thank you!", visibility, "reply", "1", "", "1", "by:1", "ref-1")
