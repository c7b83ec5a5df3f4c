"""What goes out: text, files, buttons and lists, templates; and reading where customers' files are."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from parlour.channels.contract import (
    Attachment,
    ChannelError,
    ErrorKind,
    File,
    InboxConfig,
    Outbound,
    Receipt,
    Source,
    Template,
)
from parlour.channels.graph import done, id_of
from parlour.channels.whatsapp.calls import call
from parlour.channels.whatsapp.envelope import number_id
from parlour.channels.whatsapp.inbound import GROUP, OURS
from parlour.lib import clock
from parlour.lib.text import one_line, storable

TEXT, CAPTION, BUTTON_TEXT = 4096, 1024, 1024
BUTTONS, BUTTON = 3, 20
ROWS, ROW = 10, 24
WINDOW = timedelta(hours=24)
MB = 1024 * 1024
MEDIA = {"image": 5 * MB, "video": 16 * MB, "audio": 16 * MB, "file": 100 * MB}
UPLOAD = httpx.Timeout(30.0, connect=5.0)
PAGES = 20
"""How many pages of templates are read at most; a page has 100."""

_NATIVE = {
    "image": {"image/jpeg", "image/png"},
    "video": {"video/mp4", "video/3gpp"},
    "audio": {"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"},
}
"""What WhatsApp plays by itself; everything else goes as a document."""
_VARIABLE = re.compile(r"\{\{.*?\}\}")
_GAP = re.compile(r"\{\{\s*(\w{1,60})\s*\}\}", re.ASCII)


def send(inbox: InboxConfig, outbound: Outbound) -> Receipt:
    """Within 24 hours of the customer's last words anything, later approved templates only."""
    if outbound.mode != "reply" or outbound.visibility != "private":
        raise ChannelError(ErrorKind.INVALID, "WhatsApp is private: it takes private answers only.")
    content = {
        "messaging_product": "whatsapp",
        **_recipient(outbound),
        "biz_opaque_callback_data": OURS + outbound.reference,
    }
    if outbound.template is not None:
        content |= _template(outbound.template)
    else:
        outbound = _beside_a_file(outbound)
        _check(outbound)
        content |= _message(inbox, outbound)
    answer = call(inbox, "POST", number_id(inbox), "messages", json=content)
    told = answer.get("messages")
    first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    return Receipt(id_of(first, "id"))


def _recipient(outbound: Outbound) -> dict[str, Any]:
    address = outbound.address
    if not address:
        raise ChannelError(ErrorKind.INVALID, "There is nobody to send it to.")
    if address.startswith(GROUP):
        quoted = {"context": {"message_id": outbound.target}} if outbound.target else {}
        return {"recipient_type": "group", "to": address.removeprefix(GROUP), **quoted}
    if address.lstrip("+").isdecimal():
        return {"recipient_type": "individual", "to": address}
    return {"recipient_type": "individual", "recipient": address}


def _check(outbound: Outbound) -> None:
    """Raise ChannelError when it is known beforehand that WhatsApp will not take it."""
    if not outbound.text.strip() and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "There is nothing to send.")
    limit = CAPTION if outbound.attachments else TEXT
    if len(outbound.text) > limit:
        words = f"The text has {len(outbound.text)} characters; {limit} are allowed"
        raise ChannelError(ErrorKind.TOO_LONG, words + (" beside a file." if outbound.attachments else "."))
    if len(outbound.attachments) > 1:
        raise ChannelError(ErrorKind.INVALID, "A message of WhatsApp carries one file.")
    if outbound.choices:
        _check_choices(outbound)
    if outbound.last_inbound_at is None or clock.now() - outbound.last_inbound_at >= WINDOW:
        raise ChannelError(
            ErrorKind.WINDOW_CLOSED,
            "The customer's last message is more than 24 hours old: only a template can be sent.",
        )


def _check_choices(outbound: Outbound) -> None:
    if len(outbound.choices) > ROWS or len(set(outbound.choices)) < len(outbound.choices):
        raise ChannelError(ErrorKind.INVALID, f"At most {ROWS} different answers can be offered.")
    if any(not choice.strip() for choice in outbound.choices):
        raise ChannelError(ErrorKind.INVALID, "An answer to choose from is empty.")
    if (longest := max(map(len, outbound.choices))) > ROW:
        words = f"An answer to choose from has {longest} characters; {ROW} are allowed."
        raise ChannelError(ErrorKind.TOO_LONG, words)
    if not outbound.text.strip():
        raise ChannelError(ErrorKind.INVALID, "Answers to choose from need a text above them.")


