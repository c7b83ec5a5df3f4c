"""Recordings of what a platform answers when it is asked: served to the channel's own poll by a platform of this machine.

Each inbox is connected first, while there is nothing to fetch, and polled again when what was recorded is there: an inbox that is new
takes in nothing old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from parlour.channels.models import Inbox
from parlour.lib import clock
from tests.recorded.mastodon import mastodon
from tests.recorded.platform import NOT_FOUND, Answers, Asked, Told
from tests.recorded.road import Recording, Road, Said


def polled(channel: str, payloads: Path) -> Iterator[Recording]:
    """Every recording of ``channel`` that its poll fetches."""
    return OF_CHANNEL[channel](payloads)


def _fetched(token: str, empty: Answers, recorded: Answers, at: datetime | None = None) -> dict[str, Any]:
    """An account that has nothing at first, then what was recorded. ``at``: the day it was recorded, where the poll goes by the date."""

    def before(road: Road, inbox: Inbox) -> None:
        road.platform.accounts[token] = empty
        road.poll(inbox)

    def arrive(road: Road, inbox: Inbox) -> None:
        road.platform.accounts[token] = recorded
        with clock.frozen(at or clock.now()):
            road.poll(inbox)

    return {"before": before, "arrive": arrive}


# X


def _x(payloads: Path) -> Iterator[Recording]:
    folder = payloads / "x"
    pages = [
        *sorted(folder.glob("docs/direct-messages_lookup_quickstart-response*.json")),
        folder / "docs/posts_timelines_quickstart_user-mention-quickstart-get-user-mentions.json",
        *sorted(folder.glob("dm_v2/*.json")),
    ]
    for path in pages:
        told = orjson.loads(path.read_bytes())
        page = told if "data" in told else {"data": [told]}  # one item of a page
        place = "/mentions" if "mention" in path.stem else "/2/dm_events"
        name = str(path.relative_to(folder).with_suffix(""))
        token = f"x-{name}"

        def recorded(asked: Asked, place: str = place, page: dict[str, Any] = page) -> Told:
            following = asked.first("pagination_token")
            return Told({"meta": {"result_count": 0}} if following or not asked.path.endswith(place) else page)

        said = [
            (one.get("sender_id") or one["author_id"], one["text"])
            for one in page["data"]
            if one.get("event_type", "MessageCreate") == "MessageCreate"
        ]
        settings = {"user_id": "17200003", "consumer_secret": "s", "access_token": token, "api_base": "{platform}"}
        nothing = lambda _: Told({"meta": {"result_count": 0}})  # noqa: E731
        yield Recording("x", name, f"x/{name}.json", settings, said=said, **_fetched(token, nothing, recorded))


# Bluesky


def _bluesky(payloads: Path) -> Iterator[Recording]:
    folder = payloads / "bluesky"
    for name, method in (
        ("listNotifications", "app.bsky.notification.listNotifications"),
        ("chat_getLog", "chat.bsky.convo.getLog"),
    ):
        told = orjson.loads((folder / f"{name}.json").read_bytes())
        spoken = [(one["author"]["did"], one["record"]["text"]) for one in told.get("notifications", [])]
        spoken += [(one["message"]["sender"]["did"], one["message"]["text"]) for one in told.get("logs", [])]
        posts = [{"uri": one["uri"]} for one in told.get("notifications", [])]
        token = f"{name.lower().replace('_', '-')}.example"
        settings = {"identifier": token, "app_password": "p", "api_base": "{platform}"}
        empty, recorded = (_bluesky_account(token, answer, posts) for answer in ({}, {method: told}))
        yield Recording(
            "bluesky", name, f"bluesky/{name}.json", settings, said=spoken, **_fetched(token, empty, recorded)
        )


def _bluesky_account(token: str, lists: Mapping[str, Any], posts: list[dict[str, str]]) -> Answers:
    def answers(asked: Asked) -> Told:
        method = asked.path.removeprefix("/xrpc/")
        if method == "com.atproto.server.createSession":
            return Told({"did": "did:plc:brand", "handle": token, "accessJwt": token, "refreshJwt": token})
        if method == "app.bsky.feed.getPosts":
            return Told({"posts": posts})
        told = lists.get(method)
        if told is None or asked.first("cursor") == told.get("cursor"):
            return Told({"notifications": [], "feed": [], "convos": [], "logs": []})
        return Told(told)

    return answers


# Reddit


def _reddit(payloads: Path) -> Iterator[Recording]:
    for path in sorted((payloads / "reddit").glob("*.json")):
        told = [one["response"].get("json") for one in orjson.loads(path.read_bytes())]
        listings = [one for one in told if isinstance(one, dict) and one.get("kind") == "Listing"]
        talks = [one for one in told if isinstance(one, dict) and "conversation" in one]
        if not listings and not talks:
            continue
        token = path.stem
        settings = {
            "username": "LumaHelp",
            "client_id": token,
            "client_secret": "s",
            "password": "p",
            "modmail": "luma" if talks else "",
            "api_base": "{platform}",
            "auth_base": "{platform}",
        }
        talks = [orjson.loads(orjson.dumps(one).replace(b"<USERNAME>", b"blackened")) for one in talks]
        things = [thing["data"] for one in listings for thing in one["data"]["children"]]
        said: list[Said] = [(one["author"].lower(), one["body"]) for one in things if not one["dest"].startswith("#")]
        said += [
            (one["author"]["name"].lower(), one["bodyMarkdown"])
            for talk in talks
            for one in talk["messages"].values()
            if not one["isInternal"]
        ]
        empty, recorded = _reddit_account(token, [], []), _reddit_account(token, listings, talks)
        yield Recording(
            "reddit", path.stem, f"reddit/{path.name}", settings, said=said, **_fetched(token, empty, recorded)
        )


def _reddit_account(token: str, listings: list[dict[str, Any]], talks: list[dict[str, Any]]) -> Answers:
    """``listings`` are pages of the inbox, one after the other."""

    def answers(asked: Asked) -> Told:
        number = talks[0]["conversation"]["id"] if talks else ""
        if asked.path == "/api/v1/access_token":
            return Told({"access_token": token, "expires_in": 3600})
        if asked.path == "/api/mod/conversations":
            there = bool(talks) and not asked.first("after")
            conversations = {number: talks[0]["conversation"]} if there else {}
            return Told({"conversations": conversations, "conversationIds": list(conversations)})
        if asked.path == f"/api/mod/conversations/{number}":
            return Told(talks[0])
        if asked.path == "/message/inbox":
            after = asked.first("after")
            page = next((at for at, one in enumerate(listings, 1) if one["data"]["after"] == after), 0) if after else 0
            if page < len(listings):
                return Told(listings[page])
        if asked.path == "/api/info":
            names = asked.first("id").split(",")
            things = [one for page in listings for one in page["data"]["children"] if one["data"]["name"] in names]
            return Told({"kind": "Listing", "data": {"children": things, "after": None}})
        return Told({"kind": "Listing", "data": {"children": [], "after": None}})

    return answers


# Reviews


def _reviews(payloads: Path) -> Iterator[Recording]:
    told = orjson.loads((payloads / "reviews/google_play_reviews_list.json").read_bytes())
    said: list[Said] = []
    for review in told["reviews"]:
        words = review["comments"][0]["userComment"]
        said.append((f"review:{review['reviewId']}", f"{'★' * words['starRating']} {words['text']}"))
        # Reviews older than a month are not looked at: the recording's are months apart, and so each is made one of the newest's day.
        words["lastModified"] = told["reviews"][0]["comments"][0]["userComment"]["lastModified"]
    at = datetime.fromtimestamp(
        int(told["reviews"][0]["comments"][0]["userComment"]["lastModified"]["seconds"]) + 3600, UTC
    )
    token = "google_play_reviews_list"
    key = rsa.generate_private_key(65537, 2048)
    account = {
        "client_email": "parlour@play.example",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }
    settings = {
        "store": "play",
        "app": "com.example.luma",
        "service_account": orjson.dumps(account).decode(),
        "api_base": "{platform}",
        "token_url": f"{{platform}}/token/{token}",
    }

    def account_with(reviews: dict[str, Any]) -> Answers:
        def answers(asked: Asked) -> Told:
            if asked.path.startswith("/token/"):
                return Told({"access_token": token, "expires_in": 3600})
            if not asked.path.endswith("/reviews"):
                return NOT_FOUND
            return Told({} if asked.first("token") else reviews)

        return answers

    fetched = _fetched(token, account_with({}), account_with(told), at)
    yield Recording("reviews", token, f"reviews/{token}.json", settings, said=said, **fetched)


OF_CHANNEL: Mapping[str, Callable[[Path], Iterator[Recording]]] = {
    "bluesky": _bluesky,
    "mastodon": mastodon,
    "reddit": _reddit,
    "reviews": _reviews,
    "x": _x,
}
