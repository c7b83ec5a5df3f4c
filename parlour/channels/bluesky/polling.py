"""Asking Bluesky what is new: notifications, the brand's own posts, saved searches, chats; and looking again at what may be gone.

The cursor: ``me`` (whose it is), ``notes``, ``own`` and ``searches`` (places in lists that begin with the newest), ``log`` (place in the
chats' log), ``chat_off`` (until when chats are not asked for, epoch seconds), ``watch`` (the latest posts) and ``turn``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from parlour.channels.bluesky.calls import call, session
from parlour.channels.bluesky.parsing import LOGS, REACTIONS, SPOKEN, framed
from parlour.channels.bluesky.reading import owner
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.social import Page, epoch, lately, mapping, newest_back, saved, sequence
from parlour.lib import clock

PAGE = 50
LOG_PAGES = 10
WATCHED = 200
LOOKED_AT = 24
"""Posts one request names; Bluesky allows 25."""
CHAT_PAUSE = 3600.0
REASONS = [*SPOKEN, *REACTIONS]

_convos: dict[tuple[str, str], Mapping[str, Any]] = {}


class Asking:
    """One poll: the inbox, the cursor as it becomes, and what was found."""

    def __init__(self, inbox: InboxConfig, cursor: dict[str, Any]) -> None:
        self.inbox = inbox
        self.me = session(inbox).did
        self.cursor: dict[str, Any] = {**cursor} if cursor.get("me") == self.me else {"me": self.me}
        self.watch = [one for one in sequence(self.cursor.get("watch")) if owner(one)]
        self.found: list[Split] = []

    def poll(self) -> Poll:
        more, error = False, None
        for ask in (self._notes, self._own, self._searches, self._chats, self._changes):
            try:
                more = ask() or more
            except ChannelError as caught:
                # The others' news is handed over all the same; what was not read is read the next time.
                error = caught
                if caught.kind in (ErrorKind.RATE_LIMITED, ErrorKind.AUTH_EXPIRED):
                    break
        if error is not None and not self.found:
            raise error
        self.cursor["watch"] = list(dict.fromkeys(self.watch))[-WATCHED:]
        return Poll(self.found, self.cursor, more and error is None)

    def _get(self, name: str, *, chat: bool = False, **query: Any) -> Mapping[str, Any]:
        return call(self.inbox, "GET", name, chat=chat, params={key: one for key, one in query.items() if one != ""})

    def _list(self, mark: str, fetch: Callable[[str], Page], *, from_now: bool = False) -> bool:
        place = dict(mapping(self.cursor.get(mark)))
        found, more = newest_back(fetch, place, from_now=from_now, oldest=lately())
        self.cursor[mark] = place
        self.found += found
        return more

    def _notes(self) -> bool:
        def fetch(token: str) -> Page:
            name = "app.bsky.notification.listNotifications"
            told = self._get(name, limit=PAGE, cursor=token, reasons=REASONS)
            items = []
            for one in _dicts(told.get("notifications")):
                if one.get("reason") in SPOKEN and owner(one.get("uri")):
                    self.watch.append(one["uri"])
                items.append((epoch(one.get("indexedAt")), framed("notification", one, self.me)))
            return Page(items, _token(told))

        return self._list("notes", fetch)

    def _own(self) -> bool:
        def fetch(token: str) -> Page:
            told = self._get(
                "app.bsky.feed.getAuthorFeed", actor=self.me, filter="posts_with_replies", limit=PAGE, cursor=token
            )
            return Page([self._fed(one) for one in _dicts(told.get("feed"))], _token(told))

        return self._list("own", fetch)

    def _fed(self, item: dict[str, Any]) -> tuple[float, Split]:
        post, reason = mapping(item.get("post")), mapping(item.get("reason"))
        if reason:
            return epoch(reason.get("indexedAt")), framed("repost", item, self.me)
        if owner(post.get("uri")):
            self.watch.append(post["uri"])
        return epoch(post.get("indexedAt")), framed("post", item, self.me)

    def _searches(self) -> bool:
        more, places = False, dict(mapping(self.cursor.get("searches")))
        wanted = saved(self.inbox.settings.get("search"))
        places = {words: dict(mapping(places[words])) for words in wanted if words in places}
        for wanted_words in wanted:
            place = places.setdefault(wanted_words, {})
            found, rest = newest_back(partial(self._search, wanted_words, "since" in place), place, from_now=True)
            self.cursor["searches"] = places
            self.found += found
            more = more or rest
        return more

    def _search(self, words: str, watch: bool, token: str) -> Page:
        told = self._get("app.bsky.feed.searchPosts", q=words, sort="latest", limit=PAGE, cursor=token)
        items = []
        for post in _dicts(told.get("posts")):
            if mapping(post.get("author")).get("did") != self.me:
                if watch and owner(post.get("uri")):
                    self.watch.append(post["uri"])
                items.append((epoch(post.get("indexedAt")), framed("post", {"post": post}, self.me)))
        return Page(items, _token(told))

    def _chats(self) -> bool:
        off = self.cursor.get("chat_off")
        if isinstance(off, int | float) and off > clock.now().timestamp():
            return False
        self.cursor.pop("chat_off", None)
        try:
            if not isinstance(self.cursor.get("log"), str):
                self._begin_chats()
            return self._log()
        except ChannelError as error:
            if error.kind is not ErrorKind.PERMISSION:
                raise
            # The app password does not reach the chats. The check of the inbox says so; the rest works.
            self.cursor["chat_off"] = clock.now().timestamp() + CHAT_PAUSE
            return False

    def _begin_chats(self) -> None:
        """The log begins at what is newest now; what was not read before comes in by the chats' last messages."""
        told = self._get("chat.bsky.convo.listConvos", chat=True, limit=PAGE)
        revs = [""]
        for convo in reversed(_dicts(told.get("convos"))):
            revs.append(str(convo.get("rev") or ""))
            last, convo_id = mapping(convo.get("lastMessage")), convo.get("id")
            if convo.get("unreadCount") and isinstance(convo_id, str) and isinstance(last.get("text"), str):
                self._keep(convo_id, convo)
                entry = {
                    "$type": f"{LOGS}CreateMessage",
                    "rev": last.get("rev"),
                    "convoId": convo_id,
                    "message": dict(last),
                }
                self.found.append(framed("log", entry, self.me, convo=self._convo(convo_id)))
        self.cursor["log"] = max(revs)

    def _log(self) -> bool:
        for _ in range(LOG_PAGES):
            told = self._get("chat.bsky.convo.getLog", chat=True, cursor=str(self.cursor.get("log") or ""))
            entries = _dicts(told.get("logs"))
            for entry in entries:
                spoken = entry.get("$type") == f"{LOGS}CreateMessage"
                convo = self._convo(str(entry.get("convoId") or "")) if spoken else {}
                self.found.append(framed("log", entry, self.me, **({"convo": convo} if convo else {})))
            following = _token(told)
            if not entries or not following or following == self.cursor.get("log"):
                return False
            self.cursor["log"] = following
        return True

    def _keep(self, convo_id: str, told: Mapping[str, Any]) -> None:
        members = [
            {name: one.get(name) for name in ("did", "handle", "displayName", "avatar", "verification")}
            for one in _dicts(told.get("members"))[:20]
        ]
        if len(_convos) > 5000:
            _convos.clear()
        _convos[self.me, convo_id] = {"id": convo_id, "members": members}

    def _convo(self, convo_id: str) -> Mapping[str, Any]:
        """Who takes part in a chat; empty when Bluesky does not tell."""
        if (self.me, convo_id) not in _convos and convo_id:
            try:
                told = self._get("chat.bsky.convo.getConvo", chat=True, convoId=convo_id)
            except ChannelError as error:
                if error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.TRANSIENT, ErrorKind.AUTH_EXPIRED):
                    raise
                return {}
            self._keep(convo_id, mapping(told.get("convo")))
        return _convos.get((self.me, convo_id), {})

    def _changes(self) -> bool:
        """Whether the latest posts are still there: the newest are asked for always, the others in turn. Edits do not exist."""
        turn = self.cursor.get("turn")
        half = LOOKED_AT // 2
        newest, older = self.watch[-half:], self.watch[:-half]
        turn = turn if isinstance(turn, int) and 0 <= turn < len(older) else 0
        chosen = list(dict.fromkeys([*newest, *older[turn : turn + half]]))
        self.cursor["turn"] = turn + half
        if not chosen:
            return False
        there = {one.get("uri") for one in _dicts(self._get("app.bsky.feed.getPosts", uris=chosen).get("posts"))}
        for uri in chosen:
            if uri not in there:
                self.watch = [one for one in self.watch if one != uri]
                self.found.append(framed("gone", {"uri": uri}, self.me))
        return False


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new since ``cursor``. Raises ChannelError only when there is nothing to hand over."""
    return Asking(inbox, cursor).poll()


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in sequence(value) if isinstance(one, dict)]


def _token(told: Mapping[str, Any]) -> str:
    token = told.get("cursor")
    return token if isinstance(token, str) and len(token) < 1000 else ""
