"""Asking a Mastodon server what is new, with gaps filled: ``min_id`` brings what comes right after what was seen.

The cursor: ``base`` and ``me`` (whose it is), ``since`` (last notification), ``own`` (the brand's last status), ``tags`` (hashtag ->
last status), ``roots`` (status -> the status its conversation begins with), ``watch`` (the latest statuses as [id, edited_at, account],
looked at again for edits and deletions, which no list tells of) and ``turn`` (where the next look begins).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.mastodon.calls import account, call, credentials
from parlour.channels.mastodon.parsing import EDITED, REACTIONS, SPOKEN, framed, kind_of
from parlour.channels.mastodon.reading import base_of, ident
from parlour.channels.social import epoch, lately, mapping, saved, sequence

PAGE = 40
ROOTS = 400
WATCHED = 200
LOOKED_AT = 20
"""Statuses one request may name."""
CONTEXTS = 20
"""Conversations looked up in one poll at most; further answers to strangers begin threads of their own."""

_accounts: dict[str, str] = {}
Found = list[tuple[float, Split]]


class Asking:
    """One poll: the inbox, the cursor as it becomes, and what was found."""

    def __init__(self, inbox: InboxConfig, cursor: dict[str, Any]) -> None:
        self.inbox = inbox
        me, base = _me(inbox), base_of(inbox)
        same = cursor.get("base") == base and cursor.get("me") == me
        self.cursor: dict[str, Any] = {**cursor} if same else {"base": base, "me": me}
        self.me = me
        self.roots: dict[str, str] = dict(mapping(self.cursor.get("roots")))
        self.watch: list[list[str]] = [one for one in sequence(self.cursor.get("watch")) if len(sequence(one)) == 3]
        self.found: Found = []
        self.contexts = 0

    def poll(self) -> Poll:
        more = self._notifications()
        error: ChannelError | None = None
        for ask in (self._own, self._tags, self._changes) if not more else ():
            try:
                more = ask() or more
            except ChannelError as caught:
                # The others' news is handed over all the same; what was not read is read the next time.
                error = caught
                break
        if error is not None and not self.found:
            raise error
        self.cursor["roots"] = dict(list(self.roots.items())[-ROOTS:])
        self.cursor["watch"] = self.watch[-WATCHED:]
        self.found.sort(key=lambda one: one[0])
        return Poll([event for _, event in self.found], self.cursor, more)

    def _page(self, path: str, since: str, **query: Any) -> list[dict[str, Any]]:
        """A page of a list, oldest first."""
        asked = {**query, "limit": PAGE, **({"min_id": since} if since else {})}
        told = call(self.inbox, "GET", path, params=asked).body
        return [one for one in reversed(sequence(told)) if isinstance(one, dict)]

    def _fresh(self, page: list[dict[str, Any]], since: str) -> list[dict[str, Any]]:
        """Of a first page, what is not too old for an inbox that is new."""
        begin = 0.0 if since else lately()
        return [one for one in page if epoch(one.get("created_at")) >= begin]

    def _notifications(self) -> bool:
        since = ident(self.cursor.get("since"))
        page = self._page("/api/v1/notifications", since, **{"types[]": [*SPOKEN, *EDITED, *REACTIONS]})
        for told in self._fresh(page, since):
            status = mapping(told.get("status"))
            root = self._root(status) if kind_of(told) in SPOKEN else ""
            if kind_of(told) in SPOKEN:
                self._watched(status)
            self._add(told.get("created_at"), framed("notification", told, me=self.me, root=root))
        return self._seen("since", since, page)

    def _own(self) -> bool:
        since = ident(self.cursor.get("own"))
        page = self._page(f"/api/v1/accounts/{self.me}/statuses", since, exclude_reblogs="true")
        for status in self._fresh(page, since):
            self._spoken(status)
        return self._seen("own", since, page)

    def _tags(self) -> bool:
        """New statuses with the hashtags that are listened to; what was there before is not fetched."""
        more, marks = False, dict(mapping(self.cursor.get("tags")))
        wanted = [tag.lstrip("#").lower() for tag in saved(self.inbox.settings.get("search"))]
        marks = {tag: marks[tag] for tag in wanted if tag in marks}
        for tag in wanted:
            since = ident(marks.get(tag))
            page = self._page(f"/api/v1/timelines/tag/{quote(tag, safe='')}", since)
            if tag in marks:
                for status in page:
                    if mapping(status.get("account")).get("id") != self.me:
                        self._spoken(status)
            marks[tag] = ident(page[-1].get("id")) if page else since or "0"
            more = more or bool(since and len(page) == PAGE)
            self.cursor["tags"] = marks
        return more

    def _changes(self) -> bool:
        """Look again at a few of the latest statuses: the newest always, the others in turn."""
        turn = self.cursor.get("turn")
        turn = turn if isinstance(turn, int) and turn < len(self.watch) else 0
        newest, older = self.watch[-LOOKED_AT // 2 :], self.watch[: -LOOKED_AT // 2]
        chosen = [*newest, *older[turn : turn + LOOKED_AT // 2]]
        self.cursor["turn"] = turn + LOOKED_AT // 2 if turn + LOOKED_AT // 2 < len(older) else 0
        if not chosen or self.cursor.get("looks") is False:
            return False
        try:
            told = call(self.inbox, "GET", "/api/v1/statuses", params={"id[]": [one[0] for one in chosen]}).body
        except ChannelError as error:
            if error.kind not in (ErrorKind.TARGET_DELETED, ErrorKind.INVALID):
                raise
            # Servers before 4.3 cannot be asked so.
            self.cursor["looks"] = False
            return False
        if not isinstance(told, list):
            return False
        now = {one["id"]: one for one in told if isinstance(one, dict) and isinstance(one.get("id"), str)}
        for watched in chosen:
            status, (key, edited, author) = now.get(watched[0]), watched
            if status is None:
                if self._gone(key):
                    self.watch.remove(watched)
                    self._add(None, framed("delete", key, me=self.me, account=author))
            elif (changed := str(status.get("edited_at") or "")) and changed != edited:
                watched[1] = changed[:40]
                self._add(changed, framed("status.update", status, me=self.me))
        return False

    def _gone(self, status: str) -> bool:
        """Whether a status that a list left out is really not there."""
        try:
            call(self.inbox, "GET", f"/api/v1/statuses/{status}")
        except ChannelError as error:
            return error.kind is ErrorKind.TARGET_DELETED
        return False

    def _spoken(self, status: dict[str, Any]) -> None:
        root = self._root(status)
        self._watched(status)
        self._add(status.get("created_at"), framed("update", status, me=self.me, root=root))

    def _seen(self, mark: str, since: str, page: list[dict[str, Any]]) -> bool:
        """Note how far a list was read; whether more of it is to come. The first time, only the newest page is read."""
        self.cursor[mark] = (ident(page[-1].get("id")) if page else "") or since or "0"
        return bool(since and len(page) == PAGE)

    def _watched(self, status: Any) -> None:
        if key := ident(mapping(status).get("id")):
            account = ident(mapping(status.get("account")).get("id"))
            self.watch = [one for one in self.watch if one[0] != key]
            self.watch.append([key, str(status.get("edited_at") or "")[:40], account])

    def _root(self, status: Any) -> str:
        """The status a public conversation begins with, asked for where an answer's own parent is not known."""
        key, parent = ident(status.get("id")), ident(status.get("in_reply_to_id"))
        if not key or status.get("visibility") == "direct":
            return ""
        root = self.roots.get(parent, "") if parent else key
        if not root and self.contexts < CONTEXTS:
            self.contexts += 1
            root = self._ancestor(key)
        self.roots[key] = root or parent
        if parent:
            self.roots.setdefault(parent, root or parent)
        return self.roots[key]

    def _ancestor(self, status: str) -> str:
        try:
            above = mapping(call(self.inbox, "GET", f"/api/v1/statuses/{status}/context").body).get("ancestors")
        except ChannelError:
            return ""
        return ident(mapping(next(iter(sequence(above)), None)).get("id"))

    def _add(self, at: object, event: Split) -> None:
        self.found.append((epoch(at) or float("inf"), event))


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new since ``cursor``, oldest first. Raises ChannelError only when there is nothing to hand over."""
    return Asking(inbox, cursor).poll()


def _me(inbox: InboxConfig) -> str:
    key = credentials(inbox)
    if key not in _accounts:
        _accounts[key] = str(account(inbox)["id"])
    return _accounts[key]
