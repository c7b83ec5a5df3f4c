from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

TOKEN = "900100:AAsample-token-of-a-bot-that-is-not"  # noqa: S105
SECRET = "sample-secret-token_77"  # noqa: S105
CUSTOMER = "700100200"
GROUP = "-1001230001"
FIXTURES = fixtures(__file__)
CONFIG = InboxConfig(
    id=11,
    key="sample",
    channel="telegram",
    settings={
        "bot_token": TOKEN,
        "username": "LumaSampleBot",
        "mode": "webhook",
        "secret_token": SECRET,
        "groups": "addressed",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO: bytes | None = FIXTURES["business_echo"]
BODY_SIGNED = False
"""A secret comes in a header; nothing is computed over the body."""
IN_ADDRESSES = ("bot_token",)
"""The Bot API takes the token nowhere else."""


def sign(body: bytes) -> dict[str, str]:  # noqa: ARG001
    return {"x-telegram-bot-api-secret-token": SECRET}


def outbound(visibility: Visibility) -> Outbound:
    public = visibility == "public"
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"{GROUP}/7/{CUSTOMER}" if public else CUSTOMER,
        address=f"{GROUP}/7" if public else CUSTOMER,
        target=f"{GROUP}:501" if public else f"{CUSTOMER}:11",
        author=CUSTOMER,
        reference="ref-1",
    )


def refusal(code: int, words: str, **parameters: int) -> dict[str, Any]:
    told: dict[str, Any] = {"ok": False, "error_code": code, "description": words}
    return {**told, "parameters": parameters} if parameters else told


_SAID = (
    (401, "Unauthorized", ErrorKind.AUTH_EXPIRED),
    (404, "Not Found", ErrorKind.AUTH_EXPIRED),
    (403, "Forbidden: bot was blocked by the user", ErrorKind.RECIPIENT_UNAVAILABLE),
    (403, "Forbidden: user is deactivated", ErrorKind.RECIPIENT_UNAVAILABLE),
    (403, "Forbidden: bot can't initiate conversation with a user", ErrorKind.RECIPIENT_UNAVAILABLE),
    (403, "Forbidden: bot was kicked from the supergroup chat", ErrorKind.PERMISSION),
    (400, "Bad Request: not enough rights to send text messages to the chat", ErrorKind.PERMISSION),
    (400, "Bad Request: chat not found", ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, "Bad Request: message to be replied not found", ErrorKind.TARGET_DELETED),
    (400, "Bad Request: reply message not found", ErrorKind.TARGET_DELETED),
    (400, "Bad Request: message thread not found", ErrorKind.TARGET_DELETED),
    (400, "Bad Request: message is too long", ErrorKind.TOO_LONG),
    (400, "Bad Request: can't parse entities", ErrorKind.INVALID),
    (400, "Bad Request: BUSINESS_PEER_INVALID", ErrorKind.WINDOW_CLOSED),
    (413, "Request Entity Too Large", ErrorKind.TOO_LONG),
    (429, "Too Many Requests: retry after 3", ErrorKind.RATE_LIMITED),
    (500, "Internal Server Error", ErrorKind.UNKNOWN_OUTCOME),
    (502, "Bad Gateway", ErrorKind.UNKNOWN_OUTCOME),
)
ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    *((code, refusal(code, words), kind) for code, words, kind in _SAID),
    (400, refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100777), ErrorKind.TRANSIENT),
    (200, {"ok": True, "result": {}}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {}, ErrorKind.UNKNOWN_OUTCOME),
]
LONG: list[tuple[Visibility, str]] = [("public", "x" * 4097), ("private", "💩" * 2048 + "x")]
