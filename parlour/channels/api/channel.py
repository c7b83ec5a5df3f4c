"""The channel for everything else: the brand's own systems send messages in and receive the answers (Standard Webhooks)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from parlour.channels.api import schema, signature
from parlour.channels.base import Base
from parlour.channels.checks import web_address
from parlour.channels.contract import (
    Act,
    Answer,
    Attachment,
    Author,
    Capabilities,
    ChannelError,
    Choices,
    DoorRequest,
    ErrorKind,
    File,
    Inbound,
    InboxConfig,
    Kind,
    Limit,
    Outbound,
    Receipt,
    Refused,
    Setting,
    Split,
    ThreadKey,
    Visibility,
)
from parlour.lib import clock, http
from parlour.lib.text import one_line, storable

LIMIT = 50_000
FILE_BYTES = 5 * 1024 * 1024
FILE_KINDS = ("image", "video", "audio", "file")
KINDS = {"message": Kind.MESSAGE, "edit": Kind.EDIT, "delete": Kind.DELETE}


def _secret(value: str) -> str | None:
    try:
        signature.key_of(value)
    except ValueError as error:
        return str(error)
    return None


def _thread_key(said: schema.Said) -> str:
    """In public, a thread may have many authors: each has one of their own with the brand. Private and public words never mix."""
    if said.visibility == "private":
        return said.thread
    return f"public:{hashlib.sha256(said.author.encode()).hexdigest()[:24]}:{said.thread}"


def _thread_told(outbound: Outbound) -> str:
    """The other system's own name of a thread."""
    parts = outbound.thread.split(":", 2)
    return parts[2] if outbound.visibility == "public" and len(parts) == 3 else outbound.thread


