"""How long a post is by X's own count: a link is 23, an emoji 2, and a character of most scripts beyond Europe's 2."""

from __future__ import annotations

import importlib.resources
import re
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

POST_LIMIT = 280
LONG_POST_LIMIT = 25_000
MESSAGE_LIMIT = 10_000
LINK = 23

_FORBIDDEN = re.compile("[\ufffe\ufeff\uffff]")
_MENTIONS = re.compile(r"\s*(?:[@＠][A-Za-z0-9_]{1,20}(?:\s+|\Z))+")
_PIECES = re.compile(r"(\s+)")
_LONG_LINK = re.compile(r"(?:https?://)?(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?::\d{1,5})?[/?#][!-~]*")
_PRECISE_PIECE = 200
_PRECISE_WORK = 4_000
_LONGEST_LINK = 4096


def sendable(text: str) -> str:
    """``text`` without the three signs X takes in no post: two that are no characters, and the invisible mark of byte order."""
    return _FORBIDDEN.sub("", text)


def valid(text: str, limit: int = POST_LIMIT) -> bool:
    """Whether X takes ``text`` as a post, by its own rules."""
    return 0 < post_length(text) <= limit and not _FORBIDDEN.search(text)


def post_length(text: str) -> int:
    """Weighted length of an answer. Mentions at its beginning do not count: X takes them for the people it answers.

    The library's search for links takes quadratic time in a word, and starts wherever there is a dot. So links inside words of
    more than 200 characters that are not one link, and links after several thousand characters, are counted in full.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if (leading := _MENTIONS.match(text)) is not None:
        text = text[leading.end() :]
    total, work = 0, 0
    for piece in _PIECES.split(text):
        if "." in piece and len(piece) <= _PRECISE_PIECE and work <= _PRECISE_WORK:
            work += len(piece)
        elif _PRECISE_PIECE < len(piece) <= _LONGEST_LINK and _LONG_LINK.fullmatch(piece):
            total += LINK
            continue
        else:
            piece = piece.replace(".", "x")  # as long as a dot, but never a link
        plain = "." not in piece and piece.isascii()
        total += len(piece) if plain else int(_parser()(piece).weightedLength)
    return total


@cache
def _parser() -> Callable[[str], Any]:
    """The library's counter. It reads its emojis through ``pkg_resources``, which current setuptools no longer have."""
    stand_in = ModuleType("pkg_resources")
    vars(stand_in)["resource_string"] = _resource
    had = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        from twitter_text import parse_tweet
    finally:
        if had is None:
            sys.modules.pop("pkg_resources", None)
        else:
            sys.modules["pkg_resources"] = had
    parse: Callable[[str], Any] = parse_tweet
    return parse


def _resource(module: str, name: str) -> bytes:
    return (importlib.resources.files(module.rpartition(".")[0]) / name).read_bytes()
