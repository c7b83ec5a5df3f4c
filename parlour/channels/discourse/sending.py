"""Answering and acting on a forum."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from parlour.channels.contract import (
    Act,
    Attachment,
    Author,
    ChannelError,
    ErrorKind,
    File,
    InboxConfig,
    Outbound,
    Receipt,
    Source,
    ThreadKey,
    Visibility,
)
from parlour.channels.discourse import fields, inbound
from parlour.channels.discourse.calls import call
from parlour.channels.meta import words
from parlour.lib.text import one_line, storable

TEXT = 32_000
TITLE = 200
MEGABYTES = 4
SIZE = MEGABYTES * 1024 * 1024
LIKE, INAPPROPRIATE = 2, 4
_POST = re.compile(r"(?P<topic>\d{1,16}):(?P<number>\d{1,9})", re.ASCII)


def spot(external_id: str) -> tuple[int, int]:
    """Topic and number of a post. Raises ChannelError."""
    found = _POST.fullmatch(external_id)
    if found is None:
        raise ChannelError(ErrorKind.INVALID, "There is no post of the forum to answer or act on.")
    return int(found["topic"]), int(found["number"])


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Post an answer in its topic, or begin a private message to whoever wrote a public post. Raises ChannelError."""
    text = storable(outbound.text).strip()
    if not text and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "The forum takes no empty post.")
    _check_length(text)
    if outbound.mode == "private_reply":
        return _write_to(inbox, outbound, text)
    topic = outbound.thread.partition("/")[0]
    if not topic.isascii() or not topic.isdecimal():
        raise ChannelError(ErrorKind.INVALID, "There is no topic of the forum to answer in.")
    content: dict[str, Any] = {"topic_id": int(topic)}
    if outbound.target:
        above, number = spot(outbound.target)
        if above == content["topic_id"] and number > 1:
            content["reply_to_post_number"] = number
    content["raw"] = _with_files(inbox, text, outbound.attachments)
    return Receipt(_made(call(inbox, "POST", "/posts.json", about="post", once=True, content=content)))


def _check_length(text: str) -> None:
    if len(text) > TEXT:
        raise ChannelError(ErrorKind.TOO_LONG, f"The post has {len(text):,} of at most {TEXT:,} characters.")


def _write_to(inbox: InboxConfig, outbound: Outbound, text: str) -> Receipt:
    """The forum addresses people by their account's name, which may have changed since they wrote."""
    post = find(inbox, outbound.target)
    name = words(post.get("username"), "username")
    if not name:
        raise ChannelError(ErrorKind.RECIPIENT_UNAVAILABLE, "The forum does not say who wrote the post.")
    title = one_line(f"Re: {outbound.subject or f'@{inbound.account(inbox)}'}", TITLE)
    content = {
        "title": title,
        "raw": _with_files(inbox, text, outbound.attachments),
        "target_recipients": name,
        "archetype": "private_message",
    }
    answer = call(inbox, "POST", "/posts.json", about="user", once=True, content=content)
    made = _made(answer)
    topic = made.partition(":")[0]
    url = f"{inbound.base(inbox)}/t/-/{topic}"[:500]
    return Receipt(made, ThreadKey(topic, "private", address=outbound.author, subject=title, url=url))


def _made(answer: Mapping[str, Any]) -> str:
    """The id of the post that was made. What waits for a moderator has none yet: its echo tells when it is let through."""
    if answer.get("action") == "enqueued":
        raise ChannelError(
            ErrorKind.UNKNOWN_OUTCOME,
            "The forum keeps the answer back until a moderator lets it through.",
            code="enqueued",
        )
    told = answer.get("post") if isinstance(answer.get("post"), dict) else answer
    try:
        return inbound.post_id(dict(told or {}))
    except ValueError:
        raise ChannelError(
            ErrorKind.UNKNOWN_OUTCOME, "The forum accepted the answer but did not say which post it made."
        ) from None


def _with_files(inbox: InboxConfig, text: str, files: tuple[File, ...]) -> str:
    """Files are handed over before anything is said; the post names them."""
    for file in files:
        if file.size > SIZE:
            raise ChannelError(
                ErrorKind.TOO_LONG, f"A forum takes files of at most {MEGABYTES} MB unless told otherwise."
            )
    lines = [_upload(inbox, file) for file in files]
    whole = "\n\n".join(filter(None, [text, "\n".join(lines)]))
    _check_length(whole)
    return whole


