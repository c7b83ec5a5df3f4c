"""The language of a text: statistics (``eldc``), corrected by letters and words that settle what statistics confuse."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final, cast

import eldc

from parlour.understanding import features

# Words that settle the language of a text too short for statistics.
_SHORT: Final[dict[str, str]] = {
    word: language
    for language, words in {
        "en": "thanks thank hello hey please help why what the you",
        "de": "danke hallo bitte nein ja wann warum hilfe guten moin nicht ist",
        "fr": "merci bonjour salut oui aide pourquoi svp bonsoir",
        "es": "gracias hola ayuda buenos buenas porfa",
        "pt": "obrigado obrigada olá oi ajuda não",
        "it": "grazie ciao aiuto salve perché buongiorno",
        "nl": "bedankt hoi dankjewel waarom hulp goedemorgen",
    }.items()
    for word in words.split()
}
_WORD = re.compile(r"[^\W\d_]+")
_NOISE = re.compile(r"(?:https?://|www\.)\S*|[@#][\w.]+|[^\w\s'’.,!?¿¡-]|\d|_")
_OTHER_SCRIPT = re.compile("[\u0370-\u03ff\u0530-\u1fff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@cache
def _detect() -> Callable[[str], str]:
    eldc.init()
    return cast(Callable[[str], str], eldc.detect)


def of(text: str) -> str:
    """ISO 639-1, or "" where the text is too short to tell: use its thread's language there."""
    clean = _NOISE.sub(" ", text[: features.MAX_CHARS]).strip()
    if len(clean) < 40:
        words = _WORD.findall(clean)
        letters = sum(map(len, words))
        if letters < 12 and not _OTHER_SCRIPT.search(clean):
            known = {_SHORT[word] for word in map(str.lower, words) if word in _SHORT}
            if len(known) == 1:
                return known.pop()
            if letters < 10:
                return ""
    found = _detect()(clean)
    return "" if found == "und" else _settled(found, clean)


# Letters that only one of two close languages has: (found, letters, then rather).
_LETTERS: Final = [
    (found.split(), re.compile(letters), rather)
    for found, letters, rather in (
        ("es gl ca it fr ro", "[ãõ]", "pt"),
        ("pt gl ca it en", "[ñ¿¡]", "es"),
        ("sk pl sl hr", "[řěů]", "cs"),
        ("cs pl sl hr", "[ľĺŕ]", "sk"),
        ("es gl", r"lh|nh|\b(?:em|um|uma|do|dos|mais|muito|ao|pela|pelo)\b", "pt"),
        ("pt gl", r"ción|ll|\b(?:el|los|las|y|muy|del|una|con)\b", "es"),
        ("da no is", "[äö]", "sv"),
        ("sv fi de", "[æø]", "no"),
        ("no sv", r"\baf\b|\b[mds]ig\b|øj|\bblev\b|\bhvad\b|\bogså af\b|hvor[a-z]*ledes", "da"),
        ("da sv", r"\b[mds]eg\b|øy|\bble\b|\bhva\b|\bnoe[nt]?\b|\bbare av\b", "no"),
        ("da no", r"\boch\b|\binte\b|\bför\b|\bär\b|\batt\b", "sv"),
        ("ru bg sr be", "[їєґ]", "uk"),
        ("uk bg sr", "[ыэъё]", "ru"),
        ("en az", "[ğş]", "tr"),
        ("cs sk en", "[ąęłżśźń]", "pl"),
        ("en it es fr", "[șțăş]", "ro"),
    )
]
# A short text is in the smaller of two close languages only when it shows it: (found, needed letters or words, else).
_NEEDED: Final = {
    found: (re.compile(needed), otherwise)
    for found, needed, otherwise in (
        ("mr", "ळ|आहे|आणि|नाही|च्या|मध्ये|होते|झाल", "hi"),
        ("is", "[ðþ]", "no"),
        ("az", "ə", "tr"),
        ("sr", "[јљњћђџčćžšđ]", "ru"),
        ("be", "ў|і.*ы|ы.*і", "ru"),
        ("bg", "ъ|щ|ят|ът|та\\b|те\\b", "ru"),
        ("ca", "ç|l·l|ny|\\b(?:amb|és|però|els|les|aquest|dels|una|que)\\b|ï", "es"),
        ("ja", "[\u3040-\u30ff]", "zh"),
        ("fa", "[پچژگکی]", "ar"),
        ("ur", "[ٹڈڑںےہھپچگ]", "ar"),
        ("ms", ".{12}", "en"),
        ("tl", "\\b(?:ang|ng|mga|sa|na|po|ko|ako|ka|ba|naman|yung)\\b", "en"),
    )
}


def _settled(found: str, clean: str) -> str:
    """Statistics are right about longer texts."""
    if len(clean) >= 40:
        return found
    clean = clean.lower()
    for close, letters, rather in _LETTERS:
        if found in close and letters.search(clean):
            return rather
    if found in _NEEDED:
        needed, otherwise = _NEEDED[found]
        return found if needed.search(clean) else otherwise
    return found
