"""From one event to Inbounds.

An event is ``{"event": event, "kind": Reddit's kind, "data": the thing, "me": the brand's name}``. Events: ``thing`` (a comment, post or
message; ``parent`` beside it names whom words of the brand's own answer), ``edited``, ``removed``, ``restored`` and ``gone`` (what
changed later, with ``at``, when it was noticed), and ``modmail`` (a message, with its ``conversation``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from parlour.channels.contract import Author, Inbound, Kind, Split, ThreadKey
from parlour.channels.reddit.reading import (
    CONVERSATION,
    DELETED,
    NAME,
    THING,
    facts,
    files,
    parent_of,
    person,
    said,
    state,
    thing_of,
    thread_of,
    when,
)
from parlour.channels.social import decode, hashed, line, mapping, moment, needed, words
from parlour.lib.text import json_bytes

KINDS = ("t1", "t3", "t4")
LATER = ("edited", "removed", "restored", "gone")
Event = Mapping[str, Any]


class NotAnEvent(Exception):
    """The payload is not an event of Reddit's."""


def framed(event: str, kind: str, data: object, me: str, **known: object) -> Split:
    """An event of the poll."""
    return split({"event": event, "kind": kind, "data": data, "me": me, **known})


def split(event: object) -> Split:
    """One event with its key and lane. Raises NotAnEvent."""
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or "data" not in event:
        raise NotAnEvent("Reddit's events are objects with an event and data.")
    key = key_of(event)
    return Split(key, hashed(_lane(event) or key), json_bytes(event))


def key_of(event: Event) -> str:
    """The dedup key: a thing is one message however it was found."""
    data, name, named = mapping(event.get("data")), event.get("event"), ""
    if name == "modmail":
        conversation, message = mapping(event.get("conversation")).get("id"), data.get("id")
        if isinstance(conversation, str) and isinstance(message, str):
            named = f"modmail:{conversation}/{message}"
    elif isinstance(thing := data.get("name"), str) and THING.fullmatch(thing):
        named = thing if name == "thing" else f"{thing}:gone" if name == "gone" else ""
        if name in ("edited", "removed", "restored"):
            named = f"{thing}:{name}:{line(str(data.get('edited') if name == 'edited' else event.get('at')), 40)}"
    if named:
        return hashed(named)
    return f"odd:{hashlib.sha256(orjson.dumps(decode(json_bytes(event)), option=orjson.OPT_SORT_KEYS)).hexdigest()}"


def _lane(event: Event) -> str:
    """The customer concerned, as far as the event tells."""
    data = mapping(event.get("data"))
    if event.get("event") == "modmail":
        customer: object = mapping(mapping(event.get("conversation")).get("participant")).get("name")
    else:
        customer = data.get("author")
        if _same(customer, event.get("me")):
            customer = mapping(event.get("parent")).get("author")
    return customer.lower() if isinstance(customer, str) and NAME.fullmatch(customer) else ""


def inbounds(body: bytes, received_at: datetime) -> Iterator[Inbound]:
    """What an event says. Raises ValueError when it cannot be read."""
    event = decode(body)
    data, name, kind, key = event.get("data"), event.get("event"), event.get("kind"), key_of(event)
    if not isinstance(data, dict):
        raise ValueError("The event holds no thing.")
    if name == "modmail":
        yield _modmail(event, data, key, received_at)
    elif name in LATER:
        yield _later(event, str(name), data, key, received_at)
    elif name != "thing" or kind not in KINDS:
        why = f"Events of the type {line(name, 40)} {line(kind, 20)} are not known."
        yield Inbound(Kind.IGNORED, key, received_at, reason=why)
    elif kind == "t4":
        yield _private(event, data, key, received_at)
    else:
        yield _public(event, data, key, received_at)


def _public(event: Event, data: Event, key: str, received_at: datetime) -> Inbound:
    """A comment or a post as a message, or as the brand's own words."""
    kind, external_id, text = event.get("kind"), thing_of(data), said(event.get("kind"), data)
    if state(kind, data) or data.get("author") == DELETED:
        return Inbound(Kind.IGNORED, key, received_at, reason="It was deleted or removed before it was seen.")
    author = person(data.get("author"))
    ours = _same(data.get("author"), event.get("me"))
    answered: Author | None = None
    if ours:
        if kind == "t3":
            return Inbound(Kind.IGNORED, key, received_at, reason="The brand's own post that answers nobody.")
        to = mapping(event.get("parent")).get("author")
        if _same(to, event.get("me")):
            return Inbound(Kind.IGNORED, key, received_at, reason="The brand answers itself.")
        answered = person(to) if isinstance(to, str) and NAME.fullmatch(to) else None
    customer = answered if ours else author
    return Inbound(
        Kind.ECHO if ours else Kind.MESSAGE,
        key,
        when(data, received_at),
        external_id=external_id,
        author=author,
        counterpart=answered,
        thread=thread_of(kind, data, customer.external_id) if customer else None,
        text=text,
        reply_to=parent_of(data),
        attachments=files(kind, data),
        meta=facts(data),
    )


