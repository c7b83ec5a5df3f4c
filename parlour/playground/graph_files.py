"""Files as Meta takes them: forms in several parts, with limits by kind. What is uploaded is remembered by an id."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from parlour.playground.web import Request

KINDS = ("image", "video", "audio", "file")
MAX_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file somebody handed over."""

    name: str
    mime: str
    content: bytes
    kind: str = "file"


def multipart(request: Request) -> tuple[dict[str, Any], dict[str, Upload]] | None:
    """Fields and files of a form in several parts, None when the request is another one. Raises ValueError."""
    told = request.headers.get("content-type", "")
    if not told.lower().startswith("multipart/form-data"):
        return None
    head = f"content-type: {told}\r\n\r\n".encode("latin-1", "replace")
    parsed = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + request.body)
    if not parsed.is_multipart():
        raise ValueError("The form has no parts.")
    fields: dict[str, Any] = dict(request.query)
    files: dict[str, Upload] = {}
    for part in parsed.iter_parts():
        field, name = str(part.get_param("name", "", "content-disposition")), part.get_filename()
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if name is None:
            fields[field] = content.decode("utf-8", "replace")
        else:
            files[field] = Upload(name, part.get_content_type(), content)
    return fields, files
