from __future__ import annotations

from typing import Any

from parlour.channels.bluesky.calls import Session, credentials, sessions
from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures

US, ANA = "did:plc:lumalumalumalumalumaluma", "did:plc:anaanaanaanaanaanaanaana"
POST = f"at://{ANA}/app.bsky.feed.post/3l6oveex3ii2l"
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=22,
    key="sample",
    channel="bluesky",
    settings={
        "identifier": "luma.example",
        "app_password": "password-of-the-sample",
        "search": "luma phone, #luma",
        "api_base": "http://127.0.0.1:9",
        "pictures_base": "https://pictures.example",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["own_reply"]
HUNG_UP = ErrorKind.TRANSIENT
"""Sending a post again is safe here: its own key makes the second try fail."""


def outbound(visibility: Visibility) -> Outbound:
    public = visibility == "public"
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"{POST}/{ANA}" if public else "dm:3l6convo",
        address=ANA,
        target=POST if public else "3l6convo/3l6msg",
        author=ANA,
        reference="ref-1",
    )


def no(error: str, message: str = "No.") -> dict[str, Any]:
    return {"error": error, "message": message}


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, no("InvalidRequest"), ErrorKind.INVALID),
    (400, no("InvalidRequest", "text must not be longer than 300 graphemes"), ErrorKind.TOO_LONG),
    (400, no("InvalidRequest", "recipient has disabled incoming messages"), ErrorKind.RECIPIENT_UNAVAILABLE),
    (400, no("RecordNotFound"), ErrorKind.TARGET_DELETED),
    (401, no("InvalidToken", "Bad token scope"), ErrorKind.PERMISSION),
    (403, no("Forbidden"), ErrorKind.PERMISSION),
    (404, {}, ErrorKind.TARGET_DELETED),
    (429, no("RateLimitExceeded", "Rate Limit Exceeded"), ErrorKind.RATE_LIMITED),
    (429, {}, ErrorKind.RATE_LIMITED),
    (500, no("InternalServerError"), ErrorKind.TRANSIENT),
    (502, {}, ErrorKind.TRANSIENT),
    (200, {}, ErrorKind.TARGET_DELETED),
    (302, {}, ErrorKind.INVALID),
    (401, no("AuthMissing"), ErrorKind.AUTH_EXPIRED),
    (401, no("AuthenticationRequired"), ErrorKind.AUTH_EXPIRED),
    (400, no("AccountTakedown"), ErrorKind.AUTH_EXPIRED),
    (400, no("ExpiredToken", "Token has expired"), ErrorKind.AUTH_EXPIRED),
]
LONG: list[tuple[Visibility, str]] = [
    ("public", "x" * 301),
    ("public", "👩‍👩‍👧‍👦" * 301),
    ("private", "x" * 1001),
]


def session_at(base: str) -> Session:
    return Session(US, "luma.example", "access-of-the-sample", "refresh-of-the-sample", base)


def ready() -> None:
    """Signed in already: what is sent goes to where the sample's settings point."""
    sessions.keep(credentials(CONFIG), session_at(""), 3600)
