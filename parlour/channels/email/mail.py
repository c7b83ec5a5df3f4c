"""A raw mail taken apart: its headers, its text, its HTML and its files. Archives and nested mails are files, and never opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import Policy
from typing import Any

from parlour.channels.email.headers import BOUNDED, Headers, decoded, first, headers_of, words
from parlour.lib import html_text
from parlour.lib.text import storable

DEEPEST = 30
MOST_PARTS = 300
MOST_FOUND = 3000
"""A mail of more parts is not taken apart."""
MOST_MULTIPARTS = 200
MOST_AROUND = 10
"""Multiparts within so many others are text: every line of a mail is compared with every boundary around it."""
MOST_FILES = 50
LONGEST_TEXT = 90_000
MOST_TEXT = 2 * html_text.LONGEST
"""Characters of text and HTML in all parts together."""
_WAYS = {"image": "image", "video": "video", "audio": "audio"}
_FLOWED_SIGNATURE = "-- "
_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")


@dataclass(frozen=True, slots=True)
class File:
    name: str
    mime: str
    content: bytes

    @property
    def kind(self) -> str:
        return _WAYS.get(self.mime.partition("/")[0], "file")


@dataclass(frozen=True, slots=True)
class Mail:
    headers: Headers
    text: str
    """What it says, quotations and signature among it; made from the HTML where there is no text."""
    html: str
    """As it came, or ''."""
    files: tuple[File, ...]
    report: str
    """For multipart/report: its report-type in lower case."""
    told: tuple[Headers, ...] = ()
    """The groups of fields of a report (delivery-status, disposition-notification)."""
    original: Headers | None = None
    """The headers of the mail that a report or bounce is about, where it encloses them."""
    broken: bool = False
    """It could not be taken apart, and its body is shown as it is."""


@dataclass(slots=True)
class _Body:
    text: str = ""
    html: str = ""


class _TooManyParts(ValueError):
    pass


class _Found:
    """Makes the parts of one mail, and counts them."""

    def __init__(self) -> None:
        self.parts = 0
        self.multiparts = 0

    def __call__(self, policy: Policy = BOUNDED) -> Message:
        self.parts += 1
        if self.parts > MOST_FOUND:
            raise _TooManyParts
        return _Part(policy, self)


class _Part(Message):
    def __init__(self, policy: Policy, found: _Found) -> None:
        super().__init__(policy)
        self._found = found
        self._divided: bool | None = None
        self._around = 0

    def attach(self, payload: Any) -> None:
        if isinstance(payload, _Part):
            payload._around = self._around + (self._divided is True)
        super().attach(payload)

    def get_boundary(self, failobj: Any = None) -> Any:
        if self._divided is None:
            self._found.multiparts += 1
            self._divided = self._found.multiparts <= MOST_MULTIPARTS and self._around < MOST_AROUND
        return super().get_boundary(failobj) if self._divided else failobj


def head(raw: bytes) -> Headers:
    """The headers alone. Cheap: the body is not looked at."""
    begin = raw[:262_144]
    end = _HEADER_END.search(begin)
    return headers_of(BytesHeaderParser(policy=BOUNDED).parsebytes(begin[: end.start()] if end else begin))


def read(raw: bytes) -> Mail:
    """Take ``raw`` apart. Whatever it holds: a mail that defeats the parser keeps its headers, and its body as text."""
    try:
        message = BytesParser(_Found(), policy=BOUNDED).parsebytes(raw)
        reader = _Reader()
        body = reader.body(message, 0)
        headers = headers_of(message)
    except (
        Exception
    ):  # endless nesting, or a fault of the standard library: nothing a customer writes may be lost for it
        end = _HEADER_END.search(raw[:262_144])
        rest = raw[end.end() :] if end else b""
        return Mail(head(raw), storable(decoded(rest[:LONGEST_TEXT], "utf-8"), LONGEST_TEXT), "", (), "", broken=True)
    text = body.text if body.text.strip() else html_text.plain(body.html) if body.html else ""
    report = ""
    if message.get_content_type() == "multipart/report":
        report = _parameter(message, "report-type").lower() or "unknown"
    return Mail(
        headers,
        storable(text, LONGEST_TEXT),
        body.html,
        tuple(reader.files),
        report,
        tuple(reader.told),
        reader.original,
    )


class _Reader:
    def __init__(self) -> None:
        self.files: list[File] = []
        self.told: list[Headers] = []
        self.original: Headers | None = None
        self.parts = 0
        self.left = MOST_TEXT

    def body(self, part: Message, depth: int) -> _Body:
        self.parts += 1
        if depth > DEEPEST or self.parts > MOST_PARTS:
            return _Body()
        kind = part.get_content_type()
        inner = part.get_payload()
        if kind.startswith("multipart/") and isinstance(inner, list):
            bodies = [self.body(one, depth + 1) for one in inner if isinstance(one, Message)]
            return _alternative(bodies) if kind == "multipart/alternative" else _mixed(bodies)
        if kind in ("message/delivery-status", "message/disposition-notification", "message/feedback-report"):
            self._report(part)
            return _Body()
        if kind in ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers"):
            return self._enclosed(part, kind)
        name = _file_name(part)
        disposition = _first_word(first(headers_of(part), "content-disposition"))
        if kind in ("text/plain", "text/html") and disposition != "attachment" and not (name and depth):
            text = decoded(_payload(part), _parameter(part, "charset"))[: min(html_text.LONGEST, self.left)]
            self.left -= len(text)
            text = text.replace("\r\n", "\n")
            if kind == "text/html":
                return _Body(html=text)
            if _parameter(part, "format").lower() == "flowed":
                text = unflowed(text, delsp=_parameter(part, "delsp").lower() == "yes")
            return _Body(text=text)
        if kind.startswith("multipart/"):
            # A multipart without parts has no boundary that was found: what it holds is text for all anybody knows.
            return _Body(text=decoded(_payload(part), "utf-8")[:LONGEST_TEXT])
        self._keep(name, kind, _payload(part))
        return _Body()

    def _keep(self, name: str, kind: str, content: bytes) -> None:
        if len(self.files) < MOST_FILES and (content or name):
            self.files.append(File(name or _made_up(kind, len(self.files) + 1), kind[:100], content))

    def _report(self, part: Message) -> None:
        inner = part.get_payload()
        if isinstance(inner, list):
            for block in inner:
                if isinstance(block, Message):
                    self.told.append(headers_of(block))
                    rest = block.get_payload()
                    if isinstance(rest, str) and ":" in rest:
                        self.told.append(head(rest.encode("utf-8", "surrogateescape")))
        else:
            blocks = re.split(rb"\r?\n\r?\n", _payload(part), maxsplit=MOST_PARTS)[:MOST_PARTS]
            self.told += [head(block) for block in blocks if b":" in block]

    def _enclosed(self, part: Message, kind: str) -> _Body:
        """A mail within this one: a file, and for reports the headers of what they are about."""
        inner = part.get_payload()
        nested = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else None
        content = b""
        if nested is not None:
            try:
                content = nested.as_bytes()
            except Exception:  # headers that cannot be written again
                content = str(nested.get_payload()).encode("utf-8", "replace")
        else:
            content = _payload(part)
        if self.original is None:
            self.original = headers_of(nested) if nested is not None else head(content.lstrip())
        if kind.endswith("headers"):
            return _Body()
        subject = words(first(self.original, "subject"), 80).replace("/", "-")
        self._keep(_file_name(part) or f"{subject or 'mail'}.eml", "message/rfc822", content)
        return _Body()


def _alternative(bodies: list[_Body]) -> _Body:
    texts = [body.text for body in bodies if body.text.strip()]
    htmls = [body.html for body in bodies if body.html.strip()]
    return _Body(texts[0] if texts else "", htmls[-1] if htmls else "")


def _mixed(bodies: list[_Body]) -> _Body:
    said = [body for body in bodies if body.text.strip() or body.html.strip()]
    if len(said) == 1:
        return said[0]
    text = "\n\n".join(body.text if body.text.strip() else html_text.plain(body.html) for body in said)
    html = ""
    if any(body.html for body in said):
        html = "<hr>".join(body.html or html_text.from_plain(body.text) for body in said)
    return _Body(text, html)


def unflowed(text: str, *, delsp: bool) -> str:
    """Lines that were broken softly (RFC 3676) made whole; quotations keep their depth."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        said = line[depth:].removeprefix(" ")
        soft = said.endswith(" ") and said != _FLOWED_SIGNATURE
        kept = said[:-1] if soft and delsp else said
        if open_depth == depth and said != _FLOWED_SIGNATURE:
            lines[-1].append(kept)
        else:
            lines.append([">" * depth + (" " if depth else "") + kept])
        open_depth = depth if soft else -1
    return "\n".join(map("".join, lines))


