"""Text as it may be stored and shown: what platforms send is not always what a database accepts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARK}{{4}}){_MARK}+")
"""More marks on one letter than any language writes: no line can be broken among them, and they stand over the lines around."""


def storable(value: str, limit: int = 100_000) -> str:
    """``value`` without NUL and lone surrogates (each becomes U+FFFD), at most ``limit`` characters long."""
    return _UNSTORABLE.sub("\ufffd", value[:limit])


def one_line(value: str, limit: int) -> str:
    """``value`` on one line for names and snippets: no direction overrides, no stacks of marks, spaces folded, cut with an ellipsis."""
    plain = storable(value, limit * 4 + 200)
    if not plain.isascii():
        plain = _STACKED.sub(r"\1", _BIDI.sub("", plain))
    folded = " ".join(plain.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def storable_json(value: Any) -> Any:
    """``value`` (JSON-ready) without what a database's JSON column refuses: NUL and lone surrogates in texts, endless numbers."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key), 200): storable_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def json_bytes(value: object) -> bytes:
    """``value``, as it came from a platform, as JSON. Lone surrogates become U+FFFD, numbers too long for JSON text, and deep nesting
    null."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_encodable(value, 0))


def _encodable(value: object, depth: int) -> object:
    if isinstance(value, str):
        return storable(value, len(value))
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value) if abs(value) < 10**60 else None
    if isinstance(value, dict | list):
        if depth > 60:
            return None
        if isinstance(value, list):
            return [_encodable(one, depth + 1) for one in value]
        return {storable(str(key), 1000): _encodable(one, depth + 1) for key, one in value.items()}
    return value
