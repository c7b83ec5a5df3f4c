"""The HTTP face: the Send API, comments and moderation, mentions and profiles, with Meta's limits and refusals."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from parlour.playground.graph_asked import GraphError, attached, gone, parameter, quick_replies, uploaded
from parlour.playground.graph_files import multipart
from parlour.playground.graph_history import iso, paged
from parlour.playground.places.instagram.state import IG_ID, USERNAME, Chat, Comment, username
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

if TYPE_CHECKING:
    from parlour.playground.places.instagram import Instagram

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_OPEN, _HUMAN = timedelta(hours=24), timedelta(days=7)
MAX_BYTES = 1000
MAX_COMMENT = 2200


def _closed() -> GraphError:
    refusal = GraphError(10, "This message is sent outside of allowed window.", 2534022, 403)
    refusal.type = "IGApiException"
    return refusal


class Api:
    def __init__(self, place: Instagram) -> None:
        self.place = place
        self.before_answer: Callable[[], Awaitable[object]] | None = None
        """Awaited between the work and the answer, for instance to let the echo overtake the answer."""
        self.routes = Router()
        for method, pattern, work in (
            ("POST", "/{key}/messages", self._message),
            ("POST", "/{key}/message_attachments", self._attach),
            ("POST", "/{key}/mentions", self._mention),
            ("POST", "/{key}/replies", self._reply),
            ("POST", "/{key}/comments", self._reply),
            ("POST", "/{key}", self._hide),
            ("DELETE", "/{key}", self._delete),
            ("GET", "/{key}/comments", self._comments),
            ("GET", "/{key}/conversations", self._conversations),
            ("GET", "/{key}/media", self._media),
            ("GET", "/{key}", self._get),
        ):
            self.routes.add(method, pattern, work)

    async def handle(self, request: Request) -> Reply:
        path = _VERSION.sub("", request.path)
        fault = self.place.faults.take(request.method, path)
        if fault is not None and fault.how != "drop_after":
            if fault.how == "timeout":
                await asyncio.sleep(fault.seconds)
            if fault.how != "error":
                raise Drop
            return GraphError(fault.code, fault.words, fault.subcode, fault.status).reply()
        try:
            reply = self._work(request, path)
        except GraphError as error:
            return error.reply()
        if self.before_answer is not None and request.method == "POST":
            await self.before_answer()
        if fault is not None:
            raise Drop
        return reply

    def _work(self, request: Request, path: str) -> Reply:
        try:
            params, files = multipart(request) or (request.params(), {})
        except ValueError as error:
            raise GraphError(100, "(#100) The request body is not valid JSON.") from error
        given = request.bearer() or str(params.pop("access_token", ""))
        params.pop("access_token", None)
        self.place.requests.append((request.method, path, params))
        if not hmac.compare_digest(given.encode(), self.place.token.encode()):
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        allowance = self.place.bucket.take()
        if not allowance.allowed:
            refusal = GraphError(613, "(#613) Calls to this api have exceeded the rate limit.", status=429)
            refusal.headers["retry-after"] = str(max(1, round(allowance.reset)))
            raise refusal
        found = self.routes.find(request.method, path)
        if found is None:
            raise GraphError(100, f"Unsupported {request.method.lower()} request.", status=404)
        work, names = found
        reply: Reply = work({**params, **files}, **names)
        used = 100 - 100 * allowance.remaining // allowance.limit
        reply.headers["x-app-usage"] = f'{{"call_count":{used},"total_time":1,"total_cputime":1}}'
        return reply

    # Private

    def _message(self, params: dict[str, Any], key: str) -> Reply:
        self._own(key)
        recipient, message = parameter(params.get("recipient")), parameter(params.get("message"))
        if "comment_id" in recipient:
            return self._private_reply(str(recipient["comment_id"]), message)
        chat = self._chat(str(recipient.get("id", "")))
        if "sender_action" in params:
            if "message" in params or params["sender_action"] not in {"mark_seen", "typing_on", "typing_off"}:
                raise GraphError(100, "(#100) A sender_action is sent alone.")
            if params["sender_action"] == "mark_seen":
                chat.seen_at = self.place.clock.now()
            return json_reply({"recipient_id": chat.person})
        text, file, choices = self._content(message)
        if chat.blocked:
            raise GraphError(551, "(#551) This person isn't available right now.", 1545041)
        self._check_window(chat, params)
        mid = self.place.brand_message(chat, text, file=file, choices=choices)
        return json_reply({"recipient_id": chat.person, "message_id": mid})

    def _content(self, message: dict[str, Any]) -> tuple[str, Any, tuple[str, ...]]:
        """Text or file, and quick replies. Nested fields that are not known are refused, as Graph does."""
        odd = set(message) - {"text", "attachment", "attachments", "quick_replies", "reply_to"}
        if odd:
            words = f'(#100) Invalid keys "{", ".join(sorted(odd))}" were found in param "message".'
            raise GraphError(100, words)
        file, choices, text = attached(message, self.place.uploads), quick_replies(message), message.get("text", "")
        if not isinstance(text, str) or bool(text.strip()) == (file is not None):
            raise GraphError(100, "(#100) Message cannot be empty, must provide valid attachment or text")
        if len(text.encode("utf-8", "replace")) > MAX_BYTES:
            raise GraphError(100, f"(#100) Length of param message[text] must be at most {MAX_BYTES} bytes")
        return text, file, choices

    def _check_window(self, chat: Chat, params: dict[str, Any]) -> None:
        tag, kind = params.get("tag"), params.get("messaging_type", "RESPONSE")
        if kind not in ("RESPONSE", "UPDATE", "MESSAGE_TAG"):
            raise GraphError(100, "(#100) Param messaging_type must be one of {RESPONSE, UPDATE, MESSAGE_TAG}")
        if kind == "MESSAGE_TAG" and tag != "HUMAN_AGENT":
            raise GraphError(100, "(#100) Invalid parameter: this message tag is not supported")
        last, window = chat.last_inbound_at, _HUMAN if kind == "MESSAGE_TAG" else _OPEN
        if last is None or self.place.clock.now() - last > window:
            raise _closed()

    def _private_reply(self, about: str, message: dict[str, Any]) -> Reply:
        comment = self._comment(about)
        text, file, choices = self._content(message)
        if not comment.person or file is not None:
            raise GraphError(10902, "(#10902) This is not a Replyable activity")
        if comment.private_reply:
            raise GraphError(10900, "(#10900) Activity already replied to")
        if self.place.clock.now() - comment.at > _HUMAN:
            raise _closed()
        chat = self.place.chat(comment.person)
        if chat.blocked:
            raise GraphError(551, "(#551) This person isn't available right now.", 1545041)
        comment.private_reply = self.place.brand_message(chat, text, choices=choices, about=about)
        return json_reply({"recipient_id": chat.person, "message_id": comment.private_reply})

    def _attach(self, params: dict[str, Any], key: str) -> Reply:
        self._own(key)
        if params.get("platform") != "instagram":
            raise GraphError(100, "(#100) Param platform must be instagram")
        file, made = uploaded(params), self.place.ids.meta()
        self.place.uploads[made] = file
        return json_reply({"attachment_id": made})

    # Public

    def _reply(self, params: dict[str, Any], key: str) -> Reply:
        text = self._words(params)
        if key not in self.place.media:
            self._comment(key)
        return json_reply({"id": self.place.comment("", text, key).id})

    def _mention(self, params: dict[str, Any], key: str) -> Reply:
        self._own(key)
        text = self._words(params)
        comment = self._comment(str(params.get("comment_id", "")))
        if comment.media != params.get("media_id"):
            raise gone(str(params.get("media_id")))
        return json_reply({"id": self.place.comment("", text, comment.id).id})

    def _words(self, params: dict[str, Any]) -> str:
        text = params.get("message")
        if not isinstance(text, str) or not text.strip():
            raise GraphError(100, "(#100) The parameter message is required.")
        if len(text) > MAX_COMMENT:
            raise GraphError(100, f"(#100) The comment is longer than {MAX_COMMENT} characters.")
        return text

    def _hide(self, params: dict[str, Any], key: str) -> Reply:
        comment, wanted = self._comment(key), str(params.get("hide", "")).lower()
        if wanted not in {"true", "false"}:
            raise GraphError(100, "(#100) The parameter hide is required.")
        if not comment.person:
            raise GraphError(100, "(#100) You cannot hide your own comment.")
        comment.hidden = wanted == "true"
        if key in self.place.words:
            self.place.words[key].hidden = comment.hidden
        return json_reply({"success": True})

    def _delete(self, params: dict[str, Any], key: str) -> Reply:
        self._comment(key).removed = True
        if key in self.place.words:
            self.place.words[key].removed = True
        return json_reply({"success": True})

    def _comments(self, params: dict[str, Any], key: str) -> Reply:
        if key not in self.place.media:
            raise gone(key)
        found = [one for one in self.place.comments.values() if one.media == key and not one.removed]
        return json_reply({"data": [{"id": one.id, "text": one.text, "hidden": one.hidden} for one in found]})

    def _conversations(self, params: dict[str, Any], key: str) -> Reply:
        self._own(key)
        if params.get("platform") != "instagram":
            raise GraphError(100, "(#100) Param platform must be instagram")
        return json_reply(paged(self._talks(), params))

    def _talks(self) -> list[dict[str, Any]]:
        """Every conversation, newest first, with its latest messages, newest first."""
        rows: list[dict[str, Any]] = []
        brand = {"id": IG_ID, "username": USERNAME}
        for chat in self.place.chats.values():
            lines = [self.place.words[mid] for mid in chat.mids if not self.place.words[mid].removed]
            customer = {"id": chat.person, "username": username(self.place.name_of(chat.person))}
            messages = [
                {
                    "id": line.id,
                    "created_time": iso(line.at),
                    "from": brand if line.by_brand else customer,
                    "to": {"data": [customer if line.by_brand else brand]},
                    "message": line.text,
                }
                for line in reversed(lines[-50:])
            ]
            if messages:
                rows.append({"updated_time": messages[0]["created_time"], "messages": {"data": messages}})
        return sorted(rows, key=lambda row: str(row["updated_time"]), reverse=True)

    def _media(self, params: dict[str, Any], key: str) -> Reply:
        self._own(key)
        rows = []
        for media in self.place.media:
            standing = [one for one in self.place.comments.values() if one.media == media and not one.removed]
            comments = [
                {
                    **self._said(one),
                    "replies": {"data": [self._said(reply) for reply in standing if reply.parent == one.id]},
                }
                for one in reversed(standing)
                if not one.parent
            ]
            rows.append({"id": media, "media_product_type": "FEED", "comments": {"data": comments}})
        return json_reply(paged(rows, params))

    def _said(self, comment: Comment) -> dict[str, Any]:
        name = username(self.place.name_of(comment.person)) if comment.person else USERNAME
        author = {"id": comment.person or IG_ID, "username": name}
        return {"id": comment.id, "text": comment.text, "timestamp": iso(comment.at), "from": author, "username": name}

    def _get(self, params: dict[str, Any], key: str) -> Reply:
        wanted = {"id", *(name for name in str(params.get("fields", "")).split(",") if name)}
        about: dict[str, Any]
        if key in ("me", IG_ID):
            # Of a token of Instagram Login, ``me`` has another id than the webhooks tell.
            about = {"id": IG_ID if key == IG_ID else "28978671838402975", "user_id": IG_ID, "username": USERNAME}
        elif key in self.place.chats:
            about = self._profile(self.place.chats[key])
        elif key in self.place.words and self.place.words[key].private:
            line = self.place.words[key]
            about = {"id": key, "from": {"id": IG_ID if line.by_brand else line.person}}
        else:
            comment = self._comment(key)
            about = {"id": comment.id, "text": comment.text, "hidden": comment.hidden}
        return json_reply({name: value for name, value in about.items() if name in wanted})

    def _profile(self, chat: Chat) -> dict[str, Any]:
        if chat.last_inbound_at is None or chat.blocked:
            raise GraphError(230, "(#230) User consent is required to access user profile", status=403)
        name = self.place.name_of(chat.person)
        return {
            "id": chat.person,
            "name": name,
            "username": username(name),
            "follower_count": 100 + int(chat.person) % 900,
            "is_verified_user": False,
        }

    # What it is about

    def _own(self, key: str) -> None:
        if key not in ("me", IG_ID):
            raise GraphError(200, "(#200) Permissions error")

    def _comment(self, key: str) -> Comment:
        known = self.place.comments.get(key)
        if known is None and self.place.forgiving and key.isdigit() and len(key) > 10:
            known = Comment(key, next(iter(self.place.media)), "", "", "An earlier comment.", self.place.clock.now())
            known.person = self.place.person("Earlier customer")
            self.place.comments[key] = known
        if known is None or known.removed:
            raise gone(key)
        return known

    def _chat(self, person: str) -> Chat:
        known = self.place.chats.get(person)
        if known is None and self.place.forgiving and person.isdigit() and len(person) > 10:
            known = self.place.chat(person)
            known.last_inbound_at = self.place.clock.now()
        if known is None:
            raise GraphError(100, "(#100) No matching user found", 2018001)
        return known
