"""A feed's entries as single events and as Inbounds.

An envelope is ``{"feed": {"title", "url"}, "entries": [...]}``; an entry has ``id``, ``mark`` (of its version), ``seen`` (an earlier version
came in), ``title``, ``html``, ``link``, ``author``, ``author_id``, ``email``, ``published``, ``updated`` (ISO 8601) and ``files``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from parlour.channels.contract import Attachment, Author, Inbound, Kind, Split, ThreadKey
from parlour.lib import clock
from parlour.lib.html_text import plain
from parlour.lib.text import one_line, storable

LONGEST = 20_000
"""Characters of an entry's text."""
MOST_FILES = 10


class EnvelopeError(ValueError):
    """The body is none of ours."""


def short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def realm_of(url: str) -> str:
    """Authors are known within their feed."""
    return f"feed:{short(url)}"


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def split(payload: object) -> list[Split]:
    """The entries of an envelope. Raises EnvelopeError."""
    feed, entries = _envelope(payload)
    return [Split(_key(entry), _id(entry), orjson.dumps({"feed": dict(feed), "entries": [entry]})) for entry in entries]


def inbounds(body: bytes, realm: str, received_at: datetime) -> Iterator[Inbound]:
    """What an arrival says. Raises ValueError when it cannot be read."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError("The body is not JSON.") from error
    feed, entries = _envelope(payload)
    for entry in entries:
        yield _inbound(mapping(entry), feed, realm, received_at)


def _envelope(payload: object) -> tuple[Mapping[str, Any], list[Any]]:
    told = mapping(payload)
    entries = told.get("entries")
    if not isinstance(entries, list) or not isinstance(told.get("feed"), dict):
        raise EnvelopeError("This is no feed: 'feed' and 'entries' are needed.")
    return told["feed"], entries


def _id(entry: object) -> str:
    told = mapping(entry).get("id")
    return short(told) if isinstance(told, str) and told else ""


def _key(entry: object) -> str:
    if not (found := _id(entry)):
        return f"odd:{short(orjson.dumps(entry).decode())}"
    mark = mapping(entry).get("mark")
    return f"entry:{found}:{short(mark)[:16]}" if isinstance(mark, str) and mark else f"entry:{found}"


def _inbound(entry: Mapping[str, Any], feed: Mapping[str, Any], realm: str, received_at: datetime) -> Inbound:
    if not (found := _id(entry)):
        raise ValueError("The entry has no id.")
    title, html = _words(entry.get("title"), "The entry's title"), _words(entry.get("html"), "The entry's text")
    heading, body = one_line(readable(title), 300), readable(html)[:LONGEST]
    text = (
        body if heading and body.startswith(heading.removesuffix("…")) else "\n\n".join(filter(None, (heading, body)))
    )
    name = _line(entry.get("author"), 120) or _line(feed.get("title"), 120) or "Somebody"
    # Whoever is not named is nobody in particular: such entries are not taken for one person's.
    person = _line(entry.get("author_id"), 2000) or _line(entry.get("author"), 120)
    email = _line(entry.get("email"), 254)
    seen = entry.get("seen") is True
    published, updated = _moment(entry.get("published")), _moment(entry.get("updated"))
    at = (updated or published) if seen else (published or updated)
    return Inbound(
        Kind.EDIT if seen else Kind.MESSAGE,
        _key(entry),
        clock.plausible(at, received_at) if at else received_at,
        external_id=found,
        author=Author(
            realm, f"by:{short(person)}" if person else f"entry:{found}", name=name, email=email if "@" in email else ""
        ),
        thread=ThreadKey(found, "public", subject=heading[:200], url=link(entry.get("link"))),
        text=storable(text),
        attachments=_files(entry.get("files")),
        meta={"feed": _line(feed.get("title"), 120)} if feed.get("title") else {},
    )


def readable(words: str) -> str:
    """What a reader would see of text that may hold HTML."""
    return storable(plain(words) if "<" in words or "&" in words else words).strip()


def _words(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text.")
    return value


def _line(value: object, limit: int) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def link(value: object, limit: int = 500) -> str:
    """A web address, or ''."""
    fine = isinstance(value, str) and len(value) <= limit and value.isprintable()
    return str(value) if fine and str(value).startswith(("https://", "http://")) else ""


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        told = datetime.fromisoformat(value)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _files(value: object) -> tuple[Attachment, ...]:
    found = []
    for one in map(mapping, value if isinstance(value, list) else []):
        if not (url := link(one.get("url"), 2000)):
            continue
        mime, size = _line(one.get("mime"), 100).lower(), one.get("size")
        kind = mime.partition("/")[0]
        known = isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**63
        kinds = {"image", "video", "audio"}
        found.append(Attachment(kind if kind in kinds else "file", url, mime=mime, size=size if known else None))
    return tuple(found[:MOST_FILES])
