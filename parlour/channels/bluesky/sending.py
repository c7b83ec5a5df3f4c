"""Answering and acting on Bluesky."""

from __future__ import annotations

from typing import Any

from parlour.channels.bluesky import records
from parlour.channels.bluesky.calls import call, session
from parlour.channels.bluesky.parsing import chat_thread
from parlour.channels.bluesky.reading import CHAT_ID, DID, person
from parlour.channels.bluesky.richtext import facets
from parlour.channels.contract import (
    Act,
    Author,
    ChannelError,
    ErrorKind,
    File,
    InboxConfig,
    Outbound,
    Receipt,
    Visibility,
)
from parlour.channels.social import graphemes, line, mapping
from parlour.lib.text import storable

POST_LENGTH, POST_BYTES = 300, 3_000
MESSAGE_LENGTH, MESSAGE_BYTES = 1_000, 10_000
HEART = "❤️"


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Answer a post in its conversation, or write in a chat. Raises ChannelError."""
    private = outbound.visibility == "private" or outbound.mode == "private_reply"
    most, most_bytes = (MESSAGE_LENGTH, MESSAGE_BYTES) if private else (POST_LENGTH, POST_BYTES)
    text = storable(outbound.text)
    if not text.strip() and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "Bluesky takes no empty message.")
    if (counted := graphemes(text)) > most or (weight := len(text.encode())) > most_bytes:
        told = (
            f"{counted:,} of at most {most:,} characters"
            if counted > most
            else f"{weight:,} of at most {most_bytes:,} bytes"
        )
        raise ChannelError(ErrorKind.TOO_LONG, f"The message has {told}.")
    if private:
        return _message(inbox, outbound, text)
    post = records.post_of(inbox, outbound.target)
    record: dict[str, Any] = {
        "text": text,
        "createdAt": records.now(),
        "reply": {"root": records.root_of(post), "parent": records.strong(post)},
    }
    if found := facets(text, lambda handle: _did(inbox, handle)):
        record["facets"] = found
    if outbound.attachments:
        images = [{"image": _upload(inbox, file), "alt": line(file.name, 200)} for file in outbound.attachments]
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    key = records.key_after(outbound.target, outbound.reference)
    return Receipt(records.create(inbox, records.POST, record, key))


def _message(inbox: InboxConfig, outbound: Outbound, text: str) -> Receipt:
    if outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "Bluesky's chats take no files.")
    opened = None
    convo = outbound.thread.removeprefix("dm:").partition("/")[0] if outbound.thread.startswith("dm:") else ""
    if outbound.mode == "private_reply" or not CHAT_ID.fullmatch(convo):
        customer = outbound.author if DID.fullmatch(outbound.author) else outbound.address
        if not DID.fullmatch(customer):
            raise ChannelError(ErrorKind.INVALID, "Bluesky needs the person to write to.")
        told = call(inbox, "GET", "chat.bsky.convo.getConvoForMembers", chat=True, params={"members": [customer]})
        convo = line(mapping(told.get("convo")).get("id"), 64)
        if not CHAT_ID.fullmatch(convo):
            raise ChannelError(ErrorKind.TRANSIENT, "Bluesky did not name the chat.")
        opened = chat_thread(convo, customer)
    message: dict[str, Any] = {"text": text}
    if found := facets(text, lambda handle: _did(inbox, handle)):
        message["facets"] = found
    made = call(
        inbox, "POST", "chat.bsky.convo.sendMessage", chat=True, once=True, json={"convoId": convo, "message": message}
    )
    if not CHAT_ID.fullmatch(made_id := line(made.get("id"), 64)):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Bluesky took the message but did not name it.")
    return Receipt(f"{convo}/{made_id}", opened)


def _did(inbox: InboxConfig, handle: str) -> str:
    """Who a handle belongs to; '' when nobody has it, and then it stays plain text."""
    try:
        did = call(inbox, "GET", "com.atproto.identity.resolveHandle", params={"handle": handle.lower()}).get("did")
    except ChannelError as error:
        if error.kind in (ErrorKind.INVALID, ErrorKind.TARGET_DELETED):
            return ""
        raise
    return did if isinstance(did, str) and DID.fullmatch(did) else ""


def _upload(inbox: InboxConfig, file: File) -> Any:
    if file.kind != "image":
        raise ChannelError(ErrorKind.INVALID, "Bluesky's posts take pictures only.")
    headers = {"content-type": file.mime}
    blob = call(inbox, "POST", "com.atproto.repo.uploadBlob", headers=headers, content=file.read()).get("blob")
    if not isinstance(blob, dict):
        raise ChannelError(ErrorKind.TRANSIENT, "Bluesky did not name the picture.")
    return blob


def act(inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
    """Like, hide or delete a post; react to a chat message, delete the brand's side of it, mark it read. Raises ChannelError."""
    if visibility == "private":
        _act_in_chat(inbox, act, target)
    elif act == "like":
        subject = records.strong(records.post_of(inbox, target))
        records.create(inbox, records.LIKE, {"subject": subject, "createdAt": records.now()})
    elif act == "unlike":
        like = mapping(records.post_of(inbox, target).get("viewer")).get("like")
        if isinstance(like, str):
            records.delete(inbox, like)
    elif act == "delete":
        records.delete(inbox, target)
    elif act in ("hide", "unhide"):
        records.hide(inbox, target, hidden=act == "hide")
    else:
        raise ChannelError(ErrorKind.INVALID, f"On Bluesky, {act} is not possible for a post.")


def _act_in_chat(inbox: InboxConfig, act: Act, target: str) -> None:
    convo, _, message = target.partition("/")
    names = {"like": "addReaction", "unlike": "removeReaction", "delete": "deleteMessageForSelf", "seen": "updateRead"}
    if act not in names:
        raise ChannelError(ErrorKind.INVALID, f"On Bluesky, {act} is not possible for a message.")
    if not CHAT_ID.fullmatch(convo) or not CHAT_ID.fullmatch(message):
        raise ChannelError(ErrorKind.INVALID, f"Bluesky needs a message, and {target[:64]!r} is none.")
    body = {"convoId": convo, "messageId": message, **({"value": HEART} if act in ("like", "unlike") else {})}
    call(inbox, "POST", f"chat.bsky.convo.{names[act]}", chat=True, json=body)


def profile(inbox: InboxConfig, did: str) -> Author | None:
    """Who somebody is. Raises ChannelError."""
    if not DID.fullmatch(did):
        return None
    try:
        return person(call(inbox, "GET", "app.bsky.actor.getProfile", params={"actor": did}))
    except ValueError:
        return None


def check(inbox: InboxConfig) -> str:
    """Sign in, and see whether chats can be reached. Raises ChannelError."""
    told = f"Connected to @{session(inbox).handle}."
    try:
        call(inbox, "GET", "chat.bsky.convo.listConvos", chat=True, params={"limit": 1})
    except ChannelError as error:
        if error.kind is not ErrorKind.PERMISSION:
            raise
        told += " Its app password does not reach direct messages: make another with 'Allow access to your direct messages'."
    return told
