"""A mail as an event: a customer's words, the brand's own written elsewhere, a report about a mail of ours, or nothing to keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from parlour.channels.contract import Attachment, Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.email import automatic, quoting
from parlour.channels.email.bounces import OURS, REFERENCE_HEADER, report
from parlour.channels.email.envelope import INBOX, Envelope, key, name, unpack
from parlour.channels.email.headers import Headers, Mailbox, digest, first, idents, mailboxes, words
from parlour.channels.email.mail import Mail, read
from parlour.lib import clock, html_text
from parlour.lib.text import one_line, storable

REALM = "email"
LONGEST_META = 20_000
MOST_RECIPIENTS = 20
"""A mail of ours to more people than that is no answer to anybody."""
_AGAIN = re.compile(
    r"\s*(?:re|aw|antw(?:ort)?|sv|vs|ref|rif|r|odp|ynt|res|回复|答复|返信|رد|fwd?|wg|tr|rv|i|enc|doorst|vl|pd)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*",
    re.IGNORECASE,
)
_ASIDE = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
_DMARC = re.compile(r"\s*dmarc\s*=\s*([a-z]+)", re.IGNORECASE)
_CHECKED = re.compile(r"\bheader\.from\s*=\s*(?:[^\s;@]{1,190}@)?([^\s;@]{1,190})", re.IGNORECASE)
_TAG = re.compile(r"\+(p[0-9a-f]{32})@")


@dataclass(frozen=True, slots=True)
class Brand:
    """The brand's own addresses, and those of its contact forms."""

    address: str
    own: frozenset[str]
    forms: frozenset[str]


def brand(settings: Mapping[str, Any]) -> Brand:
    address = str(settings.get("address") or "").strip().lower()
    aliases = [one.address for one in mailboxes([str(settings.get("aliases") or "")])]
    forms = [one.address for one in mailboxes([str(settings.get("form_senders") or "")])]
    return Brand(address, frozenset({address, *aliases}), frozenset(forms))


