"""What is fetched from addresses others have named, and what is not."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from parlour.lib import names, safe_http
from parlour.lib.safe_http import Failed, Refused, fetch, is_public

KB = 1024


@dataclass
class Host:
    """A server that says, byte for byte, what a test wants it to say; ``asked`` holds the heads of the requests."""

    port: int
    answers: list[Callable[[socket.socket], None]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str = "/file") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def says(self, *parts: bytes, pause: float = 0.0) -> None:
        def answer(client: socket.socket) -> None:
            for part in parts:
                client.sendall(part)
                time.sleep(pause)

        self.answers.append(answer)


@pytest.fixture
def host() -> Iterator[Host]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    made = Host(listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                head = b""
                while b"\r\n\r\n" not in head and (more := client.recv(4096)):
                    head += more
                made.asked.append(head.decode("latin-1"))
                try:
                    made.answers.pop(0)(client)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def http(body: bytes = b"", status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if length is None or length >= 0:
        lines.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


def test_a_file_comes_with_the_type_that_was_told(host: Host) -> None:
    host.says(http(b"hello", content_type="image/png"))
    got = fetch(
        host.url(), most=KB, own=True, headers={"Authorization": "Bearer secret", "Accept-Encoding": "br", "Host": "x"}
    )
    assert (got.content, got.told) == (b"hello", "image/png")
    asked = host.asked[0].lower()
    assert f"host: 127.0.0.1:{host.port}" in asked
    assert "accept-encoding: identity" in asked
    assert "authorization: bearer secret" in asked


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://10.0.0.8/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "https://127.0.0.1/",
        "http://8.8.8.8:22/",
        "http://user:pass@93.184.216.34/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "gopher://93.184.216.34/",
        "//93.184.216.34/",
        "http:///nowhere",
        "http://\u202e/",
        "",
        "http://[::",
    ],
)
def test_what_lies_behind_our_walls_is_not_asked(url: str) -> None:
    with pytest.raises(Refused):
        fetch(url, most=KB, seconds=5)


def test_public_addresses_are_public() -> None:
    assert all(is_public(ip) for ip in ("8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"))
    assert not is_public("no address")
    assert not is_public("192.88.99.1")
    assert not is_public("168.63.129.16")


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "addresses", lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(Refused, match="open internet"):
        fetch("http://both.example/", most=KB)


def test_a_name_that_changes_its_mind_is_asked_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the address that was looked at is the one that is connected to."""
    asked: list[str] = []

    def resolve(name: str, _port: int, _seconds: float) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    monkeypatch.setattr(names, "addresses", resolve)
    monkeypatch.setattr(safe_http, "PORTS", {host.port})
    # Stands for a public address.
    monkeypatch.setattr(safe_http, "is_public", lambda ip: ip == "127.0.0.1")
    host.says(http(b"hello"))
    assert fetch(f"http://cdn.example:{host.port}/a?b=1", most=KB).content == b"hello"
    assert asked == ["cdn.example"]
    assert host.asked[0].startswith("GET /a?b=1 HTTP/1.1\r\n")
    assert f"host: cdn.example:{host.port}\r\n" in host.asked[0].lower()


def test_redirects_are_followed_where_they_may_lead(host: Host) -> None:
    for number in range(3):
        host.says(http(status="302 Found", location=f"/step{number}"))
    host.says(http(b"here"))
    assert fetch(host.url(), most=KB, own=True).content == b"here"
    for number in range(4):
        host.says(http(status="301 Moved", location=f"/step{number}"))
    with pytest.raises(Refused, match="more than 3"):
        fetch(host.url(), most=KB, own=True)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/",
        "http://localhost:{port}/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "//10.0.0.1/",
        "http://[::1]:{port}/",
    ],
)
def test_a_redirect_opens_no_door(host: Host, target: str) -> None:
    """Also from the platform's own address: what may be local is that origin alone."""
    host.says(http(status="302 Found", location=target.format(port=host.port)))
    host.says(http(b"secret"))
    with pytest.raises(Refused):
        fetch(host.url(), most=KB, own=True, headers={"Authorization": "Bearer secret"})
    assert len(host.asked) == 1


