"""What an Instagram account holds, and its webhooks in Meta's own shapes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Payload = dict[str, Any]

IG_ID = "17841400773019001"
USERNAME = "luma.phones"


@dataclass(slots=True)
class Comment:
    """A comment under one of the brand's posts, or under somebody else's where the brand was mentioned."""

    id: str
    media: str
    parent: str
    """The top-level comment it stands under, '' for one itself."""
    person: str
    """'' when the brand wrote it."""
    text: str
    at: datetime
    hidden: bool = False
    removed: bool = False
    private_reply: str = ""
    """The mid of the one private reply it may get."""


@dataclass(slots=True)
class Chat:
    """What one customer and the brand say in private."""

    person: str
    last_inbound_at: datetime | None = None
    blocked: bool = False
    seen_at: datetime | None = None
    mids: list[str] = field(default_factory=list)


def username(name: str) -> str:
    """An account name as people make them of their own."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", ".", plain).strip(".") or "somebody"


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def messaging(at: datetime, event: Payload, where: str = "messaging") -> Payload:
    """A private event. Times in here are milliseconds."""
    return {"object": "instagram", "entry": [{"id": IG_ID, "time": milliseconds(at), where: [event]}]}


def between(person: str, at: datetime, *, by_brand: bool = False, **what: Any) -> Payload:
    """An event of a customer, or of the brand to one."""
    sender, recipient = (IG_ID, person) if by_brand else (person, IG_ID)
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": milliseconds(at), **what}


def change(at: datetime, name: str, value: Payload, *, flat: bool) -> Payload:
    """A public event, in seconds: flat in its entry as apps with Instagram Login get it, or in ``changes`` as the others do."""
    entry: Payload = {"id": IG_ID, "time": int(at.timestamp())}
    told = {"field": name, "value": value}
    return {"object": "instagram", "entry": [{**entry, **told} if flat else {**entry, "changes": [told]}]}


def comment_value(comment: Comment, author: tuple[str, str]) -> Payload:
    value: Payload = {
        "from": {"id": author[0], "username": author[1]},
        "media": {"id": comment.media, "media_product_type": "FEED"},
        "id": comment.id,
        "text": comment.text,
    }
    return {**value, "parent_id": comment.parent} if comment.parent else value
