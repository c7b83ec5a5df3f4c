"""Checks of settings that many channels have."""

from __future__ import annotations

import pytest

from parlour.channels.checks import printable, web_address


@pytest.mark.parametrize("fine", ["https://a.example", "http://127.0.0.1:8000/path", "https://[::1]:80/", ""])
def test_addresses_of_servers(fine: str) -> None:
    assert web_address("https://b.example")(fine) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "a.example",
        "ftp://a.example",
        "https://",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://me:word@a.example",
        "https://a.example:0",
        "https://a.example:99999",
        "https://[a",
        "https://a.example/\n",
        "javascript:alert(1)",
    ],
)
def test_what_is_none(wrong: str) -> None:
    assert web_address("https://b.example")(wrong) == "It is a web address such as https://b.example."


def test_what_is_on_a_server_may_have_a_query() -> None:
    assert web_address("", whole=True)("https://a.example/in?x=1") is None
    assert web_address("", whole=True)("https://a.example/in#x")


def test_keys_are_pasted_whole() -> None:
    assert printable("abc-123") is None
    for wrong in ("abc 123", "abc\n", "schlüssel"):
        assert printable(wrong) == "It holds spaces or odd characters."
