"""Just enough of a web framework for the stand-ins: requests, replies, routes and forms over plain ASGI."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY = 64 * 1024 * 1024
"""Telegram's bots send 50 MB, Meta takes 25; what is larger is refused by each stand-in in its platform's words."""


class Drop(Exception):
    """Close the connection without a whole answer, as a failing network does."""


class TooLarge(Exception):
    """The body is over ``MAX_BODY``."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Header names are lower case; ``query`` holds the last value of each parameter."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pairs: tuple[tuple[str, str], ...] = ()
    """Every parameter of the query, for those that come more than once."""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object. Raises ValueError."""
        if not self.body:
            return {}
        value = orjson.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError("a JSON object is expected")
        return value

    def form(self) -> dict[str, str]:
        """The body as a submitted form. Bytes that are not UTF-8 become U+FFFD."""
        text = self.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, errors="replace"))

    def params(self) -> dict[str, Any]:
        """Query and body together, whichever way the body is written; the body wins. Raises ValueError."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = self.json() if kind == "application/json" else self.form()
        return {**self.query, **body}

    def bearer(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(slots=True)
class Reply:
    """An answer: status, body and headers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, orjson.dumps(value), {"content-type": "application/json; charset=utf-8", **(headers or {})})


def html_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, text.encode("utf-8", "replace"), {"content-type": "text/html; charset=utf-8"})


def see_other(path: str) -> Reply:
    """Send the browser to a page of ours. A path that would lead to another host becomes the front page."""
    return Reply(303, b"", {"location": path if re.match(r"/(?![/\\])[^\x00-\x20\x7f-\uffff]*\Z", path) else "/"})


Handler = Callable[..., Any]
"""Returns a Reply, or an awaitable of one; each face knows which of the two its own are."""


class Router:
    """Routes by method and path; ``{name}`` in a pattern stands for one segment, handed to the handler by name."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        regex = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(pattern))
        self._routes.append((method, re.compile(regex + r"\Z"), handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler of a path and its named segments, or None."""
        for verb, regex, handler in self._routes:
            if verb == method and (found := regex.match(path)):
                return handler, found.groupdict()
        return None


async def read_request(scope: Mapping[str, Any], receive: Receive) -> Request:
    """The whole request. Raises TooLarge, or Drop when the client left in the middle."""
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Drop
        body += event.get("body", b"")
        if len(body) > MAX_BODY:
            raise TooLarge
        if not event.get("more_body"):
            break
    query = scope["query_string"].decode("ascii", "replace")
    pairs = tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(pairs),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=bytes(body),
        pairs=pairs,
    )


async def send_reply(send: Send, reply: Reply) -> None:
    head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    head.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": head})
    await send({"type": "http.response.body", "body": reply.body})


async def send_broken(send: Send) -> None:
    """Begin an answer that never comes: the server closes the connection when the promised body is missing."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
