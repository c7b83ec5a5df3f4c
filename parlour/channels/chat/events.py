"""What the widget sends: checked strictly, since it can be told at once what is wrong.

At the door a body is one event: ``{"type": "message", "id", "text", "files", "email", "language", "page"}``, or
``{"type": "delivered" | "read", "until"}``. ``Chat.decode`` puts it into an envelope ``{"event", "visitor"}`` with whom the token named:
nothing in the event says who speaks.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from parlour.channels.chat.visitors import ID_LIMIT, Visitor, email_of
from parlour.channels.contract import Attachment
from parlour.lib.text import one_line, storable

TEXT_LIMIT = 5_000
FILE_BYTES = 3_000_000
FILE_COUNT = 5
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
_LANGUAGE = re.compile(r"[a-z]{2}(?![a-z])")

Type = Literal["message", "delivered", "read"]


class Wrong(ValueError):
    """An event that is not as it should be; the sentence names the field."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event of a visitor."""

    type: Type
    visitor: Visitor
    id: str = ""
    text: str = ""
    files: tuple[Attachment, ...] = ()
    email: str = ""
    language: str = ""
    page: Mapping[str, str] | None = None
    until: datetime | None = None

    @property
    def external_id(self) -> str:
        """Of a message: the visitor's own id of it, in a name space nobody else can write into."""
        return f"{self.visitor.digest}/{self.id}"

    @property
    def key(self) -> str:
        if self.type == "message":
            return f"msg:{self.external_id}"
        assert self.until is not None
        return f"{self.type}:{self.visitor.digest}:{self.until.isoformat()}"


def read(payload: object) -> Said:
    """The event of an envelope. Raises Wrong."""
    if not isinstance(payload, dict) or not isinstance(payload.get("visitor"), dict):
        raise Wrong("The body must be one event of the chat.")
    event = payload.get("event")
    if not isinstance(event, dict):
        raise Wrong("The body must be one JSON object.")
    visitor = _visitor(payload["visitor"])
    kind = event.get("type")
    if kind == "message":
        return _message(visitor, event)
    if kind in ("delivered", "read"):
        return Said(kind, visitor, until=_moment(event.get("until")))
    raise Wrong("The field type must be message, delivered or read.")


def _visitor(told: Mapping[str, Any]) -> Visitor:
    one, name = told.get("id"), told.get("name", "")
    if not isinstance(one, str) or not 0 < len(one) <= ID_LIMIT or not one.isprintable() or not isinstance(name, str):
        raise Wrong("The visitor has no id.")
    return Visitor(one, one_line(name, 120), email_of(told.get("email")), known=told.get("known") is True)


def _message(visitor: Visitor, event: Mapping[str, Any]) -> Said:
    named = event.get("id")
    if not isinstance(named, str) or not _ID.fullmatch(named):
        raise Wrong("The field id must be 8 to 64 letters, digits, - and _.")
    text = event.get("text", "")
    if not isinstance(text, str):
        raise Wrong("The field text must be text.")
    if len(text) > TEXT_LIMIT:
        raise Wrong(f"The field text has {len(text):,} of at most {TEXT_LIMIT:,} characters.")
    files = _files(event.get("files") or [])
    if not text.strip() and not files:
        raise Wrong("A message needs some text or a file.")
    email = event.get("email") or ""
    if email and not email_of(email):
        raise Wrong("The field email is no e-mail address.")
    language = event.get("language")
    found = _LANGUAGE.match(language.lower()) if isinstance(language, str) else None
    return Said(
        "message",
        visitor,
        id=named,
        text=storable(text.strip()),
        files=files,
        email=visitor.email or email_of(email),
        language=found[0] if found else "",
        page=_page(event.get("page")),
    )


def _files(told: object) -> tuple[Attachment, ...]:
    if not isinstance(told, list) or len(told) > FILE_COUNT:
        raise Wrong(f"The field files must be a list of at most {FILE_COUNT}.")
    files: list[Attachment] = []
    for number, one in enumerate(told):
        if not isinstance(one, dict) or not isinstance(one.get("content"), str):
            raise Wrong("Each of the files must be an object with its content in base64.")
        try:
            content = binascii.a2b_base64(one["content"].encode(), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise Wrong("The content of a file is not base64.") from error
        name, mime = one.get("name"), one.get("mime")
        mime = mime.lower() if isinstance(mime, str) else ""
        mime = mime if _MIME.fullmatch(mime) else "application/octet-stream"
        begin = mime.partition("/")[0]
        files.append(
            Attachment(
                begin if begin in {"image", "audio", "video"} else "file",
                name=one_line(name, 120) if isinstance(name, str) and name.strip() else f"file-{number + 1}",
                mime=mime,
                size=len(content),
                content=content,
            )
        )
    if sum(len(one.content) for one in files) > FILE_BYTES:
        raise Wrong(f"The files have more than {FILE_BYTES:,} bytes together.")
    if not all(one.content for one in files):
        raise Wrong("An empty file is not sent.")
    return tuple(files)


def _page(told: object) -> Mapping[str, str] | None:
    """Where on the site they were: without query and fragment, which may hold what is nobody's business."""
    url = told.get("url") if isinstance(told, dict) else None
    if not isinstance(url, str) or len(url) > 2_000:
        return None
    try:
        parts = urlsplit(storable(url))
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        return None
    assert isinstance(told, dict)
    title = told.get("title")
    page = {"url": one_line(f"{parts.scheme}://{parts.netloc}{parts.path}", 400)}
    return page | {"title": one_line(title, 120)} if isinstance(title, str) and title.strip() else page


def _moment(told: object) -> datetime:
    try:
        at = datetime.fromisoformat(told) if isinstance(told, str) and len(told) <= 40 else None
        at = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        at = None
    if at is None or at.year < 1990:
        raise Wrong("The field until must be a time with its zone, as 2026-11-22T12:00:00+00:00.")
    return at
