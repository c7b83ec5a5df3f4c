"""A tiny real HTTP server that answers as a platform would and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Platform:
    """Answers every request with ``status``, ``body`` and ``headers``; a ``status`` of 0 hangs up without a word."""

    base: str
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answers(self, status: int, body: Any, **headers: str) -> None:
        """From now on. Underscores in header names are written as dashes."""
        self.status, self.body = status, body if isinstance(body, bytes) else orjson.dumps(body)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def platform() -> Iterator[Platform]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            here.asked.append(Asked(self.command, self.path, headers, body))
            self.close_connection = True
            if here.status == 0:
                return
            self.send_response(here.status)
            for name, value in {"content-type": "application/json", **here.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(here.body)))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(here.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = Platform(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
