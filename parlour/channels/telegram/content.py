"""What a message of Telegram says: its words and its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parlour.channels.contract import Attachment
from parlour.channels.meta import identifier, members, words
from parlour.lib.text import one_line

FILE_ID = 200
LINKS = 10

_FILES = {
    "animation": ("video", "video/mp4"),
    "video": ("video", "video/mp4"),
    "video_note": ("video", "video/mp4"),
    "live_photo": ("video", "video/mp4"),
    "audio": ("audio", "audio/mpeg"),
    "voice": ("audio", "audio/ogg"),
    "document": ("file", ""),
}
"""Members that are one file: our kind of it, and what it is when Telegram does not say."""

_SPOKEN = {
    "contact": "A contact: {first_name} {last_name}, {phone_number}",
    "venue": "A place: {title}, {address}",
    "game": "A game: {title}",
    "invoice": "An invoice: {title}",
    "dice": "{emoji}",
}
"""Members that are told in words when the customer wrote none."""

SILENT = {
    "story": "A story",
    "paid_media": "Paid media",
    "gift": "A gift",
    "unique_gift": "A gift",
    "giveaway": "A giveaway",
    "rich_message": "A rich message",
    "passport_data": "Documents of Telegram Passport",
    "successful_payment": "A payment",
}
"""What a customer may send, and a bot cannot show: named, so that somebody looks."""


def text(message: dict[str, Any]) -> str:
    """The customer's words; of what has none (a contact, a poll) what it says. Raises ValueError."""
    said = words(message.get("text"), "text") or words(message.get("caption"), "caption")
    if said:
        return said
    for name, form in _SPOKEN.items():
        if name in message:
            return _filled(form, members(message[name], name))
    for name, title, items in (("poll", "question", "options"), ("checklist", "title", "tasks")):
        if name in message:
            told = members(message[name], name)
            lines = [words(told.get(title), title)]
            listed = told.get(items)
            choices = listed[:50] if isinstance(listed, list) else []
            lines += ["- " + words(members(one, items).get("text"), "text") for one in choices]
            return "\n".join(lines)
    sticker = members(message.get("sticker"), "sticker")
    return one_line(words(sticker.get("emoji"), "emoji"), 20)


def _filled(form: str, told: dict[str, Any]) -> str:
    for name in ("first_name", "last_name", "phone_number", "title", "address", "emoji"):
        value = told.get(name)
        form = form.replace("{" + name + "}", one_line(value, 200) if isinstance(value, str) else "")
    return one_line(form, 500).replace(" ,", ",")


def attachments(message: dict[str, Any]) -> tuple[Attachment, ...]:
    """The files, places and hidden links of a message. Raises ValueError."""
    found = [*_photo(message), *_files(message), *_sticker(message), *_location(message), *_links(message)]
    found += [Attachment("other", name=name) for member, name in SILENT.items() if member in message]
    return tuple(found)


def _photo(message: dict[str, Any]) -> list[Attachment]:
    """The largest of its sizes, which come smallest first."""
    sizes = message.get("photo")
    if sizes is None:
        return []
    if not isinstance(sizes, list):
        raise ValueError("photo is not a list.")
    known = [one for one in sizes if isinstance(one, dict) and one.get("file_id")]
    return [_file(known[-1], "photo", "image", "image/jpeg")] if known else []


def _files(message: dict[str, Any]) -> list[Attachment]:
    # An animation comes with its document, a live photo with its photo, for readers that know no better.
    doubled = {"document"} if "animation" in message else set()
    return [
        _file(members(message[name], name), name, kind, mime)
        for name, (kind, mime) in _FILES.items()
        if name in message and name not in doubled
    ]


def _file(told: dict[str, Any], what: str, kind: str, mime: str) -> Attachment:
    size = told.get("file_size")
    given = told.get("mime_type")
    told_mime = one_line(given, 100) if isinstance(given, str) and given else mime
    name = told.get("file_name")
    if what == "document" and told_mime.startswith("image/") and told_mime != "image/svg+xml":
        kind = "image"
    return Attachment(
        kind,
        name=one_line(name, 200) if isinstance(name, str) else "",
        mime=told_mime,
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        reference=identifier(told.get("file_id"), f"{what}.file_id", FILE_ID),
    )


def _sticker(message: dict[str, Any]) -> list[Attachment]:
    if "sticker" not in message:
        return []
    told = members(message["sticker"], "sticker")
    # Moving stickers are no pictures a browser shows.
    mime = "video/webm" if told.get("is_video") is True else "" if told.get("is_animated") is True else "image/webp"
    return [_file(told, "sticker", "sticker", mime)]


def _location(message: dict[str, Any]) -> list[Attachment]:
    told = members(message.get("location"), "location")
    place = (told.get("latitude"), told.get("longitude"))
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) <= 180 for one in place):
        return []
    latitude, longitude = (f"{one:.6f}" for one in place)
    url = f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
    return [Attachment("location", url=url, name=f"{latitude}, {longitude}")]


def _links(message: dict[str, Any]) -> list[Attachment]:
    """Addresses behind words, which the text alone would not show."""
    found: dict[str, Attachment] = {}
    for entity in (*entities(message, "entities"), *entities(message, "caption_entities")):
        url = entity.get("url")
        if entity.get("type") == "text_link" and isinstance(url, str) and url.startswith(("https://", "http://")):
            found[url] = Attachment("link", url=words(url, "url")[:2000])
    return list(found.values())[:LINKS]


def entities(message: dict[str, Any], name: str) -> list[dict[str, Any]]:
    told = message.get(name)
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


_READERS: tuple[Callable[[dict[str, Any]], Any], ...] = (text, attachments)


def says_something(message: dict[str, Any]) -> bool:
    """Whether a customer said or showed something; service messages do not. Raises ValueError."""
    return any(read(message) for read in _READERS)
