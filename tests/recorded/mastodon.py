"""Recordings of Mastodon: a server that lists what was recorded, as its API does, and a stream that tells of it."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import orjson

from parlour.channels import queries, registry
from parlour.channels.models import Inbox
from tests.recorded.platform import NOT_FOUND, Asked, Told
from tests.recorded.road import Recording, Road, Said, Saw

ME = "14715"
"""Whose notifications the documentation shows."""
RECORDED = "117440810532227399"
"""Who is spoken to in the recordings of a server."""
TAG = "luma"
_MARKS = re.compile(r"<[^>]+>")


@dataclass(slots=True)
class Server:
    """One account on a server. ``gone``: statuses that are not there any more, ``now``: those that have changed."""

    me: str
    notifications: list[dict[str, Any]] = field(default_factory=list)
    own: list[dict[str, Any]] = field(default_factory=list)
    tagged: list[dict[str, Any]] = field(default_factory=list)
    now: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    stream: str = ""

    def answer(self, asked: Asked) -> Told:
        path = asked.path.removeprefix("/api/v1/")
        if path == "accounts/verify_credentials":
            return Told({"id": self.me, "username": "luma", "acct": "luma"})
        if path == "/api/v2/instance":
            return Told({})
        if path == "streaming/user":
            return Told(stream=self.stream)
        if path == "notifications":
            wanted = [one for one in self.notifications if one["type"] in asked.query.get("types[]", [one["type"]])]
            return self._listed(asked, wanted)
        if path == f"accounts/{self.me}/statuses":
            return self._listed(asked, self.own)
        if path == f"timelines/tag/{TAG}":
            return self._listed(asked, self.tagged)
        if path == "statuses":
            return Told([one for key in asked.query.get("id[]", []) if (one := self._status(key)) is not None])
        if path.startswith("statuses/"):
            key, _, what = path.removeprefix("statuses/").partition("/")
            if what == "context":
                return Told({"ancestors": [], "descendants": []})
            return NOT_FOUND if (one := self._status(key)) is None else Told(one)
        return NOT_FOUND

    def _status(self, key: str) -> dict[str, Any] | None:
        known = [*self.own, *self.tagged, *(one["status"] for one in self.notifications if one.get("status"))]
        there = self.now.get(key) or next((one for one in known if one["id"] == key), None)
        return None if key in self.gone else there

    def _listed(self, asked: Asked, entries: list[dict[str, Any]]) -> Told:
        """Newest first, what is newer than ``min_id``."""
        since = int(asked.first("min_id") or 0)
        found = sorted((one for one in entries if int(one["id"]) > since), key=lambda one: int(one["id"]), reverse=True)
        return Told(found)


def mastodon(payloads: Path) -> Iterator[Recording]:
    """Every file that holds an event, and each event of the stream."""
    folder = payloads / "mastodon"
    for path in sorted([*folder.glob("*.json"), *folder.glob("docs/*.json")]):
        told = orjson.loads(path.read_bytes())
        if path.stem.startswith("vcr_"):
            yield from _exchanges(path.stem, f"mastodon/{path.name}", told)
        elif path.stem == "streaming_sse_events":
            for number, one in enumerate(told[1:]):
                if one in told[1 : number + 1]:
                    continue  # recorded more than once
                yield _streamed(
                    f"{path.stem}#{number} {one['event']}", f"mastodon/docs/{path.name}", one["event"], one["data"]
                )
        elif path.stem.startswith(("methods_notifications-200", "entities_notification")):
            events = [one for one in (told if isinstance(told, list) else [told]) if "type" in one]
            if events:
                yield _recording(path.stem, f"mastodon/docs/{path.name}", Server(ME, events), _owned(events))
        elif path.stem == "entities_conversation-example":
            yield _streamed(path.stem, f"mastodon/docs/{path.name}", "conversation", told)


def _recording(name: str, file: str, server: Server, before: Server | None = None, quiet: str = "") -> Recording:
    """``before``: what the server has at first, where that is not nothing."""
    token = re.sub(r"[^\w.-]", "_", f"mastodon-{name}")
    earlier = before or Server(server.me)

    def first(road: Road, inbox: Inbox) -> None:
        empty = Server(server.me)
        road.platform.accounts[token] = empty.answer
        road.poll(inbox)
        road.platform.accounts[token] = earlier.answer
        road.poll(inbox)

    def arrive(road: Road, inbox: Inbox) -> None:
        road.platform.accounts[token] = server.answer
        if server.stream and not _woken(inbox):
            road.told[inbox.pk] = [Saw("ignored: The stream tells of it, and nothing is fetched.")]
            return
        road.poll(inbox)

    spoken = [one["status"] | {"account": one["account"]} for one in server.notifications if one["type"] == "mention"]
    spoken += [one for one in server.tagged if one not in earlier.tagged]
    spoken += [one for one in server.now.values() if one["edited_at"]]
    settings = {"api_base": "{platform}", "access_token": token, "search": TAG}
    said: list[Said] = [(one["account"]["id"], words_of(one.get("content", ""))) for one in _once(spoken)]
    return Recording("mastodon", name, file, settings, arrive, first, said=said, quiet=quiet)


def _woken(inbox: Inbox) -> bool:
    """Whether the stream makes the inbox due. The channel's rest after a stream that ended is left out."""
    with patch("parlour.channels.social.time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: None)):
        return registry.get("mastodon").wait(queries.config(Inbox.objects.get(pk=inbox.pk)), 10.0)


def _once(statuses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one["id"]: one for one in statuses}.values())


