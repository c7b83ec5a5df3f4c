"""Requests to platforms whose address an administrator has set. Redirects are not followed; answers are bounded in time and size."""

from __future__ import annotations

from typing import Any

import httpx

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
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
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            headers={"user-agent": "Parlour/0.1"},
            trust_env=False,
        )
    return _client


def request(method: str, url: str, **kwargs: Any) -> httpx.Response:
    """One request; any HTTP status is an answer. Raises NoAnswer, with ``sent=False`` when it certainly was not received."""
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
