"""Requests to the Bot API, and what its errors mean. The token is part of every address: no address is ever told to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.telegram.places import token
from parlour.lib import http
from parlour.lib.text import one_line

API = "https://api.telegram.org"

_FORBIDDEN = (
    (("blocked by the user", "deactivated", "initiate conversation", "to bots"), ErrorKind.RECIPIENT_UNAVAILABLE),
)
_BAD = (
    (("message is too long", "caption is too long", "text is too long"), ErrorKind.TOO_LONG),
    (
        (
            "to be replied not found",
            "reply message not found",
            "to delete not found",
            "to edit not found",
            "to react not found",
            "message not found",
            "message_id_invalid",
            "thread not found",
            "topic_deleted",
            "topic_closed",
        ),
        ErrorKind.TARGET_DELETED,
    ),
    (("chat not found", "user not found", "peer_id_invalid"), ErrorKind.RECIPIENT_UNAVAILABLE),
    (("business_peer", "business_connection"), ErrorKind.WINDOW_CLOSED),
    (
        ("not enough rights", "have no rights", "administrator rights", "write_forbidden", "can't be deleted"),
        ErrorKind.PERMISSION,
    ),
)
"""Descriptions are no promise of Telegram's: parts of them are looked for, and the code decides about the rest."""


class Moved(Exception):
    """The group became a supergroup and has another id now."""

    def __init__(self, chat: int) -> None:
        super().__init__("The group became a supergroup.")
        self.chat = chat


def base(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("api_base") or API).rstrip("/")


def call(
    inbox: InboxConfig,
    method: str,
    content: Mapping[str, Any] | None = None,
    *,
    once: bool = False,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
    patience: float = 0.0,
) -> Any:
    """The ``result`` of one call. ``once``: doing it twice would show, so that doubt is UNKNOWN_OUTCOME.

    ``patience``: seconds Telegram is asked to wait for news. Raises ChannelError, or Moved.
    """
    if not token(inbox):
        raise ChannelError(ErrorKind.AUTH_EXPIRED, "This inbox has no bot token.")
    told: dict[str, Any]
    if files:
        told = {"data": {name: _field(value) for name, value in (content or {}).items()}, "files": dict(files)}
    else:
        told = {"json": dict(content or {})}
    if patience:
        told["timeout"] = httpx.Timeout(patience + 10.0, connect=5.0)
    try:
        response = http.request("POST", f"{base(inbox)}/bot{token(inbox)}/{method}", **told)
    except http.NoAnswer as error:
        kind = ErrorKind.UNKNOWN_OUTCOME if once and error.sent else ErrorKind.TRANSIENT
        raise ChannelError(kind, f"Telegram did not answer. {error}") from None
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and answer.get("ok") is True and "result" in answer and response.is_success:
        return answer["result"]
    raise _refusal(inbox, response, answer if isinstance(answer, dict) else {}, once=once)


def _field(value: Any) -> str:
    """A field of a form: what is no text is JSON there."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _refusal(
    inbox: InboxConfig, response: httpx.Response, answer: Mapping[str, Any], *, once: bool
) -> ChannelError | Moved:
    status = response.status_code
    code = answer.get("error_code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else status
    said = answer.get("description")
    words = one_line(said, 300).replace(token(inbox), "…") if isinstance(said, str) else ""
    parameters = answer.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    chat = parameters.get("migrate_to_chat_id")
    if code == 400 and isinstance(chat, int) and not isinstance(chat, bool):
        return Moved(chat)
    kind = _kind(code, words.lower(), once=once)
    wait = _wait(parameters, response) if kind is ErrorKind.RATE_LIMITED else None
    if not words:
        words = f"Telegram answered HTTP {status} without a reason."
    elif kind is ErrorKind.AUTH_EXPIRED:
        words = f"Telegram does not know the bot token any more ({words})."
    return ChannelError(kind, words, retry_after=wait, code=str(code))


def _kind(code: int, words: str, *, once: bool) -> ErrorKind:
    if code in (401, 404):
        return ErrorKind.AUTH_EXPIRED
    if code == 429:
        return ErrorKind.RATE_LIMITED
    if code == 413:
        return ErrorKind.TOO_LONG
    if code == 409:
        return ErrorKind.INVALID if "webhook is active" in words else ErrorKind.TRANSIENT
    if code == 403:
        return _told(words, _FORBIDDEN) or ErrorKind.PERMISSION
    if 400 <= code < 500:
        return _told(words, _BAD) or ErrorKind.INVALID
    return ErrorKind.UNKNOWN_OUTCOME if once else ErrorKind.TRANSIENT


def _told(words: str, table: tuple[tuple[tuple[str, ...], ErrorKind], ...]) -> ErrorKind | None:
    return next((kind for parts, kind in table if any(part in words for part in parts)), None)


def _wait(parameters: Mapping[str, Any], response: httpx.Response) -> float | None:
    told = parameters.get("retry_after")
    if not isinstance(told, int) or isinstance(told, bool):
        header = response.headers.get("retry-after", "")
        told = int(header) if header.isdecimal() and header.isascii() and len(header) < 7 else None
    return None if told is None else float(min(max(told, 1), 86_400))
