"""Reviews as the three stores write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from parlour.playground.web import Reply, json_reply

APPS = {"play": "com.example.luma", "appstore": "1234567890", "business": "accounts/104/locations/2077"}
_STARS = re.compile(r"\s*([★☆]{5})\s*")
NUMBERS = ("STAR_RATING_UNSPECIFIED", "ONE", "TWO", "THREE", "FOUR", "FIVE")


class Refusal(Exception):
    """A store says no."""

    def __init__(self, status: int, words: str, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(words)
        self.status, self.words, self.code = status, words, code


@dataclass(slots=True)
class Answer:
    """The one answer under a review."""

    words: str
    text: str
    at: datetime
    state: str = "PUBLISHED"


@dataclass(slots=True)
class Entry:
    """A review."""

    id: str
    person: str
    name: str
    rating: int
    text: str
    at: datetime
    changed: datetime
    answer: Answer | None = None
    removed: bool = False


def rated(text: str) -> tuple[int, str]:
    """Stars at the beginning of what somebody says, and the words after them; three where there are none."""
    found = _STARS.match(text)
    return (found[1].count("★") or 1, text[found.end() :]) if found else (3, text)


def page(found: list[Entry], token: str, size: str, most: int) -> tuple[list[Entry], str]:
    if not str(size).isdigit() or not 1 <= int(size) <= most or (token and not token.removeprefix("p").isdigit()):
        raise Refusal(400, "The page or its size is wrong.")
    start = int(token.removeprefix("p")) if token else 0
    end = start + int(size)
    return found[start:end], f"p{end}" if end < len(found) else ""


def seconds(at: datetime) -> dict[str, Any]:
    return {"seconds": str(int(at.timestamp())), "nanos": at.microsecond * 1000}


def zulu(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def play_review(entry: Entry) -> dict[str, Any]:
    said = {
        "text": entry.text,
        "lastModified": seconds(entry.changed),
        "starRating": entry.rating,
        "reviewerLanguage": "en",
        "device": "husky",
        "androidOsVersion": 35,
        "appVersionCode": 412,
        "appVersionName": "4.1.2",
    }
    comments: list[dict[str, Any]] = [{"userComment": said}]
    if entry.answer:
        comments.append({"developerComment": {"text": entry.answer.text, "lastModified": seconds(entry.answer.at)}})
    return {"reviewId": entry.id, "authorName": entry.name, "comments": comments}


def apple_review(entry: Entry) -> dict[str, Any]:
    title, _, body = entry.text.partition("\n")
    about = {
        "rating": entry.rating,
        "title": title if body else "",
        "body": body or title,
        "reviewerNickname": entry.name,
        "createdDate": entry.at.isoformat(),
        "territory": "GBR",
    }
    response = {"type": "customerReviewResponses", "id": f"r-{entry.id}"} if entry.answer else None
    return {
        "type": "customerReviews",
        "id": entry.id,
        "attributes": about,
        "relationships": {"response": {"data": response}},
    }


def google_review(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": f"{APPS['business']}/reviews/{entry.id}",
        "reviewId": entry.id,
        "reviewer": {"displayName": entry.name, "isAnonymous": False},
        "starRating": NUMBERS[entry.rating],
        "createTime": zulu(entry.at),
        "updateTime": zulu(entry.changed),
    }
    if entry.text:
        told["comment"] = entry.text
    if entry.answer:
        told["reviewReply"] = {
            "comment": entry.answer.text,
            "updateTime": zulu(entry.answer.at),
            "reviewReplyState": entry.answer.state,
        }
    return told


def said(store: str, refusal: Refusal) -> Reply:
    headers = {"retry-after": "30"} if refusal.status == 429 else {}
    if store == "appstore":
        one = {
            "id": "1",
            "status": str(refusal.status),
            "code": refusal.code,
            "title": "Refused",
            "detail": refusal.words,
        }
        return json_reply({"errors": [one]}, refusal.status, headers)
    told = {"code": refusal.status, "message": refusal.words, "status": refusal.code}
    return json_reply({"error": told}, refusal.status, headers)
