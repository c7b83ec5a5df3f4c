"""Answering and acting on Telegram."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from parlour.channels.contract import (
    Act,
    ChannelError,
    ErrorKind,
    File,
    InboxConfig,
    Outbound,
    Receipt,
    ThreadKey,
    Visibility,
)
from parlour.channels.telegram.calls import Moved, call
from parlour.channels.telegram.places import Room, Spot, room, spot
from parlour.lib.text import storable

TEXT, CAPTION = 4096, 1024
ALBUM = 10
DATA_BYTES = 64
MEGABYTE = 1024 * 1024
SIZES = {"image": 10 * MEGABYTE, "video": 50 * MEGABYTE, "audio": 50 * MEGABYTE, "file": 50 * MEGABYTE}

_SHOWN = {
    "image/jpeg": "photo",
    "image/png": "photo",
    "image/webp": "photo",
    "video/mp4": "video",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/x-m4a": "audio",
}
"""Types Telegram shows by themselves; everything else is sent as a document."""


def units(text: str) -> int:
    """UTF-16 code units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, slots=True)
class _Step:
    """One call of an answer. ``bears``: its message is the one that stands for the answer."""

    method: str
    content: dict[str, Any]
    files: Mapping[str, tuple[str, bytes, str]] | None
    bears: bool


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Send the words, as the caption of the files where they fit there. Raises ChannelError.

    Of several messages the one with the words stands for the answer. When one fails after another was sent the outcome is unknown.
    """
    text = storable(outbound.text)
    if not text.strip() and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "Telegram takes no empty message.")
    if (length := units(text)) > TEXT:
        raise ChannelError(ErrorKind.TOO_LONG, f"The message counts {length:,} of at most {TEXT:,} characters.")
    target = _room(outbound)
    steps = _steps(outbound, text)
    _answer_press(inbox, outbound.target)
    try:
        made, more, target = _take(inbox, target, steps, outbound)
    except Moved as moved:
        raise ChannelError(ErrorKind.TRANSIENT, str(moved)) from None
    opened = None
    if outbound.mode == "private_reply":
        opened = ThreadKey(target.address, "private", address=target.address)
    return Receipt(target.message(made), opened, more=tuple(target.message(one) for one in more))


def _room(outbound: Outbound) -> Room:
    """Where the answer goes; a private answer to words in a group goes to the person's own chat with the bot."""
    if outbound.mode == "private_reply":
        return room(outbound.author)
    return room(outbound.address)


def _take(inbox: InboxConfig, target: Room, steps: Sequence[_Step], outbound: Outbound) -> tuple[int, list[int], Room]:
    """Make the calls one after the other; the number of the message that counts, those of the others, and where they are."""
    made: list[list[int]] = []
    for step in steps:
        try:
            try:
                result = call(inbox, step.method, _addressed(step, target, outbound), once=True, files=step.files)
            except Moved as moved:
                # A supergroup counts its messages anew: what was answered has another number there.
                target = Room(moved.chat)
                outbound = replace(outbound, target="")
                result = call(inbox, step.method, _addressed(step, target, outbound), once=True, files=step.files)
        except ChannelError as error:
            if not made:
                raise
            words = f"A part of the answer was sent, the rest was not: {error.words}"
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, words, code=error.code) from error
        made.append(_numbers(result))
    bears = next((place for place, step in enumerate(steps) if step.bears), 0)
    first = made[bears][0]
    return first, [one for numbers in made for one in numbers if one != first], target


def _addressed(step: _Step, target: Room, outbound: Outbound) -> dict[str, Any]:
    content: dict[str, Any] = {"chat_id": target.chat, **step.content}
    if target.topic:
        content["message_thread_id"] = target.topic
    if target.connection:
        content["business_connection_id"] = target.connection
    if outbound.visibility == "public" and outbound.mode == "reply" and outbound.target:
        answered = spot(outbound.target)
        if answered.chat == target.chat and not answered.press:
            content["reply_parameters"] = {"message_id": answered.message}
    return content


def _numbers(result: Any) -> list[int]:
    """The numbers of the messages that were made: several of an album."""
    told = [one.get("message_id") if isinstance(one, dict) else None for one in _listed(result)]
    numbers = [one for one in told if isinstance(one, int) and not isinstance(one, bool) and one >= 0]
    if not numbers or len(numbers) < len(told):
        raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Telegram accepted it but did not say which message it made.")
    return numbers


def _listed(result: Any) -> list[Any]:
    return result if isinstance(result, list) else [result]


