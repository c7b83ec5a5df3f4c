"""What is new in a mail, told from what it quotes and from the signature below it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from mailparser_reply.constants import MAIL_LANGUAGES  # type: ignore[import-untyped]
from mailparser_reply.parser import EmailMessage  # type: ignore[import-untyped]

LOOKED_AT = 40_000
"""Characters in which the new words are searched for: nobody answers below more than that."""
MOST_TRIES = 400
"""Lines that may begin a quotation; the library's patterns are run on no more."""
WINDOW = 400
_RULE = re.compile(r"[_\-=*]{10,}")
_FORWARDED = re.compile(
    r"[-_*> ]*(?:begin )?(?:forwarded message|original message|original-?nachricht|ursprüngliche nachricht|weitergeleitete nachricht|"
    r"message d'origine|message transféré|mensaje original|mensaje reenviado|messaggio originale|mensagem original|"
    r"oorspronkelijk bericht|doorgestuurd bericht|исходное сообщение|пересылаемое сообщение)[-_*: ]*",
    re.IGNORECASE,
)
_MARKER = "##- "
_FIELD = re.compile(r"[*> \t]*[\w.'’ -]{2,25}[*]?:", re.UNICODE)
_SENT_FROM = re.compile(
    r"(sent (from|via|with) |get outlook for |von meinem .{2,30} gesendet|gesendet (von|mit) |envoyé (de(puis)?|à partir de) |"
    r"enviado (desde|do|a partir) |inviato da |verzonden (vanaf|met) |отправлено (с|из) |wysłane z |skickat från )",
    re.IGNORECASE,
)
_CLOSING_WORDS = 30
_FROM = re.compile(r"[*> ]*(?:от(?: кого)?|de|da|från|fra|发件人|寄件者|보낸 ?사람)\s*[*]?[:：]", re.IGNORECASE)
_SENT = re.compile(
    r"[*> ]*(?:отправлено|дата|enviad[ao](?: em)?|data|skickat|sendt|发送时间|寄件日期|보낸 ?날짜)\s*[*]?[:：]",
    re.IGNORECASE,
)
_TO = re.compile(
    r"[*> ]*(?:кому|тема|para|assunto|till|til|emne|ämne|收件人|主题|받는 ?사람|제목)\s*[*]?[:：]", re.IGNORECASE
)
"""Heads of quoted mails in languages that the library does not know."""
_WHEN = re.compile(r"\d{1,2}[:.]\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\b20\d\d\b|@")


@dataclass(frozen=True, slots=True)
class Parts:
    new: str
    quoted: str = ""
    signature: str = ""


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The library's own, for every language it knows: what introduces a quotation, and what a signature."""
    every = EmailMessage("", languages=list(MAIL_LANGUAGES), keep_hyphen_lists=True)
    closings = [
        "С уважением",
        "С наилучшими",
        "Atenciosamente",
        "(?:Melhores )?Cumprimentos",
        "(?:Un )?Saludos?",
        "(?:Cordiali )?Saluti",
    ]
    for known in MAIL_LANGUAGES.values():
        found = known.get("signatures", [])
        closings += [found] if isinstance(found, str) else found
    return every.HEADER_REGEX, re.compile(f"(?:{'|'.join(closings)})", re.IGNORECASE)


