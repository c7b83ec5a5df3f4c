"""Links, mentions and hashtags in what is sent: Bluesky finds none by itself, and counts their places in bytes of UTF-8."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_URL = re.compile(r"(?<![\w@])https?://[^\s<>\"]+", re.I)
_HANDLE = re.compile(
    r"(?<![\w/@.])@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)", re.I
)
_TAG = re.compile(r"(?<![\w#&/])#([^\W\d_]\w{0,63})")
_MOST = 20


def facets(text: str, did_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """The facets of ``text``, in order. ``did_of`` gives the DID of a handle, '' where there is none."""
    found = sorted([*_links(text), *_mentions(text, did_of), *_tags(text)], key=lambda one: one[0])
    made, end = [], 0
    for start, stop, feature in found[:_MOST]:
        if start >= end:
            place = {"byteStart": _bytes(text, start), "byteEnd": _bytes(text, stop)}
            made.append({"index": place, "features": [feature]})
            end = stop
    return made


def _bytes(text: str, at: int) -> int:
    return len(text[:at].encode())


def _links(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for match in _URL.finditer(text):
        url = match[0].rstrip(".,;:!?'\"»”’")
        if url.endswith(")") and "(" not in url:
            url = url.rstrip(")")
        yield match.start(), match.start() + len(url), {"$type": "app.bsky.richtext.facet#link", "uri": url}


def _mentions(text: str, did_of: Callable[[str], str]) -> Iterator[tuple[int, int, dict[str, str]]]:
    for match in _HANDLE.finditer(text):
        if did := did_of(match[1]):
            yield match.start(), match.end(), {"$type": "app.bsky.richtext.facet#mention", "did": did}


def _tags(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for match in _TAG.finditer(text):
        yield match.start(), match.end(), {"$type": "app.bsky.richtext.facet#tag", "tag": match[1]}
