"""What every test can use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import compiled, connections  # noqa: F401  # compiled comes first: what is imported after it is kept
from tests.desk import Desk
from tests.emptied import be_quick
from tests.postgres import new_database, server
from tests.prompt import be_prompt
from tests.town import Town
from tests.town import town as begin_town

SHARED = Path(__file__).resolve().parent.parent / "shared"
LONGEST = {
    "tests/test_browser.py": 100,
    "tests/test_no_loss.py::test_nothing_is_lost_and_nothing_is_doubled_while_the_server_is_killed[sqlite]": 45,
    "tests/test_no_loss.py::test_nothing_is_lost_and_nothing_is_doubled_while_the_server_is_killed[postgresql]": 45,
    "tests/test_replay.py": 45,
    "tests/test_chat_browser.py": 40,
    "tests/test_files_browser.py": 25,
    "tests/test_hostile_browser.py": 25,
    "tests/test_commands.py": 25,
    "tests/test_bad_input.py": 20,
}
"""What a run begins with, and about how many seconds it takes: begun last, it would keep one process busy while the others are done."""


def pytest_configure() -> None:
    be_prompt()
    be_quick()
    connections.watch()
    # Hundreds of tests set or try a password; what makes guessing slow is Django's and is used by every desk that is started whole.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    connections.close_left()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """pytest-django's; before it drops the database nobody may be connected to it."""
    yield
    connections.close_left(living=True)


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
        yield one.warm_up()


@pytest.fixture(params=["sqlite", "postgresql"])
def desk_on_each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A whole Parlour on each database, not started yet."""
    database = None
    if request.param == "postgresql":
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        database = new_database(request.getfixturevalue("postgres_url"), f"desk_{worker}_{os.getpid()}")
    with Desk(tmp_path, database) as one:
        yield one.warm_up()


@pytest.fixture
def town(transactional_db: None) -> Iterator[Town]:
    """Channels against their stand-ins, in this process."""
    with begin_town() as one:
        yield one


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The second run, on PostgreSQL, is for what a database could change: other tests would only say the same again."""
    if os.environ.get("DATABASE_URL"):
        kept, left = list[pytest.Item](), list[pytest.Item]()
        for item in items:
            names = set(getattr(item, "fixturenames", ()))
            asks = item.get_closest_marker("django_db") is not None or names & {"db", "transactional_db"}
            (kept if asks else left).append(item)
        config.hook.pytest_deselected(items=left)
        items[:] = kept
    if told := getattr(config, "workerinput", None):
        items[:] = _longest_first(items, told["workercount"])


def _longest_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """An order in which each of ``workers`` equal parts, as worksteal deals them out, begins with its share of the longest tests."""
    long: dict[str, list[pytest.Item]] = {name: [] for name in LONGEST}
    others: list[pytest.Item] = []
    for item in items:
        name = next((one for one in LONGEST if item.nodeid.startswith(one)), None)
        (others if name is None else long[name]).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    seconds = [0] * workers
    for name, found in long.items():
        least = seconds.index(min(seconds))
        shares[least] += found
        seconds[least] += LONGEST[name]
    ordered: list[pytest.Item] = []
    for number, share in enumerate(shares):
        size = (len(items) - len(ordered)) // (workers - number)
        more = max(0, size - len(share))
        ordered += share + others[:more]
        others = others[more:]
    return ordered + others
