"""Personal data in what people write: where it stands in a text, and the text with it covered.

Found are payment cards and bank accounts by their checksums, telephone numbers, mail addresses, street addresses of a few countries,
and a brand's own booking and order numbers. Pure and quick: a text without a digit or an ``@`` costs one scan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import phonenumbers

CARD, IBAN, PHONE, EMAIL, ADDRESS, NUMBER = "card", "iban", "phone", "email", "address", "number"
KINDS = {
    CARD: "a card number",
    IBAN: "a bank account",
    PHONE: "a phone number",
    EMAIL: "a mail address",
    ADDRESS: "a street address",
    NUMBER: "a booking or order number",
}
"""What can be found, with words for it."""
Span = tuple[int, int, str]
"""Where it begins, where it ends (in characters), and its kind."""

LONGEST = 20_000
"""Characters of a text that are looked through."""
REGIONS = {
    "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL", "pt": "PT", "pl": "PL", "tr": "TR", "sv": "SE", "da": "DK",
    "fi": "FI", "no": "NO", "nb": "NO", "ja": "JP", "ko": "KR", "cs": "CZ", "el": "GR", "hu": "HU", "ro": "RO", "ru": "RU",
    "uk": "UA", "he": "IL", "hi": "IN", "id": "ID", "th": "TH", "vi": "VN", "en": "US",
}  # fmt: skip
"""Where a number without a country belongs, by the language it stands in, unless the brand says otherwise."""
MOST_PHONES = 20
"""Places of a text that are looked at for a phone number."""
COVER = "•"
SPARED = 4
"""Characters of a card, account or phone number that stay readable at its end, as on a receipt."""

_WORTH_A_LOOK = re.compile(r"[\d@]")
_EMAIL = re.compile(r"(?<![\w.+-])[\w+-][\w.+-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_MAYBE_MAIL = re.compile(r"[\w+-]@[\w-]")
_DIGITS = re.compile(r"\d+")
_CARD_GAP = re.compile(r"[\s./_-]{1,3}")
_CARD_SHAPES = ((4, 4, 4, 4), (4, 6, 5), (4, 4, 4, 4, 3), *((length,) for length in range(13, 20)))
"""How long the groups are in which people write the number of a card."""
_WHOLE_PART, _FRACTION = re.compile(r"\d[.,]"), re.compile(r"[.,]\d")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}")
_IBAN_SIGN = re.compile(r"[\s.-]{0,2}[A-Za-z0-9]")
_MAYBE_PHONE = re.compile(r"[+(]?(?<!\d)\d(?:[\s().\-/]{0,3}\d){6,17}")
_MANY_DIGITS = re.compile(r"\d(?:[\s()./_-]{0,3}\d){5,}")
_STREET_WORD = (
    r"(?:[\w'’.-]*(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|straat|laan|plein|gracht|gatan|vägen|vej|gade)"
    r"|(?:street|st\.?|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.?|boulevard|blvd\.?|way|court|ct\.?|square|terrace|close|crescent)\b)"
)
_ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Hauptstraße 12, 10115 Berlin · Kerkstraat 5, 1017 GC Amsterdam · Storgatan 3, 111 20 Stockholm
        r"(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|straat|laan|plein|gracht|gatan|vägen|vej|gade)"
        r"\s?\d{1,4}\s?[a-z]?,?\s{1,3}(?:[A-Z]{1,2}-)?\d{3,4}\s?\d{0,2}(?:\s?[A-Z]{2}\b)?(?:\s[^\W\d_]{2,30})?",
        # 12 rue de la Paix, 75002 Paris · Calle Mayor 5, 28013 Madrid · Via Roma 10, 00184 Roma
        r"\b\d{1,4}(?:\s?(?:bis|ter))?,?\s(?:rue|avenue|boulevard|bd|place|chemin|allée|impasse|quai)\s[^\d\n]{2,40}?,?\s\d{5}(?:\s[^\W\d_]{2,30})?",
        r"\b(?:calle|c/|avenida|avda\.?|plaza|paseo|via|viale|corso|piazza|rua|largo)\s[^\d\n]{2,40}?,?\s(?:n\.?[ºo°]?\s?)?\d{1,4},?\s\d{4,5}(?:-\d{3})?(?:\s[^\W\d_]{2,30})?",
        # 221B Baker Street, London NW1 6XE · 1600 Pennsylvania Avenue NW, Washington, DC 20500
        r"\b\d{1,5}[a-z]?\s(?:[^\W\d_][\w.'’-]*\s){1,4}?"
        + _STREET_WORD
        + r"[^\n]{0,40}?(?:\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b|\b[A-Z]{2}\s\d{5}(?:-\d{4})?\b)",
    )
)
_STREETS = (
    "straße", "strasse", "str.", "weg", "gasse", "platz", "allee", "straat", "laan", "plein", "gracht", "gatan", "vägen", "vej", "gade",
    "street", " st ", " st.", " st,", " road", " rd", "avenue", " ave", " lane", " ln", " drive", " dr ", " dr.", "boulevard", " blvd", " way",
    " court", " ct ", "square", "terrace", "close", "crescent", "rue ", "bd ", "place", "chemin", "allée", "impasse", "quai", "calle", "c/",
    "avenida", "avda", "plaza", "paseo", "via", "corso", "piazza", "rua ", "largo",
)  # fmt: skip
"""No street, no address: plain words are looked for before patterns."""
_POSTAL_CODE = re.compile(r"\d{4}|\d{3} \d\d|\d[A-Za-z]{2}\b")


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits are a payment card's by their first digits and their checksum (Luhn)."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1 or digits[0] not in "23456":
        return False
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21, "CR": 22, "CY": 28,
    "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24,
    "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def is_iban(text: str) -> bool:
    """Whether letters and digits without spaces are an IBAN by their country's length and their checksum (mod 97)."""
    text = text.upper()
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not (text.isascii() and text.isalnum()):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def template_problem(template: str) -> str:
    """Why a template of numbers cannot be used: a sentence, '' when it can."""
    if not template or len(template) > 40:
        return "A pattern has 1 to 40 characters."
    if not re.fullmatch(r"[A-Za-z0-9 #/_.-]+", template):
        return f"“{template}” may hold letters, digits, spaces and # / _ . - only."
    if sum(sign in "A9" for sign in template) < 4 or "9" not in template:
        return f"“{template}” would cover everyday words: it needs four or more of A (a letter) and 9 (a digit), one of them a 9."
    return ""


