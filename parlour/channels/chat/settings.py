"""What a chat is told by the brand, checked, and as it is used."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from parlour.channels.chat import hours
from parlour.channels.contract import SIGNALS, InboxConfig, Setting

LANGUAGES = ("auto", "en", "de", "es", "fr", "it", "nl", "pt")
COLOUR = "#0f6b5f"
PER_MINUTE = 600
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?|\[[0-9a-f:.]+\]")


def origins(text: str) -> list[str]:
    """Origins as a content security policy names them. Raises ValueError with a sentence."""
    found: list[str] = []
    for one in re.split(r"[\s,]+", text.strip().lower()):
        wrong = f"“{one[:80]}” is no origin; write for example https://www.example.com, without a path."
        try:
            parts = urlsplit(one)
            port, host = parts.port, (parts.netloc.rpartition(":")[0] if parts.port else parts.netloc)
        except ValueError as error:
            raise ValueError(wrong) from error
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or parts.path not in ("", "/"):
            raise ValueError(wrong)
        if parts.query or parts.fragment:
            raise ValueError(wrong)
        found.append(f"{parts.scheme}://{host}" + (f":{port}" if port else ""))
    return list(dict.fromkeys(found))


def _origins(value: str) -> str | None:
    try:
        origins(value)
    except ValueError as error:
        return str(error)
    return None


def _secret(value: str) -> str | None:
    keys = value.split()
    if len(keys) > 2 or not all(len(key) >= 32 for key in keys):
        return "It is a random text of at least 32 characters (and, after a space, the one before it while you change over)."
    return None


def _colour(value: str) -> str | None:
    return None if re.fullmatch(r"#[0-9a-fA-F]{6}", value) else "It is a colour such as #0f6b5f."


def _hours(value: str) -> str | None:
    try:
        hours.read(value)
    except ValueError as error:
        return str(error)
    return None


def _zone(value: str) -> str | None:
    try:
        hours.zone(value)
    except ValueError as error:
        return str(error)
    return None


def _language(value: str) -> str | None:
    return None if value in LANGUAGES else f"It is one of {', '.join(LANGUAGES)}."


def _per_minute(value: str) -> str | None:
    fine = value.isascii() and value.isdecimal() and len(value) < 7 and int(value) >= 10
    return None if fine else "It is a number of at least 10."


def _words(value: str) -> str | None:
    return None if len(value) <= 500 else f"It has {len(value)} of at most 500 characters."


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "origins",
        "Your website's addresses",
        "The beginnings of the addresses of the pages that show the chat, with spaces between them: https://www.example.com. "
        "https://*.example.com stands for all names below one. No other site can show it.",
        check=_origins,
    ),
    Setting(
        "title",
        "Name at the top",
        "What visitors see above the conversation; without it, the brand's name.",
        required=False,
        check=_words,
    ),
    Setting(
        "welcome",
        "Welcome",
        "What visitors read before they write; without it, a short greeting in their language.",
        required=False,
        check=_words,
    ),
    Setting("colour", "Colour", "Of the button and the head, as #0f6b5f.", default=COLOUR, check=_colour),
    Setting(
        "hours",
        "Hours",
        "When somebody is there: mon-fri 09:00-17:00; sat 10:00-14:00. Without it, always.",
        required=False,
        check=_hours,
    ),
    Setting("timezone", "Time zone", "Of these hours, as Europe/Berlin.", default="UTC", check=_zone),
    Setting(
        "away",
        "Words outside these hours",
        "What visitors read when nobody is there; without it, a short sentence in their language with the time you are back.",
        required=False,
        check=_words,
    ),
    Setting(
        "secret",
        "Secret for signed-in visitors",
        "Only needed where your site vouches for visitors who are signed in: a random text of at least 32 characters, which your "
        "site's server signs their tokens with (HS256). Keep it on the server.",
        required=False,
        secret=True,
        check=_secret,
    ),
    Setting(
        "language",
        "Language",
        "auto takes each visitor's own where it is one of en, de, es, fr, it, nl, pt; else English.",
        default="auto",
        advanced=True,
        check=_language,
    ),
    Setting(
        "per_minute",
        "Messages per minute",
        "What all visitors together may send; more than that is a flood and refused.",
        default=str(PER_MINUTE),
        advanced=True,
        check=_per_minute,
    ),
    SIGNALS,
)


def setting(inbox: InboxConfig, name: str) -> str:
    """The value of a setting, its default where nothing is told."""
    default = next(one.default for one in SETTINGS if one.name == name)
    return str(inbox.settings.get(name) or default)


def ink(colour: str) -> str:
    """Black or white, whichever is read better on ``colour``: one of them always has a contrast of more than 4.5 to 1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 else "#000000"
