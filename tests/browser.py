"""Finds the browser the tests drive: one on the PATH, else Playwright's download, else Debian's package when run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]


def installed() -> str | None:
    """Path of a Chromium, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    for pattern in ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium"):
        for path in sorted(cache.glob(pattern), reverse=True):
            return str(path)
    return None


def fetch() -> str | None:
    """Try the ways there are to get one; the path, or None."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        attempts += [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    for line in attempts:
        print(f"No Chromium yet; trying: {' '.join(line[-3:])}", flush=True)
        try:
            subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if found := installed():
            return found
    return None


def main() -> int:
    if installed() or fetch():
        return 0
    print("The tests need a Chromium: install one (Debian: `apt install chromium`) so that it is on the PATH.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
