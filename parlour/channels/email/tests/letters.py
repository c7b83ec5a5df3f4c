"""Mails for the tests: made of a few headers, and read as the channel reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from parlour.channels.contract import Inbound, InboxConfig
from parlour.channels.email.channel import channel
from parlour.channels.email.envelope import Envelope, split_of
from parlour.channels.email.tests.sample import ARRIVED, CONFIG

RECEIVED = datetime.fromtimestamp(ARRIVED, UTC) + timedelta(minutes=5)

CHECKED = replace(CONFIG, settings={**CONFIG.settings, "authserv_id": "mx.luma.example"})
"""An inbox that believes its own server about who sent a mail."""


def parsed(body: bytes, config: InboxConfig = CONFIG) -> Inbound:
    (inbound,) = channel.parse(body, config, RECEIVED)
    return inbound


def mail(
    text: str = "Hello.", folder: str = "inbox", copy: Any = False, config: Any = CONFIG, **headers: str
) -> Inbound:
    """A mail of Ana's with ``headers`` over the usual ones (underscores are dashes)."""
    told = {
        "From": "Ana <ana@mail.example>",
        "To": "help@luma.example",
        "Subject": "Hello",
        "Message-ID": "<m@mail.example>",
        "Content-Type": "text/plain; charset=utf-8",
    }
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value).encode() + b"\r\n" + text.encode()
    return parsed(split_of(Envelope(folder, raw, 1, 7, ARRIVED, len(raw), copy)).body, config)
