"""An answer as a mail: threaded with what it answers, as text and simple HTML, with its files."""

from __future__ import annotations

from dataclasses import dataclass
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Outbound
from parlour.channels.email.automatic import LOOP_HEADER
from parlour.channels.email.bounces import REFERENCE_HEADER
from parlour.channels.email.headers import mailboxes
from parlour.channels.email.parsing import bare_subject
from parlour.channels.email.servers import setting
from parlour.lib import clock, html_text
from parlour.lib.text import one_line, storable

MOST_REFERENCES = 20
_WIRE = compat32.clone(linesep="\r\n")
_NO_ID = ("none:", "copy:", "sha256:")
"""How the names of mails begin that are not their Message-ID."""


@dataclass(frozen=True, slots=True)
class Composed:
    sender: str
    recipient: str
    message_id: str
    """Without brackets."""
    content: bytes


def recipient(outbound: Outbound) -> str:
    """Whom an answer goes to: where its thread's customer wants answers, or to whoever wrote the mail it answers when that was somebody
    else (a colleague in the same conversation). Raises ChannelError when there is no address."""
    told = [one.address for one in mailboxes(outbound.address.split()[:2])]
    author = next((one.address for one in mailboxes([outbound.author])), "")
    if author and author not in told:
        return author
    if told:
        return told[0]
    raise ChannelError(ErrorKind.INVALID, "The customer's mail address is not known.")


def message_id(reference: str, address: str, *, automatic: bool) -> str:
    """The id an answer will have, told by its reference: it is recognised wherever it turns up."""
    domain = address.rpartition("@")[2].encode("idna").decode()
    return f"parlour-{'auto-' if automatic else ''}{reference}@{domain}"


def compose(inbox: InboxConfig, outbound: Outbound) -> Composed:
    """Raises ChannelError when it cannot become a mail."""
    address = setting(inbox, "address").lower()
    try:
        named = message_id(outbound.reference, address, automatic=not outbound.human)
        to = _wire_address(recipient(outbound))
        sender = _wire_address(address)
    except UnicodeError as error:
        raise ChannelError(ErrorKind.INVALID, "An address has a domain that cannot be written.") from error
    mail = _body(storable(outbound.text), outbound)
    mail["From"] = formataddr((one_line(setting(inbox, "from_name"), 80), sender))
    mail["To"] = to
    subject = bare_subject(one_line(outbound.subject, 200))
    mail["Subject"] = _header(f"Re: {subject}" if subject else "Re: your message")
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{named}>"
    earlier = [one for one in dict.fromkeys((*outbound.references, outbound.target)) if _is_id(one) and one != named]
    if earlier:
        answered = outbound.target if _is_id(outbound.target) else earlier[-1]
        chain = [*(one for one in earlier if one != answered), answered]
        if len(chain) > MOST_REFERENCES:
            chain = [chain[0], *chain[-(MOST_REFERENCES - 1) :]]
        mail["In-Reply-To"] = f"<{answered}>"
        mail["References"] = "\r\n ".join(f"<{one}>" for one in chain)
    if setting(inbox, "plus_address") == "yes":
        local, _, domain = sender.rpartition("@")
        mail["Reply-To"] = f"{local}+{outbound.reference}@{domain}"
    mail[REFERENCE_HEADER.title()] = one_line(outbound.reference, 40)
    mail[LOOP_HEADER.title()] = sender
    if not outbound.human:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["Precedence"] = "auto_reply"
    return Composed(sender, to, named, mail.as_bytes(policy=_WIRE))


def _body(text: str, outbound: Outbound) -> MIMEMultipart:
    words = MIMEMultipart("alternative")
    words.attach(_text(text, "plain"))
    words.attach(_text(f"<html><body>{html_text.from_plain(text)}</body></html>", "html"))
    if not outbound.attachments:
        return words
    whole = MIMEMultipart("mixed")
    whole.attach(words)
    for file in outbound.attachments:
        kind = (
            file.mime.lower() if file.mime.isascii() and file.mime.count("/") == 1 and file.mime.isprintable() else ""
        )
        main, _, sub = (kind or "application/octet-stream").replace(" ", "").partition(";")[0].partition("/")
        part = MIMEBase(main or "application", sub or "octet-stream")
        part.set_payload(file.read())
        encode_base64(part)
        name = one_line(file.name, 150).replace("/", "-").replace('"', "'") or "file"
        part.add_header("Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name))
        whole.attach(part)
    return whole


def _text(text: str, kind: str) -> MIMEText:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    return MIMEText(text.replace("\r\n", "\n"), kind, charset)  # type: ignore[arg-type]


def _header(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _wire_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def _is_id(name: str) -> bool:
    return (
        "@" in name
        and name.isascii()
        and name.isprintable()
        and not name.startswith(_NO_ID)
        and not set(name) & set("<> ")
    )