class Api(Base):
    name = "api"
    label = "API"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    settings: tuple[Setting, ...] = (
        Setting(
            "secret",
            "Signing secret",
            "whsec_… of Standard Webhooks; signs both ways. Copy it into the other system.",
            secret=True,
            check=_secret,
            make=signature.new_secret,
        ),
        Setting(
            "callback_url",
            "Callback address",
            "Where answers are posted, signed. Without it messages come in and cannot be answered.",
            required=False,
            check=web_address("https://crm.example.com/parlour", whole=True),
        ),
        Setting(
            "author_ids",
            "Ids of authors",
            "Whether an author's external_id is your own number of the customer, as in the chat's signed tokens and the forum's single "
            "sign-on: the same number is the same customer, then.",
            required=False,
            default="system",
            advanced=True,
            options=(("system", "Are that system's own"), ("own", "Are your own numbers of customers")),
        ),
    )
    capabilities = Capabilities(
        public=Limit(LIMIT),
        private=Limit(LIMIT),
        edits=True,
        media_public=dict.fromkeys(FILE_KINDS, FILE_BYTES),
        media_private=dict.fromkeys(FILE_KINDS, FILE_BYTES),
        media_count=5,
        choices=Choices(10, 80),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return f"api:{inbox.key}"

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        try:
            signature.verify(str(inbox.settings.get("secret") or ""), request.headers, request.body)
        except signature.SignatureError as error:
            raise Refused(403, str(error)) from error

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        raise Refused(400, "This channel has no handshake.")

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            said = schema.read(payload)
        except schema.SchemaError as error:
            raise Refused(400, str(error)) from error
        if isinstance(said, schema.Unknown):
            return [Split(said.key, "events", said.body)]
        return [Split(said.key, said.thread, schema.flat(said))]

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        try:
            said = schema.read(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise ValueError("The body is not JSON.") from error
        if isinstance(said, schema.Unknown):
            reason = f"Events of the type {said.type} are not known."
            return [Inbound(Kind.IGNORED, said.key, received_at, reason=reason)]
        at = clock.plausible(said.created_at, received_at) if said.created_at else received_at
        own = inbox.settings.get("author_ids") == "own"
        author = (
            Author(self.realm(inbox), said.author, said.name, email=said.email, proof=said.author if own else "")
            if said.author
            else None
        )
        return [
            Inbound(
                KINDS[said.type],
                said.key,
                at,
                external_id=said.external_id,
                author=author,
                thread=ThreadKey(_thread_key(said), said.visibility, subject=said.subject),
                text=said.text,
                reply_to=said.reply_to,
                attachments=tuple(Attachment(file.kind, file.url, file.name, file.mime) for file in said.files),
            )
        ]

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        if not outbound.text.strip() and not outbound.attachments:
            raise ChannelError(ErrorKind.INVALID, "An empty message is not sent.")
        if len(outbound.text) > LIMIT:
            raise ChannelError(
                ErrorKind.TOO_LONG, f"The message has {len(outbound.text):,} of at most {LIMIT:,} characters."
            )
        now = clock.now()
        data: dict[str, Any] = {
            "id": outbound.reference,
            "thread": {"external_id": _thread_told(outbound)},
            "author_external_id": outbound.author,
            "text": storable(outbound.text),
            "visibility": outbound.visibility,
            "in_reply_to": outbound.target or None,
            "created_at": now,
        }
        if outbound.choices:
            data["choices"] = list(outbound.choices)
        if outbound.attachments:
            data["attachments"] = [_file(one) for one in outbound.attachments]
        answer = _deliver(inbox, outbound.reference, "message.sent", data, now)
        return Receipt(_named(answer) or outbound.reference)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        raise ChannelError(ErrorKind.INVALID, f"This channel cannot {act} a message.")

    def check(self, inbox: InboxConfig) -> str:
        if problem := _secret(str(inbox.settings.get("secret") or "")):
            raise ChannelError(ErrorKind.INVALID, problem)
        if not inbox.settings.get("callback_url"):
            return "Messages are received; answers cannot be sent without a callback address."
        now = clock.now()
        _deliver(inbox, f"ping_{now.timestamp():.6f}", "ping", {}, now)
        return "The callback address accepts signed events."


def _file(file: File) -> dict[str, Any]:
    """The file itself goes along: the other system need not be able to reach the desk."""
    if file.size > FILE_BYTES:
        raise ChannelError(ErrorKind.INVALID, f"{file.name} is larger than {FILE_BYTES // 1024**2} MB.")
    content = base64.b64encode(file.read()).decode()
    return {"name": file.name, "mime": file.mime, "size": file.size, "content": content}


def _deliver(inbox: InboxConfig, message_id: str, kind: str, data: dict[str, Any], now: datetime) -> bytes:
    """One signed POST to the callback; returns the body of its answer. Raises ChannelError."""
    callback = str(inbox.settings.get("callback_url") or "")
    if not callback:
        raise ChannelError(ErrorKind.INVALID, "This inbox has no callback address, so answers cannot be sent.")
    body = orjson.dumps({"type": kind, "timestamp": now, "data": data}, option=orjson.OPT_UTC_Z)
    try:
        signed = signature.headers(str(inbox.settings.get("secret") or ""), message_id, body)
    except ValueError as error:
        raise ChannelError(ErrorKind.INVALID, "This inbox has no usable secret.") from error
    try:
        response = http.request("POST", callback, content=body, headers={"content-type": "application/json", **signed})
    except http.NoAnswer as error:
        # It may have arrived, and can be sent again all the same: receivers know a repetition by its webhook-id.
        raise ChannelError(ErrorKind.TRANSIENT, f"The callback address did not answer. {error}") from error
    if not 200 <= response.status_code < 300:
        raise _refusal(response)
    return response.content


def _refusal(response: httpx.Response) -> ChannelError:
    status = response.status_code
    said = one_line(response.content[:1200].decode("utf-8", "replace"), 300)
    words = f"The callback address answered {status}" + (f": {said}" if said else ".")
    if status == 410:
        kind = ErrorKind.POLICY_BLOCK
    elif status in (429, 502, 504):
        return ChannelError(ErrorKind.RATE_LIMITED, words, retry_after=_retry_after(response), code=str(status))
    else:
        # A redirection is not followed, as the standard demands. As above, what failed with 5xx can be sent again.
        kind = ErrorKind.TRANSIENT if status >= 500 else ErrorKind.INVALID
    return ChannelError(kind, words, code=str(status))


def _retry_after(response: httpx.Response) -> float | None:
    told = response.headers.get("retry-after", "")
    if told.isascii() and told.isdecimal() and len(told) < 8:
        return min(float(told), 86_400.0)
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(1.0, (until - clock.now()).total_seconds()), 86_400.0)


def _named(answer: bytes) -> str:
    """The id the receiver gave the message, when its answer names one."""
    try:
        told = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return ""
    for name in ("external_id", "id"):
        value = told.get(name) if isinstance(told, dict) else None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip() and len(value) <= schema.ID_LIMIT and value.isprintable():
            return value
    return ""


channel = Api()
