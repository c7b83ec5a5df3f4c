"""A platform that answers with what was recorded: real HTTP on a free port of this machine."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``query`` holds all values of each parameter."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes

    def first(self, name: str) -> str:
        return next(iter(self.query.get(name, [])), "")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: JSON, or ``stream``, the text of server-sent events."""

    json: Any = None
    status: int = 200
    stream: str = ""


Answers = Callable[[Asked], Told]
NOT_FOUND = Told({"error": "Record not found"}, 404)


class Platform:
    """``accounts``: what each account's requests are answered with, by the token (or user name) that a request shows."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.accounts: dict[str, Answers] = {}


@contextmanager
def platform() -> Iterator[Platform]:
    """A platform for the length of a ``with`` block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    found = Platform(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"platform": found})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="platform", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    platform: Platform

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = Asked(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), body)
        answers = self.platform.accounts.get(self._token(asked))
        told = answers(asked) if answers is not None else Told({"error": "Nobody knows this token."}, 401)
        content = told.stream.encode() if told.stream else orjson.dumps(told.json)
        self.send_response(told.status)
        self.send_header("content-type", "text/event-stream" if told.stream else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_POST = _answer

    def _token(self, asked: Asked) -> str:
        kind, _, given = self.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            return b64decode(given).decode().partition(":")[0]
        # Bluesky signs in with a name in the body, Google with the address that is asked.
        told = orjson.loads(asked.body) if asked.body[:1] == b"{" else {}
        return given or asked.first("access_token") or told.get("identifier", "") or asked.path.rpartition("/")[2]

    def log_message(self, *_: object) -> None:
        pass
