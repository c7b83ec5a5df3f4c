"""Mails of every kind, as the poll hands them over. The fixtures hold them as text; a mailbox holds bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.email.envelope import Envelope, pack
from parlour.channels.tests.samples import fixtures

HTTP = False
ARRIVED = 1_795_341_600.0
CONFIG = InboxConfig(
    id=31,
    key="sample",
    channel="email",
    settings={
        "address": "help@luma.example",
        "from_name": "Luma Help",
        "imap_host": "127.0.0.1",
        "imap_port": "9",
        "imap_security": "none",
        "smtp_host": "127.0.0.1",
        "smtp_port": "9",
        "smtp_security": "none",
        "password": "password-of-the-sample",
        "aliases": "sales@luma.example",
        "form_senders": "form@luma-shop.example",
    },
)


def body(folder: str, raw: bytes, uid: int = 1, **more: Any) -> bytes:
    """The raw event of one mail."""
    return pack(Envelope(folder, raw, 1, uid, ARRIVED, len(raw), **more))


def _read(content: bytes, uid: int) -> bytes:
    told = orjson.loads(content)
    raw = "\r\n".join(told["lines"]).encode(told.get("charset", "utf-8"))
    return body(told["folder"], raw, uid)


FIXTURES = {name: _read(content, uid) for uid, (name, content) in enumerate(fixtures(__file__).items(), 1)}
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["own_answer"]
ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = []
LONG: list[tuple[Visibility, str]] = [("private", "x" * 50_001)]


def sign(_: bytes) -> Mapping[str, str]:
    return {}


def outbound(visibility: Visibility) -> Outbound:
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread="m1@mail.example 0123456789ab",
        address="ana@mail.example",
        target="m1@mail.example",
        author="ana@mail.example",
        reference="p" + "0" * 32,
        subject="Where is my parcel?",
        references=("m1@mail.example",),
    )
