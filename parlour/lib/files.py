"""Where files are kept: once each, under the hash of what is in them. Below ``PARLOUR_DATA`` or in S3-compatible storage, by the settings."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

from parlour.lib import sniff
from parlour.lib.text import storable

NAME_LENGTH = 120
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb]"
)
_PATHS = re.compile(r'[\\/:*?"<>|]+')


class Unavailable(Exception):
    """The storage could not be asked, or has lost the file; the text says which."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is kept: the hash it is found by, what it is by its bytes, and how large."""

    digest: str
    mime: str
    size: int
    width: int | None
    height: int | None


class Folder(FileSystemStorage):
    """A folder in which a file is there whole or not at all, also after a power cut."""

    def _save(self, name: str, content: File[bytes]) -> str:
        place = Path(self.path(name))
        place.parent.mkdir(parents=True, exist_ok=True)
        begun = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        try:
            with open(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            begun.replace(place)
        except BaseException:
            begun.unlink(missing_ok=True)
            raise
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:  # noqa: ARG002
        """The name itself: what has it already is the same file."""
        return name


def _place(digest: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise Unavailable("It is not in the storage.")
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def keep(content: bytes, told: str = "") -> Stored:
    """Store a file; one that is there already is not written again. ``told`` is the type somebody gave it. Raises Unavailable."""
    digest = hashlib.sha256(content).hexdigest()
    place = _place(digest)
    try:
        if not (default_storage.exists(place) and default_storage.size(place) == len(content)):
            default_storage.save(place, ContentFile(content))
    except _faults() as error:
        raise Unavailable(f"The storage could not be written to ({type(error).__name__}).") from error
    mime = sniff.mime_of(content, told)
    size = sniff.size_of(content, mime)
    return Stored(digest, mime, len(content), size.width if size else None, size.height if size else None)


def read(digest: str) -> bytes:
    """All of a file. Raises Unavailable."""
    with opened(digest) as file:
        try:
            return file.read()
        except _faults() as error:
            raise Unavailable(f"The storage could not be read ({type(error).__name__}).") from error


def opened(digest: str) -> BinaryIO:
    """A file to read from; the caller closes it. Raises Unavailable."""
    try:
        file: Any = default_storage.open(_place(digest), "rb")
    except FileNotFoundError as error:
        raise Unavailable("It is not in the storage.") from error
    except _faults() as error:
        raise Unavailable(f"The storage could not be read ({type(error).__name__}).") from error
    return file  # type: ignore[no-any-return]


def _faults() -> tuple[type[Exception], ...]:
    """What a storage raises when it cannot be used; boto's own errors are known only where it is installed."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return (OSError,)
    return (OSError, BotoCoreError, ClientError)


def name_of(value: str, mime: str = "") -> str:
    """A file's name fit to be shown and saved: one line, no folders, nothing invisible, nothing that turns the writing direction around.

    Empty when nothing is left of it. It ends with what its type is called by where it has no ending.
    """
    name = _PATHS.sub("_", _INVISIBLE.sub("", storable(value, 1000)))
    name = re.sub(r"\s+", " ", name).strip(" .")
    if not any(letter.isalnum() for letter in name):
        return ""
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 12:
        stem, ending = name, sniff.EXTENSIONS.get(mime, "")
    if not ending:
        return stem[:NAME_LENGTH].rstrip()
    return f"{stem[: NAME_LENGTH - len(ending) - 1].rstrip()}.{ending}"
