"""One update of the Bot API: what it is about, its dedup key and its lane. ``{"update_id": …, "<one member>": {…}}``.

Keys name the message, not the update: after a week without updates Telegram begins to count anew.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

from parlour.channels.contract import Refused, Split
from parlour.channels.meta import fingerprint, identifier, key, members, stamp
from parlour.channels.telegram.places import Room

MESSAGES = ("message", "edited_message", "business_message", "edited_business_message")
KINDS = (
    *MESSAGES,
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "business_connection",
    "deleted_business_messages",
)
"""What is asked of Telegram (``allowed_updates``): everything that is kept, and what tells about our own access."""

IGNORED = {
    "channel_post": "A post of a channel the bot is in: nobody asks anything there.",
    "edited_channel_post": "A post of a channel the bot is in was edited.",
    "guest_message": "The bot was called into a chat it is not in.",
    "message_reaction_count": "Reactions were counted, without names.",
    "inline_query": "Somebody typed the bot's name in another chat.",
    "chosen_inline_result": "Somebody chose a result of the bot's in another chat.",
    "shipping_query": "A question about shipping of an invoice.",
    "pre_checkout_query": "A question before a payment.",
    "purchased_paid_media": "Somebody bought paid media.",
    "poll": "The state of a poll changed.",
    "poll_answer": "Somebody voted in a poll.",
    "chat_member": "A member of a group came, went or changed.",
    "chat_join_request": "Somebody asks to join a group.",
    "chat_boost": "A chat was boosted.",
    "removed_chat_boost": "A boost of a chat ended.",
    "managed_bot": "A bot that is managed by this one changed.",
}


class Update(NamedTuple):
    """``what`` is '' when nothing known is in it."""

    what: str
    fields: dict[str, Any]
    key: str
    lane: str
    whole: dict[str, Any]


def number(value: Any, what: str) -> int:
    """A whole number. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise ValueError(f"{what} is missing or is no number.")
    return value


def where(fields: dict[str, Any]) -> Room:
    """The chat something happened in, and its topic where it is one. Raises ValueError."""
    chat = number(members(fields.get("chat"), "chat").get("id"), "chat.id")
    topic = 0
    if fields.get("is_topic_message") is True:
        topic = number(fields.get("message_thread_id", 0), "message_thread_id")
    connection = identifier(fields.get("business_connection_id"), "business_connection_id", 80)
    if any(mark in connection for mark in ":/ "):
        raise ValueError("business_connection_id holds odd characters.")
    return Room(chat, max(topic, 0), connection)


def envelope(payload: Any) -> dict[str, Any]:
    """The update in a decoded body. Raises Refused(400)."""
    if not isinstance(payload, dict):
        raise Refused(400, "The body must be an update of the Bot API, a JSON object.")
    if not isinstance(payload.get("update_id"), int) or isinstance(payload["update_id"], bool):
        raise Refused(400, "An update of the Bot API has an 'update_id'.")
    return payload


def read(payload: dict[str, Any]) -> Update:
    """Raises ValueError when its ids are no ids."""
    what = next((name for name in (*KINDS, *IGNORED) if name in payload), "")
    if what not in KINDS:
        return Update(what, {}, key(what or "update", fingerprint(payload)), "", payload)
    fields = members(payload[what], what)
    if what == "business_connection":
        return Update(what, fields, key(what, fingerprint(fields)), "", payload)
    if what == "callback_query":
        return _press(fields, payload)
    room = where(fields)
    lane = str(room.chat)
    if what == "message_reaction":
        who = members(fields.get("user"), "user") or members(fields.get("actor_chat"), "actor_chat")
        parts = [room.message(_id(fields)), identifier(who.get("id"), "user.id"), stamp(fields.get("date"), "date")]
        return Update(
            what, fields, key("reaction", *parts, fingerprint(fields.get("new_reaction"))[:16]), lane, payload
        )
    if what in ("my_chat_member", "deleted_business_messages"):
        return Update(what, fields, key(what, str(room.chat), fingerprint(fields)[:32]), lane, payload)
    told = room.message(_id(fields))
    if what.startswith("edited_"):
        # Two edits within a second are told apart by what they say.
        at = stamp(fields.get("edit_date"), "edit_date")
        return Update(what, fields, key("edit", told, at, fingerprint(fields)[:16]), lane, payload)
    return Update(what, fields, key("message", told), lane, payload)


def _press(fields: dict[str, Any], payload: dict[str, Any]) -> Update:
    press = identifier(fields.get("id"), "callback_query.id", 64)
    if not press:
        raise ValueError("The press of a button has no id.")
    under = members(fields.get("message"), "callback_query.message")
    lane = str(where(under).chat) if under else ""
    return Update("callback_query", fields, key("press", press), lane, payload)


def _id(fields: dict[str, Any]) -> int:
    found = number(fields.get("message_id"), "message_id")
    if found < 0:
        raise ValueError("message_id is no id.")
    return found


def split(payload: Any, body: bytes) -> list[Split]:
    """Raises Refused(400) when it is no update."""
    told = envelope(payload)
    try:
        update = read(told)
    except ValueError:
        return [Split("odd:" + hashlib.sha256(_canonical(told, body)).hexdigest(), "", body)]
    return [Split(update.key, update.lane, body)]


def _canonical(told: dict[str, Any], body: bytes) -> bytes:
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return body
