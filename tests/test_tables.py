"""Tables in the documents say what the code does. ``PARLOUR_TABLES=1`` writes them anew."""

from __future__ import annotations

import pytest

from parlour.channels import registry
from tests import tables

DOCS = tables.ROOT / "docs"


def test_the_table_of_channels() -> None:
    tables.kept(DOCS / "CHANNELS.md", "channels", tables.channels())


@pytest.mark.parametrize("name", sorted(registry.CHANNELS))
def test_each_channel_has_a_page_with_its_settings(name: str) -> None:
    tables.kept(DOCS / "channels" / f"{name}.md", "settings", tables.settings(registry.get(name)))
