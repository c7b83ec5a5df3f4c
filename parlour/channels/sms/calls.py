"""Calls of Twilio's REST API, and what its errors mean."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.lib import http
from parlour.lib.text import one_line

API = "https://api.twilio.com"

ERRORS: dict[int, ErrorKind] = {
    14107: ErrorKind.RATE_LIMITED,
    20003: ErrorKind.AUTH_EXPIRED,
    20005: ErrorKind.AUTH_EXPIRED,
    20404: ErrorKind.INVALID,
    20429: ErrorKind.RATE_LIMITED,
    20500: ErrorKind.TRANSIENT,
    20503: ErrorKind.TRANSIENT,
    21211: ErrorKind.RECIPIENT_UNAVAILABLE,
    21408: ErrorKind.PERMISSION,
    21602: ErrorKind.INVALID,
    21606: ErrorKind.PERMISSION,
    21608: ErrorKind.PERMISSION,
    21610: ErrorKind.RECIPIENT_UNAVAILABLE,
    21611: ErrorKind.RATE_LIMITED,
    21612: ErrorKind.RECIPIENT_UNAVAILABLE,
    21614: ErrorKind.RECIPIENT_UNAVAILABLE,
    21617: ErrorKind.TOO_LONG,
    30001: ErrorKind.RATE_LIMITED,
    30002: ErrorKind.POLICY_BLOCK,
    30003: ErrorKind.RECIPIENT_UNAVAILABLE,
    30004: ErrorKind.RECIPIENT_UNAVAILABLE,
    30005: ErrorKind.RECIPIENT_UNAVAILABLE,
    30006: ErrorKind.RECIPIENT_UNAVAILABLE,
    30007: ErrorKind.POLICY_BLOCK,
    30034: ErrorKind.POLICY_BLOCK,
    63016: ErrorKind.WINDOW_CLOSED,
    63017: ErrorKind.RATE_LIMITED,
}
"""Twilio's codes, of refusals and of failures afterwards."""

MEANING = {
    30001: "too many messages were waiting",
    30002: "the Twilio account is suspended",
    30003: "the phone cannot be reached: switched off, or without a network",
    30004: "messages to this number are blocked",
    30005: "the number is unknown or not in service any more",
    30006: "it is a landline, or a network that takes no messages",
    30007: "the network's filter took it for unwanted advertising",
    30008: "the network gave no reason",
    30034: "the sender is not registered for the United States (A2P 10DLC)",
    21610: "the customer has opted out by answering STOP",
    63016: "the customer's last message is more than 24 hours old",
    63017: "too many messages were sent",
}
"""What is told of a failure afterwards is a number only."""

_STATUS: dict[int, ErrorKind] = {
    401: ErrorKind.AUTH_EXPIRED,
    403: ErrorKind.PERMISSION,
    408: ErrorKind.UNKNOWN_OUTCOME,
    413: ErrorKind.TOO_LONG,
    429: ErrorKind.RATE_LIMITED,
    503: ErrorKind.TRANSIENT,
}


def base(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("api_base") or API).rstrip("/")


def account(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("account_sid", ""))


def authorization(inbox: InboxConfig) -> dict[str, str]:
    """The header of basic authentication."""
    pair = f"{account(inbox)}:{inbox.settings.get('auth_token', '')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def call(inbox: InboxConfig, method: str, path: str, **content: Any) -> dict[str, Any]:
    """One request below the account; ``content`` is httpx's ``data`` or ``params``. Returns the answer, raises ChannelError."""
    address = f"{base(inbox)}/2010-04-01/Accounts/{quote(account(inbox), safe='')}{path}"
    return _asked(inbox, method, address, **content)


def page(inbox: InboxConfig, uri: str) -> dict[str, Any]:
    """A further page of a list, by the path Twilio names. Raises ChannelError."""
    if not uri.startswith("/") or uri.startswith("//"):
        raise ChannelError(ErrorKind.INVALID, "Twilio named a page that is not its own.")
    return _asked(inbox, "GET", base(inbox) + uri)


def _asked(inbox: InboxConfig, method: str, address: str, **content: Any) -> dict[str, Any]:
    try:
        response = http.request(method, address, headers=authorization(inbox), **content)
    except http.NoAnswer as error:
        kind = ErrorKind.UNKNOWN_OUTCOME if error.sent else ErrorKind.TRANSIENT
        raise ChannelError(kind, str(error)) from error
    try:
        answer = orjson.loads(response.content)
    except ValueError:
        answer = None
    if response.is_success and isinstance(answer, dict):
        return answer
    raise _refusal(response, answer)


def _refusal(response: httpx.Response, answer: Any) -> ChannelError:
    status = response.status_code
    told = answer if isinstance(answer, dict) else {}
    code, message = told.get("code"), told.get("message")
    number = code if isinstance(code, int) and not isinstance(code, bool) else 0
    kind = ERRORS.get(number)
    if kind is None:
        unsure = ErrorKind.UNKNOWN_OUTCOME if status >= 500 or response.is_success else ErrorKind.INVALID
        kind = _STATUS.get(status, unsure)
    wait = response.headers.get("retry-after", "")
    return ChannelError(
        kind,
        (one_line(message, 500) if isinstance(message, str) else "")
        or f"Twilio answered HTTP {status} without a reason.",
        retry_after=float(wait[:6]) if wait.isascii() and wait.isdigit() else None,
        code=str(number or ""),
    )


def meaning(code: int) -> str:
    """Words for a code that Twilio told without any."""
    return f"{MEANING.get(code, 'Twilio gave no words')} ({code})" if code else "no reason was given"