def _upload(inbox: InboxConfig, file: File) -> str:
    name = re.sub(r"[\[\]|\\]", "_", one_line(file.name, 100)) or "file"
    answer = call(
        inbox,
        "POST",
        "/uploads.json",
        about="account",
        form={"type": "composer", "upload_type": "composer", "synchronous": "true"},
        files={"file": (name, file.read(), file.mime)},
    )
    short = answer.get("short_url")
    if not isinstance(short, str) or not re.fullmatch(r"upload://[\w.-]{1,200}", short):
        raise ChannelError(ErrorKind.TRANSIENT, "The forum took a file but did not say where it is.")
    kind = file.kind
    return (
        f"[{name}|attachment]({short})"
        if kind == "file"
        else f"![{name}{'' if kind == 'image' else f'|{kind}'}]({short})"
    )


def find(inbox: InboxConfig, external_id: str) -> dict[str, Any]:
    """The post of an id of ours, as the forum shows it. Raises ChannelError."""
    topic, number = spot(external_id)
    return call(inbox, "GET", f"/posts/by_number/{topic}/{number}.json", about="post")


def act(inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
    """Delete, hide by a moderator's flag, show again, like. Raises ChannelError."""
    if act == "seen" or (visibility == "private" and act in ("hide", "unhide")):
        raise ChannelError(ErrorKind.INVALID, f"A forum cannot do '{act}' to a {visibility} post.")
    number = find(inbox, target).get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ChannelError(ErrorKind.TARGET_DELETED, "The forum does not show the post any more.")
    match act:
        case "delete":
            call(inbox, "DELETE", f"/posts/{number}.json", about="post")
        case "like":
            call(inbox, "POST", "/post_actions.json", about="post", content={"id": number, "post_action_type_id": LIKE})
        case "unlike":
            params = {"post_action_type_id": str(LIKE)}
            call(inbox, "DELETE", f"/post_actions/{number}.json", about="post", params=params)
        case "hide":
            content = {"id": number, "post_action_type_id": INAPPROPRIATE, "take_action": True}
            call(inbox, "POST", "/post_actions.json", about="post", content=content)
        case "unhide":
            call(inbox, "PUT", f"/posts/{number}/unhide.json", about="post")


def source(inbox: InboxConfig, attachment: Attachment) -> Source:
    """A forum that people must sign in to gives its uploads to the key only. No other place is shown the key, and nothing else is asked
    for with it: addresses come from what people write."""
    own = re.fullmatch(
        re.escape(inbound.base(inbox)) + r"/(?:uploads|secure-uploads)/[\w./-]{1,500}", attachment.url, re.ASCII
    )
    headers = {}
    if own and ".." not in attachment.url:
        headers = {"api-key": str(inbox.settings.get("api_key") or ""), "api-username": inbound.account(inbox)}
    return Source(url=attachment.url, headers=headers, mime=attachment.mime, name=attachment.name)


def profile(inbox: InboxConfig, external_id: str) -> Author | None:
    """Name, picture, e-mail address, user fields and the brand's own id of a user, as an administrator's key shows them; None where it
    is none."""
    if not external_id.isascii() or not external_id.isdecimal():
        return None
    try:
        told = call(inbox, "GET", f"/admin/users/{external_id}.json", about="user")
    except ChannelError as error:
        if error.kind in (ErrorKind.PERMISSION, ErrorKind.RECIPIENT_UNAVAILABLE):
            return None
        raise
    try:
        author = inbound.person(told, inbox, id_field="id")
    except ValueError:
        return None
    if author.external_id != external_id:
        return None
    email, locale = told.get("email"), told.get("locale")
    return Author(
        author.realm,
        author.external_id,
        name=author.name,
        handle=author.handle,
        avatar_url=author.avatar_url,
        email=email if isinstance(email, str) and 3 <= len(email) <= 254 and email.isprintable() else "",
        language=locale[:2].lower() if isinstance(locale, str) and re.fullmatch(r"[A-Za-z]{2}(_\w+)?", locale) else "",
        proof=inbound.sso(told),
        facts=fields.told(inbox, author.handle, told),
    )


def check(inbox: InboxConfig) -> str:
    """Whether the key speaks for the account, and what it may do. Raises ChannelError."""
    name = inbound.account(inbox)
    told = call(inbox, "GET", f"/u/{quote(name, safe='')}.json", about="account").get("user")
    user = told if isinstance(told, dict) else {}
    if str(user.get("username", "")).lower() != name.lower():
        raise ChannelError(ErrorKind.INVALID, f"The forum knows nobody called {name}.")
    # Anybody's page can be seen without a key: only what needs one shows that it is right.
    call(inbox, "GET", "/notifications.json", about="account")
    said = f"Connected as @{name} at {inbound.realm(inbox).removeprefix('discourse:')}."
    if user.get("admin") is not True and user.get("moderator") is not True:
        said += " It is no moderator there: it cannot hide or delete what others write."
    if user.get("admin") is not True:
        said += " Without an administrator's key e-mail addresses and single sign-on ids stay unknown."
    return said
