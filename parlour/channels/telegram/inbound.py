"""Updates of the Bot API as Inbound values.

Private chats are private threads. A group is public: each member has a thread of their own there, per topic. Which words of a group
count is the inbox's setting ``groups``: those addressed to the bot, all, or none. In chats of a connected business account the account's
own words are the brand's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from parlour.channels.contract import Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.meta import identifier, members, words
from parlour.channels.telegram import content
from parlour.channels.telegram.places import REALM, Room, bot_id, username
from parlour.channels.telegram.updates import IGNORED, MESSAGES, Update, number, where
from parlour.lib import clock
from parlour.lib.text import one_line, storable

_NEVER = "A service message of Telegram, without words"


def read(update: Update, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """Raises ValueError when it is malformed."""
    event = Inbound(Kind.IGNORED, update.key, received_at)
    if not update.what:
        known = ", ".join(name for name in update.whole if name != "update_id")
        return [replace(event, reason=f"Unknown update: {one_line(known, 100) or 'empty'}.")]
    if update.what in IGNORED:
        return [replace(event, reason=IGNORED[update.what])]
    if update.what in MESSAGES:
        return _message(update, event, inbox)
    return _READERS[update.what](update, event)


def _at(told: Any, otherwise: datetime) -> datetime:
    """Epoch seconds; messages that cannot be seen any more have the time 0."""
    return otherwise if told in (None, 0) else clock.platform_time(number(told, "date"), otherwise)


def _person(user: dict[str, Any], what: str) -> Author:
    """A user, or a chat that speaks as one. Raises ValueError."""
    parts = [user.get(name) for name in ("first_name", "last_name", "title")]
    handle, language = user.get("username"), user.get("language_code")
    language = language.partition("-")[0].lower() if isinstance(language, str) else ""
    return Author(
        REALM,
        str(number(user.get("id"), f"{what}.id")),
        name=one_line(" ".join(part for part in parts if isinstance(part, str)), 120),
        handle=one_line(handle, 80) if isinstance(handle, str) else "",
        language=language if len(language) == 2 and language.isascii() and language.isalpha() else "",
    )


def _thread(room: Room, fields: dict[str, Any], person: str) -> ThreadKey:
    chat = members(fields.get("chat"), "chat")
    if _private(chat):
        return ThreadKey(room.address, "private", address=room.address)
    title = chat.get("title")
    return ThreadKey(
        f"{room.chat}/{room.topic}/{person}",
        "public",
        address=room.address,
        subject=one_line(title, 200) if isinstance(title, str) else "",
        url=_url(room, fields, chat),
    )


def _private(chat: dict[str, Any]) -> bool:
    return bool(chat.get("type", "private") == "private")


def _url(room: Room, fields: dict[str, Any], chat: dict[str, Any]) -> str:
    """Where members see a message of a supergroup; plain groups have no addresses."""
    name, message, inner = chat.get("username"), fields.get("message_id"), str(room.chat)
    if isinstance(name, str) and re.fullmatch(r"\w{1,64}", name, re.ASCII):
        return f"https://t.me/{name}/{message}"
    return f"https://t.me/c/{inner.removeprefix('-100')}/{message}" if inner.startswith("-100") else ""


def _message(update: Update, event: Inbound, inbox: InboxConfig) -> list[Inbound]:
    fields, edited = update.fields, update.what.startswith("edited_")
    room = where(fields)
    chat = members(fields.get("chat"), "chat")
    event = replace(event, at=_at(fields.get("edit_date") if edited else fields.get("date"), event.at))
    if reason := _not_kept(fields, chat, inbox, edited=edited):
        return [replace(event, reason=reason)]
    author = _author(fields)
    said = replace(
        event,
        kind=Kind.EDIT if edited else Kind.MESSAGE,
        external_id=room.message(number(fields.get("message_id"), "message_id")),
        author=author,
        thread=_thread(room, fields, author.external_id),
        text=content.text(fields),
        reply_to=_reply_to(room, fields),
        attachments=content.attachments(fields),
        meta=_about(fields),
    )
    if _private(chat) and author.external_id != str(room.chat):
        # The chat is the customer's: whoever else speaks there is the bot, or the owner of the business account it works for.
        customer = _person(chat, "chat")
        return [replace(said, kind=Kind.EDIT if edited else Kind.ECHO, counterpart=customer)]
    if author.external_id == bot_id(inbox):
        return [replace(said, kind=Kind.EDIT if edited else Kind.ECHO, thread=None)]
    if _private(chat) or inbox.settings.get("groups") == "all" or _addressed(fields, inbox):
        return [said]
    if edited:
        # It may have been addressed before it was edited: what is known is changed, what is not is nobody's words to us.
        return [replace(said, author=None, thread=None)]
    return [replace(event, reason="It is not addressed to the bot (the inbox keeps what mentions or answers it).")]


def _author(fields: dict[str, Any]) -> Author:
    """Who spoke; a channel may speak in a group in its own name. Raises ValueError."""
    name = "sender_chat" if fields.get("sender_chat") else "from"
    told = members(fields.get(name), name)
    if not told:
        raise ValueError("The message does not say who wrote it.")
    return _person(told, name)


def _not_kept(fields: dict[str, Any], chat: dict[str, Any], inbox: InboxConfig, *, edited: bool) -> str:
    """Why a message is no customer's words, '' when it is."""
    if chat.get("type") == "channel" or chat.get("is_direct_messages") is True:
        return "It was written in a channel, which a bot cannot answer as a person would expect."
    if not _private(chat) and inbox.settings.get("groups") == "none":
        return "It was written in a group, and the inbox keeps private chats only."
    if fields.get("is_automatic_forward") is True:
        return "A post of the group's channel, brought here by Telegram."
    if members(fields.get("sender_chat"), "sender_chat").get("id") == chat.get("id"):
        return "An administrator of the group, who does not give a name."
    author = members(fields.get("from"), "from")
    if author.get("is_bot") is True and str(author.get("id")) != bot_id(inbox) and not fields.get("sender_chat"):
        return "Another bot wrote it."
    if edited and "location" in fields:
        return "Somebody who shares where they are has moved."
    if not content.says_something(fields):
        known = [name for name in fields if name not in _FRAME]
        return f"{_NEVER}: {one_line(', '.join(known), 100) or 'empty'}."
    return ""


