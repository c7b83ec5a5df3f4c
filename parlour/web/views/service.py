"""What is served to machines: the desk's own files, and whether it is well."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.views.decorators.http import require_safe

from parlour.understanding.asking import queries as asking
from parlour.web import files


@require_safe
def static(request: HttpRequest, edition: str, name: str) -> HttpResponse:
    """One of the desk's files. Kept by browsers for good under the present edition's address, asked for again under any other."""
    file = files.files().get(name)
    if file is None:
        return HttpResponse("There is no such file.", status=404, content_type="text/plain; charset=utf-8")
    lasting = edition == files.edition()
    headers = {
        "ETag": file.etag,
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if file.etag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return HttpResponse(file.packed, content_type=file.content_type, headers=headers | {"Content-Encoding": "gzip"})
    return HttpResponse(file.body, content_type=file.content_type, headers=headers)


@require_safe
def health(_: HttpRequest) -> JsonResponse:
    """200 and ``{"ok": true}`` when the database answers, else 503. Where a language model is set up, whether it answers, too."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        model = asking.health()
    except DatabaseError:
        return JsonResponse({"ok": False}, status=503)
    return JsonResponse({"ok": True} if model == "off" else {"ok": True, "language_model": model})
