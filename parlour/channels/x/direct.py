"""Direct messages of every API, encrypted ones, read receipts and withdrawn access as Inbounds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parlour.channels.contract import Attachment, Inbound, Kind, ThreadKey
from parlour.channels.x.envelope import Event
from parlour.channels.x.fields import author, files, ident, links, mapping, moment, needed, pair, sequence, words

ENCRYPTED = "Encrypted message: it can only be read in the X app."
OF_OTHERS = "It is a conversation of other accounts."


def thread_of(user_id: str, participant: str) -> ThreadKey:
    """The direct conversation of the account with one participant."""
    return ThreadKey(f"dm:{pair(user_id, participant)}", "private", address=participant)


def message(event: Event, key: str, user_id: str, received_at: datetime) -> Inbound:
    """A direct message in the shape of the older API, which the Activity API keeps. Raises ValueError."""
    item = mapping(event.item)
    if item.get("type", "message_create") != "message_create":
        return _ignored(key, received_at, "It is no message.")
    said = mapping(item.get("message_create"))
    data = mapping(said.get("message_data"))
    media = mapping(mapping(data.get("attachment")).get("media"))
    sender = needed(said.get("sender_id"), "The message's sender_id")
    recipient = needed(mapping(said.get("target")).get("recipient_id"), "The message's recipient_id")
    return _said(
        event,
        key,
        user_id,
        ends=(sender, recipient),
        external_id=needed(item.get("id"), "The message's id"),
        at=moment(item.get("created_timestamp"), received_at, ident(item.get("id"))),
        text=words(data.get("text"), "The message's text"),
        attachments=files([media] if media else []) + links(data.get("entities")),
    )


def page_message(event: Event, key: str, user_id: str, received_at: datetime) -> Inbound:
    """A direct message event of the v2 API. Raises ValueError."""
    item = mapping(event.item)
    if item.get("event_type", "MessageCreate") != "MessageCreate":
        return _ignored(key, received_at, "Somebody joined or left a group conversation.")
    sender = needed(item.get("sender_id"), "The message's sender_id")
    conversation = ident(item.get("dm_conversation_id"))
    media = [
        event.media[one]
        for one in sequence(mapping(item.get("attachments")).get("media_keys"))
        if isinstance(one, str) and one in event.media
    ]
    return _said(
        event,
        key,
        user_id,
        ends=_ends(sender, conversation, user_id),
        external_id=needed(item.get("id"), "The message's id"),
        at=moment(item.get("created_at"), received_at, ident(item.get("id"))),
        # A message that only shares a file may come without text.
        text=words(item.get("text", ""), "The message's text"),
        attachments=files(media) + links(item.get("entities")),
    )


def encrypted(event: Event, key: str, user_id: str, received_at: datetime) -> Inbound:
    """A message of an encrypted chat: that it came is all that can be known. Raises ValueError."""
    item = mapping(event.item)
    sender = needed(item.get("sender_id"), "The message's sender_id")
    return _said(
        event,
        key,
        user_id,
        ends=_ends(sender, ident(item.get("conversation_id")), user_id),
        external_id=needed(item.get("id") or event.uuid, "The message's id"),
        at=moment(item.get("created_at_msec"), received_at),
        text=ENCRYPTED,
        meta={"encrypted": True},
    )


def read(event: Event, key: str, user_id: str, received_at: datetime) -> Inbound:
    """The other side has read up to a moment. Raises ValueError."""
    item = mapping(event.item)
    reader = needed(item.get("sender_id"), "The reader's sender_id")
    at = moment(item.get("created_timestamp"), received_at)
    if reader == user_id:
        return _ignored(key, at, "The brand read it, on X.")
    recipient = ident(mapping(item.get("target")).get("recipient_id"))
    if recipient and recipient != user_id:
        return _ignored(key, at, OF_OTHERS)
    last = ident(item.get("last_read_event_id"))
    return Inbound(
        Kind.READ,
        key,
        at,
        author=author(reader, event.users),
        thread=thread_of(user_id, reader),
        watermark=at,
        meta={"last_read": last} if last else {},
    )


def revoked(event: Event, key: str, user_id: str, received_at: datetime) -> Inbound:
    """The account's owner withdrew the app's access."""
    item = mapping(event.item)
    at = moment(item.get("date_time"), received_at)
    source = ident(mapping(item.get("source")).get("user_id") or item.get("user_id"))
    if source and source != user_id:
        return _ignored(key, at, "It is about another account.")
    return Inbound(Kind.REVOKED, key, at, reason="The account has withdrawn this app's access on X.")


def _ends(sender: str, conversation: str, user_id: str) -> tuple[str, str]:
    """Sender and recipient of a message; the recipient is '' in a group."""
    ends = conversation.replace(":", "-").split("-")
    if not conversation and sender != user_id:
        return sender, user_id
    if len(ends) == 2 and sender in ends:
        ends.remove(sender)
        return sender, ends[0]
    if not conversation:
        raise ValueError("The message does not say to whom it was sent.")
    return sender, ""


def _said(
    event: Event,
    key: str,
    user_id: str,
    *,
    ends: tuple[str, str],
    external_id: str,
    at: datetime,
    text: str,
    attachments: tuple[Attachment, ...] = (),
    meta: dict[str, Any] | None = None,
) -> Inbound:
    sender, recipient = ends
    if recipient and user_id not in ends:
        return _ignored(key, at, OF_OTHERS)
    own = sender == user_id
    if recipient:
        thread = thread_of(user_id, recipient if own else sender)
    elif own:
        return _ignored(key, at, "The brand wrote to a group, which is nobody's conversation in particular.")
    else:
        # Each member of a group is a customer of their own; an empty address tells sending to answer the whole group.
        item = mapping(event.item)
        group = ident(item.get("dm_conversation_id") or item.get("conversation_id"))
        thread = ThreadKey(f"dm:{group}/{sender}", "private")
    return Inbound(
        Kind.ECHO if own else Kind.MESSAGE,
        key,
        at,
        external_id=external_id,
        author=author(sender, event.users),
        thread=thread,
        text=text,
        attachments=attachments,
        counterpart=author(recipient, event.users) if own else None,
        meta=meta or {},
    )


def _ignored(key: str, at: datetime, reason: str) -> Inbound:
    return Inbound(Kind.IGNORED, key, at, reason=reason)
