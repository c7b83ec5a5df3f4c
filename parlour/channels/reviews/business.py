"""Google Business Profile: reviews of one place, through the Business Profile API."""

from __future__ import annotations

import re
from typing import Any

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.reviews import calls, tokens
from parlour.channels.reviews.fields import Reply, Review, iso, line, link, mapping, needed, sequence, words

API = "https://mybusiness.googleapis.com"
LIMIT = 4096
"""Bytes of UTF-8."""
PLACE = re.compile(r"accounts/[A-Za-z0-9_-]{1,64}/locations/[A-Za-z0-9_-]{1,64}")
STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5, "STAR_RATING_UNSPECIFIED": 0}


def read(item: Any) -> Review:
    """A review as the API tells it. Raises ValueError."""
    told = mapping(item)
    rating, written, person = told.get("starRating"), told.get("reviewReply"), mapping(told.get("reviewer"))
    if not isinstance(rating, str) or rating not in STARS:
        raise ValueError("The starRating is none that is known.")
    return Review(
        id=needed(told.get("reviewId"), "The reviewId"),
        rating=STARS[rating],
        text=words(told.get("comment"), "The review's comment"),
        author="" if person.get("isAnonymous") is True else line(person.get("displayName"), 120),
        at=iso(told.get("createTime")),
        changed=iso(told.get("updateTime")) or iso(told.get("createTime")),
        avatar=link(person.get("profilePhotoUrl")),
        reply=_reply(mapping(written)) if written else None,
    )


def _reply(told: Any) -> Reply:
    # Google holds back what it finds against its rules since 2026; the name of the field is not certain.
    state = line(told.get("reviewReplyState") or told.get("state"), 40)
    why = line(told.get("policyViolation"), 200)
    refused = f"Google does not show this answer: {why or 'it is against its rules'}." if "REJECTED" in state else ""
    return Reply(words(told.get("comment"), "The reply's comment"), iso(told.get("updateTime")), state, refused)


def page(inbox: InboxConfig, token: str) -> tuple[list[Any], str]:
    """One page of reviews, the latest changed first, and the mark of the next. Raises ChannelError."""
    query = {"pageSize": "50", "orderBy": "updateTime desc", **({"pageToken": token} if token else {})}
    answer = _call(inbox, "GET", "", query=query)
    following = answer.get("nextPageToken")
    return sequence(answer.get("reviews")), following if isinstance(following, str) else ""


def reply(inbox: InboxConfig, review: str, text: str) -> Reply:
    """Answer a review, in place of the answer it has. Raises ChannelError."""
    if (length := len(text.encode("utf-8", "replace"))) > LIMIT:
        raise ChannelError(
            ErrorKind.TOO_LONG, f"The answer has {length:,} of at most {LIMIT:,} bytes, the most Google Business takes."
        )
    answer = _call(inbox, "PUT", f"/{review}/reply", body={"comment": text})
    return Reply(text, iso(answer.get("updateTime")))


def withdraw(inbox: InboxConfig, review: str) -> None:
    """Delete our answer. Raises ChannelError."""
    _call(inbox, "DELETE", f"/{review}/reply")


def exists(inbox: InboxConfig, review: str) -> bool:
    """Whether a review is still there. Raises ChannelError."""
    return calls.there(lambda: _call(inbox, "GET", f"/{review}"))


def check(inbox: InboxConfig) -> str:
    """Raises ChannelError."""
    answer = _call(inbox, "GET", "", query={"pageSize": "1"})
    count, average = answer.get("totalReviewCount", 0), answer.get("averageRating")
    told = f", {average:.1f} of 5 stars on average" if isinstance(average, int | float) else ""
    return f"Connected to Google Business: {count if isinstance(count, int) else 0:,} reviews{told}."


def url(app: str, review: str) -> str:  # noqa: ARG001
    """The API tells no address."""
    return ""


def _call(inbox: InboxConfig, method: str, path: str, **more: Any) -> dict[str, Any]:
    place = str(inbox.settings.get("app") or "")
    if not PLACE.fullmatch(place):
        raise ChannelError(ErrorKind.INVALID, "The place is named like accounts/123/locations/456.")
    return calls.call(inbox, method, f"{calls.base(inbox, API)}/v4/{place}/reviews{path}", tokens.signed_in, **more)
