"""Requests to platforms whose address an administrator has set. Redirects are not followed; answers are bounded in time and size."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from parlour.lib import names

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
SECONDS, FILE_SECONDS = 30.0, 60.0
"""How long a request may take in all, however steadily little bits of its answer come; one that brings a file has longer."""
LOOK_UP_SECONDS = 10.0
"""For finding an address and connecting to it, where a request has no limit of its own."""
FILE_BYTES = 512 * 1024
PIECE = 64 * 1024
MAX_ANSWER = 5 * 1024 * 1024

_client: httpx.Client | None = None


class NoAnswer(Exception):
    """No usable answer. ``sent`` tells whether the request may have reached the other side."""

    def __init__(self, words: str, *, sent: bool) -> None:
        super().__init__(words)
        self.sent = sent


def client() -> httpx.Client:
    """The process's client (thread-safe, keeps connections)."""
    global _client
    if _client is None:
        _client = httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=False,
            headers={"user-agent": "Parlour/0.1"},
            trust_env=False,
            transport=_Transport(),
        )
    return _client


_mine = threading.local()


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    """How long the next step of this thread's request may take; ``late`` is raised when its time is over."""
    until: float | None = getattr(_mine, "until", None)
    if until is None:
        return timeout
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise late("The whole request took too long.")
    return seconds if timeout is None else min(timeout, seconds)


class _Transport(httpx.HTTPTransport):
    """httpx counts the time of each step anew; here the steps of a request end with its own time, too."""

    def __init__(self) -> None:
        trust = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=trust)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=64,
            max_keepalive_connections=32,
            keepalive_expiry=5.0,
            network_backend=_Network(),
        )


class _Network(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        limit = _left(timeout, httpcore.ConnectTimeout)
        until = time.monotonic() + (LOOK_UP_SECONDS if limit is None else limit)
        try:
            ips = names.addresses(host.strip("[]"), port, until - time.monotonic())
        except names.NotFound as error:
            raise httpcore.ConnectError(str(error)) from error
        ips = ips[:3]
        for place, ip in enumerate(ips):
            # An address that does not answer leaves the others their share of the time.
            seconds = max(0.001, (until - time.monotonic()) / (len(ips) - place))
            try:
                return _Timed(super().connect_tcp(ip, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault: Exception = error
        raise fault


class _Timed(httpcore.NetworkStream):
    """A connection, kept between requests; each wait ends with the time of whichever request waits."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self.stream.write(buffer[start : start + PIECE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _left(timeout, httpcore.ConnectTimeout)
        return _Timed(self.stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def request(method: str, url: str, *, seconds: float | None = None, **kwargs: Any) -> httpx.Response:
    """One request, within ``seconds`` in all (None: SECONDS, FILE_SECONDS with a file); any HTTP status is an answer.

    Raises NoAnswer, with ``sent=False`` when it certainly was not received.
    """
    content = kwargs.get("content")
    large = bool(kwargs.get("files")) or (isinstance(content, bytes) and len(content) > FILE_BYTES)
    _mine.until = time.monotonic() + (seconds or (FILE_SECONDS if large else SECONDS))
    try:
        with client().stream(method, url, **kwargs) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise NoAnswer("The answer was larger than 5 MB.", sent=True)
            response._content = body
            return response
    except (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
        httpx.InvalidURL,
    ) as error:
        raise NoAnswer(f"The address could not be reached ({type(error).__name__}).", sent=False) from error
    except httpx.HTTPError as error:
        raise NoAnswer(f"No answer came ({type(error).__name__}).", sent=True) from error
    finally:
        _mine.until = None
