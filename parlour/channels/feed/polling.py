"""Fetching a feed, and finding what is new in it.

The cursor holds ``etag`` and ``modified`` (to ask only for what has changed) and ``seen``: short id of an entry -> mark of its version.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import feedparser

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll
from parlour.channels.feed import reading
from parlour.channels.feed.reading import mapping, short
from parlour.lib import clock, safe_http
from parlour.lib.text import one_line, storable

MOST = 2 * 1024 * 1024
MOST_ENTRIES = 200
FIRST = 20
"""Entries the first look brings in at most ..."""
FIRST_AGE = timedelta(days=7)
"""... and how old they may be."""
REMEMBERED = 1000
SECONDS = 25.0
_LINK = re.compile(rb"<link\b[^>]{0,500}>", re.IGNORECASE)
_HREF = re.compile(rb"href\s*=\s*[\"']?([^\"'\s>]{1,500})", re.IGNORECASE)


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new or changed, oldest first. Raises ChannelError."""
    url = address(inbox)
    marks = {name: cursor.get(name) for name in ("etag", "modified")}
    try:
        got = _fetched(url, {name: value for name, value in marks.items() if isinstance(value, str) and value})
    except ChannelError as error:
        if error.code == "304":
            return Poll((), cursor)
        raise
    parsed = parse(got.content, got.told, url)
    entries = [found for one in list(parsed.entries)[:MOST_ENTRIES] if (found := entry_of(one))]
    # Feeds begin with the newest; of one second, the last one named is the oldest.
    entries.reverse()
    entries.sort(key=lambda entry: entry["published"] or entry["updated"] or "")
    first = not isinstance(cursor.get("seen"), dict)
    seen: dict[str, Any] = dict(mapping(cursor.get("seen")))
    since = (clock.now() - FIRST_AGE).isoformat()
    fresh = []
    for place, entry in enumerate(entries):
        name, mark = short(entry["id"])[:16], short(entry["mark"])[:8] if entry["mark"] else ""
        before = seen.pop(name, None)
        seen[name] = mark  # at the end: what the feed still shows is forgotten last
        at = entry["published"] or entry["updated"]
        if first and (place < len(entries) - FIRST or (at and at < since)):
            continue
        if before is None or before != mark:
            fresh.append({**entry, "seen": before is not None})
    for name in list(seen)[: max(0, len(seen) - REMEMBERED)]:
        del seen[name]
    title = one_line(storable(str(parsed.feed.get("title") or "")), 120)
    envelope = {"feed": {"title": title, "url": url}, "entries": fresh}
    return Poll(reading.split(envelope), {"etag": got.etag, "modified": got.modified, "seen": seen})


def check(inbox: InboxConfig) -> str:
    """Raises ChannelError."""
    url = address(inbox)
    got = _fetched(url, {})
    parsed = parse(got.content, got.told, url)
    title = one_line(storable(str(parsed.feed.get("title") or "a feed without a title")), 120)
    return f"Connected to {title}: {len(parsed.entries)} entries."


def address(inbox: InboxConfig) -> str:
    if not (url := str(inbox.settings.get("url") or "")):
        raise ChannelError(ErrorKind.INVALID, "The address of the feed is missing.")
    return url


def _fetched(url: str, marks: Mapping[str, str]) -> safe_http.Fetched:
    headers = {"accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"}
    names = {"etag": "if-none-match", "modified": "if-modified-since"}
    headers |= {names[name]: value for name, value in marks.items()}
    try:
        return safe_http.fetch(url, most=MOST, headers=headers, own=True, seconds=SECONDS)
    except safe_http.Refused as error:
        raise ChannelError(ErrorKind.INVALID, f"The feed is not fetched. {error}") from error
    except safe_http.Failed as error:
        status = error.status or 0
        kind = ErrorKind.INVALID if 300 <= status < 500 else ErrorKind.TRANSIENT
        kind = {401: ErrorKind.PERMISSION, 403: ErrorKind.PERMISSION, 408: ErrorKind.TRANSIENT}.get(status, kind)
        wait = None
        if status == 429:
            kind, wait = ErrorKind.RATE_LIMITED, 1800.0
        raise ChannelError(
            kind, f"The feed could not be had. {error}", retry_after=wait, code=str(status or "")
        ) from error


def parse(content: bytes, told: str, url: str) -> Any:
    """The feed as feedparser reads it. Raises ChannelError for what is none."""
    if b"<!ENTITY" in content.replace(b"\x00", b""):
        raise ChannelError(
            ErrorKind.INVALID, "The feed declares entities of its own, which may be a trap; it is not read."
        )
    try:
        headers = {"content-type": told or "application/xml", "content-location": url}
        # A file object: bytes alone would be taken for the name of a file.
        parsed = feedparser.parse(BytesIO(content), response_headers=headers)
    except Exception as error:  # whatever a stranger's file does to the parser is the feed's fault
        raise ChannelError(ErrorKind.INVALID, f"The feed cannot be read ({type(error).__name__}).") from error
    if not parsed.get("version") and not parsed.entries:
        raise ChannelError(ErrorKind.INVALID, _advice(content, url))
    return parsed


def _advice(content: bytes, url: str) -> str:
    """What to do about an address that is no feed: pages often name theirs."""
    for found in _LINK.findall(content[:200_000]):
        if (b"application/rss+xml" in found or b"application/atom+xml" in found) and (href := _HREF.search(found)):
            there = urljoin(url, storable(href[1].decode("utf-8", "replace")))
            return f"This is a web page, not a feed. Its feed is {one_line(there, 300)}."
    return "There is no feed (RSS or Atom) at this address."


def entry_of(told: Any) -> dict[str, Any] | None:
    """An entry in our own shape; None for one without anything to tell it by."""
    link = _text(told.get("link"), 2000)
    contents = [one for one in told.get("content") or () if one.get("value")]
    html = _text(contents[0]["value"] if contents else told.get("summary"), 200_000)
    title = _text(told.get("title"), 2000)
    name = _text(told.get("id"), 2000) or link or short(f"{title}\n{html}") * bool(title or html)
    if not name:
        return None
    detail = told.get("author_detail") or {}
    # feedparser gives the time of publication for a missing time of change; that is no change.
    changed = told["updated_parsed"] if dict.__contains__(told, "updated_parsed") else None
    published, updated = _iso(told.get("published_parsed")), _iso(changed)
    return {
        "id": name,
        "mark": updated if updated and updated != published else "",
        "title": title,
        "html": html,
        "link": link,
        "author": _text(detail.get("name") or told.get("author"), 200),
        "author_id": _text(detail.get("href") or detail.get("email"), 500),
        "email": _text(detail.get("email"), 254),
        "published": published,
        "updated": updated,
        "files": [
            {"url": _text(one.get("href"), 2000), "mime": _text(one.get("type"), 100), "size": _size(one.get("length"))}
            for one in told.get("enclosures") or ()
        ][: reading.MOST_FILES],
    }


def _text(value: object, limit: int) -> str:
    return storable(value, limit) if isinstance(value, str) else ""


def _size(value: object) -> int | None:
    fine = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16
    return int(str(value)) if fine else None


def _iso(parsed: Any) -> str:
    """feedparser's time, in UTC; '' for none."""
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC).isoformat() if parsed else ""
    except (ValueError, OverflowError, TypeError, OSError):
        return ""
