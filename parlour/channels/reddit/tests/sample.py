from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.reddit.calls import credentials, tokens
from parlour.channels.tests.samples import fixtures

ANA = "ana_p"
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=23,
    key="sample",
    channel="reddit",
    settings={
        "username": "LumaHelp",
        "client_id": "client-of-the-sample",
        "client_secret": "secret-of-the-sample",
        "password": "password-of-the-sample",
        "subreddits": "luma",
        "modmail": "",
        "search": "luma phone",
        "api_base": "http://127.0.0.1:9",
        "auth_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["own_comment"]


def outbound(visibility: Visibility) -> Outbound:
    public = visibility == "public"
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"t3_post1/{ANA}" if public else "modmail:1mahha",
        address=ANA,
        target="t1_c2" if public else "modmail:1mahha/2bjn0i",
        author=ANA,
        reference="ref-1",
    )


def inside(code: str, words: str = "no") -> dict[str, Any]:
    return {"json": {"errors": [[code, words, "text"]]}}


ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (200, inside("RATELIMIT", "you are doing that too much. try again in 5 minutes."), ErrorKind.RATE_LIMITED),
    (200, inside("DELETED_COMMENT"), ErrorKind.TARGET_DELETED),
    (200, inside("THREAD_LOCKED"), ErrorKind.POLICY_BLOCK),
    (200, inside("TOO_OLD"), ErrorKind.POLICY_BLOCK),
    (200, inside("TOO_LONG"), ErrorKind.TOO_LONG),
    (200, inside("NO_TEXT"), ErrorKind.INVALID),
    (200, inside("SOMETHING_NEW"), ErrorKind.INVALID),
    (200, inside("USER_DOESNT_EXIST"), ErrorKind.RECIPIENT_UNAVAILABLE),
    (200, inside("SUBREDDIT_NOTALLOWED"), ErrorKind.PERMISSION),
    (200, {"json": {"errors": [7]}}, ErrorKind.INVALID),
    (200, {"json": {"errors": [], "data": {"things": []}}}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {}, ErrorKind.UNKNOWN_OUTCOME),
    (302, {}, ErrorKind.INVALID),
    (400, {"message": "Bad Request", "error": 400}, ErrorKind.INVALID),
    (403, {"message": "Forbidden", "error": 403}, ErrorKind.PERMISSION),
    (404, {"message": "Not Found", "error": 404}, ErrorKind.TARGET_DELETED),
    (429, {"message": "Too Many Requests", "error": 429}, ErrorKind.RATE_LIMITED),
    (500, {}, ErrorKind.UNKNOWN_OUTCOME),
    (503, {}, ErrorKind.UNKNOWN_OUTCOME),
    (401, {"message": "Unauthorized", "error": 401}, ErrorKind.AUTH_EXPIRED),
]
LONG: list[tuple[Visibility, str]] = [("public", "x" * 10_001), ("private", "x" * 10_001)]


def ready() -> None:
    """Signed in already."""
    tokens.keep(credentials(CONFIG), "token-of-the-sample", 3600)
