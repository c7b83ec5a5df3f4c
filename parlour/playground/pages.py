"""What the public and each customer see, as web pages, with forms to write as a customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2

from parlour.playground.director import Director
from parlour.playground.graph_state import FacebookPage, Person, Post
from parlour.playground.postman import Postman
from parlour.playground.standin import StandIn, Words
from parlour.playground.web import Reply, Request, Router, html_reply, see_other
from parlour.playground.x_events import Tweet, User
from parlour.playground.x_state import XPlatform

_HERE = Path(__file__).parent
SHOWN = 40
"""How many posts, chats and messages a page shows; older ones are counted only."""
MAX_WORDS = 4000
SPEEDS = (0.5, 1.0, 2.0, 5.0, 20.0)
_SECURITY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class Pages:
    """Server-rendered pages over the state of the stand-ins; everything a customer wrote is escaped by the templates."""

    def __init__(
        self,
        page: FacebookPage,
        x: XPlatform,
        postman: Postman,
        director: Director | None,
        page_id: str,
        places: Mapping[str, StandIn],
    ) -> None:
        self.places = places
        self.page = page
        self.x = x
        self.postman = postman
        self.director = director
        self.page_id = page_id
        self._guests: dict[str, Person] = {}
        self._accounts: dict[str, User] = {}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["ago"] = self._ago
        self._templates.filters["initials"] = initials
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
            ("POST", "/say", self._say),
            ("POST", "/director", self._direct),
        ):
            self.routes.add(method, pattern, view)
        self._files = {
            "/style.css": ("text/css", (_HERE / "static" / "style.css").read_bytes()),
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
        return self._render("facebook.html", posts=posts[:SHOWN], comments=comments, hidden=hidden, you=_you(request))

    def _messenger(self, request: Request) -> Reply:
        chats = sorted(
            (chat for chat in self.page.chats.values() if chat.lines), key=lambda chat: chat.lines[-1].at, reverse=True
        )
        return self._render("messenger.html", chats=chats[:SHOWN], you=_you(request))

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
        return self._render("x.html", tweets=shown[:SHOWN], replies=replies, you=_you(request))

    def _dms(self, request: Request) -> Reply:
        latest = {(dm.sender if dm.sender is not self.x.brand else dm.recipient).id: dm for dm in self.x.dms}
        rows = sorted(latest.items(), key=lambda row: row[1].at, reverse=True)
        return self._render("dms.html", rows=rows[:SHOWN], you=_you(request))

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
        rows = sorted(talks.items(), key=lambda row: row[1][-1].at, reverse=True)[:SHOWN]
        told = [(person, place.name_of(person), private, lines) for (person, private), lines in rows]
        return self._render("place.html", place=place, brand=self.page.name, talks=told, you=_you(request))

    def _speak(self, request: Request, name: str) -> Reply:
        place, form = self.places.get(name), request.form()
        text = form.get("text", "").strip()[:MAX_WORDS]
        if place is not None and text:
            person = place.person(form.get("name", "").strip()[:60] or "You")
            try:
                place.say(person, text, private=bool(form.get("private")), answers=form.get("answers", ""))
            except KeyError:
                return self._render("lost.html", 404, why="What you wanted to answer is not there any more.")
        return see_other(f"/at/{name}")

    def _say(self, request: Request) -> Reply:
        form = request.form()
        text, back = form.get("text", "").strip()[:MAX_WORDS], form.get("back", "/")
        name = form.get("name", "").strip()[:60] or "You"
        do, on = form.get("do", ""), form.get("on", "")
        if not text and do != "delete":
            return see_other(back)
        try:
            self._do(do, name, text, on)
        except (KeyError, StopIteration):
            return self._render("lost.html", 404, why="What you wanted to answer is not there any more.")
        return see_other(back)

    def _do(self, do: str, name: str, text: str, on: str) -> None:
        """Raises KeyError when what it is about is gone."""
        match do:
            case "post":
                self.page.post(self._guest(name), text)
            case "comment":
                self.page.comment(self._guest(name), text, on)
            case "edit":
                self.page.edit(on, text)
            case "delete":
                self.page.remove(on)
            case "message":
                person = self.page.chats[on].person if on else self._guest(name)
                self.page.message(person, text)
            case "tweet":
                self.x.tweet(self._account(name), text, on)
            case "dm":
                self.x.dm(self.x.users[on] if on else self._account(name), text)
            case _:
                raise KeyError(do)

    def _direct(self, request: Request) -> Reply:
        form = request.form()
        if self.director is not None:
            if form.get("do") in ("pause", "resume"):
                self.director.paused = form["do"] == "pause"
            elif form.get("speed") in {str(speed) for speed in SPEEDS}:
                self.director.hurry(float(form["speed"]))
        return see_other("/")

    def _guest(self, name: str) -> Person:
        if name not in self._guests:
            self._guests[name] = self.page.person(name)
        return self._guests[name]

    def _account(self, name: str) -> User:
        if name not in self._accounts:
            self._accounts[name] = self.x.user(name)
        return self._accounts[name]

    def _ago(self, at: datetime) -> str:
        seconds = int((self.page.clock.now() - at).total_seconds())
        for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{seconds // size} {unit}"
        return "now"


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
