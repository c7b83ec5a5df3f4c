"""X's three envelopes cut into single events: Activity API, the older Account Activity API, and pages of the v2 API.

The same happening may come through all of them; its key is the same in each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from parlour.channels.contract import Split
from parlour.channels.x.fields import ident, mapping, pair, people, sequence
from parlour.lib.text import json_bytes


class What(StrEnum):
    """Which shape an event has."""

    POST = "post"
    OLD_POST = "old_post"
    DELETE = "delete"
    DM = "dm"
    DM_EVENT = "dm_event"
    CHAT = "chat"
    READ = "read"
    REVOKE = "revoke"
    OTHER = "other"


OLD_LISTS = {
    "tweet_create_events": What.OLD_POST,
    "tweet_delete_events": What.DELETE,
    "direct_message_events": What.DM,
    "direct_message_mark_read_events": What.READ,
}
DM_KINDS = ("MessageCreate", "ParticipantsJoin", "ParticipantsLeave")


class EnvelopeError(ValueError):
    """The body has none of the shapes X sends."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event with what its envelope says about it."""

    what: What
    name: str
    item: Any
    wrap: Callable[[], Mapping[str, Any]]
    account: str = ""
    """Id of the account whose subscription brought it, '' when the envelope does not tell."""
    uuid: str = ""
    users: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    media: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def alone(self) -> Mapping[str, Any]:
        """An envelope of the same shape that holds just this event. Made when asked for: reading does without."""
        return self.wrap()


def cut(payload: object) -> list[Event]:
    """The events in a decoded body. Raises EnvelopeError."""
    if isinstance(payload, dict):
        data = payload.get("data")
        if isinstance(data, dict):
            return list(_activity(data, payload)) if _is_activity(data) else list(_page([data], payload))
        if isinstance(data, list):
            return [
                event
                for one in data
                for event in (_activity(one, payload) if _is_activity(one) else _page([one], payload))
            ]
        if "for_user_id" in payload or "user_event" in payload or any(name in OLD_LISTS for name in payload):
            return list(_account_activity(payload))
    raise EnvelopeError("This is not an event of X: it has neither 'data' nor 'for_user_id'.")


def _is_activity(data: object) -> bool:
    return isinstance(data, dict) and "event_type" in data and ("payload" in data or "event_uuid" in data)


def _activity(data: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Event]:
    name = data.get("event_type")
    name = name[:80] if isinstance(name, str) else ""
    payload = data.get("payload")
    account = ident(mapping(data.get("filter")).get("user_id"))
    head = {key: data[key] for key in ("event_uuid", "event_type", "filter") if key in data}
    uuid = ident(data.get("event_uuid"))

    def event(what: What, item: object, users: object = None, media: object = None, inner: object = None) -> Event:
        known, files = people(users), _media(media)

        def alone() -> Mapping[str, Any]:
            includes = _includes(item, known, files)
            return {"data": {**head, "payload": item if inner is None else inner, "includes": includes}}

        return Event(what, name, item, alone, account, uuid, known, files)

    includes = mapping(data.get("includes")) or mapping(whole.get("includes"))
    users, media = includes.get("users"), includes.get("media")
    inside = mapping(payload)
    if name in ("dm.received", "dm.sent", "dm.read"):
        listed = "direct_message_mark_read_events" if name == "dm.read" else "direct_message_events"
        what = What.READ if name == "dm.read" else What.DM
        known = inside.get("users") or users
        if isinstance(inside.get(listed), list):
            for one in inside[listed]:
                yield event(what, one, known, media, {listed: [one]})
        elif ident(inside.get("dm_conversation_id")):
            yield event(What.DM_EVENT, payload, known, media)
        else:
            yield event(what if inside.get("sender_id") else What.OTHER, payload, known, media)
    elif not inside:
        yield event(What.OTHER, payload)
    elif name.startswith("post.") and name.endswith("create"):
        yield event(What.POST, payload, users, media)
    elif name == "post.delete":
        yield event(What.DELETE, payload)
    elif name in ("chat.received", "chat.sent"):
        yield event(What.CHAT, payload, inside.get("users") or users)
    elif name == "oauth.revoke":
        yield event(What.REVOKE, payload)
    else:
        yield event(What.OTHER, payload)


def _page(items: list[Any], whole: Mapping[str, Any]) -> Iterator[Event]:
    includes = mapping(whole.get("includes"))
    users, media = people(includes.get("users")), _media(includes.get("media"))
    for item in items:
        said = mapping(item)
        what = What.DM_EVENT if said.get("event_type") in DM_KINDS or "dm_conversation_id" in said else What.POST
        yield Event(what, "page", item, partial(_page_of_one, item, users, media), users=users, media=media)


