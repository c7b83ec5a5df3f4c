"""What the public and each customer see, as web pages, with forms to write as a customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import jinja2

from parlour.playground import acting
from parlour.playground.director import Director
from parlour.playground.graph_state import FacebookPage, Post
from parlour.playground.postman import Postman
from parlour.playground.shelf import Shelf
from parlour.playground.standin import StandIn, Unable, Words
from parlour.playground.web import Reply, Request, Router, html_reply, see_other
from parlour.playground.x_events import Tweet
from parlour.playground.x_state import XPlatform

_HERE = Path(__file__).parent
SHOWN = 40
"""How many posts, chats and messages a page shows; older ones are counted only."""
SPEEDS = (0.5, 1.0, 2.0, 5.0, 20.0)
_SECURITY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class Looks(Protocol):
    """When the desk asks a platform what is new."""

    def left(self, place: StandIn) -> int | None: ...

    def soon(self, place: StandIn) -> None: ...


@dataclass(frozen=True, slots=True)
class Talk:
    """What one customer and the brand say at a place, in public or in private."""

    person: str
    name: str
    private: bool
    lines: list[Words]


class Pages:
    """Server-rendered pages over the state of the stand-ins; everything a customer wrote is escaped by the templates."""

    def __init__(
        self,
        page: FacebookPage,
        x: XPlatform,
        postman: Postman,
        director: Director | None,
        places: Mapping[str, StandIn],
        shelf: Shelf,
    ) -> None:
        self.places = places
        self.page = page
        self.x = x
        self.postman = postman
        self.director = director
        self.shelf = shelf
        self.acting = acting.Acting(page, x)
        self.looks: Looks | None = None
        """When the desk looks at what must be asked; None where no desk is known."""
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["ago"] = self._ago
        self._templates.filters["initials"] = initials
        self._templates.filters["size"] = size
        self._templates.filters["hue"] = lambda name: sum(map(ord, name)) % 6
        self.routes = Router()
        for method, pattern, view in (
            ("GET", "/", self._overview),
            ("GET", "/facebook", self._facebook),
            ("GET", "/messenger", self._messenger),
            ("GET", "/messenger/{psid}", self._chat),
            ("GET", "/x", self._x),
            ("GET", "/x/dm", self._dms),
            ("GET", "/x/dm/{user_id}", self._dm),
            ("GET", "/at/{name}", self._place),
            ("POST", "/at/{name}", self._speak),
            ("POST", "/look/{name}", self._look),
            ("GET", "/file/{file_id}/{name}", self._file),
            ("POST", "/say", self._say),
            ("POST", "/director", self._direct),
        ):
            self.routes.add(method, pattern, view)
        self._files = {
            "/style.css": ("text/css", (_HERE / "static" / "style.css").read_bytes()),
            "/icon.svg": ("image/svg+xml", (_HERE / "static" / "icon.svg").read_bytes()),
            "/live.js": ("text/javascript", (_HERE / "static" / "live.js").read_bytes()),
        }

    def handle(self, request: Request) -> Reply:
        """Answer a request for a page."""
        if request.method == "GET" and request.path in self._files:
            kind, content = self._files[request.path]
            return Reply(200, content, {"content-type": f"{kind}; charset=utf-8", "cache-control": "max-age=60"})
        if request.method == "POST" and not _same_site(request):
            return self._render("lost.html", 403, why="This form was sent from another site.")
        found = self.routes.find("GET" if request.method == "HEAD" else request.method, request.path)
        if found is None:
            return self._render("lost.html", 404, why="There is no such page.")
        reply: Reply = found[0](request, **found[1])
        return reply

    def _render(self, template: str, status: int = 200, **values: Any) -> Reply:
        text = self._templates.get_template(template).render(
            page=self.page,
            x=self.x,
            director=self.director,
            places=self.places,
            speeds=SPEEDS,
            shown=SHOWN,
            **values,
        )
        reply = html_reply(text, status)
        reply.headers.update(_SECURITY)
        return reply

    def _overview(self, request: Request) -> Reply:
        chats = [chat for chat in self.page.chats.values() if chat.lines]
        recent = sorted(
            [
                *(("Facebook", "/facebook", post.author, post.text, post.at) for post in self._latest_posts()),
                *(("Messenger", f"/messenger/{chat.person.psid}", chat.person, line.text, line.at)
                  for chat in chats for line in chat.lines[-2:] if not line.from_page),
                *(("X", "/x", tweet.author, tweet.text, tweet.at)
                  for tweet in list(self.x.tweets.values())[-SHOWN:] if tweet.author is not self.x.brand and not tweet.removed),
                *(("X message", f"/x/dm/{dm.sender.id}", dm.sender, dm.text, dm.at)
                  for dm in self.x.dms[-SHOWN:] if dm.sender is not self.x.brand),
                *((place.label, f"/at/{place.name}", words, words.text, words.at)
                  for place in self.places.values() for words in list(place.words.values())[-SHOWN:] if not words.by_brand),
            ],
            key=lambda told: told[4],
            reverse=True,
        )  # fmt: skip
        return self._render(
            "overview.html",
            targets=self.postman.targets.values(),
            postman=self.postman,
            recent=recent[:12],
            counts=self._counts(chats),
        )

    def _counts(self, chats: list[Any]) -> dict[str, int]:
        posts = self.page.posts.values()
        return {
            "posts": sum(post.author is not None for post in posts),
            "answers": len(self.page.answers),
            "chats": len(chats),
            "sent": len(self.page.sent),
            "tweets": sum(tweet.author is not self.x.brand for tweet in self.x.tweets.values()),
            "replies": len(self.x.sent_tweets),
            "conversations": len({dm.conversation_id for dm in self.x.dms}),
            "dms": len(self.x.sent_dms),
        }

    def _latest_posts(self) -> list[Post]:
        return [
            post for post in list(self.page.posts.values())[-SHOWN:] if post.author is not None and not post.removed
        ]

    def _facebook(self, request: Request) -> Reply:
        comments: dict[str, list[Post]] = {}
        hidden = 0
        for post in self.page.posts.values():
            if post.kind == "comment" and not post.removed:
                hidden += post.hidden
                comments.setdefault(post.parent_id, []).append(post)
        posts = [post for post in reversed(self.page.posts.values()) if post.kind == "post" and not post.removed]
        posts.sort(key=lambda post: _latest(post, comments), reverse=True)
        return self._render(
            "facebook.html",
            posts=posts[:SHOWN],
            comments=comments,
            hidden=hidden,
            people=self._people(),
            you=_you(request),
        )

    def _messenger(self, request: Request) -> Reply:
        chats = sorted(
            (chat for chat in self.page.chats.values() if chat.lines), key=lambda chat: chat.lines[-1].at, reverse=True
        )
        return self._render("messenger.html", chats=chats[:SHOWN], people=self._people(), you=_you(request))

    def _chat(self, request: Request, psid: str) -> Reply:
        chat = self.page.chats.get(psid)
        if chat is None:
            return self._render("lost.html", 404, why="Nobody with this id has written to the Page since the start.")
        about = {line.about: self.page.posts.get(line.about) for line in chat.lines if line.about}
        return self._render("chat.html", chat=chat, about=about, now=self.page.clock.now())

    def _x(self, request: Request) -> Reply:
        replies: dict[str, list[Tweet]] = {}
        for tweet in self.x.tweets.values():
            if not tweet.removed and tweet.conversation_id != tweet.id:
                replies.setdefault(tweet.conversation_id, []).append(tweet)
        shown = [tweet for tweet in self.x.tweets.values() if not tweet.removed and not tweet.reply_to]
        shown.sort(key=lambda tweet: max(tweet.at, *(one.at for one in replies.get(tweet.id, [tweet]))), reverse=True)
        accounts = self._accounts()
        return self._render("x.html", tweets=shown[:SHOWN], replies=replies, people=accounts, you=_you(request))

    def _dms(self, request: Request) -> Reply:
        latest = {(dm.sender if dm.sender is not self.x.brand else dm.recipient).id: dm for dm in self.x.dms}
        rows = sorted(latest.items(), key=lambda row: row[1].at, reverse=True)
        return self._render("dms.html", rows=rows[:SHOWN], people=self._accounts(), you=_you(request))

    def _people(self) -> list[str]:
        """Names of those who are on Facebook, the latest first."""
        return list(dict.fromkeys(one.name for one in reversed(self.page.people.values())))[:SHOWN]

    def _accounts(self) -> list[str]:
        others = (one.name for one in reversed(self.x.users.values()) if one is not self.x.brand)
        return list(dict.fromkeys(others))[:SHOWN]

    def _dm(self, request: Request, user_id: str) -> Reply:
        user = self.x.users.get(user_id)
        if user is None or user is self.x.brand:
            return self._render("lost.html", 404, why="Nobody with this id has written since the start.")
        return self._render("dm.html", user=user, dms=self.x.conversation(user)[-200:])

    def _place(self, request: Request, name: str) -> Reply:
        place = self.places.get(name)
        if place is None:
            return self._render("lost.html", 404, why="There is no such platform here.")
        talks: dict[tuple[str, bool], list[Words]] = {}
        for words in place.words.values():
            talks.setdefault((words.person, words.private), []).append(words)
        told = [Talk(person, place.name_of(person), private, lines) for (person, private), lines in talks.items()]
        told.sort(key=lambda talk: talk.lines[-1].at, reverse=True)
        sides = [private for private in (False, True) if (place.private if private else place.public)]
        return self._render(
            "place.html",
            place=place,
            brand=self.page.name,
            sides=[(private, [one for one in told if one.private == private][:SHOWN]) for private in sides],
            people=list(reversed(place.people))[:SHOWN],
            look=self.looks.left(place) if self.looks else None,
            you=_you(request),
        )

    def _speak(self, request: Request, name: str) -> Reply:
        place = self.places.get(name)
        if place is None:
            return self._render("lost.html", 404, why="There is no such platform here.")
        form = acting.read(request, self.shelf)
        return self._done(form, f"/at/{name}", lambda: self.acting.at(place, form))

    def _say(self, request: Request) -> Reply:
        form = acting.read(request, self.shelf)
        return self._done(form, form.fields.get("back", "/"), lambda: self.acting.older(form))

    def _done(self, form: acting.Form, back: str, work: Callable[[], None]) -> Reply:
        """Do what a form wants, then show the page it was on. What cannot be done is said, with the words that were typed."""
        try:
            work()
        except (KeyError, StopIteration):
            return self._render("lost.html", 404, why=acting.MISSED, typed=form.text)
        except Unable as error:
            return self._render("lost.html", 400, why=str(error), typed=form.text)
        return see_other(back)

    def _look(self, request: Request, name: str) -> Reply:
        place = self.places.get(name)
        if place is not None and self.looks is not None:
            self.looks.soon(place)
        return see_other(f"/at/{name}")

    def _file(self, request: Request, file_id: str, name: str) -> Reply:
        """A file somebody sent; only pictures are shown in place, and nothing in it can act."""
        file = self.shelf.get(file_id)
        if file is None:
            return self._render("lost.html", 404, why="This file is not kept any more.")
        shown = "inline" if file.is_picture else f"attachment; filename*=utf-8''{quote(file.name, safe='')}"
        headers = {"content-type": file.mime, "content-disposition": shown, "cache-control": "private, max-age=3600"}
        safe = {"content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff"}
        return Reply(200, file.content, {**headers, **safe})

    def _direct(self, request: Request) -> Reply:
        form = request.form()
        if self.director is not None:
            if form.get("do") in ("pause", "resume"):
                self.director.paused = form["do"] == "pause"
            elif form.get("speed") in {str(speed) for speed in SPEEDS}:
                self.director.hurry(float(form["speed"]))
        return see_other("/")

    def _ago(self, at: datetime) -> str:
        seconds = int((self.page.clock.now() - at).total_seconds())
        for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{seconds // size} {unit}"
        return "now"


def size(count: int) -> str:
    """Bytes, as people say it."""
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{max(1, round(count / 1000))} KB"


def initials(name: str) -> str:
    """Up to two letters for a face."""
    return "".join(part[0] for part in name.split()[:2]).upper()


def _latest(post: Post, comments: dict[str, list[Post]]) -> datetime:
    """When something was last said under a post."""
    under = comments.get(post.id, [])
    return max([post.at, *(one.at for one in under), *(two.at for one in under for two in comments.get(one.id, []))])


def _you(request: Request) -> str:
    """The name the form offers: what was typed last time, kept in the address."""
    return request.query.get("as", "")[:60] or "You"


def _same_site(request: Request) -> bool:
    """Whether a form was sent from a page of ours: other sites must not make customers speak."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin).netloc == request.headers.get("host", "")