def _steps(outbound: Outbound, text: str) -> list[_Step]:
    markup = _keyboard(outbound.choices)
    albums = _albums(outbound.attachments)
    captioned = bool(albums) and units(text) <= CAPTION and not markup
    steps = [
        _media(album, text if captioned and place == 0 else "", bears=captioned and place == 0)
        for place, album in enumerate(albums)
    ]
    if text.strip() and not captioned:
        content: dict[str, Any] = {"text": text}
        if markup:
            content["reply_markup"] = markup
        # The files go first: when they are refused nothing has been said yet.
        steps.append(_Step("sendMessage", content, None, bears=True))
    return steps


def _keyboard(choices: Sequence[str]) -> dict[str, Any] | None:
    """One button below the other. What a press sends back holds the button's words, as far as 64 bytes go."""
    if not choices:
        return None
    rows = []
    for place, choice in enumerate(choices):
        data = f"{place} {storable(choice)}".encode()[:DATA_BYTES].decode("utf-8", "ignore")
        rows.append([{"text": storable(choice), "callback_data": data}])
    return {"inline_keyboard": rows}


def _shown(file: File) -> str:
    return _SHOWN.get(file.mime.partition(";")[0].strip().lower(), "document")


def _albums(files: Sequence[File]) -> list[list[File]]:
    """Files that may stand in one message: photos and videos together, sound and documents each by themselves."""
    albums: list[list[File]] = []
    kinds: list[str] = []
    for file in files:
        kind = {"photo": "seen", "video": "seen"}.get(_shown(file), _shown(file))
        if kinds and kinds[-1] == kind and len(albums[-1]) < ALBUM:
            albums[-1].append(file)
        else:
            albums.append([file])
            kinds.append(kind)
    return albums


def _media(files: Sequence[File], caption: str, *, bears: bool) -> _Step:
    told = {"caption": caption} if caption.strip() else {}
    if len(files) == 1:
        kind = _shown(files[0])
        return _Step(f"send{kind.capitalize()}", dict(told), {kind: _part(files[0])}, bears)
    media = [
        {"type": _shown(file), "media": f"attach://file{place}", **(told if place == 0 else {})}
        for place, file in enumerate(files)
    ]
    parts = {f"file{place}": _part(file) for place, file in enumerate(files)}
    return _Step("sendMediaGroup", {"media": media}, parts, bears)


def _part(file: File) -> tuple[str, bytes, str]:
    if file.size > SIZES[file.kind]:
        size = SIZES[file.kind] // MEGABYTE
        raise ChannelError(ErrorKind.TOO_LONG, f"Telegram takes at most {size} MB from a bot in one {file.kind}.")
    return file.name, file.read(), file.mime


def _answer_press(inbox: InboxConfig, target: str) -> None:
    """Stop the clock that turns on the button the customer pressed. Telegram forgets presses soon: a refusal means nothing."""
    with suppress(ChannelError, Moved):
        if target and (pressed := spot(target)).press:
            call(inbox, "answerCallbackQuery", {"callback_query_id": pressed.press})


def act(inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
    """Delete a message, or react to it with a thumb. Raises ChannelError."""
    if act == "typing" and visibility == "private":
        _show_writing(inbox, spot(target))
        return
    perform = _ACTS.get(act)
    if perform is None:
        raise ChannelError(ErrorKind.INVALID, f"Telegram cannot do '{act}'.")
    about = spot(target)
    if about.press:
        raise ChannelError(ErrorKind.INVALID, "A pressed button is no message of its own: nothing can be done to it.")
    if about.connection and act != "delete":
        raise ChannelError(ErrorKind.INVALID, "In the name of a business account a bot cannot react.")
    try:
        if about.connection:
            content = {"business_connection_id": about.connection, "message_ids": [about.message]}
            call(inbox, "deleteBusinessMessages", content)
        else:
            method, more = perform()
            call(inbox, method, {"chat_id": about.chat, "message_id": about.message, **more})
    except Moved as moved:
        words = f"{moved} Its older messages cannot be acted on from here."
        raise ChannelError(ErrorKind.TARGET_DELETED, words) from None


def _show_writing(inbox: InboxConfig, about: Spot) -> None:
    """For five seconds, or until the answer is there."""
    named = {"business_connection_id": about.connection} if about.connection else {}
    try:
        call(inbox, "sendChatAction", {"chat_id": about.chat, "action": "typing", **named})
    except Moved as moved:
        raise ChannelError(ErrorKind.TARGET_DELETED, str(moved)) from None


_ACTS: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
    "delete": lambda: ("deleteMessage", {}),
    "like": lambda: ("setMessageReaction", {"reaction": [{"type": "emoji", "emoji": "👍"}]}),
    "unlike": lambda: ("setMessageReaction", {"reaction": []}),
}
