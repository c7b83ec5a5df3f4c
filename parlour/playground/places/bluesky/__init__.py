"""A Bluesky server for the brand's account: sessions, posts, notifications, search, chats through the proxy header."""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from datetime import timedelta
from typing import Any

import regex

from parlour.playground.places.bluesky.chats import Chats
from parlour.playground.places.bluesky.scenes import SCENES
from parlour.playground.places.bluesky.state import POST, Person, Post, iso, tid
from parlour.playground.polled import Refusal
from parlour.playground.shelf import File
from parlour.playground.standin import Unable, Words
from parlour.playground.web import Reply, Request, json_reply

PASSWORD = "luma-abcd-efgh-ijkl"  # noqa: S105
HANDLE = "luma.example"
DID = "did:plc:luma4luma4luma4luma4luma"
PROXY = "did:web:api.bsky.chat#bsky_chat"
_PICTURE = re.compile(r"/img/feed_fullsize/plain/[^/]+/(\w+)@jpeg")
_MENTION = re.compile(r"(?<![\w/])@([a-z0-9.-]+[a-z0-9])", re.I)


class Bluesky(Chats):
    name = "bluesky"
    label = "Bluesky"
    channels = ("bluesky",)
    files_public = True
    called = f"@{HANDLE}"
    how = "Posts are read by everybody, chats by the customer and the brand."
    scenes = SCENES

    def prepare(self) -> None:
        self._last = int(self.clock.now().timestamp() * 1_000_000)
        self.brand = Person(DID, HANDLE, "Luma Help", 9_000)
        self.by_did: dict[str, Person] = {self.brand.did: self.brand}
        self.posts: dict[str, Post] = {}
        self.notifications: list[dict[str, Any]] = []
        self.records: dict[str, dict[str, Any]] = {}
        """What the brand's repository holds beside posts, by address: likes and threadgates."""
        self.tokens: dict[str, str] = {}
        """Access token -> refresh token."""
        self.expired: set[str] = set()
        self.blobs: dict[str, File] = {}
        """Pictures by their CID."""
        self.sign_ins = 0
        for method, name, work in (
            ("POST", "com.atproto.server.createSession", self._sign_in),
            ("POST", "com.atproto.server.refreshSession", self._renew),
            ("GET", "com.atproto.identity.resolveHandle", self._resolve),
            ("POST", "com.atproto.repo.createRecord", self._create),
            ("POST", "com.atproto.repo.deleteRecord", self._delete),
            ("POST", "com.atproto.repo.putRecord", self._put),
            ("GET", "com.atproto.repo.getRecord", self._record),
            ("POST", "com.atproto.repo.uploadBlob", self._blob),
            ("GET", "app.bsky.actor.getProfile", self._profile),
            ("GET", "app.bsky.notification.listNotifications", self._notifications),
            ("GET", "app.bsky.feed.getAuthorFeed", self._feed),
            ("GET", "app.bsky.feed.getPosts", self._posts),
            ("GET", "app.bsky.feed.searchPosts", self._search),
        ):
            self.routes.add(method, f"/xrpc/{name}", work)
        self.prepare_chats()

    def settings(self, channel: str, address: str) -> dict[str, str]:
        password = self.kept.get("bluesky", {}).get("app_password", PASSWORD)
        return {"identifier": HANDLE, "app_password": password, "api_base": address, "pictures_base": address}

    def refused(self, refusal: Refusal) -> Reply:
        return json_reply({"error": refusal.code, "message": refusal.words}, refusal.status)

    def admit(self, request: Request) -> None:
        name = request.path.removeprefix("/xrpc/")
        if name in ("com.atproto.server.createSession", "com.atproto.server.refreshSession"):
            return
        token = request.bearer()
        if token in self.expired:
            raise Refusal(400, "ExpiredToken", "Token has expired")
        if token not in self.tokens:
            raise Refusal(401, "AuthMissing", "Authentication Required")
        if name.startswith("chat."):
            if request.headers.get("atproto-proxy") != PROXY:
                raise Refusal(404, "XRPCNotSupported", "XRPCNotSupported")
            if not self.chat_allowed:
                raise Refusal(401, "InvalidToken", "Bad token scope")

    def limit_headers(self, remaining: int, reset: float) -> dict[str, str]:
        until = self.clock.now() + timedelta(seconds=reset)
        return {
            "ratelimit-limit": "3000",
            "ratelimit-remaining": str(remaining),
            "ratelimit-reset": str(int(until.timestamp())),
            "ratelimit-policy": "3000;w=300",
        }

    # What customers do

    def person(self, name: str) -> str:
        if name not in self.people:
            handle = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"u{len(self.people)}"
            made = Person(self._did(), f"{handle}.bsky.example", name)
            self.by_did[made.did] = made
            self.people[name] = made.did
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
        """``more``: further fields of the post's record."""
        author = self.by_did[person]
        if files and (private or len(files) > 4 or not all(one.is_picture for one in files)):
            raise Unable("Bluesky takes up to four pictures with a post, and no files in chats.")
        if private:
            return self.say_in_chat(author, text)
        parent = self._there(answers) if answers else None
        if files:
            pictures = [{"alt": one.name, "image": self._kept(one)} for one in files]
            more["embed"] = {"$type": "app.bsky.embed.images", "images": pictures}
        post = self._new(author, {"text": text, **more}, parent)
        reason = "reply" if parent is not None and parent.author is self.brand else ""
        reason = reason or ("mention" if HANDLE in map(str.lower, _MENTION.findall(text)) else "")
        if reason:
            self._notify(reason, author, post.uri, post.record, parent.uri if reason == "reply" and parent else "")
        return self.note(Words(post.uri, person, author.name, text, post.at, answers=answers, files=files))

    def heard(self, text: str, *, private: bool, answers: str = "") -> bool:
        above = self.posts.get(answers)
        named = HANDLE in map(str.lower, _MENTION.findall(text))
        return private or named or (above is not None and above.author is self.brand)

    def remove(self, words: str) -> None:
        if words in self.posts:
            self._there(words).removed = True
            self.notifications = [one for one in self.notifications if one["uri"] != words]
        else:
            convo, _, message = words.partition("/")
            gone = self.chats[convo].messages.pop(message)
            shown = {**gone, "$type": "chat.bsky.convo.defs#deletedMessageView"}
            shown.pop("text")
            self.tell_chat("DeleteMessage", self.chats[convo], message=shown)
        self.words[words].removed = True

    def like(self, person: str, uri: str) -> None:
        """A customer likes a post of the brand's."""
        who = self.by_did[person]
        self._notify("like", who, f"at://{who.did}/app.bsky.feed.like/{self.tid()}", {"subject": {"uri": uri}}, uri)

    def write_as_brand(self, text: str, answers: str = "") -> str:
        """The brand writes with Bluesky's own program, away from the desk."""
        return self._new(self.brand, {"text": text}, self._there(answers) if answers else None).uri

    def expire(self) -> None:
        """All access tokens have run out."""
        self.expired |= set(self.tokens)

    # Inside

    def known(self, did: str) -> Person | None:
        return self.by_did.get(did)

    def _did(self) -> str:
        return f"did:plc:{hashlib.sha256(self.ids.meta().encode()).hexdigest()[:24]}"

    def tid(self) -> str:
        self._last += 1
        return tid(self._last << 10)

    def _there(self, uri: str) -> Post:
        post = self.posts.get(uri)
        if post is None or post.removed:
            raise KeyError(uri)
        return post

    def _new(self, author: Person, record: dict[str, Any], parent: Post | None, rkey: str = "") -> Post:
        uri = f"at://{author.did}/{POST}/{rkey or self.tid()}"
        at = self.clock.now()
        record = {"$type": POST, "createdAt": iso(at), "langs": ["en"], **record}
        if parent is not None:
            record["reply"] = {"root": parent.root.strong, "parent": parent.strong}
        cid = "bafyrei" + hashlib.sha256(uri.encode()).hexdigest()[:40]
        self.posts[uri] = Post(uri, cid, author, record, at, parent)
        return self.posts[uri]

    def _notify(self, reason: str, author: Person, uri: str, record: dict[str, Any], subject: str) -> None:
        shown = {
            "uri": uri,
            "cid": "bafy",
            "author": author.shown(),
            "reason": reason,
            "record": record,
            "isRead": False,
        }
        shown |= {"indexedAt": iso(self.clock.now()), **({"reasonSubject": subject} if subject else {})}
        self.notifications.append(shown)

    # What the desk asks

    def _sign_in(self, request: Request) -> Any:
        body = request.json()
        wanted = self.settings("bluesky", "")
        self.sign_ins += 1
        if body.get("identifier") not in (HANDLE, self.brand.did) or body.get("password") != wanted["app_password"]:
            raise Refusal(401, "AuthenticationRequired", "Invalid identifier or password")
        return self._session()

    def _renew(self, request: Request) -> Any:
        if request.bearer() not in self.tokens.values():
            raise Refusal(400, "ExpiredToken", "Token has expired")
        return self._session()

    def _session(self) -> dict[str, Any]:
        access, refresh = f"access-{self.tid()}", f"refresh-{self.tid()}"
        self.tokens[access] = refresh
        return {"did": self.brand.did, "handle": HANDLE, "accessJwt": access, "refreshJwt": refresh, "active": True}

    def _resolve(self, request: Request) -> Any:
        found = next((one for one in self.by_did.values() if one.handle == request.query.get("handle")), None)
        if found is None:
            raise Refusal(400, "InvalidRequest", "Unable to resolve handle")
        return {"did": found.did}

    def _create(self, request: Request) -> Any:
        body = request.json()
        collection, record, rkey = str(body.get("collection")), body.get("record"), str(body.get("rkey") or self.tid())
        if body.get("repo") != self.brand.did or not isinstance(record, dict):
            raise Refusal(400, "InvalidRequest", "Could not create the record")
        uri = f"at://{self.brand.did}/{collection}/{rkey}"
        if uri in self.posts or uri in self.records:
            raise Refusal(400, "InvalidRequest", "There is already a record with this key")
        if collection != POST:
            self.records[uri] = record
            return {"uri": uri, "cid": "bafyother"}
        text = str(record.get("text", ""))
        if len(regex.findall(r"\X", text)) > 300 or len(text.encode()) > 3000:
            raise Refusal(
                400, "InvalidRequest", "Invalid app.bsky.feed.post record: text must not be longer than 300 graphemes"
            )
        target = str(((record.get("reply") or {}).get("parent") or {}).get("uri") or "")
        parent = self.posts.get(target)
        post = self._new(self.brand, record, parent, rkey)
        person = parent.author if parent else self.brand
        links = [one["image"]["ref"]["$link"] for one in (record.get("embed") or {}).get("images", ())]
        if any(link not in self.blobs for link in links):
            raise Refusal(400, "BlobNotFound", "Could not find blob")
        files = tuple(self.blobs[link] for link in links)
        words = Words(uri, person.did, self.brand.name, text, post.at, by_brand=True, answers=target, files=files)
        self.note(words)
        return {"uri": uri, "cid": post.cid, "validationStatus": "valid"}

    def _delete(self, request: Request) -> Any:
        body = request.json()
        uri = f"at://{body.get('repo')}/{body.get('collection')}/{body.get('rkey')}"
        self.records.pop(uri, None)
        if uri in self.posts:
            self.posts[uri].removed = True
            self.words[uri].removed = True
        return {}

    def _put(self, request: Request) -> Any:
        body = request.json()
        uri = f"at://{body.get('repo')}/{body.get('collection')}/{body.get('rkey')}"
        self.records[uri] = body["record"]
        hidden = body["record"].get("hiddenReplies", [])
        for key, words in self.words.items():
            words.hidden = key in hidden
        return {"uri": uri, "cid": "bafyother"}

    def _record(self, request: Request) -> Any:
        query = request.query
        uri = f"at://{query.get('repo')}/{query.get('collection')}/{query.get('rkey')}"
        value = self.posts[uri].record if uri in self.posts else self.records.get(uri)
        if value is None:
            raise Refusal(400, "RecordNotFound", f"Could not locate record: {uri}")
        return {"uri": uri, "cid": "bafyother", "value": value}

    def _blob(self, request: Request) -> Any:
        if len(request.body) > 1_000_000:
            raise Refusal(413, "BlobTooLarge", "This file is too large.")
        kind = request.headers.get("content-type", "")
        return {"blob": self._kept(self.shelf.put("", kind, request.body))}

    def _kept(self, file: File) -> dict[str, Any]:
        """A blob, by what it holds."""
        digest = b32encode(hashlib.sha256(file.content).digest()).decode().lower().rstrip("=")
        cid = f"bafkrei{digest}"
        self.blobs[cid] = file
        return {"$type": "blob", "ref": {"$link": cid}, "mimeType": file.mime, "size": len(file.content)}

    async def handle(self, request: Request) -> Reply:
        if found := _PICTURE.fullmatch(request.path):
            file = self.blobs.get(found[1])
            return Reply(200, file.content, {"content-type": file.mime}) if file else Reply(404)
        return await super().handle(request)

    def _profile(self, request: Request) -> Any:
        found = self.by_did.get(request.query.get("actor", ""))
        if found is None:
            raise Refusal(400, "InvalidRequest", "Profile not found")
        return {**found.shown(), "followersCount": found.followers}

    def _notifications(self, request: Request) -> Any:
        reasons = {value for name, value in request.pairs if name == "reasons"}
        found = [one for one in self.notifications if not reasons or one["reason"] in reasons]
        chosen, cursor = _page(request, found)
        return {"notifications": chosen, "seenAt": iso(self.clock.now()), **cursor}

    def _feed(self, request: Request) -> Any:
        posts = [one for one in self.posts.values() if one.author.did == request.query.get("actor") and not one.removed]
        chosen, cursor = _page(request, posts)
        feed = [
            {
                "post": one.shown(),
                **({"reply": {"parent": one.parent.shown(), "root": one.root.shown()}} if one.parent else {}),
            }
            for one in chosen
        ]
        return {"feed": feed, **cursor}

    def _posts(self, request: Request) -> Any:
        uris = [value for name, value in request.pairs if name == "uris"]
        if len(uris) > 25:
            raise Refusal(400, "InvalidRequest", "Error: uris must not have more than 25 elements")
        for uri in uris if self.forgiving else ():
            if uri not in self.posts:
                # Written before a restart: the demonstration goes on as if it were known.
                did = uri.split("/")[2] if uri.count("/") == 4 else self.brand.did
                author = self.by_did.setdefault(did, Person(did, f"{did[8:20]}.bsky.example", "Somebody"))
                self.posts[uri] = Post(uri, "bafyearlier", author, {"$type": POST, "text": ""}, self.clock.now())
        found = [self.posts[uri] for uri in uris if uri in self.posts and not self.posts[uri].removed]
        return {"posts": [one.shown(self._liked(one)) for one in found]}

    def _liked(self, post: Post) -> str:
        return next((uri for uri, one in self.records.items() if (one.get("subject") or {}).get("uri") == post.uri), "")

    def _search(self, request: Request) -> Any:
        wanted = request.query.get("q", "").lower()
        found = [one for one in self.posts.values() if not one.removed and wanted in one.record["text"].lower()]
        chosen, cursor = _page(request, found)
        return {"posts": [one.shown() for one in chosen], **cursor}


def _page(request: Request, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """A page, newest first, and the cursor of the next one."""
    limit, before = min(int(request.query.get("limit", "50")), 100), int(request.query.get("cursor", str(len(items))))
    chosen = items[max(0, before - limit) : before][::-1]
    left = before - limit
    return chosen, {"cursor": str(left)} if left > 0 else {}


STAND_IN = Bluesky
