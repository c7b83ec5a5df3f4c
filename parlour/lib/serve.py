"""Stored files as HTTP answers: never with a type that can run script, never into a cache that others share."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import content_disposition_header

from parlour.lib import files, sniff

KEPT_SECONDS = 3600
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_SANDBOX = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
# Browsers show no PDF in a sandbox; their viewers run none of its script in our name.
_PDF = "default-src 'none'; object-src 'self'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def answer(request: HttpRequest, digest: str, name: str, *, lasting: bool = False) -> HttpResponse:
    """The file, or the part of it that is asked for, as what its bytes say it is; anything a browser cannot show harmlessly is a
    download. ``lasting``: the address names this very file, and may be kept for good. Raises files.Unavailable."""
    headers = {
        "ETag": f'"{digest[:32]}"',
        "Cache-Control": f"private, max-age={31_536_000 if lasting else KEPT_SECONDS}{', immutable' if lasting else ''}",
    }
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    content = files.read(digest)
    mime = sniff.mime_of(content)
    shown = sniff.INLINE.get(mime)
    content_type = mime if shown else sniff.UNKNOWN
    headers |= {
        "Content-Security-Policy": _PDF if shown == "pdf" else _SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition_header(shown is None, files.name_of(name, mime) or "file") or "",
    }
    part = _part(request, headers["ETag"], len(content))
    if part is None:
        return HttpResponse(content, content_type=content_type, headers=headers)
    begin, end = part
    if begin > end:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
    return HttpResponse(content[begin : end + 1], status=206, content_type=content_type, headers=headers)


def _part(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the one range asked for; None for the whole file; first after last when there is no such part."""
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or not (asked[1] or asked[2]) or request.headers.get("If-Range", etag) != etag:
        return None
    if not asked[1]:
        last = int(asked[2])
        return (max(0, size - last), size - 1) if last and size else (1, 0)
    begin = int(asked[1])
    end = min(int(asked[2]), size - 1) if asked[2] else size - 1
    return (begin, end) if begin <= end else (1, 0)
