"""Forms with files (``multipart/form-data``), as stand-ins are sent them."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from parlour.playground.web import Request


@dataclass(frozen=True, slots=True)
class Part:
    """A field of the form; ``filename`` is '' for plain ones."""

    content: bytes
    filename: str = ""
    mime: str = "text/plain"

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def parts(request: Request) -> dict[str, Part]:
    """The fields by name, the last one of each; empty when the body is no such form."""
    return dict(every(request))


def every(request: Request) -> list[tuple[str, Part]]:
    """All fields in order; empty when the body is no such form."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return []
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    whole = message_from_bytes(head + request.body, policy=policy.HTTP)
    found: list[tuple[str, Part]] = []
    for part in whole.iter_parts() if whole.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = cast(EmailMessage, part).get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.append((name, Part(content, part.get_filename() or "", part.get_content_type())))
    return found