def _fits_buttons(outbound: Outbound) -> bool:
    short = all(len(choice) <= BUTTON for choice in outbound.choices)
    return short and len(outbound.choices) <= BUTTONS and len(outbound.text) <= BUTTON_TEXT


def _beside_a_file(outbound: Outbound) -> Outbound:
    """A file can stand above buttons; a list, or a sound, leaves room for numbered lines only."""
    if not outbound.choices or not outbound.attachments:
        return outbound
    if _fits_buttons(outbound) and outbound.attachments[0].kind != "audio":
        return outbound
    lines = "\n".join(f"{number}. {choice}" for number, choice in enumerate(outbound.choices, 1))
    return replace(outbound, text=f"{outbound.text}\n\n{lines}", choices=())


def _message(inbox: InboxConfig, outbound: Outbound) -> dict[str, Any]:
    if outbound.choices:
        return {"type": "interactive", "interactive": _interactive(inbox, outbound)}
    if outbound.attachments:
        # An audio file has no place for words: beside some, it goes as a document.
        kind, media = _uploaded(inbox, outbound.attachments[0], plain=bool(outbound.text.strip()))
        return {"type": kind, kind: {**media, **({"caption": outbound.text} if outbound.text.strip() else {})}}
    links = "http://" in outbound.text or "https://" in outbound.text
    return {"type": "text", "text": {"body": outbound.text, **({"preview_url": True} if links else {})}}


def _interactive(inbox: InboxConfig, outbound: Outbound) -> dict[str, Any]:
    body = {"body": {"text": outbound.text}}
    named = [(f"choice-{place}", choice) for place, choice in enumerate(outbound.choices, 1)]
    if _fits_buttons(outbound):
        header = {}
        if outbound.attachments:
            kind, media = _uploaded(inbox, outbound.attachments[0])
            header = {"header": {"type": kind, kind: media}}
        buttons = [{"type": "reply", "reply": {"id": name, "title": choice}} for name, choice in named]
        return {"type": "button", **header, **body, "action": {"buttons": buttons}}
    rows = [{"id": name, "title": choice} for name, choice in named]
    label = str(inbox.settings.get("list_label") or "Choose")
    return {"type": "list", **body, "action": {"button": label, "sections": [{"rows": rows}]}}


def _uploaded(inbox: InboxConfig, file: File, *, plain: bool = False) -> tuple[str, dict[str, str]]:
    """Upload a file; the kind of message it makes, and its fields. An upload that fails has sent nothing: it may be tried again."""
    mime = file.mime.partition(";")[0].strip().lower()
    native = mime in _NATIVE.get(file.kind, ()) and not (plain and file.kind == "audio")
    kind = file.kind if native else "document"
    if file.size > (limit := MEDIA[file.kind if kind != "document" else "file"]):
        raise ChannelError(ErrorKind.INVALID, f"The file is larger than the {limit // MB} MB that WhatsApp takes.")
    name = one_line(file.name, 240) or "file"
    try:
        answer = call(
            inbox,
            "POST",
            number_id(inbox),
            "media",
            data={"messaging_product": "whatsapp", "type": mime},
            files={"file": (name, file.read(), mime or "application/octet-stream")},
            timeout=UPLOAD,
        )
        media = id_of(answer, "id")
    except ChannelError as error:
        if error.kind is ErrorKind.UNKNOWN_OUTCOME:
            raise ChannelError(ErrorKind.TRANSIENT, error.words, code=error.code) from error
        raise
    return kind, {"id": media, **({"filename": name} if kind == "document" else {})}


def _template(template: Template) -> dict[str, Any]:
    """``values`` stand in the order in which the gaps of the body first appear; Meta wants numbered ones by number."""
    if not template.name or not template.language:
        raise ChannelError(ErrorKind.INVALID, "The template has no name or no language.")
    gaps = list(dict.fromkeys(_GAP.findall(template.body)))
    if template.body and len(gaps) != len(template.values):
        words = (
            f"The template '{one_line(template.name, 60)}' needs {len(gaps)} values; {len(template.values)} were given."
        )
        raise ChannelError(ErrorKind.INVALID, words)
    named = list(zip(gaps or map(str, range(1, len(template.values) + 1)), template.values, strict=True))
    if all(gap.isdecimal() for gap, _ in named):
        values = [{"type": "text", "text": value} for _, value in sorted(named, key=lambda one: int(one[0]))]
    else:
        values = [{"type": "text", "parameter_name": gap, "text": value} for gap, value in named]
    parts = {"components": [{"type": "body", "parameters": values}]} if values else {}
    return {
        "type": "template",
        "template": {"name": template.name, "language": {"code": template.language}, **parts},
    }


