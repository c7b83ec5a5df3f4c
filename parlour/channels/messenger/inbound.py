"""Events of Messenger as Inbound values. A conversation is the customer's Page-scoped id (PSID).

Events come in ``messaging`` or, while another app owns the thread, in ``standby``; Meta also shows them as ``changes``
with the same content in ``value``. Who is known only by a checkbox plugin has no PSID: ``user_ref:<ref>`` stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from parlour.channels import meta
from parlour.channels.contract import Attachment, Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.meta import Piece
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
    "policy_enforcement": "Meta warned, blocked or unblocked the Page for its policy.",
    "account_linking": "The customer linked or unlinked an account.",
    "response_feedback": "The customer rated an answer, without words.",
    "messaging_feedback": "The customer filled in a feedback form of a template.",
}

_ATTACHMENTS = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "file",
    "sticker": "sticker",
    "location": "location",
    "fallback": "link",
    "reel": "post",
    "ig_reel": "post",
    "post": "post",
    "ig_post": "post",
}


class _Event(NamedTuple):
    """One event with its people: ``customer`` is whoever is not the Page."""

    what: str
    """The member that tells what it is, '' when none is known."""
    fields: dict[str, Any]
    """The content of that member."""
    customer: str
    from_page: bool
    event: dict[str, Any]
    key: str


def _person(event: dict[str, Any], name: str) -> str:
    person = meta.members(event.get(name), name)
    told = meta.identifier(person.get("id"), name)
    ref = meta.identifier(person["user_ref"], f"{name}.user_ref", 80) if "user_ref" in person else ""
    return told or (USER_REF + ref if ref else "")


def _event(event: dict[str, Any], page: str) -> _Event:
    what = "message" if "message" in event else next((name for name in _NAMES if name in event), "")
    fields = event[what] if what in _READERS else {}
    if not isinstance(fields, dict):
        raise ValueError(f"{what} is not an object.")
    sender, recipient = _person(event, "sender"), _person(event, "recipient")
    from_page = fields.get("is_echo") is True or (bool(sender) and sender == page)
    customer = recipient if from_page else sender
    return _Event(what, fields, customer, from_page, event, _key(what, fields, customer, from_page, event))


def _key(what: str, fields: dict[str, Any], customer: str, from_page: bool, event: dict[str, Any]) -> str:
    """Equal for redeliveries, and for the same event in ``messaging`` and ``standby``."""
    mid = meta.identifier(fields.get("mid"), "mid", MID)
    if what == "message" and mid:
        return meta.key("echo" if from_page else "message", mid)
    if what == "message_edit" and mid:
        return meta.key("edit", mid, meta.stamp(fields.get("num_edit"), "num_edit"))
    if what == "postback" and mid:
        return meta.key("postback", mid)
    if what == "read":
        return meta.key("read", customer, meta.stamp(fields.get("watermark"), "watermark"))
    if what == "delivery":
        mids = _mids(fields)
        if len(mids) == 1:
            return meta.key("delivered", mids[0])
        told = meta.stamp(fields.get("watermark"), "watermark")
        return meta.key("delivered", customer, told, *([meta.fingerprint(mids)] if mids else []))
    if what == "reaction" and mid:
        action = meta.words(fields.get("action"), "action")
        stamp = meta.stamp(event.get("timestamp"), "timestamp")
        return meta.key("reaction", mid, "page" if from_page else customer, action, stamp)
    return meta.key(what or "event", meta.fingerprint(event))


def _mids(fields: dict[str, Any]) -> list[str]:
    told = fields.get("mids")
    if told is None:
        return []
    if not isinstance(told, list):
        raise ValueError("mids is not a list.")
    return [mid for mid in dict.fromkeys(meta.identifier(each, "mid", MID) for each in told) if mid]


def _content(piece: Piece) -> dict[str, Any] | None:
    """The event itself; None for a change that is none of Messenger's."""
    if piece.where != "changes":
        return piece.event
    value = piece.event.get("value")
    return value if isinstance(value, dict) and "sender" in value and "recipient" in value else None


def named(piece: Piece, inbox: InboxConfig) -> tuple[str, str]:
    """Dedup key and lane (the customer) of one event. Raises ValueError when its ids are no ids."""
    content = _content(piece)
    if content is None:
        field = meta.identifier(piece.event.get("field"), "field") or "change"
        return meta.key(field, meta.fingerprint(piece.event)), ""
    event = _event(content, meta.page_id(inbox))
    return event.key, event.customer


