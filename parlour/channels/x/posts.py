"""Posts, of either API, as Inbounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from parlour.channels.contract import Attachment, Author, Inbound, Kind, ThreadKey
from parlour.channels.x.envelope import Event, What, post_id
from parlour.channels.x.fields import REALM, author, files, ident, links, mapping, moment, needed, sequence, words
from parlour.lib.text import one_line


@dataclass(frozen=True, slots=True)
class Post:
    """A post as both APIs tell it."""

    id: str
    author: Author
    text: str
    at: datetime
    conversation: str
    """Id of the post that started the conversation, as far as it is told."""
    answers: str
    """Id of the post it answers."""
    answers_user: Author | None
    quotes: str
    reposts: bool
    versions: tuple[str, ...]
    """Ids of all its versions, oldest first, when it was edited."""
    attachments: tuple[Attachment, ...]


def inbounds(event: Event, key: str, user_id: str, received_at: datetime) -> Iterator[Inbound]:
    """What a post event says. Raises ValueError when the post cannot be read."""
    item = event.item
    if not isinstance(item, dict):
        raise ValueError("The post is no object.")
    post = _old(item, event, received_at) if event.what is What.OLD_POST else _v2(item, event, received_at)
    own = post.author.external_id == user_id
    if post.reposts or event.name.startswith("post.repost"):
        yield Inbound(Kind.IGNORED, key, post.at, post.id, reason="A repost says nothing of its own.")
        return
    meta: dict[str, Any] = {}
    if post.quotes:
        meta = {"quote": True, "quoted": post.quotes}
    edited = post.id in post.versions[1:]
    said = Inbound(
        Kind.ECHO if own else Kind.MESSAGE,
        key,
        post.at,
        external_id=post.versions[0] if edited else post.id,
        author=post.author,
        thread=_thread(post, user_id),
        text=post.text,
        reply_to=post.answers or post.quotes,
        attachments=post.attachments,
        counterpart=post.answers_user if own and _answers_customer(post, user_id) else None,
        meta=meta,
    )
    if not edited:
        yield said
        return
    meta = {**meta, "version": post.id, "versions": list(post.versions)}
    said = replace(said, same=post.versions[1:])
    if own:
        # An edit of something unknown would be taken for a customer's words: first see that our post is there.
        yield replace(said, key=f"post:{post.versions[0]}")
        yield replace(said, kind=Kind.EDIT, author=None, thread=None, counterpart=None, meta=meta)
    else:
        yield replace(said, kind=Kind.EDIT, meta=meta)


def deleted(event: Event, key: str, received_at: datetime) -> Inbound:
    """A post that was deleted. Raises ValueError when it does not say which."""
    item = mapping(event.item)
    status = mapping(item.get("status")) or item
    writer = ident(status.get("author_id") or status.get("user_id"))
    return Inbound(
        Kind.DELETE,
        key,
        moment(item.get("timestamp_ms"), received_at),
        external_id=needed(status.get("id_str") or status.get("id"), "The deleted post's id"),
        author=Author(REALM, writer) if writer else None,
    )


def _answers_customer(post: Post, user_id: str) -> bool:
    return post.answers_user is not None and post.answers_user.external_id != user_id


def _thread(post: Post, user_id: str) -> ThreadKey | None:
    """One thread for each conversation and customer; None for the brand's answer to itself, which is anyone's."""
    url = f"https://x.com/i/web/status/{post.conversation}"
    if post.author.external_id != user_id:
        return ThreadKey(f"{post.conversation}/{post.author.external_id}", "public", url=url)
    if post.answers_user is not None and _answers_customer(post, user_id):
        return ThreadKey(f"{post.conversation}/{post.answers_user.external_id}", "public", url=url)
    return None if post.answers else ThreadKey(post.conversation, "public", url=url)


def _v2(item: Mapping[str, Any], event: Event, received_at: datetime) -> Post:
    own_id = needed(item.get("id"), "The post's id")
    referenced: dict[str, str] = {}
    for one in map(mapping, sequence(item.get("referenced_tweets") or item.get("referenced_posts"))):
        if isinstance(one.get("type"), str) and (found := ident(one.get("id"))):
            referenced.setdefault(one["type"], found)
    long_form = mapping(item.get("note_tweet") or item.get("note_post"))
    whole = long_form if isinstance(long_form.get("text"), str) else item
    media = [
        event.media[key]
        for key in sequence(mapping(item.get("attachments")).get("media_keys"))
        if isinstance(key, str) and key in event.media
    ]
    answers = referenced.get("replied_to") or ident(item.get("in_reply_to_tweet_id"))
    versions = sequence(item.get("edit_history_tweet_ids") or item.get("edit_history_post_ids"))
    return Post(
        id=own_id,
        author=author(needed(item.get("author_id"), "The post's author_id"), event.users),
        text=words(whole.get("text"), "The post's text"),
        at=moment(item.get("created_at"), received_at, own_id),
        conversation=ident(item.get("conversation_id")) or answers or own_id,
        answers=answers,
        answers_user=_named(ident(item.get("in_reply_to_user_id")), item, event),
        quotes=referenced.get("quoted", ""),
        reposts="retweeted" in referenced,
        versions=tuple(found for one in versions[:20] if (found := ident(one))),
        attachments=files(media) + links(whole.get("entities") or item.get("entities")),
    )


def _old(item: Mapping[str, Any], event: Event, received_at: datetime) -> Post:
    own_id = needed(post_id(item), "The post's id")
    user = mapping(item.get("user"))
    writer = needed(user.get("id_str") or user.get("id"), "The post's user id")
    extended = mapping(item.get("extended_tweet"))
    whole = extended if isinstance(extended.get("full_text"), str) else item
    text = whole.get("full_text") if isinstance(whole.get("full_text"), str) else item.get("text")
    media = mapping(whole.get("extended_entities") or whole.get("entities")).get("media")
    history = mapping(item.get("edit_history"))
    versions = sequence(history.get("edit_tweet_ids") or history.get("editTweetIds"))
    answers = ident(item.get("in_reply_to_status_id_str") or item.get("in_reply_to_status_id"))
    quoted = ident(item.get("quoted_status_id_str") or item.get("quoted_status_id"))
    return Post(
        id=own_id,
        author=author(writer, {**event.users, writer: user}),
        text=words(text, "The post's text"),
        at=moment(item.get("created_at"), received_at, own_id),
        conversation=ident(item.get("conversation_id")) or answers or own_id,
        answers=answers,
        answers_user=_named(ident(item.get("in_reply_to_user_id_str") or item.get("in_reply_to_user_id")), item, event),
        quotes=quoted if item.get("is_quote_status") is not False else "",
        reposts=isinstance(item.get("retweeted_status"), dict),
        versions=tuple(found for one in versions[:20] if (found := ident(one))),
        attachments=files(sequence(media)) + links(whole.get("entities")),
    )


def _named(user_id: str, item: Mapping[str, Any], event: Event) -> Author | None:
    """The user a post answers; when the envelope does not describe them, a mention has at least the handle."""
    if not user_id:
        return None
    if user_id in event.users:
        return author(user_id, event.users)
    entities = mapping(item.get("entities"))
    for mention in map(mapping, sequence(entities.get("mentions") or entities.get("user_mentions"))):
        if ident(mention.get("id_str") or mention.get("id")) == user_id:
            return author(user_id, {user_id: mention})
    handle = item.get("in_reply_to_screen_name")
    return Author(REALM, user_id, handle=one_line(handle, 80) if isinstance(handle, str) else "")
