"""A stand-in for an OpenAI-compatible endpoint: a real HTTP server that answers chat completions, with errors on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LABELS = {"category": "billing", "sentiment": "negative", "intent": "complaint", "actionable": True}
Spoilt = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


class LanguageModel:
    """``asked`` holds each request's body; ``labels`` is what it answers. What ``spoil`` is given happens first, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.labels: dict[str, Any] = dict(LABELS)
        self.coming: list[Spoilt] = []

    def settings(self, key: str = "k-123") -> dict[str, str]:
        return {"url": f"{self.url}/v1", "model": "stand-in-1", "key": key}

    def spoil(self, *these: Spoilt) -> None:
        self.coming += these

    @property
    def text(self) -> str:
        """The message in the latest question, as it was sent."""
        told: str = json.loads(self.asked[-1]["messages"][-1]["content"])["message"]
        return told


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"content_type": "application/json", "content_length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def completion(content: Any, **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}
    return json.dumps({"id": "c1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def says(content: Any, **message: Any) -> Spoilt:
    """A completion with these words."""
    return lambda handler, _: send(handler, 200, completion(content, **message))


def refuses(status: int, words: str = "", code: str = "", **headers: str) -> Spoilt:
    """An error as these endpoints write it."""
    body = json.dumps({"error": {"message": words, "type": code or None, "code": code or None}}).encode()
    return lambda handler, _: send(handler, status, body, **headers)


def raw(body: bytes, status: int = 200, **headers: str) -> Spoilt:
    return lambda handler, _: send(handler, status, body, **headers)


def hangs_up(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    handler.close_connection = True


def drips(seconds: float) -> Spoilt:
    """An answer that comes a byte at a time and does not end before ``seconds``."""

    def drip(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        until = time.monotonic() + seconds
        with suppress(OSError):
            while time.monotonic() < until:
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.01)
        handler.close_connection = True

    return drip


def floods(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    """An answer without an end."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    with suppress(OSError):
        for _round in range(1000):
            handler.wfile.write(b" " * 65536)


@contextmanager
def language_model() -> Iterator[LanguageModel]:
    """One that runs for the length of a ``with`` block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            model.asked.append({"path": self.path, **body})
            model.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = model.coming.pop(0) if model.coming else says(json.dumps(model.labels))
            answer(self, body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model = LanguageModel(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
