"""WhatsApp's Cloud API for one number: messages, statuses, files, templates, and customers with and without a phone number."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from datetime import timedelta
from email import message_from_bytes
from typing import Any

from parlour.playground.faults import Bucket, Fault
from parlour.playground.places.whatsapp import checks, state
from parlour.playground.places.whatsapp.checks import CloudError
from parlour.playground.places.whatsapp.customers import READ_SECONDS, Customers, sha
from parlour.playground.places.whatsapp.scenes import SCENES
from parlour.playground.places.whatsapp.state import ACCOUNT, DISPLAY, NUMBER, Contact, Media, Sent
from parlour.playground.postman import Target
from parlour.playground.shelf import File
from parlour.playground.standin import Words
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
WINDOW = timedelta(hours=24)
ADDRESS_SECONDS = 300.0
BURST, PAIR_SECONDS = 45.0, 6.0
UNDELIVERABLE = {
    "code": 131026,
    "title": "Message undeliverable",
    "message": "Message undeliverable",
    "error_data": {"details": "Message Undeliverable."},
}


class WhatsApp(Customers):
    """What the brand sends is accepted first; whether it arrives is told by statuses afterwards."""

    name = "whatsapp"
    label = "WhatsApp"
    channels = ("whatsapp",)
    public = False
    scenes = SCENES

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        kept = self.kept.get("whatsapp", {})
        self.secret = kept.get("app_secret") or secrets.token_hex(16)
        self.token = kept.get("access_token") or secrets.token_urlsafe(32)
        self.verify = kept.get("verify_token") or secrets.token_urlsafe(12)
        self.bucket = Bucket(80, 1.0)
        self.templates = list(state.TEMPLATES)
        self.seen: set[str] = set()
        """Ids of customers' messages that the brand has marked as read."""
        self.backwards = False
        """Whether statuses come in the wrong order."""
        self.silent = False
        """Whether nothing is told between ``sent`` and ``read``: a customer's phone may leave out ``delivered``."""
        self.routes = Router()
        for method, pattern, handler in (
            ("POST", "/{number}/messages", self._messages),
            ("POST", "/{number}/media", self._upload),
            ("GET", "/{account}/message_templates", self._templates),
            ("GET", "/file/{media}", self._download),
            ("GET", "/{object_id}", self._get),
        ):
            self.routes.add(method, pattern, handler)

    def settings(self, channel: str, address: str) -> dict[str, str]:
        self.address = address
        return {
            "phone_number_id": NUMBER,
            "business_account_id": ACCOUNT,
            "app_secret": self.secret,
            "verify_token": self.verify,
            "access_token": self.token,
            "api_base": f"{address}/v25.0",
        }

    def targets(self) -> dict[str, Target]:
        return {"whatsapp": Target("whatsapp", "", self.secret)}

    def verify_token(self, channel: str) -> str:
        return self.verify

    # The desk

    async def handle(self, request: Request) -> Reply:
        path = _VERSION.sub("", request.path)
        fault = self.faults.take(request.method, path)
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        try:
            reply = self._work(request, path)
        except CloudError as error:
            return error.reply()
        except (AttributeError, KeyError, TypeError) as error:
            return checks.wrong(f"A parameter has the wrong form ({type(error).__name__}).").reply()
        if fault is not None:
            raise Drop
        return reply

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "drop":
            raise Drop
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
            raise Drop
        return CloudError(fault.code, fault.words, status=fault.status).reply()

    def _work(self, request: Request, path: str) -> Reply:
        if not hmac.compare_digest(request.bearer().encode(), self.token.encode()):
            raise CloudError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        found = self.routes.find(request.method, path)
        if found is None:
            raise CloudError(100, f"Unsupported {request.method.lower()} request.", status=404)
        handler, names = found
        if not self.bucket.take().allowed:
            raise CloudError(130429, "Rate limit hit", "Cloud API message throughput has been reached.", 429)
        reply: Reply = handler(request, **names)
        return reply

    def _own(self, number: str) -> None:
        if number != NUMBER:
            raise CloudError(
                100, "Unsupported post request. Object does not exist", f"Object with ID '{number}' does not exist"
            )

    def _messages(self, request: Request, number: str) -> Reply:
        self._own(number)
        try:
            told = request.json()
        except ValueError as error:
            raise checks.wrong("The request body is not valid JSON.") from error
        self.requests.append((request.method, request.path, told))
        if told.get("messaging_product") != "whatsapp":
            raise CloudError(100, "Invalid parameter", "messaging_product must be whatsapp.")
        if told.get("status") == "read":
            return self._mark(str(told.get("message_id")))
        return self._sent(told)

    def _mark(self, ident: str) -> Reply:
        if ident not in self.words and not self.forgiving:
            raise CloudError(131009, "Parameter value is not valid", "message_id is not a message of a customer.")
        self.seen.add(ident)
        return json_reply({"success": True})

    def _sent(self, told: dict[str, Any]) -> Reply:
        contact = self._recipient(told)
        kind = told.get("type", "text")
        files: tuple[File, ...] = ()
        choices: tuple[str, ...] = ()
        head = foot = ""
        match kind:
            case "text":
                text = checks.text_of(told["text"].get("body"), checks.TEXT, "text['body']")
            case "interactive":
                text, choices = checks.interactive(told["interactive"])
                header = told["interactive"].get("header") or {}
                head = str(header.get("text", ""))
                files = () if head or not header else (self._file(header["type"], header[header["type"]]),)
            case "template":
                form, text = checks.template(told["template"], self.templates)
                head, foot, choices = form.part("HEADER"), form.part("FOOTER"), form.buttons
            case "image" | "video" | "audio" | "document":
                text = checks.text_of(told[kind].get("caption"), checks.CAPTION, "caption", required=False)
                files = (self._file(kind, told[kind]),)
            case _:
                raise CloudError(131009, "Parameter value is not valid", f"type {kind} is not valid.")
        self._pair(contact)
        open_ = contact.last_in is not None and self.clock.now() - contact.last_in < WINDOW
        if kind != "template" and not open_ and not self.forgiving:
            details = "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
            raise CloudError(131047, "Re-engagement message", details)
        sent = Sent(state.wamid(self.ids.meta()), contact, str(told.get("biz_opaque_callback_data") or ""))
        self.brand_sent[sent.id] = sent
        self.templated |= {sent.id} if kind == "template" else set()
        at = self.clock.now()
        self.note(
            Words(
                sent.id,
                contact.phone,
                contact.name,
                text,
                at,
                private=True,
                by_brand=True,
                files=files,
                choices=choices,
                head=head,
                foot=foot,
            )
        )
        self._report(sent)
        person = {"input": told.get("to") or told.get("recipient"), "user_id": contact.scoped}
        person |= {} if contact.hidden else {"wa_id": contact.phone}
        return json_reply({"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": sent.id}]})

    def _recipient(self, told: dict[str, Any]) -> Contact:
        to, scoped = told.get("to"), told.get("recipient")
        if isinstance(to, str) and to:
            phone = to.lstrip("+")
            if not phone.isdecimal():
                raise CloudError(131009, "Parameter value is not valid", "Param to is not a phone number.")
            # Nobody is told whether a number is on WhatsApp: the message fails afterwards.
            return self.contacts.get(phone) or self._unknown(phone)
        if not isinstance(scoped, str) or not scoped:
            raise CloudError(131008, "Required parameter is missing", "to or recipient is required.")
        known = next((one for one in self.contacts.values() if one.scoped == scoped), None)
        if known is None:
            raise CloudError(
                131009, "Parameter value is not valid", "Param recipient is not a user id of this business."
            )
        return known

    def _unknown(self, phone: str) -> Contact:
        contact = Contact(phone, f"DE.{self.ids.meta()}", f"+{phone}", blocked=not self.forgiving)
        contact.last_in = self.clock.now()
        self.contacts[phone] = contact
        self.people.setdefault(contact.name, phone)
        return contact

    def _pair(self, contact: Contact) -> None:
        now = time.monotonic()
        contact.burst = min(BURST, contact.burst + (now - contact.burst_at) / PAIR_SECONDS)
        contact.burst_at = now
        if contact.burst < 1:
            details = (
                "Too many messages sent from this phone number to the same phone number in a short period of time."
            )
            raise CloudError(131056, "(Business Account, Consumer Account) pair rate limit hit", details)
        contact.burst -= 1

    def _report(self, sent: Sent) -> None:
        """Statuses as life has them; who has blocked the brand looks like who is not there."""
        if sent.contact.blocked:
            self.report(sent, "sent")
            self.report(sent, "failed", [UNDELIVERABLE])
            return
        order = ("delivered", "sent") if self.backwards else ("sent",) if self.silent else ("sent", "delivered")
        for name in order:
            self.report(sent, name)
        if self.forgiving:
            # A demonstration: people look at their phones after a while.
            self.report(sent, "read", delay=READ_SECONDS)

    def _file(self, kind: str, told: dict[str, Any]) -> File:
        media = self.media.get(str(told.get("id")))
        if media is None:
            raise CloudError(100, "Invalid parameter", "The media id is not valid.")
        if media.mime not in checks.MIMES.get(kind, {media.mime}) or len(media.content) > checks.LIMITS[kind] << 20:
            raise CloudError(131053, "Media upload error", f"{media.mime} of that size cannot be sent as {kind}.")
        return self.shelf.put(str(told.get("filename") or media.name or kind), media.mime, media.content)

    def _upload(self, request: Request, number: str) -> Reply:
        self._own(number)
        head = f"content-type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
        parts = message_from_bytes(head + request.body).get_payload()
        told = {
            part.get_param("name", header="content-disposition"): part for part in parts if not isinstance(part, str)
        }
        if "file" not in told or told["messaging_product"].get_payload() != "whatsapp":
            raise checks.wrong("file and messaging_product are required.")
        media = self.ids.meta()
        content = told["file"].get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        self.media[media] = Media(content, told["file"].get_content_type(), told["file"].get_filename() or "")
        return json_reply({"id": media})

    def _templates(self, request: Request, account: str) -> Reply:
        if account != ACCOUNT:
            raise CloudError(100, "Unsupported get request. Object does not exist")
        wanted = request.query.get("status")
        rows = [one.listed() for one in self.templates if wanted in (None, one.status)]
        begin, size = int(request.query.get("after") or 0), int(request.query.get("limit") or 25)
        paging: dict[str, Any] = {"cursors": {"after": str(begin + size)}}
        if begin + size < len(rows):
            paging["next"] = f"{self.address}/{ACCOUNT}/message_templates?after={begin + size}"
        return json_reply({"data": rows[begin : begin + size], "paging": paging})

    def _get(self, request: Request, object_id: str) -> Reply:
        if object_id == NUMBER:
            name = {"verified_name": "Luma", "display_phone_number": f"+{DISPLAY}", "quality_rating": "GREEN"}
            return json_reply({"id": NUMBER, **name})
        media = self.media.get(object_id)
        if media is None:
            raise CloudError(100, "Unsupported get request. Object does not exist", "The media is gone.")
        media.address_until = time.monotonic() + ADDRESS_SECONDS
        about = {
            "mime_type": media.mime,
            "sha256": sha(media.content),
            "file_size": len(media.content),
            "id": object_id,
        }
        return json_reply({"messaging_product": "whatsapp", "url": f"{self.address}/file/{object_id}", **about})

    def _download(self, request: Request, media: str) -> Reply:
        found = self.media.get(media)
        if found is None or found.address_until < time.monotonic():
            return Reply(404, b"")
        return Reply(200, found.content, {"content-type": found.mime})


STAND_IN = WhatsApp
