"""A Discourse forum: topics, private messages, webhooks without promises, an API with a moderator's key."""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any

import orjson

from parlour.lib import signing
from parlour.playground.faults import Bucket, Fault
from parlour.playground.places.discourse.api import Api
from parlour.playground.places.discourse.objects import (
    BRAND_ID,
    BRAND_USER,
    CATEGORY,
    ForumError,
    Post,
    Topic,
    User,
    about_topic,
    about_user,
    shown,
    written,
)
from parlour.playground.places.discourse.scenes import SCENES
from parlour.playground.postman import Payload, Target
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Words
from parlour.playground.web import Drop, Reply, Request, json_reply

KEY_WORDS = "You are not permitted to view the requested resource. The API username or key is invalid."


class Discourse(StandIn):
    """Ids of words are ``<topic>:<number in the topic>``."""

    name = "discourse"
    label = "Discourse"
    channels = ("discourse",)
    files_public = files_private = True
    how = "Topics are read by everybody, personal messages by those who take part."
    scenes = SCENES

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        settings = self.kept.get("discourse", {})
        self.key = settings.get("api_key") or secrets.token_hex(32)
        self.secret = settings.get("webhook_secret") or secrets.token_urlsafe(24)
        self.users: dict[str, User] = {str(BRAND_ID): User(str(BRAND_ID), BRAND_USER, "Luma Help", staff=True)}
        self.topics: dict[int, Topic] = {}
        self.posts: dict[int, Post] = {}
        self.address = ""
        self.moderated = False
        """Whether answers wait for a moderator, which ``approve`` is."""
        self.queue: list[tuple[Topic, User, str, int | None]] = []
        self.bucket = Bucket(60, 60.0)
        self._next = int(self.ids.meta()) // 10_000_000
        """Ids are dense, and later starts begin higher: nobody posts more than once a second for long."""
        self._event = ""
        self._api = Api(self)

    # The desk's side

    def settings(self, channel: str, address: str) -> dict[str, str]:
        self.address = address
        return {
            "api_base": address,
            "api_username": BRAND_USER,
            "api_key": self.key,
            "webhook_secret": self.secret,
            "categories": "",
            "staff": "brand",
        }

    def targets(self) -> dict[str, Target]:
        # Forums knock once, unless their owner has set otherwise: what is missed is found by asking.
        return {"discourse": Target("discourse", "", self.secret, self._encode, self._headers, retries=False)}

    def _encode(self, payload: Payload) -> bytes:
        # The name is in a header only; the postman asks for the headers right after the body.
        self._event = payload["event"]
        return orjson.dumps(payload["body"])

    def _headers(self, secret: str, body: bytes) -> Mapping[str, str]:
        return {
            "content-type": "application/json",
            "user-agent": "Discourse/3 (stand-in)",
            "x-discourse-instance": "https://forum.luma.example",
            "x-discourse-event-id": self.ids.meta(),
            "x-discourse-event-type": self._event.partition("_")[0],
            "x-discourse-event": self._event,
            "x-discourse-event-signature": signing.hex_signature(secret, body),
        }

    async def handle(self, request: Request) -> Reply:
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        try:
            reply = self._answer(request)
        except ForumError as error:
            headers = {"retry-after": str(error.wait)} if error.wait else {}
            return json_reply(error.answer, error.status, headers)
        if fault is not None:
            raise Drop
        return reply

    def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/uploads/"):
            return self._api.download(request.path)
        user = self.named(request.headers.get("api-username", ""))
        if request.headers.get("api-key") != self.key or user is None:
            raise ForumError(403, KEY_WORDS, "invalid_access")
        allowance = self.bucket.take()
        if not allowance.allowed:
            words = "You’ve performed this action too many times, please try again later."
            raise ForumError(429, words, "rate_limit", wait=max(1, round(allowance.reset)))
        return json_reply(self._api.perform(request, user))

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "error":
            limited = fault.status == 429
            refusal = ForumError(
                fault.status, fault.words, "rate_limit" if limited else "", fault.code if limited else 0
            )
            return json_reply(refusal.answer, fault.status)
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
        raise Drop

    def named(self, username: str) -> User | None:
        return next((user for user in self.users.values() if user.username.lower() == username.lower()), None)

    # People

    def person(self, name: str) -> str:
        if name not in self.people:
            number = str(int(self.ids.meta()) % 10**9 + 1000)
            plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
            handle = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:20] or "user"
            taken = self.named(handle) is not None or len(handle) < 3
            self.users[number] = User(number, f"{handle}_{number[-5:]}" if taken else handle, name)
            self.people[name] = number
        return self.people[name]

    def sign_on(self, person: str, external_id: str) -> None:
        """A user signs in with the brand's own account."""
        user = self.users[person]
        user.external_id = external_id
        about = {**about_user(user), "email": f"{user.username}@example.com", "external_id": external_id}
        self.tell("user_updated", {"user": about})

    # Topics and posts

    def number(self) -> int:
        self._next += 1
        return self._next

    def of(self, topic: Topic) -> list[Post]:
        """The posts of a topic, in order, the deleted ones among them."""
        return [post for post in self.posts.values() if post.topic is topic]

    def find(self, words: str) -> Post:
        """Raises KeyError when there is no such post, or it is deleted."""
        found = next((post for post in self.posts.values() if post.key == words and post.deleted is None), None)
        if found is None:
            raise KeyError(words)
        return found

    def begin(self, user: User, title: str, raw: str, *, private: bool = False, people: tuple[str, ...] = ()) -> Post:
        """A new topic with its first post, which are two events."""
        topic = Topic(
            self.number(), title, private, None if private else CATEGORY, people={user.id, *people}, base=self.address
        )
        self.topics[topic.id] = topic
        post = self.post(topic, user, raw, None, quiet=True)
        self.tell("topic_created", {"topic": about_topic(topic, [post])})
        self.tell("post_created", {"post": shown(post)})
        return post

    def post(self, topic: Topic, user: User, raw: str, answers: int | None, *, quiet: bool = False) -> Post:
        posts = self.of(topic)
        number = posts[-1].number + 1 if posts else topic.first
        post = Post(self.number(), topic, number, user, raw, self.clock.now(), answers)
        self.posts[post.id] = post
        topic.people.add(user.id)
        brand = user.id == str(BRAND_ID)
        others = [one for one in topic.people if one != str(BRAND_ID)]
        above = next((one for one in posts if one.number == (answers or 1)), None)
        whom = above.user.id if above is not None and not topic.private else (others or [user.id])[0]
        person = whom if brand else user.id
        self.note(
            Words(
                post.key,
                person,
                self.users[person].name,
                written(raw),
                post.at,
                private=topic.private,
                by_brand=brand,
                answers=f"{topic.id}:{answers}" if answers else "",
                files=self._api.shown(raw),
            )
        )
        if not quiet:
            self.tell("post_created", {"post": shown(post)})
        return post

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        """In public a new topic, or a post in the topic of what it answers; in private a message to the brand. Files are links in the text."""
        user, title = self.users[person], text
        text = "\n\n".join([text, *(self._api.link(one) for one in files)])
        if answers:
            above = self.find(answers)
            return self.post(above.topic, user, text, above.number if above.number > 1 else None).key
        if private:
            open_ = [topic for topic in self.topics.values() if topic.private and person in topic.people]
            if open_:
                return self.post(open_[-1], user, text, None).key
            return self.begin(user, title[:60], text, private=True, people=(str(BRAND_ID),)).key
        return self.begin(user, title[:70], text).key

    def edit(self, words: str, text: str) -> None:
        self.change(self.find(words), text)

    def change(self, post: Post, text: str) -> None:
        post.raw, post.updated, post.version = text, self.clock.now(), post.version + 1
        told = self.words[post.key]
        told.text, told.files, told.edited = written(text), self._api.shown(text), True
        self.tell("post_edited", {"post": shown(post)})

    def remove(self, words: str) -> None:
        self.delete(self.find(words))

    def delete(self, post: Post) -> None:
        post.deleted = post.updated = self.clock.now()
        self.words[post.key].removed = True
        self.tell("post_destroyed", {"post": shown(post)})
        if post.number == 1:
            self.tell("topic_destroyed", {"topic": about_topic(post.topic, [post])})

    def recover(self, words: str) -> None:
        """A deleted post comes back."""
        post = next(one for one in self.posts.values() if one.key == words)
        post.deleted, post.updated = None, self.clock.now()
        self.words[words].removed = False
        self.tell("post_recovered", {"post": shown(post)})

    def like(self, person: str, words: str) -> None:
        """A user likes a post; that a like is taken back is told nobody."""
        post = self.find(words)
        post.likes.add(person)
        self.tell("post_liked", {"like": {"post": shown(post), "user": about_user(self.users[person])}})

    def staff_says(self, words: str, text: str) -> str:
        """Somebody else of the brand's staff answers on the forum itself."""
        colleague = self.users.setdefault("4", User("4", "luma_joe", "Joe of Luma", staff=True))
        above = self.find(words)
        return self.post(above.topic, colleague, text, above.number if above.number > 1 else None).key

    def approve(self) -> None:
        """The moderators let through what waits."""
        while self.queue:
            self.post(*self.queue.pop(0))

    def tell(self, event: str, body: dict[str, Any]) -> None:
        self.postman.put("discourse", {"event": event, "body": body})


STAND_IN = Discourse
