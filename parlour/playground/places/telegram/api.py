"""The methods of the Bot API that the stand-in knows, with their refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson

from parlour.playground.faults import Bucket
from parlour.playground.multipart import Part, parts
from parlour.playground.places.telegram.objects import (
    BOT,
    CAPTION,
    MEGABYTE,
    TEXT,
    BotError,
    Letter,
    Stored,
    media,
    utf16,
)
from parlour.playground.web import Request

if TYPE_CHECKING:
    from parlour.playground.places.telegram import Telegram

Params = dict[str, Any]
SENT = {
    "sendPhoto": "photo",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendDocument": "document",
}
DOWNLOAD = 20 * MEGABYTE
UPLOAD = {"photo": 10 * MEGABYTE}


def _number(params: Params, name: str, otherwise: int = 0) -> int:
    try:
        return int(params.get(name, otherwise))
    except (TypeError, ValueError) as error:
        raise BotError(400, f"Bad Request: {name} must be a number") from error


class Methods:
    """``perform`` answers one method with its result, or raises BotError."""

    def __init__(self, place: Telegram) -> None:
        self.place = place
        self.allowed: Any = None
        """What the bot wants to be told of, as ``setWebhook`` said; reactions only come when named."""
        self.groups: dict[int, Bucket] = {}
        self._polls = 0
        self._known: dict[str, Callable[[Params], Any] | Callable[[Params], Awaitable[Any]]] = {
            "getMe": lambda _: BOT,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
            "getUpdates": self._updates,
            "sendMessage": self._message,
            "sendMediaGroup": self._album,
            "answerCallbackQuery": self._answer_press,
            "deleteMessage": self._delete,
            "setMessageReaction": self._react,
            "sendChatAction": self._action,
            "getFile": self._file,
        }

    async def perform(self, method: str, request: Request) -> Any:
        uploads = parts(request)
        try:
            params: Params = {
                name: part.text for name, part in uploads.items() if not part.filename
            } or request.params()
        except ValueError as error:
            raise BotError(400, "Bad Request: can't parse the parameters") from error
        for name in ("media", "reply_parameters", "reply_markup", "allowed_updates", "reaction"):
            if isinstance(params.get(name), str):
                params[name] = _json(params[name])
        self.place.requests.append((request.method, f"/{method}", params))
        if method in SENT:
            return self._media(SENT[method], params, uploads)
        known = self._known.get(method)
        if known is None:
            raise BotError(404, "Not Found: method not found")
        result = known({**params, "uploads": uploads} if method == "sendMediaGroup" else params)
        return await result if asyncio.iscoroutine(result) else result

    # Updates

    def _set_webhook(self, params: Params) -> bool:
        url, secret = str(params.get("url") or ""), str(params.get("secret_token") or "")
        if url and not url.startswith(("https://", "http://127.0.0.1")):
            raise BotError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        target = self.place.webhook
        target.url, target.secret, target.state = url, secret, "verified"
        self.allowed = params.get("allowed_updates")
        while url and self.place.pending:
            self.place.postman.put("telegram", self.place.pending.popleft())
        return True

    def _delete_webhook(self, params: Params) -> bool:
        self.place.webhook.url = ""
        return True

    def _webhook_info(self, params: Params) -> dict[str, Any]:
        target = self.place.webhook
        told: dict[str, Any] = {"url": target.url, "has_custom_certificate": False, "max_connections": 40}
        if isinstance(self.allowed, list):
            told["allowed_updates"] = self.allowed
        told["pending_update_count"] = self.place.postman.waiting() if target.url else len(self.place.pending)
        mine = [attempt for attempt in self.place.postman.attempts if attempt.target == "telegram"]
        failed = [attempt for attempt in mine if attempt.status is None or attempt.status >= 300]
        if failed:
            status = failed[-1].status
            words = f"Wrong response from the webhook: {status}" if status else "Connection refused"
            told |= {"last_error_date": self.place.seconds(), "last_error_message": words}
        return told

    async def _updates(self, params: Params) -> list[dict[str, Any]]:
        place = self.place
        if place.webhook.url:
            raise BotError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            )
        offset, limit = _number(params, "offset"), min(max(_number(params, "limit", 100), 1), 100)
        patience = min(_number(params, "timeout"), 50)
        self._polls += 1
        mine = self._polls
        place.arrived.set()
        while place.pending and place.pending[0]["update_id"] < offset:
            place.pending.popleft()
        until = asyncio.get_running_loop().time() + patience
        while not place.pending and (left := until - asyncio.get_running_loop().time()) > 0:
            place.arrived.clear()
            try:
                await asyncio.wait_for(place.arrived.wait(), left)
            except TimeoutError:
                break
            if mine != self._polls:
                raise BotError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
        return list(place.pending)[:limit]

    # Sending

    def _target(self, params: Params) -> tuple[int, str, int]:
        """The chat, the customer it is for, and the message it answers; refuses as Telegram does."""
        place = self.place
        chat = _number(params, "chat_id")
        told = params.get("reply_parameters")
        answered = place.letters.get(f"{chat}:{told.get('message_id')}") if isinstance(told, dict) else None
        if chat in place.moved:
            raise BotError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=place.moved[chat],
            )
        gone = not self.place.forgiving if answered is None else answered.removed
        if told and gone and not told.get("allow_sending_without_reply"):
            raise BotError(400, "Bad Request: message to be replied not found")
        self._limit(chat)
        if chat > 0:
            return chat, self._private(chat), answered.number if answered else 0
        if chat not in (place.group, *place.moved.values()):
            raise BotError(400, "Bad Request: chat not found")
        person = answered.person if answered else self._latest(chat)
        return chat, person, answered.number if answered else 0

    def _private(self, chat: int) -> str:
        place, person = self.place, str(chat)
        if person not in place.people.values() and not place.forgiving:
            raise BotError(400, "Bad Request: chat not found")
        if person in place.blocked:
            raise BotError(403, "Forbidden: bot was blocked by the user")
        if person not in place.started and not place.forgiving:
            raise BotError(403, "Forbidden: bot can't initiate conversation with a user")
        return person

    def _limit(self, chat: int) -> None:
        buckets = [self.place.overall]
        if chat < 0:
            buckets.append(self.groups.setdefault(chat, Bucket(20, 60.0)))
        for bucket in buckets:
            allowance = bucket.take()
            if not allowance.allowed:
                seconds = max(1, round(allowance.reset))
                raise BotError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    def _latest(self, chat: int) -> str:
        return next((one.person for one in reversed(self.place.letters.values()) if one.chat == chat), "")

    def _message(self, params: Params) -> dict[str, Any]:
        text = params.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BotError(400, "Bad Request: message text is empty")
        if utf16(text) > TEXT:
            raise BotError(400, "Bad Request: message is too long")
        chat, person, answers = self._target(params)
        keyboard = _keyboard(params.get("reply_markup"))
        return self._made(self.place.letter(chat, person, text, by_bot=True, answers=answers, **keyboard))

    def _made(self, letter: Letter) -> dict[str, Any]:
        return self.place.shown(letter)

    def _media(self, kind: str, params: Params, uploads: dict[str, Part]) -> dict[str, Any]:
        file = self._stored(kind, uploads.get(kind))
        caption = _caption(params)
        chat, person, answers = self._target(params)
        content = {**media(kind, file), **_keyboard(params.get("reply_markup"))}
        return self._made(self.place.letter(chat, person, caption, by_bot=True, answers=answers, **content))

    def _album(self, params: Params) -> list[dict[str, Any]]:
        items, uploads = params.get("media"), params.get("uploads", {})
        if not isinstance(items, list) or not 2 <= len(items) <= 10:
            raise BotError(400, "Bad Request: expected 2 to 10 media in the album")
        kinds = {item.get("type") for item in items}
        if not kinds <= {"photo", "video"} and len(kinds) > 1:
            raise BotError(400, "Bad Request: document can't be mixed with other media types")
        files = [self._stored(item["type"], uploads.get(item["media"].removeprefix("attach://"))) for item in items]
        captions = [_caption(item) for item in items]
        chat, person, answers = self._target(params)
        album = self.place.ids.meta()
        return [
            self._made(
                self.place.letter(
                    chat,
                    person,
                    caption,
                    by_bot=True,
                    answers=answers,
                    media_group_id=album,
                    **media(item["type"], file),
                )
            )
            for item, file, caption in zip(items, files, captions, strict=True)
        ]

    def _stored(self, kind: str, part: Part | None) -> Stored:
        if part is None or not part.content:
            raise BotError(400, "Bad Request: there is no file in the request")
        if len(part.content) > UPLOAD.get(kind, 50 * MEGABYTE):
            raise BotError(413, "Request Entity Too Large")
        file = Stored(f"B{self.place.ids.meta()}", part.filename, part.mime, part.content, len(part.content))
        self.place.files[file.id] = file
        return file

    # Messages that are there

    def _answer_press(self, params: Params) -> bool:
        press = str(params.get("callback_query_id"))
        if press not in self.place.presses:
            raise BotError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.place.presses[press] = True
        return True

    def _there(self, params: Params, verb: str) -> Letter:
        letter = self.place.letters.get(f"{_number(params, 'chat_id')}:{_number(params, 'message_id')}")
        if letter is None or letter.removed:
            raise BotError(400, f"Bad Request: message to {verb} not found")
        return letter

    def _delete(self, params: Params) -> bool:
        letter = self._there(params, "delete")
        if (self.place.clock.now() - letter.at).total_seconds() > 48 * 3600:
            raise BotError(400, "Bad Request: message can't be deleted")
        letter.removed = self.place.words[letter.id].removed = True
        return True

    def _react(self, params: Params) -> bool:
        letter, reaction = self._there(params, "react"), params.get("reaction") or []
        letter.reactions["bot"] = reaction[0].get("emoji", "") if reaction else ""
        return True

    def _action(self, params: Params) -> bool:
        if params.get("action") not in ("typing", "upload_photo", "upload_video", "upload_voice", "upload_document"):
            raise BotError(400, "Bad Request: wrong parameter action in request")
        self._target(params)
        return True

    def _file(self, params: Params) -> dict[str, Any]:
        file = self.place.files.get(str(params.get("file_id")).removesuffix("-small"))
        if file is None:
            raise BotError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if file.size > DOWNLOAD:
            raise BotError(400, "Bad Request: file is too big")
        return {"file_id": file.id, "file_unique_id": f"u{file.id}", "file_size": file.size, "file_path": file.path}


def _json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BotError(400, "Bad Request: can't parse JSON object") from error


def _caption(params: Params) -> str:
    caption = params.get("caption", "")
    if not isinstance(caption, str) or utf16(caption) > CAPTION:
        raise BotError(400, "Bad Request: message caption is too long")
    return caption


def _keyboard(value: Any) -> dict[str, Any]:
    if not value:
        return {}
    rows = value.get("inline_keyboard") if isinstance(value, dict) else None
    for row in rows if isinstance(rows, list) else ():
        for button in row:
            if not button.get("text") or not 1 <= len(str(button.get("callback_data", "")).encode()) <= 64:
                raise BotError(400, "Bad Request: BUTTON_DATA_INVALID")
    return {"reply_markup": value}
