"""``make test``: everything on SQLite, then the rooms again on PostgreSQL. Extra arguments go to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from tests.postgres import server


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="parlour-test-") as folder, server(durable=False) as postgres:
        environment = os.environ | {
            "PARLOUR_DATA": folder,
            "PARLOUR_TEST_POSTGRES": postgres,
            "PARLOUR_SECRET": "only-for-tests-" + "x" * 32,
        }
        environment.pop("DATABASE_URL", None)
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            # One more than there are cores: whole desks are waited for most of the time.
            os.environ.get("PARLOUR_TEST_WORKERS", str((os.cpu_count() or 1) + 1)),
            "--dist",
            "worksteal",
        ]
        first = subprocess.run([*pytest, *sys.argv[1:]], env=environment, check=False).returncode
        print(f"SQLite: {time.monotonic() - began:.0f} s", flush=True)
        rooms = [*pytest, "-m", "not whole"]
        second = subprocess.run(
            [*rooms, *sys.argv[1:]], env=environment | {"DATABASE_URL": postgres}, check=False
        ).returncode
        print(f"With PostgreSQL: {time.monotonic() - began:.0f} s", flush=True)
    return first or second


if __name__ == "__main__":
    sys.exit(main())
