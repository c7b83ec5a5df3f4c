"""Asking X what is new: mentions and direct messages, or what a search finds, with gaps filled and limits respected.

The cursor is ``{"mentions": place, "dms": place}``, or ``{"search": place}`` for an inbox that listens. A place holds
``begun`` and ``since`` (id of the newest seen); while a gap is being filled also ``token`` (the next page) and ``top`` (the
newest id so far); after a 429 ``wait`` (epoch seconds).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.x.calls import call
from parlour.channels.x.envelope import post_id, split
from parlour.channels.x.fields import ident, mapping, sequence
from parlour.lib import clock

MENTION_PAGES = 5
SEARCH_PAGES = 3
DM_PAGES = 2
"""X allows fifteen requests in fifteen minutes and one a minute is made: a second page borrows from the next."""

USER_FIELDS = "id,name,username,profile_image_url,public_metrics,verified"
MEDIA_FIELDS = "media_key,type,url,preview_image_url,alt_text,variants"
MENTION_QUERY = {
    "max_results": "100",
    "tweet.fields": "id,text,author_id,conversation_id,created_at,in_reply_to_user_id,referenced_tweets,"
    "edit_history_tweet_ids,entities,attachments,note_tweet",
    "expansions": "author_id,in_reply_to_user_id,attachments.media_keys",
    "user.fields": USER_FIELDS,
    "media.fields": MEDIA_FIELDS,
}
DM_QUERY = {
    "max_results": "100",
    "event_types": "MessageCreate",
    "dm_event.fields": "id,text,event_type,created_at,dm_conversation_id,sender_id,participant_ids,attachments,"
    "entities",
    "expansions": "sender_id,participant_ids,attachments.media_keys",
    "user.fields": USER_FIELDS,
    "media.fields": MEDIA_FIELDS,
}

Place = dict[str, Any]


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new since ``cursor``, oldest first. Raises ChannelError only when there is nothing to hand over."""
    user_id = str(inbox.settings.get("user_id", ""))
    searching = str(inbox.settings.get("search") or "").strip()
    sources = (("search", _found),) if searching else (("mentions", _mentions), ("dms", _messages))
    events: list[Split] = []
    places: dict[str, Any] = {}
    errors: list[ChannelError] = []
    more = False
    for name, fetch in sources:
        place = dict(mapping(cursor.get(name)))
        places[name] = place
        wait = place.get("wait")
        if isinstance(wait, int | float) and wait > clock.now().timestamp():
            continue
        place.pop("wait", None)
        try:
            found, unfinished = fetch(inbox, user_id, place)
        except ChannelError as error:
            errors.append(error)
            if error.kind is ErrorKind.RATE_LIMITED:
                place["wait"] = clock.now().timestamp() + (error.retry_after or 60)
            continue
        events += found
        more = more or unfinished
    # One of the two may be at its limit or not allowed: what the other brought is handed over all the same, and a limit
    # alone is no reason to make the other wait. Any other error is told as soon as nothing is lost by telling it.
    limited = [error for error in errors if error.kind is ErrorKind.RATE_LIMITED]
    if errors and not events and (len(limited) < len(errors) or len(limited) == len(places)):
        raise next((error for error in errors if error not in limited), errors[0])
    return Poll(events, places, more)


def _mentions(inbox: InboxConfig, user_id: str, place: Place) -> tuple[list[Split], bool]:
    def page(token: str) -> dict[str, Any]:
        query = dict(MENTION_QUERY)
        if place.get("since"):
            query["since_id"] = str(place["since"])
        if token:
            query["pagination_token"] = token
        return call(inbox, "GET", f"/2/users/{user_id}/mentions", about="account", query=query)

    return _pages(page, place, user_id, MENTION_PAGES)


def _messages(inbox: InboxConfig, user_id: str, place: Place) -> tuple[list[Split], bool]:
    def page(token: str) -> dict[str, Any]:
        query = DM_QUERY | ({"pagination_token": token} if token else {})
        return call(inbox, "GET", "/2/dm_events", about="account", query=query)

    return _pages(page, place, user_id, DM_PAGES)


def query_of(inbox: InboxConfig) -> str:
    """What is searched for: the administrator's words, without reposts and without what the brand itself says."""
    words = str(inbox.settings.get("search") or "").strip()
    extra = [] if "is:retweet" in words else ["-is:retweet"]
    if (own := ident(inbox.settings.get("user_id"))) and "from:" not in words:
        extra.append(f"-from:{own}")
    # An OR binds weaker than what is added, so that the words need brackets.
    return " ".join([f"({words})" if " OR " in words else words, *extra])


def _found(inbox: InboxConfig, user_id: str, place: Place) -> tuple[list[Split], bool]:
    def page(token: str) -> dict[str, Any]:
        query = {**MENTION_QUERY, "query": query_of(inbox), "sort_order": "recency"}
        if place.get("since"):
            query["since_id"] = str(place["since"])
        if token:
            query["pagination_token"] = token
        try:
            return call(inbox, "GET", "/2/tweets/search/recent", about="account", query=query)
        except ChannelError as error:
            if token or error.kind is not ErrorKind.INVALID or "since_id" not in query or "since_id" not in error.words:
                raise
            # X looks back seven days and refuses an id from before: all it still has is newer than what was seen.
            del query["since_id"]
            return call(inbox, "GET", "/2/tweets/search/recent", about="account", query=query)

    return _pages(page, place, user_id, SEARCH_PAGES)


def _pages(fetch: Callable[[str], dict[str, Any]], place: Place, user_id: str, budget: int) -> tuple[list[Split], bool]:
    """Pages from the newest back to what was seen; ``place`` notes how far that went. True when the budget ended."""
    since = _number(place.get("since"))
    token = place.get("token") if isinstance(place.get("token"), str) else ""
    top = _number(place.get("top"))
    pages: list[list[Split]] = []
    while budget:
        budget -= 1
        try:
            answer = fetch(token or "")
        except ChannelError as error:
            if token and error.kind is ErrorKind.INVALID:
                # The page mark has expired. Starting over costs repetitions, which the keys catch.
                token, top = "", 0
                place.pop("token", None)
                continue
            if pages:
                break
            raise
        items = [item for item in sequence(answer.get("data")) if isinstance(item, dict)]
        fresh = [item for item in items if _number(post_id(item)) > since or not _number(post_id(item))]
        top = max([top, since, *(_number(post_id(item)) for item in fresh)])
        if fresh:
            pages.append(split({"data": fresh, "includes": mapping(answer.get("includes"))}, user_id)[::-1])
        following = _token(mapping(answer.get("meta")).get("next_token"))
        token = "" if following == token else following
        first_ever = not place.get("begun")
        if not token or len(fresh) < len(items) or first_ever:
            place.pop("token", None)
            place.pop("top", None)
            place["begun"] = True
            if top:
                place["since"] = str(top)
            return [event for page in reversed(pages) for event in page], False
    place["token"], place["top"] = token, str(top)
    return [event for page in reversed(pages) for event in page], True


def _number(value: object) -> int:
    """Ids of posts and messages grow with time, so they are compared as numbers; 0 for what is none."""
    found = ident(value)
    return int(found) if found.isascii() and found.isdecimal() else 0


def _token(value: object) -> str:
    return value if isinstance(value, str) and len(value) < 500 else ""
