"""What HTML would cost a parser that mends it as browsers do, which is quadratic in how deep elements nest, and worse in formatting that
is opened and never closed. Documents beyond the bounds, which no letter needs, are made flat first: their words and lines stay."""

from __future__ import annotations

import re

DEEPEST = 250
"""Elements open at once."""
MOST_OPEN_FORMATS = 30
"""Different formatting elements (``<b>``, ``<font color=…>``) open at once: each later paragraph opens them all again."""
MOST_UNSURE = 1_500
"""Elements that may nest, where it cannot be told which of them are closed."""
MOST_ATTRIBUTES = 200

_COMMENT = "<!--"
_HIDDEN = re.compile(r"<(style|script|title|textarea|iframe)(?=[\s/>])", re.IGNORECASE)
_PIECE = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*)([^<>]*)(>?)")
_VALUE = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_GAP = re.compile(r"[\s/]+")
_TAG = re.compile(r"</?+([a-zA-Z][^\s/<>]*+)?+[^<>]*+>")
_STRAY = re.compile(r"<(?!br>)")
# Their ends may be left out: they close each other.
_CLOSING = frozenset(
    {"p", "li", "td", "th", "tr", "dt", "dd", "tbody", "thead", "tfoot", "option", "html", "head", "body"}
)
_EMPTY = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr", "source", "embed"})
_FORMATS = frozenset(
    {
        *("a", "b", "big", "code", "em", "font", "i"),
        *("nobr", "s", "small", "strike", "strong", "tt", "u"),
    }
)
# Inside of these, ends of what is outside count for nothing.
_ODD = frozenset(
    {
        *("select", "svg", "math", "template", "button", "object", "marquee"),
        *("applet", "frameset", "plaintext", "noscript", "xmp", "noembed", "noframes"),
    }
)
_LINES = frozenset(
    {
        *("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4"),
        *("h5", "h6", "hr", "table", "ul", "ol", "blockquote", "pre", "dt", "dd"),
    }
)


def bounded(html: str) -> str:
    """``html``, or where it would cost too much, its words with a ``<br>`` for each line. Linear in its length."""
    html = _seen(html)
    return html if _fits(html) else _flat(html)


def _seen(html: str) -> str:
    """Without comments, styles and scripts, whose words nobody sees; what is never closed is left out to the end."""
    kept: list[str] = []
    place = 0
    while (start := html.find(_COMMENT, place)) >= 0:
        kept.append(html[place:start])
        # "<!-->" and "<!--->" are whole comments.
        end = html.find("-->", start + 2)
        if end < 0:
            return _without_hidden("".join(kept))
        place = end + 3
    return _without_hidden("".join([*kept, html[place:]]))


def _without_hidden(html: str) -> str:
    kept: list[str] = []
    place = 0
    lower = html.lower()
    if len(lower) != len(html):
        # A letter whose small form is two: places would not fit.
        lower = html
    while (found := _HIDDEN.search(html, place)) is not None:
        kept.append(html[place : found.start()])
        end = lower.find(f"</{found[1].lower()}", found.end())
        if end < 0:
            return "".join(kept)
        close = html.find(">", end)
        place = len(html) if close < 0 else close + 1
    return "".join([*kept, html[place:]])


def _fits(html: str) -> bool:
    """Whether a parser has a bounded number of steps to do for each tag."""
    sure = True
    starts = 0
    open_elements: list[str] = []
    formats: list[tuple[str, str]] = []
    deepest = 0
    for piece in _PIECE.finditer(html):
        closing, name, rest, ended = piece[1], piece[2].lower(), piece[3], piece[4]
        # "<" within a tag: what follows may be a value's text, and not the tags it looks like.
        sure = sure and bool(ended) and name not in _ODD
        if len(rest) > 2 * MOST_ATTRIBUTES and len(_GAP.findall(_VALUE.sub("", rest))) > MOST_ATTRIBUTES:
            return False
        if closing:
            _close(open_elements, name)
            _unformat(formats, name)
            continue
        if name in _CLOSING or name in _EMPTY:
            continue
        starts += 1
        open_elements.append(name)
        deepest = max(deepest, len(open_elements))
        if name in _FORMATS:
            formats.append((name, rest))
        if deepest > DEEPEST or _too_many(formats) or (not sure and starts > MOST_UNSURE):
            return False
    return True


def _close(open_elements: list[str], name: str) -> None:
    """An end closes the nearest element of its name, and what is open within; never one outside of a table it stands in."""
    for place in range(len(open_elements) - 1, -1, -1):
        if open_elements[place] == name:
            del open_elements[place:]
            return
        if open_elements[place] == "table":
            return


def _unformat(formats: list[tuple[str, str]], name: str) -> None:
    for place in range(len(formats) - 1, -1, -1):
        if formats[place][0] == name:
            del formats[place]
            return


def _too_many(formats: list[tuple[str, str]]) -> bool:
    """Of the same ones, with the same attributes, three count at most, as parsers have it."""
    if len(formats) <= MOST_OPEN_FORMATS:
        return False
    if formats[-1] in formats[:-1]:
        if formats.count(formats[-1]) > 3:
            formats.remove(formats[-1])
        return len(set(formats)) > MOST_OPEN_FORMATS
    return len(set(formats)) > MOST_OPEN_FORMATS


def _flat(html: str) -> str:
    def shown(tag: re.Match[str]) -> str:
        return "<br>" if (tag[1] or "").lower() in _LINES and not tag[0].startswith("</") else ""

    return _STRAY.sub("&lt;", _TAG.sub(shown, html))
