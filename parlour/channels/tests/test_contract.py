"""Every channel that is registered, or has a folder, keeps the contract."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from parlour.channels.contract import Channel
from parlour.channels.tests import samples
from parlour.channels.tests.contract import ChannelContract

NAMES = sorted(path.parent.name for path in Path(__file__).parents[1].glob("*/channel.py"))


class TestEveryChannel(ChannelContract):
    @pytest.fixture(params=NAMES)
    def name(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def channel(self, name: str) -> Channel:
        found: Channel = import_module(f"parlour.channels.{name}.channel").channel
        return found

    @pytest.fixture
    def sample(self, name: str) -> samples.Sample:
        return samples.sample(name)


def test_every_folder_is_registered_under_its_name() -> None:
    registry = import_module("parlour.channels.registry")
    assert sorted(registry.CHANNELS) == NAMES
    for name, channel in registry.CHANNELS.items():
        assert channel.name == name
        assert registry.get(name) is channel


def test_an_unknown_channel_is_named() -> None:
    registry = import_module("parlour.channels.registry")
    with pytest.raises(LookupError, match="no channel 'carrier-pigeon'"):
        registry.get("carrier-pigeon")
