"""What the Page's stand-in remembers, as the Graph API tells it: conversations and the feed, newest first, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parlour.playground.graph_state import Chat, FacebookPage, Line, Post

PAGE = 25


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}+0000"


def paged(rows: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
    """One page of an edge. ``after`` is where the one before ended."""
    size = min(int(str(params.get("limit", PAGE))), 100)
    begin = int(str(params.get("after", 0)))
    answer: dict[str, Any] = {"data": rows[begin : begin + size]}
    if begin + size < len(rows):
        answer["paging"] = {"cursors": {"after": str(begin + size)}, "next": "https://graph.example/next"}
    return answer


def conversations(page: FacebookPage) -> list[dict[str, Any]]:
    chats = [chat for chat in page.chats.values() if chat.lines]
    chats.sort(key=lambda chat: chat.lines[-1].at, reverse=True)
    return [_conversation(page, chat) for chat in chats]


def message(page: FacebookPage, mid: str) -> dict[str, Any] | None:
    """One message by its id, None when nobody wrote it."""
    if not mid.startswith("m_"):
        return None
    found = ((chat, line) for chat in page.chats.values() for line in chat.lines if line.mid == mid)
    return next((_message(page, chat, line) for chat, line in found), None)


def _message(page: FacebookPage, chat: Chat, line: Line) -> dict[str, Any]:
    customer = {"id": chat.person.psid, "name": chat.person.name, "email": f"{chat.person.psid}@facebook.com"}
    brand = {"id": page.page_id, "name": page.name, "email": f"{page.page_id}@facebook.com"}
    return {
        "id": line.mid,
        "created_time": iso(line.at),
        "from": brand if line.from_page else customer,
        "to": {"data": [customer if line.from_page else brand]},
        "message": line.text,
    }


def _conversation(page: FacebookPage, chat: Chat) -> dict[str, Any]:
    messages = [_message(page, chat, line) for line in reversed(chat.lines[-50:])]
    return {"id": f"t_{chat.person.psid}", "updated_time": iso(chat.lines[-1].at), "messages": {"data": messages}}


def feed(page: FacebookPage) -> list[dict[str, Any]]:
    standing = [post for post in page.posts.values() if not post.removed]
    posts = [post for post in standing if post.kind == "post"]
    rows = []
    for post in reversed(posts):
        under = [_said(page, one) for one in reversed(standing) if one.kind == "comment" and one.post_id == post.id]
        rows.append({**_said(page, post), **({"comments": {"data": under[:50]}} if under else {})})
    return rows


def _said(page: FacebookPage, post: Post) -> dict[str, Any]:
    author = (post.author.id, post.author.name) if post.author else (page.page_id, page.name)
    told: dict[str, Any] = {
        "id": post.id,
        "from": {"id": author[0], "name": author[1]},
        "message": post.text,
        "created_time": iso(post.at),
    }
    if post.parent_id and post.parent_id != post.post_id:
        told["parent"] = {"id": post.parent_id}
    return told
