"""Files, links and shared posts in messages of Messenger and Instagram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlour.channels import meta
from parlour.channels.contract import Attachment
from parlour.lib.text import one_line

_KINDS = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "file",
    "sticker": "sticker",
    "location": "location",
    "fallback": "link",
    "reel": "post",
    "ig_reel": "post",
    "post": "post",
    "ig_post": "post",
    "share": "post",
    # A photo or a video; Meta does not say which, and takes it away after a day.
    "story_mention": "file",
    "ig_story": "file",
}
_NAMES = {
    "ephemeral": "A photo or video that can be seen once, in the app only",
    "unsupported_type": "Something that can be seen in the app only",
    "story_mention": "A story that mentions the brand",
    "ig_story": "A shared story",
    "template": "A message with buttons",
    "appointment_booking": "An appointment",
}

UNSUPPORTED = Attachment("other", name="Something that can be seen in the app only")


def attachments(value: Any) -> tuple[Attachment, ...]:
    """The list of a message's attachments; those Meta gives no address of have a name that says what they are.
    Raises ValueError when it is malformed."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError("attachments is not a list.")
    found: dict[tuple[str, str, str], Attachment] = {}
    stickers: set[str] = set()
    for each in value:
        told = meta.members(each, "An attachment")
        payload = meta.members(told.get("payload"), "attachment.payload")
        sticker = meta.identifier(payload.get("sticker_id"), "sticker_id")
        if sticker in stickers:
            continue  # until August 2026 a sticker came twice, as sticker and as image
        stickers |= {sticker} - {""}
        one = _attachment(told, payload, bool(sticker))
        found[one.kind, one.url, one.name] = one
    return tuple(found.values())


def story(value: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """The brand's own story that a message answers, as ``reply_to`` holds it."""
    told = meta.members(value.get("story"), "reply_to.story")
    url = meta.words(told.get("url"), "story.url")[:2000]
    return (Attachment("file", url=url, name="The story it answers"),) if told else ()


def _attachment(told: dict[str, Any], payload: dict[str, Any], sticker: bool) -> Attachment:
    said = meta.words(told.get("type"), "attachment.type")
    url = meta.words(payload.get("url") or told.get("url"), "attachment.url")[:2000]
    title = one_line(meta.words(payload.get("title") or told.get("title"), "attachment.title"), 200)
    if said == "location":
        return _location(payload, url, title)
    kind = "sticker" if sticker else _KINDS.get(said, "other")
    return Attachment(kind, url=url, name=title or _NAMES.get(said, ""))


def _location(payload: dict[str, Any], url: str, title: str) -> Attachment:
    point = meta.members(payload.get("coordinates"), "coordinates")
    numbers = [point.get(name) for name in ("lat", "long")]
    place = ", ".join(f"{number:.6g}" for number in numbers if isinstance(number, int | float) and abs(number) <= 180)
    return Attachment("location", url=url, name=" · ".join(part for part in (title, place) if part))
