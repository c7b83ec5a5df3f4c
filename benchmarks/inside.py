"""Parts that need Django run in processes of their own, each with its own settings and database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from tests.desk import SECRET


def environment(folder: Path, database: str = "") -> dict[str, str]:
    """Settings of a Parlour whose data lies in ``folder``."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "parlour.settings",
        "PARLOUR_DATA": str(folder),
        "PARLOUR_SECRET": SECRET,
        "PARLOUR_PLAYGROUND": "0",
        "DATABASE_URL": database,
    }


def call(module: str, arguments: dict[str, Any], settings: dict[str, str]) -> Any:
    """Run ``python -m <module> <arguments as JSON>``; what it wrote to its standard output, which is one JSON value."""
    line = [sys.executable, "-m", module, orjson.dumps(arguments).decode()]
    done = subprocess.run(line, env=settings, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"{module} failed.")
    return orjson.loads(done.stdout)


def begin() -> dict[str, Any]:
    """At the start of such a process: Django is set up; gives the arguments."""
    import django

    django.setup()
    given: dict[str, Any] = orjson.loads(sys.argv[1])
    return given


def answer(told: Any) -> None:
    """At its end."""
    sys.stdout.buffer.write(orjson.dumps(told))
