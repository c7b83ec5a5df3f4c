"""From one event to Inbounds.

An event is ``{"type": type, "item": what the API told, "me": the brand's DID}``. Types: ``notification``; ``post`` (the brand's own, or
found by a saved search; ``item`` as in a feed, with ``post`` and ``reply``); ``repost``; ``log`` (an entry of the chats' log, with
``convo``, the conversation and its members, beside it); ``gone`` (a post that is not there any more).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from parlour.channels.bluesky.reading import CHAT_ID, REALM, files, owner, person, refs, thread_of, uri_of
from parlour.channels.contract import Author, Inbound, Kind, Split, ThreadKey
from parlour.channels.social import decode, hashed, line, mapping, moment, needed, sequence, words
from parlour.lib.text import json_bytes

SPOKEN = ("mention", "reply", "quote")
REACTIONS = {"like": "❤️", "repost": "🔁"}
NOT_KEPT = {
    "follow": "Follows are not kept.",
    "starterpack-joined": "Joins by a starter pack are not kept.",
    "verified": "Verifications are not kept.",
    "unverified": "Verifications are not kept.",
    "like-via-repost": "Likes of others' reposts are not kept.",
    "repost-via-repost": "Reposts of others' reposts are not kept.",
    "subscribed-post": "Posts of accounts that are followed are not kept.",
    "contact-match": "Matches of contacts are not kept.",
}
LOGS = "chat.bsky.convo.defs#log"
LOGS_NOT_KEPT = {
    "ReadMessage": "What the brand itself has read is not kept.",
    "BeginConvo": "Beginnings of chats without words are not kept.",
    "AcceptConvo": "Accepted chats are not kept.",
    "LeaveConvo": "Left chats are not kept.",
    "MuteConvo": "Muted chats are not kept.",
    "UnmuteConvo": "Muted chats are not kept.",
}
Event = Mapping[str, Any]


class NotAnEvent(Exception):
    """The payload is not an event of Bluesky's."""


def framed(kind: str, item: object, me: str, **known: object) -> Split:
    """An event of the poll."""
    return split({"type": kind, "item": item, "me": me, **known})


def split(event: object) -> Split:
    """One event with its key and lane. Raises NotAnEvent."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str) or "item" not in event:
        raise NotAnEvent("Bluesky's events are objects with a type and an item.")
    key = key_of(event)
    return Split(key, hashed(_lane(event) or key), json_bytes(event))


def key_of(event: Event) -> str:
    """The dedup key: a post is one message however it was found."""
    item, kind = mapping(event.get("item")), event.get("type")
    named = ""
    if kind == "notification" and owner(item.get("uri")):
        reason = item.get("reason")
        named = f"post:{item['uri']}" if reason in SPOKEN else f"{line(reason, 40)}:{item['uri']}"
    elif kind in ("post", "repost") and owner(uri := mapping(item.get("post")).get("uri")):
        named = f"{kind}:{uri}"
    elif kind == "gone" and owner(item.get("uri")):
        named = f"gone:{item['uri']}"
    elif kind == "log" and isinstance(item.get("$type"), str):
        named = _log_key(item)
    if named:
        return hashed(named)
    return f"odd:{hashlib.sha256(orjson.dumps(decode(json_bytes(event)), option=orjson.OPT_SORT_KEYS)).hexdigest()}"


def _log_key(item: Event) -> str:
    convo, message = item.get("convoId"), mapping(item.get("message")).get("id")
    if not isinstance(convo, str):
        return ""
    if item["$type"] == f"{LOGS}CreateMessage" and isinstance(message, str):
        return f"message:{convo}/{message}"
    rev = item.get("rev")
    return f"{item['$type'].removeprefix(LOGS)}:{convo}:{rev}" if isinstance(rev, str) else ""


def _lane(event: Event) -> str:
    """The customer concerned, else the conversation."""
    item, me = mapping(event.get("item")), event.get("me")
    if event.get("type") == "log":
        return f"dm:{line(item.get('convoId'), 80)}"
    post = mapping(item.get("post")) or item
    author = mapping(post.get("author")).get("did")
    if author != me and isinstance(author, str):
        return author
    return owner(refs(mapping(post.get("record")))[1]) or owner(item.get("uri"))


def inbounds(body: bytes, received_at: datetime) -> Iterator[Inbound]:
    """What an event says. Raises ValueError when it cannot be read."""
    event = decode(body)
    item, kind, key = event.get("item"), event.get("type"), key_of(event)
    if not isinstance(item, dict):
        raise ValueError("The event holds nothing.")
    match kind:
        case "notification":
            yield _notification(item, key, received_at)
        case "post":
            yield _post(event, item, key, received_at)
        case "log":
            yield _log(event, item, key, received_at)
        case "gone":
            yield Inbound(Kind.DELETE, key, received_at, external_id=uri_of(item.get("uri")))
        case "repost":
            yield Inbound(Kind.IGNORED, key, received_at, reason="Reposts by the brand are not kept.")
        case _:
            yield Inbound(Kind.IGNORED, key, received_at, reason=f"Events of the type {line(kind, 60)} are not known.")


def _notification(item: Event, key: str, received_at: datetime) -> Inbound:
    reason = item.get("reason")
    if not isinstance(reason, str):
        raise ValueError("The notification has no reason.")
    if reason in SPOKEN:
        return _said(item, key, received_at)
    if reason in REACTIONS:
        return Inbound(
            Kind.REACTION,
            key,
            moment(item.get("indexedAt"), received_at),
            external_id=uri_of(item.get("reasonSubject"), "post that was reacted to"),
            author=person(item.get("author")),
            meta={"reaction": REACTIONS[reason]},
        )
    words_why = NOT_KEPT.get(reason, f"Notifications of the type {line(reason, 60) or 'without a name'} are not known.")
    return Inbound(Kind.IGNORED, key, received_at, reason=words_why)


def _post(event: Event, item: Event, key: str, received_at: datetime) -> Inbound:
    post = mapping(item.get("post"))
    if mapping(post.get("author")).get("did") != event.get("me"):
        return _said(post, key, received_at)
    uri, record = uri_of(post.get("uri")), _record(post)
    answered = owner(refs(record)[1])
    if not answered or answered == event.get("me"):
        return Inbound(Kind.IGNORED, key, received_at, reason="The brand's own post that answers nobody else.")
    told = mapping(mapping(mapping(item.get("reply")).get("parent")).get("author"))
    return Inbound(
        Kind.ECHO,
        key,
        _at(post, record, received_at),
        external_id=uri,
        author=person(post.get("author")),
        thread=thread_of(record, uri, answered),
        text=_text(record),
        reply_to=refs(record)[1],
        attachments=files(record, owner(uri), uri),
        counterpart=person(told) if told.get("did") == answered else Author(REALM, answered),
        meta=_facts(record),
    )


def _said(post: Event, key: str, received_at: datetime) -> Inbound:
    """A post as a message."""
    uri, author, record = uri_of(post.get("uri")), person(post.get("author")), _record(post)
    return Inbound(
        Kind.MESSAGE,
        key,
        _at(post, record, received_at),
        external_id=uri,
        author=author,
        thread=thread_of(record, uri, author.external_id),
        text=_text(record),
        reply_to=refs(record)[1],
        attachments=files(record, author.external_id, uri),
        meta=_facts(record),
    )


def _at(post: Event, record: Event, received_at: datetime) -> datetime:
    """When the network saw it; the time in the record is whatever its author's program says."""
    return moment(post.get("indexedAt") or record.get("createdAt"), received_at)