def inbounds(body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """Raises ValueError when ``body`` is no envelope."""
    envelope = unpack(orjson.loads(body))
    mail = read(envelope.raw)
    mine = brand(inbox.settings)
    server = str(inbox.settings.get("authserv_id") or "").strip()
    return [_Reading(envelope, mail, mine, server, received_at).event()]


class _Reading:
    def __init__(self, envelope: Envelope, mail: Mail, mine: Brand, server: str, received_at: datetime) -> None:
        self.envelope = envelope
        self.mail = mail
        self.mine = mine
        self.server = server
        self.headers = mail.headers
        self.key = key(envelope, mail.headers)
        self.id = name(envelope, mail.headers)
        self.at = _time(envelope, mail.headers, received_at)
        self.subject = words(first(mail.headers, "subject"), 200)

    def event(self) -> Inbound:
        if self.envelope.folder != INBOX:
            return self._sent()
        told = report(self.mail)
        if told is not None:
            if told.kind is Kind.IGNORED:
                return self._ignored(told.words)
            about = told.message_id or f"parlour-{told.reference}"
            return Inbound(
                told.kind, self.key, self.at, about, our_reference=told.reference, reason=one_line(told.words, 300)
            )
        return self._received()

    def _ignored(self, reason: str) -> Inbound:
        return Inbound(Kind.IGNORED, self.key, self.at, self.id, reason=one_line(reason, 300))

    # What customers write

    def _received(self) -> Inbound:
        senders = mailboxes(
            value for name in ("from", "sender", "reply-to", "return-path") for value in self.headers.get(name, ())[:3]
        )
        if not senders:
            return self._ignored("It names no sender that could be answered.")
        sender = senders[0]
        if any(
            automatic.is_ours(one.address, self.mine.own)
            for one in mailboxes(self.headers.get(automatic.LOOP_HEADER, ()))
        ):
            return self._ignored("It is our own mail that came back.")
        answer_to = self._answer_to(sender)
        verdict = authenticated(self.headers, self.server) if self.server else "none"
        # Anybody can write any From: only with its sender proven does a mail say whom it speaks for, or send our answers elsewhere.
        proven = verdict == "pass"
        from_form = sender.address in self.mine.forms
        if from_form or automatic.is_ours(sender.address, self.mine.own):
            if OURS.search(first(self.headers, "message-id")) or answer_to is None:
                return self._ignored("It was sent from an address of the brand's own.")
            if not from_form and not proven:
                return self._ignored(
                    "It claims to be from an address of the brand's own, which is not proven. If it is that of a contact form or a "
                    "group, name it in the inbox's settings."
                )
            sender, from_form = answer_to, True
        answers = self._answers()
        if not from_form:
            answers_us = any(OURS.fullmatch(one) for one in answers)
            if reason := automatic.ignored(self.headers, sender, answers_us=answers_us, own=self.mine.own):
                return self._ignored(reason)
        address = sender.address
        elsewhere = answer_to.address if answer_to is not None and answer_to.address != address else ""
        if elsewhere and proven and len(f"{elsewhere} {address}") <= 200:
            address = f"{elsewhere} {address}"
            elsewhere = ""
        author = Author(
            REALM,
            sender.address,
            name=sender.name,
            handle=one_line(sender.address, 80),
            email=sender.address,
            language=_language(self.headers),
        )
        text, meta = self._words()
        if from_form:
            meta["form"] = True
        if doubt := automatic.doubtful(self.headers):
            meta["automatic"] = doubt
        if elsewhere:
            meta["reply_to"] = elsewhere
        if self.server:
            meta["authentication"] = verdict
        if verdict == "fail":
            meta["unproven"] = True
        return Inbound(
            Kind.MESSAGE,
            self.key,
            self.at,
            self.id,
            author,
            self._thread(sender.address, answers, address),
            text,
            reply_to=answers[0] if answers else "",
            follows=tuple(answers[:20]),
            attachments=self._files(),
            meta=meta,
        )

    def _answer_to(self, sender: Mailbox) -> Mailbox | None:
        """Where an answer is wanted, when that is another address: groups and contact forms put the customer there."""
        values = [
            value
            for name in ("x-original-from", "reply-to", "x-original-sender")
            for value in self.headers.get(name, ())[:3]
        ]
        others = [one for one in mailboxes(values) if not automatic.is_ours(one.address, self.mine.own)]
        return next(
            (one for one in others if one.address != sender.address and one.address not in self.mine.forms), None
        )

    # What the brand writes

    def _sent(self) -> Inbound:
        reference = one_line(first(self.headers, REFERENCE_HEADER), 40)
        if not reference and (found := OURS.fullmatch(self.id)):
            reference = found[1]
        values = [value for name in ("to", "cc", "bcc") for value in self.headers.get(name, ())[:3]]
        others = [one for one in mailboxes(values) if not automatic.is_ours(one.address, self.mine.own)]
        if not reference:
            if not others:
                return self._ignored("It was sent to nobody but the brand.")
            if len(others) > MOST_RECIPIENTS or first(self.headers, "list-unsubscribe"):
                return self._ignored("It was sent to many at once.")
            if first(self.headers, "auto-submitted").lower().partition(";")[0].strip() not in ("", "no"):
                return self._ignored("The mailbox has sent an automatic answer of its own.")
        customer = others[0] if others else None
        answers = self._answers()
        thread = self._thread(customer.address, answers, customer.address) if customer else None
        text, meta = self._words()
        return Inbound(
            Kind.ECHO,
            self.key,
            self.at,
            self.id,
            Author(REALM, self.mine.address) if self.mine.address else None,
            thread,
            text,
            reply_to=answers[0] if answers else "",
            follows=tuple(answers[:20]),
            attachments=() if reference else self._files(),
            counterpart=Author(
                REALM,
                customer.address,
                name=customer.name,
                handle=one_line(customer.address, 80),
                email=customer.address,
            )
            if customer
            else None,
            our_reference=reference,
            meta=meta,
        )

    # Threads

    def _answers(self) -> list[str]:
        """The mails it may answer, nearest first: the tag of an address of ours, In-Reply-To, then References backwards."""
        tagged: list[str] = []
        if self.envelope.folder == INBOX:
            names = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
            for one in mailboxes(value for name in names for value in self.headers.get(name, ())[:5]):
                found = _TAG.search(one.address)
                if found and automatic.is_ours(one.address, self.mine.own):
                    tagged.append(f"parlour-{found[1]}@{one.address.rpartition('@')[2]}")
        replied = idents(self.headers.get("in-reply-to", ()))
        chain = idents(self.headers.get("references", ()))
        return [one for one in dict.fromkeys([*tagged, *replied, *reversed(chain)]) if one != self.id]

    def _thread(self, address: str, answers: list[str], to: str) -> ThreadKey:
        """One conversation with one customer: the id it began with, and whom it is with. Where a mail program has dropped the
        ids, an answer belongs to the others of the same sender with the same subject."""
        chain = [one for one in idents(self.headers.get("references", ())) if one != self.id]
        bare = bare_subject(self.subject)
        begin = (chain or answers or [self.id])[0]
        if not chain and not answers and bare != self.subject and len(bare) >= 6:
            begin = f"subject:{digest(bare.casefold(), 24)}"
        return ThreadKey(f"{begin} {digest(address)}", "private", to[:200], bare)

    # Words and files

    def _words(self) -> tuple[str, dict[str, Any]]:
        parts = quoting.apart(self.mail.text)
        meta: dict[str, Any] = {"subject": self.subject} if self.subject else {}
        for role in ("to", "cc"):
            if found := mailboxes(self.headers.get(role, ())[:3], 20):
                meta[role] = [one.address for one in found]
        for label, value in (("quoted", parts.quoted), ("signature", parts.signature)):
            if value:
                meta[label] = storable(value, LONGEST_META)
        if self.mail.html and len(self.mail.html) <= 4 * LONGEST_META:
            shown = html_text.safe(self.mail.html).strip()
            if shown and len(shown) <= LONGEST_META:
                meta["html"] = storable(shown)
        if self.envelope.cut:
            meta["cut"] = self.envelope.size
        if self.mail.broken:
            meta["broken"] = True
        text = parts.new or ("" if self.mail.files else self.subject)
        return storable(text), meta

    def _files(self) -> tuple[Attachment, ...]:
        files = self.mail.files
        # The last file of a mail that was too large to be fetched whole is only its beginning.
        last = len(files) - 1 if self.envelope.cut else -1
        return tuple(
            Attachment(
                one.kind,
                name=one.name,
                mime=one.mime,
                size=None if place == last else len(one.content),
                content=b"" if place == last else one.content,
            )
            for place, one in enumerate(files)
        )


def authenticated(headers: Headers, server: str) -> str:
    """What the brand's own server found out about the sender (DMARC): ``pass``, ``fail`` or ``none``. Only the topmost header counts, and
    only with the server's name: anything below may have come with the mail. ``pass`` is for the one address in From."""
    results = first(headers, "authentication-results")
    for _ in range(10):
        # What a server quotes of the mail (its sender, a comment) is no result, whatever it says. Comments nest.
        results = _ASIDE.sub(" ", results)
    if "(" in results or '"' in results:
        return "none"
    named, *each = results.split(";")
    if named.split()[:1] != [server]:
        return "none"
    found = [(match[1].lower(), _CHECKED.search(one)) for one in each if (match := _DMARC.match(one))]
    if any(result == "fail" for result, _ in found):
        return "fail"
    senders = mailboxes(headers.get("from", ()))
    if not found or len(headers.get("from", ())) != 1 or len(senders) != 1:
        return "none"
    domain = senders[0].address.rpartition("@")[2].rstrip(".")
    for result, checked in found:
        told = checked[1].lower().rstrip(".") if checked else domain
        if result != "pass" or not (domain == told or domain.endswith(f".{told}")):
            return "none"
    return "pass"


def bare_subject(subject: str) -> str:
    """A subject without what mail programs put before it."""
    for _ in range(10):
        shorter = _AGAIN.sub("", subject, count=1) if _AGAIN.match(subject) else subject
        if shorter == subject:
            break
        subject = shorter
    return subject.strip()


def _time(envelope: Envelope, headers: Headers, received_at: datetime) -> datetime:
    """When the mailbox took it, which is its own clock and not the sender's. Mailboxes count whole seconds: the end of that second is
    meant, so that an answer to a mail is never older than the mail."""
    if envelope.at is not None and 0 < envelope.at < 2**40:
        told = clock.platform_time(envelope.at, received_at)
        return min(told + timedelta(milliseconds=999), max(received_at, told))
    try:
        date = parsedate_to_datetime(first(headers, "date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return received_at
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    try:
        return clock.plausible(date.astimezone(UTC), received_at)
    except (ValueError, OverflowError):
        return received_at


def _language(headers: Headers) -> str:
    """What their mail program says they read."""
    for told in ("content-language", "accept-language"):
        said = first(headers, told).partition(",")[0].partition("-")[0].strip().lower()
        if len(said) == 2 and said.isascii() and said.isalpha():
            return said
    return ""
