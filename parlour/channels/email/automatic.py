"""Mails no person wrote: automatic answers, lists, and our own words come back. They never open or reopen a case."""

from __future__ import annotations

import re
from collections.abc import Iterable

from parlour.channels.email.headers import Headers, Mailbox, first, mailboxes, words

LOOP_HEADER = "x-parlour-loop"
_SUBJECT = re.compile(
    r"(?:auto(?:matic)?[ -]?(?:reply|response)|auto:|out of (?:the )?office|abwesenheits(?:notiz|nachricht|meldung)|"
    r"automatische (?:antwort|e?-?mail-?antwort)|(?:ich bin )?nicht im (?:büro|haus)|réponse automatique|absence du bureau|"
    r"respuesta automática|fuera de la oficina|resposta automática|ausência do escritório|risposta automatica|fuori sede|"
    r"automatisch(?:e)? antwoord|afwezigheids(?:bericht|melding)|autosvar|automaattinen vastaus|automatická odpověď|"
    r"odpowiedź automatyczna|автоответ|автоматический ответ|自動返信|自动回复|자동 회신|رد تلقائي)"
    r"\s*(?:[:：\-–|(\[]|re:|$)",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:no|do[-_.]?not|donot)[-_.]?reply\b|bounces?(?:[-+_.]|$)|mailer-daemon$|postmaster$", re.IGNORECASE
)
_LISTS = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")


def is_ours(address: str, own: Iterable[str]) -> bool:
    """Whether an address is one of the brand's, with or without a tag behind a plus sign."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" in own or address in own


def ignored(headers: Headers, sender: Mailbox, *, answers_us: bool, own: frozenset[str]) -> str:
    """Why a mail is knowingly not kept; '' when somebody may have written it. ``answers_us``: it names one of our own mails."""
    submitted = first(headers, "auto-submitted").lower().partition(";")[0].strip()
    if submitted and submitted != "no":
        return f"An automatic mail (Auto-Submitted: {submitted[:40]})."
    precedence = first(headers, "precedence").strip().lower()
    if precedence in ("auto_reply", "auto-reply"):
        return "An automatic answer (Precedence: auto_reply)."
    for name in ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-autoresponder", "x-mail-autoreply"):
        if (value := first(headers, name)) and value.lower() not in ("no", "false", "0"):
            return f"An automatic answer ({name.title()})."
    if _SUBJECT.match(words(first(headers, "subject"), 200)):
        return "An automatic answer, by its subject."
    if first(headers, "return-path").replace(" ", "") == "<>":
        return "A machine's mail: it has no return path."
    if _NOBODY.match(sender.local):
        return "It was sent from an address that takes no answers."
    if not answers_us and not _own_group(headers, own):
        if precedence in ("bulk", "junk", "list"):
            return f"A mail to many (Precedence: {precedence})."
        if found := next((name for name in _LISTS if first(headers, name)), ""):
            return f"A mail to many ({found.title()})."
    return ""


def doubtful(headers: Headers) -> str:
    """Why no automatic answer may be given to a mail that is kept; '' for none."""
    for name in ("x-auto-response-suppress", "x-loop", "list-id", "list-unsubscribe"):
        if first(headers, name):
            return name.title()
    precedence = first(headers, "precedence").strip().lower()
    return f"Precedence: {precedence[:20]}" if precedence in ("bulk", "junk", "list") else ""


def _own_group(headers: Headers, own: frozenset[str]) -> bool:
    """Whether the list is the brand's own group address (as Google Groups make of a team's inbox): customers write to it."""
    posts = [value.replace("mailto:", "") for name in ("list-post", "mailing-list") for value in headers.get(name, ())]
    if any(is_ours(one.address, own) for one in mailboxes(posts)):
        return True
    named = first(headers, "list-id").lower()
    return any(f"<{address.replace('@', '.')}>" in named for address in own)
