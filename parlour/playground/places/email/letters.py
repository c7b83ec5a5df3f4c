"""Mails as customers' programs, other people's servers and absent colleagues write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import format_datetime, formataddr


def subject_and_body(text: str) -> tuple[str, str]:
    """A short first line with an empty one below it is the subject; else the first words are."""
    begin, _, rest = text.partition("\n\n")
    if rest and len(begin) <= 70 and "\n" not in begin:
        return begin, rest
    words = re.split(r"(?<=[.!?。！？])\s|\n", text.strip(), maxsplit=1)[0]
    return (words if len(words) <= 60 else words[:57].rstrip() + "..."), text


def slug(name: str) -> str:
    """A name as the begin of an address; '' when it has no Latin letters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", ".", plain).strip(".")


def letter(
    sender: tuple[str, str],
    to: str,
    subject: str,
    text: str,
    message_id: str,
    at: datetime,
    *,
    answers: str = "",
    chain: tuple[str, ...] = (),
    quoted: str = "",
    headers: dict[str, str] | None = None,
    files: tuple[tuple[str, str, bytes], ...] = (),
) -> bytes:
    """``answers`` and ``chain`` are Message-IDs without brackets; ``files`` name, type and content."""
    mail = EmailMessage(policy=policy.SMTP.clone(max_line_length=998))
    mail["From"] = formataddr(sender) if sender[0].isascii() else formataddr(sender, "utf-8")
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}>"
    if answers:
        mail["In-Reply-To"] = f"<{answers}>"
        mail["References"] = " ".join(f"<{one}>" for one in (*chain, answers))
    for name, value in (headers or {}).items():
        mail[name] = value
    if quoted:
        lines = "\n".join(f"> {line}" for line in quoted.split("\n"))
        text = f"{text}\n\nOn {at:%a, %d %b %Y at %H:%M}, {to} wrote:\n\n{lines}\n"
    mail.set_content(text)
    for name, mime, content in files:
        main, _, sub = mime.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def bounce(
    original: bytes, recipient: str, to: str, message_id: str, at: datetime, *, action: str, status: str, words: str
) -> bytes:
    """A delivery status notification (RFC 3464) about ``original``."""
    subject = "Undelivered Mail Returned to Sender" if action == "failed" else "Delayed Mail (still being retried)"
    lines = [
        "Return-Path: <>",
        "From: Mail Delivery System <MAILER-DAEMON@mx.mail.example>",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{message_id}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="report"',
        "",
        "--report",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "--report",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.mail.example",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; {words}",
        "--report",
        "Content-Type: text/rfc822-headers",
        "",
        original.partition(b"\r\n\r\n")[0].decode("utf-8", "replace"),
        "--report--",
        "",
    ]
    return "\r\n".join(lines).encode()


def text_of(mail: Message) -> str:
    """The plain text of a mail, as its reader would see it."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain" and not part.get_filename():
            payload = part.get_payload(decode=True)
            said = (
                payload.decode(part.get_content_charset() or "utf-8", "replace") if isinstance(payload, bytes) else ""
            )
            return said.replace("\r\n", "\n").strip("\n")
    return ""


def attached(mail: EmailMessage) -> list[tuple[str, str, bytes]]:
    """Name, type and content of the files of a mail."""
    found = []
    for part in mail.iter_attachments():
        content = part.get_payload(decode=True)
        if (name := part.get_filename()) and isinstance(content, bytes):
            found.append((name, part.get_content_type(), content))
    return found


def opened(raw: bytes) -> EmailMessage:
    """A mail with its headers decoded."""
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found
