"""Headers of a mail as they are found in the wild: folded, encoded twice or not at all, and holding anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses

from parlour.lib.text import one_line

Headers = Mapping[str, tuple[str, ...]]
"""Name in lower case -> raw values, unfolded, in their order."""

MOST_HEADERS = 1000
LONGEST_VALUE = 20_000
LONGEST_PARAMETERS = 4000
"""Characters of a header that describes a part: the standard library's reading of parameters takes the square of what they hold."""
MOST_SIGNS = ((";", 60), ('"', 120))
ID_LIMIT = 190
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_ID = re.compile(r"<\s*([^<>\s]+)\s*>")
_NO_ATOM = r"\s@<>,;:\"()\[\]\\"
# It begins where an atom begins and nowhere within, so that a long atom is looked at once.
_ADDRESS = re.compile(rf"(?<![^{_NO_ATOM}])[^{_NO_ATOM}]{{1,190}}@[^{_NO_ATOM}]{{1,190}}")
_OTHER_NAMES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "unicode-1-1-utf-7": "utf-7",
    "unicode": "utf-8",
    "utf8mb4": "utf-8",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi": "cp1252",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "x-sjis": "cp932",
    "windows-874": "cp874",
    "tis-620": "cp874",
}
"""What senders call their charsets, and the codec that reads most of what is sent under that name."""
_NEVER = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address, in lower case, of at most 190 characters."""

    name: str
    address: str

    @property
    def local(self) -> str:
        return self.address.rpartition("@")[0]


def decoded(raw: bytes, charset: str) -> str:
    """``raw`` as text: in ``charset`` where that fits, else UTF-8, else as Windows would show it. Never fails."""
    named = charset.strip().strip("\"'").lower()
    for one in (_OTHER_NAMES.get(named, named), "utf-8"):
        if one and one not in _NEVER and one.isascii() and len(one) < 40:
            try:
                return raw.decode(one)
            except (LookupError, ValueError, TypeError):
                continue
    return raw.decode("cp1252", "replace")


class Bounded(Compat32):
    """How mails are parsed: no header is longer than what is ever read of it, from the moment it is taken from the mail."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if not name.lower().startswith("content-"):
            return name, value[:LONGEST_VALUE]
        value = value[:LONGEST_PARAMETERS]
        for sign, most in MOST_SIGNS:
            if value.count(sign) > most:
                value = sign.join(value.split(sign, most)[:most])
        return name, value


BOUNDED = Bounded()


def headers_of(message: Message) -> Headers:
    found: dict[str, list[str]] = {}
    for name, value in list(message.raw_items())[:MOST_HEADERS]:
        said = _FOLD.sub(" ", str(value)[:LONGEST_VALUE]).strip()
        if not said.isascii():
            said = decoded(said.encode("utf-8", "surrogateescape"), "utf-8")
        found.setdefault(str(name).lower(), []).append(said)
    return {name: tuple(values) for name, values in found.items()}


def first(headers: Headers, name: str) -> str:
    """The first value of a header, raw; '' when there is none."""
    return headers.get(name, ("",))[0]


def words(raw: str, limit: int) -> str:
    """A header's value as people read it: RFC 2047 decoded, on one line."""
    raw = raw[: 20 * limit + 200]  # an encoded character takes twelve at most, and some words around them
    try:
        chunks = decode_header(raw) if "=?" in raw else [(raw, None)]
    except (ValueError, LookupError, ArithmeticError, OSError) as _:
        chunks = [(raw, None)]
    except Exception:  # email.errors.HeaderParseError: base64 that is none
        chunks = [(raw, None)]
    text = "".join(
        decoded(chunk, charset or "utf-8") if isinstance(chunk, bytes) else chunk for chunk, charset in chunks
    )
    return one_line(text, limit)


def mailboxes(values: Iterable[str], most: int = 100) -> list[Mailbox]:
    """The addresses in headers such as To, each once, in their order. What is no address is left out."""
    found: dict[str, Mailbox] = {}
    for value in values:
        value = value[:LONGEST_VALUE]
        if "@" not in value:
            continue
        try:
            pairs = getaddresses([value])
        except Exception:  # the standard library has tripped over odd headers more than once
            pairs = []
        if not any("@" in address for _, address in pairs):
            pairs = [("", match[0]) for match in _ADDRESS.finditer(value)]
        for name, told in pairs:
            address = told.strip().strip("'").lower()
            if len(address) <= ID_LIMIT and _ADDRESS.fullmatch(address) and address.isprintable():
                found.setdefault(address, Mailbox(words(name, 120), address))
    return list(found.values())[:most]


def ident(raw: str) -> str:
    """A Message-ID without its brackets, as we know the message by it: odd or endless ones by a digest. '' for none."""
    bare = raw.strip().removeprefix("<").removesuffix(">").strip()
    if not bare:
        return ""
    if len(bare) <= ID_LIMIT and bare.isascii() and bare.isprintable() and " " not in bare:
        return bare
    return f"sha256:{digest(bare, 48)}"


def idents(values: Iterable[str], most: int = 50) -> list[str]:
    """Message-IDs in headers such as References, each once, in their order; without brackets only where there is nothing else."""
    found: dict[str, None] = {}
    for value in values:
        named = _ID.findall(value) or [word for word in value.split() if "@" in word and "<" not in word][:most]
        found.update(dict.fromkeys(filter(None, map(ident, named))))
    return list(found)[-most:]


def digest(text: str, length: int = 12) -> str:
    """A short stable name for ``text``."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:length]
