"""What every test can use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk import Desk
from tests.postgres import new_database, server
from tests.town import Town
from tests.town import town as begin_town

SHARED = Path(__file__).resolve().parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded payloads and data sets; tests that need it are skipped in a clone that has none."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: recorded payloads and data sets are not part of a clone.")
    return SHARED


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running PostgreSQL; the one ``make test`` started, else one of this session's own."""
    given = os.environ.get("PARLOUR_TEST_POSTGRES")
    if given:
        yield given
    else:
        with server(durable=False) as url:
            yield url


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A whole Parlour on SQLite, not started yet."""
    with Desk(tmp_path) as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def desk_on_each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A whole Parlour on each database, not started yet."""
    database = None
    if request.param == "postgresql":
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        database = new_database(request.getfixturevalue("postgres_url"), f"desk_{worker}_{os.getpid()}")
    with Desk(tmp_path, database) as one:
        yield one


@pytest.fixture
def town(transactional_db: None) -> Iterator[Town]:
    """Channels against their stand-ins, in this process."""
    with begin_town() as one:
        yield one


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The second run, on PostgreSQL, is for what a database could change: other tests would only say the same again."""
    if not os.environ.get("DATABASE_URL"):
        return
    kept, left = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        asks = item.get_closest_marker("django_db") is not None or names & {"db", "transactional_db"}
        (kept if asks else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept
