"""One event of a webhook. Discourse names it in a header only, so the door puts the name into the body:
``{"event": "post_created", "post": {…}}``. Polling writes the same.

A post is ``<topic>:<number in the topic>``: answers name what they answer by that number, and by nothing else.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

import orjson

from parlour.channels.contract import Refused, Split
from parlour.channels.meta import fingerprint, identifier, key, members, stamp

POSTS = {"post_created": "message", "post_edited": "edit", "post_destroyed": "delete", "post_recovered": "back"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")


class Event(NamedTuple):
    name: str
    fields: dict[str, Any]
    """The post, or whatever the event is about."""
    key: str
    lane: str
    whole: dict[str, Any]


def number(value: Any, what: str) -> int:
    """An id or a count. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**53) < value < 2**53:
        raise ValueError(f"{what} is missing or is no number.")
    return value


def named(name: str, body: bytes) -> bytes:
    """A webhook's body with the event's name in it; what is no JSON object is left for the door to refuse."""
    if not _NAME.fullmatch(name):
        return body
    rest = body.strip()[1:].lstrip()
    if not body.lstrip().startswith(b"{") or not rest:
        return body
    return b'{"event":"' + name.encode() + b'"' + (b"" if rest.startswith(b"}") else b",") + rest


def envelope(payload: Any) -> dict[str, Any]:
    """Raises Refused(400)."""
    if not isinstance(payload, dict):
        raise Refused(400, "The body must be an event of Discourse, a JSON object.")
    if not isinstance(payload.get("event"), str) or not _NAME.fullmatch(payload["event"]):
        raise Refused(400, "The header X-Discourse-Event is missing or names no event.")
    return payload


def read(payload: dict[str, Any]) -> Event:
    """Raises ValueError when its ids are no ids."""
    name = payload["event"]
    if name in POSTS:
        post = members(payload.get("post"), "post")
        parts = [name, str(number(post.get("id"), "post.id"))]
        if name != "post_created":
            # A post may be edited or removed again and again; an edit without trace changes the time only.
            parts += [stamp(post.get("version"), "version"), stamp(post.get("updated_at"), "updated_at")]
        return Event(name, post, key(*parts), str(number(post.get("topic_id"), "topic_id")), payload)
    if isinstance(payload.get("like"), dict):
        like = payload["like"]
        post, who = members(like.get("post"), "like.post"), members(like.get("user"), "like.user")
        parts = [str(number(post.get("id"), "post.id")), identifier(who.get("id"), "user.id")]
        return Event("like", like, key("like", *parts), str(number(post.get("topic_id"), "topic_id")), payload)
    return Event(name, {}, key(name, fingerprint(payload)), "", payload)


def split(payload: Any, body: bytes) -> list[Split]:
    """Raises Refused(400) when it is no event of Discourse."""
    told = envelope(payload)
    try:
        event = read(told)
    except ValueError:
        try:
            known = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:  # nested deeper than orjson writes
            known = body
        return [Split("odd:" + hashlib.sha256(known).hexdigest(), "", body)]
    return [Split(event.key, event.lane, body)]
