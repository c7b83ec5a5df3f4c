"""The desk's own files, held in memory. One hash over all of them is part of every address, so that browsers may keep them for good."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import django_htmx

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

OWN = Path(__file__).parent / "static"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent; ``packed`` is the same, gzipped."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str


@cache
def files() -> dict[str, File]:
    """Every file by its path below ``static/``. A path that is not a key does not exist, whatever is on the disk."""
    found = {path.relative_to(OWN).as_posix(): path for path in sorted(OWN.rglob("*")) if path.suffix in TYPES}
    found["js/htmx.js"] = HTMX
    return {name: _read(path) for name, path in found.items()}


def _read(path: Path) -> File:
    body = path.read_bytes()
    return File(
        body=body,
        packed=gzip.compress(body, 6, mtime=0),
        content_type=TYPES[path.suffix],
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
    )


@cache
def edition() -> str:
    """A hash over all files: it changes when any of them does, also for modules that import one another."""
    whole = hashlib.sha256()
    for name, file in sorted(files().items()):
        whole.update(f"{name} {file.etag}\n".encode())
    return whole.hexdigest()[:12]


def address(name: str) -> str:
    """Where the browser finds the file. Raises KeyError for one that does not exist, so that a typo fails a test."""
    if name not in files():
        raise KeyError(f"There is no static file {name!r}.")
    return f"/static/{edition()}/{name}"
