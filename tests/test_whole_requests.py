"""What Django gets: whole requests only, so that slow and large ones hold none of its few threads."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from django.test import Client

from parlour import asgi
from parlour.staff import actions as staff
from parlour.staff.models import Role
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
    *parts: dict[str, Any],
    pause: float = 0.0,
    headers: list[tuple[bytes, bytes]] | None = None,
    path: str = "/sign-in",
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

        scope = {"type": "http", "path": path, "method": "POST", "headers": headers or [], "query_string": b""}
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


FORM = (b"content-type", b"multipart/form-data; boundary=x")


@pytest.mark.parametrize("path", ["/case/12/say", "/api/v1/files"])
def test_files_have_room_for_those_who_are_known(path: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.FILE_BYTES = 6 * 1024 * 1024
    body = b"x" * (door.MOST_BYTES + 1)
    monkeypatch.setattr(asgi, "_may_bring_files", lambda _: False)
    assert ask(part(body), headers=[FORM], path=path)[0] == 413, "nobody knows who this is"
    monkeypatch.setattr(asgi, "_may_bring_files", lambda _: True)
    assert ask(part(body), headers=[FORM], path=path) == (200, [body])
    assert ask(part(body), path=path)[0] == 413, "no form with files"
    assert ask(part(body), headers=[FORM], path="/case/12/assign")[0] == 413
    assert ask(part(b"x" * (11 * 1024 * 1024 + 1)), headers=[FORM], path=path) == (413, [])
    assert ask(headers=[FORM, (b"content-length", b"99999999")], path=path) == (413, [])


@pytest.mark.django_db(transaction=True)
def test_who_is_known() -> None:
    token = staff.add_token("one", Role.AGENT)
    assert asgi._may_bring_files({"authorization": f"Bearer {token}"})
    assert not asgi._may_bring_files({"authorization": "Bearer parlour_x"})
    client = Client()
    client.force_login(staff.add_agent("noor@example.com", "Noor"))
    cookie = client.cookies["sessionid"].value
    assert asgi._may_bring_files({"cookie": f"sessionid={cookie}"})
    assert not asgi._may_bring_files({"cookie": "sessionid=unknown"})
    assert not asgi._may_bring_files({})
