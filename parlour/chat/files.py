"""The widget's own files, held in memory."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """Content and type of every file by its name."""
    found = sorted(path for path in FOLDER.iterdir() if path.suffix in TYPES)
    return {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in found}


@cache
def edition() -> str:
    """A hash over all files: part of every address, so that browsers may keep them for good."""
    return hashlib.sha256(b"".join(content for content, _ in files().values())).hexdigest()[:12]
