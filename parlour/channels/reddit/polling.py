"""Asking Reddit what is new: the inbox, the brand's own comments, subreddits and searches that are listened to, modmail; and looking
again at what may have been edited, removed or deleted.

The cursor: ``me`` (whose it is), a place for each list that begins with the newest (``inbox``, ``own``, ``comments``, ``posts``,
``searches``, ``modmail``), ``inbox_path`` (which list of the inbox the account may read), ``watch`` (the latest things as
[name, edited, state]) and ``turn``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.reddit.calls import call, name_of
from parlour.channels.reddit.parsing import framed
from parlour.channels.reddit.reading import CONVERSATION, THING, children, parent_of, state
from parlour.channels.social import OVERLAP_SECONDS, Page, epoch, lately, mapping, newest_back, saved, sequence
from parlour.lib import clock

PAGE = 100
CONVERSATIONS = 25
WATCHED = 300
LOOKED_AT = 100
"""Things one request names."""
INBOXES = ("/message/inbox", "/message/unread")

Keep = Callable[[Mapping[str, Any]], bool]


class Asking:
    """One poll: the inbox, the cursor as it becomes, and what was found."""

    def __init__(self, inbox: InboxConfig, cursor: dict[str, Any]) -> None:
        self.inbox = inbox
        self.me = name_of(inbox)
        self.cursor: dict[str, Any] = {**cursor} if cursor.get("me") == self.me else {"me": self.me}
        watched = [one for one in sequence(self.cursor.get("watch")) if len(sequence(one)) == 3]
        self.watch: dict[str, list[str]] = {str(one[0]): [str(part) for part in one] for one in watched}
        self.found: list[Split] = []

    def poll(self) -> Poll:
        more, error = False, None
        for ask in (self._inbox, self._modmail, self._own, self._subreddits, self._searches, self._changes):
            try:
                more = ask() or more
            except ChannelError as caught:
                # The others' news is handed over all the same; what was not read is read the next time.
                error = caught
                if caught.kind in (ErrorKind.RATE_LIMITED, ErrorKind.AUTH_EXPIRED):
                    break
        if error is not None and not self.found:
            raise error
        self.cursor["watch"] = list(self.watch.values())[-WATCHED:]
        return Poll(self.found, self.cursor, more and error is None)

    def _list(self, mark: str, fetch: Callable[[str], Page], *, from_now: bool = False) -> bool:
        place = dict(mapping(self.cursor.get(mark)))
        found, more = newest_back(fetch, place, from_now=from_now, oldest=lately())
        self.cursor[mark] = place
        self.found += found
        return more

    def _page(self, path: str, token: str, *, keep: Keep | None = None, watch: bool = True, **query: Any) -> Page:
        """A page of a listing. What is not to be kept stays in it without a word: the list's order is needed."""
        told = call(self.inbox, "GET", path, query={**query, "limit": PAGE, **({"after": token} if token else {})}).body
        things = children(told)
        parents = (
            self._parents([one["data"] for one in things if self._mine(one["data"])])
            if path.startswith("/user/")
            else {}
        )
        items = []
        for thing in things:
            data = thing["data"]
            if keep is None or keep(data):
                known = {"parent": {"author": parents[one]}} if (one := parent_of(data)) in parents else {}
                if watch:
                    self._watched(thing)
                items.append(
                    (epoch(data.get("created_utc")), framed("thing", str(thing.get("kind")), data, self.me, **known))
                )
        following = mapping(mapping(told).get("data")).get("after")
        return Page(items, following if isinstance(following, str) and len(following) < 100 else "")

    def _mine(self, data: Mapping[str, Any]) -> bool:
        return str(data.get("author") or "").lower() == self.me.lower()

    def _others(self, data: Mapping[str, Any]) -> bool:
        return not self._mine(data)

    def _parents(self, comments: list[dict[str, Any]]) -> dict[str, str]:
        """Who wrote what the brand's new comments answer: lists do not tell."""
        since = epoch(mapping(self.cursor.get("own")).get("since")) - OVERLAP_SECONDS
        wanted = [
            parent_of(one)
            for one in comments
            if epoch(one.get("created_utc")) > since and one.get("name") not in self.watch
        ]
        told = self._info(list(dict.fromkeys(filter(None, wanted)))[:LOOKED_AT])
        return {name: str(thing["data"].get("author") or "") for name, thing in told.items()}

    def _info(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Things as they are now, by their names."""
        if not names:
            return {}
        told = children(call(self.inbox, "GET", "/api/info", query={"id": ",".join(names)}).body)
        return {str(one["data"].get("name")): one for one in told}

    def _watched(self, thing: Mapping[str, Any]) -> None:
        data, kind = mapping(thing.get("data")), thing.get("kind")
        name = data.get("name")
        if kind in ("t1", "t3") and isinstance(name, str) and THING.fullmatch(name) and name not in self.watch:
            self.watch[name] = [name, str(data.get("edited") or ""), state(kind, data)]

    def _inbox(self) -> bool:
        known = self.cursor.get("inbox_path")
        for one in sorted(INBOXES, key=lambda path: path != known):
            try:
                more = self._list("inbox", partial(self._page, one))
            except ChannelError as caught:
                # Reddit has taken lists of the inbox away before: the other one is left, then.
                if caught.kind not in (ErrorKind.TARGET_DELETED, ErrorKind.PERMISSION):
                    raise
                error = caught
                continue
            self.cursor["inbox_path"] = one
            return more
        raise error

    def _own(self) -> bool:
        path = f"/user/{quote(self.me, safe='')}/comments"
        return self._list("own", partial(self._page, path, sort="new"))

    def _subreddits(self) -> bool:
        subreddits = "+".join(saved(self.inbox.settings.get("subreddits")))
        if not subreddits:
            return False
        more = False
        for mark, path in (("comments", f"/r/{subreddits}/comments"), ("posts", f"/r/{subreddits}/new")):
            fetch = partial(self._page, path, keep=self._others, watch="since" in mapping(self.cursor.get(mark)))
            more = self._list(mark, fetch, from_now=True) or more
        return more

    def _searches(self) -> bool:
        more, places = False, dict(mapping(self.cursor.get("searches")))
        wanted = saved(self.inbox.settings.get("search"), 10)
        places = {one: dict(mapping(places[one])) for one in wanted if one in places}
        for one in wanted:
            place = places.setdefault(one, {})
            asked = {"q": one, "sort": "new", "type": "link"}
            fetch = partial(self._page, "/search", keep=self._others, watch="since" in place, **asked)
            found, rest = newest_back(fetch, place, from_now=True)
            self.cursor["searches"] = places
            self.found += found
            more = more or rest
        return more

    def _modmail(self) -> bool:
        subreddits = saved(self.inbox.settings.get("modmail"))
        if not subreddits:
            return False
        place = mapping(self.cursor.get("modmail"))
        begin = epoch(place.get("since")) - OVERLAP_SECONDS if "since" in place else lately()

        def fetch(token: str) -> Page:
            query = {"entity": ",".join(subreddits), "sort": "recent", "state": "all", "limit": CONVERSATIONS}
            told = mapping(
                call(
                    self.inbox, "GET", "/api/mod/conversations", query={**query, **({"after": token} if token else {})}
                ).body
            )
            conversations = mapping(told.get("conversations"))
            order = [
                one
                for one in sequence(told.get("conversationIds"))
                if isinstance(one, str) and CONVERSATION.fullmatch(one)
            ]
            items: list[tuple[float, Split]] = []
            for number in order:
                conversation = mapping(conversations.get(number))
                at = epoch(conversation.get("lastUpdated"))
                if at >= begin:
                    items += self._conversation(number, begin)
                else:
                    items.append((at, framed("modmail", "conversation", {}, self.me)))
            return Page(items, order[-1] if len(order) == CONVERSATIONS else "")

        return self._list("modmail", fetch)

    def _conversation(self, number: str, since: float) -> list[tuple[float, Split]]:
        """The messages of one conversation that are not older than ``since``, newest first."""
        told = mapping(call(self.inbox, "GET", f"/api/mod/conversations/{number}", query={"markRead": "false"}).body)
        conversation = {**mapping(told.get("conversation")), "id": number}
        messages = [one for one in mapping(told.get("messages")).values() if isinstance(one, dict)]
        found = [
            (epoch(one.get("date")), framed("modmail", "message", one, self.me, conversation=conversation))
            for one in messages
        ]
        return sorted((one for one in found if one[0] >= since), key=lambda one: one[0], reverse=True)

    def _changes(self) -> bool:
        """Look again at the latest things: the newest always, the others in turn."""
        names, half = list(self.watch), LOOKED_AT // 2
        older, turn = names[:-half], self.cursor.get("turn")
        turn = turn if isinstance(turn, int) and 0 <= turn < len(older) else 0
        self.cursor["turn"] = turn + half
        told = self._info([*names[-half:], *older[turn : turn + half]])
        at = int(clock.now().timestamp())
        for name, thing in told.items():
            data, kind = thing["data"], str(thing.get("kind"))
            if (known := self.watch.get(name)) is None:
                continue
            now, edited = state(kind, data), str(data.get("edited") or "")
            if now != known[2]:
                event = now or "restored"
                self.found.append(framed(event, kind, data, self.me, at=at))
                known[2] = now
            if edited != known[1] and not now:
                self.found.append(framed("edited", kind, data, self.me))
                known[1] = edited
            if now == "gone":
                del self.watch[name]
        return False


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new since ``cursor``. Raises ChannelError only when there is nothing to hand over."""
    return Asking(inbox, cursor).poll()
