"""What may be sent in through the API channel: checked strictly, since its sender can be told at once what is wrong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from parlour.channels.contract import Visibility
from parlour.lib.text import one_line, storable

TEXT_LIMIT = 100_000
ID_LIMIT = 150
FILE_LIMIT = 50
NEVER = object()

Type = Literal["message", "edit", "delete"]
EVENT_TYPES: dict[str, Type] = {
    "message.received": "message",
    "message.created": "message",
    "message.edited": "edit",
    "message.updated": "edit",
    "message.deleted": "delete",
}
FILE_KINDS = frozenset({"image", "video", "audio", "file", "sticker", "link", "location", "post", "other"})
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class SchemaError(ValueError):
    """A body that is not as the schema says; the sentence names the field."""


@dataclass(frozen=True, slots=True)
class File:
    url: str
    kind: str
    name: str
    mime: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message, an edit of one, or its deletion, as it was sent in."""

    type: Type
    external_id: str
    thread: str
    visibility: Visibility
    subject: str
    author: str
    """External id of who wrote it; '' only in a deletion."""
    name: str
    email: str
    text: str
    files: tuple[File, ...]
    created_at: datetime | None
    reply_to: str

    @property
    def key(self) -> str:
        """Of an edit, each different state is an event of its own; the same state told twice is one."""
        if self.type == "message":
            return f"msg:{self.external_id}"
        if self.type == "delete":
            return f"delete:{self.external_id}"
        state = orjson.dumps([self.text, self.created_at, [(file.url, file.name) for file in self.files]])
        return f"edit:{self.external_id}:{hashlib.sha256(state).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a type this channel has no use for."""

    type: str
    body: bytes
    """The event as JSON, members in the order of their names."""

    @property
    def key(self) -> str:
        return f"event:{hashlib.sha256(self.body).hexdigest()[:32]}"


def read(payload: object) -> Said | Unknown:
    """The one event of a body: our flat shape, or an event ``{"type", "timestamp", "data"}``. Raises SchemaError."""
    if not isinstance(payload, dict):
        raise SchemaError("The body must be one JSON object.")
    if "data" not in payload:
        kind = payload.get("type", "message")
        if kind not in ("message", "edit", "delete"):
            raise SchemaError("The field type must be message, edit or delete.")
        return _said(kind, payload, payload.get("created_at"))
    name, data = payload.get("type"), payload["data"]
    if not isinstance(name, str) or not name:
        raise SchemaError("The field type must name the event.")
    if name not in EVENT_TYPES:
        try:
            return Unknown(one_line(name, 80), orjson.dumps(payload, option=orjson.OPT_SORT_KEYS))
        except orjson.JSONEncodeError as error:
            raise SchemaError(
                "The body is nested too deeply, or holds numbers or text that JSON cannot hold."
            ) from error
    if not isinstance(data, dict):
        raise SchemaError("The field data must be an object.")
    return _said(EVENT_TYPES[name], data, data.get("created_at", payload.get("timestamp")))


def _said(kind: Type, body: Mapping[str, Any], told: object) -> Said:
    external_id = _id(body, "external_id")
    thread = _object(body, "thread")
    writer = _object(body, "author") if kind != "delete" or body.get("author") is not None else {}
    files = _files(body)
    text = "" if kind == "delete" else _text(body, files)
    visibility = thread.get("visibility", "private")
    if visibility not in ("private", "public"):
        raise SchemaError("The field thread.visibility must be private or public.")
    email = _optional(writer, "email", "author.email", 254)
    if email and ("@" not in email or " " in email):
        raise SchemaError("The field author.email is no e-mail address.")
    return Said(
        type=kind,
        external_id=external_id,
        thread=_id(thread, "external_id", "thread."),
        visibility=visibility,
        subject=_optional(thread, "subject", "thread.subject", 200),
        author=_id(writer, "external_id", "author.") if writer or kind != "delete" else "",
        name=_optional(writer, "name", "author.name", 120),
        email=email,
        text=text,
        files=files,
        created_at=_moment(told),
        reply_to=_id(body, "reply_to") if body.get("reply_to") is not None else "",
    )


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in body:
        raise SchemaError(f"The field {name} is missing.")
    value = body[name]
    if not isinstance(value, dict):
        raise SchemaError(f"The field {name} must be an object.")
    return value


def _id(body: Mapping[str, Any], name: str, inside: str = "") -> str:
    value = body.get(name, NEVER)
    if value is NEVER:
        raise SchemaError(f"The field {inside}{name} is missing.")
    if not isinstance(value, str) or not value.strip() or len(value) > ID_LIMIT or _UNPRINTABLE.search(value):
        raise SchemaError(f"The field {inside}{name} must be text of 1 to {ID_LIMIT} printable characters.")
    return value


def _text(body: Mapping[str, Any], files: tuple[File, ...]) -> str:
    text = body.get("text", NEVER)
    if text is NEVER:
        raise SchemaError("The field text is missing.")
    if not isinstance(text, str) or len(text) > TEXT_LIMIT:
        raise SchemaError(f"The field text must be text of at most {TEXT_LIMIT:,} characters.")
    if not text.strip() and not files:
        raise SchemaError("The field text may be empty only when there are attachments.")
    return storable(text)


def _optional(body: Mapping[str, Any], name: str, path: str, limit: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SchemaError(f"The field {path} must be text.")
    return one_line(value, limit)


def _files(body: Mapping[str, Any]) -> tuple[File, ...]:
    listed = body.get("attachments")
    if listed is None:
        return ()
    if not isinstance(listed, list) or len(listed) > FILE_LIMIT:
        raise SchemaError(f"The field attachments must be a list of at most {FILE_LIMIT}.")
    files = []
    for number, one in enumerate(listed):
        path = f"attachments[{number}]"
        if not isinstance(one, dict):
            raise SchemaError(f"The field {path} must be an object.")
        url = one.get("url")
        web = isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= 2000
        if not isinstance(url, str) or not web or _UNPRINTABLE.search(url):
            raise SchemaError(f"The field {path}.url must be a web address.")
        kind = one.get("kind")
        if kind is not None and (not isinstance(kind, str) or kind not in FILE_KINDS):
            raise SchemaError(f"The field {path}.kind must be one of {', '.join(sorted(FILE_KINDS))}.")
        mime = _optional(one, "mime", f"{path}.mime", 100)
        files.append(File(url, kind or _kind_of(mime), _optional(one, "name", f"{path}.name", 200), mime))
    return tuple(files)


def _kind_of(mime: str) -> str:
    family = mime.partition("/")[0].lower()
    return family if family in ("image", "video", "audio") else "file"


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError
        told = datetime.fromisoformat(value)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SchemaError("The field created_at (or timestamp) must be a time such as 2026-11-21T10:00:00Z.") from error


def flat(said: Said) -> bytes:
    """``said`` as JSON of the flat shape; ``read`` gives the same again."""
    body: dict[str, Any] = {
        "type": said.type,
        "external_id": said.external_id,
        "thread": {"external_id": said.thread, "visibility": said.visibility, "subject": said.subject},
        "attachments": [
            {"url": file.url, "kind": file.kind, "name": file.name, "mime": file.mime} for file in said.files
        ],
        "created_at": said.created_at,
    }
    if said.author:
        body["author"] = {"external_id": said.author, "name": said.name, "email": said.email or None}
    if said.type != "delete":
        body["text"] = said.text
    if said.reply_to:
        body["reply_to"] = said.reply_to
    return orjson.dumps(body)
