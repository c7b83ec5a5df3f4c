"""Webhook bodies of the X Activity API, in X's own shapes. Pure; used by the stand-in and by the load driver."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from parlour.playground.shelf import File

Payload = dict[str, Any]

_MENTION = re.compile(r"(?<![\w@])@(\w{1,15})(?!\w)")


@dataclass(slots=True)
class User:
    """An account."""

    id: str
    name: str
    username: str
    followers: int = 0
    verified: bool = False


@dataclass(slots=True)
class Tweet:
    """A post. An edited post is a new one with the old ids in ``history``."""

    id: str
    author: User
    text: str
    at: datetime
    conversation_id: str
    reply_to: str = ""
    quoted: str = ""
    history: list[str] = field(default_factory=list)
    removed: bool = False
    hidden: bool = False
    files: list[str] = field(default_factory=list)
    """Ids of its media."""
    shown: list[File] = field(default_factory=list)
    """Its media themselves."""
    media: list[dict[str, Any]] = field(default_factory=list)
    """What the API tells of a customer's media."""


@dataclass(slots=True)
class Dm:
    """A direct message."""

    id: str
    sender: User
    recipient: User
    text: str
    at: datetime
    read: bool = False
    files: list[str] = field(default_factory=list)
    shown: list[File] = field(default_factory=list)

    @property
    def conversation_id(self) -> str:
        return conversation_id(self.sender.id, self.recipient.id)


def conversation_id(one: str, other: str) -> str:
    """``{smaller}-{larger}`` user id."""
    return "-".join(sorted((one, other), key=int))


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def mentions(text: str) -> list[str]:
    """User names mentioned in a text, lower case."""
    return [name.lower() for name in _MENTION.findall(text)]


def activity(event_type: str, uuid: str, user_id: str, payload: Payload, includes: Payload | None = None) -> Payload:
    """The envelope of one event of the X Activity API."""
    data: Payload = {
        "event_uuid": uuid,
        "filter": {"user_id": user_id},
        "event_type": event_type,
        "tag": event_type,
        "payload": payload,
    }
    if includes is not None:
        data["includes"] = includes
    return {"data": data}


def user_object(user: User) -> Payload:
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "verified": user.verified,
        "verified_type": "blue" if user.verified else "none",
        "protected": False,
        "description": "",
        "profile_image_url": "",
        "public_metrics": {
            "followers_count": user.followers,
            "following_count": 10,
            "tweet_count": 50,
            "listed_count": 0,
        },
    }


def tweet_object(tweet: Tweet, users: Mapping[str, User], tweets: Mapping[str, Tweet]) -> Payload:
    """A post as API v2 shows it; ``users`` by lower-case user name, ``tweets`` by id."""
    told: Payload = {
        "id": tweet.id,
        "text": tweet.text,
        "author_id": tweet.author.id,
        "conversation_id": tweet.conversation_id,
        "created_at": iso(tweet.at),
        "edit_history_tweet_ids": [*tweet.history, tweet.id],
        "display_text_range": [0, len(tweet.text)],
        "lang": "und",
        "possibly_sensitive": False,
        "reply_settings": "everyone",
        "public_metrics": {"retweet_count": 0, "reply_count": 0, "like_count": 0, "quote_count": 0},
    }
    if tweet.media:
        told["attachments"] = {"media_keys": [one["media_key"] for one in tweet.media]}
    found = [
        {"start": hit.start(), "end": hit.end(), "username": hit[1], "id": users[hit[1].lower()].id}
        for hit in _MENTION.finditer(tweet.text)
        if hit[1].lower() in users
    ]
    if found:
        told["entities"] = {"mentions": found}
    referenced = [("replied_to", tweet.reply_to), ("quoted", tweet.quoted)]
    if any(other for _, other in referenced):
        told["referenced_tweets"] = [{"type": kind, "id": other} for kind, other in referenced if other]
    if tweet.reply_to:
        told["in_reply_to_tweet_id"] = tweet.reply_to
        if tweet.reply_to in tweets:
            told["in_reply_to_user_id"] = tweets[tweet.reply_to].author.id
    return told


def post_payload(tweet: Tweet, users: Mapping[str, User], tweets: Mapping[str, Tweet]) -> tuple[Payload, Payload]:
    """Payload and includes of an event about a post."""
    seen = [tweets[other] for other in (tweet.reply_to, tweet.quoted) if other in tweets]
    people = {user.id: user for user in [tweet.author, *(other.author for other in seen)]}
    includes: Payload = {"users": [user_object(user) for user in people.values()]}
    if seen:
        includes["tweets"] = [tweet_object(other, users, tweets) for other in seen]
    if tweet.media:
        includes["media"] = tweet.media
    return tweet_object(tweet, users, tweets), includes


def dm_payload(dm: Dm) -> Payload:
    """The payload of ``dm.received`` and ``dm.sent``."""
    event: Payload = {
        "type": "message_create",
        "id": dm.id,
        "created_timestamp": str(int(dm.at.timestamp() * 1000)),
        "message_create": {
            "target": {"recipient_id": dm.recipient.id},
            "sender_id": dm.sender.id,
            "message_data": {
                "text": dm.text,
                "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
            },
        },
    }
    if dm.files:
        url = f"https://ton.x.com/1.1/ton/data/dm/{dm.id}/{dm.files[0]}/picture.jpg"
        media = {"id_str": dm.files[0], "type": "photo", "media_url_https": url}
        event["message_create"]["message_data"]["attachment"] = {"type": "media", "media": media}
    people: Sequence[User] = (dm.sender, dm.recipient)
    return {"direct_message_events": [event], "users": {user.id: {"data": user_object(user)} for user in people}}


def old_activity(user_id: str, dm: Dm) -> Payload:
    """The same message as the Account Activity API tells it: with other names around it and no id of the event."""
    payload = dm_payload(dm)
    people = {
        key: {
            "id": key,
            "created_timestamp": "1422556069340",
            "name": one["data"]["name"],
            "screen_name": one["data"]["username"],
        }
        for key, one in payload["users"].items()
    }
    return {"for_user_id": user_id, "direct_message_events": payload["direct_message_events"], "users": people}


def dm_read_payload(reader: User, other: User, at: datetime, last_id: str) -> Payload:
    """The payload of ``dm.read``: everything up to ``last_id`` was read."""
    event = {
        "created_timestamp": str(int(at.timestamp() * 1000)),
        "sender_id": reader.id,
        "target": {"recipient_id": other.id},
        "last_read_event_id": last_id,
    }
    people = (reader, other)
    return {
        "direct_message_mark_read_events": [event],
        "users": {user.id: {"data": user_object(user)} for user in people},
    }