def test_credentials_stay_with_their_origin(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_http, "is_public", lambda _: True)
    monkeypatch.setattr(safe_http, "PORTS", {host.port})
    monkeypatch.setattr(names, "addresses", lambda *_: ["127.0.0.1"])
    host.says(http(status="307 Elsewhere", location=f"http://other.example:{host.port}/"))
    host.says(http(b"there"))
    fetch(f"http://one.example:{host.port}/", most=KB, headers={"Authorization": "Bearer secret"})
    assert "secret" in host.asked[0]
    assert "secret" not in host.asked[1]


def test_what_is_too_large_is_not_read_to_the_end(host: Host) -> None:
    host.says(http(b"x" * 2000))
    host.says(http(length=-1), *[b"x" * 600] * 4)
    host.says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"258\r\n" + b"x" * 600 + b"\r\n"] * 4)
    for _ in range(3):
        with pytest.raises(Refused, match="larger"):
            fetch(host.url(), most=KB, own=True)


def test_a_length_that_lies_costs_nothing(host: Host) -> None:
    host.says(http(b"x" * 10, length=1000))
    with pytest.raises(Failed):
        fetch(host.url(), most=KB, own=True)
    # More than was told is not taken: nobody asked for a second answer.
    host.says(http(b"x" * 3000, length=10))
    with suppress(Failed):
        assert fetch(host.url(), most=KB, own=True).content == b"x" * 10
    host.says(http(b"x", length=10**15))
    with pytest.raises(Refused):
        fetch(host.url(), most=KB, own=True)
    host.says(b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nabc")
    with pytest.raises(Failed):
        fetch(host.url(), most=KB, own=True)


def test_a_packed_bomb_does_not_unfold(host: Host) -> None:
    bomb = gzip.compress(bytes(50 * 1024 * KB))
    assert len(bomb) < 100 * KB
    host.says(http(bomb, content_encoding="gzip"))
    with pytest.raises(Refused, match="larger"):
        fetch(host.url(), most=KB * KB, own=True)
    host.says(http(gzip.compress(b"small"), content_encoding="gzip"))
    assert fetch(host.url(), most=KB, own=True).content == b"small"
    whole = gzip.compress(bytes(range(256)) * 3000)
    host.says(http(whole, content_encoding="x-gzip"))
    assert fetch(host.url(), most=KB * KB, own=True).content == bytes(range(256)) * 3000
    for coding in ("br", "gzip, gzip", "zstd"):
        host.says(http(b"...", content_encoding=coding))
        with pytest.raises(Refused, match="packed"):
            fetch(host.url(), most=KB, own=True)
    for body in (b"not gzip", gzip.compress(b"cut off" * 100)[:-12]):
        host.says(http(body, content_encoding="gzip"))
        with pytest.raises(Failed):
            fetch(host.url(), most=KB, own=True)


def test_a_trickle_ends_with_the_time(host: Host) -> None:
    for answer in ([b"HTTP/1.1 200 OK\r\n", *[b"x-a: b\r\n"] * 50], [http(length=1000), *[b"x"] * 50]):
        host.says(*answer, pause=0.05)
        began = time.monotonic()
        with pytest.raises(Failed):
            fetch(host.url(), most=KB, own=True, seconds=0.4)
        assert time.monotonic() - began < 2


def test_errors_are_told_apart(host: Host) -> None:
    host.says(http(status="404 Not Found"))
    with pytest.raises(Failed) as gone:
        fetch(host.url(), most=KB, own=True)
    assert gone.value.status == 404
    host.says(b"what?\r\n\r\n")
    with pytest.raises(Failed) as odd:
        fetch(host.url(), most=KB, own=True)
    assert odd.value.status is None
    host.says(http(status="302 Found"))
    with pytest.raises(Failed, match="nowhere"):
        fetch(host.url(), most=KB, own=True)
    with pytest.raises(Failed):
        fetch("http://127.0.0.1:9/", most=KB, own=True)


def test_a_name_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> list[str]:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(names, "resolve", unknown)
    with pytest.raises(Failed, match="name"):
        fetch("http://nowhere.example/", most=KB)

    def slow(*_: object) -> list[str]:
        time.sleep(3)
        return []

    monkeypatch.setattr(names, "resolve", slow)
    with pytest.raises(Failed, match="name"):
        fetch("http://slow.example/", most=KB, seconds=0.2)


def test_origins() -> None:
    assert safe_http.same_origin("https://a.example/x", "https://a.example:443/")
    assert not safe_http.same_origin("https://a.example/", "http://a.example/")
    assert not safe_http.same_origin("no address", "http://a.example/")
