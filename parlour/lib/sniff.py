"""What a file is, by its bytes. What somebody says it is counts only where the bytes leave it open, and never makes it more than a download."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass

UNKNOWN = "application/octet-stream"
INLINE = {
    "image/png": "image",
    "image/jpeg": "image",
    "image/gif": "image",
    "image/webp": "image",
    "image/avif": "image",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/aac": "audio",
    "audio/ogg": "audio",
    "audio/wav": "audio",
    "audio/flac": "audio",
    "video/mp4": "video",
    "video/webm": "video",
    "video/ogg": "video",
    "application/pdf": "pdf",
}
"""Types a browser may show by itself, since none of them can run script in our pages, and how each is shown."""

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/amr": "amr",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/3gpp": "3gp",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "text/plain": "txt",
}

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
)
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_INSIDE = {
    "application/zip": re.compile(
        r"application/(vnd\.openxmlformats-officedocument\.[a-z.]{1,60}|vnd\.oasis\.opendocument\.[a-z.-]{1,40}|epub\+zip)"
    ),
    "application/x-ole-storage": re.compile(r"application/(msword|vnd\.ms-(excel|powerpoint|outlook))"),
    "text/plain": re.compile(r"text/(csv|calendar|vcard)|application/json"),
}
"""Types whose bytes say only what they are packed in: then one of these may be believed."""
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|svg|img|a\s|div|style|meta|\?xml|!--)", re.IGNORECASE
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def mime_of(content: bytes, told: str = "") -> str:
    """The type of a file by its first bytes; ``application/octet-stream`` for what nothing is known of."""
    head = content[:4096]
    found = _binary(head) or _text(head)
    mime = told.partition(";")[0].strip().lower()
    pattern = _INSIDE.get(found)
    return mime if pattern is not None and pattern.fullmatch(mime) else found


def is_program(content: bytes) -> bool:
    """Whether it is something a computer runs by itself."""
    return content.startswith(_PROGRAMS)


def _binary(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return _BRANDS.get(brand, "video/3gpp" if brand.startswith(b"3g") else "video/mp4")
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], UNKNOWN)
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:4] == b"OggS":
        return "video/ogg" if b"\x80theora" in head[:256] else "audio/ogg"
    if is_program(head):
        return UNKNOWN
    for beginning, mime in _BEGINNINGS:
        if head.startswith(beginning):
            return mime
    return _sound(head)


def _sound(head: bytes) -> str:
    """MPEG audio without a tag: a frame's header, checked field by field."""
    if len(head) < 4 or head[0] != 0xFF:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer, bitrate, rate = head[1] & 0x06, head[2] >> 4, head[2] >> 2 & 0x03
    sound = head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08 and layer == 0x02 and bitrate not in (0, 15) and rate != 3
    return "audio/mpeg" if sound else ""


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.replace(b"\x00", b"")
    elif _CONTROL.search(head) or (len(_HIGH.sub(b"", head)) < len(head) * 0.6 and not _is_utf8(head)):
        return UNKNOWN
    if _MARKUP.search(head):
        return "image/svg+xml" if re.search(rb"<svg[\s>]", head, re.IGNORECASE) else "text/html"
    return "text/plain" if head.strip() else UNKNOWN


def _is_utf8(head: bytes) -> bool:
    try:
        # The last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


def size_of(content: bytes, mime: str) -> Size | None:
    """How large an image says it is; None when it does not say so in the way of its type."""
    try:
        size = _SIZES[mime](content) if mime in _SIZES else None
    except (struct.error, IndexError):
        return None
    return size if size is not None and size.width > 0 and size.height > 0 else None


def _png(content: bytes) -> Size:
    return Size(*struct.unpack_from(">II", content, 16))


def _gif(content: bytes) -> Size:
    return Size(*struct.unpack_from("<HH", content, 6))


def _jpeg(content: bytes) -> Size | None:
    at = 2
    # Segments before the frame: a hundred are more than any camera writes.
    for _ in range(100):
        while content[at] == 0xFF and content[at + 1] == 0xFF:
            at += 1
        marker, length = content[at + 1], struct.unpack_from(">H", content, at + 2)[0]
        if content[at] != 0xFF:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 5)
            return Size(width, height)
        at += 2 + length
    return None


def _webp(content: bytes) -> Size | None:
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        return Size(int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1)
    return None


def _avif(content: bytes) -> Size | None:
    at = content[:65536].find(b"ispe")
    return Size(*struct.unpack_from(">II", content, at + 8)) if at >= 0 else None


_SIZES = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp, "image/avif": _avif}
