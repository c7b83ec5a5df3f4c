"""Whose word on a visitor's address is believed."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from parlour.commands.web import config_of
from parlour.settings import _networks

PROXIES = ["10.0.0.5", "172.16.0.0/12", "203.0.113.9"]


def seen(connected: str, *said: str) -> str:
    """The address the desk sees of a request from ``connected`` with these X-Forwarded-For headers."""
    found: list[str] = []

    async def root(scope: MutableMapping[str, Any], _receive: object, _send: object) -> None:
        found.append(scope["client"][0])

    config = config_of(root)
    config.load()
    headers = [(b"x-forwarded-for", one.encode()) for one in said]
    scope = {"type": "http", "client": (connected, 4711), "scheme": "http", "headers": headers}
    asyncio.run(config.loaded_app(scope, None, None))
    return found[0]


@pytest.mark.whole
@pytest.mark.parametrize(
    ("connected", "said", "address"),
    [
        ("203.0.113.9", ["93.184.216.34"], "93.184.216.34"),
        (
            "203.0.113.9",
            ["8.8.8.8, 93.184.216.34, 172.20.1.1"],
            "93.184.216.34",
        ),  # the first one is the visitor's own claim
        ("203.0.113.9", ["8.8.8.8", "93.184.216.34"], "93.184.216.34"),
        ("203.0.113.9", ["[2606:4700::1]:443"], "2606:4700::1"),
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.10", ["93.184.216.34"], "203.0.113.10"),
        ("127.0.0.1", ["93.184.216.34"], "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(
    connected: str, said: list[str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "TRUSTED_PROXIES", PROXIES)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert seen(connected, *said) == address


@pytest.mark.whole
def test_a_proxy_on_this_machine_is_trusted_by_itself() -> None:
    assert seen("127.0.0.1", "93.184.216.34") == "93.184.216.34"
    assert seen("::1", "93.184.216.34") == "93.184.216.34"


@pytest.mark.whole
@pytest.mark.parametrize("value", ["proxy", "10.0.0.1/8", "*", "0.0.0.0/0", "::/0", "10.0.0.256", "10.0.0.1;10.0.0.2"])
def test_what_is_no_proxy_is_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLOUR_TRUSTED_PROXIES", f"10.0.0.1, {value}")
    with pytest.raises(ImproperlyConfigured, match="PARLOUR_TRUSTED_PROXIES must"):
        _networks("PARLOUR_TRUSTED_PROXIES", "")


@pytest.mark.whole
def test_proxies_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLOUR_TRUSTED_PROXIES", " 10.0.0.5,2001:DB8::0/32 , ")
    assert _networks("PARLOUR_TRUSTED_PROXIES", "127.0.0.1") == ["10.0.0.5", "2001:db8::/32"]
    monkeypatch.setenv("PARLOUR_TRUSTED_PROXIES", "")
    assert _networks("PARLOUR_TRUSTED_PROXIES", "127.0.0.1") == ["127.0.0.1"]
