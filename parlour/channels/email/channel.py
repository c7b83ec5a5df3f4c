"""E-mail: private conversations with whoever writes to the brand's address. Fetched by IMAP, sent by SMTP."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels.base import Base
from parlour.channels.contract import (
    Capabilities,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Poll,
    Rate,
    Receipt,
    Refused,
    Setting,
    Split,
)
from parlour.channels.email import envelope, parsing, polling, sending
from parlour.channels.email.headers import mailboxes

FILE_LIMIT = 18_000_000
"""Bytes of one file: on the wire a file takes a third more, and providers refuse mails beyond 25 MB."""
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,250}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def _address(value: str) -> str | None:
    found = mailboxes([value])
    return (
        None
        if len(found) == 1 and found[0].address == value.strip().lower()
        else "It is a mail address such as support@example.com."
    )


def _addresses(value: str) -> str | None:
    parts = [part for part in re.split(r"[,;\s]+", value) if part]
    wrong = next((part for part in parts if _address(part)), None)
    return f"'{wrong[:60]}' is no mail address." if wrong else None


def _host(value: str) -> str | None:
    return (
        None
        if _HOST.fullmatch(value.strip())
        else "It is the name of a server such as imap.example.com, without https://."
    )


def _port(value: str) -> str | None:
    fine = not value or (value.isascii() and value.isdecimal() and len(value) < 6 and 0 < int(value) < 65_536)
    return None if fine else "It is a number between 1 and 65535."


def _one_of(*allowed: str) -> Any:
    return lambda value: None if not value or value in allowed else f"It is one of: {', '.join(allowed)}."


def _days(value: str) -> str | None:
    fine = not value or (value.isascii() and value.isdecimal() and len(value) < 4)
    return None if fine else "It is a number of days."


class Email(Base):
    name = "email"
    label = "E-mail"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    settings: tuple[Setting, ...] = (
        Setting(
            "address", "Mail address", "The address customers write to, such as support@example.com.", check=_address
        ),
        Setting(
            "from_name",
            "Sender's name",
            "What customers see as the sender of answers, such as the brand's name.",
            required=False,
        ),
        Setting(
            "imap_host",
            "IMAP server",
            "Where mail is fetched. Your provider's help names it under 'IMAP' or 'mail program settings' (Google: imap.gmail.com).",
            check=_host,
        ),
        Setting(
            "smtp_host",
            "SMTP server",
            "Where mail is sent. Named beside the IMAP server (Google: smtp.gmail.com).",
            check=_host,
        ),
        Setting("username", "User name", "To sign in; the mail address when left empty.", required=False),
        Setting(
            "password",
            "Password",
            "Of the mailbox. Where the account has two-step sign-in, make an 'app password' in its security settings and use that.",
            secret=True,
        ),
        Setting(
            "aliases",
            "Other addresses of yours",
            "Addresses that lead into the same mailbox, or that your team sends from, with commas between them.",
            required=False,
            check=_addresses,
        ),
        Setting(
            "form_senders",
            "Senders of contact forms",
            "If your website's form mails you what visitors wrote: the address it sends from. The visitor is taken from Reply-To.",
            required=False,
            advanced=True,
            check=_addresses,
        ),
        Setting("imap_port", "IMAP port", required=False, default="993", advanced=True, check=_port),
        Setting(
            "imap_security",
            "IMAP security",
            "ssl, starttls, or none (only for a server on this machine).",
            required=False,
            default="ssl",
            advanced=True,
            check=_one_of("ssl", "starttls", "none"),
        ),
        Setting("smtp_port", "SMTP port", required=False, default="587", advanced=True, check=_port),
        Setting(
            "smtp_security",
            "SMTP security",
            "starttls (port 587), ssl (port 465), or none (only for a server on this machine).",
            required=False,
            default="starttls",
            advanced=True,
            check=_one_of("ssl", "starttls", "none"),
        ),
        Setting("smtp_username", "SMTP user name", "Only if it is not that of IMAP.", required=False, advanced=True),
        Setting(
            "smtp_password",
            "SMTP password",
            "Only if it is not that of IMAP.",
            required=False,
            secret=True,
            advanced=True,
        ),
        Setting("folder", "Folder", "The folder that is read.", required=False, default="INBOX", advanced=True),
        Setting(
            "sent_folder",
            "Sent folder",
            "Found by itself when left empty. A single dash: do not look at what is sent with other mail programs.",
            required=False,
            advanced=True,
        ),
        Setting(
            "save_sent",
            "Copies in the Sent folder",
            "yes, no, or auto (yes, unless the provider is known to do it: Google, Microsoft, Zoho).",
            required=False,
            default="auto",
            advanced=True,
            check=_one_of("auto", "yes", "no"),
        ),
        Setting(
            "plus_address",
            "Answers to a tagged address",
            "yes if mail to support+anything@example.com reaches this mailbox: answers find their conversation even when a relay changes ids.",
            required=False,
            default="no",
            advanced=True,
            check=_one_of("yes", "no"),
        ),
        Setting(
            "history_days",
            "Days to look back",
            "How many days of older mail come in when the inbox is connected.",
            required=False,
            default="3",
            advanced=True,
            check=_days,
        ),
    )
    capabilities = Capabilities(
        private=Limit(sending.LIMIT),
        webhook=False,
        poll_seconds=60,
        waits=True,
        media_private={"image": FILE_LIMIT, "video": FILE_LIMIT, "audio": FILE_LIMIT, "file": FILE_LIMIT},
        media_count=10,
        rate=Rate(30, 60.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return parsing.REALM

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return envelope.split(payload)
        except envelope.EnvelopeError as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return parsing.inbounds(body, inbox, received_at)

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def wait(self, inbox: InboxConfig, seconds: float) -> bool:
        return polling.wait(inbox, seconds)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = Email()