def _page_of_one(
    item: object, users: Mapping[str, Mapping[str, Any]], media: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    return {"data": [item], "includes": _includes(item, users, media)}


def _includes(
    item: object, users: Mapping[str, Mapping[str, Any]], media: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    wanted, keys = _concerned(item) if users else (), _media_keys(item) if media else ()
    return {
        "users": [user for key, user in users.items() if key in wanted],
        "media": [one for key, one in media.items() if key in keys],
    }


def _account_activity(payload: Mapping[str, Any]) -> Iterator[Event]:
    account = ident(payload.get("for_user_id"))
    head = {"for_user_id": payload["for_user_id"]} if "for_user_id" in payload else {}
    users = people(payload.get("users"))
    for name, listed in payload.items():
        if name == "user_event":
            revoked = mapping(listed).get("revoke")
            what = What.OTHER if revoked is None else What.REVOKE
            whole = partial(_old_of_one, {**head, name: listed}, listed, {})
            yield Event(what, name, revoked if revoked is not None else listed, whole, account)
        elif name.endswith("_events"):
            what = OLD_LISTS.get(name, What.OTHER)
            for item in listed if isinstance(listed, list) else [listed]:
                whole = partial(_old_of_one, {**head, name: [item]}, item, users)
                yield Event(what, name[:80], item, whole, account, users=users)


def _old_of_one(alone: dict[str, Any], item: object, users: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    wanted = _concerned(item) if users else frozenset()
    said = {key: user for key, user in users.items() if key in wanted}
    return {**alone, "users": said} if said else alone


def _media(listed: object) -> dict[str, Mapping[str, Any]]:
    return {key: one for one in map(mapping, sequence(listed)) if (key := ident(one.get("media_key")))}


def _media_keys(item: object) -> frozenset[str]:
    keys = sequence(mapping(mapping(item).get("attachments")).get("media_keys"))
    return frozenset(key for key in keys if isinstance(key, str))


def _concerned(item: object) -> frozenset[str]:
    """Ids of the users an event is about; the others of a page need not travel with it."""
    said = mapping(item)
    message = mapping(said.get("message_create"))
    ids = (
        said.get("author_id"),
        said.get("in_reply_to_user_id"),
        said.get("sender_id"),
        mapping(said.get("target")).get("recipient_id"),
        message.get("sender_id"),
        mapping(message.get("target")).get("recipient_id"),
        *sequence(said.get("participant_ids"))[:10],
        *ident(said.get("dm_conversation_id") or said.get("conversation_id")).replace(":", "-").split("-"),
    )
    return frozenset(one for value in ids if (one := ident(value)))


def post_id(item: Mapping[str, Any]) -> str:
    return ident(item.get("id_str") or item.get("id"))


def key_of(event: Event, user_id: str) -> str:
    """The dedup key of an event: what happened, not how the news came."""
    key = _key(event) or f"{event.what}:{event.uuid}"
    if key.endswith(":"):
        key += hashlib.sha256(json_bytes(event.alone)).hexdigest()[:32]
    # The same post may come again under our own subscription; that one must not be taken for a repetition of this one.
    return f"for:{event.account}:{key}" if event.account and event.account != user_id else key


def _key(event: Event) -> str:
    item = mapping(event.item)
    match event.what:
        case What.POST | What.OLD_POST if found := post_id(item):
            return f"post:{found}"
        case What.DELETE if found := post_id(mapping(item.get("status")) or item):
            return f"delete:{found}"
        case What.DM | What.DM_EVENT if found := ident(item.get("id")):
            return f"dm:{found}"
        case What.CHAT if found := ident(item.get("id")):
            return f"chat:{found}"
    return ""


def lane_of(event: Event, user_id: str) -> str:
    """What must stay in order: a conversation of posts, or a direct conversation."""
    item = mapping(event.item)
    match event.what:
        case What.POST | What.OLD_POST:
            started = ident(item.get("conversation_id")) or ident(item.get("in_reply_to_status_id_str"))
            return started or post_id(item) or "x"
        case What.DELETE:
            return post_id(mapping(item.get("status")) or item) or "x"
        case What.DM | What.READ:
            said = mapping(item.get("message_create")) or item
            one, other = ident(said.get("sender_id")), ident(mapping(said.get("target")).get("recipient_id"))
            return pair(one, other) if one and other else "x"
        case What.DM_EVENT | What.CHAT:
            conversation = ident(item.get("dm_conversation_id") or item.get("conversation_id")).replace(":", "-")
            ends = conversation.split("-")
            if len(ends) == 2 and all(ends):
                return pair(*ends)
            return conversation or pair(ident(item.get("sender_id")), user_id)
    return "x"


def split(payload: object, user_id: str) -> list[Split]:
    """The events of a body, each with its key and lane. Raises EnvelopeError."""
    return [Split(key_of(event, user_id), lane_of(event, user_id), json_bytes(event.alone)) for event in cut(payload)]