_FRAME = frozenset({"message_id", "message_thread_id", "from", "sender_chat", "chat", "date", "edit_date", "entities"})


def _addressed(fields: dict[str, Any], inbox: InboxConfig) -> bool:
    """Whether words in a group mention the bot, answer it, or are a command that is not another bot's."""
    own = bot_id(inbox)
    answered = members(fields.get("reply_to_message"), "reply_to_message")
    if str(members(answered.get("from"), "from").get("id")) == own and "forum_topic_created" not in answered:
        return True
    said = content.text(fields)
    name = username(inbox)
    if name and re.search(rf"@{re.escape(name)}(?!\w)", said, re.IGNORECASE):
        return True
    for entity in (*content.entities(fields, "entities"), *content.entities(fields, "caption_entities")):
        if entity.get("type") == "text_mention" and str(members(entity.get("user"), "user").get("id")) == own:
            return True
    command = said.split(maxsplit=1)[0] if said.startswith("/") and said.split() else ""
    return bool(re.fullmatch(r"/[A-Za-z0-9_]{1,32}", command))


def _reply_to(room: Room, fields: dict[str, Any]) -> str:
    answered = members(fields.get("reply_to_message"), "reply_to_message")
    if not answered or "forum_topic_created" in answered:
        return ""
    return room.message(number(answered.get("message_id"), "reply_to_message.message_id"))


def _about(fields: dict[str, Any]) -> dict[str, Any]:
    """Small facts: the album, what was forwarded or quoted, what a deep link brought."""
    about: dict[str, Any] = {}
    if album := identifier(fields.get("media_group_id"), "media_group_id"):
        about["album"] = album
    if forwarded := _forwarded(fields):
        about["forwarded"] = forwarded
    if quote := words(members(fields.get("quote"), "quote").get("text"), "quote.text"):
        about["quote"] = quote[:500]
    said = fields.get("text")
    if isinstance(said, str) and said.startswith("/start "):
        about["start"] = storable(said.removeprefix("/start ").strip(), 64)
    return about


def _forwarded(fields: dict[str, Any]) -> str:
    """From whom, as far as told (``forward_from`` is the older shape)."""
    origin = members(fields.get("forward_origin"), "forward_origin")
    hidden = origin.get("sender_user_name") or fields.get("forward_sender_name")
    if isinstance(hidden, str):
        return one_line(hidden, 120)
    told = origin.get("sender_user") or origin.get("sender_chat") or origin.get("chat")
    told = members(told or fields.get("forward_from") or fields.get("forward_from_chat"), "The origin of a forward")
    parts = [told.get(name) for name in ("first_name", "last_name", "title")]
    return one_line(" ".join(part for part in parts if isinstance(part, str)), 120)