@lru_cache(maxsize=256)
def _of_template(templates: tuple[str, ...]) -> re.Pattern[str] | None:
    """``A`` is a letter, ``9`` a digit, everything else itself; capital or not. No choice and no repetition: it costs what it is long."""
    usable = [template for template in templates if not template_problem(template)]
    if not usable:
        return None
    signs = {"A": "[^\\W\\d_]", "9": "\\d"}
    written = ("".join(signs.get(sign, re.escape(sign)) for sign in template) for template in usable)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(written)})(?![^\W_])", re.IGNORECASE)


def find(text: str, region: str = "US", templates: Sequence[str] = ()) -> list[Span]:
    """What is personal in a text, in order, without overlaps. ``region`` is an ISO country for phone numbers written without theirs;
    ``templates`` are a brand's numbers, as ``AA-99999`` for two letters, a hyphen and five digits."""
    if not _WORTH_A_LOOK.search(text):
        return []
    text = text[:LONGEST]
    found: list[Span] = []
    if "@" in text and _MAYBE_MAIL.search(text):
        found += ((hit.start(), hit.end(), EMAIL) for hit in _EMAIL.finditer(text))
    plain = text if text.isascii() else text.translate(_PLAIN)
    pattern = _of_template(tuple(templates)) if templates else None
    if pattern is not None:
        _add(found, ((hit.start(), hit.end(), NUMBER) for hit in pattern.finditer(plain)))
    many = _MANY_DIGITS.search(plain) is not None
    if many:
        _add(found, _cards(plain))
        _add(found, _ibans(plain))
    if _POSTAL_CODE.search(text) and any(map(text.casefold().__contains__, _STREETS)):
        for address in _ADDRESSES:
            _add(found, ((_word_begin(text, hit.start()), hit.end(), ADDRESS) for hit in address.finditer(text)))
    if many:
        _add(found, _phones(plain, region, tuple(found)))
    return sorted(found)


def _word_begin(text: str, at: int) -> int:
    """Where the word begins that goes on at ``at``."""
    while at > 0 and not text[at - 1].isspace():
        at -= 1
    return at


class _Plain(dict[int, str]):
    """A sign -> the plain one it stands for: digits of all scripts, letters of full width, spaces and dashes of any kind, and a space
    for what is not seen. As long as it was; filled as signs are met."""

    def __missing__(self, code: int) -> str:
        sign, kind = chr(code), unicodedata.category(chr(code))
        alike = unicodedata.normalize("NFKC", sign)
        told = alike if len(alike) == 1 and alike.isascii() else sign
        if kind == "Nd":
            told = str(unicodedata.decimal(sign))
        elif kind in ("Zs", "Cf"):
            told = " "
        elif kind == "Pd":
            told = "-"
        self[code] = told
        return told


_PLAIN = _Plain()
_JOINTS = (" ", "-")


