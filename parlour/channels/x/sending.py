"""Answering and acting on X."""

from __future__ import annotations

from parlour.channels.contract import Act, ChannelError, ErrorKind, InboxConfig, Outbound, Receipt, Visibility
from parlour.channels.x.calls import call
from parlour.channels.x.direct import thread_of
from parlour.channels.x.fields import ident, mapping
from parlour.channels.x.weight import MESSAGE_LIMIT, POST_LIMIT, post_length
from parlour.lib.text import storable


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Post a public answer or send a direct message. Raises ChannelError."""
    if not outbound.text.strip():
        raise ChannelError(ErrorKind.INVALID, "X takes no empty message.")
    if outbound.mode == "private_reply":
        participant = _id(outbound.author, "person to write to")
        made = _message(inbox, f"with/{participant}", outbound.text)
        return Receipt(made, thread_of(str(inbox.settings.get("user_id", "")), participant))
    if outbound.visibility == "public":
        return Receipt(_post(inbox, _id(outbound.target, "post to answer"), outbound.text))
    if outbound.address:
        return Receipt(_message(inbox, f"with/{_id(outbound.address, 'person to write to')}", outbound.text))
    group = outbound.thread.removeprefix("dm:").partition("/")[0]
    return Receipt(_message(inbox, _id(group, "conversation to write to"), outbound.text))


def act(inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
    """Hide or unhide a reply, delete a post of ours or our side of a direct message. Raises ChannelError."""
    target = _id(target, "message to act on")
    if visibility == "public" and act in ("hide", "unhide"):
        call(inbox, "PUT", f"/2/tweets/{target}/hidden", about="post", body={"hidden": act == "hide"})
    elif visibility == "public" and act == "delete":
        call(inbox, "DELETE", f"/2/tweets/{target}", about="post")
    elif visibility == "private" and act == "delete":
        call(inbox, "DELETE", f"/2/dm_events/{target}", about="post")
    else:
        raise ChannelError(ErrorKind.INVALID, f"On X, {act} is not possible for a {visibility} message.")


def check(inbox: InboxConfig) -> str:
    """Ask who the account is. Raises ChannelError."""
    user_id = _id(str(inbox.settings.get("user_id", "")), "account")
    answer = call(inbox, "GET", f"/2/users/{user_id}", about="account", query={"user.fields": "id,name,username"})
    user = mapping(answer.get("data"))
    return f"Connected to @{user.get('username') or user_id} ({user.get('name') or 'no name'})."


def _post(inbox: InboxConfig, target: str, text: str) -> str:
    if (length := post_length(text)) > POST_LIMIT:
        raise ChannelError(ErrorKind.TOO_LONG, f"The post counts {length:,} of at most {POST_LIMIT} characters.")
    body = {"text": storable(text), "reply": {"in_reply_to_tweet_id": target}}
    return _made(call(inbox, "POST", "/2/tweets", about="post", once=True, body=body), "id")


def _message(inbox: InboxConfig, to: str, text: str) -> str:
    if len(text) > MESSAGE_LIMIT:
        raise ChannelError(
            ErrorKind.TOO_LONG, f"The message has {len(text):,} of at most {MESSAGE_LIMIT:,} characters."
        )
    path = f"/2/dm_conversations/{to}/messages"
    return _made(call(inbox, "POST", path, about="dm", once=True, body={"text": storable(text)}), "dm_event_id")


def _made(answer: dict[str, object], name: str) -> str:
    if not (made := ident(mapping(answer.get("data")).get(name))):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "X accepted the request but did not name what it made.")
    return made


def _id(value: str, what: str) -> str:
    """``value``, safe as a part of a path. Raises ChannelError."""
    if not (found := ident(value)) or not found.strip("."):
        raise ChannelError(ErrorKind.INVALID, f"X needs the {what}, and {value[:64]!r} is not an id of X.")
    return found
