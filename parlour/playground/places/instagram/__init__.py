"""Instagram for the brand's professional account: posts with comments, direct messages, stories, mentions."""

from __future__ import annotations

import secrets
from typing import Any

from parlour.playground.faults import Bucket
from parlour.playground.graph_files import Upload
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.places.instagram.api import Api
from parlour.playground.places.instagram.scenes import SCENES
from parlour.playground.places.instagram.state import (
    IG_ID,
    USERNAME,
    Chat,
    Comment,
    between,
    change,
    comment_value,
    messaging,
    username,
)
from parlour.playground.postman import Postman, Target
from parlour.playground.shelf import File
from parlour.playground.standin import Kept, StandIn, Unable, Words
from parlour.playground.web import Reply, Request

POSTS = (
    "The Luma 5 in ocean blue. Which colour is yours?",
    "Behind the scenes: how we test a screen until it gives up.",
)


class Instagram(StandIn):
    name = "instagram"
    label = "Instagram"
    channels = ("instagram",)
    files_private = True
    how = "Comments under the brand's posts are read by everybody, direct messages by the customer and the brand."
    scenes = SCENES

    def __init__(
        self, kept: Kept, ids: Ids, clock: PlatformClock, postman: Postman, *, seed: int = 0, forgiving: bool = False
    ) -> None:
        super().__init__(kept, ids, clock, postman, seed=seed, forgiving=forgiving)
        told = kept.get("instagram", {})
        self.secret = told.get("app_secret") or secrets.token_hex(16)
        self.token = told.get("access_token") or secrets.token_urlsafe(32)
        self.verify = told.get("verify_token") or secrets.token_urlsafe(12)
        self.flat = True
        """Whether comments come flat in their entry (Instagram Login) or in ``changes`` (Facebook Login)."""
        self.read_after: float | None = 3.0
        """Seconds until a customer has read the brand's message; None: they never do."""
        self.bucket = Bucket(300, 1.0)
        self.media = {self.ids.meta(): words for words in POSTS}
        self.comments: dict[str, Comment] = {}
        self.chats: dict[str, Chat] = {}
        self.uploads: dict[str, Upload] = {}
        self.api = Api(self)

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return {
            "ig_id": IG_ID,
            "login": "instagram",
            "app_secret": self.secret,
            "verify_token": self.verify,
            "access_token": self.token,
            "username": USERNAME,
            "api_base": f"{address}/v26.0",
        }

    def targets(self) -> dict[str, Target]:
        return {"instagram": Target("instagram", "", self.secret)}

    def verify_token(self, channel: str) -> str:
        return self.verify

    async def handle(self, request: Request) -> Reply:
        return await self.api.handle(request)

    # What customers do

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        if not private:
            if files:
                raise Unable("Comments on Instagram hold words only.")
            return self.comment(person, text, answers).id
        about: dict[str, Any] = {"reply_to": {"mid": answers}} if answers else {}
        words: dict[str, Any] = {"text": text} if text else {}
        return self.message(person, files=files, **words, **about)

    def comment(self, person: str, text: str, on: str = "") -> Comment:
        """A comment on a post, or an answer to a comment: those stand under the top-level one. ``person`` '' is the brand."""
        above = self.comments.get(on)
        if above is None and on and on not in self.media:
            raise KeyError(on)
        if above is not None and above.removed:
            raise KeyError(on)
        media = above.media if above else on or next(iter(self.media))
        parent = (above.parent or above.id) if above else ""
        made = Comment(self.ids.meta(), media, parent, person, text, self.clock.now())
        self.comments[made.id] = made
        author = (person, username(self.name_of(person))) if person else (IG_ID, USERNAME)
        self._mail(change(made.at, "comments", comment_value(made, author), flat=self.flat))
        concerned = person or (above.person if above else "")
        self.note(
            Words(made.id, concerned, self.name_of(concerned), text, made.at, by_brand=not person, answers=made.parent)
        )
        return made

    def message(self, person: str, *, standby: bool = False, files: tuple[File, ...] = (), **message: Any) -> str:
        """A direct message, ``message`` in Meta's own shape (``text``, ``attachments``, ``reply_to``, ``is_unsupported`` ...); opens
        the 24 hours for an answer. Its mid."""
        now, mid = self.clock.now(), self.new_mid()
        chat = self.chat(person)
        chat.last_inbound_at = now
        chat.mids.append(mid)
        if files:
            message["attachments"] = [{"type": one.kind, "payload": {"url": self.shelf.url(one)}} for one in files]
        event = between(person, now, message={"mid": mid, **message})
        self._mail(messaging(now, event, "standby" if standby else "messaging"))
        others = "" if files else ", ".join(f"[{one.get('type')}]" for one in message.get("attachments", ()))
        text = message.get("text", "") or others
        self.note(Words(mid, person, self.name_of(person), text, now, private=True, files=files))
        return mid

    def reply_to_story(self, person: str, text: str) -> str:
        story = {"url": "https://cdn.example/story.jpg", "id": self.ids.meta()}
        return self.message(person, text=text, reply_to={"story": story})

    def mention_in_story(self, person: str) -> str:
        url = f"https://cdn.example/{person}/story"
        return self.message(person, attachments=[{"type": "story_mention", "payload": {"url": url}}])

    def mention(self, person: str, text: str) -> str:
        """The brand is mentioned in a comment under somebody else's post. Only ids are told."""
        made = Comment(self.ids.meta(), self.ids.meta(), "", person, text, self.clock.now())
        self.comments[made.id] = made
        value = {"media_id": made.media, "comment_id": made.id}
        self._mail(change(made.at, "mentions", value, flat=self.flat))
        return self.note(Words(made.id, person, self.name_of(person), text, made.at))

    def choose(self, words: str, choice: str) -> str:
        """A quick reply is a message that names what was pressed."""
        said = self.press_of(words, choice)
        return self.message(said.person, text=choice, quick_reply={"payload": choice})

    def press(self, person: str, title: str, payload: str) -> str:
        """A button or an ice breaker; counts as words of theirs."""
        now, mid = self.clock.now(), self.new_mid()
        self.chat(person).last_inbound_at = now
        self._mail(messaging(now, between(person, now, postback={"mid": mid, "title": title, "payload": payload})))
        return self.note(Words(mid, person, self.name_of(person), title, now, private=True))

    def react(self, person: str, mid: str, emoji: str = "❤️") -> None:
        now = self.clock.now()
        told = {"mid": mid, "action": "react", "reaction": "love", "emoji": emoji}
        self._mail(messaging(now, between(person, now, reaction=told)))

    def remove(self, words: str) -> None:
        """A direct message is unsent, which is told; a comment is deleted, which is not."""
        known = self.words[words]
        known.removed = True
        if known.private:
            now = self.clock.now()
            self._mail(messaging(now, between(known.person, now, message={"mid": words, "is_deleted": True})))
        else:
            self.comments[words].removed = True

    def person(self, name: str) -> str:
        person = super().person(name)
        self.chat(person)
        return person

    # What the brand does

    def brand_message(
        self,
        chat: Chat,
        text: str,
        *,
        file: Upload | None = None,
        choices: tuple[str, ...] = (),
        about: str = "",
        in_app: bool = False,
    ) -> str:
        """The brand writes to a customer, by the API or in the app; the echo and the reading follow by webhook. Its mid."""
        now, mid = self.clock.now(), self.new_mid()
        chat.mids.append(mid)
        message: dict[str, Any] = {"mid": mid, "is_echo": True}
        kept = self.shelf.put(file.name, file.mime, file.content) if file else None
        if file is not None and kept is not None:
            message["attachments"] = [{"type": file.kind, "payload": {"url": self.shelf.url(kept)}}]
        else:
            message["text"] = text
        self._mail(messaging(now, between(chat.person, now, by_brand=True, message=message)))
        if self.read_after is not None and not in_app:
            seen = between(chat.person, now, read={"mid": mid})
            self._mail(messaging(now, seen), self.read_after)
        files = (kept,) if kept else ()
        name = self.name_of(chat.person)
        self.note(
            Words(mid, chat.person, name, text, now, True, by_brand=True, answers=about, files=files, choices=choices)
        )
        return mid

    def chat(self, person: str) -> Chat:
        return self.chats.setdefault(person, Chat(person))

    def new_mid(self) -> str:
        return f"aWdf{self.ids.meta()}"

    def _mail(self, payload: dict[str, Any], delay: float = 0.0) -> None:
        self.postman.put("instagram", payload, delay)


STAND_IN = Instagram
