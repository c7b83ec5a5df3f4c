"""How times, numbers and names are put into words on the desk. Pure functions; times are aware, in UTC."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from parlour.cases.models import Attachment, Case, FileState, Message, Status
from parlour.cases.queries import Queued
from parlour.lib import clock as clocks
from parlour.lib import sniff

MINUTE, HOUR, DAY = 60, 3600, 86_400
THIN = "\u202f"

_LINK = re.compile(r"https?://[^\s<>\"'`\u202a-\u202e\u2066-\u2069\u200b-\u200f]{3,1000}", re.IGNORECASE)
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TRAILING = ".,;:!?…'\"*"


def span(seconds: float) -> str:
    """A length of time in one unit a person would use: ``now``, ``4 min``, ``3 h``, ``2 d``."""
    seconds = abs(seconds)
    if seconds < MINUTE:
        return "now"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY)} d"


def ago(at: datetime | None) -> str:
    """How long since ``at``; a date once it is more than a fortnight ago; empty for None."""
    if at is None:
        return ""
    now = clocks.now()
    seconds = (now - at).total_seconds()
    if seconds < 14 * DAY:
        return span(max(seconds, 0))
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def since(at: datetime) -> str:
    """The same as one says it in a sentence: ``just now``, ``4 min ago``, a date."""
    told = ago(at)
    if told == "now":
        return "just now"
    return f"{told} ago" if clocks.now() - at < timedelta(days=14) else told


def countdown(seconds: float) -> str:
    """Time left as a clock: ``1:48`` within the hour, ``1 h 04`` within the day, else days."""
    seconds = abs(int(seconds))
    if seconds < HOUR:
        return f"{seconds // MINUTE}:{seconds % MINUTE:02}"
    if seconds < DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE:02}"
    return f"{seconds // DAY} d"


def stamp(at: datetime) -> str:
    """When, in UTC: the time of day for today, else with the date. The browser turns it into local time."""
    now = clocks.now()
    if at.date() == now.date():
        return f"{at:%H:%M}"
    if at.year == now.year:
        return f"{at.day} {at:%b %H:%M}"
    return f"{at.day} {at:%b %Y %H:%M}"


def number(value: int) -> str:
    """Thousands parted by a thin space."""
    return f"{value:,}".replace(",", THIN)


def count(value: int) -> str:
    """A tab's count; from 1000 on it was not counted any further."""
    return "1k+" if value >= 1000 else str(value)


def initials(name: str) -> str:
    """One or two letters for a face without a picture."""
    letters = [word[0] for word in re.split(r"[\s._\-@]+", name) if word and word[0].isalpha()]
    if not letters:
        return "#" if any(letter.isdigit() for letter in name) else "?"
    return (letters[0] + letters[-1] if len(letters) > 1 else letters[0]).upper()


def hue(name: str) -> int:
    """0..5, always the same for a name: which of the six tints its face has."""
    return sum(name.encode("utf-8", "replace")) % 6


def bars(priority: int) -> int:
    """A priority of 0..100 as one to three bars."""
    return 1 if priority < 34 else 2 if priority < 67 else 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: a link when ``href`` is set, a found word when ``found``."""

    text: str
    href: str = ""
    found: bool = False


def linked(text: str) -> Iterator[Piece]:
    """``text`` cut into plain stretches and http(s) links. Characters that turn the writing direction around are left out, so that
    no address can be made to read as another; what was stored keeps them."""
    text = _OVERRIDES.sub("", text)
    end = 0
    for match in _LINK.finditer(text):
        href = match.group().rstrip(_TRAILING)
        if href.endswith(")") and "(" not in href:
            href = href.rstrip(")")
        if match.start() > end:
            yield Piece(text[end : match.start()])
        yield Piece(href, href=href)
        end = match.start() + len(href)
    if end < len(text):
        yield Piece(text[end:])


def found(text: str, query: str) -> Iterator[Piece]:
    """``text`` cut so that the words of ``query`` are marked; case does not matter."""
    words = sorted({re.escape(word) for word in query.split()}, key=len, reverse=True)
    if not words:
        yield Piece(text)
        return
    end = 0
    for match in re.finditer("|".join(words[:20]), text, re.IGNORECASE):
        if match.start() > end:
            yield Piece(text[end : match.start()])
        yield Piece(match.group(), found=True)
        end = match.end()
    if end < len(text):
        yield Piece(text[end:])


@dataclass(frozen=True, slots=True)
class Clock:
    """What a case's clock shows. ``tone``: calm, warm (about to break), hot (broken), rest (nothing runs).

    ``counts``: ``down`` to ``at``, ``up`` from it, or empty when the browser need not tick.
    """

    short: str
    words: str
    tone: str
    at: datetime | None = None
    counts: str = ""


DUE = {"first": "First answer", "next": "Next answer", "resolution": "Resolution"}
"""What ``Case.due_what`` stands for."""


def case_clock(case: Case | Queued) -> Clock:
    """The one clock that matters now: the promise while it runs, else how long the customer has waited."""
    now = clocks.now()
    if case.status == Status.RESOLVED:
        return Clock(ago(case.resolved_at or case.updated_at), "Resolved", "rest", case.resolved_at, "up")
    due = case.response_due_at
    if due is not None and due <= now:
        late = countdown((now - due).total_seconds())
        return Clock(f"−{late}", f"{DUE.get(case.due_what, DUE['first'])} overdue by", "hot", due, "over")
    if due is not None:
        warned = case.response_warn_at is None or case.response_warn_at <= now
        left = countdown((due - now).total_seconds())
        words = f"{DUE.get(case.due_what, DUE['first'])} due in"
        return Clock(left, words, "warm" if warned else "calm", due, "down")
    if case.waiting_since is not None:
        tone = "hot" if case.breached_at and case.breached_at >= case.waiting_since else "calm"
        return Clock(ago(case.waiting_since), "Waiting", tone, case.waiting_since, "up")
    return Clock("—", "Nobody is waiting", "rest")


def seconds_until(at: datetime) -> int:
    """How long until then, in whole seconds; a moment later rather than sooner."""
    return max(int((at - clocks.now()).total_seconds()), 0) + 1


def between(start: datetime, end: datetime) -> str:
    """How long from ``start`` to ``end``: ``40 s``, ``2 min 10 s``, ``1 h 04 min``, ``3 d``."""
    seconds = max(int((end - start) / timedelta(seconds=1)), 0)
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min {seconds % MINUTE:02} s"
    if seconds < DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE:02} min"
    return f"{seconds // DAY} d"


TEXTS = {"text/html": "html", "image/svg+xml": "svg"}
"""What is named by its bytes although no file is given such a name."""
MOST_PIXELS = 40_000_000
"""A picture that unfolds to more is offered, not shown: a small file can fill a browser's memory."""
DOCUMENTS = {
    "wordprocessingml": "Word",
    "msword": "Word",
    "spreadsheetml": "Excel",
    "ms-excel": "Excel",
    "presentationml": "PowerPoint",
}


