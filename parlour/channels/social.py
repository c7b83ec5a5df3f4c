"""What the polled networks (Mastodon, Bluesky, Reddit) share: careful reading, requests, sessions in memory, pages back to what was seen."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import httpx
import orjson
import regex

from parlour.channels.contract import ChannelError, ErrorKind, Split
from parlour.lib import clock, http
from parlour.lib.text import one_line, storable

T = TypeVar("T")

LONGEST_REST = 86_400.0


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def words(value: object, limit: int = 100_000) -> str:
    """``value`` as text that may be stored; '' when it is none."""
    return storable(value, limit) if isinstance(value, str) else ""


def line(value: object, limit: int) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def link(value: object, limit: int = 2000) -> str:
    """A web address, or '' when it is none or too long to keep whole."""
    if not isinstance(value, str) or len(value) > limit or not value.startswith(("https://", "http://")):
        return ""
    return value if value.isprintable() else ""


def count(value: object) -> int | None:
    """A number of people; None when it is no such number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def needed(value: object, name: str, shape: re.Pattern[str]) -> str:
    """The id in ``value``. Raises ValueError naming the field."""
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError(f"{name} is missing or is no id.")
    return value


def moment(value: object, received_at: datetime) -> datetime:
    """When something happened, from ISO 8601 or epoch seconds; the time of receipt where the value says nothing or is absurd."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return clock.platform_time(float(value), received_at) if abs(value) < 1e12 else received_at
    if not isinstance(value, str) or len(value) > 40:
        return received_at
    try:
        told = datetime.fromisoformat(value)
        return clock.plausible((told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC), received_at)
    except (ValueError, OverflowError):
        return received_at


def epoch(value: object) -> float:
    """Seconds since 1970 of an ISO 8601 text or a number; 0 for anything else."""
    found = moment(value, _NEVER)
    return 0.0 if found is _NEVER else found.timestamp()


_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


def decode(body: bytes) -> Mapping[str, Any]:
    """The JSON object in ``body``. Raises ValueError."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError("The body is not JSON.") from error
    if not isinstance(payload, dict):
        raise ValueError("The body is no JSON object.")
    return payload


def hashed(key: str) -> str:
    """``key`` as a dedup key: itself where it can be one, else a hash of it."""
    if 0 < len(key) <= 200 and key.isprintable():
        return key
    return "hash:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def saved(value: object, limit: int = 20) -> list[str]:
    """The entries of a setting that holds several, split at commas and line ends, each once."""
    entries = [one.strip() for one in re.split(r"[,\n]", value)] if isinstance(value, str) else []
    return list(dict.fromkeys(filter(None, entries)))[:limit]


def graphemes(text: str) -> int:
    """How many characters a reader sees."""
    return len(text) if text.isascii() and "\r" not in text else len(regex.findall(r"\X", text))


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform answered. ``body`` is None where the answer was no JSON; header names are lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300


def ask(label: str, method: str, url: str, *, once: bool = False, **more: Any) -> Told:
    """One request; any HTTP status is an answer. ``once``: doing it twice would show, so that doubt is UNKNOWN_OUTCOME."""
    try:
        response = http.request(method, url, **more)
    except http.NoAnswer as error:
        kind = ErrorKind.UNKNOWN_OUTCOME if once and error.sent else ErrorKind.TRANSIENT
        raise ChannelError(kind, f"{label} did not answer. {error}") from error
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    return Told(response.status_code, body, {name.lower(): value for name, value in response.headers.items()})


def rest(headers: Mapping[str, str], reset: str) -> float:
    """Seconds until a limit is lifted: ``Retry-After``, else the header ``reset`` (ISO time, epoch or seconds), else a minute."""
    for value in (headers.get("retry-after", ""), headers.get(reset, "")):
        try:
            seconds = float(value)
        except ValueError:
            seconds = epoch(value)
        if seconds > 1_000_000_000:
            seconds -= clock.now().timestamp()
        if 0 < seconds < 10 * LONGEST_REST:
            return min(max(1.0, seconds), LONGEST_REST)
    return 60.0


