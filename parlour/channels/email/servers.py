"""Connections to the mail servers of an inbox, and what their refusals mean."""

from __future__ import annotations

import imaplib
import ipaddress
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from imap_tools import (
    BaseMailBox,
    MailBox,
    MailboxLoginError,
    MailBoxStartTls,
    MailBoxUnencrypted,
    UnexpectedCommandStatusError,
)

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.email.access import bearer, signs_in
from parlour.lib.text import one_line

TIMEOUT = 20.0
WAYS = ("ssl", "starttls", "none")
_CROWDED = re.compile(r"\b(?:rate|too many|too much|limit(?:ed|s)?|quota|throttl\w*|slow down)\b")
_LATER = (
    "unavailable",
    "try again",
    "temporar",
    "too many",
    "limit",
    "overquota",
    "inuse",
    "in use",
    "busy",
    "throttl",
)


def is_local(host: str) -> bool:
    """Whether a host is this machine: words sent there cross no network."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def setting(inbox: InboxConfig, name: str, default: str = "") -> str:
    return str(inbox.settings.get(name) or default).strip()


def _way(inbox: InboxConfig, name: str, default: str, host: str) -> str:
    way = setting(inbox, name, default).lower()
    if way not in WAYS:
        raise ChannelError(ErrorKind.INVALID, f"The security '{way}' is none of {', '.join(WAYS)}.")
    if way == "none" and not is_local(host):
        raise ChannelError(
            ErrorKind.INVALID, f"{host} must be talked to with TLS: passwords and mails would be readable on the way."
        )
    return way


def _port(inbox: InboxConfig, name: str, default: str) -> int:
    told = setting(inbox, name, default)
    if not (told.isascii() and told.isdecimal() and 0 < int(told[:9]) < 65_536):
        raise ChannelError(ErrorKind.INVALID, f"'{one_line(told, 20)}' is no port.")
    return int(told)


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


# Fetching


def open_imap(inbox: InboxConfig) -> BaseMailBox:
    """Connect and sign in, no folder selected. Raises ChannelError."""
    host = setting(inbox, "imap_host")
    way, port = _way(inbox, "imap_security", "ssl", host), _port(inbox, "imap_port", "993")
    user, password = setting(inbox, "username") or setting(inbox, "address"), str(inbox.settings.get("password") or "")
    access_token = str(inbox.settings.get("access_token") or "")
    _needs(inbox, password or access_token)
    box: BaseMailBox | None = None
    try:
        if way == "ssl":
            box = MailBox(host, port, timeout=TIMEOUT, ssl_context=_tls())
        elif way == "starttls":
            box = MailBoxStartTls(host, port, timeout=TIMEOUT, ssl_context=_tls())
        else:
            box = MailBoxUnencrypted(host, port, timeout=TIMEOUT)
        if access_token:
            _authenticate(box, "XOAUTH2", bearer(user, access_token))
        elif user.isascii() and password.isascii():
            box.login(user, password, initial_folder=None)
        else:
            _authenticate(box, "PLAIN", f"\0{user}\0{password}")
    except Exception as error:
        if box is not None:
            close_imap(box)
        raise imap_refusal(error, inbox) from error
    return box


def _needs(inbox: InboxConfig, secret: str) -> None:
    if not secret:
        words = "Nobody has signed in yet." if signs_in(inbox.settings) else "The password is missing."
        raise ChannelError(ErrorKind.AUTH_EXPIRED, words)


def _authenticate(box: BaseMailBox, mechanism: str, told: str) -> None:
    """Sign in with a mechanism of SASL; what the server asks after a refusal is answered with nothing."""
    answers = iter([told.encode()])
    try:
        box.client.authenticate(mechanism, lambda _: next(answers, b""))
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise MailboxLoginError(("NO", [str(error).encode()]), "OK") from error


def idles(box: BaseMailBox) -> bool:
    """Whether the server tells of new mail (IDLE). Many say what they can only to those who have signed in."""
    status, data = box.client.capability()
    said = data[0] if status == "OK" and data else b""
    return isinstance(said, bytes) and b"IDLE" in said.upper().split()


def close_imap(box: BaseMailBox) -> None:
    with suppress(Exception):
        box.logout()
    with suppress(Exception):
        box.client.shutdown()


@contextmanager
def imap(inbox: InboxConfig) -> Iterator[BaseMailBox]:
    """A connection that is signed in, for the length of a ``with`` block. Whatever goes wrong inside is raised as ChannelError."""
    box = open_imap(inbox)
    try:
        yield box
    except ChannelError:
        raise
    except (imaplib.IMAP4.error, UnexpectedCommandStatusError, OSError, EOFError) as error:
        raise imap_refusal(error, inbox) from error
    finally:
        close_imap(box)


def imap_refusal(error: Exception, inbox: InboxConfig) -> ChannelError:
    """What a failure of the IMAP server means, with its own words."""
    if isinstance(error, ChannelError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return ChannelError(
            ErrorKind.INVALID, f"The IMAP server's certificate is not valid: {_said(error.verify_message, inbox)}"
        )
    if isinstance(error, UnexpectedCommandStatusError):
        said = _said(_status_words(error), inbox)
        patient = any(sign in said.lower() for sign in _LATER)
        if isinstance(error, MailboxLoginError) and not patient:
            return ChannelError(ErrorKind.AUTH_EXPIRED, f"The IMAP server refuses {_shown(inbox)}: {said}")
        return ChannelError(ErrorKind.TRANSIENT, f"The IMAP server says: {said}")
    if isinstance(error, imaplib.IMAP4.error):
        return ChannelError(ErrorKind.TRANSIENT, f"The IMAP server could not be understood: {_said(str(error), inbox)}")
    return ChannelError(ErrorKind.TRANSIENT, f"The IMAP server could not be reached ({type(error).__name__}).")


def _shown(inbox: InboxConfig) -> str:
    return "the sign-in" if signs_in(inbox.settings) else "the user name or password"


def _status_words(error: UnexpectedCommandStatusError) -> str:
    status, data = error.command_result
    parts = data if isinstance(data, list | tuple) else [data]
    said = " ".join(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in parts if one)
    return f"{status} {said}"


def _said(words: str, inbox: InboxConfig) -> str:
    return one_line(unsecret(words, inbox.settings), 300)


def unsecret(words: str, settings: Mapping[str, Any]) -> str:
    """``words`` without any password: a server may repeat what it was told."""
    for name in ("password", "smtp_password", "access_token", "refresh_token", "client_secret"):
        if len(secret := str(settings.get(name) or "")) >= 4:
            words = words.replace(secret, "…")
    return words


# Sending


def open_smtp(inbox: InboxConfig) -> smtplib.SMTP:
    """Connect and sign in. Raises ChannelError; nothing was sent then."""
    host = setting(inbox, "smtp_host")
    way, port = _way(inbox, "smtp_security", "starttls", host), _port(inbox, "smtp_port", "587")
    domain = setting(inbox, "address").rpartition("@")[2] or "localhost"
    user = setting(inbox, "smtp_username") or setting(inbox, "username") or setting(inbox, "address")
    password = str(inbox.settings.get("smtp_password") or inbox.settings.get("password") or "")
    access_token = str(inbox.settings.get("access_token") or "")
    smtp: smtplib.SMTP | None = None
    try:
        name = domain.encode("idna").decode()
        if way == "ssl":
            smtp = smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=TIMEOUT, context=_tls())
        else:
            smtp = smtplib.SMTP(host, port, local_hostname=name, timeout=TIMEOUT)
        smtp.ehlo_or_helo_if_needed()
        if way == "starttls":
            smtp.starttls(context=_tls())
            smtp.ehlo_or_helo_if_needed()
        # A relay of one's own network may know its clients by their addresses and offer no signing in.
        if smtp.has_extn("auth"):
            _needs(inbox, password or access_token)
            if access_token and not inbox.settings.get("smtp_password"):
                answers = iter([bearer(user, access_token)])
                smtp.auth("XOAUTH2", lambda _=None: next(answers, ""))
            else:
                smtp.login(user, password)
    except Exception as error:
        if smtp is not None:
            smtp.close()
        raise smtp_refusal(error, inbox) from error
    return smtp


def smtp_refusal(error: Exception, inbox: InboxConfig) -> ChannelError:
    """What a failure of the SMTP server means as long as no mail was handed over."""
    if isinstance(error, ChannelError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return ChannelError(
            ErrorKind.INVALID, f"The SMTP server's certificate is not valid: {_said(error.verify_message, inbox)}"
        )
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        said = _said(_text(error.smtp_error), inbox)
        return ChannelError(
            ErrorKind.AUTH_EXPIRED,
            f"The SMTP server refuses {_shown(inbox)}: {error.smtp_code} {said}",
            code=str(error.smtp_code),
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return answered(error.smtp_code, error.smtp_error, inbox)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ChannelError(ErrorKind.INVALID, f"The SMTP server cannot do what is set: {_said(str(error), inbox)}")
    if isinstance(error, UnicodeError):
        return ChannelError(ErrorKind.INVALID, "An address or password holds characters that mail servers do not take.")
    return ChannelError(ErrorKind.TRANSIENT, f"The SMTP server could not be reached ({type(error).__name__}).")


def answered(code: int, said: bytes | str, inbox: InboxConfig, *, recipient: bool = False) -> ChannelError:
    """What an SMTP reply other than 2xx means. ``recipient``: it was given to RCPT."""
    words = _said(_text(said), inbox)
    told = f"The SMTP server says: {code} {words}"
    low, enhanced = words.lower(), next((word for word in words.split()[:1] if word[:2] in ("4.", "5.")), "")
    if code < 500:
        crowded = _CROWDED.search(low) is not None
        kind = ErrorKind.RATE_LIMITED if crowded else ErrorKind.TRANSIENT
        return ChannelError(kind, told, retry_after=60.0 if crowded else None, code=str(code))
    kind = ErrorKind.INVALID
    if code in (530, 534, 535, 538) or enhanced == "5.7.8":
        kind = ErrorKind.AUTH_EXPIRED
    elif code == 552 and ("size" in low or "large" in low or enhanced == "5.3.4"):
        kind = ErrorKind.TOO_LONG
    elif enhanced.startswith("5.7.") or code == 554:
        kind = ErrorKind.POLICY_BLOCK
    elif recipient or (enhanced[:4] in ("5.1.", "5.2.", "5.4.") and enhanced not in ("5.1.7", "5.1.8")):
        kind = ErrorKind.RECIPIENT_UNAVAILABLE
    elif enhanced in ("5.1.7", "5.1.8") or code == 553:
        kind = ErrorKind.PERMISSION
    return ChannelError(kind, told, code=str(code))


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
