"""Posts as the forum cooks them (HTML) and as they were written (Markdown with BBCode): their words and their files."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from parlour.channels.contract import Attachment
from parlour.lib.text import one_line, storable

LONGEST = 200_000
MOST_FILES = 20
DEEPEST = 100
"""Elements within elements; no post is deeper, and what is only costs time."""
_BLOCKS = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "blockquote", "aside", "table", "tr", "hr"}
)
_SILENT = frozenset({"script", "style", "svg", "template"})
_VOID = frozenset({"img", "br", "hr", "input", "meta", "link", "source", "wbr"})
_UPLOAD = re.compile(
    r"!?\[[^\[\]\n]{0,300}\]\(upload://[^)\s]{1,300}(?:\s+\"[^\"\n]*\")?\)(?: \([\d.,]+ [KMG]?B(?:ytes)?\))?"
)
_QUOTE = re.compile(
    r"\[quote(?:=(?P<who>[^\]\n]{0,280}))?\]\n?(?P<said>(?:(?!\[/?quote).){0,10000})\[/quote\]", re.DOTALL
)
_KINDS = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "avif", "heic"), "image"),
    **dict.fromkeys(("mp4", "mov", "webm", "m4v", "ogv"), "video"),
    **dict.fromkeys(("mp3", "ogg", "m4a", "wav", "flac", "opus"), "audio"),
}


def with_files(html: str) -> bool:
    """Whether a look at a cooked post for files is worth while."""
    return any(mark in html for mark in ("<img", "<video", "<audio", "attachment", "lightbox"))


def written(raw: str) -> str:
    """Markdown as a person reads it: quotes of others with ``>`` before their lines, uploads left to the attachments."""
    text = _UPLOAD.sub("", storable(raw, LONGEST))
    for _ in range(3):  # quotes in quotes, from the inside
        text, found = _QUOTE.subn(_quoted, text)
        if not found:
            break
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _quoted(match: re.Match[str]) -> str:
    who = (match["who"] or "").strip('"').partition(",")[0].strip()
    head = f"{who}:\n" if who else ""
    lines = (head + match["said"].strip()).splitlines()
    return "\n".join(f"> {line}" for line in lines) + "\n\n"


class _Reader(HTMLParser):
    """Collects words and files; whatever is odd in the HTML is text or nothing."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = base
        self.parts: list[str] = []
        self.files: dict[str, Attachment] = {}
        self._open: list[tuple[str, str]] = []
        self._quotes = 0
        self._silent = 0
        self._name: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        marks = told.get("class", "").split()
        if tag not in _VOID and len(self._open) < DEEPEST:
            self._enter(tag, marks)
        if self._silent:
            return
        if tag in _BLOCKS or tag == "br":
            self.parts.append("\n")
        if tag == "li":
            self.parts.append("\n- ")
        if tag == "img":
            self._image(told, marks)
        elif tag in ("video", "audio", "source"):
            self._file(told.get("src", ""), "video" if tag != "audio" else "audio")
        elif tag == "a" and "lightbox" in marks:
            self._file(told.get("href", ""), "image", told.get("title", ""))
        elif tag == "a" and "attachment" in marks:
            self._name = (told.get("href", ""), [])

    def _enter(self, tag: str, marks: list[str]) -> None:
        kind = "silent" if tag in _SILENT or "meta" in marks or ("title" in marks and self._in("quote")) else ""
        if tag == "aside":
            kind = "quote" if "quote" in marks else "onebox" if "onebox" in marks else ""
        elif tag == "blockquote":
            kind = "blockquote"
        self._open.append((tag, kind))
        self._silent += kind == "silent"
        self._quotes += kind == "blockquote"
        if kind == "blockquote":
            self.parts.append("\n\x02")

    def _in(self, kind: str) -> bool:
        return any(one == kind for _, one in self._open)

    def handle_endtag(self, tag: str) -> None:
        if not any(opened == tag for opened, _ in self._open):
            return
        if tag == "a" and self._name is not None:
            href, said = self._name
            self._file(href, "file", "".join(said))
            self._name = None
        while self._open:
            opened, kind = self._open.pop()
            self._silent -= kind == "silent"
            self._quotes -= kind == "blockquote"
            if kind == "blockquote":
                self.parts.append("\x03\n")
            if opened in _BLOCKS and not self._silent:
                self.parts.append("\n")
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._name is not None:
            self._name[1].append(data)
        else:
            self.parts.append(data.replace("\x02", "").replace("\x03", ""))

    def _image(self, told: dict[str, str], marks: list[str]) -> None:
        if "emoji" in marks:
            self.parts.append(told.get("alt", "") or told.get("title", ""))
        elif not {"avatar", "site-icon", "thumbnail", "onebox-avatar"} & set(marks) and not self._in("onebox"):
            inside = any(name == "a" for name, _ in self._open) and self.files
            if not inside:  # a picture in its light box is told by the box
                self._file(told.get("src", ""), "image", told.get("alt", ""))

    def _file(self, href: str, kind: str, name: str = "") -> None:
        url = address(self.base, href)
        if url and len(self.files) < MOST_FILES and not self._quotes:
            known = _KINDS.get(urlsplit(url).path.rpartition(".")[2].lower(), "file")
            found = Attachment(known if kind == "file" else kind, url=url, name=one_line(name, 200))
            self.files.setdefault(url, found)


def address(base: str, href: str) -> str:
    """A whole web address of the forum's own notation, '' when it is none."""
    if not href or len(href) > 1500:
        return ""
    try:
        url = urljoin(base + "/", href)
        fine = urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
    except ValueError:
        return ""
    return url if fine and url.isprintable() else ""


def read(html: str, base: str) -> tuple[str, tuple[Attachment, ...]]:
    """The words and the files of a cooked post."""
    reader = _Reader(base)
    reader.feed(storable(html, LONGEST))
    reader.close()
    return _lines("".join(reader.parts)), tuple(reader.files.values())


def _lines(text: str) -> str:
    depth, lines = 0, []
    for line in text.split("\n"):
        depth += line.count("\x02")
        said = line.replace("\x02", "").replace("\x03", "").strip()
        lines.append(("> " * depth + said) if said else "")
        depth = max(0, depth - line.count("\x03"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
