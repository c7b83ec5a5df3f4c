from __future__ import annotations

from collections.abc import Iterator

import pytest

from parlour.channels import registry
from parlour.lib import clock
from parlour.traffic import lanes
from parlour.traffic.tests.road import T0, Fake, Road, minutes


@pytest.fixture
def road(db: None, monkeypatch: pytest.MonkeyPatch) -> Road:
    """Four inboxes of one brand, whose channels send to nowhere."""
    made = Road()
    for name in ("facebook", "messenger", "x", "api"):
        made.fakes[name] = Fake(registry.get(name))
        monkeypatch.setitem(registry.CHANNELS, name, made.fakes[name])
        made.inbox(name)
    lanes.prepare()
    return made


@pytest.fixture
def clocked() -> Iterator[None]:
    """Half an hour after the customers of the payloads wrote."""
    with clock.frozen(T0 + minutes(30)):
        yield
