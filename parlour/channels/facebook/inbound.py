"""Events of a Page's feed as Inbound values.

A customer's words under one post are one thread, ``<post id>/<customer id>``. The Page's own words do not say which
customer they are for, so they carry no thread but ``reply_to``. Events about a message (edit, removal, hiding,
reaction) name it by id; their ``from`` may be a moderator, so only an edit, made by its author alone, names a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from parlour.channels import meta
from parlour.channels.contract import Attachment, Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.meta import Piece
from parlour.lib.text import one_line

COMMENT = "comment"
WORDS = frozenset({COMMENT, "post", "status", "photo", "video", "share"})
REACTIONS = frozenset({"reaction", "like"})
FIELDS = frozenset({"feed", "mention"})

_VERBS = {
    "add": Kind.MESSAGE,
    "edited": Kind.EDIT,
    "edit": Kind.EDIT,
    "remove": Kind.DELETE,
    "hide": Kind.HIDE,
    "unhide": Kind.UNHIDE,
}


@dataclass(frozen=True, slots=True)
class _Change:
    """The ids of a change, read before anything else: they make its key and its lane."""

    field: str
    item: str
    verb: str
    post: str
    comment: str
    parent: str
    sender: str
    created: str
    value: dict[str, Any]

    @property
    def subject(self) -> str:
        return self.comment or self.post

    @property
    def lane(self) -> str:
        """The top-level comment with all its answers, or the post."""
        return self.parent if self.comment and self.parent not in ("", self.post) else self.subject

    @property
    def key(self) -> str:
        if not self.subject:
            return meta.key(self.field, meta.fingerprint(self.value))
        parts = [self.field, self.item, self.verb, self.subject, self.created]
        if self.item in REACTIONS:
            # Two people can react to one post within a second.
            parts += [self.sender, meta.words(self.value.get("reaction_type"), "reaction_type")]
        elif _VERBS.get(self.verb) is Kind.EDIT:
            # ``created_time`` may still be that of the comment: a second edit is told apart by its words.
            parts.append(meta.digest(meta.words(self.value.get("message"), "message"))[:32])
        return meta.key(*parts)


def _change(piece: Piece) -> _Change:
    value = meta.members(piece.event.get("value"), "value")
    sender, post = meta.members(value.get("from"), "from"), meta.members(value.get("post"), "post")
    comment = meta.identifier(value.get("comment_id"), "comment_id")
    parent = meta.identifier(value.get("parent_id"), "parent_id")
    told = meta.identifier(value.get("post_id"), "post_id") or meta.identifier(post.get("id"), "post.id")
    return _Change(
        field=meta.identifier(piece.event.get("field"), "field"),
        item=meta.identifier(value.get("item"), "item") or (COMMENT if comment else "post"),
        verb=meta.identifier(value.get("verb"), "verb"),
        post=told or (parent or comment if comment else ""),
        comment=comment,
        parent=parent,
        sender=meta.identifier(sender.get("id"), "from.id") or meta.identifier(value.get("sender_id"), "sender_id"),
        created=meta.stamp(value.get("created_time"), "created_time"),
        value=value,
    )


def named(piece: Piece) -> tuple[str, str]:
    """Dedup key and lane of one event. Raises ValueError when its ids are no ids."""
    if piece.where != "changes":
        return meta.key(piece.where, meta.fingerprint(piece.event)), ""
    if piece.event.get("field") not in ("feed", "mention"):
        field = meta.identifier(piece.event.get("field"), "field") or "change"
        return meta.key(field, meta.fingerprint(piece.event)), ""
    change = _change(piece)
    return change.key, change.lane


def read(piece: Piece, inbox: InboxConfig, received_at: datetime) -> Inbound:
    """One event as an Inbound. Raises ValueError when it is malformed."""
    key, _ = named(piece)
    told = meta.when(piece.told_at, "entry.time", received_at) or received_at
    ignored = Inbound(Kind.IGNORED, key, told)
    if meta.of_another(piece, meta.page_id(inbox)):
        return replace(ignored, reason="It belongs to another Page of the same app.")
    if piece.where != "changes":
        return replace(ignored, reason="A private message: it belongs to the Page's Messenger inbox.")
    if piece.event.get("field") not in FIELDS:
        field = one_line(str(piece.event.get("field")), 60)
        return replace(ignored, reason=f"Events of the field '{field}' are not kept.")
    return _of_change(_change(piece), inbox, told, received_at)


def _of_change(change: _Change, inbox: InboxConfig, told: datetime, received_at: datetime) -> Inbound:
    at = meta.when(change.value.get("created_time"), "created_time", received_at) or told
    event = Inbound(Kind.IGNORED, change.key, at, external_id=change.subject)
    if change.item not in WORDS and change.item not in REACTIONS:
        return replace(event, reason=f"Events about the item '{one_line(change.item, 60)}' are not kept.")
    if not change.subject:
        if change.item in REACTIONS:
            return replace(event, reason="It is about the Page as a whole, not about a message.")
        raise ValueError("The event names neither a comment nor a post.")
    if change.item in REACTIONS:
        return _reaction(change, event, inbox)
    kind = _VERBS.get(change.verb)
    if kind is None:
        return replace(event, reason=f"Events with the verb '{one_line(change.verb, 60)}' are not kept.")
    return _READERS[kind](change, replace(event, kind=kind), inbox)


def _author(change: _Change, inbox: InboxConfig) -> Author:
    sender = meta.members(change.value.get("from"), "from")
    return Author(
        realm=meta.realm(inbox),
        external_id=change.sender or f"unknown:{change.subject}",
        name=meta.name(sender.get("name") or change.value.get("sender_name")),
    )


def _thread(change: _Change, customer: str = "") -> ThreadKey:
    url = meta.members(change.value.get("post"), "post").get("permalink_url")
    return ThreadKey(
        external_id=f"{change.post}/{customer}" if customer else change.post,
        visibility="public",
        url=meta.words(url, "permalink_url")[:500],
    )


def _said(change: _Change, event: Inbound, inbox: InboxConfig) -> Inbound:
    """Somebody's words, or the Page's own."""
    author = _author(change, inbox)
    text = meta.words(change.value.get("message"), "message")
    event = replace(
        event,
        author=author,
        text=text,
        reply_to=_answered(change),
        attachments=_attachments(change),
        meta={"fetch": change.subject} if change.field == "mention" and not text else {},
    )
    if author.external_id == meta.page_id(inbox):
        return replace(event, kind=Kind.ECHO, thread=None if change.comment else _thread(change))
    return replace(event, thread=_thread(change, author.external_id))


def _answered(change: _Change) -> str:
    above = change.parent or change.post
    return above if change.comment and above != change.comment else ""


def _edited(change: _Change, event: Inbound, inbox: InboxConfig) -> Inbound:
    author = _author(change, inbox)
    ours = author.external_id == meta.page_id(inbox)
    return replace(
        event,
        author=author,
        text=meta.words(change.value.get("message"), "message"),
        thread=None if ours or not change.sender else _thread(change, author.external_id),
        attachments=_attachments(change),
    )


def _moderated(change: _Change, event: Inbound, inbox: InboxConfig) -> Inbound:
    return replace(event, author=_author(change, inbox) if change.sender else None)


_READERS: dict[Kind, Callable[[_Change, Inbound, InboxConfig], Inbound]] = {
    Kind.MESSAGE: _said,
    Kind.EDIT: _edited,
    Kind.DELETE: _moderated,
    Kind.HIDE: _moderated,
    Kind.UNHIDE: _moderated,
}


def _reaction(change: _Change, event: Inbound, inbox: InboxConfig) -> Inbound:
    kind = one_line(meta.words(change.value.get("reaction_type"), "reaction_type"), 40) or "like"
    about: dict[str, Any] = {"reaction": kind}
    if change.verb == "remove":
        about["removed"] = True
    return replace(
        event,
        kind=Kind.REACTION,
        author=_author(change, inbox) if change.sender else None,
        meta=about,
    )


def _attachments(change: _Change) -> tuple[Attachment, ...]:
    """A comment's photo or video, a post's photos, its video or the link it shares."""
    value = change.value
    linked = {"photo": "image", "video": "video"}.get(change.item, "link")
    photos = value.get("photos")
    if photos is not None and not isinstance(photos, list):
        raise ValueError("photos is not a list.")
    found = [("image", value.get("photo")), ("video", value.get("video")), (linked, value.get("link"))]
    found += [("image", photo) for photo in photos or ()]
    kinds: dict[str, str] = {}
    for kind, url in found:
        kinds.setdefault(meta.words(url, "The address of an attachment")[:2000], kind)
    return tuple(Attachment(kind, url=url) for url, kind in kinds.items() if url)
