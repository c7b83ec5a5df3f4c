"""Comments and mentions on Instagram as Inbound values.

A customer's comments under one post are one thread, ``<media id>/<customer id>``. Instagram reports neither edits nor deletions of
comments. Of a mention on somebody else's post it tells ids only: not who it was, nor the words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from parlour.channels import meta
from parlour.channels.contract import Attachment, Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.instagram import account
from parlour.channels.meta import Piece
from parlour.lib.text import one_line, storable

COMMENTS = frozenset({"comments", "live_comments"})
MENTIONS = "mentions"
MENTION = "mention:"
"""How the thread of a mention begins: it is answered in another way."""
FIELDS = {
    "story_insights": "They are figures about a story.",
    "message_reactions": "It holds no reaction.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """The ids of a comment or mention, read before anything else: they make its key and its lane."""

    field: str
    comment: str
    media: str
    parent: str
    value: dict[str, Any]

    @property
    def subject(self) -> str:
        return self.comment or self.media

    @property
    def key(self) -> str:
        if not self.subject:
            return meta.key(self.field, meta.fingerprint(self.value))
        # The same comment can come as a comment of a live video and as a comment.
        return meta.key("mention" if self.field == MENTIONS else "comment", self.subject)

    @property
    def lane(self) -> str:
        return self.parent or self.subject


def said(piece: Piece) -> Said | None:
    """The comment or mention of a change, None when it is none. Raises ValueError when its ids are no ids."""
    field = piece.event.get("field")
    if not isinstance(field, str) or field not in (*COMMENTS, MENTIONS):
        return None
    value = meta.members(piece.event.get("value"), "value")
    media = meta.members(value.get("media"), "media")
    return Said(
        field=field,
        comment=meta.identifier(value.get("comment_id") if field == MENTIONS else value.get("id"), "The comment's id"),
        media=meta.identifier(value.get("media_id"), "media_id") or meta.identifier(media.get("id"), "media.id"),
        parent=meta.identifier(value.get("parent_id"), "parent_id"),
        value=value,
    )


def inbound(said: Said, inbox: InboxConfig, at: datetime) -> Inbound:
    """The comment or mention as an Inbound. Raises ValueError when it is malformed."""
    if not said.subject:
        raise ValueError("The event names neither a comment nor a post.")
    event = Inbound(Kind.MESSAGE, said.key, at, external_id=said.subject)
    return _mention(said, event, inbox) if said.field == MENTIONS else _comment(said, event, inbox)


def _comment(said: Said, event: Inbound, inbox: InboxConfig) -> Inbound:
    if not said.comment:
        raise ValueError("The comment has no id.")
    author = _author(said, inbox)
    media = said.media or said.parent or said.comment
    about = _about(said)
    event = replace(
        event,
        author=author,
        text=meta.words(said.value.get("text"), "text"),
        reply_to=said.parent,
        meta={"post": about} if about else {},
    )
    if account.is_brand(inbox, author.external_id, author.handle):
        thread = None if said.parent else ThreadKey(media, "public")
        return replace(event, kind=Kind.ECHO, author=replace(author, external_id=account.ig_id(inbox)), thread=thread)
    subject = about.get("ad_title", "")
    return replace(event, thread=ThreadKey(f"{media}/{author.external_id}", "public", subject=one_line(subject, 200)))


def _author(said: Said, inbox: InboxConfig) -> Author:
    sender = meta.members(said.value.get("from"), "from")
    handle = sender.get("username") or said.value.get("username")
    handle = one_line(handle, 80) if isinstance(handle, str) else ""
    told = meta.identifier(sender.get("id"), "from.id")
    # A name can change hands, an id cannot: without one, the comment stands for its author.
    return Author(account.realm(inbox), told or f"unknown:{said.subject}", name=handle, handle=handle)


def _about(said: Said) -> dict[str, str]:
    """What is told of the post: its id, what it is, and the advertisement it came as."""
    media = meta.members(said.value.get("media"), "media")
    names = ("id", "media_product_type", "ad_id", "ad_title", "original_media_id")
    kept = {name: storable(str(media[name]), 200) for name in names if isinstance(media.get(name), str | int)}
    return kept | ({"live": "yes"} if said.field == "live_comments" else {})


def _mention(said: Said, event: Inbound, inbox: InboxConfig) -> Inbound:
    stranger = Author(account.realm(inbox), f"unknown:{said.subject}")
    what = "A comment that mentions the brand" if said.comment else "A post that mentions the brand"
    return replace(
        event,
        author=stranger,
        text=meta.words(said.value.get("text"), "text"),
        thread=ThreadKey(f"{MENTION}{said.media}/{stranger.external_id}", "public"),
        attachments=(Attachment("post", name=f"{what}, to be read in Instagram"),),
        meta={"fetch": said.subject, "post": {"id": said.media}},
    )
