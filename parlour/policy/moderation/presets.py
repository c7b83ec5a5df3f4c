"""Shipped lists of profanity, one a language, to begin a list with. Their data comes from a package; none of its code runs here."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

import orjson

from parlour.policy.moderation.words import problem

PACKAGE = "glin-profanity"
LANGUAGES = {
    "ar": ("arabic", "Arabic"), "zh": ("chinese", "Chinese"), "cs": ("czech", "Czech"), "da": ("danish", "Danish"),
    "nl": ("dutch", "Dutch"), "en": ("english", "English"), "fi": ("finnish", "Finnish"), "fr": ("french", "French"),
    "de": ("german", "German"), "hi": ("hindi", "Hindi"), "hu": ("hungarian", "Hungarian"), "it": ("italian", "Italian"),
    "ja": ("japanese", "Japanese"), "ko": ("korean", "Korean"), "no": ("norwegian", "Norwegian"), "fa": ("persian", "Persian"),
    "pl": ("polish", "Polish"), "pt": ("portuguese", "Portuguese"), "ru": ("russian", "Russian"), "es": ("spanish", "Spanish"),
    "sv": ("swedish", "Swedish"), "th": ("thai", "Thai"), "tr": ("turkish", "Turkish"),
}  # fmt: skip
"""Language -> the file it comes from, and its name."""


@lru_cache(maxsize=len(LANGUAGES))
def words_of(language: str) -> tuple[str, ...]:
    """The words of a language's list that can be matched, each once. Raises KeyError for a language without one.

    What stands with a ``*`` for a letter there would be a pattern here, and match much else.
    """
    file = Path(
        str(distribution(PACKAGE).locate_file(f"glin_profanity/data/dictionaries/{LANGUAGES[language][0]}.json"))
    )
    found = (str(word).strip().casefold() for word in orjson.loads(file.read_bytes())["words"])
    return tuple(dict.fromkeys(word for word in found if word and not {"#", "*"} & set(word) and not problem(word)))