def _press(update: Update, event: Inbound) -> list[Inbound]:
    """A pressed button counts as words of the customer: its title is what they said."""
    fields = update.fields
    under = members(fields.get("message"), "callback_query.message")
    if not under:
        return [replace(event, reason="A button under words in a chat the bot is not in was pressed.")]
    room = where(under)
    person = _person(members(fields.get("from"), "from"), "from")
    data = words(fields.get("data"), "data")
    message = room.message(number(under.get("message_id"), "message_id"))
    return [
        replace(
            event,
            kind=Kind.MESSAGE,
            external_id=f"{message}:press:{identifier(fields.get('id'), 'callback_query.id', 64)}",
            author=person,
            thread=_thread(room, under, person.external_id),
            text=_title(under, data) or "[a button]",
            reply_to=message,
            meta={"payload": data[:64]} if data else {},
        )
    ]


def _title(under: dict[str, Any], data: str) -> str:
    """The words on the button; its data begins with its number, and goes on with its words."""
    rows = members(under.get("reply_markup"), "reply_markup").get("inline_keyboard")
    for row in rows if isinstance(rows, list) else ():
        for button in row if isinstance(row, list) else ():
            if isinstance(button, dict) and button.get("callback_data") == data and data:
                return words(button.get("text"), "button.text")
    head, _, rest = data.partition(" ")
    return rest if head.isdecimal() and rest else data


def _reaction(update: Update, event: Inbound) -> list[Inbound]:
    fields = update.fields
    name = "user" if fields.get("user") else "actor_chat"
    now = fields.get("new_reaction")
    if not isinstance(now, list):
        raise ValueError("new_reaction is not a list.")
    signs = [_sign(members(one, "new_reaction")) for one in now]
    room = where(fields)
    about: dict[str, Any] = {"reaction": one_line(" ".join(filter(None, signs)), 40) or "like"}
    if not now:
        about["removed"] = True
    return [
        replace(
            event,
            kind=Kind.REACTION,
            at=_at(fields.get("date"), event.at),
            external_id=room.message(number(fields.get("message_id"), "message_id")),
            author=_person(members(fields.get(name), name), name),
            meta=about,
        )
    ]


def _sign(reaction: dict[str, Any]) -> str:
    if reaction.get("type") == "paid":
        return "⭐"
    return words(reaction.get("emoji"), "emoji") or "an emoji of their own"


def _member(update: Update, event: Inbound) -> list[Inbound]:
    """The bot itself was let in, blocked or thrown out."""
    fields = update.fields
    status = words(members(fields.get("new_chat_member"), "new_chat_member").get("status"), "status")
    chat = members(fields.get("chat"), "chat")
    gone = status in ("kicked", "left")
    if _private(chat):
        reason = (
            "The customer blocked the bot: nothing reaches them until they start it again."
            if gone
            else "The customer started the bot, or took the block back."
        )
    else:
        title = one_line(str(chat.get("title") or "a group"), 80)
        reason = f"The bot was {'taken out of' if gone else 'let into'} {title}."
    return [replace(event, at=_at(fields.get("date"), event.at), reason=reason)]


def _connection(update: Update, event: Inbound) -> list[Inbound]:
    fields = update.fields
    owner = _person(members(fields.get("user"), "user"), "user")
    event = replace(event, at=_at(fields.get("date"), event.at))
    if fields.get("is_enabled") is False:
        words = f"The business account {owner.name or owner.external_id} has disconnected the bot."
        return [replace(event, kind=Kind.REVOKED, reason=words)]
    return [replace(event, reason=f"The business account {owner.name or owner.external_id} is connected to the bot.")]


def _deleted(update: Update, event: Inbound) -> list[Inbound]:
    fields = update.fields
    room = where(fields)
    gone = fields.get("message_ids")
    if not isinstance(gone, list) or not gone:
        raise ValueError("message_ids is not a list of messages.")
    ids = list(dict.fromkeys(room.message(number(one, "message_ids")) for one in gone))
    if len(ids) == 1:
        return [replace(event, kind=Kind.DELETE, external_id=ids[0])]
    return [replace(event, kind=Kind.DELETE, key=f"deleted:{one}"[:200], external_id=one) for one in ids]


_READERS: dict[str, Callable[[Update, Inbound], list[Inbound]]] = {
    "callback_query": _press,
    "message_reaction": _reaction,
    "my_chat_member": _member,
    "business_connection": _connection,
    "deleted_business_messages": _deleted,
}
