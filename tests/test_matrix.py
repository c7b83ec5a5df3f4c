"""Every channel is shown in, out, and with everything that goes wrong between; the table in docs/CHANNELS.md says by which tests.

``PARLOUR_TABLES=1 make test ARGS=tests/test_matrix.py`` writes it anew.
"""

from __future__ import annotations

import pytest

from parlour.channels import registry
from tests import matrix
from tests.tables import kept

pytestmark = pytest.mark.whole


def test_every_channel_has_a_test_for_everything() -> None:
    assert set(matrix.MATRIX) == set(registry.CHANNELS)
    assert matrix.missing() == []


def test_what_windows_and_webhooks_declare_is_in_the_table() -> None:
    """A cell may be empty for what the platform is, never against what the channel itself declares."""
    for name, cells in matrix.MATRIX.items():
        told, can = dict(zip(matrix.COLUMNS, cells, strict=True)), registry.get(name).capabilities
        if can.window_hours or can.private_reply_days:
            assert not told["window closed"].startswith(matrix.NO), name
        assert (told["old signature"] == matrix.ASKED) is not can.webhook, name


def test_the_table_in_the_docs_is_this_one() -> None:
    kept(matrix.ROOT / "docs" / "CHANNELS.md", "shown", matrix.table())
