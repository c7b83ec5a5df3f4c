"""Reddit for the brand's account: inbox, a subreddit of its own with modmail, search, and errors inside answers of 200."""

from __future__ import annotations

import base64
import re
from typing import Any

from parlour.playground.places.reddit.scenes import SCENES
from parlour.playground.places.reddit.state import Mail, Thing, listing, page
from parlour.playground.polled import PolledPlace, Refusal
from parlour.playground.shelf import File
from parlour.playground.standin import Unable, Words
from parlour.playground.web import Reply, Request, json_reply

CLIENT, SECRET, PASSWORD = "luma-client", "luma-client-secret", "luma-reddit-password"
BRAND, HOME = "LumaHelp", "luma"
_SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Said(Exception):
    """An error inside an answer of 200."""

    def __init__(self, code: str, words: str, field: str = "") -> None:
        super().__init__(words)
        self.errors = [[code, words, field]]


class Reddit(PolledPlace):
    name = "reddit"
    label = "Reddit"
    channels = ("reddit",)
    files_public = True
    how = f"Posts and comments in r/{HOME} are read by everybody, mail to its moderators by the customer and the brand."
    scenes = SCENES

    def prepare(self) -> None:
        self._number = int(self.clock.now().timestamp() * 1000)
        self.things: dict[str, Thing] = {}
        self.mails: dict[str, Mail] = {}
        self.inbox: list[tuple[Thing | dict[str, Any], str]] = []
        self.token = ""
        self.sign_ins = 0
        self.unreachable: set[str] = set()
        """Who takes no private messages."""
        self.inbox_gone = False
        """Reddit has taken the list of the whole inbox away."""
        self.wait = ""
        """Words of the limit on writing that is in force."""
        for method, path, work in (
            ("POST", "/api/v1/access_token", self._sign_in),
            ("GET", "/api/v1/me", self._me),
            ("GET", "/api/info", self._info),
            ("GET", "/message/inbox", self._inbox),
            ("GET", "/message/unread", self._inbox),
            ("GET", "/user/{name}/comments", self._comments_of),
            ("GET", "/user/{name}/about", self._about),
            ("GET", "/r/{subreddits}/comments", self._comments_in),
            ("GET", "/r/{subreddits}/new", self._new_in),
            ("GET", "/search", self._search),
            ("POST", "/api/comment", self._comment),
            ("POST", "/api/compose", self._compose),
            ("POST", "/api/del", self._del),
            ("POST", "/api/remove", self._remove),
            ("POST", "/api/approve", self._approve),
            ("GET", "/api/mod/conversations", self._conversations),
            ("POST", "/api/mod/conversations", self._begin),
            ("GET", "/api/mod/conversations/{key}", self._conversation),
            ("POST", "/api/mod/conversations/{key}", self._answer),
        ):
            self.routes.add(method, path, work)

    def settings(self, channel: str, address: str) -> dict[str, str]:
        kept = self.kept.get("reddit", {})
        return {
            "username": BRAND,
            "client_id": CLIENT,
            "client_secret": kept.get("client_secret", SECRET),
            "password": kept.get("password", PASSWORD),
            "subreddits": HOME,
            "modmail": HOME,
            "api_base": address,
            "auth_base": address,
        }

    def refused(self, refusal: Refusal) -> Reply:
        return json_reply({"message": refusal.words, "error": refusal.status}, refusal.status)

    def admit(self, request: Request) -> None:
        if not request.headers.get("user-agent", "").startswith("server:parlour:"):
            raise Refusal(429, "", "Too Many Requests")
        if request.path != "/api/v1/access_token" and (not self.token or request.bearer() != self.token):
            raise Refusal(401, "", "Unauthorized")

    def limit_headers(self, remaining: int, reset: float) -> dict[str, str]:
        return {
            "x-ratelimit-used": "1",
            "x-ratelimit-remaining": f"{remaining}.0",
            "x-ratelimit-reset": str(int(reset) + 1),
        }

    async def handle(self, request: Request) -> Reply:
        try:
            return await super().handle(request)
        except Said as said:
            return json_reply({"json": {"errors": said.errors}})

    # What customers do

    def person(self, name: str) -> str:
        if name not in self.people:
            plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:17]
            self.people[name] = f"{plain or 'u'}_{len(self.people)}"
        return self.people[name]

    def say(
        self,
        person: str,
        text: str,
        *,
        private: bool = False,
        answers: str = "",
        files: tuple[File, ...] = (),
        subreddit: str = HOME,
        told: bool = True,
    ) -> str:
        """Post (the first line is the title), answer, or write to the moderators. ``told``: the brand is told by its inbox."""
        if files and (private or not all(one.is_picture for one in files)):
            raise Unable("Reddit takes pictures with posts and comments, and no files in mail.")
        if private:
            return self._mail(person, text)
        parent = self._there(answers) if answers else None
        thing = self._new(person, text, subreddit, parent)
        thing.pictures = [self.shelf.url(one) for one in files]
        if parent is not None and told:
            kind = (
                "username_mention"
                if f"u/{BRAND}" in text
                else "post_reply"
                if parent.parent is None
                else "comment_reply"
            )
            if parent.author == BRAND or kind == "username_mention":
                self.inbox.append((thing, kind))
        return self.note(Words(thing.name, person, person, text, thing.at, answers=answers, files=files))

    def can_edit(self, words: Words) -> bool:
        return super().can_edit(words) and not words.private

    def can_remove(self, words: Words) -> bool:
        return super().can_remove(words) and not words.private

    def edit(self, words: str, text: str) -> None:
        thing = self._there(words)
        thing.text, thing.edited = text, max(self.clock.now().timestamp(), thing.edited + 1)
        self.words[words].text, self.words[words].edited = text, True

    def remove(self, words: str) -> None:
        self._there(words).gone = True
        self.words[words].removed = True

    def moderate(self, words: str, *, removed: bool = True) -> None:
        """Moderators take words away, or let them stand again."""
        self._there(words).removed = removed

    def write_as_brand(self, text: str, answers: str) -> str:
        """The brand answers on the site itself."""
        return self._new(BRAND, text, HOME, self._there(answers)).name

    def message(self, person: str, text: str, subject: str = "Hello") -> str:
        """A private message of the old kind."""
        data = {
            "name": f"t4_{self._id()}",
            "author": person,
            "dest": BRAND,
            "subject": subject,
            "body": text,
            "created_utc": self.clock.now().timestamp(),
            "was_comment": False,
            "context": "",
        }
        self.inbox.append((data, ""))
        return self.note(Words(str(data["name"]), person, person, text, self.clock.now(), private=True))

    def _mail(self, person: str, text: str) -> str:
        mail = next((one for one in self.mails.values() if one.person == person), None) or self._new_mail(
            person, text[:60]
        )
        return self.note(Words(self._write(mail, person, text), person, person, text, self.clock.now(), private=True))

    def _there(self, name: str) -> Thing:
        thing = self.things.get(name)
        if thing is None or thing.gone:
            raise KeyError(name)
        return thing

    def _id(self) -> str:
        self._number, number, signs = self._number + 1, self._number, ""
        while number:
            number, rest = divmod(number, 36)
            signs = _SIGNS[rest] + signs
        return signs

    def _new(self, author: str, text: str, subreddit: str, parent: Thing | None) -> Thing:
        title, _, body = text.partition("\n") if parent is None else ("", "", text)
        kind = "t3" if parent is None else "t1"
        where = parent.subreddit if parent else subreddit
        thing = Thing(f"{kind}_{self._id()}", author, body.strip(), self.clock.now(), where, title, parent)
        self.things[thing.name] = thing
        return thing

    def _new_mail(self, person: str, subject: str) -> Mail:
        mail = Mail(self._id(), person, subject, [])
        self.mails[mail.id] = mail
        return mail

    def _write(self, mail: Mail, author: str, text: str) -> str:
        message = {
            "id": self._id(),
            "author": {"name": author, "isMod": author == BRAND, "isDeleted": False},
            "bodyMarkdown": text,
            "body": f"<p>{text}</p>",
            "date": self.clock.now().isoformat(),
            "isInternal": False,
        }
        mail.messages.append(message)
        return f"modmail:{mail.id}/{message['id']}"

    # What the desk asks

    def _sign_in(self, request: Request) -> Reply:
        wanted, form = self.settings("reddit", ""), request.form()
        basic = base64.b64encode(f"{CLIENT}:{wanted['client_secret']}".encode()).decode()
        self.sign_ins += 1
        if request.headers.get("authorization") != f"Basic {basic}":
            raise Refusal(401, "", "Unauthorized")
        if form.get("username") != BRAND or form.get("password") != wanted["password"]:
            return json_reply({"error": "invalid_grant"})
        self.token = f"token-{self._id()}"
        return json_reply({"access_token": self.token, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _me(self, request: Request) -> Any:
        return {"name": BRAND, "is_suspended": False}

    def _about(self, request: Request, name: str) -> Any:
        return {
            "kind": "t2",
            "data": {"name": name, "icon_img": f"https://styles.example/{name}.png", "subreddit": {"subscribers": 5}},
        }

    def _info(self, request: Request) -> Any:
        names = request.query.get("id", "").split(",")
        if len(names) > 100:
            raise Refusal(400, "", "Bad Request")
        return listing([self.things[name].shown() for name in names if name in self.things], "")

    def _inbox(self, request: Request) -> Any:
        if self.inbox_gone and request.path == "/message/inbox":
            raise Refusal(404, "", "Not Found")
        shown = [one.shown(kind) if isinstance(one, Thing) else {"kind": "t4", "data": one} for one, kind in self.inbox]
        return page(request, shown)

    def _comments_of(self, request: Request, name: str) -> Any:
        return page(
            request, [one.shown() for one in self.things.values() if one.parent and one.author == name and not one.gone]
        )

    def _comments_in(self, request: Request, subreddits: str) -> Any:
        wanted = subreddits.split("+")
        return page(request, [one.shown() for one in self.things.values() if one.parent and one.subreddit in wanted])

    def _new_in(self, request: Request, subreddits: str) -> Any:
        wanted = subreddits.split("+")
        return page(
            request, [one.shown() for one in self.things.values() if not one.parent and one.subreddit in wanted]
        )

    def _search(self, request: Request) -> Any:
        wanted = request.query.get("q", "").lower()
        found = [one for one in self.things.values() if not one.parent and wanted in f"{one.title} {one.text}".lower()]
        return page(request, [one.shown() for one in found])

    def _written(self, text: str) -> None:
        if self.wait:
            raise Said("RATELIMIT", self.wait, "ratelimit")
        if not text.strip():
            raise Said("NO_TEXT", "we need something here", "text")
        if len(text) > 10_000:
            raise Said("TOO_LONG", "this is too long (max: 10000)", "text")

    def _comment(self, request: Request) -> Any:
        form = request.form()
        self._written(form.get("text", ""))
        parent = self.things.get(form.get("thing_id", ""))
        if parent is None and self.forgiving:
            parent = self._new("somebody", "Said before", HOME, None)
        if parent is None or parent.gone:
            raise Said("DELETED_COMMENT", "that comment has been deleted", "parent")
        if parent.locked or parent.post.locked:
            raise Said("THREAD_LOCKED", "Comments are locked.", "parent")
        thing = self._new(BRAND, form["text"], HOME, parent)
        self.note(Words(thing.name, parent.author, BRAND, thing.text, thing.at, by_brand=True, answers=parent.name))
        return {"json": {"errors": [], "data": {"things": [thing.shown()]}}}

    def _compose(self, request: Request) -> Any:
        form = request.form()
        self._written(form.get("text", ""))
        to = next((one for one in self.people.values() if one.lower() == form.get("to", "").lower()), "")
        if not to:
            raise Said("USER_DOESNT_EXIST", "that user doesn't exist", "to")
        if to in self.unreachable:
            raise Said("NOT_WHITELISTED_BY_USER_MESSAGE", "that user only takes messages of people they know", "to")
        self.note(Words(f"chat_{self._id()}", to, BRAND, form["text"], self.clock.now(), private=True, by_brand=True))
        return {"json": {"errors": []}}

    def _del(self, request: Request) -> Any:
        thing = self.things[request.form().get("id", "")]
        if thing.author == BRAND:
            thing.gone = True
            self.words[thing.name].removed = True
        return {}

    def _remove(self, request: Request) -> Any:
        return self._moderated(request, removed=True)

    def _approve(self, request: Request) -> Any:
        return self._moderated(request, removed=False)

    def _moderated(self, request: Request, *, removed: bool) -> Any:
        thing = self.things[request.form().get("id", "")]
        if thing.subreddit != HOME:
            raise Refusal(403, "", "Forbidden")
        thing.removed = self.words[thing.name].hidden = removed
        return {}

    def _conversations(self, request: Request) -> Any:
        if request.query.get("entity") != HOME:
            raise Refusal(403, "", "Forbidden")
        order = sorted(self.mails.values(), key=lambda one: one.messages[-1]["date"], reverse=True)
        after, limit = request.query.get("after", ""), int(request.query.get("limit", "25"))
        start = next((place + 1 for place, one in enumerate(order) if one.id == after), 0)
        chosen = order[start : start + limit]
        return {
            "conversations": {one.id: self._mail_json(one) for one in chosen},
            "conversationIds": [one.id for one in chosen],
        }

    def _mail_json(self, mail: Mail) -> dict[str, Any]:
        return {
            "id": mail.id,
            "subject": mail.subject,
            "participant": {"name": mail.person, "isDeleted": False},
            "owner": {"displayName": HOME, "type": "subreddit"},
            "conversationType": "sr_user",
            "lastUpdated": mail.messages[-1]["date"] if mail.messages else "",
            "objIds": [{"id": one["id"], "key": "messages"} for one in mail.messages],
        }

    def _conversation(self, request: Request, key: str) -> Any:
        mail = self.mails[key]
        return {"conversation": self._mail_json(mail), "messages": {one["id"]: one for one in mail.messages}}

    def _begin(self, request: Request) -> Any:
        form = request.form()
        self._written(form.get("body", ""))
        person = next((one for one in self.people.values() if one.lower() == form.get("to", "").lower()), "")
        if not person:
            raise Said("USER_DOESNT_EXIST", "that user doesn't exist", "to")
        mail = next((one for one in self.mails.values() if one.person == person), None)
        return self._said(mail or self._new_mail(person, form.get("subject", "")), form["body"])

    def _answer(self, request: Request, key: str) -> Any:
        form = request.form()
        self._written(form.get("body", ""))
        if key not in self.mails and self.forgiving:
            self.mails[key] = Mail(key, "somebody", "Said before", [])
        return self._said(self.mails[key], form["body"])

    def _said(self, mail: Mail, text: str) -> Reply:
        words = Words(
            self._write(mail, BRAND, text), mail.person, BRAND, text, self.clock.now(), private=True, by_brand=True
        )
        self.note(words)
        return json_reply(
            {"conversation": self._mail_json(mail), "messages": {one["id"]: one for one in mail.messages}}, 201
        )


STAND_IN = Reddit
