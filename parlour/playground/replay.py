"""Recorded traffic of real brands (CSV in the twcs columns) as X arrivals, with the times it was recorded at.

Columns: tweet_id, author_id, inbound, created_at, text, response_tweet_id, in_response_to_tweet_id. Ids may look like ``809660.0``.
The thread of a tweet follows from the file alone, so that a parent that comes late or never changes nothing.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import secrets
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson

from parlour.channels import actions, queries, registry
from parlour.channels.models import Inbox
from parlour.traffic.door import rows_of
from parlour.traffic.store import insert

COLUMNS = ("tweet_id", "author_id", "inbound", "created_at", "text", "response_tweet_id", "in_response_to_tweet_id")
INBOX_NAME = "Replay"
CHUNK = 1000
_LEADING = re.compile(r"\s*\.?@(\w+)")
_MENTION = re.compile(r"@(\w+)")


class BadFile(ValueError):
    """The file is not what it should be; the text says what is wrong and where."""


@dataclass(slots=True)
class Tweet:
    """One row of the file."""

    id: str
    author: str
    inbound: bool
    at: datetime
    text: str
    parent: str
    root: str = ""
    brand: str = ""


def read(path: Path) -> tuple[list[Tweet], dict[str, int]]:
    """Every tweet of a CSV or CSV.gz, oldest first, and how many rows were refused for which reason. Raises BadFile."""
    refused: Counter[str] = Counter()
    tweets: dict[str, Tweet] = {}
    csv.field_size_limit(1_000_000)
    try:
        with _open(path) as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or [])]
            if missing:
                raise BadFile(f"{path.name} lacks the columns {', '.join(missing)}.")
            for row in rows:
                tweet = _tweet(row)
                if isinstance(tweet, str):
                    refused[tweet] += 1
                elif tweet.id in tweets:
                    refused["a tweet_id that came before"] += 1
                else:
                    tweets[tweet.id] = tweet
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path} cannot be read: {error}.") from error
    _follow(tweets)
    return sorted(tweets.values(), key=lambda tweet: (tweet.at, len(tweet.id), tweet.id)), dict(refused)


def _open(path: Path) -> io.TextIOWrapper:
    raw = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed by the wrapper
    return io.TextIOWrapper(raw, encoding="utf-8", newline="")


def _tweet(row: dict[str, Any]) -> Tweet | str:
    number = _id(row["tweet_id"])
    if not number:
        return "no tweet_id"
    if not (author := _id(row["author_id"])):
        return "no author_id"
    if row["inbound"] not in {"True", "False"}:
        return "inbound is neither True nor False"
    at = _time(row["created_at"] or "")
    if at is None:
        return "no readable created_at"
    return Tweet(number, author, row["inbound"] == "True", at, row["text"] or "", _id(row["in_response_to_tweet_id"]))


def _id(value: str | None) -> str:
    """``809660.0`` is 809660; a list of answers gives the first."""
    return (value or "").split(",")[0].strip().removesuffix(".0")


def _time(value: str) -> datetime | None:
    """ISO 8601, or X's old ``Tue Oct 31 22:10:47 +0000 2017``."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        try:
            at = datetime.strptime(value, "%a %b %d %H:%M:%S %z %Y")
        except ValueError:
            try:
                at = parsedate_to_datetime(value)
            except ValueError:
                return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _follow(tweets: dict[str, Tweet]) -> None:
    """The conversation each tweet belongs to (named by its oldest known ancestor) and the brand it was with."""
    for tweet in tweets.values():
        trail, at = [tweet], tweet
        seen = {tweet.id}
        while not at.root and at.parent and at.parent not in seen:
            parent = tweets.get(at.parent)
            if parent is None:
                break
            seen.add(parent.id)
            trail.append(parent)
            at = parent
        root = at.root or at.parent or at.id
        for one in trail:
            one.root = one.root or root
    brands = {tweet.author for tweet in tweets.values() if not tweet.inbound}
    of_root = {tweet.root: tweet.author for tweet in tweets.values() if not tweet.inbound}
    fallback = Counter(tweet.author for tweet in tweets.values() if not tweet.inbound).most_common(1)
    for tweet in tweets.values():
        named = next((name for name in _MENTION.findall(tweet.text) if name in brands), "")
        most = fallback[0][0] if fallback else "Replay"
        tweet.brand = tweet.author if not tweet.inbound else of_root.get(tweet.root) or named or most


def feed(tweets: list[Tweet], told: Callable[[int], None]) -> Iterator[None]:
    """Store tweets as X arrivals, a thousand at a time; ``told`` hears how many each time. Yields after every chunk."""
    by_id = {tweet.id: tweet for tweet in tweets}
    inboxes = {brand: _inbox(brand) for brand in sorted({tweet.brand for tweet in tweets})}
    channel = registry.get("x")
    for start in range(0, len(tweets), CHUNK):
        chunk = tweets[start : start + CHUNK]
        rows = []
        for tweet in chunk:
            inbox = inboxes[tweet.brand]
            payload = _payload(tweet, by_id, str(inbox.settings["user_id"]))
            body = orjson.dumps(payload)
            rows += rows_of(inbox.pk, channel.split(payload, body, queries.config(inbox)))
        insert(rows)
        told(len(chunk))
        yield


def _inbox(brand: str) -> Inbox:
    """The paused inbox that replayed words of a brand live in; nothing is sent from it or fetched for it."""
    known = queries.inboxes().filter(channel="x", brand__name=brand, name=INBOX_NAME).first()
    if known is not None:
        return known
    settings = {
        "user_id": str(account(brand)),
        "consumer_secret": secrets.token_hex(16),
        "access_token": "replay",
    }
    inbox = actions.connect_inbox("x", brand, INBOX_NAME, settings)
    actions.pause(inbox.pk, "It holds recorded traffic; nothing is sent or fetched.")
    actions.mark_recorded(inbox.brand_id)
    return inbox


def account(brand: str) -> int:
    """A number for a brand's account, which the recordings name by its handle."""
    return 10**18 + zlib.crc32(brand.encode())


def _payload(tweet: Tweet, by_id: dict[str, Tweet], user_id: str) -> dict[str, Any]:
    """The tweet as X's v2 API would show it."""
    author = tweet.author if tweet.inbound else user_id
    post: dict[str, Any] = {
        "id": tweet.id,
        "author_id": author,
        "text": tweet.text,
        "created_at": tweet.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "conversation_id": tweet.root,
        "edit_history_tweet_ids": [tweet.id],
    }
    users = [
        {"id": author, "username": tweet.author, "name": tweet.author if not tweet.inbound else f"@{tweet.author}"}
    ]
    if tweet.parent:
        post["referenced_tweets"] = [{"type": "replied_to", "id": tweet.parent}]
        if answered := _answered(tweet, by_id, user_id):
            post["in_reply_to_user_id"] = answered
    return {"data": [post], "includes": {"users": users}}


def _answered(tweet: Tweet, by_id: dict[str, Tweet], user_id: str) -> str:
    """The account a tweet answers; for a brand that goes on after its own words, the customer it was speaking to."""
    parent, seen = by_id.get(tweet.parent), {tweet.id}
    while parent is not None and parent.id not in seen:
        if parent.inbound:
            return parent.author
        if tweet.inbound:
            break
        seen.add(parent.id)
        parent = by_id.get(parent.parent)
    if tweet.inbound:
        return user_id
    leading = _LEADING.match(tweet.text)
    return leading[1] if leading and leading[1].isdecimal() else ""