def _cards(text: str) -> Iterable[Span]:
    """Groups of digits in which a card is written, whatever digits stand before and behind it: its date, its code, another number."""
    groups = [hit.span() for hit in _DIGITS.finditer(text)]
    at = 0
    while at < len(groups):
        count = _card_at(text, groups, at)
        if count:
            yield groups[at][0], groups[at + count - 1][1], CARD
        at += count or 1


def _card_at(text: str, groups: Sequence[tuple[int, int]], at: int) -> int:
    """How many groups from here on are a card, 0 when none are."""
    start = groups[at][0]
    if start >= 2 and _WHOLE_PART.match(text, start - 2):
        return 0
    for shape in _CARD_SHAPES:
        chosen = groups[at : at + len(shape)]
        fits = tuple(end - begin for begin, end in chosen) == shape
        fits = fits and all(_CARD_GAP.fullmatch(text, one[1], other[0]) for one, other in pairwise(chosen))
        if fits and is_card(_digits(text[start : chosen[-1][1]])):
            return len(shape)
    return _run_at(text, groups, at)


def _run_at(text: str, groups: Sequence[tuple[int, int]], at: int) -> int:
    """The same for any groups, when they are all the digits that stand together."""
    if at and text[groups[at - 1][1] : groups[at][0]] in _JOINTS:
        return 0
    count = 1
    while count < 20 and at + count < len(groups):
        if text[groups[at + count - 1][1] : groups[at + count][0]] not in _JOINTS:
            break
        count += 1
    end = groups[at + count - 1][1]
    return count if is_card(_digits(text[groups[at][0] : end])) and not _FRACTION.match(text, end) else 0


def _ibans(text: str) -> Iterable[Span]:
    """Accounts are as long as their country says: words behind them may look like more of them."""
    at = 0
    while hit := _IBAN.search(text, at):
        end = _iban_end(text, hit.start(), hit.end())
        if end:
            yield hit.start(), end, IBAN
        at = end or hit.end()


def _iban_end(text: str, start: int, end: int) -> int:
    """Where the account ends whose first four signs stand here; 0 when there is none."""
    for _ in range(IBAN_LENGTHS.get(text[start : start + 2].upper(), 4) - 4):
        sign = _IBAN_SIGN.match(text, end)
        if sign is None:
            return 0
        end = sign.end()
    whole = re.sub(r"[^A-Za-z0-9]", "", text[start:end])
    return end if is_iban(whole) and not text[end : end + 1].isalnum() else 0


def _phones(text: str, region: str, known: Sequence[Span]) -> Iterable[Span]:
    """Looked for only where enough digits stand close together: the library reads everything else for nothing."""
    for number, hit in enumerate(_MAYBE_PHONE.finditer(text)):
        if number >= MOST_PHONES:
            return
        if any(start <= hit.start() < end for start, end, _ in known):
            continue
        begin = max(0, hit.start() - 2)
        stretch = text[begin : hit.end() + 1]
        if _too_short(stretch, region):
            continue
        for match in phonenumbers.PhoneNumberMatcher(
            stretch, region, leniency=phonenumbers.Leniency.VALID, max_tries=3
        ):
            yield begin + match.start, begin + match.end, PHONE


def _too_short(stretch: str, region: str) -> bool:
    """Whether it holds fewer digits than any number of the region has: an order number, which the library would read in vain."""
    digits = _digits(stretch)
    return len(digits) < _shortest(region) and digits[0] != "0" and "+" not in stretch and "＋" not in stretch


@lru_cache(maxsize=256)
def _shortest(region: str) -> int:
    """Digits a number written without its country has at least; 0 where it cannot be told from one that begins with a country's."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    if known is None or known.general_desc is None or not (known.international_prefix or "").startswith("0"):
        return 0
    return int(min(known.general_desc.possible_length))


def _add(found: list[Span], more: Iterable[Span]) -> None:
    for start, end, kind in more:
        if all(end <= other[0] or other[1] <= start for other in found):
            found.append((start, end, kind))


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdecimal())


def masked(text: str, spans: Iterable[Sequence[int | str]]) -> str:
    """The text with these spans covered: dots for letters and digits, the last four kept of cards, accounts and phone numbers. As long
    as it was. Spans beyond the text cover what there is of it."""
    signs = list(text)
    for span in spans:
        start, end, kind = int(span[0]), min(int(span[1]), len(signs)), span[2]
        told = [at for at in range(max(start, 0), end) if signs[at].isalnum()]
        spared = SPARED if kind in (CARD, IBAN, PHONE) and len(told) > 2 * SPARED else 0
        for at in told[: len(told) - spared]:
            signs[at] = COVER
    return "".join(signs)


def in_words(kinds: Iterable[str]) -> str:
    """ "a card number and a phone number"."""
    told = [KINDS.get(kind, "personal data") for kind in dict.fromkeys(kinds)]
    return " and ".join(filter(None, (", ".join(told[:-1]), told[-1]))) if told else ""
