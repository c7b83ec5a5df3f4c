"""Every recorded payload of X becomes what the table says."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from parlour.channels.contract import Kind
from parlour.channels.tests.contract import RECEIVED
from parlour.channels.x.channel import channel
from parlour.channels.x.tests.payloads import PAYLOADS, payloads
from parlour.channels.x.tests.sample import CONFIG

FOLDER = Path(__file__).parents[5] / "shared" / "payloads" / "x"


def test_recorded_payloads_become_what_the_table_says() -> None:
    if not FOLDER.is_dir():
        pytest.skip("No recorded payloads beside the repository.")
    assert {f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("a*/*.json")} <= set(PAYLOADS)
    for name, body in payloads(FOLDER):
        found = [
            inbound
            for event in channel.split(orjson.loads(body), body, CONFIG)
            for inbound in channel.parse(event.body, CONFIG, RECEIVED)
        ]
        said = {f"ignored: {one.reason}" if one.kind is Kind.IGNORED else str(one.kind) for one in found}
        assert said == {PAYLOADS[name]}, name
