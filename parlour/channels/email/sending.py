"""Sending by SMTP, with a copy for the Sent folder where the server keeps none."""

from __future__ import annotations

import logging
import smtplib
import time
from collections import deque
from threading import Lock

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Outbound, Receipt
from parlour.channels.email import polling, servers
from parlour.channels.email.composing import Composed, compose
from parlour.channels.email.servers import setting
from parlour.lib import clock
from parlour.lib.faults import where

log = logging.getLogger(__name__)

LIMIT = 50_000
MOST_BYTES = 25_000_000
"""What providers commonly take, in the form a mail has on the wire."""
PIECE = 65_536
LAST_WORD = 45.0
"""Seconds a server may think about a mail before it takes it."""
PATIENCE = 40.0
"""Where sending took longer than that, no copy is saved: the line is slow, and whoever waits for the outcome would give up."""
AUTOMATIC_PER_THREAD = 3
AUTOMATIC_PER_HOUR = 5
"""Automatic answers one address gets: two machines that do not know each other as such stop here."""
_KEEP_COPIES = ("gmail.com", "googlemail.com", "office365.com", "outlook.com", "zoho.com", "zoho.eu")
"""Hosts that put what is sent through them into the Sent folder by themselves."""

_told: dict[tuple[int, str], deque[float]] = {}
_lock = Lock()


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Raises ChannelError: UNKNOWN_OUTCOME only when the line broke after the mail was begun to be handed over."""
    if len(outbound.text) > LIMIT:
        raise ChannelError(ErrorKind.TOO_LONG, f"The mail has {len(outbound.text):,} of at most {LIMIT:,} characters.")
    if not outbound.text.strip() and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "An empty mail is not sent.")
    mail = compose(inbox, outbound)
    if len(mail.content) > MOST_BYTES:
        raise ChannelError(
            ErrorKind.TOO_LONG, f"With its files the mail has {len(mail.content) / 1e6:.0f} of at most 25 MB."
        )
    if not outbound.human:
        _spare(inbox, outbound, mail.recipient)
    began = time.monotonic()
    _deliver(inbox, mail)
    if time.monotonic() - began < PATIENCE:
        _save(inbox, mail)
    return Receipt(mail.message_id)


def _spare(inbox: InboxConfig, outbound: Outbound, recipient: str) -> None:
    """Refuse an automatic answer that would keep a loop of machines going."""
    given = sum(one.startswith("parlour-auto-") for one in outbound.references)
    now = clock.now().timestamp()
    with _lock:
        if len(_told) > 10_000:
            _told.clear()
        times = _told.setdefault((inbox.id, recipient), deque(maxlen=AUTOMATIC_PER_HOUR))
        often = len(times) == AUTOMATIC_PER_HOUR and now - times[0] < 3600
        if given < AUTOMATIC_PER_THREAD and not often:
            times.append(now)
            return
    raise ChannelError(
        ErrorKind.POLICY_BLOCK,
        "Not sent: this address has had enough automatic answers, and may be a machine that answers them.",
    )


def _deliver(inbox: InboxConfig, mail: Composed) -> None:
    smtp = servers.open_smtp(inbox)
    try:
        try:
            _address(smtp, inbox, mail)
            code, said = smtp.docmd("DATA")
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise servers.smtp_refusal(error, inbox) from error
        if code != 354:
            raise servers.answered(code, said, inbox)
        try:
            content = mail.content if mail.content.endswith(b"\r\n") else mail.content + b"\r\n"
            _hand_over(smtp, b"".join(_dotted(content)) + b".\r\n")
            code, said = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            words = f"The SMTP server did not say whether it took the mail ({type(error).__name__})."
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, words) from error
        if not 200 <= code < 300:
            raise servers.answered(code, said, inbox)
        try:
            smtp.quit()
        except (smtplib.SMTPException, OSError):
            return
    finally:
        smtp.close()


def _address(smtp: smtplib.SMTP, inbox: InboxConfig, mail: Composed) -> None:
    options = [f"size={len(mail.content)}"] if smtp.has_extn("size") else []
    if not (mail.sender + mail.recipient).isascii():
        if not smtp.has_extn("smtputf8"):
            raise ChannelError(ErrorKind.INVALID, "The SMTP server takes no addresses with letters beyond ASCII.")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
        smtp.command_encoding = "utf-8"
    code, said = smtp.mail(mail.sender, options)
    if code != 250:
        raise servers.answered(code, said, inbox)
    code, said = smtp.rcpt(mail.recipient)
    if code not in (250, 251):
        raise servers.answered(code, said, inbox, recipient=True)


def _hand_over(smtp: smtplib.SMTP, content: bytes) -> None:
    """Piece by piece, so that a slow line has the time limit for each of them; servers may look at the whole for a while, then."""
    for begin in range(0, len(content), PIECE):
        smtp.send(content[begin : begin + PIECE])
    if smtp.sock is not None:
        smtp.sock.settimeout(LAST_WORD)


def _dotted(content: bytes) -> list[bytes]:
    """Lines that begin with a dot get another one, as SMTP wants it."""
    return [b"." + line if line.startswith(b".") else line for line in content.splitlines(keepends=True)]


def _save(inbox: InboxConfig, mail: Composed) -> None:
    """Put a copy into the Sent folder, so that other mail programs show it. The mail is sent, whatever becomes of the copy."""
    wanted = setting(inbox, "save_sent", "auto")
    host = setting(inbox, "smtp_host").lower()
    if wanted == "no" or (wanted == "auto" and host.endswith(_KEEP_COPIES)):
        return
    try:
        with servers.imap(inbox) as box:
            if name := polling.sent_folder(box, inbox):
                box.append(mail.content, name, dt=clock.now(), flag_set=["\\Seen"])
    except Exception as error:
        log.warning(
            "Inbox %s: a mail was sent, but no copy could be put into the Sent folder (%s).", inbox.id, where(error)
        )


def check(inbox: InboxConfig) -> str:
    """Sign in at both servers and look for the folders. Raises ChannelError."""
    with servers.imap(inbox) as box:
        name = setting(inbox, "folder", "INBOX")
        count = box.folder.set(name, readonly=True)[1][0]
        sent = polling.sent_folder(box, inbox)
        idle = servers.idles(box)
    smtp = servers.open_smtp(inbox)
    try:
        code, said = smtp.noop()
        if code >= 400:
            raise servers.answered(code, said, inbox)
    except (smtplib.SMTPException, OSError) as error:
        raise servers.smtp_refusal(error, inbox) from error
    finally:
        smtp.close()
    mails = count.decode() if isinstance(count, bytes) else str(count)
    seen = (
        f"answers from other mail programs are seen in '{sent}'"
        if sent
        else "no Sent folder was found: answers from elsewhere stay unseen"
    )
    soon = "" if idle else " The server does not tell of new mail (IDLE): it is asked once a minute."
    return f"Both servers accept the credentials. {name} holds {mails} mails; {seen}.{soon}"
