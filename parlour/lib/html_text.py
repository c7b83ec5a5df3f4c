"""HTML as strangers write it: made safe to show, or made plain text. Nothing is ever fetched: remote images are left out."""

from __future__ import annotations

import re
from html import escape, unescape
from itertools import islice

import nh3

from parlour.lib import html_cost

LONGEST = 400_000
"""Characters of HTML that are looked at; what comes after them is left out."""
MOST_TAGS = 12_000
MOST_SIGNS = 40_000
"""Ampersands that are looked at, as with tags: each costs as much as a hundred letters."""

_SHOWN = {
    *(
        "a",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ),
    *(
        "hr",
        "i",
        "img",
        "ins",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
    ),
    *("td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
_SHOWN_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "img": {"alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}
_SILENT = {"script", "style", "title", "template", "noscript", "svg", "math", "object", "iframe", "textarea", "select"}
_READ = {
    *(
        "a",
        "blockquote",
        "br",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "td",
    ),
    *("th", "tr", "ul"),
}
_TAG = re.compile(r'(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)')
_HREF = re.compile(r'href="([^"]*)"')
_ALT = re.compile(r'alt="([^"]*)"')
_SPACE = re.compile(r"[ \t\r\n\f\v\u00a0]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"}
_LINES = {"div", "tr", "li"}
RULE = "_" * 32
"""What a horizontal rule becomes: mail programs put one before what they quote."""


def safe(html: str) -> str:
    """``html`` without anything that acts, loads or looks like the page around it: plain elements, links to http(s) and mailto only
    (opened without a referrer), images replaced by what they are called."""
    return nh3.clean(
        _bounded(html),
        tags=_SHOWN,
        clean_content_tags=_SILENT,
        attributes=_SHOWN_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def plain(html: str) -> str:
    """What a reader of ``html`` would see, as text: lines and paragraphs kept, quotations marked with ``>``, links written out."""
    kept = nh3.clean(
        _bounded(html),
        tags=_READ,
        clean_content_tags=_SILENT,
        attributes={"a": {"href"}, "img": {"alt"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return _Writer().write(kept)


def from_plain(text: str) -> str:
    """``text`` as a simple HTML body: a paragraph for each block of lines."""
    blocks = [escape(block, quote=False).strip("\n") for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))]
    return "".join(f"<p>{block.replace(chr(10), '<br>')}</p>" for block in blocks if block.strip())


def _bounded(html: str) -> str:
    html = html[:LONGEST].replace("\x00", "")
    for sign, most in (("<", MOST_TAGS), ("&", MOST_SIGNS)):
        if html.count(sign) > most:
            last = next(islice(re.finditer(sign, html), most, None))
            html = html[: last.start()]
    return html_cost.bounded(html)


class _Writer:
    """Writes sanitised, well-formed HTML as lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = ""
        self._quotes = 0
        self._verbatim = 0
        self._links: list[tuple[str, int]] = []

    def write(self, html: str) -> str:
        for place, piece in enumerate(_TAG.split(html)):
            if place % 2:
                self._element(piece)
            elif self._verbatim:
                first, *others = unescape(piece).split("\n")
                self._line += first
                for line in others:
                    self._end_line()
                    self._line = line
            elif piece:
                words = _SPACE.sub(" ", unescape(piece))
                self._line += words.lstrip(" ") if not self._line or self._line.endswith(" ") else words
        self._new_line()
        return _EMPTY_LINES.sub("\n\n", "\n".join(self._lines)).strip("\n")

    def _element(self, piece: str) -> None:
        closing = piece.startswith("</")
        name = piece.strip("</>").partition(" ")[0]
        if name == "br":
            self._end_line()
        elif name == "hr":
            self._new_line()
            self._line = RULE
            self._new_line()
        elif name == "img":
            found = _ALT.search(piece)
            if found and found[1].strip():
                self._line += f"[{_SPACE.sub(' ', unescape(found[1])).strip()}]"
        elif name == "a":
            self._link(piece, closing)
        elif name in {"td", "th"}:
            self._line += " " if closing and self._line else ""
        elif name == "blockquote":
            self._new_line()
            self._quotes = max(0, self._quotes + (-1 if closing else 1))
        elif name in _APART:
            self._new_line()
            if name == "pre":
                self._verbatim = max(0, self._verbatim + (-1 if closing else 1))
            if self._lines and self._lines[-1].strip("> "):
                self._end_line()
        elif name in _LINES:
            self._new_line()
            if name == "li" and not closing:
                self._line = "- "

    def _link(self, piece: str, closing: bool) -> None:
        if not closing:
            found = _HREF.search(piece)
            self._links.append((unescape(found[1]) if found else "", len(self._line)))
            return
        href, begin = self._links.pop() if self._links else ("", 0)
        bare = href.removeprefix("mailto:").removeprefix("tel:").rstrip("/")
        shown = self._line[begin:] if begin <= len(self._line) else self._line
        if bare and shown.strip() and len(href) <= 300 and bare.partition("://")[2] not in shown and bare not in shown:
            self._line = self._line.rstrip() + f" ({href})"

    def _new_line(self) -> None:
        if self._line.strip():
            self._end_line()
        self._line = ""

    def _end_line(self) -> None:
        line = self._line.rstrip()
        self._lines.append("> " * min(self._quotes, 10) + line if self._quotes else line)
        self._line = ""