class Sessions(Generic[T]):
    """Sign-ins kept in this process's memory, by what they were signed in with; wrong credentials are not tried again for a while."""

    WRONG_SECONDS = 120.0

    def __init__(self) -> None:
        self._kept: dict[str, tuple[T, float]] = {}
        self._wrong: dict[str, tuple[ChannelError, float]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._all = threading.Lock()

    def of(self, key: str, sign_in: Callable[[], tuple[T, float]]) -> T:
        """The session of ``key``; ``sign_in`` makes one with the seconds it lasts. Raises its ChannelError."""
        with self._all:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            now = time.monotonic()
            kept = self._kept.get(key)
            if kept is not None and kept[1] > now:
                return kept[0]
            wrong = self._wrong.get(key)
            if wrong is not None and wrong[1] > now:
                raise ChannelError(wrong[0].kind, wrong[0].words, code=wrong[0].code)
            try:
                made, seconds = sign_in()
            except ChannelError as error:
                if error.permanent:
                    self._wrong[key] = (error, now + self.WRONG_SECONDS)
                raise
            self._kept[key] = (made, now + seconds)
            return made

    def keep(self, key: str, session: T, seconds: float) -> None:
        self._kept[key] = (session, time.monotonic() + seconds)
        self._wrong.pop(key, None)

    def drop(self, key: str, session: T) -> None:
        """``session`` is not taken any more; another one that was made meanwhile stays."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] == session:
            self._kept.pop(key, None)


def fingerprint(*parts: object) -> str:
    """A name for credentials that does not tell them."""
    return hashlib.sha256(b"\x00".join(str(part).encode("utf-8", "surrogatepass") for part in parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest first: each event with the epoch seconds it has in the list, and the mark of the next page."""

    items: list[tuple[float, Split]]
    following: str = ""


Place = dict[str, Any]
"""How far a list was read: ``since`` (epoch seconds of the newest), ``seen`` (keys near it); within a gap also ``token`` and ``top``."""
OVERLAP_SECONDS = 120.0
"""Lists are not strictly in order of time: what is a little older than the newest is looked at again."""
MOST_SEEN = 300
FIRST_DAYS = 7
"""An inbox that is new begins with what was said in the days before."""


def newest_back(
    fetch: Callable[[str], Page], place: Place, *, pages: int = 5, from_now: bool = False, oldest: float = 0.0
) -> tuple[list[Split], bool]:
    """Pages from the newest back to what was seen, oldest event first, and whether the rest of a gap is still to come.

    ``place`` is changed. The first time only the first page is taken, of it what is not older than ``oldest`` (epoch seconds), and
    nothing with ``from_now``. A page that cannot be had
    ends the walk: what came before it is handed over, and the walk goes on there next time. Raises ChannelError when nothing came.
    """
    since, seen = _seconds(place.get("since")), [one for one in sequence(place.get("seen")) if isinstance(one, str)]
    token = place.get("token") if isinstance(place.get("token"), str) else ""
    top, first_ever = max(since, _seconds(place.get("top"))), "since" not in place
    found: list[list[tuple[float, Split]]] = []
    finished = False
    for _ in range(pages):
        try:
            page = fetch(token or "")
        except ChannelError as error:
            if token and error.kind is ErrorKind.INVALID:
                # The page mark has expired. Starting over costs repetitions, which the keys catch.
                token = ""
                continue
            if found:
                break
            raise
        begin = oldest if first_ever else since - OVERLAP_SECONDS
        fresh = [item for item in page.items if item[0] >= begin and item[1].key not in seen]
        top = max([top, *(at for at, _ in page.items)])
        found.append(fresh)
        beyond = any(at < since - OVERLAP_SECONDS for at, _ in page.items)
        following = "" if page.following == token else page.following
        token = following
        if first_ever or beyond or not page.items or not following:
            finished = True
            break
    events = [item for page in reversed(found) for item in reversed(page)]
    keys = seen + [event.key for at, event in events if at >= top - 2 * OVERLAP_SECONDS]
    place["seen"] = list(dict.fromkeys(keys))[-MOST_SEEN:]
    if finished:
        place.pop("token", None)
        place.pop("top", None)
        place["since"] = top
    else:
        place["token"], place["top"] = token, top
        place.setdefault("since", 0.0)
    if first_ever and from_now:
        return [], False
    return [event for _, event in events], not finished


def lately() -> float:
    """From when on (epoch seconds) an inbox that is new takes in what was said before."""
    return clock.now().timestamp() - FIRST_DAYS * 86_400.0


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


_streams: httpx.Client | None = None


def _stream_client() -> httpx.Client:
    """Streams stay open: they must not use up the connections that requests need."""
    global _streams
    if _streams is None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        headers = {"user-agent": "Parlour/0.1"}
        _streams = httpx.Client(follow_redirects=False, limits=limits, headers=headers, trust_env=False)
    return _streams


def event_stream(label: str, url: str, headers: Mapping[str, str], seconds: float, telling: frozenset[str]) -> bool:
    """Read a stream of server-sent events until one of ``telling`` comes, at most ``seconds``. Raises ChannelError.

    A stream that ends early is waited for a moment, so that asking again and again does no harm.
    """
    until = time.monotonic() + seconds
    timeout = httpx.Timeout(max(0.1, seconds), connect=5.0)
    try:
        with _stream_client().stream("GET", url, headers=dict(headers), timeout=timeout) as response:
            if response.status_code != 200:
                kind = ErrorKind.AUTH_EXPIRED if response.status_code == 401 else ErrorKind.TRANSIENT
                raise ChannelError(kind, f"{label}'s stream answered {response.status_code}.")
            for row in response.iter_lines():
                if row.startswith("event:") and row[6:].strip() in telling:
                    return True
                if time.monotonic() > until:
                    return False
    except httpx.ReadTimeout:
        return False
    except httpx.HTTPError as error:
        raise ChannelError(ErrorKind.TRANSIENT, f"{label}'s stream broke off ({type(error).__name__}).") from error
    time.sleep(max(0.0, min(1.0, until - time.monotonic())))
    return False
