"""``make test``: everything on SQLite, and beside it the rooms again on PostgreSQL. Extra arguments go to pytest.

PARLOUR_TEST_WORKERS: how many processes test on SQLite; one more than there are cores, since browsers and whole desks keep them waiting. Two
fewer test on PostgreSQL.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from tests import compiled  # noqa: F401  # for the processes started here, too
from tests.postgres import server

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""What the data of the tests may need, in bytes."""
PYTEST = [sys.executable, "-m", "pytest"]
NOTHING_TO_TEST = 5
"""pytest's exit code for it."""


def _folder() -> tempfile.TemporaryDirectory[str]:
    """For all data of the tests; in memory where there is room, since thousands of commits would wait for a disk."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return tempfile.TemporaryDirectory(prefix="parlour-test-", dir=MEMORY if roomy else None)


def _environment(postgres: str) -> dict[str, str]:
    environment = os.environ | {
        "PARLOUR_TEST_POSTGRES": postgres,
        "PARLOUR_SECRET": "only-for-tests-" + "x" * 32,
        # The cores are shared out already: threads of the linear algebra would only wait for each other, and turn while they do.
        "OPENBLAS_NUM_THREADS": "1",
    }
    environment.pop("DATABASE_URL", None)
    return environment


def _compile(environment: dict[str, str]) -> None:
    """In a new clone, compile what the tests import once, instead of in all of their processes at the same time."""
    if not Path(importlib.util.cache_from_source(str(Path(__file__).with_name("desk.py")), optimization="")).exists():
        subprocess.run([*PYTEST, "--collect-only", "-qq"], env=environment, check=False, stdout=subprocess.DEVNULL)


def _start(
    folder: Path, workers: int, environment: dict[str, str], *arguments: str, told: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """A run of pytest that keeps its data in ``folder`` and speaks to ``told``, else to the terminal."""
    folder.mkdir()
    line = [*PYTEST, "-n", str(workers), "--dist", "worksteal", "--basetemp", str(folder / "pytest")]
    return subprocess.Popen(
        [*line, *arguments, *sys.argv[1:]],
        env=environment | {"PARLOUR_DATA": str(folder)},
        stdout=told,
        stderr=subprocess.STDOUT if told else None,
    )


def main() -> int:
    began = time.monotonic()
    cores = os.cpu_count() or 1
    workers = int(os.environ.get("PARLOUR_TEST_WORKERS", "0")) or cores + 1
    with _folder() as name, server(durable=False) as postgres, tempfile.TemporaryFile() as told:
        folder, environment = Path(name), _environment(postgres)
        _compile(environment | {"PARLOUR_DATA": name})
        first = _start(folder / "sqlite", workers, environment)
        # The one works while the other waits. What it says is shown when the first has finished.
        beside = environment | {"DATABASE_URL": postgres}
        second = _start(folder / "postgresql", max(1, workers - 2), beside, "-m", "not whole", told=told)
        try:
            codes = [first.wait()]
            print(f"SQLite: {time.monotonic() - began:.0f} s", flush=True)
            codes.append(second.wait())
        finally:
            # After Ctrl-C: neither may write any more when the folder goes.
            for one in (first, second):
                one.terminate()
                one.wait()
        told.seek(0)
        shutil.copyfileobj(told, sys.stdout.buffer)
        print(f"With PostgreSQL: {time.monotonic() - began:.0f} s", flush=True)
    return next((code for code in codes if code not in (0, NOTHING_TO_TEST)), min(codes))


if __name__ == "__main__":
    sys.exit(main())