def seen(inbox: InboxConfig, message: str, *, typing: bool = False) -> None:
    """Show the customer that a message, and all before it, were read; with ``typing`` also that an answer is being written, for 25
    seconds or until it is sent."""
    content: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message}
    if typing:
        content["typing_indicator"] = {"type": "text"}
    if not message:
        raise ChannelError(ErrorKind.INVALID, "There is no message to mark as read.")
    done(call(inbox, "POST", number_id(inbox), "messages", json=content))


def templates(inbox: InboxConfig) -> list[Template]:
    """The approved templates whose gaps are all in the body: others need what nobody is asked for here (a picture, a link)."""
    account = str(inbox.settings.get("business_account_id") or "")
    if not account:
        raise ChannelError(
            ErrorKind.INVALID, "Templates need the WhatsApp Business account id in the inbox's settings."
        )
    params = {"fields": "name,language,status,parameter_format,components", "status": "APPROVED", "limit": "100"}
    found: list[Template] = []
    for _ in range(PAGES):
        answer = call(inbox, "GET", account, "message_templates", params=params)
        data = answer.get("data")
        usable = map(_usable, data if isinstance(data, list) else [])
        found += [template for template in usable if template is not None]
        paging = answer.get("paging")
        cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
        after = cursors.get("after") if isinstance(cursors, dict) else None
        if not isinstance(after, str) or not after:
            break
        params = {**params, "after": after}
    return found


def _usable(told: Any) -> Template | None:
    if not isinstance(told, dict) or told.get("status", "APPROVED") != "APPROVED":
        return None
    name, language, parts = told.get("name"), told.get("language"), told.get("components")
    if not isinstance(name, str) or not isinstance(language, str) or not isinstance(parts, list):
        return None
    body = ""
    for part in parts:
        if not isinstance(part, dict):
            return None
        if part.get("type") == "BODY" and isinstance(part.get("text"), str):
            body = part["text"]
        elif part.get("format", "TEXT") != "TEXT" or _VARIABLE.search(str({**part, "example": None})):
            return None
    if not body or _VARIABLE.search(_GAP.sub("", body)):
        return None
    return Template(one_line(name, 512), one_line(language, 20), storable(body, 2000))


def source(inbox: InboxConfig, attachment: Attachment) -> Source:
    """Where a customer's file can be had for the next five minutes, by its id; Meta keeps it for seven days."""
    if not attachment.reference:
        return Source(url=attachment.url, mime=attachment.mime, name=attachment.name)
    told = call(inbox, "GET", attachment.reference, params={"phone_number_id": number_id(inbox)})
    url, mime = told.get("url"), told.get("mime_type")
    if not isinstance(url, str) or not url:
        raise ChannelError(ErrorKind.TRANSIENT, "WhatsApp did not say where the file is.")
    own = _host(url) == _host(str(inbox.settings.get("api_base", "")))
    if not own and not _of_meta(url):
        raise ChannelError(
            ErrorKind.INVALID, "WhatsApp named an address that is not its own: the file was not fetched."
        )
    return Source(
        url=url,
        headers={"authorization": f"Bearer {inbox.settings.get('access_token', '')}"},
        mime=mime.partition(";")[0] if isinstance(mime, str) else attachment.mime,
        name=attachment.name,
        own=own,
    )


def _host(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _of_meta(url: str) -> bool:
    """Whether the token may be shown to whoever is at ``url``."""
    host = _host(url)[0]
    return url.startswith("https://") and host.endswith((".fbsbx.com", ".facebook.com", ".fbcdn.net", ".whatsapp.net"))


def account(inbox: InboxConfig) -> str:
    """Words about the number the token speaks for. Raises ChannelError."""
    fields = {"fields": "id,display_phone_number,verified_name"}
    told = call(inbox, "GET", number_id(inbox), params=fields)
    shown = told.get("display_phone_number")
    if str(told.get("id", "")) != number_id(inbox) or not isinstance(shown, str):
        raise ChannelError(ErrorKind.INVALID, "The platform knows no phone number by that id.")
    name = one_line(str(told.get("verified_name") or ""), 120)
    return f"Connected to {one_line(shown, 40)}{f' ({name})' if name else ''}."
