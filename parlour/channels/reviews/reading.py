"""What polling has fetched, as single events and as Inbounds.

An envelope is ``{"store": ..., "app": ..., "items": [...]}``. An item is of one kind: ``review`` (``data`` as the store tells it, ``seen``
when an earlier version came in, ``revision``), ``reply`` and ``refused`` (``data``, ``version``), or ``gone`` (``id``, ``at``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from parlour.channels.contract import Author, Inbound, InboxConfig, Kind, Split, ThreadKey
from parlour.channels.reviews.fields import STORES, Review, Store, ident, iso, mapping, milliseconds, needed
from parlour.channels.reviews.shops import SHOPS, realm_of
from parlour.lib import clock

REPLY = ":reply:"


class EnvelopeError(ValueError):
    """The body is none of ours."""


@dataclass(frozen=True, slots=True)
class Envelope:
    store: Store
    app: str
    items: list[Any]


def reply_id(review: str, version: str) -> str:
    """External id of one version of our answer under a review."""
    return f"{review}{REPLY}{version}"


def review_of(external_id: str) -> str:
    """The review that ``external_id`` is, or is an answer to."""
    return external_id.partition(REPLY)[0]


def encode(store: Store, app: str, items: list[Any]) -> bytes:
    return orjson.dumps({"store": store, "app": app, "items": items})


def split(payload: object) -> list[Split]:
    """The events of an envelope. Raises EnvelopeError."""
    envelope = _envelope(payload)
    return [Split(*_name(envelope, item), body=encode(envelope.store, envelope.app, [item])) for item in envelope.items]


def inbounds(body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterator[Inbound]:
    """What an arrival says. Raises ValueError when it cannot be read."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError("The body is not JSON.") from error
    envelope = _envelope(payload)
    for item in envelope.items:
        yield from _of(envelope, mapping(item), inbox, received_at)


def _envelope(payload: object) -> Envelope:
    told = mapping(payload)
    store, app, items = told.get("store"), told.get("app"), told.get("items")
    if not isinstance(store, str) or store not in STORES or not isinstance(app, str) or not isinstance(items, list):
        raise EnvelopeError("These are no reviews: 'store', 'app' and 'items' are needed.")
    return Envelope(store, app[:300], items)


def _name(envelope: Envelope, item: object) -> tuple[str, str]:
    """Key and lane of an item."""
    try:
        told = mapping(item)
        if told.get("kind") == "gone":
            gone = _gone(told)
            return f"gone:{gone}", review_of(gone)
        review = SHOPS[envelope.store].read(told.get("data"))
        if told.get("kind") in ("reply", "refused"):
            return f"{told['kind']}:{review.id}:{_version(told, review)}", review.id
        if told.get("kind") == "review":
            return _review_key(told, review), review.id
    except (ValueError, KeyError):
        pass
    return f"odd:{hashlib.sha256(orjson.dumps(item)).hexdigest()[:32]}", ""


def _review_key(item: Mapping[str, Any], review: Review) -> str:
    if review.changed is not None:
        return f"review:{review.id}:{milliseconds(review.changed)}"
    revision = item.get("revision")
    return (
        f"review:{review.id}:{review.digest}:{revision if isinstance(revision, int) and 0 <= revision < 10**9 else 0}"
    )


def _version(item: Mapping[str, Any], review: Review) -> str:
    if review.reply is None:
        raise ValueError("The review has no answer.")
    return ident(item.get("version"))[:32] or review.reply.version


def _gone(item: Mapping[str, Any]) -> str:
    return needed(item.get("id"), "The id of what is gone")


def _of(envelope: Envelope, item: Mapping[str, Any], inbox: InboxConfig, received_at: datetime) -> Iterator[Inbound]:
    kind = item.get("kind")
    if kind == "gone":
        gone = _gone(item)
        at = clock.plausible(iso(item.get("at")) or received_at, received_at)
        yield Inbound(Kind.DELETE, f"gone:{gone}", at, external_id=gone)
        return
    if kind not in ("review", "reply", "refused"):
        raise ValueError("The item is of no known kind.")
    review = SHOPS[envelope.store].read(item.get("data"))
    thread = ThreadKey(review.id, "public", url=SHOPS[envelope.store].url(envelope.app, review.id)[:500])
    author = Author(
        realm_of(inbox),
        f"review:{review.id}",
        name=review.author or f"Reviewer on {STORES[envelope.store]}",
        avatar_url=review.avatar,
        language=review.language,
    )
    if kind == "review":
        yield from _versions(item, review, thread, author, received_at)
        return
    version, reply = _version(item, review), review.reply
    if reply is None:
        raise ValueError("The review has no answer.")
    at = clock.plausible(reply.at or received_at, received_at)
    key = f"{kind}:{review.id}:{version}"
    if kind == "refused":
        reason = reply.refused or "The store does not show this answer."
        yield Inbound(Kind.FAILED, key, at, external_id=reply_id(review.id, version), thread=thread, reason=reason)
        return
    yield Inbound(
        Kind.ECHO,
        key,
        at,
        external_id=reply_id(review.id, version),
        thread=thread,
        text=reply.text,
        reply_to=review.id,
        counterpart=author,
        meta={"state": reply.state} if reply.state else {},
    )


def _versions(
    item: Mapping[str, Any], review: Review, thread: ThreadKey, author: Author, received_at: datetime
) -> Iterator[Inbound]:
    """A review seen for the first time is a message, a later version of it an edit. Where the store does not say whether there was an
    earlier one, it is both: an edit that changes nothing is nothing."""
    key = _review_key(item, review)
    changed = clock.plausible(review.changed or received_at, received_at)
    at = clock.plausible(review.at or review.changed or received_at, received_at)
    said = Inbound(
        Kind.MESSAGE,
        key,
        at,
        external_id=review.id,
        author=author,
        thread=thread,
        text=" ".join(
            filter(None, ("★" * review.rating + "☆" * (5 - review.rating) if review.rating else "", review.text))
        ),
        meta={"rating": review.rating, **review.facts},
    )
    edit = Inbound(
        Kind.EDIT, key, changed, said.external_id, author=author, thread=thread, text=said.text, meta=said.meta
    )
    if item.get("seen") is True:
        yield edit
    elif review.at is None or (review.changed is not None and review.changed - review.at > timedelta(seconds=1)):
        yield Inbound(
            Kind.MESSAGE,
            f"review:{review.id}",
            at,
            said.external_id,
            author=author,
            thread=thread,
            text=said.text,
            meta=said.meta,
        )
        yield edit
    else:
        yield said
