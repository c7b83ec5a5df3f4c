"""``make fresh``: the two commands in a clone in a new folder with a new HOME."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PORT = "8765"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="parlour-fresh-") as name:
        folder = Path(name)
        clone, home = folder / "parlour", folder / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        if (shared := ROOT.parent / "shared").is_dir():
            (folder / "shared").symlink_to(shared)
        keep = {
            k: v for k, v in os.environ.items() if not k.startswith(("PARLOUR_", "VIRTUAL_ENV", "DJANGO_", "DATABASE_"))
        }
        environment = keep | {"HOME": str(home), "PARLOUR_PORT": PORT}
        _try_run(clone, environment)
        return subprocess.run(["make", "test"], cwd=clone, env=environment, check=False).returncode


def _try_run(clone: Path, environment: dict[str, str]) -> None:
    """``make run`` must bring up a desk that answers, with customers writing to it."""
    began = time.monotonic()
    process = subprocess.Popen(["make", "run"], cwd=clone, env=environment, start_new_session=True)
    try:
        while not _answers(f"http://127.0.0.1:{PORT}/health"):
            if process.poll() is not None or time.monotonic() - began > 600:
                sys.exit("make run did not bring up the desk.")
            time.sleep(0.5)
        print(f"make run: the desk answered after {time.monotonic() - began:.0f} s", flush=True)
        if not _answers(f"http://127.0.0.1:{int(PORT) + 1}/", seconds=30):
            sys.exit("make run did not bring up the playground.")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _answers(url: str, seconds: float = 0) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            if time.monotonic() >= until:
                return False
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
