"""What the stand-in of WhatsApp knows: contacts, messages and files, and the webhooks it writes about them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NUMBER, DISPLAY, ACCOUNT = "106540352240001", "15550783001", "102290129340001"


@dataclass(slots=True)
class Contact:
    """A customer. ``phone`` is what the brand may see unless ``hidden``; ``scoped`` is the business-scoped id."""

    phone: str
    scoped: str
    name: str
    hidden: bool = False
    blocked: bool = False
    last_in: datetime | None = None
    burst: float = 45.0
    """Messages that may go to this customer at once (the pair limit)."""
    burst_at: float = 0.0


@dataclass(slots=True)
class Media:
    """An uploaded or received file."""

    content: bytes
    mime: str
    name: str = ""
    address_until: float = 0.0
    """Until when its address is good, by the monotonic clock; 0 when it was never asked for."""


@dataclass(frozen=True, slots=True)
class Approved:
    """A template as Meta lists it."""

    name: str
    language: str
    body: str
    status: str = "APPROVED"
    parts: tuple[dict[str, Any], ...] = ()
    """Components beside the body."""

    def part(self, kind: str) -> str:
        """The text of a component beside the body, '' when it has none."""
        return next((str(part.get("text", "")) for part in self.parts if part["type"] == kind), "")

    @property
    def buttons(self) -> tuple[str, ...]:
        """What can be pressed under it."""
        told = [one for part in self.parts if part["type"] == "BUTTONS" for one in part["buttons"]]
        return tuple(one["text"] for one in told if one["type"] == "QUICK_REPLY")

    def listed(self) -> dict[str, Any]:
        body = {"type": "BODY", "text": self.body}
        return {
            "id": f"{self.name}:{self.language}",
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": "UTILITY",
            "parameter_format": "POSITIONAL",
            "components": [*self.parts, body],
        }


TEMPLATES = (
    Approved(
        "late_parcel", "en_US", "Hello {{1}}, your parcel {{2}} arrives tomorrow. Please answer if you have a question."
    ),
    Approved("spaetes_paket", "de", "Hallo {{1}}, Ihr Paket {{2}} kommt morgen an."),
    Approved("open_question", "en_US", "We have news about your question. Answer to hear more."),
    Approved("refused_offer", "en_US", "Buy now!", status="REJECTED"),
    Approved(
        "delivery_window",
        "en_US",
        "Hello {{1}}, your new phone comes tomorrow between {{2}}. Does that suit you?",
        parts=(
            {"type": "HEADER", "format": "TEXT", "text": "Your delivery"},
            {"type": "FOOTER", "text": "Luma · write STOP to hear no more of this"},
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Yes, that suits me"},
                    {"type": "QUICK_REPLY", "text": "Another day"},
                ],
            },
        ),
    ),
    Approved("with_picture", "en_US", "Your new phone is here.", parts=({"type": "HEADER", "format": "IMAGE"},)),
)


@dataclass(slots=True)
class Sent:
    """A message of the brand, as far as statuses need it."""

    id: str
    contact: Contact
    callback: str = ""
    states: list[str] = field(default_factory=list)


def wamid(number: str) -> str:
    return "wamid." + base64.b64encode(f"STANDIN{number}".encode()).decode()


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


def envelope(field: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": ACCOUNT, **more, "changes": [{"value": value, "field": field}]}],
    }


def common() -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": DISPLAY, "phone_number_id": NUMBER},
    }


def card(contact: Contact) -> dict[str, Any]:
    """The entry of ``contacts``: whoever has a username may have no number."""
    username = {"username": "@" + contact.name.lower().replace(" ", "")} if contact.hidden else {}
    return {
        "profile": {"name": contact.name, **username},
        "wa_id": "" if contact.hidden else contact.phone,
        "user_id": contact.scoped,
    }


def message(contact: Contact, ident: str, at: datetime, kind: str, body: Any, **more: Any) -> dict[str, Any]:
    """The webhook about one message of a customer."""
    said = {
        "from": "" if contact.hidden else contact.phone,
        "from_user_id": contact.scoped,
        "id": ident,
        "timestamp": stamp(at),
        "type": kind,
        kind: body,
        **more,
    }
    return envelope("messages", {**common(), "contacts": [card(contact)], "messages": [said]})


def status(sent: Sent, state: str, at: datetime, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The webhook about a message of the brand; a failure comes without contacts."""
    told: dict[str, Any] = {
        "id": sent.id,
        "status": state,
        "timestamp": stamp(at),
        "recipient_id": "" if sent.contact.hidden else sent.contact.phone,
        "recipient_user_id": sent.contact.scoped,
    }
    if sent.callback:
        told["biz_opaque_callback_data"] = sent.callback
    if errors:
        told["errors"] = errors
    people = {} if state == "failed" else {"contacts": [card(sent.contact)]}
    return envelope("messages", {**common(), **people, "statuses": [told]})


def echo(contact: Contact, ident: str, at: datetime, text: str) -> dict[str, Any]:
    """The webhook about words typed in the WhatsApp Business app."""
    said = {
        "from": DISPLAY,
        "to": "" if contact.hidden else contact.phone,
        "to_user_id": contact.scoped,
        "id": ident,
        "timestamp": stamp(at),
        "type": "text",
        "text": {"body": text},
    }
    return envelope("smb_message_echoes", {**common(), "message_echoes": [said]})
