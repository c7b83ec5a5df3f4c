"""Asking a store what is new: the latest pages every time, and now and then all of the last month, for what was changed or deleted.

The cursor holds ``known`` (review id -> what was seen of it), ``begun``, ``swept`` (epoch seconds of the last look at everything), and
while pages are left ``walk``. One call asks for one page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll
from parlour.channels.reviews import reading
from parlour.channels.reviews.fields import Review, ident, mapping, milliseconds, sequence, short
from parlour.channels.reviews.shops import shop_of, store_of
from parlour.lib import clock

HORIZON = timedelta(days=30)
"""Reviews that nobody has written or changed for so long are not looked at any more."""
SWEEP_SECONDS = 6 * 3600
REMEMBERED = 1000
UNTOLD = -1
"""Known, but not brought in: it was answered before there was an inbox."""
LOOK_UPS = 5
"""Reviews asked about one by one after a look at everything, because they are missing."""
SHOWN = {"play": timedelta(days=6)}
"""How long a store lists a review for certain."""


@dataclass(slots=True)
class Seen:
    """What was seen of a review."""

    digest: str = ""
    revision: int = 0
    """How often it was changed since it was first seen, or UNTOLD."""
    reply: str = ""
    """Digest of the answer's words, with ``!`` when the store does not show it."""
    version: str = ""
    at: int = 0
    """Epoch milliseconds."""

    @classmethod
    def of(cls, stored: object) -> Seen | None:
        told = sequence(stored)
        kinds = (str, int, str, str, int)
        fits = len(told) == len(kinds) and all(isinstance(one, kind) for one, kind in zip(told, kinds, strict=True))
        return cls(*told) if fits else None

    def stored(self) -> list[Any]:
        return [self.digest, self.revision, self.reply, self.version, self.at]


@dataclass(slots=True)
class Walk:
    """Pages asked for one after the other. ``full``: all of them, whether anything is new on them or not."""

    token: str = ""
    full: bool = False
    found: list[str] = field(default_factory=list)


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """One page, and what is new on it. Raises ChannelError."""
    shop, now = shop_of(inbox), clock.now()
    known = {name: seen for name, stored in mapping(cursor.get("known")).items() if (seen := Seen.of(stored))}
    first = cursor.get("begun") is not True
    walk = _walk(cursor, now.timestamp())
    try:
        raws, following = shop.page(inbox, walk.token)
    except ChannelError as error:
        if walk.token and error.kind in (ErrorKind.INVALID, ErrorKind.TARGET_DELETED):
            # The mark of the page has expired: from the beginning. What comes again is caught by its keys.
            return Poll((), {name: value for name, value in cursor.items() if name != "walk"}, more=True)
        raise
    items: list[dict[str, Any]] = []
    beyond, fresh, horizon = False, False, milliseconds(now - HORIZON)
    for raw in raws:
        try:
            review = shop.read(raw)
        except ValueError:
            items.append({"kind": "review", "data": raw})
            continue
        at = _at(review)
        beyond = beyond or at < horizon
        if at < horizon and review.id not in known:
            continue
        walk.found.append(review.id)
        news = _news(raw, review, known, first)
        fresh = fresh or bool(news)
        items += news
    done = not following or following == walk.token or beyond or not (walk.full or fresh)
    kept: dict[str, Any] = {"begun": not first or done, "swept": cursor.get("swept", 0)}
    if done and walk.full:
        items += _gone(inbox, known, set(walk.found))
        kept["swept"] = now.timestamp()
        known = {name: seen for name, seen in known.items() if seen.at >= horizon}
    elif not done:
        kept["walk"] = {"token": following, "full": walk.full, "found": walk.found[-5000:]}
    if len(known) > REMEMBERED:
        newest = sorted(known, key=lambda name: known[name].at, reverse=True)[:REMEMBERED]
        known = {name: known[name] for name in newest}
    kept["known"] = {name: seen.stored() for name, seen in known.items()}
    envelope = {"store": store_of(inbox), "app": str(inbox.settings.get("app") or ""), "items": items}
    return Poll(reading.split(envelope) if items else (), kept, more=not done)


def _walk(cursor: dict[str, Any], now: float) -> Walk:
    stored = mapping(cursor.get("walk"))
    token = stored.get("token")
    if isinstance(token, str) and token and len(token) < 4000:
        return Walk(token, stored.get("full") is True, [one for one in sequence(stored.get("found")) if ident(one)])
    swept = cursor.get("swept")
    return Walk(full=not isinstance(swept, int | float) or now - swept >= SWEEP_SECONDS)


def _at(review: Review) -> int:
    at = review.changed or review.at
    return milliseconds(at) if at else 0


def _news(raw: Any, review: Review, known: dict[str, Seen], first: bool) -> list[dict[str, Any]]:
    """What is new about a review; ``known`` is brought up to date."""
    old, reply = known.get(review.id), review.reply
    if old is not None and old.revision == UNTOLD:
        if old.digest == review.digest:
            return []
        old = None
    now = known[review.id] = Seen(review.digest, at=_at(review) or (old.at if old else 0))
    items: list[dict[str, Any]] = []
    if old is None or old.digest != review.digest:
        now.revision = old.revision + 1 if old else 0
        items.append({"kind": "review", "data": raw, "seen": old is not None, "revision": now.revision})
    else:
        now.revision = old.revision
    before = old.reply.rstrip("!") if old else ""
    if reply is not None:
        now.reply = short(reply.text)
        # The time of an answer may change when the store publishes it: the same words stay the same answer.
        now.version = old.version if old and before == now.reply else reply.version
        if before != now.reply:
            items.append({"kind": "reply", "data": raw, "version": now.version})
        if reply.refused:
            now.reply += "!"
            if old is None or not old.reply.endswith("!") or before != now.reply.rstrip("!"):
                items.append({"kind": "refused", "data": raw, "version": now.version})
    if old is not None and before and before != now.reply.rstrip("!"):
        # One answer at a time: the one before was replaced or taken back.
        gone = reading.reply_id(review.id, old.version)
        items.append({"kind": "gone", "id": gone, "at": clock.now().isoformat()})
    if first and reply is not None and reply.at is not None and milliseconds(reply.at) >= now.at:
        # Dealt with before this inbox was connected.
        now.revision = UNTOLD
        return []
    return items


def _gone(inbox: InboxConfig, known: dict[str, Seen], found: set[str]) -> list[dict[str, Any]]:
    """Reviews that are not listed any more, of which the store says that they are not there."""
    since = milliseconds(clock.now() - SHOWN.get(store_of(inbox), HORIZON))
    missing = [name for name, seen in known.items() if name not in found and seen.at >= since]
    items: list[dict[str, Any]] = []
    for name in missing[:LOOK_UPS]:
        try:
            there = shop_of(inbox).exists(inbox, name)
        except ChannelError:
            break  # it is asked about again after the next look at everything
        if not there:
            del known[name]
            items.append({"kind": "gone", "id": name, "at": clock.now().isoformat()})
    return items