def shown_as(file: Attachment) -> str:
    """How a file of a message is shown: ``image``, ``audio``, ``video``, ``pdf``, or empty for a row to download it by."""
    if file.state != FileState.FETCHED:
        return ""
    how = sniff.INLINE.get(file.mime, "")
    if how == "image" and (not file.width or not file.height or file.width * file.height > MOST_PIXELS):
        return ""
    return how


def file_type(file: Attachment) -> str:
    """What kind of file it is, in a word or two: ``PDF``, ``Word document``, ``ZIP file``."""
    for part, name in DOCUMENTS.items():
        if part in file.mime:
            return f"{name} document"
    known = (
        sniff.EXTENSIONS.get(file.mime)
        or TEXTS.get(file.mime)
        or (file.name.rpartition(".")[2] if "." in file.name else "")
    )
    if file.mime == "application/pdf":
        return "PDF"
    return f"{known.upper()} file" if known and len(known) < 6 else "file"


def media_json(media: Mapping[str, int]) -> str:
    """Kinds of files and how large each may be, for the composer's script."""
    return json.dumps(dict(media))


def file_size(size: int | None) -> str:
    """``640 bytes``, ``12 kB``, ``3.4 MB``; empty for None."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} bytes"
    return f"{max(size / 1000, 1):.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"


REACTION_SIGNS = {"like": "👍", "love": "❤️", "care": "🤗", "haha": "😆", "wow": "😮", "sad": "😢", "angry": "😠"}


def reactions(message: Message) -> list[str]:
    """What people reacted to a message with, the most frequent first, at most six kinds: ``👍 3``."""
    given = message.meta.get("reactions") if isinstance(message.meta, dict) else None
    if not isinstance(given, dict):
        return []
    counted = Counter(REACTION_SIGNS.get(str(sign), str(sign)[:8]) for sign in given.values())
    return [sign if count == 1 else f"{sign} {count}" for sign, count in counted.most_common(6)]


def stars(message: Message) -> int:
    """The rating of a review, 1 to 5; 0 for what is none."""
    if message.text.startswith(("★", "☆")):
        return 0  # the words begin with them
    given = message.meta.get("rating") if isinstance(message.meta, dict) else None
    return given if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= 5 else 0


FACTS: dict[str, tuple[str, bool]] = {
    "automatic": ("automatic", False),
    "forwarded": ("forwarded", False),
    "encrypted": ("encrypted", False),
    "sensitive": ("sensitive", False),
    "locked": ("locked there", False),
    "cut": ("shortened", False),
    "broken": ("damaged on its way", False),
    "subreddit": ("r/", True),
    "feed": ("", True),
    "version": ("version ", True),
    "opt_out": ("", True),
    "unproven": ("sender not proven", False),
    "reply_to": ("wants answers at ", True),
}
"""Small facts a channel tells of a message, as the desk says them; True: with the value."""


def facts(message: Message) -> list[str]:
    """What is worth knowing beside the words, in a few words each."""
    told = message.meta if isinstance(message.meta, dict) else {}
    found = [(words, with_value, told[name]) for name, (words, with_value) in FACTS.items() if told.get(name)]
    return [words + str(value)[:60] if with_value else words for words, with_value, value in found]


def folded(message: Message) -> str:
    """What a mail quotes from earlier ones, and its signature: there to be looked at, not in the way."""
    told = message.meta if isinstance(message.meta, dict) else {}
    return "\n\n".join(part for name in ("signature", "quoted") if isinstance(part := told.get(name), str) and part)
