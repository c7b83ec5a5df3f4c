"""What every channel's ``tests/sample.py`` offers to the shared contract tests, and how it is found."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility


class Sample(Protocol):
    CONFIG: InboxConfig
    BODIES: list[bytes]
    """Webhook bodies, every kind of event among them, no event twice in one body."""
    OUR_ECHO: bytes | None
    """A body with nothing but what we said ourselves; None where the platform sends none."""
    ERRORS: list[tuple[int, dict[str, Any], ErrorKind]]
    """Answers of the platform to sending ``outbound`` (in public if the channel can), and what they mean."""
    LONG: list[tuple[Visibility, str]]
    """Texts just over the limit."""

    def sign(self, body: bytes) -> Mapping[str, str]:
        """The headers of an authentic request, names in lower case; not needed of channels without webhooks."""

    def outbound(self, visibility: Visibility) -> Outbound:
        """A short answer that may be sent."""


def sample(channel: str) -> Sample:
    return cast(Sample, import_module(f"parlour.channels.{channel}.tests.sample"))


def fixtures(test_file: str) -> dict[str, bytes]:
    """The fixtures of the channel a test file belongs to, by name without ``.json``."""
    folder = Path(test_file).parent.parent / "fixtures"
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.json"))}


def recorded(folder: str) -> list[Path]:
    """Recorded payloads beside the repository; none when that folder is absent."""
    return sorted((Path(__file__).parents[4] / "shared" / "payloads" / folder).glob("*.json"))
