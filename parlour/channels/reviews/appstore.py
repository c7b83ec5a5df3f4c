"""The App Store: customer reviews and our responses, through the App Store Connect API."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.reviews import calls, tokens
from parlour.channels.reviews.fields import Reply, Review, ident, iso, line, mapping, needed, sequence, stars, words

API = "https://api.appstoreconnect.apple.com"
LIMIT = 5970


def read(item: Any) -> Review:
    """A review with its response beside it: ``{"review": resource, "response": resource or None}``. Raises ValueError."""
    told = mapping(mapping(item).get("review"))
    said = mapping(told.get("attributes"))
    title, body = words(said.get("title"), "The review's title"), words(said.get("body"), "The review's body")
    country = line(said.get("territory"), 3)
    return Review(
        id=needed(told.get("id"), "The review's id"),
        rating=stars(said.get("rating")),
        text="\n".join(filter(None, (title, body))),
        author=line(said.get("reviewerNickname"), 120),
        at=iso(said.get("createdDate")),
        changed=None,
        facts={"country": country} if country else {},
        reply=_reply(mapping(item).get("response")),
    )


def _reply(resource: Any) -> Reply | None:
    told = mapping(mapping(resource).get("attributes"))
    if not told:
        return None
    text = words(told.get("responseBody"), "The response's body")
    return Reply(text, iso(told.get("lastModifiedDate")), line(told.get("state"), 40))


def page(inbox: InboxConfig, token: str) -> tuple[list[Any], str]:
    """One page of reviews with their responses, newest first, and the mark of the next. Raises ChannelError."""
    query = {"include": "response", "sort": "-createdDate", "limit": "200", **({"cursor": token} if token else {})}
    answer = _call(inbox, "GET", f"/v1/apps/{_app(inbox)}/customerReviews", query=query)
    responses = {
        found: one
        for one in map(mapping, sequence(answer.get("included")))
        if one.get("type") == "customerReviewResponses" and (found := ident(one.get("id")))
    }
    items = []
    for one in sequence(answer.get("data")):
        related = mapping(mapping(mapping(mapping(one).get("relationships")).get("response")).get("data"))
        items.append({"review": one, "response": responses.get(ident(related.get("id")))})
    return items, _next(mapping(answer.get("links")).get("next"))


def _next(address: object) -> str:
    """The mark in the address of the next page; the address itself is not followed."""
    if not isinstance(address, str) or len(address) > 4000:
        return ""
    try:
        return parse_qs(urlsplit(address).query).get("cursor", [""])[0]
    except ValueError:
        return ""


def reply(inbox: InboxConfig, review: str, text: str) -> Reply:
    """Answer a review, in place of the answer it has. Raises ChannelError."""
    if len(text) > LIMIT:
        raise ChannelError(
            ErrorKind.TOO_LONG,
            f"The answer has {len(text):,} of at most {LIMIT:,} characters, the most the App Store takes.",
        )
    about = {"review": {"data": {"type": "customerReviews", "id": review}}}
    data = {"type": "customerReviewResponses", "attributes": {"responseBody": text}, "relationships": about}
    answer = _call(inbox, "POST", "/v1/customerReviewResponses", body={"data": data})
    told = mapping(mapping(answer.get("data")).get("attributes"))
    return Reply(text, iso(told.get("lastModifiedDate")), line(told.get("state"), 40))


def withdraw(inbox: InboxConfig, review: str) -> None:
    """Delete our response. Raises ChannelError."""
    answer = _call(inbox, "GET", f"/v1/customerReviews/{review}/response")
    response = ident(mapping(answer.get("data")).get("id"))
    if not response:
        raise ChannelError(ErrorKind.TARGET_DELETED, "This review has no answer any more.")
    _call(inbox, "DELETE", f"/v1/customerReviewResponses/{response}")


def exists(inbox: InboxConfig, review: str) -> bool:
    """Whether a review is still there. Raises ChannelError."""
    return calls.there(lambda: _call(inbox, "GET", f"/v1/customerReviews/{review}"))


def check(inbox: InboxConfig) -> str:
    """Raises ChannelError."""
    answer = _call(inbox, "GET", f"/v1/apps/{_app(inbox)}", query={"fields[apps]": "name,bundleId"})
    name = line(mapping(mapping(answer.get("data")).get("attributes")).get("name"), 100)
    return f"Connected to the reviews of {name or _app(inbox)} in the App Store."


def url(app: str, review: str) -> str:  # noqa: ARG001
    """The store has no address of a single review."""
    return f"https://apps.apple.com/app/id{app}?see-all=reviews"


def _app(inbox: InboxConfig) -> str:
    app = ident(inbox.settings.get("app"))
    if not app.isdecimal():
        raise ChannelError(ErrorKind.INVALID, "The app is named by its Apple ID, a number (such as 1234567890).")
    return app


def _call(inbox: InboxConfig, method: str, path: str, **more: Any) -> dict[str, Any]:
    return calls.call(inbox, method, calls.base(inbox, API) + path, tokens.team_key, **more)
