"""Files that customers and the brand have sent, so that the pages can show them and the desk can fetch them."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import quote

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a page shows in place; everything else is a link to be saved."""
MOST_BYTES = 256 * 1024 * 1024
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True, slots=True)
class File:
    """One file. ``id`` cannot be guessed; ``mime`` is always fit for a header."""

    id: str
    name: str
    mime: str
    content: bytes

    @property
    def path(self) -> str:
        """Where the playground serves it."""
        return f"/file/{self.id}/{quote(self.name, safe='')}"

    @property
    def is_picture(self) -> bool:
        return self.mime in PICTURES

    @property
    def kind(self) -> str:
        """image, video, audio or file."""
        begin = self.mime.partition("/")[0]
        return begin if begin in ("image", "video", "audio") else "file"


class Shelf:
    """In memory; when it is full the oldest files fall off, and their links lead nowhere."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.base = ""
        """The playground's own address, under which the desk finds the files."""
        self._most = most
        self._files: OrderedDict[str, File] = OrderedDict()
        self._bytes = 0

    def put(self, name: str, mime: str, content: bytes) -> File:
        """Keep a file. A type that is none becomes one for any bytes, a missing name is made up."""
        mime = mime.partition(";")[0].strip().lower()
        mime = mime if _MIME.fullmatch(mime) else "application/octet-stream"
        plain = "".join(sign for sign in name.replace("\\", "/").rpartition("/")[2] if sign.isprintable())[:120]
        file = File(secrets.token_urlsafe(12), plain or mime.partition("/")[0], mime, content)
        self._files[file.id] = file
        self._bytes += len(content)
        while self._bytes > self._most and len(self._files) > 1:
            self._bytes -= len(self._files.popitem(last=False)[1].content)
        return file

    def get(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def url(self, file: File) -> str:
        """Where the desk fetches a file."""
        return self.base + file.path
