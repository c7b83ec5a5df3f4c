"""From the bytes of one arrival to Inbounds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import orjson

from parlour.channels.contract import Inbound, Kind
from parlour.channels.x import direct, posts
from parlour.channels.x.envelope import Event, What, cut, key_of
from parlour.lib.text import one_line

KNOWN_AND_NOT_KEPT = {
    "like.create": "Likes are not kept.",
    "favorite_events": "Likes are not kept.",
    "follow.follow": "Follows are not kept.",
    "follow.unfollow": "Follows are not kept.",
    "follow_events": "Follows are not kept.",
    "unfollow_events": "Follows are not kept.",
    "block_events": "Blocks are not kept.",
    "unblock_events": "Blocks are not kept.",
    "mute_events": "Mutes are not kept.",
    "unmute_events": "Mutes are not kept.",
    "dm.indicate_typing": "Typing is not kept.",
    "direct_message_indicate_typing_events": "Typing is not kept.",
    "news.new": "News are not kept.",
}
FAMILIES = {
    "profile.update.": "Changes of a profile are not kept.",
    "spaces.": "Spaces are not kept.",
    "broadcast.": "Broadcasts are not kept.",
    "chat.": "Changes of an encrypted chat are not kept.",
    "mute": "Mutes are not kept.",
    "block": "Blocks are not kept.",
}
SPOKEN_OF = ("post.", "dm.", "chat.", "oauth.")
"""Families whose events must hold something: a payload of a wrong type is an error there, not an unknown event."""


def inbounds(body: bytes, user_id: str, received_at: datetime) -> Iterator[Inbound]:
    """What an arrival says. Raises ValueError when it cannot be read."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError("The body is not JSON.") from error
    for event in cut(payload):
        yield from _of(event, user_id, received_at)


def _of(event: Event, user_id: str, received_at: datetime) -> Iterator[Inbound]:
    key = key_of(event, user_id)
    if event.account and event.account != user_id:
        yield Inbound(Kind.IGNORED, key, received_at, reason="It was delivered for another account.")
        return
    match event.what:
        case What.POST | What.OLD_POST:
            yield from posts.inbounds(event, key, user_id, received_at)
        case What.DELETE:
            yield posts.deleted(event, key, received_at)
        case What.DM:
            yield direct.message(event, key, user_id, received_at)
        case What.DM_EVENT:
            yield direct.page_message(event, key, user_id, received_at)
        case What.CHAT:
            yield direct.encrypted(event, key, user_id, received_at)
        case What.READ:
            yield direct.read(event, key, user_id, received_at)
        case What.REVOKE:
            yield direct.revoked(event, key, user_id, received_at)
        case _:
            yield Inbound(Kind.IGNORED, key, received_at, reason=_reason(event))


def _reason(event: Event) -> str:
    if not event.name:
        raise ValueError("The event_type is missing or is no text.")
    if event.name.startswith(SPOKEN_OF) and not isinstance(event.item, dict | None):
        raise ValueError(f"The payload of {one_line(event.name, 80)} is no object.")
    if reason := KNOWN_AND_NOT_KEPT.get(event.name):
        return reason
    if not event.item:
        return f"X sent {one_line(event.name, 80)} without content."
    family = next((reason for start, reason in FAMILIES.items() if event.name.startswith(start)), None)
    return family or f"Events of the type {one_line(event.name, 80)} are not known."
