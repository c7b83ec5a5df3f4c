"""A desk's door for the tests: takes what is posted, answers as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from parlour.lib import signing


@dataclass
class Door:
    """What came in, and the statuses the next deliveries are answered with (200 when none is left)."""

    base: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    verify_token: str = "stand-in-verify-token"
    consumer_secret: str = "stand-in-consumer-secret"

    def bodies(self, path: str) -> list[bytes]:
        return [body for at, _, body in self.got if at == path]


@pytest.fixture
def door() -> Iterator[Door]:
    told = Door()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self._say(told.statuses.pop(0) if told.statuses else 200, b"ok")

        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            if "crc_token" in query:
                answer = signing.base64_signature(told.consumer_secret, query["crc_token"].encode())
                self._say(200, b'{"response_token":"%s"}' % answer.encode())
            elif query.get("hub.verify_token") == told.verify_token:
                self._say(200, query["hub.challenge"].encode())
            else:
                self._say(403, b"no")

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.base = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()
