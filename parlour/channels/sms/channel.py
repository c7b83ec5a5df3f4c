"""SMS and MMS through Twilio: private conversations between a number of ours and a customer's."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Answer,
    Attachment,
    Capabilities,
    ChannelError,
    DoorRequest,
    ErrorKind,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Poll,
    Receipt,
    Refused,
    Setting,
    Source,
    Split,
)
from parlour.channels.sms import calls, inbound, numbers, polling, signature
from parlour.channels.sms.segments import segments
from parlour.lib.text import one_line

LENGTH = 1600
MOST_SEGMENTS = 24
"""As many as 1600 characters can take."""


def _sid(kind: str, what: str) -> Any:
    def check(value: str) -> str | None:
        fine = not value or re.fullmatch(rf"{kind}[0-9a-zA-Z]{{32}}", value, re.ASCII)
        return None if fine else f"{what} begins with {kind} and has 34 characters."

    return check


def _number(value: str) -> str | None:
    return numbers.wrong(value) if value else None


def _count(value: str) -> str | None:
    fine = not value or (value.isascii() and value.isdecimal() and 1 <= int(value[:4]) <= MOST_SEGMENTS)
    return None if fine else f"It is a number from 1 to {MOST_SEGMENTS}."


class Sms(Base):
    """Webhooks and, for what they missed, the list of messages in; the Messages resource out. Files come in, but none go out: Twilio
    fetches them from a public address, which Parlour's files do not have."""

    name = "sms"
    label = "SMS"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("account_sid", "number")
    settings: tuple[Setting, ...] = (
        Setting(
            "account_sid",
            "Account SID",
            "On the first page of the Twilio Console, under Account Info.",
            check=_sid("AC", "An Account SID"),
        ),
        Setting(
            "auth_token",
            "Auth token",
            "Below the Account SID in the Console. Sends answers and proves that webhooks come from Twilio.",
            secret=True,
            check=printable,
        ),
        Setting(
            "number",
            "Phone number",
            "The Twilio number customers write to, such as +15552223333. Leave it empty when a Messaging Service below has several.",
            required=False,
            check=_number,
        ),
        Setting(
            "messaging_service_sid",
            "Messaging Service SID",
            "Only if you use a Messaging Service: Console, Messaging, Services.",
            required=False,
            check=_sid("MG", "A Messaging Service SID"),
        ),
        Setting(
            "public_url",
            "Webhook address, as Twilio sees it",
            "The webhook address of this inbox, once it is shown: Twilio then reports there whether each answer arrived. Also"
            " needed when a proxy changes addresses.",
            required=False,
            fill="webhook",
            check=web_address("https://desk.example.com/in/sms/…", whole=True),
        ),
        Setting(
            "shared_key_id",
            "Shared key id",
            "Only if your account signs webhooks with a shared key (SHA-256).",
            required=False,
            advanced=True,
            check=printable,
        ),
        Setting(
            "shared_key_secret",
            "Shared key secret",
            "Belongs to the shared key id.",
            required=False,
            secret=True,
            advanced=True,
            check=printable,
        ),
        Setting(
            "most_segments",
            "Most parts of an answer",
            "Twilio bills each part of 153 characters (67 with an emoji or a character outside the small alphabet). Longer answers are"
            " refused.",
            required=False,
            default=str(MOST_SEGMENTS),
            advanced=True,
            check=_count,
        ),
        Setting(
            "api_base",
            "API address",
            "Change it only for a stand-in, or for one of Twilio's regions.",
            default=calls.API,
            advanced=True,
            check=web_address(calls.API),
        ),
    )
    capabilities = Capabilities(private=Limit(LENGTH), receipts=True, poll_seconds=300)

    def realm(self, inbox: InboxConfig) -> str:
        return inbound.REALM

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        given = request.headers.get("x-twilio-signature", "")
        if not given:
            raise Refused(403, "The header X-Twilio-Signature is missing.")
        told = signature.settings(request.headers)
        algorithm: signature.Algorithm = "sha1"
        secret = str(inbox.settings.get("auth_token") or "")
        if told:
            if told.get("algorithm") != "HMAC_SHA256" or not told.get("key"):
                raise Refused(403, "The signature is of a kind that is not known here.")
            if told["key"] != str(inbox.settings.get("shared_key_id") or ""):
                raise Refused(403, "The signature is made with a shared key that this inbox does not know.")
            secret, algorithm = str(inbox.settings.get("shared_key_secret") or ""), "sha256"
        urls = signature.addresses(str(inbox.settings.get("public_url") or ""), request.url)
        if not secret or not signature.fits(secret, given, urls, request.body, algorithm):
            raise Refused(
                403, "The signature does not fit. Twilio signs the address it asks: see the inbox's webhook address."
            )

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        raise Refused(403, "Twilio asks no questions here. Set its webhooks to HTTP POST.")

    def decode(self, request: DoorRequest) -> bytes:
        """A form as an object of texts, with our reference from the address of a status callback."""
        if request.body.lstrip()[:1] in (b"{", b"["):
            return request.body
        try:
            found: dict[str, str] = {}
            for name, value in signature.form(request.body):
                found.setdefault(name, value)
        except ValueError as error:
            raise Refused(400, "The form has too many fields.") from error
        if reference := request.query.get(inbound.REFERENCE):
            found[inbound.REFERENCE] = reference
        return orjson.dumps({_sound(name): _sound(value) for name, value in found.items()})

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        if not isinstance(payload, dict) or not inbound.MARKS & payload.keys():
            raise Refused(400, "The body must be what Twilio posts about a message: 'MessageSid' is missing.")
        try:
            key, lane = inbound.named(payload)
        except ValueError:
            # It is kept, and parked with its reason: Twilio does not come again.
            key, lane = "odd:" + hashlib.sha256(body).hexdigest(), ""
        return [Split(key, lane, body)]

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ValueError("It is not JSON.") from error
        return inbound.read(payload, received_at)

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        """One text. Without a number and a service it goes out from the number the customer wrote to."""
        if outbound.mode != "reply" or outbound.visibility != "private":
            raise ChannelError(ErrorKind.INVALID, "SMS is private: it takes private answers only.")
        self._check(inbox, outbound)
        answer = calls.call(inbox, "POST", "/Messages.json", data=_form(inbox, outbound))
        failure = answer.get("error_code")
        if answer.get("status") in ("failed", "undelivered"):
            code = failure if isinstance(failure, int) else 0
            raise ChannelError(calls.ERRORS.get(code, ErrorKind.INVALID), f"It was not sent: {calls.meaning(code)}.")
        sid = answer.get("sid")
        if not isinstance(sid, str) or not 0 < len(sid) <= 100 or not sid.isprintable():
            raise ChannelError(ErrorKind.UNKNOWN_OUTCOME, "Twilio took it, but its answer holds no 'sid'.")
        return Receipt(sid)

    def _check(self, inbox: InboxConfig, outbound: Outbound) -> None:
        if outbound.attachments:
            raise ChannelError(ErrorKind.INVALID, "Files cannot be sent by SMS from here.")
        if not outbound.text.strip():
            raise ChannelError(ErrorKind.INVALID, "There is nothing to send.")
        if not outbound.address:
            raise ChannelError(ErrorKind.INVALID, "There is nobody to send it to.")
        if (length := len(outbound.text)) > LENGTH:
            raise ChannelError(ErrorKind.TOO_LONG, f"The text has {length} characters; {LENGTH} are allowed.")
        most = int(inbox.settings.get("most_segments") or MOST_SEGMENTS)
        if (parts := segments(outbound.text)) > most:
            words = f"The text takes {parts} parts of an SMS; {most} are allowed. Without emoji and typographic signs it takes fewer."
            raise ChannelError(ErrorKind.TOO_LONG, words)

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        """The address Twilio named; the account's token is shown to Twilio alone."""
        url = attachment.reference or attachment.url
        own = _host(url) == _host(calls.base(inbox))
        twilio = url.startswith("https://") and _host(url)[0].endswith(".twilio.com")
        headers = calls.authorization(inbox) if own or twilio else {}
        return Source(url=url, headers=headers, mime=attachment.mime, name=attachment.name, own=own)

    def check(self, inbox: InboxConfig) -> str:
        if not inbox.settings.get("number") and not inbox.settings.get("messaging_service_sid"):
            raise ChannelError(ErrorKind.INVALID, "Enter a phone number or a Messaging Service SID.")
        answer = calls.call(inbox, "GET", ".json")
        status = answer.get("status")
        if status in ("suspended", "closed"):
            raise ChannelError(ErrorKind.AUTH_EXPIRED, f"The Twilio account is {status}.")
        return f"Connected to the Twilio account {one_line(str(answer.get('friendly_name') or ''), 120) or calls.account(inbox)}."


def _form(inbox: InboxConfig, outbound: Outbound) -> dict[str, str]:
    service, number = (str(inbox.settings.get(name) or "") for name in ("messaging_service_sid", "number"))
    written_to = outbound.thread.partition(inbound.BETWEEN)[0] if inbound.BETWEEN in outbound.thread else ""
    sender = {"MessagingServiceSid": service} if service else {}
    if ours := written_to or number:
        sender["From"] = ours
    callback = {}
    if public := str(inbox.settings.get("public_url") or ""):
        mark = "&" if urlsplit(public).query else "?"
        callback = {"StatusCallback": f"{public}{mark}{urlencode({inbound.REFERENCE: outbound.reference})}"}
    return {"To": outbound.address, **sender, "Body": outbound.text, **callback}


def _host(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


channel = Sms()
