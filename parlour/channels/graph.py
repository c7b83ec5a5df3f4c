"""A client of Meta's Graph API: requests with the account's token, what its errors mean, and how much of its allowance is used."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import orjson

from parlour.channels.contract import ChannelError, ErrorKind, File, InboxConfig
from parlour.channels.meta import GRAPH, page_id
from parlour.lib import clock, http
from parlour.lib.text import one_line

Code = int | tuple[int, int]
Table = Mapping[Code, ErrorKind]

_EVERYWHERE: dict[Code, ErrorKind] = {
    1: ErrorKind.TRANSIENT,
    2: ErrorKind.TRANSIENT,
    4: ErrorKind.RATE_LIMITED,
    17: ErrorKind.RATE_LIMITED,
    32: ErrorKind.RATE_LIMITED,
    613: ErrorKind.RATE_LIMITED,
    80001: ErrorKind.RATE_LIMITED,
    80006: ErrorKind.RATE_LIMITED,
    10: ErrorKind.PERMISSION,
    **dict.fromkeys(range(200, 300), ErrorKind.PERMISSION),
    100: ErrorKind.INVALID,
    (100, 33): ErrorKind.TARGET_DELETED,
    102: ErrorKind.AUTH_EXPIRED,
    190: ErrorKind.AUTH_EXPIRED,
    368: ErrorKind.POLICY_BLOCK,
    1200: ErrorKind.TRANSIENT,
    10900: ErrorKind.ALREADY_REPLIED,
    10902: ErrorKind.ALREADY_REPLIED,
}

COMMENTS: Table = _EVERYWHERE
"""Codes, or codes with their subcode, of comments and moderation."""

MESSAGES: Table = {
    **_EVERYWHERE,
    # Subcode 1545041 means "unavailable" in one of Meta's pages and "window closed" in another: the code decides.
    10: ErrorKind.WINDOW_CLOSED,
    (10, 2018108): ErrorKind.RECIPIENT_UNAVAILABLE,
    (10, 1893063): ErrorKind.POLICY_BLOCK,
    200: ErrorKind.RECIPIENT_UNAVAILABLE,
    (200, 2018028): ErrorKind.PERMISSION,
    551: ErrorKind.RECIPIENT_UNAVAILABLE,
    (100, 2018001): ErrorKind.RECIPIENT_UNAVAILABLE,
    (100, 2018218): ErrorKind.RECIPIENT_UNAVAILABLE,
    10303: ErrorKind.INVALID,
}
"""Codes of the Send API, which gives some of them another meaning."""

UPLOAD = httpx.Timeout(30.0, connect=5.0)
FULL, NEARLY = 100.0, 90.0
REST_FULL, REST_NEARLY = 300.0, 5.0
"""Seconds without requests when that share of the allowance (in percent) is used. Meta counts by the hour, rolling."""

_STATUS: dict[int, ErrorKind] = {
    401: ErrorKind.AUTH_EXPIRED,
    403: ErrorKind.PERMISSION,
    408: ErrorKind.UNKNOWN_OUTCOME,
    413: ErrorKind.TOO_LONG,
    429: ErrorKind.RATE_LIMITED,
}


class Told(NamedTuple):
    """An answer, and for how many seconds the account should send nothing more by what its headers say of the allowance."""

    answer: dict[str, Any]
    rest: float | None


def ask(inbox: InboxConfig, method: str, *path: str, table: Table, **content: Any) -> Told:
    """One request; ``content`` is httpx's ``json``, ``data``, ``files`` or ``params``. Raises ChannelError."""
    address = "/".join((str(inbox.settings.get("api_base") or GRAPH).rstrip("/"), *map(_step, path)))
    headers = {"authorization": f"Bearer {inbox.settings.get('access_token', '')}"}
    try:
        response = http.request(method, address, headers=headers, **content)
    except http.NoAnswer as error:
        kind = ErrorKind.UNKNOWN_OUTCOME if error.sent else ErrorKind.TRANSIENT
        raise ChannelError(kind, str(error)) from error
    answer = _decoded(response)
    if response.is_success and isinstance(answer, dict) and "error" not in answer:
        return Told(answer, _rest(response))
    raise _refusal(response, answer, table)


def call(inbox: InboxConfig, method: str, *path: str, table: Table, **content: Any) -> dict[str, Any]:
    """``ask`` for its answer alone."""
    return ask(inbox, method, *path, table=table, **content).answer