def _private(event: Event, data: Event, key: str, received_at: datetime) -> Inbound:
    """A private message."""
    external_id, author = thing_of(data), data.get("author")
    text = said("t4", data)
    to = words(data.get("dest"), 80)
    if to.startswith("#") or (data.get("subreddit") and author is None):
        return Inbound(Kind.IGNORED, key, received_at, reason="Messages to or from moderators come by modmail.")
    if author is None or data.get("distinguished") in ("admin", "system") or _same(author, "reddit"):
        return Inbound(Kind.IGNORED, key, received_at, reason="Messages of Reddit itself are not kept.")
    if author == DELETED:
        return Inbound(Kind.IGNORED, key, received_at, reason="Its author has deleted the account.")
    ours = _same(author, event.get("me"))
    customer = person(data.get("dest"), "addressee") if ours else person(author)
    return Inbound(
        Kind.ECHO if ours else Kind.MESSAGE,
        key,
        when(data, received_at),
        external_id=external_id,
        author=person(author),
        counterpart=customer if ours else None,
        thread=message_thread(customer.external_id, line(data.get("subject"), 200)),
        text=text,
    )


def message_thread(customer: str, subject: str = "") -> ThreadKey:
    """Private messages with one person."""
    return ThreadKey(f"pm:{customer}", "private", address=customer, subject=subject)


def modmail_thread(conversation: str, customer: str, subject: str = "") -> ThreadKey:
    """What one person writes to the moderators of a subreddit."""
    return ThreadKey(f"modmail:{conversation}", "private", address=customer, subject=subject)


def _modmail(event: Event, data: Event, key: str, received_at: datetime) -> Inbound:
    conversation = mapping(event.get("conversation"))
    number = needed(conversation.get("id"), "The id of the conversation", CONVERSATION)
    external_id = f"modmail:{number}/{needed(data.get('id'), 'The id of the message', CONVERSATION)}"
    text = data.get("bodyMarkdown") or data.get("body")
    if not isinstance(text, str):
        raise ValueError("The body is missing or is no text.")
    if data.get("isInternal") is True or conversation.get("conversationType") == "internal":
        return Inbound(Kind.IGNORED, key, received_at, reason="Notes of moderators among themselves are not kept.")
    author = mapping(data.get("author"))
    participant = mapping(conversation.get("participant"))
    if participant.get("isDeleted") is True or not participant:
        return Inbound(Kind.IGNORED, key, received_at, reason="The person it was written with is not there any more.")
    customer = person(participant.get("name"), "participant")
    # Whoever moderates speaks for the subreddit, and so for the brand, unless it is with them that is spoken.
    speaks_for_us = author.get("isMod") is True and not _same(author.get("name"), participant.get("name"))
    ours = speaks_for_us or _same(author.get("name"), event.get("me"))
    owner = line(mapping(conversation.get("owner")).get("displayName"), 60)
    return Inbound(
        Kind.ECHO if ours else Kind.MESSAGE,
        key,
        moment(data.get("date"), received_at),
        external_id=external_id,
        author=person(author.get("name")),
        counterpart=customer if ours else None,
        thread=modmail_thread(number, customer.external_id, line(conversation.get("subject"), 200)),
        text=words(text),
        meta={"subreddit": owner} if owner else {},
    )


def _later(event: Event, name: str, data: Event, key: str, received_at: datetime) -> Inbound:
    """What happened to a thing after it was seen."""
    external_id = thing_of(data)
    at = moment(data.get("edited") if name == "edited" else event.get("at"), received_at)
    if name == "edited":
        kind = event.get("kind")
        return Inbound(
            Kind.EDIT,
            key,
            at,
            external_id=external_id,
            author=person(data.get("author")),
            text=said(kind, data),
            attachments=files(kind, data),
        )
    kinds = {"removed": Kind.HIDE, "restored": Kind.UNHIDE, "gone": Kind.DELETE}
    return Inbound(kinds[name], key, at, external_id=external_id)


def _same(one: object, other: object) -> bool:
    """Names are the same whatever the size of their letters."""
    return isinstance(one, str) and isinstance(other, str) and one.lower() == other.lower()
