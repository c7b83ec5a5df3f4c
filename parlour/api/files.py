"""Files: uploading those to be sent, reading those of messages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from ninja import File, Router
from ninja.files import UploadedFile

from parlour.api import schemas
from parlour.api.asked import only
from parlour.api.bearer import Request
from parlour.api.problems import ProblemError
from parlour.api.shapes import attachment_shape
from parlour.api.wire import answer
from parlour.cases import files
from parlour.cases.models import Attachment, FileState
from parlour.lib import serve
from parlour.lib.files import Unavailable
from parlour.staff import access

router = Router(tags=["Files"])


@router.post(
    "/files",
    response={201: schemas.Attachment},
    operation_id="addFile",
    summary="Upload a file to be sent with an answer",
)
def add_file(request: Request, file: File[UploadedFile]) -> HttpResponse:
    """Sent as `multipart/form-data`, in the field `file`. Name its `id` in the `attachments` of a reply; only your own token can.

    What it is, is found from its bytes. Programs are refused, and what is larger than the desk allows.
    """
    only(request, ())
    access.require(request.auth, access.ANSWER)
    if (file.size or 0) > settings.FILE_BYTES:
        raise ProblemError(422, files.too_large(), [("file", files.too_large())])
    try:
        return answer(attachment_shape(files.upload(request.auth, file.name or "", file.read())), 201)
    except Unavailable as error:
        raise ProblemError(503, str(error)) from error


_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/files/{int:file_id}",
    response={200: None},
    operation_id="readFile",
    summary="Read a file",
    openapi_extra={"responses": {200: {"description": "Its bytes, with their own content type.", "content": _BYTES}}},
)
def read_file(request: Request, file_id: int) -> HttpResponse:
    """The bytes of a file that is `fetched`. `Range` and `If-None-Match` are understood."""
    only(request, ())
    found = files.get_file(request.auth, file_id)
    if found.state != FileState.FETCHED:
        raise Attachment.DoesNotExist
    try:
        return serve.answer(request, found.digest, found.name or found.kind)
    except Unavailable as error:
        raise ProblemError(503, str(error)) from error