def _owned(events: list[dict[str, Any]]) -> Server | None:
    """The brand's own answers that people reacted to: they were seen before."""
    reacted = [one["status"] for one in events if one["type"] == "favourite"]
    if not reacted:
        return None
    own = [
        {
            "visibility": "public",
            "content": "",
            **one,
            "account": {"id": ME, "acct": "luma"},
            "in_reply_to_id": "1",
            "in_reply_to_account_id": "2",
        }
        for one in reacted
    ]
    return Server(ME, own=own)


def _exchanges(name: str, file: str, told: list[dict[str, Any]]) -> Iterator[Recording]:
    """What was written and read in one recorded session, as the account that is told of it sees it; without one, as its author does."""
    notifications, posts, edits = [], [], {}
    for exchange in told:
        answer, asked = exchange["response"].get("json"), exchange["request"]
        if "/api/v1/notifications" in asked["uri"]:
            notifications += answer if isinstance(answer, list) else [answer]
        elif asked["method"] == "POST" and isinstance(answer, dict) and "visibility" in answer:
            posts.append(answer)
        elif asked["method"] == "PUT" and isinstance(answer, dict) and "visibility" in answer:
            edits[answer["id"]] = answer
    if notifications:
        yield _recording(name, file, Server(RECORDED, list({one["id"]: one for one in notifications}.values())))
        return
    for me in dict.fromkeys(one["account"]["id"] for one in posts):
        own = [one for one in posts if one["account"]["id"] == me]
        yield _recording(f"{name} of {me[-6:]}", file, Server(me, own=own))
    for key, now in edits.items():
        first = [one for one in posts if one["id"] == key]
        earlier = Server(RECORDED + "0", tagged=first)
        yield _recording(f"{name} edited", file, Server(RECORDED + "0", tagged=first, now={key: now}), earlier)


def _streamed(name: str, file: str, event: str, data: Any) -> Recording:
    """One event of the stream: it wakes the poll, which finds the same in the server's lists."""
    server, before, quiet = Server(ME, stream=_frame(event, data)), None, ""
    if event == "notification":
        server.notifications = [data]
    elif event == "conversation":
        quiet = "nothing: Direct messages are told by their notifications."
    elif event == "update":
        # Statuses of others are fetched with a hashtag that is listened to.
        (server.own if data["account"]["id"] == ME else server.tagged).append(data)
        server.stream = ""
    elif event == "status.update":
        first = {**data, "edited_at": None, "content": "<p>As it was before.</p>"}
        before = Server(ME, tagged=[first])
        server.tagged, server.now = [first], {data["id"]: data}
        quiet = (
            "" if data["edited_at"] else "nothing: Mastodon tells of new previews like this, too, and no edit is noted."
        )
    elif event == "delete":
        first = {**PLAIN, "id": str(data)}
        before = Server(ME, tagged=[first])
        server.tagged, server.gone = [first], {str(data)}
    return _recording(name, file, server, before, quiet)


def _frame(event: str, data: Any) -> str:
    return f"event: {event}\ndata: {data if isinstance(data, str) else orjson.dumps(data).decode()}\n\n"


PLAIN = {
    "content": "<p>Soon gone.</p>",
    "visibility": "public",
    "created_at": "2022-08-30T23:00:00.000Z",
    "account": {"id": "42", "acct": "ana", "username": "ana"},
}


def words_of(content: str) -> str:
    """The words of a status without its HTML."""
    lines = re.sub(r"</p>\s*<p[^>]*>", "\n\n", re.sub(r"<br ?/?>", "\n", content))
    return html.unescape(_MARKS.sub("", lines)).strip()
