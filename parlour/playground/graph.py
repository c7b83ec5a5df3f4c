"""The Graph API as far as a Page's connector uses it: comments, hiding, deleting, likes, the Send API, profiles."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson

from parlour.playground import graph_history as history
from parlour.playground.faults import Bucket, Fault, Faults
from parlour.playground.graph_asked import GraphError, attached, gone, parameter, quick_replies, uploaded, words
from parlour.playground.graph_files import Upload, multipart
from parlour.playground.graph_state import MAX_COMMENT, MAX_MESSAGE, Chat, FacebookPage, Post
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_ACTIONS = {"typing_on", "typing_off", "mark_seen", "react", "unreact"}
_OPEN = timedelta(hours=24)
_HUMAN = timedelta(days=7)


class GraphApi:
    """The HTTP face of one Page. ``requests`` keeps the latest (method, path, parameters) of what reached it, without tokens."""

    def __init__(self, page: FacebookPage, access_token: str, *, forgiving: bool = False) -> None:
        self.page = page
        self.access_token = access_token
        self.forgiving = forgiving
        """Whether ids of an earlier run are taken on trust: for a demonstration that outlives a restart."""
        self.faults = Faults()
        self.bucket = Bucket(300, 1.0)
        self.before_answer: Callable[[], Awaitable[object]] | None = None
        """Awaited between the work and the answer, for instance to let the echo overtake the answer."""
        self.requests: deque[tuple[str, str, dict[str, Any]]] = deque(maxlen=5000)
        self.uploads: dict[str, Upload] = {}
        """What was handed over, by its id."""
        self.routes = Router()
        for method, pattern, handler in (
            ("POST", "/{object_id}/comments", self._comment),
            ("POST", "/{object_id}/likes", self._like),
            ("DELETE", "/{object_id}/likes", self._unlike),
            ("POST", "/{object_id}/messages", self._message),
            ("POST", "/{object_id}/message_attachments", self._attach),
            ("POST", "/{object_id}/photos", self._photo),
            ("POST", "/{object_id}/subscribed_apps", self._subscribe),
            ("POST", "/{object_id}", self._update),
            ("DELETE", "/{object_id}", self._delete),
            ("GET", "/{object_id}/conversations", self._conversations),
            ("GET", "/{object_id}/feed", self._feed),
            ("GET", "/{object_id}", self._get),
        ):
            self.routes.add(method, pattern, handler)

    async def handle(self, request: Request) -> Reply:
        """Answer one request whose path begins after the mount point. Raises Drop when the connection is to be cut."""
        path = _VERSION.sub("", request.path)
        fault = self.faults.take(request.method, path)
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        try:
            reply = await self._work(request, path)
        except GraphError as error:
            return error.reply()
        if self.before_answer is not None and request.method == "POST":
            await self.before_answer()
        if fault is not None:
            raise Drop
        return reply

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "drop":
            raise Drop
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
            raise Drop
        return GraphError(fault.code, fault.words, fault.subcode, fault.status).reply()

    async def _work(self, request: Request, path: str) -> Reply:
        try:
            params, files = multipart(request) or (request.params(), {})
        except ValueError as error:
            raise GraphError(100, "(#100) The request body is not valid JSON.") from error
        given = request.bearer() or str(params.pop("access_token", ""))
        params.pop("access_token", None)
        self.requests.append((request.method, path, params))
        if not hmac.compare_digest(given.encode(), self.access_token.encode()):
            refusal = GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
            refusal.headers["www-authenticate"] = (
                'OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token"'
            )
            raise refusal
        used = self._count()
        found = self.routes.find(request.method, path)
        if found is None:
            raise GraphError(100, f"Unsupported {request.method.lower()} request.", status=404)
        handler, names = found
        reply: Reply = await handler({**params, **files}, **names)
        reply.headers.setdefault("x-app-usage", f'{{"call_count":{used},"total_time":1,"total_cputime":1}}')
        return reply

    def _count(self) -> int:
        """Count the request; the share of the allowance that is used, in percent."""
        allowance = self.bucket.take()
        if not allowance.allowed:
            refusal = GraphError(613, "(#613) Calls to this api have exceeded the rate limit.", status=429)
            usage = {"type": "messenger", "call_count": 100, "total_cputime": 1, "total_time": 1}
            usage["estimated_time_to_regain_access"] = max(1, round(allowance.reset / 60))
            refusal.headers["x-app-usage"] = '{"call_count":100,"total_time":1,"total_cputime":1}'
            refusal.headers["x-business-use-case-usage"] = orjson.dumps({self.page.page_id: [usage]}).decode()
            raise refusal
        return 100 - 100 * allowance.remaining // allowance.limit

    def _item(self, object_id: str) -> Post:
        item = self.page.posts.get(object_id)
        if item is None and self.forgiving:
            item = self.page.adopt(object_id)
        if item is None or item.removed:
            raise gone(object_id)
        return item

    def _chat(self, psid: str) -> Chat:
        chat = self.page.chats.get(psid)
        if chat is None and self.forgiving:
            chat = self.page.adopt_chat(psid)
        if chat is None:
            raise GraphError(100, "(#100) No matching user found", 2018001)
        return chat

    async def _comment(self, params: dict[str, Any], object_id: str) -> Reply:
        item = self._item(object_id)
        text, photo = params.get("message", ""), params.get("attachment_id")
        if photo is not None and str(photo) not in self.uploads:
            raise gone(str(photo))
        if not isinstance(text, str) or not (text.strip() or photo):
            raise GraphError(100, "(#100) The parameter message is required.")
        if len(text) > MAX_COMMENT:
            raise GraphError(100, f"(#100) The comment is longer than {MAX_COMMENT} characters.")
        shown = self.uploads[str(photo)] if photo else None
        file = self.page.shelf.put(shown.name, shown.mime, shown.content) if shown else None
        return json_reply({"id": self.page.page_comment(text, item.id, file).id})

    async def _photo(self, params: dict[str, Any], object_id: str) -> Reply:
        self._own(object_id)
        file = params.get("source")
        if not isinstance(file, Upload) or not file.mime.startswith("image/"):
            raise GraphError(324, "(#324) Missing or invalid image file")
        if str(params.get("published")).lower() != "false":
            raise GraphError(200, "(#200) This stand-in takes unpublished photos only.")
        return json_reply({"id": self._kept(file)})

    async def _attach(self, params: dict[str, Any], object_id: str) -> Reply:
        self._own(object_id)
        return json_reply({"attachment_id": self._kept(uploaded(params))})

    def _kept(self, file: Upload) -> str:
        made = self.page.ids.meta()
        self.uploads[made] = file
        return made

    async def _update(self, params: dict[str, Any], object_id: str) -> Reply:
        item = self._item(object_id)
        if "is_hidden" in params:
            wanted = str(params["is_hidden"]).lower()
            if wanted not in {"true", "false", "1", "0"}:
                raise GraphError(100, "(#100) Param is_hidden must be a boolean")
            if item.author is None or item.kind != "comment":
                raise GraphError(200, "(#200) Permissions error")
            self.page.page_hide(item, wanted in {"true", "1"})
        elif isinstance(text := params.get("message"), str) and text.strip():
            if item.author is not None:
                raise GraphError(200, "(#200) Permissions error")
            self.page.edit(item.id, text)
        else:
            raise GraphError(100, "(#100) There is nothing to change.")
        return json_reply({"success": True})

    async def _delete(self, _params: dict[str, Any], object_id: str) -> Reply:
        self.page.remove(self._item(object_id).id)
        return json_reply({"success": True})

    async def _like(self, _params: dict[str, Any], object_id: str) -> Reply:
        self._item(object_id).liked = True
        return json_reply({"success": True})

    async def _unlike(self, _params: dict[str, Any], object_id: str) -> Reply:
        self._item(object_id).liked = False
        return json_reply({"success": True})

    async def _subscribe(self, _params: dict[str, Any], object_id: str) -> Reply:
        self._own(object_id)
        return json_reply({"success": "true"})

    async def _message(self, params: dict[str, Any], object_id: str) -> Reply:
        self._own(object_id)
        recipient = parameter(params.get("recipient"))
        if (about := recipient.get("comment_id") or recipient.get("post_id")) is not None:
            return self._private_reply(str(about), parameter(params.get("message")))
        if not recipient.get("id"):
            raise GraphError(100, "(#100) The parameter recipient is required")
        chat = self._chat(str(recipient["id"]))
        if "sender_action" in params:
            return self._sender_action(chat, params)
        message = parameter(params.get("message"))
        text, metadata = words(message, MAX_MESSAGE)
        if chat.blocked:
            raise GraphError(551, "(#551) This person isn't available right now.", 1545041)
        self._check_window(chat, str(params.get("messaging_type", "RESPONSE")), params.get("tag"))
        file, choices = attached(message, self.uploads), quick_replies(message)
        line = self.page.page_message(chat, text, metadata=metadata, file=file, choices=choices)
        chat.typing = False
        return json_reply({"recipient_id": chat.person.psid, "message_id": line.mid})

    def _check_window(self, chat: Chat, kind: str, tag: Any) -> None:
        if kind not in {"RESPONSE", "UPDATE", "MESSAGE_TAG"}:
            raise GraphError(100, "(#100) Param messaging_type must be one of {RESPONSE, UPDATE, MESSAGE_TAG, UTILITY}")
        if kind == "MESSAGE_TAG" and tag != "HUMAN_AGENT":
            raise GraphError(100, "(#100) Invalid parameter: this message tag is not supported any more")
        window = _HUMAN if kind == "MESSAGE_TAG" else _OPEN
        last = chat.last_inbound_at
        if last is None or self.page.clock.now() - last > window:
            raise GraphError(10, "(#10) This message is sent outside of allowed window.", 2018278)

    def _sender_action(self, chat: Chat, params: dict[str, Any]) -> Reply:
        action = params["sender_action"]
        if action not in _ACTIONS or "message" in params:
            raise GraphError(
                100, "(#100) A sender_action is sent alone, and is one of typing_on, typing_off, mark_seen …"
            )
        if action == "mark_seen":
            chat.seen_at = self.page.clock.now()
        elif action.startswith("typing"):
            chat.typing = action == "typing_on"
        return json_reply({"recipient_id": chat.person.psid})

    def _private_reply(self, about: str, message: dict[str, Any]) -> Reply:
        item = self._item(about)
        text, metadata = words(message, MAX_MESSAGE)
        if item.author is None:
            raise GraphError(10902, "(#10902) This is not a Replyable activity")
        if item.private_reply:
            raise GraphError(10900, "(#10900) Activity already replied to")
        if self.page.clock.now() - item.at > _HUMAN:
            raise GraphError(10, "(#10) This message is sent outside of allowed window.", 2018278)
        chat = self.page.chats[item.author.psid]
        if chat.blocked:
            raise GraphError(551, "(#551) This person isn't available right now.", 1545041)
        line = self.page.page_message(chat, text, metadata=metadata, about=about)
        item.private_reply = line.mid
        return json_reply({"recipient_id": chat.person.psid, "message_id": line.mid})

    async def _conversations(self, params: dict[str, Any], object_id: str) -> Reply:
        self._own(object_id)
        return json_reply(history.paged(history.conversations(self.page), params))

    async def _feed(self, params: dict[str, Any], object_id: str) -> Reply:
        self._own(object_id)
        return json_reply(history.paged(history.feed(self.page), params))

    async def _get(self, params: dict[str, Any], object_id: str) -> Reply:
        fields = [name for name in str(params.get("fields", "")).split(",") if name]
        if object_id in ("me", self.page.page_id):
            return json_reply(
                {name: value for name, value in self._about_page().items() if name in {*fields, "id"} or not fields}
            )
        if object_id in self.page.chats:
            return json_reply(self._profile(self.page.chats[object_id], fields))
        if (known := history.message(self.page, object_id)) is not None:
            return json_reply({name: known[name] for name in known if name in {*fields, "id"}})
        item = self._item(object_id)
        known = self._about_item(item)
        return json_reply(
            {name: known[name] for name in known if name in {*(fields or ("message", "created_time")), "id"}}
        )

    def _about_page(self) -> dict[str, Any]:
        return {"id": self.page.page_id, "name": self.page.name, "category": "Telecommunication company"}

    def _profile(self, chat: Chat, fields: list[str]) -> dict[str, Any]:
        if chat.blocked:
            raise GraphError(100, "(#100) No profile available for this user.", 2018218)
        first, _, last = chat.person.name.partition(" ")
        known = {
            "first_name": first,
            "last_name": last,
            "name": chat.person.name,
            "profile_pic": "",
            "id": chat.person.psid,
        }
        return {name: known[name] for name in known if name in {*(fields or ("first_name", "last_name")), "id"}}

    def _about_item(self, item: Post) -> dict[str, Any]:
        author = (item.author.id, item.author.name) if item.author else (self.page.page_id, self.page.name)
        theirs = item.author is not None
        return {
            "id": item.id,
            "message": item.text,
            "created_time": f"{item.at:%Y-%m-%dT%H:%M:%S}+0000",
            "from": {"id": author[0], "name": author[1]},
            "is_hidden": item.hidden,
            "can_hide": theirs and item.kind == "comment",
            "can_remove": True,
            "can_like": True,
            "can_comment": True,
            "can_reply_privately": theirs and not item.private_reply and self.page.clock.now() - item.at <= _HUMAN,
            "user_likes": item.liked,
            "permalink_url": f"https://www.facebook.com/{item.id}",
            **({"parent": {"id": item.parent_id}} if item.parent_id and item.parent_id != item.post_id else {}),
        }

    def _own(self, object_id: str) -> None:
        if object_id not in ("me", self.page.page_id):
            raise GraphError(200, "(#200) Permissions error")
