"""Google Play: reviews with words of the last week, through the Play Developer API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.reviews import calls, tokens
from parlour.channels.reviews.fields import (
    Reply,
    Review,
    ident,
    line,
    mapping,
    needed,
    sequence,
    stars,
    timestamp,
    words,
)

API = "https://androidpublisher.googleapis.com"
LIMIT = 350


def read(item: Any) -> Review:
    """A review as the API tells it. Raises ValueError."""
    told = mapping(item)
    comments = [mapping(one) for one in sequence(told.get("comments"))]
    said = next((mapping(one["userComment"]) for one in comments if "userComment" in one), None)
    if not said:
        raise ValueError("The review holds no comment of its author.")
    answered = next((mapping(one["developerComment"]) for one in comments if "developerComment" in one), None)
    changed = timestamp(said.get("lastModified"))
    facts: dict[str, str | int] = {}
    for name, field in (
        ("version", "appVersionName"),
        ("version_code", "appVersionCode"),
        ("android", "androidOsVersion"),
        ("thumbs_up", "thumbsUpCount"),
    ):
        value = said.get(field)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            facts[name] = line(value, 80) if isinstance(value, str) else value
    device = line(mapping(said.get("deviceMetadata")).get("productName"), 80) or line(said.get("device"), 80)
    if device:
        facts["device"] = device
    title, tab, body = words(said.get("text"), "The review's text").partition("\t")
    return Review(
        id=needed(told.get("reviewId"), "The reviewId"),
        rating=stars(said.get("starRating")),
        text="\n".join(filter(None, (title.strip(), body.strip()))) if tab else title,
        author=line(told.get("authorName"), 120),
        at=None,
        changed=changed,
        language=line(said.get("reviewerLanguage"), 12).partition("_")[0].partition("-")[0].lower()[:3],
        facts=facts,
        reply=Reply(words(answered.get("text"), "The reply's text"), timestamp(answered.get("lastModified")))
        if answered
        else None,
    )


def page(inbox: InboxConfig, token: str) -> tuple[list[Any], str]:
    """One page of reviews, the latest changed first, and the mark of the next ('' at the end). Raises ChannelError."""
    query = {"maxResults": "100", **({"token": token} if token else {})}
    answer = _call(inbox, "GET", "", query=query)
    following = mapping(answer.get("tokenPagination")).get("nextPageToken")
    return sequence(answer.get("reviews")), following if isinstance(following, str) else ""


def reply(inbox: InboxConfig, review: str, text: str) -> Reply:
    """Answer a review, in place of the answer it has. Raises ChannelError."""
    if len(text) > LIMIT:
        raise ChannelError(
            ErrorKind.TOO_LONG,
            f"The answer has {len(text):,} of at most {LIMIT} characters, the most Google Play takes.",
        )
    answer = mapping(_call(inbox, "POST", f"/{review}:reply", body={"replyText": text}).get("result"))
    return Reply(text, timestamp(answer.get("lastEdited")))


def withdraw(inbox: InboxConfig, review: str) -> None:  # noqa: ARG001
    """Raises ChannelError: Google Play knows no way."""
    raise ChannelError(
        ErrorKind.INVALID, "On Google Play, an answer cannot be taken back, only replaced by another one."
    )


def exists(inbox: InboxConfig, review: str) -> bool:
    """Whether a review is still there. Raises ChannelError."""
    return calls.there(lambda: _call(inbox, "GET", f"/{review}"))


def check(inbox: InboxConfig) -> str:
    """Raises ChannelError."""
    _call(inbox, "GET", "", query={"maxResults": "1"})
    return f"Connected to the reviews of {_app(inbox)} on Google Play."


def url(app: str, review: str) -> str:
    return f"https://play.google.com/store/apps/details?id={quote(app)}&reviewId={quote(review)}"


def _app(inbox: InboxConfig) -> str:
    if not (app := ident(inbox.settings.get("app"))):
        raise ChannelError(ErrorKind.INVALID, "The package name of the app is missing (such as com.example.app).")
    return app


def _call(inbox: InboxConfig, method: str, path: str, **more: Any) -> dict[str, Any]:
    whole = f"/androidpublisher/v3/applications/{_app(inbox)}/reviews{path}"
    return calls.call(inbox, method, calls.base(inbox, API) + whole, tokens.service_account, **more)