def apart(text: str) -> Parts:
    """Split a mail's text. New words are never lost: where everything seems quoted, everything is new."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")]
    budget, end = LOOKED_AT, len(lines)
    for place, line in enumerate(lines):
        budget -= len(line) + 1
        if budget < 0:
            end = place
            break
    cut = _cut(lines[:end])
    kept, quoted = lines[:cut], lines[cut:]
    if any(line.startswith(">") for line in quoted) and not _is_head_quoted(quoted):
        # Some write below what they quote, or between its lines: that is new, too.
        introduced = _introduction(quoted)
        inline = "\n".join(line for line in quoted[introduced:] if not line.startswith(">")).strip()
        if inline and not _only_signature(inline):
            kept = [*kept, "", *_unquoted(quoted, introduced)]
            quoted = [*quoted[:introduced], *(line for line in quoted[introduced:] if line.startswith(">"))]
    kept, signature = _signed(kept)
    new = "\n".join(kept).strip()
    if not new:
        return Parts(text.strip())
    return Parts(new, "\n".join(quoted).strip(), "\n".join(signature).strip())


def _cut(lines: list[str]) -> int:
    """The line on which what is quoted begins; the number of lines when nothing is."""
    introduces, _ = _patterns()
    tries = MOST_TRIES
    for place, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            continue
        if bare.startswith(">"):
            return _attributed(lines, place)
        if _FROM.match(bare[:60]) and _foreign_head(lines, place):
            return place
        if _FORWARDED.fullmatch(bare[:100]) or bare.startswith(_MARKER):
            return place
        if _RULE.fullmatch(bare[:200]) and _begins_head(lines, place + 1):
            return place
        if tries and (_FIELD.match(bare[:60]) or _may_introduce(lines, place)):
            tries -= 1
            window = "\n".join(one.strip() for one in lines[place : place + 6])[:WINDOW]
            found = introduces.match(window)
            if found is None:
                # Attributions are broken by mail programs wherever a line ends.
                joined = " ".join(one.strip() for one in lines[place : place + 3] if one.strip())[:WINDOW]
                ending = joined.find(":", 10)
                found = introduces.match(joined[: joined.rfind(":") + 1]) if ending > 0 else None
            if found is not None and (not _FIELD.match(bare[:60]) or _begins_head(lines, place) or bare.endswith(":")):
                return place
    return len(lines)


def _attributed(lines: list[str], place: int) -> int:
    """Where the attribution above a quotation begins, in whatever language: lines that end with a colon and name a time or an address."""
    last = place - 1
    while last >= 0 and last >= place - 3 and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].strip().endswith((":", "：")):
        return place
    for begin in range(last, max(-1, last - 3), -1):
        line = lines[begin].strip()
        if not line or (begin < last and line.endswith((".", "!", "?"))):
            break
        if _WHEN.search(line[:300]) and len(line) <= 250:
            above = lines[begin - 1].strip() if begin else ""
            more = begin == last and above and _WHEN.search(above[:300]) and not above.endswith((".", "!", "?"))
            return begin - 1 if more else begin
    return place


def _foreign_head(lines: list[str], place: int) -> bool:
    following = [one.strip()[:60] for one in lines[place + 1 : place + 10] if one.strip()][:4]
    return any(_SENT.match(one) for one in following) and any(_TO.match(one) for one in following)


def _may_introduce(lines: list[str], place: int) -> bool:
    """Whether an attribution (`On Monday, Ana wrote:`) may begin on this line: it ends with a colon within three lines."""
    if not any(sign.isdigit() for sign in lines[place]) and "@" not in "".join(lines[place : place + 3]):
        return False
    return any(one.rstrip().endswith((":", "：")) for one in lines[place : place + 3])


def _begins_head(lines: list[str], place: int) -> bool:
    """Whether a block of fields (From, Sent, To, Subject) stands there."""
    following = [one.strip() for one in lines[place : place + 8] if one.strip()][:4]
    return sum(bool(_FIELD.match(one[:60])) for one in following) >= 2 and any(
        "@" in one or ":" in one for one in following
    )


def _is_head_quoted(quoted: list[str]) -> bool:
    """Whether the quotation is of the kind that goes on to the end (Outlook's block of fields)."""
    return not quoted[0].startswith(">") and (
        _RULE.fullmatch(quoted[0].strip()[:200]) is not None or _begins_head(quoted, 0)
    )


def _introduction(quoted: list[str]) -> int:
    """How many lines without a mark come before the first that has one: the attribution."""
    count = 0
    for line in quoted:
        if line.startswith(">"):
            return count
        count += 1
    return count


def _unquoted(quoted: list[str], introduced: int) -> list[str]:
    """The lines between quotations, with the quotations left out and a gap where they were."""
    found: list[str] = []
    for line in quoted[introduced:]:
        if line.startswith(">"):
            if found and found[-1]:
                found.append("")
        else:
            found.append(line)
    return found


def _only_signature(text: str) -> bool:
    kept, signature = _signed(["x", *text.split("\n")])
    return len([line for line in kept if line.strip()]) == 1 and bool(signature)


def _signed(lines: list[str]) -> tuple[list[str], list[str]]:
    """What was written, and the signature below it. Only what is surely one is taken off: short lines at the very end."""
    _, closing = _patterns()
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    for place in range(max(1, last - 12), last):
        line = lines[place].strip()
        block = [one for one in lines[place:last] if one.strip()]
        small = len(block) <= 10 and all(len(one) <= 100 for one in block)
        if line in ("--", "—", "__") and (small or line == "--"):
            return lines[:place], lines[place:last]
        if _SENT_FROM.match(line) and len(line) <= 80 and len(block) <= 2:
            return lines[:place], lines[place:last]
        found = closing.match(line)
        if (
            found
            and small
            and len(line) - found.end() <= _CLOSING_WORDS
            and not any("?" in one for one in block)
            and (len(line) <= 45 and all(len(one) <= 60 for one in block))
            and len(block) <= 7
        ):
            return lines[:place], lines[place:last]
    return lines, []
