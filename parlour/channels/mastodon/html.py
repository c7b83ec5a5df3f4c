"""A status's HTML as the text its author meant."""

from __future__ import annotations

import re
from html import unescape

from parlour.channels.social import words

_TOKEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_HREF = re.compile(r"href=(?:\"([^\"]*)\"|'([^']*)')", re.I)
_NOT_SHOWN = re.compile(r"<p\b[^<>]*quote-inline[^<>]*>.*?</p>|<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
_BLANKS = re.compile(r"\n{3,}")
_ENDS = {"p": "\n\n", "li": "\n", "blockquote": "\n", "pre": "\n", "h1": "\n\n", "ul": "\n", "ol": "\n", "div": "\n"}
_LONGEST = 400_000


def text_of(content: str) -> str:
    """``content`` without its tags: paragraphs by empty lines, links as their addresses, mentions and hashtags as written.

    A link that shows other words than where it leads is followed by where it leads. What comes out is plain text, whatever came in.
    """
    content = content[:_LONGEST]
    if "<" not in content:
        return words(unescape(content)).strip()
    if "quote-inline" in content or "<!--" in content or "script" in content or "style" in content:
        content = _NOT_SHOWN.sub("", content)
    parts: list[str] = []
    at, href, begun = 0, "", 0
    for tag in _TOKEN.finditer(content):
        if tag.start() > at:
            parts.append(unescape(content[at : tag.start()]))
        at = tag.end()
        closing, name = tag[1], tag[2].lower()
        if name == "br":
            parts.append("\n")
        elif name == "a" and not closing:
            found = _HREF.search(tag[3])
            # The names of a link's classes may be anything; what it shows tells whether it is a mention or a hashtag.
            href, begun = unescape(found[1] or found[2] or "") if found else "", len(parts)
        elif name == "a" and href:
            shown = "".join(parts[begun:]).strip()
            if not _tells(shown, href):
                parts.append(f" ({href})" if shown else href)
            href = ""
        elif closing:
            parts.append(_ENDS.get(name, ""))
    parts.append(unescape(content[at:]))
    return words(_BLANKS.sub("\n\n", "".join(parts))).strip()


def _tells(shown: str, href: str) -> bool:
    """Whether the words of a link say where it leads: the address itself, with or without its scheme, or a name of the network."""
    if shown.startswith(("@", "#")) and " " not in shown:
        return True
    if not href.startswith(("http://", "https://")):
        return bool(shown)
    return shown.removesuffix("/") in (href.removesuffix("/"), href.partition("://")[2].removesuffix("/"))
