"""E-mail: private conversations with whoever writes to the brand's address. Fetched by IMAP, sent by SMTP."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels.base import Base
from parlour.channels.checks import web_address
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
from parlour.channels.email import access, envelope, parsing, polling, sending
from parlour.channels.email.headers import mailboxes

FILE_LIMIT = 18_000_000
"""Bytes of one file: on the wire a file takes a third more, and providers refuse mails beyond 25 MB."""
WAYS = (("ssl", "TLS from the start"), ("starttls", "STARTTLS"), ("none", "None (only to this machine)"))
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
        if not value or _HOST.fullmatch(value.strip())
        else "It is the name of a server such as imap.example.com, without https://."
    )


def _port(value: str) -> str | None:
    fine = not value or (value.isascii() and value.isdecimal() and len(value) < 6 and 0 < int(value) < 65_536)
    return None if fine else "It is a number between 1 and 65535."


def _days(value: str) -> str | None:
    fine = not value or (value.isascii() and value.isdecimal() and len(value) < 4)
    return None if fine else "It is a number of days."


class Email(Base):
    name = "email"
    label = "E-mail"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("address", "imap_host", "imap_port", "folder")
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
            "sign_in",
            "Signing in",
            "Microsoft 365 takes no passwords; Google takes a password of its own making (an 'app password'), or lets you sign in.",
            required=False,
            default="password",
            options=(("password", "With a password"), ("microsoft", "At Microsoft"), ("google", "At Google")),
        ),
        Setting(
            "password",
            "Password",
            "Of the mailbox. Where the account has two-step sign-in, make an 'app password' in its security settings and use that.",
            when=("sign_in", "password"),
            secret=True,
        ),
        Setting(
            "client_id",
            "Application id",
            "Microsoft: Entra admin center, App registrations, your app. Google: Cloud console, APIs and services, Credentials, a client of "
            "the type “Web application”. Save, then sign in on the inbox's page.",
            when=("sign_in", "microsoft", "google"),
        ),
        Setting(
            "client_secret",
            "Client secret",
            "Of the application (Microsoft: Certificates and secrets).",
            when=("sign_in", "microsoft", "google"),
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
            "Senders of contact forms and groups",
            "If your website's form mails you what visitors wrote: the address it sends from. The visitor is taken from Reply-To. A "
            "group of your own that puts its address in place of the sender's belongs here, too.",
            required=False,
            advanced=True,
            check=_addresses,
        ),
        Setting("imap_port", "IMAP port", required=False, default="993", advanced=True, check=_port),
        Setting(
            "imap_security",
            "IMAP security",
            "How the line is protected.",
            required=False,
            default="ssl",
            advanced=True,
            options=WAYS,
        ),
        Setting("smtp_port", "SMTP port", required=False, default="587", advanced=True, check=_port),
        Setting(
            "smtp_security",
            "SMTP security",
            "How the line is protected; mostly TLS from the start goes with port 465.",
            required=False,
            default="starttls",
            advanced=True,
            options=WAYS,
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
            "Whether Parlour puts what it sends there. Google, Microsoft and Zoho are known to do it by themselves.",
            required=False,
            default="auto",
            advanced=True,
            options=(("auto", "Unless the provider is known to do it"), ("yes", "Yes"), ("no", "No")),
        ),
        Setting(
            "plus_address",
            "Answers to a tagged address",
            "Whether mail to support+anything@example.com reaches this mailbox: answers find their conversation even if a relay changes ids.",
            required=False,
            default="no",
            advanced=True,
            options=(("no", "No"), ("yes", "Yes")),
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
        Setting(
            "authserv_id",
            "Name of your mail server in Authentication-Results",
            "If your server checks who really sent every mail, it says so in a header that begins with this name; mails then carry the "
            "result, and answers follow the Reply-To of senders it has proven.",
            required=False,
            advanced=True,
            check=_host,
        ),
        Setting(
            "access_token",
            "Access token",
            "Filled in by signing in.",
            required=False,
            secret=True,
            advanced=True,
            when=("sign_in", "microsoft", "google"),
        ),
        Setting(
            "refresh_token",
            "Refresh token",
            "Filled in by signing in.",
            required=False,
            secret=True,
            advanced=True,
            when=("sign_in", "microsoft", "google"),
        ),
        Setting(
            "login_base",
            "Microsoft's address for signing in",
            "Of one tenant only: put its id in place of “common”.",
            required=False,
            default=access.LOGIN,
            advanced=True,
            when=("sign_in", "microsoft"),
            check=web_address(access.LOGIN),
        ),
        Setting(
            "google_login",
            "Google's address for signing in",
            required=False,
            default=access.GOOGLE_LOGIN,
            advanced=True,
            when=("sign_in", "google"),
            check=web_address(access.GOOGLE_LOGIN, whole=True),
        ),
        Setting(
            "google_tokens",
            "Google's address for tokens",
            required=False,
            default=access.GOOGLE_TOKENS,
            advanced=True,
            when=("sign_in", "google"),
            check=web_address(access.GOOGLE_TOKENS, whole=True),
        ),
    )
    oauth = access.OAUTH
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

    def renew(self, inbox: InboxConfig) -> Mapping[str, str]:
        return access.renew(inbox)

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = Email()
