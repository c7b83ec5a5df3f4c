"""Requests to platforms: bounded in time and size."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from parlour.lib import http, names

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Platform = Callable[..., str]


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A server that answers with the given parts, with a pause after each; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers: list[tuple[tuple[bytes, ...], float]] = []

    def answer(client: socket.socket) -> None:
        with client:
            while client.recv(65_536):
                parts, pause = answers.pop(0)
                for part in parts:
                    client.sendall(part)
                    time.sleep(pause)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
                answer(client)
            except OSError:
                if listener.fileno() < 0:
                    return

    def says(*parts: bytes, pause: float = 0.0) -> str:
        answers.append((parts, pause))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    threading.Thread(target=serve, daemon=True).start()
    yield says
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"x-a: b\r\n"] * 60],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 60],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 60],
    ],
)
def test_a_trickle_ends_with_the_time(platform: Platform, parts: list[bytes]) -> None:
    url = platform(*parts, pause=0.05)
    began = time.monotonic()
    with pytest.raises(http.NoAnswer) as late:
        http.request("GET", url, seconds=0.3)
    assert late.value.sent
    assert 0.25 < time.monotonic() - began < 1.5


def test_each_request_has_its_own_time_on_a_connection_that_is_kept(platform: Platform) -> None:
    url = platform(OK)
    platform(OK)
    assert http.request("GET", url, seconds=0.2).text == "ok"
    time.sleep(0.25)
    assert http.request("GET", url).text == "ok"


def test_what_was_not_reached_was_not_told(platform: Platform) -> None:
    with pytest.raises(http.NoAnswer) as nobody:
        http.request("GET", "http://127.0.0.1:9/")
    assert not nobody.value.sent
    with pytest.raises(http.NoAnswer) as late:
        http.request("GET", platform(OK), seconds=1e-9)
    assert not late.value.sent


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name server that never answers; the names it was asked for."""
    asked: list[str] = []
    over = threading.Event()

    def hang(host: str, _port: int) -> list[str]:
        asked.append(host)
        over.wait(30)
        raise socket.gaierror("never told")

    monkeypatch.setattr(names, "resolve", hang)
    yield asked
    over.set()


def test_a_name_server_that_never_answers_holds_nobody_longer_than_the_time(hanging: list[str]) -> None:
    began = time.monotonic()
    with pytest.raises(http.NoAnswer) as late:
        http.request("GET", "http://platform.example/", seconds=0.2)
    assert not late.value.sent
    assert time.monotonic() - began < 1.5
    assert hanging == ["platform.example"]


def test_look_ups_that_hang_are_bounded_and_addresses_need_none(hanging: list[str], platform: Platform) -> None:
    room = threading.BoundedSemaphore(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_room", room)
        for _ in range(3):
            with pytest.raises(names.NotFound):
                names.addresses("platform.example", 443, 0.05)
        assert len(hanging) == 2
        assert http.request("GET", platform(OK)).text == "ok"
        assert names.addresses("::1", 443, 0.05) == ["::1"]


def test_the_second_address_is_tried_when_the_first_refuses(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = platform(OK).replace("127.0.0.1", "platform.example")
    monkeypatch.setattr(names, "resolve", lambda *_: ["127.0.0.2", "127.0.0.1"])
    assert http.request("GET", url).text == "ok"
