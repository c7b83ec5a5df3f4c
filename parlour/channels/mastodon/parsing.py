"""From one event to Inbounds.

An event is what a stream of Mastodon carries, ``{"event": name, "payload": object or id}``, with what only the poll knows beside it:
``me`` (the brand's account id), ``root`` (the status a conversation begins with) and ``account`` (whose status was deleted). Events of
the poll: ``notification``; ``update`` for a status of the brand's own or with a hashtag that is listened to; ``status.update`` and
``delete`` for what changed later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from parlour.channels.contract import Author, Inbound, InboxConfig, Kind, Split, ThreadKey
from parlour.channels.mastodon.reading import facts, files, ident, person, realm_of, said
from parlour.channels.social import decode, hashed, line, link, mapping, moment, sequence
from parlour.lib.text import json_bytes

SPOKEN = {"mention", "quote"}
EDITED = {"update", "quoted_update"}
REACTIONS = {"favourite": "⭐", "reblog": "🔁"}
NOT_KEPT = {
    "status": "Posts of accounts that are followed are not kept.",
    "follow": "Follows are not kept.",
    "follow_request": "Follows are not kept.",
    "poll": "Ends of polls are not kept.",
    "severed_relationships": "Lost follows are not kept.",
    "moderation_warning": "Warnings of the server's moderators are read on the server.",
    "admin.sign_up": "What concerns the server's owners is not kept.",
    "admin.report": "What concerns the server's owners is not kept.",
}
EVENTS_NOT_KEPT = {
    "conversation": "Direct messages are told by their notifications.",
    "filters_changed": "Filters are not kept.",
    "notifications_merged": "The next poll brings them.",
    "announcement": "Announcements of the server are not kept.",
    "announcement.reaction": "Announcements of the server are not kept.",
    "announcement.delete": "Announcements of the server are not kept.",
    "encrypted_message": "Encrypted messages are not kept.",
}
Event = Mapping[str, Any]


class NotAnEvent(Exception):
    """The payload is not an event of Mastodon's."""


def framed(event: str, payload: object, **known: str) -> Split:
    """An event of the poll."""
    return split({"event": event, "payload": payload, **{name: value for name, value in known.items() if value}})


def split(event: object) -> Split:
    """One event with its key and lane. Raises NotAnEvent."""
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or "payload" not in event:
        raise NotAnEvent("Mastodon's events are objects with an event and a payload.")
    key = key_of(event)
    return Split(key, _lane(event) or key, json_bytes(event))


def key_of(event: Event) -> str:
    """The dedup key: a status is one message however it was found."""
    if named := _named(event):
        return named
    sorted_body = orjson.dumps(decode(json_bytes(event)), option=orjson.OPT_SORT_KEYS)
    return f"odd:{hashlib.sha256(sorted_body).hexdigest()}"


def kind_of(told: Mapping[str, Any]) -> str:
    """What a notification is about; empty for what is no text."""
    kind = told.get("type")
    return kind if isinstance(kind, str) else ""


def _named(event: Event) -> str:
    payload, name = _payload(event), event.get("event")
    if name == "delete":
        return f"delete:{one}" if (one := ident(event.get("payload"))) else ""
    told = mapping(payload)
    if name == "notification":
        status, kind = mapping(told.get("status")), kind_of(told)
        if kind not in SPOKEN and kind not in EDITED:
            return f"notification:{one}" if (one := ident(told.get("id"))) else ""
        told, name = status, "status.update" if kind in EDITED else "update"
    if name in ("update", "status.update") and (one := ident(told.get("id"))):
        return hashed(f"status:{one}:{told.get('edited_at')}" if name == "status.update" else f"status:{one}")
    return ""


def _lane(event: Event) -> str:
    """The customer concerned, as far as the event tells."""
    payload, me = mapping(_payload(event)), ident(event.get("me"))
    status = mapping(payload.get("status")) or payload
    account = ident(mapping(payload.get("account")).get("id")) or ident(event.get("account"))
    if account and account == me:
        account = ident(status.get("in_reply_to_account_id"))
        if not account or account == me:
            account = next(
                (one for entry in sequence(status.get("mentions")) if (one := ident(mapping(entry).get("id")))), ""
            )
    return account


def _payload(event: Event) -> object:
    """Frames of the WebSocket hold their payload as a text."""
    payload = event.get("payload")
    if isinstance(payload, str) and payload.startswith("{"):
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            return payload
    return payload


