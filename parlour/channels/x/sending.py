"""Answering and acting on X."""

from __future__ import annotations

from parlour.channels.contract import (
    Act,
    Author,
    ChannelError,
    ErrorKind,
    File,
    InboxConfig,
    Outbound,
    Receipt,
    ThreadKey,
    Visibility,
)
from parlour.channels.x import media
from parlour.channels.x.calls import ask, call, rest
from parlour.channels.x.direct import thread_of
from parlour.channels.x.fields import author, ident, mapping
from parlour.channels.x.weight import LONG_POST_LIMIT, MESSAGE_LIMIT, POST_LIMIT, post_length, sendable
from parlour.lib.text import storable

MOST_FILES = 4
"""Files of one answer: a post carries all of them, of direct messages each carries one."""


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Post a public answer or send a direct message. Raises ChannelError."""
    text, files = sendable(outbound.text), outbound.attachments
    if not text.strip() and not files:
        raise ChannelError(ErrorKind.INVALID, "X takes no empty message.")
    if outbound.mode == "private_reply":
        participant = _id(outbound.author, "person to write to")
        thread = thread_of(str(inbox.settings.get("user_id", "")), participant)
        return _message(inbox, f"with/{participant}", text, files, thread)
    if outbound.visibility == "public":
        return _post(inbox, _id(outbound.target, "post to answer"), text, files)
    if outbound.address:
        return _message(inbox, f"with/{_id(outbound.address, 'person to write to')}", text, files)
    group = outbound.thread.removeprefix("dm:").partition("/")[0]
    return _message(inbox, _id(group, "conversation to write to"), text, files)


def post_limit(inbox: InboxConfig) -> int:
    """How long a post of this account may be, in X's own count."""
    return LONG_POST_LIMIT if inbox.settings.get("long_posts") == "yes" else POST_LIMIT


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


def profile(inbox: InboxConfig, user_id: str) -> Author | None:
    """Who a user is; None when X does not know them any more. Raises ChannelError."""
    query = {"user.fields": "id,name,username,profile_image_url,public_metrics,verified"}
    try:
        answer = call(inbox, "GET", f"/2/users/{_id(user_id, 'person')}", about="account", query=query)
    except ChannelError as error:
        if error.code in ("resource-not-found", "resource-unavailable", "404"):
            return None
        raise
    user = mapping(answer.get("data"))
    return author(user_id, {user_id: user}) if ident(user.get("id")) == user_id else None


def check(inbox: InboxConfig) -> str:
    """Ask who the account is. Raises ChannelError."""
    user_id = _id(str(inbox.settings.get("user_id", "")), "account")
    answer = call(inbox, "GET", f"/2/users/{user_id}", about="account", query={"user.fields": "id,name,username"})
    user = mapping(answer.get("data"))
    return f"Connected to @{user.get('username') or user_id} ({user.get('name') or 'no name'})."


def _post(inbox: InboxConfig, target: str, text: str, files: tuple[File, ...]) -> Receipt:
    if (length := post_length(text)) > (limit := post_limit(inbox)):
        raise ChannelError(ErrorKind.TOO_LONG, f"The post counts {length:,} of at most {limit:,} characters.")
    body: dict[str, object] = {"text": storable(text), "reply": {"in_reply_to_tweet_id": target}}
    if len(files) > 1 and any(one.kind != "image" or one.mime == media.ANIMATED for one in files):
        raise ChannelError(ErrorKind.INVALID, "On X, a video or a moving picture goes alone.")
    if uploaded := _uploaded(inbox, files, "public"):
        body["media"] = {"media_ids": uploaded}
    answer, headers = ask(inbox, "POST", "/2/tweets", about="post", once=True, body=body)
    return Receipt(_made(answer, "id"), rest=rest(headers))


def _message(
    inbox: InboxConfig, to: str, text: str, files: tuple[File, ...], thread: ThreadKey | None = None
) -> Receipt:
    if len(text) > MESSAGE_LIMIT:
        raise ChannelError(
            ErrorKind.TOO_LONG, f"The message has {len(text):,} of at most {MESSAGE_LIMIT:,} characters."
        )
    uploaded = _uploaded(inbox, files, "private")
    bodies: list[dict[str, object]] = [{"attachments": [{"media_id": one}]} for one in uploaded] or [{}]
    if text.strip():
        bodies[0]["text"] = storable(text)
    made: list[str] = []
    pause = None
    for body in bodies:
        try:
            answer, headers = ask(inbox, "POST", f"/2/dm_conversations/{to}/messages", about="dm", once=True, body=body)
            made.append(_made(answer, "dm_event_id"))
        except ChannelError as error:
            if not made:
                raise
            # To begin again would say twice what has arrived.
            told = f"{len(made)} of {len(bodies)} files arrived. {error.words}"
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, told, code=error.code) from error
        pause = rest(headers)
    return Receipt(made[0], thread, rest=pause, more=tuple(made[1:]))


def _uploaded(inbox: InboxConfig, files: tuple[File, ...], visibility: Visibility) -> list[str]:
    """Media ids of the files, all of which X takes."""
    if len(files) > MOST_FILES:
        raise ChannelError(ErrorKind.INVALID, f"An answer on X carries at most {MOST_FILES} files.")
    for one in files:
        media.refuse_odd(one)
    return [media.upload(inbox, one, visibility) for one in files]


def _made(answer: dict[str, object], name: str) -> str:
    if not (made := ident(mapping(answer.get("data")).get(name))):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "X accepted the request but did not name what it made.")
    return made


def _id(value: str, what: str) -> str:
    """``value``, safe as a part of a path. Raises ChannelError."""
    if not (found := ident(value)) or not found.strip("."):
        raise ChannelError(ErrorKind.INVALID, f"X needs the {what}, and {value[:64]!r} is not an id of X.")
    return found
