"""Events of WhatsApp as Inbound values.

A conversation is one customer with one of the business's numbers. The customer's id is Meta's business-scoped user id (BSUID) where
the event has one, else the phone number: a phone number may be missing for good, and each number of a customer has a BSUID of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from parlour.channels import meta
from parlour.channels.contract import Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.whatsapp import content, envelope
from parlour.channels.whatsapp.envelope import Piece
from parlour.lib.text import one_line

WAMID = 200
OURS = "parlour-"
"""Begins the reference we give with every message; WhatsApp returns it with the message's statuses."""
GROUP = "group:"

IGNORED = {
    "history": "Past conversations, passed on when the number was connected, are not kept.",
    "smb_app_state_sync": "The address book of the WhatsApp Business app is not kept.",
    "message_template_status_update": "A template was approved, refused or paused.",
    "message_template_quality_update": "The quality of a template changed.",
    "message_template_components_update": "The text of a template changed.",
    "template_category_update": "The category of a template changed.",
    "phone_number_name_update": "The shown name of the number was decided on.",
    "phone_number_quality_update": "The quality or the sending limit of the number changed.",
    "business_capability_update": "The sending limits of the business changed.",
    "account_review_update": "The account was reviewed.",
    "account_alerts": "An alert about the account.",
    "account_update": "Something about the account changed that does not concern its messages.",
    "business_status_update": "The status of the business changed.",
    "user_preferences": "The customer changed which marketing messages they want.",
    "calls": "Calls are not kept.",
    "security": "The security settings of the number changed.",
    "payment_configuration_update": "The settings of payments changed.",
    "partner_solutions": "A solution of partners changed.",
    "flows": "The status of a form changed.",
    "automatic_events": "An event for advertising.",
    "tracking_events": "An event for advertising.",
}
WITHDRAWN = {
    "ACCOUNT_DELETED": "The WhatsApp Business account was deleted.",
    "PARTNER_REMOVED": "The business has withdrawn this app's access to its WhatsApp Business account.",
    "PARTNER_APP_UNINSTALLED": "The business has removed this app from its WhatsApp Business account.",
}
LOCKED = {131031, 131042, 368}
"""Codes of problems of the whole account: locked, unpaid, blocked for its policy."""


class _People(NamedTuple):
    """Who an event is about: ids of the customer, the best one first, and what is known of them."""

    ids: tuple[str, ...]
    phone: str
    name: str
    handle: str

    @property
    def id(self) -> str:
        return self.ids[0] if self.ids else ""


def _people(piece: Piece, *, user: str, phone: str) -> _People:
    """``user`` and ``phone`` name the members of the event that hold the customer's BSUID and phone number."""
    told = piece.value.get("contacts")
    if told is not None and not isinstance(told, list):
        raise ValueError("contacts is not a list.")
    contact = meta.members(told[0], "A contact") if told else {}
    profile = meta.members(contact.get("profile"), "profile")
    scoped = meta.identifier(piece.event.get(user) or contact.get("user_id"), user, 200)
    number = meta.identifier(piece.event.get(phone), phone, 60)
    listed = meta.identifier(contact.get("wa_id"), "wa_id", 60)
    ids = tuple(dict.fromkeys(filter(None, (scoped, listed, number))))
    username = one_line(meta.words(profile.get("username"), "username"), 80).lstrip("@")
    shown = listed or number
    return _People(ids, number or listed, meta.name(profile.get("name")), username or (shown and f"+{shown}"[:80]))


def _author(inbox: InboxConfig, people: _People) -> Author:
    return Author(envelope.realm(envelope.number_id(inbox)), people.id, people.name, people.handle, also=people.ids[1:])


def _brand(inbox: InboxConfig) -> Author:
    number = envelope.number_id(inbox)
    return Author(envelope.realm(number), number)


def _thread(piece: Piece, people: _People) -> ThreadKey | None:
    group = meta.identifier(piece.event.get("group_id"), "group_id", 180)
    if group:
        return ThreadKey(GROUP + group, "private", address=GROUP + group)
    return ThreadKey(people.id, "private", address=people.phone or people.id) if people.id else None


def _customer(piece: Piece) -> _People:
    match piece.where:
        case "statuses":
            return _people(piece, user="recipient_user_id", phone="recipient_id")
        case "message_echoes":
            return _people(piece, user="to_user_id", phone="to")
        case _:
            return _people(piece, user="from_user_id", phone="from")


