"""The recorded mails: what the poll hands over of them. Bodies without headers are sent by an invented customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.email.tests.sample import body

_HEAD = re.compile(rb"\A(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+\r?\n")
_WRAPPED = b"From: Ana Ruiz <ana@mail.example>\r\nSubject: Recorded\r\nContent-Type: text/%s; charset=utf-8\r\n\r\n"


def letters(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every recorded mail as (file, raw mail), in the order of the files' names."""
    here = folder / "email" if (folder / "email").is_dir() else folder
    for path in sorted(one for one in here.rglob("*") if one.is_file()):
        raw = path.read_bytes()
        if path.suffix == ".json":
            raw = _posted(orjson.loads(raw))
        elif path.suffix == ".html":
            raw = _WRAPPED % b"html" + raw
        elif not _HEAD.match(raw):
            raw = _WRAPPED % b"plain" + raw
        if raw.strip():
            yield path, raw


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The same as (name, body)."""
    for path, raw in letters(folder):
        yield path.name.removeprefix("tests__fixtures__"), body("inbox", raw)


def _posted(told: dict[str, Any]) -> bytes:
    """The mail in a provider's notice: as it came, or made of its parts."""
    if raw := told.get("RawEmail"):
        return str(raw).encode()
    headers = [f"{one['Name']}: {one['Value']}" for one in told.get("Headers", [])]
    headers += [f"{name}: {told[name]}" for name in ("From", "To", "Cc", "Subject", "Date") if told.get(name)]
    headers += [f"Reply-To: {told['ReplyTo']}"] if told.get("ReplyTo") else []
    return "\r\n".join(
        [*headers, "Content-Type: text/plain; charset=utf-8", "", str(told.get("TextBody", ""))]
    ).encode()
