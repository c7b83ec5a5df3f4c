"""Telegram's Bot API: private chats with the bot and one group, webhooks until they are taken, or long polling."""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Any

import orjson

from parlour.playground.faults import Bucket, Fault
from parlour.playground.places.telegram.api import Methods
from parlour.playground.places.telegram.objects import BOT, GROUP_TITLE, BotError, Letter, Stored, media
from parlour.playground.places.telegram.scenes import SCENES
from parlour.playground.postman import Payload, Target
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Words
from parlour.playground.web import Drop, Reply, Request, json_reply

KEPT_UPDATES = 10_000
KINDS = ("photo", "video", "audio", "voice", "video_note", "document", "sticker")


def _headers(secret: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG001
    """Nothing is signed: the secret itself is shown."""
    return {"content-type": "application/json", "x-telegram-bot-api-secret-token": secret}


class Telegram(StandIn):
    """Customers write to the bot in private or in the group, where privacy mode hides from the bot what is not for it.

    Ids of words are ``<chat>:<message>``, as Telegram has them for nobody but us.
    """

    name = "telegram"
    label = "Telegram"
    channels = ("telegram",)
    files_public = files_private = True
    called = f"@{BOT['username']}"
    how = (
        f"The group “{GROUP_TITLE}” is read by its members; the bot sees there only what mentions or answers it. A private chat is read "
        "by the customer and the brand."
    )
    scenes = SCENES

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        settings = self.kept.get("telegram", {})
        self.token = settings.get("bot_token") or f"{BOT['id']}:AA{secrets.token_urlsafe(26)}"
        self.secret = settings.get("secret_token") or secrets.token_urlsafe(24)
        self.privacy = True
        """Whether the bot sees only what is for it in groups (@BotFather's /setprivacy)."""
        # The same at every start with the same bot: the desk remembers what this forgets.
        self.group = -int(f"100{zlib.crc32(self.token.encode()):010}")
        self.moved: dict[int, int] = {}
        """Groups that became supergroups: old id -> new id."""
        self.letters: dict[str, Letter] = {}
        self.files: dict[str, Stored] = {}
        self.started: set[str] = set()
        self.blocked: set[str] = set()
        self.presses: dict[str, bool] = {}
        """Id of a press -> whether it was answered; until then the customer's button turns a clock."""
        self.pending: deque[Payload] = deque(maxlen=KEPT_UPDATES)
        """Updates for ``getUpdates``."""
        self.arrived = asyncio.Event()
        self.overall = Bucket(30, 1.0)
        self._update = self._begin = int(self.ids.meta()) // 10_000_000 - 1_700_000_000
        """Numbers of updates and messages begin by the clock, so that a later start never repeats an earlier one's."""
        self._numbers: dict[int, int] = {}
        self._methods = Methods(self)

    # The desk's side

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return {
            "bot_token": self.token,
            "username": str(BOT["username"]),
            "mode": "webhook",
            "secret_token": self.secret,
            "groups": "addressed",
            "api_base": address,
        }

    def targets(self) -> dict[str, Target]:
        return {"telegram": Target("telegram", "", self.secret, orjson.dumps, _headers)}

    @property
    def webhook(self) -> Target:
        return self.postman.targets["telegram"]

    async def handle(self, request: Request) -> Reply:
        """``/bot<token>/<method>`` and ``/file/bot<token>/<path>``."""
        head, _, path = request.path.removeprefix("/file").lstrip("/").partition("/")
        if head != f"bot{self.token}":
            known = head.startswith("bot") and ":" in head
            refusal = BotError(401, "Unauthorized") if known else BotError(404, "Not Found")
            return json_reply(refusal.answer, refusal.code)
        fault = self.faults.take(request.method, f"/{path}")
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        try:
            if request.path.startswith("/file/"):
                return self._download(path)
            result = await self._methods.perform(path, request)
        except BotError as error:
            return json_reply(error.answer, error.code)
        if fault is not None:
            raise Drop
        return json_reply({"ok": True, "result": result})

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "error":
            more = {"retry_after": fault.code} if fault.status == 429 else {}
            refusal = BotError(fault.status, fault.words, **more)
            return json_reply(refusal.answer, fault.status)
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
        raise Drop

    def _download(self, path: str) -> Reply:
        found = next((file for file in self.files.values() if file.path == path), None)
        if found is None:
            return json_reply(BotError(404, "Not Found").answer, 404)
        return Reply(200, found.content, {"content-type": found.mime})

    # What happens in chats

    def person(self, name: str) -> str:
        if name not in self.people:
            self.people[name] = f"7{int(self.ids.meta()) % 10**11:011}"
        return self.people[name]

    def letter(self, chat: int, person: str, text: str, *, by_bot: bool, answers: int = 0, **content: Any) -> Letter:
        """A new message of a chat, with the next number there."""
        number = self._numbers[chat] = self._numbers.get(chat, self._begin) + 1
        made = Letter(chat, number, person, by_bot, text, self.clock.now(), answers, content=content)
        self.letters[made.id] = made
        files = tuple(self._shown_file(content[name]) for name in KINDS if name in content)
        keyboard = content.get("reply_markup", {}).get("inline_keyboard", [])
        self.note(
            Words(
                made.id,
                person,
                self.name_of(person),
                text,
                made.at,
                private=chat > 0,
                by_brand=by_bot,
                answers=f"{chat}:{answers}" if answers else "",
                files=files,
                choices=tuple(button["text"] for row in keyboard for button in row),
            )
        )
        return made

    def _shown_file(self, told: Any) -> File:
        """The file of a message's member; of a photo's sizes the last is the largest."""
        stored = self.files[(told[-1] if isinstance(told, list) else told)["file_id"]]
        return self.shelf.put(stored.name, stored.mime, stored.content)

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        """Words with one file are its caption; several files of one kind are an album, the words with the first of them."""
        if not files:
            return self._said(self._written(person, text, private, answers)).id
        kinds = [_kind(file) for file in files]
        together = len(files) > 1 and (len(set(kinds)) == 1 or set(kinds) <= {"photo", "video"})
        album = {"media_group_id": self.ids.meta()} if together else {}
        sent: list[str] = []
        for kind, file in zip(kinds, files, strict=True):
            stored = Stored(f"F{self.ids.meta()}", file.name, file.mime, file.content, len(file.content))
            self.files[stored.id] = stored
            more = {**media(kind, stored), **album}
            sent.append(self._said(self._written(person, "" if sent else text, private, answers, **more)).id)
        return sent[0]

    def heard(self, text: str, *, private: bool, answers: str = "") -> bool:
        above = self.letters.get(answers)
        return private or self._for_bot(text, above if above is not None and above.chat < 0 else None)

    def show(
        self, person: str, kind: str, content: bytes, *, name: str = "", mime: str = "", caption: str = "",
        private: bool = True, album: str = "", size: int | None = None,
    ) -> str:  # fmt: skip
        """A customer sends a file: photo, video, audio, voice, sticker or document."""
        file = Stored(f"F{self.ids.meta()}", name, mime, content, len(content) if size is None else size)
        self.files[file.id] = file
        more = {**media(kind, file), **({"media_group_id": album} if album else {})}
        return self._said(self._written(person, caption, private, "", **more)).id

    def _written(self, person: str, text: str, private: bool, answers: str, **content: Any) -> Letter:
        answered = self.letters[answers] if answers else None
        if private:
            self.started.add(person)
            chat = int(person)
        else:
            chat = self.moved.get(self.group, self.group)
        number = answered.number if answered is not None and answered.chat == chat else 0
        return self.letter(chat, person, text, by_bot=False, answers=number, **content)

    def _said(self, letter: Letter) -> Letter:
        if self._seen(letter):
            self.tell({"message": self.shown(letter)})
        return letter

    def _seen(self, letter: Letter) -> bool:
        """Whether the bot is told: in a group with privacy mode only what mentions or answers it, and commands."""
        if letter.chat > 0:
            return True
        return self._for_bot(letter.text, self.letters.get(f"{letter.chat}:{letter.answers}"))

    def _for_bot(self, text: str, answered: Letter | None) -> bool:
        named = text.startswith("/") or self.called.lower() in text.lower()
        return not self.privacy or named or (answered is not None and answered.by_bot)

    def edit(self, words: str, text: str) -> None:
        letter = self._alive(words)
        letter.text, letter.edited = text, self.clock.now()
        self.words[words].text, self.words[words].edited = text, True
        if self._seen(letter):
            self.tell({"edited_message": self.shown(letter)})

    def remove(self, words: str) -> None:
        """Telegram tells bots nothing of it."""
        self._alive(words).removed = True
        self.words[words].removed = True

    def _alive(self, words: str) -> Letter:
        letter = self.letters[words]
        if letter.removed:
            raise KeyError(words)
        return letter

    def choose(self, words: str, choice: str) -> str:
        said = self.press_of(words, choice)
        self.press(said.person, words, said.choices.index(choice))
        return words

    def press(self, person: str, words: str, place: int) -> str:
        """A customer presses a button under the brand's words; the id of the press."""
        letter = self._alive(words)
        button = letter.content["reply_markup"]["inline_keyboard"][place][0]
        press = self.ids.meta()
        self.presses[press] = False
        told = {"id": press, "from": self.user(person), "chat_instance": "-1", "data": button["callback_data"]}
        self.tell({"callback_query": {**told, "message": self.shown(letter)}})
        return press

    def react(self, person: str, words: str, emoji: str) -> None:
        """A customer reacts, or takes the reaction back (''); told of private chats, and of groups where the bot is administrator."""
        letter = self._alive(words)
        before, letter.reactions[person] = letter.reactions.get(person, ""), emoji
        old, new = ([{"type": "emoji", "emoji": one}] if one else [] for one in (before, emoji))
        about = {"chat": self.chat(letter.chat, person), "message_id": letter.number, "user": self.user(person)}
        self.tell({"message_reaction": {**about, "date": self.seconds(), "old_reaction": old, "new_reaction": new}})

    def block(self, person: str, *, blocked: bool = True) -> None:
        """A customer blocks the bot, or takes it back."""
        (self.blocked.add if blocked else self.blocked.discard)(person)
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        about = {"chat": self.chat(int(person), person), "from": self.user(person), "date": self.seconds()}
        states = {"old_chat_member": {"user": BOT, "status": old}, "new_chat_member": {"user": BOT, "status": new}}
        self.tell({"my_chat_member": {**about, **states}})

    def migrate(self, person: str) -> int:
        """Somebody makes the group a supergroup: it has another id from now on."""
        new = -int(f"100{int(self.ids.meta()) % 10**10:010}")
        about = {"message_id": 1, "from": self.user(person), "date": self.seconds()}
        self.tell({"message": {**about, "chat": self.chat(self.group, person), "migrate_to_chat_id": new}})
        self.moved[self.group] = new
        return new

    # Objects

    def seconds(self) -> int:
        return int(self.clock.now().timestamp())

    def user(self, person: str) -> dict[str, Any]:
        name = self.name_of(person)
        first, _, last = name.partition(" ")
        about = {"id": int(person), "is_bot": False, "first_name": first, "language_code": "en"}
        return {**about, "last_name": last} if last else about

    def chat(self, chat: int, person: str) -> dict[str, Any]:
        if chat > 0:
            told = {name: value for name, value in self.user(person).items() if name.endswith("_name")}
            return {"id": chat, "type": "private", **told}
        kind = "group" if chat == self.group and self.group not in self.moved else "supergroup"
        return {"id": chat, "type": kind, "title": GROUP_TITLE}

    def shown(self, letter: Letter) -> dict[str, Any]:
        """A message as updates and answers show it."""
        media_there = {name for name in letter.content if name != "reply_markup"} - {"media_group_id"}
        told: dict[str, Any] = {
            "message_id": letter.number,
            "from": BOT if letter.by_bot else self.user(letter.person),
            "chat": self.chat(letter.chat, letter.person),
            "date": int(letter.at.timestamp()),
            **letter.content,
        }
        if letter.text:
            told["caption" if media_there else "text"] = letter.text
        if letter.edited:
            told["edit_date"] = int(letter.edited.timestamp())
        answered = self.letters.get(f"{letter.chat}:{letter.answers}")
        if answered is not None:
            told["reply_to_message"] = self.shown(answered) | {"reply_to_message": None}
            del told["reply_to_message"]["reply_to_message"]
        return told

    def tell(self, about: dict[str, Any]) -> None:
        """An update, by the webhook where there is one, else kept for whoever asks."""
        self._update += 1
        update = {"update_id": self._update, **about}
        if self.webhook.url:
            self.postman.put("telegram", update)
        else:
            self.pending.append(update)
            self.arrived.set()


def _kind(file: File) -> str:
    """What Telegram's programs make of a file that is sent."""
    if file.mime in ("image/jpeg", "image/png", "image/webp"):
        return "photo"
    return {"video/mp4": "video", "audio/mpeg": "audio", "audio/mp4": "audio", "audio/ogg": "voice"}.get(
        file.mime, "document"
    )


STAND_IN = Telegram