def _payload(part: Message) -> bytes:
    try:
        found = part.get_payload(decode=True)
    except Exception:  # a transfer encoding that is none of those it claims
        found = None
    if isinstance(found, bytes):
        return found
    inner = part.get_payload()
    return inner.encode("utf-8", "surrogateescape") if isinstance(inner, str) else b""


def _parameter(part: Message, name: str, header: str = "content-type") -> str:
    try:
        found = part.get_param(name, "", header)
    except Exception:  # parameters that break the standard library's reading of them
        return ""
    if isinstance(found, tuple):
        charset, _, raw = found
        return decoded(raw.encode("latin-1", "replace"), charset or "utf-8")
    return str(found or "")


def _file_name(part: Message) -> str:
    """The file's name, however it was encoded; without any folder."""
    found = _parameter(part, "filename", "content-disposition") or _parameter(part, "name")
    if not found.isascii():
        found = decoded(found.encode("utf-8", "surrogateescape"), "utf-8")
    return words(found, 200).replace("\\", "/").rpartition("/")[2].strip()


def _first_word(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _made_up(kind: str, number: int) -> str:
    endings = {"text/calendar": "ics", "application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
    endings |= {"image/gif": "gif", "application/ms-tnef": "dat", "application/pgp-encrypted": "asc"}
    return f"file-{number}.{endings.get(kind, 'bin')}"
