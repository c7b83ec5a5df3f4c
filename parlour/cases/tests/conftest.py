from __future__ import annotations

import pytest

from parlour.cases.tests.rows import Rows


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()