def upload(inbox: InboxConfig, *path: str, field: str, file: File, id_field: str, table: Table, **data: str) -> str:
    """Hand a file to Meta; its id there. What fails here has told nobody anything: it may be tried again. Raises ChannelError."""
    name = one_line(file.name, 100) or "file"
    try:
        answer = call(
            inbox,
            "POST",
            *path,
            table=table,
            data=data,
            files={field: (name, file.read(), file.mime or "application/octet-stream")},
            timeout=UPLOAD,
        )
        return id_of(answer, id_field)
    except ChannelError as error:
        if error.kind is ErrorKind.UNKNOWN_OUTCOME:
            raise ChannelError(ErrorKind.TRANSIENT, f"The file could not be handed over: {error.words}") from error
        raise


def account(inbox: InboxConfig) -> str:
    """Words about the Page the token speaks for. Raises ChannelError."""
    answer = call(inbox, "GET", page_id(inbox), table=COMMENTS, params={"fields": "id,name"})
    if str(answer.get("id", "")) != page_id(inbox):
        raise ChannelError(ErrorKind.INVALID, "The platform knows that Page by another id.")
    return f"Connected to the Page {one_line(str(answer.get('name', '')), 120) or page_id(inbox)}."


def done(answer: Mapping[str, Any]) -> None:
    """Raise ChannelError when the answer says that nothing was done. Meta writes ``true`` as a word at times."""
    if answer.get("success") not in (True, "true"):
        raise ChannelError(ErrorKind.INVALID, "The platform answered that it was not done.")


def id_of(answer: Mapping[str, Any], field: str) -> str:
    """The id of what was made. Without one nobody can tell what happened: raises ChannelError(UNKNOWN_OUTCOME)."""
    value = answer.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, f"The platform accepted it, but its answer holds no '{field}'.")
    return value


def _step(part: str) -> str:
    if part in ("", ".", ".."):
        raise ChannelError(ErrorKind.INVALID, "There is no message to answer or act on.")
    return quote(part, safe="")


def _decoded(response: httpx.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except ValueError:
        return None


def _refusal(response: httpx.Response, answer: Any, table: Table) -> ChannelError:
    status = response.status_code
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        kind = ErrorKind.UNKNOWN_OUTCOME if response.is_success else _unknown(status)
        return ChannelError(kind, f"The platform answered HTTP {status} without a reason.", retry_after=_wait(response))
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    found = table.get((code, subcode)) or table.get(code)
    if found is None:
        found = ErrorKind.TRANSIENT if error.get("is_transient") is True else _unknown(status)
    # WhatsApp says what is wrong in the details only.
    data = error.get("error_data")
    parts = [error.get("message"), data.get("details") if isinstance(data, dict) else None]
    said = one_line(" ".join(part for part in parts if isinstance(part, str)), 500)
    return ChannelError(
        found,
        said or f"The platform answered HTTP {status}, code {code}.",
        retry_after=_wait(response),
        code=f"{code}/{subcode}" if subcode else str(code),
    )


def _unknown(status: int) -> ErrorKind:
    return ErrorKind.UNKNOWN_OUTCOME if status >= 500 else _STATUS.get(status, ErrorKind.INVALID)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _wait(response: httpx.Response) -> float | None:
    """Seconds to wait, at most a day, from ``Retry-After`` or the minutes in ``X-Business-Use-Case-Usage``."""
    seconds = _retry_after(response.headers.get("retry-after", "")) or _regained(response)
    return min(seconds, 86_400.0) if seconds > 0 else None


def _rest(response: httpx.Response) -> float | None:
    """Seconds to rest after a success, at most a day: what Meta estimates, else by how much of the allowance is used."""
    if (seconds := _regained(response)) > 0:
        return min(seconds, 86_400.0)
    used = max(
        (
            float(use[name])
            for use in _uses(response)
            for name in ("call_count", "total_time", "total_cputime")
            if isinstance(use.get(name), int | float)
        ),
        default=0.0,
    )
    return REST_FULL if used >= FULL else REST_NEARLY if used >= NEARLY else None


def _retry_after(value: str) -> float:
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return (parsedate_to_datetime(value) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _regained(response: httpx.Response) -> float:
    """Seconds until Meta answers again, by its own estimate in minutes."""
    minutes = [use.get("estimated_time_to_regain_access") for use in _uses(response)]
    return 60.0 * max((float(minute) for minute in minutes if isinstance(minute, int | float)), default=0.0)


def _uses(response: httpx.Response) -> list[dict[str, Any]]:
    """What the usage headers say: of the app and the Page, and per use case of the business."""
    found: list[Any] = []
    for name in ("x-app-usage", "x-page-usage", "x-business-use-case-usage"):
        try:
            told = orjson.loads(response.headers.get(name, ""))
        except ValueError:
            continue
        if isinstance(told, dict):
            found += [told, *(use for row in told.values() if isinstance(row, list) for use in row)]
    return [use for use in found if isinstance(use, dict)]
