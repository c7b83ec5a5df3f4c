"""Tables in the documents say what the code does. ``PARLOUR_TABLES=1`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parlour.channels import registry
from tests import tables

DOCS = tables.ROOT / "docs"


def _same(path: Path, name: str, table: str) -> None:
    text = path.read_text()
    assert f"<!-- {name} -->" in text, f"{path.name} has no place for its {name}."
    wanted = tables.replaced(text, name, table)
    if os.environ.get("PARLOUR_TABLES"):
        path.write_text(wanted)
    assert path.read_text() == wanted, f"{path.name} is not what the code does; PARLOUR_TABLES=1 writes it anew."


def test_the_table_of_channels() -> None:
    _same(DOCS / "CHANNELS.md", "channels", tables.channels())


def test_the_table_of_payloads(shared: Path) -> None:
    _same(DOCS / "PAYLOADS.md", "payloads", tables.payload_page(shared))


def test_no_recorded_payload_is_a_fault(shared: Path) -> None:
    """Each becomes something, or is knowingly ignored or refused with a reason."""
    found = list(tables.payloads(shared))
    assert found
    for channel, title, told in found:
        assert told != "nothing", (channel, title)
        assert not told.startswith("parked"), (channel, title, told)


@pytest.mark.parametrize("name", sorted(registry.CHANNELS))
def test_each_channel_has_a_page_with_its_settings(name: str) -> None:
    _same(DOCS / "channels" / f"{name}.md", "settings", tables.settings(registry.get(name)))