def read(piece: Piece, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """One event as Inbounds; a receipt for several messages gives one each. Raises ValueError when it is malformed."""
    content = _content(piece)
    event = _event(content, meta.page_id(inbox)) if content is not None else None
    key = event.key if event is not None else named(piece, inbox)[0]
    told = meta.when(piece.told_at, "entry.time", received_at) or received_at
    ignored = Inbound(Kind.IGNORED, key, told)
    if meta.of_another_page(piece, inbox):
        return [replace(ignored, reason="It belongs to another Page of the same app.")]
    if content is None or event is None:
        field = one_line(str(piece.event.get("field")), 60)
        if field in ("feed", "mention"):
            return [replace(ignored, reason="Public: it belongs to the Page's Facebook inbox.")]
        return [replace(ignored, reason=f"Events of the field '{field}' are not kept.")]
    at = meta.when(content.get("timestamp"), "timestamp", received_at) or told
    if event.what in IGNORED:
        return [replace(ignored, at=at, reason=IGNORED[event.what])]
    if not event.what:
        known = ", ".join(name for name in content if name not in ("sender", "recipient", "timestamp"))
        return [replace(ignored, at=at, reason=f"Unknown event: {one_line(known, 100) or 'empty'}.")]
    if not event.customer:
        raise ValueError("The event does not say whose conversation it belongs to.")
    person = Author(meta.realm(inbox), event.customer)
    base = Inbound(
        Kind.MESSAGE,
        key,
        at,
        external_id=meta.identifier(event.fields.get("mid"), "mid", MID),
        author=meta.page(inbox) if event.from_page else person,
        thread=ThreadKey(event.customer, "private", address=event.customer),
    )
    return _READERS[event.what](event, base, received_at)


def _message(event: _Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    if not base.external_id:
        raise ValueError("The message has no id.")
    fields = event.fields
    about = _referral(fields.get("referral"))
    payload = meta.words(meta.members(fields.get("quick_reply"), "quick_reply").get("payload"), "quick_reply.payload")
    if payload:
        about["payload"] = payload[:1000]
    said = replace(
        base,
        text=meta.words(fields.get("text"), "text"),
        reply_to=meta.identifier(meta.members(fields.get("reply_to"), "reply_to").get("mid"), "reply_to.mid", MID),
        attachments=_attachments(fields.get("attachments")),
        meta=about,
    )
    if not event.from_page:
        return [said]
    person = Author(base.author.realm if base.author else "", event.customer)
    reference = meta.words(fields.get("metadata"), "metadata")[:200]
    return [replace(said, kind=Kind.ECHO, counterpart=person, our_reference=reference)]


def _edit(event: _Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    if not base.external_id:
        raise ValueError("The edit does not name its message.")
    said_to = Author(base.author.realm, event.customer) if event.from_page and base.author else None
    return [replace(base, kind=Kind.EDIT, text=meta.words(event.fields.get("text"), "text"), counterpart=said_to)]


def _postback(event: _Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    """A pressed button counts as words of the customer: it opens the window, and its title is what they said."""
    payload = meta.words(event.fields.get("payload"), "payload")[:1000]
    about = _referral(event.fields.get("referral"))
    if payload:
        about["payload"] = payload
    title = meta.words(event.fields.get("title"), "title")
    return [replace(base, external_id=base.external_id or base.key, text=title or payload, meta=about)]


def _reaction(event: _Event, base: Inbound, received_at: datetime) -> list[Inbound]:  # noqa: ARG001
    if not base.external_id:
        raise ValueError("The reaction does not name its message.")
    fields = event.fields
    sign = meta.words(fields.get("emoji"), "emoji") or meta.words(fields.get("reaction"), "reaction")
    about: dict[str, Any] = {"reaction": one_line(sign, 40)}
    if fields.get("action") == "unreact":
        about["removed"] = True
    return [replace(base, kind=Kind.REACTION, meta=about)]


def _delivery(event: _Event, base: Inbound, received_at: datetime) -> list[Inbound]:
    mids = _mids(event.fields)
    if mids:
        seen = replace(base, kind=Kind.DELIVERED)
        return [replace(seen, key=meta.key("delivered", mid), external_id=mid) for mid in mids]
    return [_up_to(event, replace(base, kind=Kind.DELIVERED), received_at)]


def _read(event: _Event, base: Inbound, received_at: datetime) -> list[Inbound]:
    return [_up_to(event, replace(base, kind=Kind.READ, external_id=""), received_at)]


def _up_to(event: _Event, base: Inbound, received_at: datetime) -> Inbound:
    watermark = meta.when(event.fields.get("watermark"), "watermark", received_at)
    if watermark is None:
        raise ValueError("The receipt says neither which message nor up to when.")
    return replace(base, watermark=watermark)


_READERS: dict[str, Callable[[_Event, Inbound, datetime], list[Inbound]]] = {
    "message": _message,
    "message_edit": _edit,
    "postback": _postback,
    "reaction": _reaction,
    "delivery": _delivery,
    "read": _read,
}
_NAMES = (*_READERS, *IGNORED)


def _referral(value: Any) -> dict[str, Any]:
    told = meta.members(value, "referral")
    kept = {name: storable(told[name], 500) for name in ("ref", "source", "type") if isinstance(told.get(name), str)}
    return {"referral": kept} if kept else {}


def _attachments(value: Any) -> tuple[Attachment, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError("attachments is not a list.")
    found: dict[tuple[str, str, str], Attachment] = {}
    stickers: set[str] = set()
    for each in value:
        told = meta.members(each, "An attachment")
        payload = meta.members(told.get("payload"), "attachment.payload")
        sticker = meta.identifier(payload.get("sticker_id"), "sticker_id")
        if sticker in stickers:
            continue  # until August 2026 a sticker came twice, as sticker and as image
        stickers |= {sticker} - {""}
        kind = "sticker" if sticker else _ATTACHMENTS.get(meta.words(told.get("type"), "attachment.type"), "other")
        url = meta.words(payload.get("url") or told.get("url"), "attachment.url")[:2000]
        name = one_line(meta.words(payload.get("title") or told.get("title"), "attachment.title"), 200)
        found[(kind, url, name)] = Attachment(kind, url=url, name=name)
    return tuple(found.values())
