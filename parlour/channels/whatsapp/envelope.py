"""The envelope of WhatsApp's webhooks, and cutting it into events.

``{"object": "whatsapp_business_account", "entry": [{"id", "changes": [{"field", "value": {"metadata", "contacts",
"messages": [...], "statuses": [...], "errors": [...]}}]}]}``. All numbers of an app come to one address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from parlour.channels import meta
from parlour.channels.contract import InboxConfig, Refused, Split

OBJECT = "whatsapp_business_account"
LISTS = {"messages": ("messages", "statuses", "errors"), "smb_message_echoes": ("message_echoes",)}
"""Fields whose value holds lists of events; any other change is one event."""
NAME = "whatsapp"


class Piece(NamedTuple):
    """One event. ``value`` is the change's value with nothing but this event; ``odd`` says what is wrong."""

    entry: Any
    """The envelope's entry with nothing but this event."""
    field: str
    where: str
    """The list it stands in, '' for a change that is one event."""
    value: dict[str, Any]
    event: dict[str, Any]
    odd: str = ""


def number_id(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("phone_number_id", ""))


def realm(number: str) -> str:
    """One name space for each number of a business: Meta's ids of people are per business, and its numbers share a webhook."""
    return f"{NAME}:{number}"


def pieces(payload: Any) -> list[Piece]:
    """The events of a decoded body, in order. Raises Refused(400) when it is no envelope of WhatsApp.

    Meta's documents show some events as a bare value, or with ``object`` in the wrong place: both count.
    """
    if not isinstance(payload, dict):
        raise Refused(400, "The body must be a JSON object.")
    if "object" not in payload and "entry" not in payload:
        names = [name for name in ("messages", "statuses", "history") if isinstance(payload.get(name), list)]
        if not names:
            raise Refused(400, "The body is no webhook of WhatsApp: it has no 'object' and no 'entry'.")
        field = "history" if "history" in names else "messages"
        payload = {"object": OBJECT, "entry": [{"changes": [{"field": field, "value": payload}]}]}
    if payload.get("object", OBJECT) != OBJECT:
        raise Refused(400, f"This address takes events of WhatsApp: 'object' must be '{OBJECT}'.")
    entries = payload.get("entry")
    if not isinstance(entries, list):
        raise Refused(400, "'entry' must be a list.")
    return [piece for entry in entries for piece in _of_entry(entry)]


def _of_entry(entry: Any) -> Iterator[Piece]:
    if not isinstance(entry, dict) or not isinstance(entry.get("changes"), list):
        yield Piece(entry, "", "", {}, {}, odd="An entry holds no list of changes.")
        return
    about = {name: entry[name] for name in ("id", "time") if name in entry}
    for change in entry["changes"]:
        alone = {**about, "changes": [change]}
        if not isinstance(change, dict) or not isinstance(change.get("value"), dict):
            yield Piece(alone, "", "", {}, {}, odd="A change holds no value.")
            continue
        field = next((one["field"] for one in (change, change["value"], entry) if one.get("field")), "")
        if not isinstance(field, str):
            yield Piece(alone, "", "", {}, {}, odd="The field of a change is no text.")
            continue
        yield from _of_change(about, field, change["value"], alone)


def _of_change(about: dict[str, Any], field: str, value: dict[str, Any], alone: dict[str, Any]) -> Iterator[Piece]:
    lists = [name for name in LISTS.get(field, ()) if name in value]
    if not lists:
        yield Piece(alone, field, "", value, {})
        return
    common = {name: told for name, told in value.items() if name not in lists}
    for name in lists:
        if not isinstance(value[name], list):
            entry = {**about, "changes": [{"field": field, "value": {name: value[name]}}]}
            yield Piece(entry, field, name, {}, {}, odd=f"'{name}' is not a list.")
            continue
        for event in value[name]:
            mine = {**common, **_contacts(value, event), name: [event]}
            entry = {**about, "changes": [{"field": field, "value": mine}]}
            if isinstance(event, dict):
                yield Piece(entry, field, name, mine, event)
            else:
                yield Piece(entry, field, name, mine, {}, odd=f"An event in '{name}' is not an object.")


def _contacts(value: dict[str, Any], event: Any) -> dict[str, Any]:
    """Of several contacts, the one an event is about."""
    contacts = value.get("contacts")
    if not isinstance(contacts, list) or len(contacts) < 2 or not isinstance(event, dict):
        return {}
    names = ("from_user_id", "recipient_user_id", "to_user_id", "from", "recipient_id", "to")
    ids = [event[name] for name in names if isinstance(event.get(name), str) and event[name]]
    for one in ids:
        for contact in contacts:
            if isinstance(contact, dict) and one in (contact.get("user_id"), contact.get("wa_id")):
                return {"contacts": [contact]}
    return {"contacts": []}


def number_of(piece: Piece) -> str:
    """The number an event is about; '' when it does not say, or is about the whole account. Raises ValueError."""
    told = meta.members(piece.value.get("metadata"), "metadata")
    return meta.identifier(told.get("phone_number_id"), "phone_number_id")


def split(payload: Any, body: bytes, inbox: InboxConfig, name: Callable[[Piece], tuple[str, str]]) -> list[Split]:
    """One Split per event. ``name`` gives its key and lane, or raises ValueError. Raises Refused(400)."""
    found = pieces(payload)
    try:
        return [
            Split(
                *_named(piece, name),
                body if len(found) == 1 else orjson.dumps({"object": OBJECT, "entry": [piece.entry]}),
                _belongs(piece, inbox),
            )
            for piece in found
        ]
    except orjson.JSONEncodeError:
        # orjson reads deeper nesting than it writes. Such an event cannot be cut out, so the body is kept whole.
        return [Split("odd:" + hashlib.sha256(body).hexdigest(), "", body)]


def _named(piece: Piece, name: Callable[[Piece], tuple[str, str]]) -> tuple[str, str]:
    if not piece.odd:
        try:
            return name(piece)
        except ValueError:
            pass
    return "odd:" + hashlib.sha256(orjson.dumps(piece.entry, option=orjson.OPT_SORT_KEYS)).hexdigest(), ""


def _belongs(piece: Piece, inbox: InboxConfig) -> tuple[str, str] | None:
    """Whose event it is when it is about another number of the same app."""
    try:
        number = number_of(piece)
    except ValueError:
        return None
    return (NAME, realm(number)) if number and number != number_id(inbox) else None


def read(body: bytes) -> list[Piece]:
    """The events of a stored body. Raises ValueError when it, or one of them, is malformed."""
    try:
        found = pieces(orjson.loads(body))
    except Refused as refused:
        raise ValueError(refused.reason) from refused
    for piece in found:
        if piece.odd:
            raise ValueError(piece.odd)
    return found