def _key(piece: Piece) -> str:
    """Equal for redeliveries."""
    event = piece.event
    ident = meta.identifier(event.get("id"), "id", WAMID)
    if piece.where == "statuses" and ident:
        return meta.key("status", ident, meta.words(event.get("status"), "status"))
    if piece.where in ("messages", "message_echoes") and ident:
        what = "echo" if piece.where == "message_echoes" else "message"
        kind = content.type_of(event)
        return meta.key(kind if kind in _SPECIAL and what == "message" else what, ident)
    return meta.key(piece.field or "change", meta.fingerprint(piece.entry))


def named(piece: Piece) -> tuple[str, str]:
    """Dedup key and lane (the customer, or the group) of one event. Raises ValueError when its ids are no ids."""
    people = _customer(piece) if piece.where else _People((), "", "", "")
    thread = _thread(piece, people) if piece.where else None
    return _key(piece), thread.external_id if thread else ""


def read(piece: Piece, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """One event as Inbounds. Raises ValueError when it is malformed."""
    told = piece.entry.get("time") if isinstance(piece.entry, dict) else None
    at = meta.when(told, "entry.time", received_at) or received_at
    key, number = _key(piece), envelope.number_of(piece)
    if number and number != envelope.number_id(inbox):
        return [Inbound(Kind.IGNORED, key, at, reason="It belongs to another number of the same app.")]
    if piece.where in ("messages", "statuses", "message_echoes"):
        at = meta.when(piece.event.get("timestamp"), "timestamp", received_at) or at
    base = Inbound(Kind.IGNORED, key, at)
    if not piece.where:
        return [_of_account(piece, inbox, base)]
    if piece.where == "errors":
        return [_problem(piece, base)]
    if piece.where == "statuses":
        return [_status(piece, inbox, base)]
    return [_said(piece, inbox, base)]


def _of_account(piece: Piece, inbox: InboxConfig, base: Inbound) -> Inbound:
    if piece.field == "account_update":
        event = meta.words(piece.value.get("event"), "event")
        ban = meta.words(meta.members(piece.value.get("ban_info"), "ban_info").get("waba_ban_state"), "waba_ban_state")
        account = meta.identifier(meta.members(piece.value.get("waba_info"), "waba_info").get("waba_id"), "waba_id")
        account = account or meta.identifier(piece.entry.get("id"), "entry.id")
        own = str(inbox.settings.get("business_account_id") or account)
        reason = WITHDRAWN.get(event) or ("WhatsApp has disabled the account." if ban == "DISABLE" else "")
        if account != own:
            return replace(base, reason="It is about another WhatsApp Business account.")
        if reason:
            return replace(base, kind=Kind.REVOKED, reason=reason)
        about = one_line(event, 60) or "unknown"
        return replace(base, reason=f"{IGNORED['account_update']} ({about})")
    field = one_line(piece.field, 60)
    return replace(base, reason=IGNORED.get(field, f"Events of the field '{field}' are not kept."))


def _problem(piece: Piece, base: Inbound) -> Inbound:
    words = f"WhatsApp reports a problem: {complaint([piece.event])}"
    return replace(base, kind=Kind.REVOKED if piece.event.get("code") in LOCKED else Kind.IGNORED, reason=words)


def complaint(errors: Any) -> str:
    """The platform's words of the first error of a list, with its code."""
    told = meta.members(errors[0], "An error") if isinstance(errors, list) and errors else {}
    said = [told.get("title"), told.get("message"), meta.members(told.get("error_data"), "error_data").get("details")]
    parts = dict.fromkeys(one_line(part, 300) for part in said if isinstance(part, str) and part.strip())
    code = told.get("code")
    words = " ".join(part if part.endswith(".") else f"{part}." for part in parts) or "No reason was given."
    return one_line(f"{words} ({code})" if isinstance(code, int) else words, 480)


_STATES = {"delivered": Kind.DELIVERED, "read": Kind.READ, "played": Kind.READ, "failed": Kind.FAILED}


def _status(piece: Piece, inbox: InboxConfig, base: Inbound) -> Inbound:
    ident = meta.identifier(piece.event.get("id"), "id", WAMID)
    if not ident:
        raise ValueError("The status does not name its message.")
    people = _customer(piece)
    state = meta.words(piece.event.get("status"), "status")
    given = meta.words(piece.event.get("biz_opaque_callback_data"), "biz_opaque_callback_data")[:200]
    person = _author(inbox, people) if people.id else None
    about = replace(
        base,
        external_id=ident,
        thread=_thread(piece, people),
        our_reference=given.removeprefix(OURS) if given.startswith(OURS) else "",
    )
    if state == "sent" and about.our_reference:
        # The message is shown by its reference alone: WhatsApp does not repeat its words.
        return replace(about, kind=Kind.ECHO, author=_brand(inbox), counterpart=person)
    kind = _STATES.get(state)
    if kind is None:
        reason = (
            "WhatsApp has taken a message." if state == "sent" else f"The status '{one_line(state, 40)}' is not kept."
        )
        return replace(base, external_id=ident, reason=reason)
    if kind is Kind.FAILED:
        return replace(
            about, kind=kind, reason=f"WhatsApp could not deliver it: {complaint(piece.event.get('errors'))}"
        )
    return replace(about, kind=kind, author=person)


def _said(piece: Piece, inbox: InboxConfig, base: Inbound) -> Inbound:
    ident = meta.identifier(piece.event.get("id"), "id", WAMID)
    if not ident:
        raise ValueError("The message has no id.")
    kind = content.type_of(piece.event)
    people = _customer(piece)
    ours = piece.where == "message_echoes"
    if kind == "system":
        return _system(piece, inbox, base, people)
    if not people.id:
        raise ValueError("The message does not say who it is from or for.")
    person = _author(inbox, people)
    told: dict[str, Any] = {
        "external_id": ident,
        "author": _brand(inbox) if ours else person,
        "counterpart": person if ours else None,
        "thread": _thread(piece, people),
    }
    if (special := _SPECIAL.get(kind)) is not None:
        return replace(base, **{**told, **special(piece.event)})
    if kind in content.KNOWN:
        read = content.read(kind, piece.event)
        told |= {
            "text": read.text,
            "attachments": read.attachments,
            "meta": {**read.facts, **content.context(piece.event)},
        }
    else:
        told |= {"text": content.UNREADABLE, "meta": {"unsupported": one_line(kind, 60) or "unknown"}}
    quoted = meta.identifier(meta.members(piece.event.get("context"), "context").get("id"), "context.id", WAMID)
    return replace(base, kind=Kind.ECHO if ours else Kind.MESSAGE, reply_to=quoted, **told)


def _original(told: dict[str, Any]) -> str:
    message = meta.members(told.get("message"), "message")
    original = told.get("original_message_id") or message.get("original_message_id")
    found = meta.identifier(original, "original_message_id", WAMID)
    if not found:
        raise ValueError("It does not name the message it changes.")
    return found


def _edit(event: dict[str, Any]) -> dict[str, Any]:
    told = meta.members(event.get("edit"), "edit")
    message = meta.members(told.get("message"), "message")
    kind = content.type_of(message)
    text = content.read(kind, message).text if kind in content.KNOWN else ""
    return {"kind": Kind.EDIT, "external_id": _original(told), "text": text}


def _revoke(event: dict[str, Any]) -> dict[str, Any]:
    return {"kind": Kind.DELETE, "external_id": _original(meta.members(event.get("revoke"), "revoke"))}


def _reaction(event: dict[str, Any]) -> dict[str, Any]:
    told = meta.members(event.get("reaction"), "reaction")
    about = meta.identifier(told.get("message_id"), "reaction.message_id", WAMID)
    if not about:
        raise ValueError("The reaction does not name its message.")
    sign = one_line(meta.words(told.get("emoji"), "emoji"), 40)
    facts: dict[str, Any] = {"reaction": sign} if sign else {"reaction": "", "removed": True}
    return {"kind": Kind.REACTION, "external_id": about, "meta": facts}


_SPECIAL: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "edit": _edit,
    "revoke": _revoke,
    "reaction": _reaction,
}
"""Kinds that are about another message; what they change of a plain event."""


def _system(piece: Piece, inbox: InboxConfig, base: Inbound, old: _People) -> Inbound:
    """A changed number or key: nothing the customer said. Its author tells that the old and the new ids are one person."""
    told = meta.members(piece.event.get("system"), "system")
    kind = one_line(meta.words(told.get("type"), "system.type"), 60)
    names = (("user_id", 200), ("wa_id", 60), ("new_wa_id", 60))
    new = [meta.identifier(told.get(name), f"system.{name}", limit) for name, limit in names]
    ids = tuple(dict.fromkeys(filter(None, (*new, *old.ids))))
    author = Author(envelope.realm(envelope.number_id(inbox)), ids[0], also=ids[1:]) if len(ids) > 1 else None
    if "changed" in kind and "identity" not in kind:
        return replace(base, author=author, reason="The customer has changed their phone number.")
    return replace(base, reason=f"A notice of WhatsApp's ({kind or 'unknown'}), not words of the customer.")
