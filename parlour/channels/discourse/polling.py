"""Asking the forum for what a webhook may have missed: it gives up after some tries, and most forums try only once.

The cursor is ``{"since": newest post id seen, "pms": time of the newest private post seen}``; while a gap is being filled also
``before`` (where to go on, downwards) and ``top`` (the newest id so far).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.discourse import events
from parlour.channels.discourse.calls import call
from parlour.channels.discourse.inbound import account
from parlour.lib import clock

PAGES = 10
WINDOW = 50
"""Ids one page reaches back: what others may not see is left out, so that a page may hold few posts, or none."""
MOST_EMPTY = 9
"""Empty pages in a row after which a gap counts as filled: nobody writes 500 private posts between two public ones."""
TOPICS = 10
LATEST = 20
OVERLAP = timedelta(seconds=30)


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new since ``cursor``, of one page oldest first. The first poll only notes where the forum stands. Raises ChannelError only
    when there is nothing to hand over."""
    place = dict(cursor)
    found, more = _public(inbox, place)
    try:
        private, unfinished = _private(inbox, place)
    except ChannelError:
        if not found:
            raise
        return Poll(found, place, more)
    return Poll([*found, *private], place, more or unfinished)


def _event(post: dict[str, Any]) -> list[Split]:
    told = {"event": "post_created", "post": post}
    try:
        return events.split(told, orjson.dumps(told))
    except orjson.JSONEncodeError:
        return []


def _id(post: Any) -> int:
    found = post.get("id") if isinstance(post, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**53 else 0


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _page(inbox: InboxConfig, before: int) -> list[dict[str, Any]]:
    params = {"before": str(before)} if before else None
    told = call(inbox, "GET", "/posts.json", about="account", params=params).get("latest_posts")
    return [post for post in told if _id(post)] if isinstance(told, list) else []


def _public(inbox: InboxConfig, place: dict[str, Any]) -> tuple[list[Split], bool]:
    since, before, top = (_number(place.get(name)) for name in ("since", "before", "top"))
    pages: list[list[Split]] = []
    empty = 0
    for turn in range(PAGES):
        try:
            posts = _page(inbox, before)
        except ChannelError:
            if turn == 0:
                raise
            break
        top = max([top, *(_id(post) for post in posts)])
        if "since" not in place:
            place["since"] = top
            return [], False
        fresh = sorted((post for post in posts if since < _id(post) and (not before or _id(post) < before)), key=_id)
        pages.append([event for post in fresh for event in _event(post)])
        empty = 0 if fresh else empty + 1
        before = _below(posts, before or top)
        if before <= since + 1 or _all_there_is(posts) or empty > (MOST_EMPTY if since else 0):
            before = 0
            break
    found = [event for page in reversed(pages) for event in page]
    if before:
        place |= {"before": before, "top": top}
        return found, True
    place["since"] = max(since, top)
    place.pop("before", None)
    place.pop("top", None)
    return found, False


def _below(posts: list[dict[str, Any]], before: int) -> int:
    """Where the next page begins."""
    lower = [_id(post) for post in posts if _id(post) < before]
    return min(lower) if lower else max(before - WINDOW, 0)


def _all_there_is(posts: list[dict[str, Any]]) -> bool:
    """Some versions of Discourse look at fifty ids for a page, others for fifty posts; a page that has less of the one and more of the
    other is the last one."""
    ids = [_id(post) for post in posts]
    return 0 < len(ids) < WINDOW and max(ids) - min(ids) >= WINDOW


def _time(value: Any) -> datetime | None:
    try:
        told = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if told is None else told if told.tzinfo else told.replace(tzinfo=UTC)


def _private(inbox: InboxConfig, place: dict[str, Any]) -> tuple[list[Split], bool]:
    since = _time(place.get("pms"))
    if since is None:
        place["pms"] = clock.now().isoformat()
        return [], False
    path = f"/topics/private-messages/{quote(account(inbox), safe='')}.json"
    told = call(inbox, "GET", path, about="account").get("topic_list")
    listed = told.get("topics") if isinstance(told, dict) else None
    changed = []
    for topic in listed if isinstance(listed, list) else ():
        at = _time(topic.get("last_posted_at")) if isinstance(topic, dict) else None
        if at is not None and at > since and _id(topic):
            changed.append((at, _id(topic)))
    changed.sort()
    found: list[Split] = []
    for at, topic_id in changed[:TOPICS]:
        try:
            found += _topic(inbox, topic_id, since - OVERLAP)
        except ChannelError as error:
            if error.kind is ErrorKind.TARGET_DELETED:
                continue
            if found:
                return found, True
            raise
        place["pms"] = at.isoformat()
    return found, len(changed) > TOPICS


def _topic(inbox: InboxConfig, topic_id: int, since: datetime) -> list[Split]:
    """The posts of a topic of private messages written after ``since``."""
    topic = call(inbox, "GET", f"/t/{topic_id}.json", about="post", params={"include_raw": "true"})
    stream = topic.get("post_stream")
    stream = stream if isinstance(stream, dict) else {}
    posts = _posts(stream)
    ids = stream.get("stream")
    known = {_id(post) for post in posts}
    wanted = [one for one in (ids if isinstance(ids, list) else [])[-LATEST:] if _number(one) and one not in known]
    if wanted:
        params = [*(("post_ids[]", str(one)) for one in wanted), ("include_raw", "true")]
        more = call(inbox, "GET", f"/t/{topic_id}/posts.json", about="post", params=params).get("post_stream")
        posts += _posts(more if isinstance(more, dict) else {})
    found: list[Split] = []
    about = {"topic_id": topic_id, "topic_archetype": "private_message", "topic_title": topic.get("title")}
    for post in sorted(posts, key=_id):
        at = _time(post.get("created_at"))
        if at is None or at > since:
            found += _event({**post, **about})
    return found


def _posts(stream: dict[str, Any]) -> list[dict[str, Any]]:
    told = stream.get("posts")
    return [post for post in told if _id(post)] if isinstance(told, list) else []
