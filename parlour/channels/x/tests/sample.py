from __future__ import annotations

from typing import Any

from parlour.channels.contract import ErrorKind, InboxConfig, Outbound, Visibility
from parlour.channels.tests.samples import fixtures
from parlour.lib.signing import base64_signature

US, ANA, BEN = "1500000000000000001", "1500000000000000042", "1500000000000000077"
SECRET = "consumer-secret-of-the-sample"  # noqa: S105
FIXTURES = fixtures(__file__)

CONFIG = InboxConfig(
    id=3,
    key="sample",
    channel="x",
    settings={
        "user_id": US,
        "consumer_secret": SECRET,
        "client_id": "client-of-the-sample",
        "client_secret": "client-secret-of-the-sample",
        "access_token": "user-token-of-the-sample",
        "refresh_token": "refresh-token-of-the-sample",
        "api_base": "http://127.0.0.1:9",
    },
)
BODIES = list(FIXTURES.values())
OUR_ECHO = FIXTURES["post_own_reply"]


def sign(body: bytes) -> dict[str, str]:
    return {"x-twitter-webhooks-signature": base64_signature(SECRET, body)}


def outbound(visibility: Visibility) -> Outbound:
    public = visibility == "public"
    return Outbound(
        text="We are looking into it.",
        visibility=visibility,
        mode="reply",
        thread=f"2080000000000000100/{ANA}" if public else f"dm:{US}-{ANA}",
        address="" if public else ANA,
        target="2080000000000000100",
        author=ANA,
        reference="ref-1",
    )


def problem(slug: str, detail: str = "No.", host: str = "api.x.com") -> dict[str, Any]:
    kind = f"https://{host}/2/problems/{slug}" if slug else "about:blank"
    return {"title": "Refused", "detail": detail, "type": kind}


NOT_SUMMONED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author."
)
ERRORS: list[tuple[int, dict[str, Any], ErrorKind]] = [
    (400, problem("invalid-request"), ErrorKind.INVALID),
    (400, problem("invalid-request", host="api.twitter.com"), ErrorKind.INVALID),
    (401, problem("", "Unauthorized"), ErrorKind.AUTH_EXPIRED),
    (401, {}, ErrorKind.AUTH_EXPIRED),
    (402, problem("credits-depleted"), ErrorKind.POLICY_BLOCK),
    (403, problem("", "Forbidden"), ErrorKind.PERMISSION),
    (403, problem("client-forbidden"), ErrorKind.PERMISSION),
    (403, problem("not-authorized-for-resource"), ErrorKind.PERMISSION),
    (403, problem("", NOT_SUMMONED), ErrorKind.POLICY_BLOCK),
    (403, problem("", "You are not allowed to create a Tweet with duplicate content."), ErrorKind.INVALID),
    (
        403,
        problem("", "You attempted to reply to a Tweet that is deleted or not visible to you."),
        ErrorKind.TARGET_DELETED,
    ),
    (403, problem("", "Your Tweet text is too long."), ErrorKind.TOO_LONG),
    (403, problem("disallowed-resource"), ErrorKind.POLICY_BLOCK),
    (404, problem("resource-not-found"), ErrorKind.TARGET_DELETED),
    (404, {}, ErrorKind.TARGET_DELETED),
    (429, problem("rate-limit-exceeded"), ErrorKind.RATE_LIMITED),
    (429, {}, ErrorKind.RATE_LIMITED),
    (429, problem("usage-capped", host="api.twitter.com"), ErrorKind.POLICY_BLOCK),
    (403, problem("usage-capped"), ErrorKind.POLICY_BLOCK),
    (503, problem("service-unavailable"), ErrorKind.TRANSIENT),
    (503, {}, ErrorKind.UNKNOWN_OUTCOME),
    (500, problem("internal-error"), ErrorKind.UNKNOWN_OUTCOME),
    (502, {}, ErrorKind.UNKNOWN_OUTCOME),
    (200, {"errors": [problem("resource-not-found")]}, ErrorKind.TARGET_DELETED),
    (200, {"errors": [problem("resource-unavailable")]}, ErrorKind.TARGET_DELETED),
    (200, {"errors": [problem("not-authorized-for-resource")]}, ErrorKind.PERMISSION),
    (200, {}, ErrorKind.UNKNOWN_OUTCOME),
    (201, {"data": {"text": "posted, but as what?"}}, ErrorKind.UNKNOWN_OUTCOME),
    (302, {}, ErrorKind.INVALID),
]
LONG: list[tuple[Visibility, str]] = [
    ("public", "x" * 281),
    ("public", "の" * 141),
    ("public", "@ana_writes " + "x" * 281),
    ("private", "x" * 10_001),
]
