"""What files are, what they are called, and where they are kept."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.test import RequestFactory

from parlour import settings
from parlour.lib import files, serve, sniff
from parlour.lib.files import name_of

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 320, 200) + b"\x08\x06\0\0\0"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 200, 320) + b"\3"
GIF = b"GIF89a" + struct.pack("<HH", 320, 200)
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (319).to_bytes(3, "little") + (199).to_bytes(3, "little")
AVIF = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", 320, 200)
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"\n <!DOCTYPE html><html><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("content", "told", "mime"),
    [
        (PNG, "", "image/png"),
        (PNG, "text/html", "image/png"),
        (JPEG, "image/png", "image/jpeg"),
        (GIF, "", "image/gif"),
        (WEBP, "", "image/webp"),
        (AVIF, "", "image/avif"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0", "", "video/quicktime"),
        (b"\0\0\0\x14ftyp3gp5\0\0", "", "video/3gpp"),
        (b"\0\0\0\x14ftypM4A \0\0", "", "audio/mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\1webm", "", "video/webm"),
        (b"OggS\0\2" + bytes(20) + b"\x01vorbis", "", "audio/ogg"),
        (b"OggS\0\2" + bytes(20) + b"\x80theora", "", "video/ogg"),
        (b"ID3\4\0\0", "", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "", "audio/aac"),
        (b"\xff\xff\xff\xff", "audio/mpeg", sniff.UNKNOWN),
        (b"RIFF\0\0\0\0WAVEfmt ", "", "audio/wav"),
        (b"fLaC\0", "", "audio/flac"),
        (b"#!AMR\n", "", "audio/amr"),
        (b"%PDF-1.7\n", "text/html", "application/pdf"),
        (b"PK\x03\x04....", "image/png", "application/zip"),
        (b"PK\x03\x04....", "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        (HTML, "image/png", "text/html"),
        (SVG, "image/png", "image/svg+xml"),
        (b"GIF87 <script>", "image/gif", "text/html"),
        (b"a,b\n1,2\n", "text/csv; charset=utf-8", "text/csv"),
        (b"a,b\n1,2\n", "text/html", "text/plain"),
        ("schön".encode("utf-16"), "", "text/plain"),
        ("<html>".encode("utf-16"), "", "text/html"),
        (b"MZ\x90\0", "image/png", sniff.UNKNOWN),
        (b"\0\1\2", "image/png", sniff.UNKNOWN),
        (b"", "image/png", sniff.UNKNOWN),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, told: str, mime: str) -> None:
    assert sniff.mime_of(content, told) == mime


@pytest.mark.parametrize("content", [PNG, JPEG, GIF, WEBP, AVIF])
def test_pictures_tell_their_size(content: bytes) -> None:
    mime = sniff.mime_of(content)
    assert sniff.size_of(content, mime) == sniff.Size(320, 200)
    for length in range(len(content)):
        sniff.size_of(content[:length], mime)


def test_nothing_that_runs_script_is_shown() -> None:
    assert not {"image/svg+xml", "text/html", "text/xml", "application/xhtml+xml", "text/plain"} & sniff.INLINE.keys()


@pytest.mark.parametrize(
    ("given", "mime", "name"),
    [
        ("invoice.pdf", "application/pdf", "invoice.pdf"),
        ("photo", "image/jpeg", "photo.jpg"),
        ("../../etc/passwd", "", "_.._etc_passwd"),
        ("C:\\Users\\a.txt", "", "C_Users_a.txt"),
        ("\u202egnp.exe\u200f", "", "gnp.exe"),
        ("\u202e\u2066\u200f\ufeff", "image/png", ""),
        ("a\0b\nc.png", "", "a\ufffdbc.png"),
        (" . ", "", ""),
        ("", "image/png", ""),
        ("Überweisung 3.pdf", "", "Überweisung 3.pdf"),
        ("名前.png", "", "名前.png"),
        ("x" * 500 + ".pdf", "", "x" * 116 + ".pdf"),
        ("\ud800.png", "", "\ufffd.png"),
    ],
)
def test_names_are_fit_to_be_shown(given: str, mime: str, name: str) -> None:
    assert name_of(given, mime) == name
    assert len(name) <= files.NAME_LENGTH


def test_a_file_is_kept_once_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    first = files.keep(PNG, "text/html")
    assert (first.mime, first.size, first.width, first.height) == ("image/png", len(PNG), 320, 200)
    assert files.read(first.digest) == PNG
    place = Path(default_storage.path(files._place(first.digest)))
    assert place.stat().st_mode & 0o777 == 0o600
    wrote = place.stat().st_mtime_ns
    assert files.keep(PNG) == first
    assert place.stat().st_mtime_ns == wrote
    # What a crash has cut short (or somebody has) is written again.
    place.write_bytes(PNG[:10])
    files.keep(PNG)
    assert files.read(first.digest) == PNG
    assert not [one for one in place.parent.iterdir() if one.name.startswith(".")]


def test_a_storage_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(files.Unavailable):
        files.read("0" * 64)
    with pytest.raises(files.Unavailable):
        files.read("../../secret")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    unseen = os.urandom(32)
    monkeypatch.setattr("parlour.lib.files.os.fsync", full)
    with pytest.raises(files.Unavailable, match="OSError"):
        files.keep(unseen)
    monkeypatch.undo()
    assert files.read(files.keep(unseen).digest) == unseen


def test_parts_of_a_file() -> None:
    digest = files.keep(b"ID3" + bytes(range(97))).digest
    ask = lambda **headers: serve.answer(RequestFactory().get("/", headers=headers), digest, "song")  # noqa: E731
    whole = ask()
    assert (whole.status_code, len(whole.content), whole["Content-Type"]) == (200, 100, "audio/mpeg")
    assert whole["Content-Disposition"] == 'inline; filename="song.mp3"'
    etag = whole["ETag"]
    assert ask(**{"If-None-Match": etag}).status_code == 304
    for asked, told, length in [
        ("bytes=0-9", "bytes 0-9/100", 10),
        ("bytes=90-", "bytes 90-99/100", 10),
        ("bytes=-5", "bytes 95-99/100", 5),
        ("bytes=50-500", "bytes 50-99/100", 50),
        ("bytes=-500", "bytes 0-99/100", 100),
    ]:
        part = ask(Range=asked)
        assert (part.status_code, part["Content-Range"], len(part.content)) == (206, told, length)
    for asked in ("bytes=100-", "bytes=9-3", "bytes=-0"):
        assert (ask(Range=asked).status_code, ask(Range=asked)["Content-Range"]) == (416, "bytes */100")
    for asked in ("bytes=", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b"):
        assert ask(Range=asked).status_code == 200
    assert ask(Range="bytes=0-9", **{"If-Range": '"other"'}).status_code == 200
    assert ask(Range="bytes=0-9", **{"If-Range": etag}).status_code == 206


@pytest.mark.parametrize("content", [HTML, SVG, b"PK\x03\x04", b"plain words"])
def test_what_is_not_harmless_is_a_download(content: bytes) -> None:
    answer = serve.answer(RequestFactory().get("/"), files.keep(content, "image/png").digest, 'a"\u202eb.png')
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["Cache-Control"].startswith("private")


# Settings


def test_files_live_in_the_data_folder_unless_a_bucket_is_named(tmp_path: Path, monkeypatch) -> None:
    for name in ("BUCKET", "ENDPOINT", "REGION", "KEY", "SECRET"):
        monkeypatch.delenv(f"PARLOUR_S3_{name}", raising=False)
    assert settings._storage(tmp_path)["OPTIONS"] == {"location": tmp_path / "files"}
    monkeypatch.setattr(settings, "find_spec", lambda _: object())
    monkeypatch.setattr(settings, "_s3_patience", lambda: None)
    for name, value in {"BUCKET": "desk", "ENDPOINT": "https://s3.example.com", "KEY": "k", "SECRET": "s"}.items():
        monkeypatch.setenv(f"PARLOUR_S3_{name}", value)
    made = settings._storage(tmp_path)
    assert made["BACKEND"] == "storages.backends.s3.S3Storage"
    assert (made["OPTIONS"]["bucket_name"], made["OPTIONS"]["default_acl"]) == ("desk", None)
    monkeypatch.setattr(settings, "find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match="install"):
        settings._storage(tmp_path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"KEY": "k"}, "PARLOUR_S3_BUCKET must name"),
        ({"BUCKET": "Not A Bucket"}, "PARLOUR_S3_BUCKET must be"),
        ({"BUCKET": "desk", "ENDPOINT": "s3.example.com"}, "PARLOUR_S3_ENDPOINT"),
        ({"BUCKET": "desk", "KEY": "k"}, "belong together"),
    ],
)
def test_wrong_settings_are_said(values, words, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _: object())
    monkeypatch.setattr(settings, "_s3_patience", lambda: None)
    for name in ("BUCKET", "ENDPOINT", "REGION", "KEY", "SECRET"):
        monkeypatch.setenv(f"PARLOUR_S3_{name}", values.get(name, ""))
    with pytest.raises(ImproperlyConfigured, match=words):
        settings._storage(tmp_path)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "501", "\u0663"])
def test_wrong_sizes_are_said(value, monkeypatch) -> None:
    monkeypatch.setenv("PARLOUR_FILE_MB", value)
    with pytest.raises(ImproperlyConfigured, match="PARLOUR_FILE_MB"):
        settings._megabytes("PARLOUR_FILE_MB", "25")
