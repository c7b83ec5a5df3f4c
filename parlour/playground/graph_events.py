"""Webhook bodies of a Facebook Page and its Messenger, in Meta's own shapes. Pure; the load driver uses them too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

Payload = dict[str, Any]


def feed(page_id: str, at: datetime, value: dict[str, Any]) -> Payload:
    """A change of the Page's feed. Times in here are whole seconds."""
    change = {"field": "feed", "value": value}
    return {"object": "page", "entry": [{"id": page_id, "time": int(at.timestamp()), "changes": [change]}]}


def messaging(page_id: str, at: datetime, event: dict[str, Any], where: str = "messaging") -> Payload:
    """An event of Messenger; under ``standby`` while another app has the conversation. Times in here are milliseconds."""
    return {"object": "page", "entry": [{"id": page_id, "time": _ms(at), where: [event]}]}


def comment_value(
    *,
    verb: str,
    author: tuple[str, str],
    post_id: str,
    comment_id: str,
    parent_id: str,
    at: datetime,
    text: str | None,
) -> dict[str, Any]:
    """The value of a change about a comment; ``author`` is (id, name), ``text`` None where the platform sends none."""
    value: dict[str, Any] = {
        "from": {"id": author[0], "name": author[1]},
        "post": {
            "status_type": "mobile_status_update",
            "is_published": True,
            "updated_time": f"{at:%Y-%m-%dT%H:%M:%S}+0000",
            "promotion_status": "inactive",
            "id": post_id,
        },
        "post_id": post_id,
        "comment_id": comment_id,
        "created_time": int(at.timestamp()),
        "item": "comment",
        "parent_id": parent_id,
        "verb": verb,
    }
    if text is not None:
        value["message"] = text
    return value


def post_value(
    *, verb: str, author: tuple[str, str], post_id: str, at: datetime, text: str | None, own: bool
) -> dict[str, Any]:
    """The value of a change about a post: the Page's ``own`` are of item ``status``, those of visitors ``post``."""
    value: dict[str, Any] = {
        "from": {"id": author[0], "name": author[1]},
        "post_id": post_id,
        "created_time": int(at.timestamp()),
        "item": "status" if own else "post",
        "verb": verb,
        "published": 1,
    }
    if text is not None:
        value["message"] = text
    return value


def text_message(psid: str, page_id: str, at: datetime, mid: str, text: str, reply_to: str = "") -> dict[str, Any]:
    message: dict[str, Any] = {"mid": mid, "text": text}
    if reply_to:
        message["reply_to"] = {"mid": reply_to}
    return {"sender": {"id": psid}, "recipient": {"id": page_id}, "timestamp": _ms(at), "message": message}


def message_echo(
    psid: str, page_id: str, at: datetime, mid: str, text: str, app_id: int, metadata: str
) -> dict[str, Any]:
    """The Page's own message; ``metadata`` only appears when the sender had set it."""
    message: dict[str, Any] = {"is_echo": True, "app_id": app_id, "mid": mid, "text": text}
    if metadata:
        message["metadata"] = metadata
    return {"sender": {"id": page_id}, "recipient": {"id": psid}, "timestamp": _ms(at), "message": message}


def message_edit(psid: str, page_id: str, at: datetime, mid: str, text: str, number: int) -> dict[str, Any]:
    edit = {"mid": mid, "text": text, "num_edit": number}
    return {"sender": {"id": psid}, "recipient": {"id": page_id}, "timestamp": _ms(at), "message_edit": edit}


def delivered(psid: str, page_id: str, watermark: datetime, mids: list[str]) -> dict[str, Any]:
    """A delivery receipt. The watermark is always there, ``mids`` sometimes."""
    receipt: dict[str, Any] = {"watermark": _ms(watermark)}
    if mids:
        receipt["mids"] = mids
    return {"sender": {"id": psid}, "recipient": {"id": page_id}, "delivery": receipt}


def read(psid: str, page_id: str, at: datetime, watermark: datetime) -> dict[str, Any]:
    return {
        "sender": {"id": psid},
        "recipient": {"id": page_id},
        "timestamp": _ms(at),
        "read": {"watermark": _ms(watermark)},
    }


def reaction(psid: str, page_id: str, at: datetime, mid: str, emoji: str) -> dict[str, Any]:
    told = {"reaction": "love", "emoji": emoji, "action": "react", "mid": mid}
    return {"sender": {"id": psid}, "recipient": {"id": page_id}, "timestamp": _ms(at), "reaction": told}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