def inbounds(body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterator[Inbound]:
    """What an event says. Raises ValueError when it cannot be read."""
    event = decode(body)
    name, payload, realm = event.get("event"), _payload(event), realm_of(inbox)
    if not isinstance(name, str):
        raise ValueError("The event has no name.")
    key = key_of(event)
    if name == "delete":
        status = _needed_id(event.get("payload"), "The id of the deleted status")
        yield Inbound(Kind.DELETE, key, received_at, external_id=status)
    elif name == "notification":
        yield _notification(event, payload, key, realm, received_at)
    elif name == "update":
        yield _status(event, _object(payload, "status"), key, realm, received_at)
    elif name == "status.update":
        yield _edit(_object(payload, "status"), key, realm, received_at)
    else:
        reason = EVENTS_NOT_KEPT.get(name, f"Events of the type {line(name, 60) or 'without a name'} are not known.")
        yield Inbound(Kind.IGNORED, key, received_at, reason=reason)


def _notification(event: Event, payload: object, key: str, realm: str, received_at: datetime) -> Inbound:
    told = _object(payload, "notification")
    kind = kind_of(told)
    if not kind:
        raise ValueError("The notification has no type.")
    if kind in SPOKEN:
        # The status of a shortened notification has no account of its own: it is the one who is told of.
        status = {"account": told.get("account"), **_object(told.get("status"), "status")}
        return _status(event, status, key, realm, received_at)
    if kind in EDITED:
        return _edit(_object(told.get("status"), "status"), key, realm, received_at)
    if kind in REACTIONS:
        return Inbound(
            Kind.REACTION,
            key,
            moment(told.get("created_at"), received_at),
            external_id=_needed_id(mapping(told.get("status")).get("id"), "The id of the status"),
            author=person(told.get("account"), realm),
            meta={"reaction": REACTIONS[kind]},
        )
    reason = NOT_KEPT.get(kind, f"Notifications of the type {line(kind, 60) or 'without a name'} are not known.")
    return Inbound(Kind.IGNORED, key, received_at, reason=reason)


def _status(event: Event, status: Event, key: str, realm: str, received_at: datetime) -> Inbound:
    """A status as a message, or as the brand's own words."""
    author = person(status.get("account"), realm)
    external_id = _needed_id(status.get("id"), "The id of the status")
    if status.get("reblog") is not None:
        return Inbound(Kind.IGNORED, key, received_at, reason="Boosts of others' posts are not kept.")
    if author.external_id == event.get("me"):
        return _own(event, status, key, realm, received_at)
    return Inbound(
        Kind.MESSAGE,
        key,
        moment(status.get("created_at"), received_at),
        external_id=external_id,
        author=author,
        thread=_thread(event, status, author.external_id),
        text=said(status),
        reply_to=ident(status.get("in_reply_to_id")),
        attachments=files(status),
        meta=facts(status),
    )


def _own(event: Event, status: Event, key: str, realm: str, received_at: datetime) -> Inbound:
    customer = _counterpart(event, status, realm)
    if customer is None:
        return Inbound(Kind.IGNORED, key, received_at, reason="The brand's own post that answers nobody.")
    return Inbound(
        Kind.ECHO,
        key,
        moment(status.get("created_at"), received_at),
        external_id=_needed_id(status.get("id"), "The id of the status"),
        author=person(status.get("account"), realm),
        thread=_thread(event, status, customer.external_id),
        text=said(status),
        reply_to=ident(status.get("in_reply_to_id")),
        attachments=files(status),
        counterpart=customer,
        meta=facts(status),
    )


def _counterpart(event: Event, status: Event, realm: str) -> Author | None:
    """Whom the brand spoke to: whose status it answers, else the first one it names."""
    me, answered = event.get("me"), ident(status.get("in_reply_to_account_id"))
    named = [mapping(one) for one in sequence(status.get("mentions")) if ident(mapping(one).get("id"))]
    named = [one for one in named if one.get("id") != me]
    named.sort(key=lambda one: one.get("id") != answered)
    if answered and answered != me and (not named or named[0].get("id") != answered):
        return Author(realm, answered)
    if status.get("visibility") != "direct" and not ident(status.get("in_reply_to_id")):
        return None
    return person(named[0], realm) if named and isinstance(named[0].get("id"), str) else None


def _edit(status: Event, key: str, realm: str, received_at: datetime) -> Inbound:
    return Inbound(
        Kind.EDIT,
        key,
        moment(status.get("edited_at"), received_at),
        external_id=_needed_id(status.get("id"), "The id of the status"),
        author=person(status.get("account"), realm),
        text=said(status),
        attachments=files(status),
    )


def _thread(event: Event, status: Event, customer: str) -> ThreadKey:
    """Direct messages with one person are one thread; a public thread is what one person says in one conversation."""
    if status.get("visibility") == "direct":
        return ThreadKey(f"direct:{customer}", "private", address=customer)
    root = ident(event.get("root")) or ident(status.get("in_reply_to_id")) or ident(status.get("id"))
    return ThreadKey(f"{root}/{customer}", "public", address=customer, url=link(status.get("url"), 500))


def _object(value: object, name: str) -> Event:
    if not isinstance(value, dict):
        raise ValueError(f"The {name} is no object.")
    return value


def _needed_id(value: object, name: str) -> str:
    if not (found := ident(value)):
        raise ValueError(f"{name} is missing or is no id.")
    return found
