"""Asking Telegram: for updates where the inbox has no public address, else how the webhook fares; and for files."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from parlour.channels.contract import Attachment, ChannelError, ErrorKind, InboxConfig, Poll, Refused, Source, Split
from parlour.channels.telegram import updates
from parlour.channels.telegram.calls import Moved, base, call
from parlour.channels.telegram.places import polled, token, username
from parlour.lib import clock
from parlour.lib.text import one_line

PAGE = 100
IDLE = timedelta(days=6)
"""After a week without updates Telegram counts from a random number: an older mark would hide what is new."""
FRESH = timedelta(minutes=10)


def ask(inbox: InboxConfig, method: str, content: dict[str, Any] | None = None, *, patience: float = 0.0) -> Any:
    """A call that changes nothing. Raises ChannelError."""
    try:
        return call(inbox, method, content, patience=patience)
    except Moved as moved:
        raise ChannelError(ErrorKind.INVALID, str(moved)) from None


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """New updates, oldest first; with a webhook none, but ChannelError when Telegram cannot deliver there.

    The cursor is ``{"offset": next update_id, "at": epoch seconds of the last update}``.
    """
    if not polled(inbox):
        if trouble := webhook_trouble(ask(inbox, "getWebhookInfo")):
            raise ChannelError(ErrorKind.INVALID, trouble)
        return Poll((), cursor)
    now = clock.now().timestamp()
    offset, at = cursor.get("offset"), cursor.get("at")
    content: dict[str, Any] = {"limit": PAGE, "timeout": 0, "allowed_updates": list(updates.KINDS)}
    if isinstance(offset, int) and isinstance(at, int | float) and now - at < IDLE.total_seconds():
        content["offset"] = offset
    told = ask(inbox, "getUpdates", content)
    found = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    events: list[Split] = []
    latest = None
    for one in found:
        try:
            events += updates.split(one, orjson.dumps(one))
            latest = max(latest or 0, one["update_id"])
        except Refused:
            continue
        _answer_press(inbox, one)
    if latest is None:
        return Poll((), cursor)
    # Asking again, with the new mark, tells Telegram that these have arrived.
    return Poll(events, {"offset": latest + 1, "at": now}, more=True)


def _answer_press(inbox: InboxConfig, update: dict[str, Any]) -> None:
    """The button the customer pressed turns a clock until somebody answers the press."""
    press = update.get("callback_query")
    if isinstance(press, dict) and isinstance(press.get("id"), str):
        try:
            ask(inbox, "answerCallbackQuery", {"callback_query_id": press["id"]})
        except ChannelError:
            return


def wait(inbox: InboxConfig, seconds: float) -> bool:
    """Long polling: whether something came. An inbox with a webhook is told by it, and waits for nothing."""
    if not polled(inbox):
        time.sleep(seconds)
        return False
    content = {"limit": 1, "timeout": int(seconds), "allowed_updates": list(updates.KINDS)}
    try:
        return bool(ask(inbox, "getUpdates", content, patience=seconds))
    except ChannelError as error:
        if error.code == "409" and error.kind is ErrorKind.TRANSIENT:
            return False  # the poll itself was asking at this moment
        raise


def webhook_trouble(info: Any) -> str:
    """What Telegram says is wrong with the webhook, '' when nothing is."""
    told = info if isinstance(info, dict) else {}
    if not told.get("url"):
        return (
            "Telegram knows no webhook address for this bot yet: enter the desk's public address, and test the inbox."
        )
    words, at, waiting = told.get("last_error_message"), told.get("last_error_date"), told.get("pending_update_count")
    if not isinstance(words, str) or not words or not isinstance(at, int) or not isinstance(waiting, int):
        return ""
    failed = clock.platform_time(at, clock.now())
    if waiting <= 0 or clock.now() - failed > FRESH:
        return ""
    return f"Telegram could not deliver {_many(waiting)} to the webhook ({_when(failed)}): {one_line(words, 200)}"


def _many(count: int) -> str:
    return "one update" if count == 1 else f"{count:,} updates"


def _when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def check(inbox: InboxConfig) -> str:
    """Who the bot is, and how updates reach us. Raises ChannelError."""
    me = ask(inbox, "getMe")
    me = me if isinstance(me, dict) else {}
    name = str(me.get("username") or "")
    if name.lower() != username(inbox).lower():
        raise ChannelError(ErrorKind.INVALID, f"The token belongs to @{one_line(name, 40)}, not to @{username(inbox)}.")
    said = [f"Connected to @{name} ({one_line(str(me.get('first_name') or ''), 60)})."]
    if inbox.settings.get("groups") == "all" and me.get("can_read_all_group_messages") is not True:
        said.append("In groups it sees only what is addressed to it: switch privacy mode off at @BotFather.")
    info = ask(inbox, "getWebhookInfo")
    if not polled(inbox) and (given := _give_address(inbox, info)):
        return " ".join([*said, given])
    return " ".join([*said, *_delivery(inbox, info)])


def _give_address(inbox: InboxConfig, info: Any) -> str:
    """Tell Telegram where to deliver, when the inbox knows the desk's address and Telegram has another one, or asks for less than we
    read; '' when there is nothing to do."""
    begin = str(inbox.settings.get("public_url") or "").rstrip("/")
    if not begin:
        return ""
    url = f"{begin}/in/{inbox.channel}/{inbox.key}"
    told = info if isinstance(info, dict) else {}
    allowed = told.get("allowed_updates")
    if told.get("url") == url and isinstance(allowed, list) and set(updates.KINDS) <= {str(one) for one in allowed}:
        return ""
    secret = str(inbox.settings.get("secret_token") or "")
    if not secret:
        raise ChannelError(
            ErrorKind.INVALID, "Without a secret token nobody can tell Telegram's webhooks from others'."
        )
    content = {"url": url, "secret_token": secret, "allowed_updates": list(updates.KINDS)}
    if ask(inbox, "setWebhook", content) is not True:
        raise ChannelError(ErrorKind.INVALID, "Telegram did not take the webhook's address.")
    return f"Telegram has been told to deliver to {_host(url)}."


def _delivery(inbox: InboxConfig, info: Any) -> list[str]:
    told = info if isinstance(info, dict) else {}
    url = str(told.get("url") or "")
    if polled(inbox):
        return [f"But a webhook is set ({_host(url)}): delete it, or nothing can be asked for."] if url else []
    if trouble := webhook_trouble(told):
        return [trouble]
    if not url.endswith(f"/{inbox.key}"):
        return [
            f"But Telegram delivers to another address at {_host(url)}, not to this inbox's: nothing comes in here."
        ]
    allowed = told.get("allowed_updates")
    said = [f"Telegram delivers to {_host(url)}."]
    if isinstance(allowed, list) and allowed and "message_reaction" not in allowed:
        said.append("Reactions do not come: 'message_reaction' is not among the allowed updates.")
    words = told.get("last_error_message")
    if isinstance(words, str) and words:
        at = told.get("last_error_date")
        when = f" ({_when(clock.platform_time(at, clock.now()))})" if isinstance(at, int) else ""
        said.append(f"Its last error{when}: {one_line(words, 200)}")
    return said


def _host(url: str) -> str:
    try:
        return one_line(urlsplit(url).netloc, 100)
    except ValueError:
        return "another address"


def source(inbox: InboxConfig, attachment: Attachment) -> Source:
    """Where a file can be had for an hour. The address holds the token. Raises ChannelError."""
    if not attachment.reference:
        return Source(url=attachment.url, mime=attachment.mime, name=attachment.name)
    told = ask(inbox, "getFile", {"file_id": attachment.reference})
    path = told.get("file_path") if isinstance(told, dict) else None
    if not isinstance(path, str) or not path or ".." in path or not path.isprintable():
        raise ChannelError(ErrorKind.INVALID, "Telegram does not give this file to bots (at most 20 MB).")
    url = f"{base(inbox)}/file/bot{token(inbox)}/{quote(path)}"
    return Source(url=url, mime=attachment.mime, name=attachment.name, own=True)
