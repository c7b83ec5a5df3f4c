"""Answering and acting on Reddit."""

from __future__ import annotations

from typing import Any

from parlour.channels.contract import (
    Act,
    Author,
    ChannelError,
    ErrorKind,
    InboxConfig,
    Outbound,
    Receipt,
    ThreadKey,
    Visibility,
)
from parlour.channels.reddit.calls import RESET, call, name_of
from parlour.channels.reddit.parsing import message_thread, modmail_thread
from parlour.channels.reddit.reading import CONVERSATION, NAME, REALM, THING
from parlour.channels.social import Told, count, line, link, mapping, rest, saved, sequence
from parlour.lib.text import one_line, storable

LENGTH = 10_000
LOW = 3.0
SUBJECT = "Your message to us"
_PATHS: dict[str, tuple[str, dict[str, str]]] = {
    "delete": ("/api/del", {}),
    "hide": ("/api/remove", {"spam": "false"}),
    "unhide": ("/api/approve", {}),
}


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Answer under a comment or post, in modmail, or in private. Raises ChannelError."""
    text = storable(outbound.text)
    if not text.strip():
        raise ChannelError(ErrorKind.INVALID, "Reddit takes no empty message.")
    if len(text) > LENGTH:
        raise ChannelError(ErrorKind.TOO_LONG, f"The message has {len(text):,} of at most {LENGTH:,} characters.")
    if outbound.mode == "private_reply":
        return _opened(inbox, outbound, text)
    if outbound.visibility == "private":
        if outbound.thread.startswith("modmail:"):
            return _modmail(inbox, outbound.thread.removeprefix("modmail:"), text)
        return _message(inbox, _name(outbound.address or outbound.author), outbound.subject, text)
    told = call(inbox, "POST", "/api/comment", once=True, form={"thing_id": _thing(outbound.target), "text": text})
    things = sequence(mapping(mapping(mapping(told.body).get("json")).get("data")).get("things"))
    made = mapping(mapping(next(iter(things), None)).get("data")).get("name")
    if not isinstance(made, str) or not THING.fullmatch(made):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Reddit took the answer but did not name it.")
    return Receipt(made, None, _rest(told))


def _message(inbox: InboxConfig, to: str, subject: str, text: str, opened: ThreadKey | None = None) -> Receipt:
    """A private message. Reddit makes a chat of it and does not name what was made."""
    form = {"to": to, "subject": one_line(subject, 100) or SUBJECT, "text": text}
    told = call(inbox, "POST", "/api/compose", once=True, form=form)
    if not isinstance(mapping(told.body).get("json"), dict):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Reddit did not say whether it took the message.")
    return Receipt("", opened, _rest(told))


def _opened(inbox: InboxConfig, outbound: Outbound, text: str) -> Receipt:
    """A private answer to public words: by modmail of the brand's own subreddit where it has one, else as a private message."""
    to = _name(outbound.author)
    own = saved(inbox.settings.get("modmail"))
    if not own:
        return _message(inbox, to, outbound.subject, text, message_thread(to.lower()))
    subject = one_line(outbound.subject, 100) or SUBJECT
    form = {"to": to, "subject": subject, "body": text, "srName": own[0], "isAuthorHidden": "false"}
    told = call(inbox, "POST", "/api/mod/conversations", once=True, form=form)
    number = line(mapping(mapping(told.body).get("conversation")).get("id"), 30)
    if not CONVERSATION.fullmatch(number):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Reddit took the message but did not name the conversation.")
    return Receipt(f"modmail:{number}/{_latest(told)}", modmail_thread(number, to.lower(), subject), _rest(told))


def _modmail(inbox: InboxConfig, number: str, text: str) -> Receipt:
    if not CONVERSATION.fullmatch(number):
        raise ChannelError(ErrorKind.INVALID, "Reddit needs the conversation to answer in.")
    form = {"body": text, "isInternal": "false", "isAuthorHidden": "false"}
    told = call(inbox, "POST", f"/api/mod/conversations/{number}", once=True, form=form)
    return Receipt(f"modmail:{number}/{_latest(told)}", None, _rest(told))


def _latest(told: Told) -> str:
    """The id of the message that was made: the last of its conversation."""
    listed = sequence(mapping(mapping(told.body).get("conversation")).get("objIds"))
    messages = [line(mapping(one).get("id"), 30) for one in listed if mapping(one).get("key") == "messages"]
    if not messages or not CONVERSATION.fullmatch(messages[-1]):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Reddit took the message but did not name it.")
    return messages[-1]


def _rest(told: Told) -> float | None:
    try:
        left = float(told.headers.get("x-ratelimit-remaining", ""))
    except ValueError:
        return None
    return rest(told.headers, RESET) if left < LOW else None


def act(inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
    """Delete the brand's own words; where the brand moderates, take others' away or let them stand. Raises ChannelError."""
    if visibility != "public" or act not in _PATHS:
        raise ChannelError(ErrorKind.INVALID, f"On Reddit, {act} is not possible for a {visibility} message.")
    path, more = _PATHS[act]
    call(inbox, "POST", path, form={"id": _thing(target), **more})


def profile(inbox: InboxConfig, name: str) -> Author | None:
    """Who somebody is. Raises ChannelError."""
    if not NAME.fullmatch(name):
        return None
    data = mapping(mapping(call(inbox, "GET", f"/user/{name}/about").body).get("data"))
    shown = line(data.get("name"), 80) or name
    picture = link(data.get("icon_img"), 500)
    followers = count(mapping(data.get("subreddit")).get("subscribers"))
    return Author(REALM, name.lower(), name=shown, handle=shown, avatar_url=picture, followers=followers)


def check(inbox: InboxConfig) -> str:
    """Ask whose token it is. Raises ChannelError."""
    told: dict[str, Any] = dict(mapping(call(inbox, "GET", "/api/v1/me").body))
    name = line(told.get("name"), 80)
    if name.lower() != name_of(inbox).lower():
        raise ChannelError(ErrorKind.INVALID, f"The account signs in as u/{name or '?'}, not as u/{name_of(inbox)}.")
    if told.get("is_suspended") is True:
        raise ChannelError(ErrorKind.PERMISSION, f"Reddit has suspended u/{name}.")
    return f"Connected to u/{name}."


def _thing(value: str) -> str:
    if not THING.fullmatch(value):
        raise ChannelError(ErrorKind.INVALID, f"Reddit needs a comment or a post, and {value[:64]!r} is none.")
    return value


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ChannelError(ErrorKind.INVALID, "Reddit needs the person to write to.")
    return value
