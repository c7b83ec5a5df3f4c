"""What a Facebook Page and its Messenger hold: posts, comments, chats, and what customers do with them.

Customers act through the verbs of ``FacebookPage``; the brand acts through the Graph API (``graph.py``), which calls the
``page_…`` verbs. Every verb changes the state and hands the platform's webhooks to the postman.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from parlour.playground import graph_events as events
from parlour.playground.graph_files import Upload
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.shelf import File, Shelf

Mail = Callable[[str, dict[str, Any], float], None]
"""Target, payload, delay in seconds."""

MAX_COMMENT = 8000
MAX_MESSAGE = 2000
PAGE_INBOX_APP = 263902037430900


@dataclass(slots=True)
class Person:
    """A customer: ``id`` is what the public sees, ``psid`` what Messenger says; only a private reply links the two."""

    id: str
    psid: str
    name: str


@dataclass(slots=True)
class Post:
    """A post or a comment. A comment's id is ``<post>_<comment>``, a post's ``<page>_<post>``."""

    id: str
    kind: Literal["post", "comment"]
    post_id: str
    parent_id: str
    author: Person | None
    """None when the Page wrote it."""
    text: str
    at: datetime
    edited_at: datetime | None = None
    hidden: bool = False
    removed: bool = False
    liked: bool = False
    photo: File | None = None
    """The photo it shows."""
    private_reply: str = ""
    """The mid of the one private reply it may get."""


@dataclass(slots=True)
class Line:
    """One message of a chat."""

    mid: str
    from_page: bool
    text: str
    at: datetime
    metadata: str = ""
    about: str = ""
    """The post or comment it privately replies to."""
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    edits: int = 0
    files: tuple[File, ...] = ()
    choices: tuple[str, ...] = ()
    chosen: str = ""
    """Which of the choices the customer has pressed last."""


@dataclass(slots=True)
class Chat:
    """What one customer and the Page say in private."""

    person: Person
    lines: list[Line] = field(default_factory=list)
    last_inbound_at: datetime | None = None
    blocked: bool = False
    seen_at: datetime | None = None
    typing: bool = False


@dataclass(frozen=True, slots=True)
class BrandSpoke:
    """The brand said something to a customer: for whoever plays the customers."""

    platform: str
    private: bool
    person_id: str
    external_id: str
    text: str


@dataclass(slots=True)
class FacebookPage:
    """One Page and everything on it."""

    page_id: str
    name: str
    ids: Ids
    clock: PlatformClock
    mail: Mail
    app_id: int = 1517776481860111
    delivered_after: float = 0.6
    read_after: float = 3.0
    people: dict[str, Person] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    """Posts and comments by id, oldest first."""
    chats: dict[str, Chat] = field(default_factory=dict)
    sent: list[Line] = field(default_factory=list)
    """Everything the Page said in private, in order."""
    answers: list[Post] = field(default_factory=list)
    """Every comment of the Page, in order."""
    listeners: list[Callable[[BrandSpoke], None]] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)
    names_authors: bool = True
    """Whether webhooks about the feed say who wrote: Meta leaves ``from`` out for apps without the permission."""

    # What customers do.

    def person(self, name: str) -> Person:
        """A new customer of that name."""
        person = Person(id=self.ids.meta(), psid=self.ids.meta(), name=name)
        self.people[person.id] = person
        self.chats[person.psid] = Chat(person)
        return person

    def post(self, person: Person | None, text: str, photo: File | None = None) -> Post:
        """A visitor's post, or the Page's own (None)."""
        post_id = f"{self.page_id}_{self.ids.meta()}"
        post = Post(post_id, "post", post_id, "", person, text, self.clock.now(), photo=photo)
        self.posts[post.id] = post
        self._tell(post, "add", text)
        return post

    def comment(
        self, person: Person | None, text: str, on: str, photo: File | None = None, *, told: bool = True
    ) -> Post:
        """A comment on a post, or a reply to a comment; ``told`` False: from before the desk was connected. Raises KeyError when
        ``on`` is not there any more."""
        parent = self.posts[on]
        if parent.removed:
            raise KeyError(on)
        comment_id = f"{parent.post_id.partition('_')[2]}_{self.ids.meta()}"
        comment = Post(comment_id, "comment", parent.post_id, parent.id, person, text, self.clock.now())
        comment.photo = photo
        self.posts[comment.id] = comment
        if told:
            self._tell(comment, "add", text)
        return comment

    def edit(self, item_id: str, text: str) -> Post:
        item = self.posts[item_id]
        item.text, item.edited_at = text, self.clock.now()
        self._tell(item, "edited", text)
        return item

    def remove(self, item_id: str) -> Post:
        """Take a post or comment away, and with it what was said under it."""
        item = self.posts[item_id]
        item.removed = True
        for other in self.posts.values():
            if item_id in (other.parent_id, other.post_id):
                other.removed = True
        self._tell(item, "remove", None)
        return item

    def message(
        self,
        person: Person,
        text: str,
        reply_to: str = "",
        attachments: tuple[dict[str, Any], ...] = (),
        *,
        files: tuple[File, ...] = (),
        payload: str = "",
        standby: bool = False,
    ) -> Line:
        """Something said to the Page in private; opens the 24 hours for an answer. ``attachments`` are in Meta's own shape, ``payload``
        is that of a pressed quick reply. ``standby``: another app has the conversation, ours may only listen."""
        now = self.clock.now()
        line = Line(self._mid(), False, text, now, files=files)
        attachments += tuple({"type": one.kind, "payload": {"url": self.shelf.url(one)}} for one in files)
        chat = self.chats[person.psid]
        chat.lines.append(line)
        chat.last_inbound_at = now
        event = events.text_message(person.psid, self.page_id, now, line.mid, text, reply_to)
        if attachments:
            event["message"]["attachments"] = list(attachments)
            if not text:
                del event["message"]["text"]
        if payload:
            event["message"]["quick_reply"] = {"payload": payload}
        self._tell_chat(event, where="standby" if standby else "messaging")
        return line

    def choose(self, psid: str, mid: str, choice: str) -> Line:
        """A customer presses a quick reply. Raises KeyError when it is not there."""
        chat = self.chats[psid]
        line = next((one for one in chat.lines if one.mid == mid and one.from_page and choice in one.choices), None)
        if line is None:
            raise KeyError(choice)
        line.chosen = choice
        return self.message(chat.person, choice, payload=choice)

    def edit_message(self, person: Person, mid: str, text: str) -> Line:
        line = next(line for line in self.chats[person.psid].lines if line.mid == mid)
        line.text, line.edits = text, line.edits + 1
        self._tell_chat(events.message_edit(person.psid, self.page_id, self.clock.now(), mid, text, line.edits))
        return line

    def react(self, person: Person, mid: str, emoji: str = "❤") -> None:
        self._tell_chat(events.reaction(person.psid, self.page_id, self.clock.now(), mid, emoji))

    # What the brand does.

    def page_comment(self, text: str, on: str, photo: File | None = None) -> Post:
        """The Page answers in public."""
        target = self.posts[on]
        comment = self.comment(None, text, on, photo)
        self.answers.append(comment)
        if target.author is not None:
            self._spoke(BrandSpoke("facebook", False, target.author.id, comment.id, text))
        return comment

    def page_message(
        self,
        chat: Chat,
        text: str,
        *,
        metadata: str = "",
        about: str = "",
        app_id: int | None = None,
        file: Upload | None = None,
        choices: tuple[str, ...] = (),
    ) -> Line:
        """The Page says something in private; the echo, the delivery and the reading follow by webhook."""
        now = self.clock.now()
        line = Line(self._mid(), True, text, now, metadata, about)
        kept = self.shelf.put(file.name, file.mime, file.content) if file else None
        line.files, line.choices = (kept,) if kept else (), choices
        line.delivered_at = now + timedelta(seconds=self.delivered_after)
        line.read_at = now + timedelta(seconds=self.read_after)
        chat.lines.append(line)
        self.sent.append(line)
        psid = chat.person.psid
        echo = events.message_echo(psid, self.page_id, now, line.mid, text, app_id or self.app_id, metadata)
        if file is not None and kept is not None:
            echo["message"]["attachments"] = [{"type": file.kind, "payload": {"url": self.shelf.url(kept)}}]
            del echo["message"]["text"]
        self._tell_chat(echo)
        with_mids = [line.mid] if len(self.sent) % 3 else []
        self._tell_chat(events.delivered(psid, self.page_id, now, with_mids), self.delivered_after)
        self._tell_chat(events.read(psid, self.page_id, line.read_at, now), self.read_after)
        self._spoke(BrandSpoke("messenger", True, chat.person.id, line.mid, text))
        return line

    def page_hide(self, item: Post, hidden: bool) -> None:
        if item.hidden != hidden:
            item.hidden = hidden
            self._tell(item, "hide" if hidden else "unhide", item.text)

    def adopt(self, item_id: str) -> Post | None:
        """Make an object of an earlier run known again, so that a desk that remembers more than we do can answer it."""
        first, mark, second = item_id.partition("_")
        if not (mark and first.isdigit() and second.isdigit()):
            return None
        own = item_id if first == self.page_id else f"{self.page_id}_{first}"
        if own not in self.posts:
            words = "An earlier post: the playground was restarted since and remembers no words."
            self.posts[own] = Post(own, "post", own, "", None, words, self.clock.now())
        if item_id != own:
            lost = Person(self.ids.meta(), self.ids.meta(), "Earlier customer")
            self.people[lost.id], self.chats[lost.psid] = lost, Chat(lost)
            words = "An earlier comment, from before the restart."
            self.posts[item_id] = Post(item_id, "comment", own, own, lost, words, self.clock.now())
        return self.posts[item_id]

    def adopt_chat(self, psid: str) -> Chat | None:
        """As ``adopt``, for somebody who wrote in private before the restart."""
        if not (psid.isdigit() and 10 <= len(psid) <= 20):
            return None
        person = Person(self.ids.meta(), psid, "Earlier customer")
        self.people[person.id] = person
        self.chats[psid] = Chat(person, last_inbound_at=self.clock.now())
        return self.chats[psid]

    def _mid(self) -> str:
        return f"m_{self.ids.meta()}"

    def _tell(self, item: Post, verb: str, text: str | None) -> None:
        author = (item.author.id, item.author.name) if item.author else (self.page_id, self.name)
        at = self.clock.now()
        if item.kind == "post":
            own = item.author is None
            value = events.post_value(verb=verb, author=author, post_id=item.id, at=at, text=text, own=own)
            if item.photo and verb != "remove":
                value |= {"item": "photo", "link": self.shelf.url(item.photo)}
        else:
            value = events.comment_value(
                verb=verb,
                author=author,
                post_id=item.post_id,
                comment_id=item.id,
                parent_id=item.parent_id,
                at=at,
                text=text,
            )
            if item.photo and verb != "remove":
                value["photo"] = self.shelf.url(item.photo)
        if not self.names_authors and item.author is not None:
            del value["from"]
        self.mail("facebook", events.feed(self.page_id, at, value), 0.0)

    def _tell_chat(self, event: dict[str, Any], delay: float = 0.0, where: str = "messaging") -> None:
        at = self.clock.now() + timedelta(seconds=delay)
        self.mail("messenger", events.messaging(self.page_id, at, event, where), delay)

    def _spoke(self, spoke: BrandSpoke) -> None:
        for listener in self.listeners:
            listener(spoke)
