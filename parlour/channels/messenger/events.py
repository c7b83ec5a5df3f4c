"""One messaging event of Messenger or Instagram as Inbound values. A conversation is the customer's id for this account.

Who is known only by a checkbox plugin has no id yet: ``user_ref:<ref>`` stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from parlour.channels import meta
from parlour.channels.contract import Author, Inbound, Kind, ThreadKey
from parlour.channels.messenger import files
from parlour.lib.text import one_line, storable

USER_REF = "user_ref:"
MID = 200
"""Message ids are longer than other ids."""

IGNORED = {
    "referral": "The customer came back through a link or an advertisement, without words.",
    "optin": "An opt-in to messages, without words.",
    "pass_thread_control": "The thread was passed between apps.",
    "take_thread_control": "The thread was taken by an app.",
    "request_thread_control": "The thread was asked for by an app.",
    "app_roles": "The roles of apps changed.",
    "policy_enforcement": "Meta warned the Page for its policy, or lifted a block.",
    "account_linking": "The customer linked or unlinked an account.",
    "response_feedback": "The customer rated an answer, without words.",
    "messaging_feedback": "The customer filled in a feedback form of a template.",
    "messaging_customer_information": "The customer filled in a form of a template.",
    "send_cart": "The customer sent a shopping cart of Meta's shop.",
    "order": "The customer sent an order of Meta's shop.",
    "game_play": "The customer played a game.",
    "typing": "Typing is not kept.",
}


class Event(NamedTuple):
    """One event with its people: ``customer`` is whoever is not the brand."""

    what: str
    """The member that tells what it is, '' when none is known."""
    fields: dict[str, Any]
    """The content of that member."""
    customer: str
    ours: bool
    """The brand did it."""
    event: dict[str, Any]
    key: str


def event_of(event: dict[str, Any], own: str) -> Event:
    """The event of the account ``own``. Raises ValueError when its ids are no ids."""
    what = "message" if "message" in event else next((name for name in _NAMES if name in event), "")
    fields = event[what] if what in _READERS else {}
    if not isinstance(fields, dict):
        raise ValueError(f"{what} is not an object.")
    sender, recipient = _person(event, "sender"), _person(event, "recipient")
    ours = fields.get("is_echo") is True or (bool(sender) and sender == own)
    customer = recipient if ours else sender
    return Event(what, fields, customer, ours, event, _key(what, fields, customer, ours, event))


def content_of(piece: meta.Piece) -> dict[str, Any] | None:
    """The event itself, also out of a change; None for a change that is no messaging event."""
    if piece.where != "changes":
        return piece.event
    value = piece.event.get("value")
    return value if isinstance(value, dict) and "sender" in value and "recipient" in value else None


def inbounds(event: Event, account: Author, told: datetime, received_at: datetime) -> list[Inbound]:
    """The event of the brand's ``account``; ``told`` is when it happened where it does not say so itself. A receipt for several
    messages gives one each. Raises ValueError when it is malformed."""
    at = meta.when(event.event.get("timestamp"), "timestamp", received_at) or told
    ignored = Inbound(Kind.IGNORED, event.key, at)
    if event.what == "policy_enforcement" and (blocked := _blocked(event.event[event.what])):
        return [replace(ignored, kind=Kind.REVOKED, reason=blocked)]
    if event.what == "referral" and "lead" in event.event:
        return [replace(ignored, reason="The customer filled in a lead form: its answers are in Meta's Leads Center.")]
    if event.what in IGNORED:
        return [replace(ignored, reason=IGNORED[event.what])]
    if not event.what:
        known = ", ".join(name for name in event.event if name not in ("sender", "recipient", "timestamp"))
        return [replace(ignored, reason=f"Unknown event: {one_line(known, 100) or 'empty'}.")]
    if not event.customer:
        raise ValueError("The event does not say whose conversation it belongs to.")
    base = Inbound(
        Kind.MESSAGE,
        event.key,
        at,
        external_id=meta.identifier(event.fields.get("mid"), "mid", MID),
        author=account if event.ours else Author(account.realm, event.customer),
        thread=ThreadKey(event.customer, "private", address=event.customer),
    )
    return _READERS[event.what](event, base, received_at)


def _person(event: dict[str, Any], name: str) -> str:
    person = meta.members(event.get(name), name)
    told = meta.identifier(person.get("id"), name)
    ref = meta.identifier(person["user_ref"], f"{name}.user_ref", 80) if "user_ref" in person else ""
    return told or (USER_REF + ref if ref else "")


def _key(what: str, fields: dict[str, Any], customer: str, ours: bool, event: dict[str, Any]) -> str:
    """Equal for redeliveries, and for the same event in ``messaging`` and ``standby``."""
    mid = meta.identifier(fields.get("mid"), "mid", MID)
    if what == "message" and mid:
        gone = fields.get("is_deleted") is True
        return meta.key("delete" if gone else "echo" if ours else "message", mid)
    if what == "message_edit" and mid:
        return meta.key("edit", mid, meta.stamp(fields.get("num_edit"), "num_edit"))
    if what == "postback" and mid:
        return meta.key("postback", mid)
    if what == "read":
        told = meta.stamp(fields.get("watermark"), "watermark")
        return meta.key("read", customer, told or mid)
    if what == "delivery":
        mids = _mids(fields)
        if len(mids) == 1:
            return meta.key("delivered", mids[0])
        told = meta.stamp(fields.get("watermark"), "watermark")
        return meta.key("delivered", customer, told, *([meta.fingerprint(mids)] if mids else []))
    if what == "reaction" and mid:
        action = meta.words(fields.get("action"), "action")
        stamp = meta.stamp(event.get("timestamp"), "timestamp")
        return meta.key("reaction", mid, "page" if ours else customer, action, stamp)
    return meta.key(what or "event", meta.fingerprint(event))


def _mids(fields: dict[str, Any]) -> list[str]:
    told = fields.get("mids")
    if told is None:
        return []
    if not isinstance(told, list):
        raise ValueError("mids is not a list.")
    return [mid for mid in dict.fromkeys(meta.identifier(each, "mid", MID) for each in told) if mid]


def _blocked(fields: Any) -> str:
    """Why the account may send no more, '' when it may."""
    told = meta.members(fields, "policy_enforcement")
    if told.get("action") != "block":
        return ""
    why = one_line(meta.words(told.get("reason"), "policy_enforcement.reason"), 200)
    return f"Meta has blocked this account from sending for its policy. {why}".strip()


def _message(event: Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    if not base.external_id:
        raise ValueError("The message has no id.")
    fields = event.fields
    person = Author(base.author.realm if base.author else "", event.customer)
    if fields.get("is_deleted") is True:
        return [replace(base, kind=Kind.DELETE, counterpart=person if event.ours else None)]
    about = _referral(fields.get("referral"))
    payload = meta.words(meta.members(fields.get("quick_reply"), "quick_reply").get("payload"), "quick_reply.payload")
    if payload:
        about["payload"] = payload[:1000]
    answered = meta.members(fields.get("reply_to"), "reply_to")
    unsupported = fields.get("is_unsupported") is True
    if unsupported:
        about["unsupported"] = True
    said = replace(
        base,
        text=meta.words(fields.get("text"), "text"),
        reply_to=meta.identifier(answered.get("mid"), "reply_to.mid", MID),
        attachments=files.attachments(fields.get("attachments"))
        + files.story(answered)
        + ((files.UNSUPPORTED,) if unsupported else ()),
        meta=about,
    )
    if not event.ours:
        return [said]
    reference = meta.words(fields.get("metadata"), "metadata")[:200]
    return [replace(said, kind=Kind.ECHO, counterpart=person, our_reference=reference)]


def _edit(event: Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    if not base.external_id:
        raise ValueError("The edit does not name its message.")
    said_to = Author(base.author.realm, event.customer) if event.ours and base.author else None
    return [replace(base, kind=Kind.EDIT, text=meta.words(event.fields.get("text"), "text"), counterpart=said_to)]


def _postback(event: Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    """A pressed button counts as words of the customer: it opens the window, and its title is what they said."""
    payload = meta.words(event.fields.get("payload"), "payload")[:1000]
    about = _referral(event.fields.get("referral"))
    if payload:
        about["payload"] = payload
    title = meta.words(event.fields.get("title"), "title")
    return [replace(base, external_id=base.external_id or base.key, text=title or payload, meta=about)]


def _reaction(event: Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    if not base.external_id:
        raise ValueError("The reaction does not name its message.")
    fields = event.fields
    sign = meta.words(fields.get("emoji"), "emoji") or meta.words(fields.get("reaction"), "reaction")
    about: dict[str, Any] = {"reaction": one_line(sign, 40)}
    if fields.get("action") == "unreact":
        about["removed"] = True
    return [replace(base, kind=Kind.REACTION, meta=about)]


def _delivery(event: Event, base: Inbound, received_at: datetime) -> list[Inbound]:
    mids = _mids(event.fields)
    if mids:
        seen = replace(base, kind=Kind.DELIVERED)
        return [replace(seen, key=meta.key("delivered", mid), external_id=mid) for mid in mids]
    return [_up_to(event, replace(base, kind=Kind.DELIVERED), received_at)]


def _read(event: Event, base: Inbound, received_at: datetime) -> list[Inbound]:
    """Messenger tells up to when the customer has read, Instagram which message, and with it everything before."""
    seen = replace(base, kind=Kind.READ)
    if not base.external_id or event.fields.get("watermark") is not None:
        return [_up_to(event, replace(seen, external_id=""), received_at)]
    earlier = replace(seen, key=meta.key("read", "until", base.external_id), external_id="", watermark=base.at)
    return [seen, earlier]


def _up_to(event: Event, base: Inbound, received_at: datetime) -> Inbound:
    watermark = meta.when(event.fields.get("watermark"), "watermark", received_at)
    if watermark is None:
        raise ValueError("The receipt says neither which message nor up to when.")
    return replace(base, watermark=watermark)


_READERS: dict[str, Callable[[Event, Inbound, datetime], list[Inbound]]] = {
    "message": _message,
    "message_edit": _edit,
    "postback": _postback,
    "reaction": _reaction,
    "delivery": _delivery,
    "read": _read,
}
_NAMES = (*_READERS, *IGNORED)


def _referral(value: Any) -> dict[str, Any]:
    """Where the customer came from: a link's ``ref``, an advertisement's id and title, or a product of the shop."""
    told = meta.members(value, "referral")
    kept = {name: storable(told[name], 500) for name in _CAME_BY if isinstance(told.get(name), str)}
    for name, parts in (("ads_context_data", ("ad_title",)), ("product", ("id",))):
        inner = told.get(name)
        if isinstance(inner, dict):
            kept |= {
                f"{name.partition('_')[0]}_{part}": storable(inner[part], 500)
                for part in parts
                if isinstance(inner.get(part), str)
            }
    return {"referral": kept} if kept else {}


_CAME_BY = ("ref", "source", "type", "ad_id", "referer_uri")
