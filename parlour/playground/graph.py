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

from parlour.playground.faults import Bucket, Fault, Faults
from parlour.playground.graph_state import MAX_COMMENT, MAX_MESSAGE, Chat, FacebookPage, Post
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_ACTIONS = {"typing_on", "typing_off", "mark_seen", "react", "unreact"}
_OPEN = timedelta(hours=24)
_HUMAN = timedelta(days=7)


class GraphError(Exception):
    """A refusal in Graph's words; the HTTP status is 400 unless told otherwise."""

    def __init__(self, code: int, words: str, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(words)
        self.code, self.words, self.subcode, self.status = code, words, subcode, status
        self.headers: dict[str, str] = {}

    def reply(self) -> Reply:
        error: dict[str, Any] = {"message": self.words, "type": "OAuthException", "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = "AStandInTrace0"
        return json_reply({"error": error}, self.status, self.headers)


def _gone(object_id: str) -> GraphError:
    words = (
        f"Unsupported get/post request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return GraphError(100, words, 33)


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
        self.routes = Router()
        for method, pattern, handler in (
            ("POST", "/{object_id}/comments", self._comment),
            ("POST", "/{object_id}/likes", self._like),
            ("DELETE", "/{object_id}/likes", self._unlike),
            ("POST", "/{object_id}/messages", self._message),
            ("POST", "/{object_id}/subscribed_apps", self._subscribe),
            ("POST", "/{object_id}", self._update),
            ("DELETE", "/{object_id}", self._delete),
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
            params = request.params()
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
        reply: Reply = await handler(params, **names)
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
            raise _gone(object_id)
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
        text = params.get("message")
        if not isinstance(text, str) or not text.strip():
            raise GraphError(100, "(#100) The parameter message is required.")
        if len(text) > MAX_COMMENT:
            raise GraphError(100, f"(#100) The comment is longer than {MAX_COMMENT} characters.")
        return json_reply({"id": self.page.page_comment(text, item.id).id})

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
        recipient = _object(params.get("recipient"))
        if (about := recipient.get("comment_id") or recipient.get("post_id")) is not None:
            return self._private_reply(str(about), _object(params.get("message")))
        if not recipient.get("id"):
            raise GraphError(100, "(#100) The parameter recipient is required")
        chat = self._chat(str(recipient["id"]))
        if "sender_action" in params:
            return self._sender_action(chat, params)
        text, metadata = _words(_object(params.get("message")))
        if chat.blocked:
            raise GraphError(551, "(#551) This person isn't available right now.", 1545041)
        self._check_window(chat, str(params.get("messaging_type", "RESPONSE")), params.get("tag"))
        line = self.page.page_message(chat, text, metadata=metadata)
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
        text, metadata = _words(message)
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

    async def _get(self, params: dict[str, Any], object_id: str) -> Reply:
        fields = [name for name in str(params.get("fields", "")).split(",") if name]
        if object_id in ("me", self.page.page_id):
            return json_reply(
                {name: value for name, value in self._about_page().items() if name in {*fields, "id"} or not fields}
            )
        if object_id in self.page.chats:
            return json_reply(self._profile(self.page.chats[object_id], fields))
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


def _object(value: Any) -> dict[str, Any]:
    """A parameter that holds an object, which a form carries as JSON text."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise GraphError(100, "(#100) A parameter is not valid JSON.") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise GraphError(100, "(#100) A parameter must be an object.")
    return value


def _words(message: dict[str, Any]) -> tuple[str, str]:
    """The text and the metadata of a message."""
    text, metadata = message.get("text"), message.get("metadata", "")
    if not isinstance(text, str) or not text.strip():
        raise GraphError(100, "(#100) Message cannot be empty, must provide valid attachment or text")
    if len(text) > MAX_MESSAGE:
        raise GraphError(100, f"(#100) Length of param message[text] must be less than or equal to {MAX_MESSAGE}")
    if not isinstance(metadata, str) or len(metadata) > 1000:
        raise GraphError(100, "(#100) Length of param message[metadata] must be less than or equal to 1000")
    return text, metadata
