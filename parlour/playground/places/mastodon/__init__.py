"""A Mastodon server for the brand's account: notifications, statuses, media, a stream that breaks off after its first news."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

from parlour.lib import clock as world_clock
from parlour.playground.consent import Consent
from parlour.playground.multipart import parts
from parlour.playground.places.mastodon.scenes import SCENES
from parlour.playground.places.mastodon.state import (
    HOST,
    MENTION,
    TAG,
    URL,
    Account,
    Status,
    cut,
    handle_of,
    iso,
    status_json,
)
from parlour.playground.polled import PolledPlace, Refusal
from parlour.playground.shelf import File
from parlour.playground.standin import Words
from parlour.playground.web import Reply, Request, json_reply

OPEN = frozenset({"/api/v1/apps", "/oauth/authorize", "/oauth/token"})
TOKEN = "luma-mastodon-token"  # noqa: S105


class Mastodon(PolledPlace):
    name = "mastodon"
    label = "Mastodon"
    channels = ("mastodon",)
    files_public = files_private = True
    called = "@luma"
    how = "Posts are read by everybody, direct ones by those they name only."
    scenes = SCENES

    def prepare(self) -> None:
        self.brand = Account(self.ids.meta(), "luma", "Luma Help", 4_200)
        self.accounts: dict[str, Account] = {self.brand.id: self.brand}
        self.statuses: dict[str, Status] = {}
        self.notifications: list[dict[str, Any]] = []
        self.repeated: dict[str, str] = {}
        """Idempotency-Key -> status."""
        self.media: dict[str, int] = {}
        """Media -> how often it is still said to be processed."""
        self.uploaded: dict[str, File] = {}
        self.max_characters = 500
        self.told = 0
        """News so far: what the stream waits for."""
        self.consent = Consent(self.settings("mastodon", "")["access_token"])
        for method, pattern, work in (
            ("POST", "/api/v1/apps", self.consent.register),
            ("GET", "/oauth/authorize", self.consent.authorize),
            ("POST", "/oauth/token", self.consent.token),
            ("GET", "/api/v1/accounts/verify_credentials", self._me),
            ("GET", "/api/v1/accounts/{key}", self._account),
            ("GET", "/api/v1/accounts/{key}/statuses", self._statuses_of),
            ("GET", "/api/v1/notifications", self._notifications),
            ("GET", "/api/v1/statuses", self._several),
            ("POST", "/api/v1/statuses", self._post),
            ("GET", "/api/v1/statuses/{key}", self._one),
            ("DELETE", "/api/v1/statuses/{key}", self._delete),
            ("GET", "/api/v1/statuses/{key}/context", self._context),
            ("POST", "/api/v1/statuses/{key}/favourite", self._favourite),
            ("POST", "/api/v1/statuses/{key}/unfavourite", self._unfavourite),
            ("GET", "/api/v1/timelines/tag/{tag}", self._tag),
            ("POST", "/api/v2/media", self._upload),
            ("GET", "/api/v1/media/{key}", self._media),
            ("GET", "/api/v2/instance", self._instance),
            ("GET", "/api/v2/notifications/policy", self._policy),
            ("GET", "/api/v1/streaming/user", self._stream),
        ):
            self.routes.add(method, pattern, work)

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return {"api_base": address, "access_token": self.kept.get("mastodon", {}).get("access_token", TOKEN)}

    def refused(self, refusal: Refusal) -> Reply:
        return json_reply({"error": refusal.words}, refusal.status)

    def admit(self, request: Request) -> None:
        if request.path in OPEN:
            return
        if request.bearer() != self.settings("mastodon", "")["access_token"]:
            raise Refusal(401, "", "The access token is invalid")

    def limit_headers(self, remaining: int, reset: float) -> dict[str, str]:
        until = world_clock.now() + timedelta(seconds=reset)
        return {
            "x-ratelimit-limit": "300",
            "x-ratelimit-remaining": str(remaining),
            "x-ratelimit-reset": until.isoformat().replace("+00:00", "Z"),
        }

    # What customers do

    def person(self, name: str) -> str:
        if name not in self.people:
            made = Account(self.ids.meta(), f"{handle_of(name)}@fern.example", name)
            self.accounts[made.id] = made
            self.people[name] = made.id
        return self.people[name]

    def say(
        self,
        person: str,
        text: str,
        *,
        private: bool = False,
        answers: str = "",
        files: tuple[File, ...] = (),
        **more: Any,
    ) -> str:
        """Speak with the brand named; a direct message that does not name it would not reach it. ``more``: other fields of Status."""
        parent = self._there(answers) if answers else None
        if more.pop("named", True) and "@luma" not in text:
            text = f"@luma {text}"
        visibility = more.pop("visibility", "direct" if private else "public")
        status = self._new(self.accounts[person], text, visibility, parent, **more)
        for file in files:
            kind = file.kind if file.kind != "file" else "unknown"
            status.media.append({"id": self.ids.meta(), "type": kind, "url": self.shelf.url(file), "description": None})
        if "luma" in MENTION.findall(text):
            self._notify("mention", status.author, status)
        words = Words(status.id, person, status.author.name, text, status.at, private=visibility == "direct")
        words.answers, words.files = answers, files
        return self.note(words)

    def utter(
        self,
        person: str,
        text: str,
        *,
        private: bool = False,
        answers: str = "",
        files: tuple[File, ...] = (),
        named: bool = True,
    ) -> str:
        return self.say(person, text, private=private, answers=answers, files=files, named=named)

    def heard(self, text: str, *, private: bool, answers: str = "") -> bool:
        """A server tells of what names somebody, also of what stands under their words."""
        return "luma" in MENTION.findall(text)

    def edit(self, words: str, text: str) -> None:
        status = self._there(words)
        status.text, status.content, status.edited = text, "", self.clock.now()
        self.words[words].text, self.words[words].edited = text, True
        self.told += 1

    def remove(self, words: str) -> None:
        self._there(words).removed = True
        self.words[words].removed = True
        self.notifications = [one for one in self.notifications if one["status"].id != words]
        self.told += 1

    def favour(self, person: str, words: str) -> None:
        """A customer favourites a status."""
        self._notify("favourite", self.accounts[person], self._there(words))

    def write_as_brand(self, text: str, *, answers: str = "", visibility: str = "public") -> str:
        """The brand writes on the server itself, away from the desk."""
        return self._new(self.brand, text, visibility, self._there(answers) if answers else None).id

    def _there(self, key: str) -> Status:
        status = self.statuses.get(key)
        if status is None or status.removed:
            raise KeyError(key)
        return status

    def _new(self, author: Account, text: str, visibility: str, parent: Status | None, **more: Any) -> Status:
        status = Status(self.ids.meta(), author, text, self.clock.now(), visibility, parent, **more)
        self.statuses[status.id] = status
        return status

    def _notify(self, kind: str, author: Account, status: Status) -> None:
        self.notifications.append(
            {"id": self.ids.meta(), "type": kind, "at": self.clock.now(), "account": author, "status": status}
        )
        self.told += 1

    # What the desk asks

    def _found(self, key: str) -> Status:
        try:
            return self._there(key)
        except KeyError:
            if self.forgiving and key.isdecimal():
                # Said before a restart: the demonstration goes on as if it were known.
                return self._new_known(key)
            raise Refusal(404, "", "Record not found") from None

    def _new_known(self, key: str) -> Status:
        author = Account(self.ids.meta(), "earlier@fern.example", "Somebody")
        self.accounts[author.id] = author
        self.statuses[key] = Status(key, author, "", self.clock.now(), "public")
        return self.statuses[key]

    def _me(self, request: Request) -> Any:
        return self.brand.shown()

    def _policy(self, request: Request) -> Any:
        return {"for_new_accounts": "accept"}

    def _json(self, status: Status) -> dict[str, Any]:
        return status_json(status, self.accounts.values())

    def _account(self, request: Request, key: str) -> Any:
        if key not in self.accounts:
            raise Refusal(404, "", "Record not found")
        return self.accounts[key].shown()

    def _statuses_of(self, request: Request, key: str) -> Any:
        return self._page(request, [one for one in self.statuses.values() if one.author.id == key and not one.removed])

    def _notifications(self, request: Request) -> Any:
        kinds = {value for name, value in request.pairs if name == "types[]"}
        found = [one for one in self.notifications if not kinds or one["type"] in kinds]
        return [
            {
                "id": one["id"],
                "type": one["type"],
                "created_at": iso(one["at"]),
                "account": one["account"].shown(),
                "status": self._json(one["status"]),
            }
            for one in cut(request, found, lambda one: int(one["id"]))
        ]

    def _page(self, request: Request, statuses: list[Status]) -> list[dict[str, Any]]:
        return [self._json(one) for one in cut(request, statuses, lambda one: int(one.id))]

    def _tag(self, request: Request, tag: str) -> Any:
        found = [
            one
            for one in self.statuses.values()
            if not one.removed and one.visibility == "public" and tag.lower() in map(str.lower, TAG.findall(one.text))
        ]
        return self._page(request, found)

    def _several(self, request: Request) -> Any:
        keys = [value for name, value in request.pairs if name == "id[]"]
        if len(keys) > 20:
            raise Refusal(422, "", "Too many statuses")
        return [
            self._json(self.statuses[key]) for key in keys if key in self.statuses and not self.statuses[key].removed
        ]

    def _one(self, request: Request, key: str) -> Any:
        return self._json(self._found(key))

    def _context(self, request: Request, key: str) -> Any:
        above: list[Status] = []
        status = self._found(key).reply_to
        while status is not None:
            above.insert(0, status)
            status = status.reply_to
        return {"ancestors": [self._json(one) for one in above if not one.removed], "descendants": []}

    def _post(self, request: Request) -> Any:
        key = request.headers.get("idempotency-key", "")
        if key in self.repeated:
            return self._json(self.statuses[self.repeated[key]])
        body = request.json()
        text, warning = str(body.get("status") or ""), str(body.get("spoiler_text") or "")
        media = body.get("media_ids") or []
        if not text.strip() and not media:
            raise Refusal(422, "", "Validation failed: Text can't be blank")
        if any(self.media.get(one, 1) > 0 for one in media):
            raise Refusal(422, "", "Cannot attach files that have not finished processing. Try again in a moment!")
        if self.length(text) + len(warning) > self.max_characters:
            raise Refusal(422, "", f"Validation failed: Text character limit of {self.max_characters} exceeded")
        parent = self._found(str(body["in_reply_to_id"])) if body.get("in_reply_to_id") else None
        visibility = str(body.get("visibility") or "public")
        if visibility not in ("public", "unlisted", "private", "direct"):
            raise Refusal(422, "", "Validation failed: Visibility is not included in the list")
        status = self._new(self.brand, text, visibility, parent, warning=warning)
        shown = tuple(self.uploaded[one] for one in media)
        status.media = [
            {"id": key, "type": file.kind, "url": self.shelf.url(file)} for key, file in zip(media, shown, strict=True)
        ]
        if key:
            self.repeated[key] = status.id
        named = [one for one in MENTION.findall(text) if one != "luma"]
        heard = [one for one in self.accounts.values() if one.acct in named]
        # Whom a direct message does not name never sees it.
        for person in heard if visibility == "direct" else [*heard[:1]]:
            words = Words(
                status.id, person.id, self.brand.name, text, status.at, private=visibility == "direct", by_brand=True
            )
            words.answers, words.files = parent.id if parent else "", shown
            self.note(words)
        self.told += 1
        return self._json(status)

    def length(self, text: str) -> int:
        """Characters as the server counts them."""
        text = MENTION.sub(lambda found: "@" + found[1].partition("@")[0], URL.sub("x" * 23, text))
        return len(text)

    def _delete(self, request: Request, key: str) -> Any:
        status = self._found(key)
        if status.author is not self.brand:
            raise Refusal(404, "", "Record not found")
        status.removed = True
        if key in self.words:
            self.words[key].removed = True
        return {**self._json(status), "text": status.text}

    def _favourite(self, request: Request, key: str) -> Any:
        self._found(key).favourited = True
        return self._json(self._found(key))

    def _unfavourite(self, request: Request, key: str) -> Any:
        self._found(key).favourited = False
        return self._json(self._found(key))

    def _upload(self, request: Request) -> Reply:
        part = parts(request).get("file")
        if part is None or not part.content:
            raise Refusal(422, "", "Validation failed: File can't be blank")
        key = self.ids.meta()
        self.media[key] = 1
        self.uploaded[key] = self.shelf.put(part.filename, part.mime, part.content)
        return json_reply({"id": key, "type": self.uploaded[key].kind, "url": None}, 202)

    def _media(self, request: Request, key: str) -> Reply:
        if key not in self.media:
            raise Refusal(404, "", "Record not found")
        self.media[key] -= 1
        return json_reply({"id": key, "type": "image"}, 206 if self.media[key] > 0 else 200)

    def _instance(self, request: Request) -> Any:
        urls = {"streaming": f"ws://{request.headers.get('host', '')}/api/mastodon"}
        statuses = {
            "max_characters": self.max_characters,
            "max_media_attachments": 4,
            "characters_reserved_per_url": 23,
        }
        return {"domain": HOST, "version": "4.7.3", "configuration": {"urls": urls, "statuses": statuses}}

    async def _stream(self, request: Request) -> Reply:
        """Heartbeats until something happens, then one event, and the connection breaks off. News before it are not told."""
        before, until = self.told, time.monotonic() + 20
        while self.told == before and time.monotonic() < until:
            await asyncio.sleep(0.02)
        news = b"event: notification\ndata: {}\n\n" if self.told != before else b""
        return Reply(200, b":thump\n" + news, {"content-type": "text/event-stream"})


STAND_IN = Mastodon
