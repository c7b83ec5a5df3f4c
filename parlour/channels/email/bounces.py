"""Reports about mails of ours: that one was not delivered, was delivered, was read, or was called spam."""

from __future__ import annotations

import re
from dataclasses import dataclass

from parlour.channels.contract import Kind
from parlour.channels.email.headers import Headers, first, ident, idents, words
from parlour.channels.email.mail import Mail
from parlour.lib.text import one_line

OURS = re.compile(r"parlour(?:-auto)?-([A-Za-z0-9_-]{1,40})@[A-Za-z0-9.-]{1,150}")
"""Message-IDs that Parlour makes; the group is the reference of the answer."""
REFERENCE_HEADER = "x-parlour-reference"
_MACHINE = re.compile(r"(?:mailer-daemon|mail-?daemon|postmaster|mailerdaemon|mail\.?delivery|bounce)", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|error)|failure notice|returned mail|mail delivery (?:failed|system)|"
    r"could not be delivered|not delivered|unzustellbar|nicht zugestellt|non remis|échec de (?:la )?(?:remise|livraison)|"
    r"no se (?:ha )?entreg|mancata consegna|não (?:foi )?entregue|onbestelbaar|недоставлен",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delay|warning: (?:could not send|message)|still being (?:re)?tried|verzögert|not yet been delivered|retard",
    re.IGNORECASE,
)
_TEXT_ID = re.compile(r"^[> \t]*message-id:\s*<([^<>\s]{3,300})>", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_WORST = ("failed", "delayed", "delivered", "relayed", "expanded")


@dataclass(frozen=True, slots=True)
class Report:
    """``kind`` IGNORED where nothing follows from it. ``message_id`` is that of the mail it is about, '' when it does not say."""

    kind: Kind
    words: str
    message_id: str = ""
    reference: str = ""


def report(mail: Mail) -> Report | None:
    """What a mail reports about one of ours; None when it is no report."""
    if mail.report == "feedback-report":
        return Report(Kind.IGNORED, "A provider passes on that a mail was called spam.", *_about(mail))
    if mail.report == "disposition-notification":
        return _read(mail)
    if mail.report == "delivery-status" or any("action" in group for group in mail.told):
        return _delivery(mail)
    if mail.report or _bounced(mail):
        return _unformed(mail)
    return None


def _delivery(mail: Mail) -> Report:
    groups = [group for group in mail.told if "action" in group or "final-recipient" in group]
    actions = {first(group, "action").strip().lower(): group for group in reversed(groups)}
    action = next((one for one in _WORST if one in actions), "")
    if not action:
        return _unformed(mail)
    said = _said(actions[action])
    message_id, reference = _about(mail)
    if action == "failed":
        return _failed(said, message_id, reference)
    if action == "delayed":
        return Report(Kind.IGNORED, f"A mail is delayed and still being tried. {said}".strip(), message_id, reference)
    if action == "delivered" and message_id:
        return Report(Kind.DELIVERED, said, message_id, reference)
    return Report(Kind.IGNORED, f"A mail was {action}.", message_id, reference)


def _read(mail: Mail) -> Report:
    group: Headers = next((group for group in mail.told if "disposition" in group), {})
    disposition = first(group, "disposition").lower()
    message_id, reference = _about(mail)
    message_id = ident(first(group, "original-message-id")) or message_id
    if "displayed" in disposition and message_id:
        return Report(Kind.READ, "", message_id, reference)
    return Report(
        Kind.IGNORED, f"A notice about reading ({one_line(disposition, 60) or 'no details'}).", message_id, reference
    )


def _unformed(mail: Mail) -> Report:
    """A bounce in words of the server's own."""
    subject = words(first(mail.headers, "subject"), 200)
    message_id, reference = _about(mail)
    begin = mail.text[:4000]
    if _DELAYED.search(subject) or ("will be retried" in begin or "not need to resend" in begin):
        return Report(Kind.IGNORED, "A mail is delayed and still being tried.", message_id, reference)
    status = _STATUS.search(begin)
    line = next((line for line in begin.split("\n") if status and status[1] in line), "")
    recipient = first(mail.headers, "x-failed-recipients")
    return _failed(one_line(" ".join(filter(None, (recipient, line or subject))), 250), message_id, reference)


def _failed(said: str, message_id: str, reference: str) -> Report:
    if not message_id and not reference:
        return Report(Kind.IGNORED, f"A bounce that does not name its mail. {said}".strip())
    return Report(Kind.FAILED, f"It could not be delivered. {said}".strip(), message_id, reference)


def _bounced(mail: Mail) -> bool:
    sender = first(mail.headers, "from")
    if first(mail.headers, "x-failed-recipients"):
        return True
    machine = bool(_MACHINE.search(sender)) or first(mail.headers, "return-path").replace(" ", "") == "<>"
    subject = words(first(mail.headers, "subject"), 200)
    return machine and bool(_FAILED.search(subject) or _DELAYED.search(subject))


def _said(group: Headers) -> str:
    """Whom it concerns and what their server said."""
    recipient = first(group, "final-recipient") or first(group, "original-recipient")
    diagnostic = first(group, "diagnostic-code").partition(";")[2].strip() or first(group, "diagnostic-code")
    status = first(group, "status").strip()
    parts = [
        recipient.partition(";")[2].strip() or recipient,
        diagnostic,
        "" if status in diagnostic else f"({status})",
    ]
    return words(" ".join(part for part in parts if part.strip()), 300)


def _about(mail: Mail) -> tuple[str, str]:
    """Message-ID and our reference of the mail that a report is about: from the mail it encloses, from its own headers, from its text."""
    original = mail.original or {}
    reference = one_line(first(original, REFERENCE_HEADER), 40)
    named = ident(first(original, "message-id"))
    if not named:
        named = next((ident(first(group, "x-original-message-id")) for group in mail.told), "")
    if not named:
        named = next(iter(idents(mail.headers.get("in-reply-to", ()))), "")
    if not named:
        named = next(reversed(idents(mail.headers.get("references", ()))), "")
    if not named:
        places = [mail.text, *(file.content[:20_000].decode("utf-8", "replace") for file in mail.files[:3])]
        for place in places:
            if found := _TEXT_ID.search(place) or OURS.search(place):
                named = ident(found[0] if found.re is OURS else found[1])
                break
    if not reference and (found := OURS.fullmatch(named)):
        reference = found[1]
    return named, reference