def _log(event: Event, item: Event, key: str, received_at: datetime) -> Inbound:
    """An entry of the chats' log."""
    kind = str(item.get("$type")).removeprefix(LOGS)
    if kind not in ("CreateMessage", "DeleteMessage", "AddReaction", "RemoveReaction"):
        why = LOGS_NOT_KEPT.get(kind, f"Entries of the type {line(kind, 60)} in the chats' log are not known.")
        return Inbound(Kind.IGNORED, key, received_at, reason=why)
    convo = needed(item.get("convoId"), "The id of the chat", CHAT_ID)
    message = mapping(item.get("message"))
    external_id = f"{convo}/{needed(message.get('id'), 'The id of the message', CHAT_ID)}"
    if kind == "DeleteMessage" or str(message.get("$type", "")).endswith("#deletedMessageView"):
        return Inbound(Kind.DELETE, key, moment(message.get("sentAt"), received_at), external_id=external_id)
    if kind != "CreateMessage":
        reaction = mapping(item.get("reaction"))
        return Inbound(
            Kind.REACTION,
            key,
            moment(reaction.get("createdAt"), received_at),
            external_id=external_id,
            author=person(reaction.get("sender"), "one who reacted"),
            meta={"reaction": line(reaction.get("value"), 16) or "❤️", "removed": kind == "RemoveReaction"},
        )
    sender = person(message.get("sender"), "sender")
    members = [mapping(one) for one in sequence(mapping(event.get("convo")).get("members"))]
    others = [person(one, "member") for one in members if one.get("did") not in (None, event.get("me"))]
    ours = sender.external_id == event.get("me")
    customer = (others[0] if len(others) == 1 else None) if ours else sender
    if customer is not None:
        customer = next((one for one in others if one.external_id == customer.external_id), customer)
    return Inbound(
        Kind.ECHO if ours else Kind.MESSAGE,
        key,
        moment(message.get("sentAt"), received_at),
        external_id=external_id,
        author=sender if ours else customer,
        counterpart=customer if ours else None,
        thread=chat_thread(convo, customer.external_id if customer else "", group=len(others) > 1),
        text=_text(message),
        reply_to=f"{convo}/{answered}" if (answered := line(mapping(message.get("replyTo")).get("id"), 64)) else "",
        attachments=files(message, sender.external_id),
    )


def chat_thread(convo: str, customer: str, *, group: bool = False) -> ThreadKey:
    """A chat with one person; in a group, what one person says there."""
    return ThreadKey(
        hashed(f"dm:{convo}/{customer}" if group and customer else f"dm:{convo}"), "private", address=customer
    )


def _record(post: Event) -> Event:
    record = post.get("record")
    if not isinstance(record, dict):
        raise ValueError("The post has no record.")
    return record


def _text(record: Event) -> str:
    if not isinstance(record.get("text"), str):
        raise ValueError("The text is missing or is none.")
    return words(record["text"])


def _facts(record: Event) -> dict[str, Any]:
    languages = [line(one, 8) for one in sequence(record.get("langs"))[:3] if isinstance(one, str)]
    return {"language": languages[0]} if languages and languages[0] else {}
