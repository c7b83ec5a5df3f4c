"""What a customer said in WhatsApp, whatever its kind, as text, files and small facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from parlour.channels import meta
from parlour.channels.contract import Attachment
from parlour.lib.text import one_line, storable

MEDIA = {"image": "image", "video": "video", "audio": "audio", "document": "file", "sticker": "sticker"}
UNREADABLE = "A message of a kind that WhatsApp does not pass on; it can be read in the WhatsApp app only."


@dataclass(frozen=True, slots=True)
class Content:
    """Text as shown, with what came along."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def type_of(message: dict[str, Any]) -> str:
    """The kind of a message; where it is not told, the member that is there tells. '' when nothing does. Raises ValueError."""
    told = meta.words(message.get("type"), "type")
    return told or next((name for name in KNOWN if name in message), "")


def read(kind: str, message: dict[str, Any]) -> Content:
    """The content of a message of a known ``kind``. Raises ValueError when it is malformed."""
    if kind in MEDIA:
        return _media(kind, meta.members(message.get(kind), kind))
    return KINDS[kind](message)


def _media(kind: str, told: dict[str, Any]) -> Content:
    reference = meta.identifier(told.get("id"), f"{kind}.id", 200)
    url = meta.words(told.get("url"), f"{kind}.url")[:2000]
    if not reference and not url:
        raise ValueError(f"The {kind} has neither an id nor an address.")
    # The address lives for five minutes and needs the token: it is asked for anew by the id when the file is fetched.
    file = Attachment(
        MEDIA[kind],
        url="" if reference else url,
        name=one_line(meta.words(told.get("filename"), "filename"), 200),
        mime=one_line(meta.words(told.get("mime_type"), "mime_type"), 100).partition(";")[0],
        reference=reference,
    )
    facts: dict[str, Any] = {"voice": True} if told.get("voice") is True else {}
    return Content(meta.words(told.get("caption"), "caption"), (file,), facts)


def _text(message: dict[str, Any]) -> Content:
    return Content(meta.words(meta.members(message.get("text"), "text").get("body"), "text.body"))


def _location(message: dict[str, Any]) -> Content:
    told = meta.members(message.get("location"), "location")
    place = [one_line(meta.words(told.get(name), name), 300) for name in ("name", "address")]
    where = [told.get(name) for name in ("latitude", "longitude")]
    for one in where:
        if isinstance(one, bool) or not isinstance(one, int | float) or not -180 <= one <= 180:
            raise ValueError("The location has no latitude and longitude.")
    latitude, longitude = where
    link = f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}"
    shown = ", ".join(filter(None, place)) or f"{latitude}, {longitude}"
    return Content(shown, (Attachment("location", url=link, name=one_line(shown, 200)),))


def _contacts(message: dict[str, Any]) -> Content:
    cards = message.get("contacts")
    if not isinstance(cards, list):
        raise ValueError("contacts is not a list.")
    lines = [_card(meta.members(card, "A contact")) for card in cards[:50]]
    return Content("\n".join(lines), tuple(Attachment("other", name=one_line(line, 200)) for line in lines))


def _card(card: dict[str, Any]) -> str:
    name = meta.members(card.get("name"), "name")
    parts = [name.get("formatted_name"), meta.members(card.get("org"), "org").get("company")]
    for kind, member in (("phones", "phone"), ("emails", "email"), ("urls", "url")):
        told = card.get(kind)
        parts += [one.get(member) for one in told[:10] if isinstance(one, dict)] if isinstance(told, list) else []
    said = [one_line(part, 200) for part in parts if isinstance(part, str) and part.strip()]
    return " · ".join(said) or "A contact without a name"


def _interactive(message: dict[str, Any]) -> Content:
    told = meta.members(message.get("interactive"), "interactive")
    for name in ("button_reply", "list_reply"):
        if name in told:
            reply = meta.members(told[name], name)
            about = _facts(reply, {"id": "payload", "description": "description"})
            return Content(meta.words(reply.get("title"), "title"), (), about)
    if "nfm_reply" in told:
        reply = meta.members(told["nfm_reply"], "nfm_reply")
        about = _facts(reply, {"name": "form", "response_json": "answers"}, 4000)
        return Content(meta.words(reply.get("body"), "body"), (), about)
    kind = one_line(meta.words(told.get("type"), "interactive.type"), 60)
    return Content(f"An answer of the kind '{kind}', which cannot be shown here.", (), {"interactive": kind})


def _button(message: dict[str, Any]) -> Content:
    told = meta.members(message.get("button"), "button")
    text = meta.words(told.get("text"), "button.text")
    return Content(text or meta.words(told.get("payload"), "payload"), (), _facts(told, {"payload": "payload"}))


def _order(message: dict[str, Any]) -> Content:
    told = meta.members(message.get("order"), "order")
    lines = [meta.words(told.get("text"), "order.text")]
    items = told.get("product_items")
    for item in items[:50] if isinstance(items, list) else []:
        one = meta.members(item, "A product")
        price = " ".join(_plain(one.get(name)) for name in ("item_price", "currency")).strip()
        product = f"{_plain(one.get('quantity')) or '1'} × {_plain(one.get('product_retailer_id'))}"
        lines.append(product + (f" ({price})" if price else ""))
    return Content("\n".join(filter(None, lines)), (), _facts(told, {"catalog_id": "catalog"}))


def _unsupported(message: dict[str, Any]) -> Content:
    """The customer did say something, and waits: it is shown that there is something to look at."""
    told = meta.members(message.get("unsupported"), "unsupported")
    kind = one_line(meta.words(told.get("type"), "unsupported.type"), 60)
    return Content(UNREADABLE, (), {"unsupported": kind or "unknown"})


def _plain(value: Any) -> str:
    return one_line(str(value), 60) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _facts(told: dict[str, Any], names: dict[str, str], limit: int = 1000) -> dict[str, Any]:
    return {ours: storable(told[name], limit) for name, ours in names.items() if isinstance(told.get(name), str)}


def context(message: dict[str, Any]) -> dict[str, Any]:
    """Small facts beside the content: forwarded, from an advertisement, about a product."""
    if "context" not in message and "referral" not in message:
        return {}
    told = meta.members(message.get("context"), "context")
    facts: dict[str, Any] = {name: True for name in ("forwarded", "frequently_forwarded") if told.get(name) is True}
    product = meta.members(told.get("referred_product"), "referred_product")
    if product:
        facts["product"] = _facts(product, {"product_retailer_id": "id", "catalog_id": "catalog"})
    names = ("source_url", "source_type", "source_id", "headline", "body")
    referral = _facts(meta.members(message.get("referral"), "referral"), {name: name for name in names}, 500)
    return {**facts, **({"referral": referral} if referral else {})}


KINDS: dict[str, Callable[[dict[str, Any]], Content]] = {
    "text": _text,
    "interactive": _interactive,
    "button": _button,
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    "unsupported": _unsupported,
}
KNOWN = (*KINDS, *MEDIA)
"""Kinds of messages that carry words or files."""
