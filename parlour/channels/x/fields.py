"""Reading X's JSON with care: ids, times, people and files, whatever type a field turns out to have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from parlour.channels.contract import Attachment, Author
from parlour.lib import clock
from parlour.lib.text import one_line, storable

REALM = "x"

_IDENT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_OLD_TIME = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) \+0000 (\d{4})")
_MONTHS = dict(
    zip(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), range(1, 13), strict=True)
)
_ESCAPES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ESCAPED = re.compile("|".join(_ESCAPES))
_SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
_FIRST_SNOWFLAKE = 30_000_000_000
_MAX_FILES = 32


def ident(value: object) -> str:
    """An id as text, or '' when the value cannot be one. Ids of X are digits, those of its encrypted chats are not."""
    if isinstance(value, str):
        return value if _IDENT.fullmatch(value) else ""
    if isinstance(value, int) and not isinstance(value, bool):
        return ident(str(value))
    return ""


def needed(value: object, name: str) -> str:
    """The id in ``value``. Raises ValueError naming the field."""
    if not (found := ident(value)):
        raise ValueError(f"{name} is missing or is no id.")
    return found


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def words(value: object, name: str) -> str:
    """Text as it was written: X escapes ``&``, ``<`` and ``>``. Raises ValueError when it is not text."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text.")
    return storable(_ESCAPED.sub(lambda found: _ESCAPES[found[0]], value[:400_000]))


def pair(one: str, other: str) -> str:
    """The id of the direct conversation of two users: the smaller id first, as X writes it."""
    first, second = sorted((one, other), key=lambda user: (len(user), user) if user.isdigit() else (99, user))
    return f"{first}-{second}"


def moment(value: object, received_at: datetime, snowflake: str = "") -> datetime:
    """When something happened, from ISO 8601, the old API's format or epoch milliseconds.

    Failing that, the time in the id (a snowflake), and failing that the time of receipt.
    """
    told = _told(value)
    if told is None and snowflake.isdecimal() and len(snowflake) < 20 and int(snowflake) >= _FIRST_SNOWFLAKE:
        told = _from_ms((int(snowflake) >> 22) + _SNOWFLAKE_EPOCH_MS)
    return received_at if told is None else clock.plausible(told, received_at)


def _told(value: object) -> datetime | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_ms(value)
    if not isinstance(value, str) or len(value) > 40:
        return None
    if value.isascii() and value.isdecimal():
        return _from_ms(int(value))
    try:
        if (old := _OLD_TIME.fullmatch(value)) is not None:
            day, hour, minute, second, year = (int(part) for part in old.groups()[1:])
            return datetime(year, _MONTHS[old[1]], day, hour, minute, second, tzinfo=UTC)
        told = datetime.fromisoformat(value)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, KeyError):
        return None


def _from_ms(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def people(listed: object) -> dict[str, Mapping[str, Any]]:
    """Users by id, from a v2 list or from the map of a direct message event (where each may sit in ``data``)."""
    users = listed.values() if isinstance(listed, dict) else sequence(listed)
    found: dict[str, Mapping[str, Any]] = {}
    for user in users:
        user = mapping(user)
        user = mapping(user.get("data")) or user
        if key := ident(user.get("id_str") or user.get("id")):
            found[key] = user
    return found


def author(user_id: str, users: Mapping[str, Mapping[str, Any]]) -> Author:
    """Who ``user_id`` is, as far as the event tells."""
    user = users.get(user_id, {})
    count = mapping(user.get("public_metrics")).get("followers_count", user.get("followers_count"))
    avatar = user.get("profile_image_url") or user.get("profile_image_url_https")
    return Author(
        realm=REALM,
        external_id=user_id,
        name=_line(user.get("name"), 120),
        handle=_line(user.get("username") or user.get("screen_name"), 80),
        avatar_url=link(avatar, 500),
        followers=count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**31 else None,
        verified=user.get("verified") is True,
    )


def _line(value: object, limit: int) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def link(value: object, limit: int = 2000) -> str:
    """A web address, or '' when it is none or too long to keep whole."""
    if not isinstance(value, str) or len(value) > limit or not value.startswith(("https://", "http://")):
        return ""
    return value if value.isprintable() else ""


_MEDIA_KINDS = {"photo": "image", "image": "image", "video": "video", "animated_gif": "video", "audio": "audio"}


def files(media: Iterable[object]) -> tuple[Attachment, ...]:
    """Attachments from media objects of either API; of a video's versions the best one that plays everywhere."""
    found = []
    for entry in media:
        one = mapping(entry)
        if not one:
            continue
        said = one.get("type")
        variants = one.get("variants") or mapping(one.get("video_info")).get("variants")
        url = _best(sequence(variants)) or link(
            one.get("url") if not one.get("media_url_https") else one.get("media_url_https")
        )
        kind = _MEDIA_KINDS.get(said, "other") if isinstance(said, str) else "other"
        found.append(Attachment(kind, url or link(one.get("preview_image_url")), name=_line(one.get("alt_text"), 200)))
    return tuple(found[:_MAX_FILES])


def _best(variants: list[Any]) -> str:
    playable = []
    for variant in map(mapping, variants):
        rate = variant.get("bit_rate", variant.get("bitrate"))
        if variant.get("content_type") == "video/mp4" and (url := link(variant.get("url"))):
            playable.append((rate if isinstance(rate, int) else 0, url))
    return max(playable)[1] if playable else ""


def links(entities: object) -> tuple[Attachment, ...]:
    """Where the shortened links of a text lead. Links to X's own copies of attached media are left out."""
    found = []
    for entry in sequence(mapping(entities).get("urls")):
        one = mapping(entry)
        url = link(one.get("unwound_url")) or link(one.get("expanded_url"))
        if url and not one.get("media_key"):
            found.append(Attachment("link", url, name=_line(one.get("display_url"), 200)))
    return tuple(found[:_MAX_FILES])
