"""What Django gets: whole requests only, so that slow and large ones hold none of its few threads."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from parlour import asgi
from parlour.traffic import door


class Django:
    """Stands where Django does; remembers what bodies reach it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def ask(
    *parts: dict[str, Any], pause: float = 0.0, headers: list[tuple[bytes, bytes]] | None = None
) -> tuple[int, list[bytes]]:
    async def run() -> tuple[int, list[bytes]]:
        root, django = asgi.Root(), Django()
        root.django = django  # type: ignore[assignment]
        sent: list[MutableMapping[str, Any]] = []
        coming = iter(parts)

        async def receive() -> MutableMapping[str, Any]:
            await asyncio.sleep(pause)
            return next(coming, {"type": "http.disconnect"})

        async def send(event: MutableMapping[str, Any]) -> None:
            sent.append(event)

        scope = {"type": "http", "path": "/sign-in", "method": "POST", "headers": headers or [], "query_string": b""}
        await root(scope, receive, send)
        return sent[0]["status"], django.bodies

    return asyncio.run(run())


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_request_comes_in_one_piece() -> None:
    assert ask(part(b"a=1&", True), part(b"b=2")) == (200, [b"a=1&b=2"])


def test_a_trickle_and_a_flood_reach_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "BODY_SECONDS", 0.05)
    assert ask(part(b"a", True), part(b"b"), pause=0.04) == (408, [])
    assert ask(part(b"x" * (door.MOST_BYTES + 1))) == (413, [])
    assert ask(headers=[(b"content-length", b"999999999")]) == (413, [])
