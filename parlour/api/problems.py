"""Errors as RFC 9457 problem details: one shape for everything that goes wrong."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from parlour.api.wire import UnsupportedMediaError, encode
from parlour.cases.access import Conflict, Invalid
from parlour.staff.access import Denied

log = logging.getLogger("parlour.api")

CONTENT_TYPE = "application/problem+json"

KINDS: dict[int, tuple[str, str]] = {
    400: ("malformed", "The request cannot be read"),
    401: ("unauthenticated", "A valid token is needed"),
    403: ("denied", "The token's role does not allow this"),
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "This address does not take that method"),
    409: ("conflict", "The request conflicts with what is there"),
    413: ("too-large", "The request is too large"),
    415: ("unsupported-media-type", "The body must be JSON"),
    422: ("invalid", "Some of the values are not acceptable"),
    500: ("internal", "Something went wrong on our side"),
    503: ("busy", "The desk is busy; try again"),
}
"""Status -> (name in the documentation, title)."""


@dataclass(eq=False)
class ProblemError(Exception):
    """Ends a request with problem details. ``errors`` are pairs of a field and a sentence."""

    status: int
    detail: str
    errors: Sequence[tuple[str, str]] = ()


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A response with problem details. ``errors`` are pairs of a field and a sentence."""
    name, title = KINDS.get(status, ("other", HTTPStatus(status).phrase))
    body: dict[str, Any] = {
        "type": f"/api/v1/docs#problem-{name}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"field": field, "message": message} for field, message in errors]
    return HttpResponse(encode(body), status=status, content_type=CONTENT_TYPE, headers=headers)


def not_found(_request: HttpRequest) -> HttpResponse:
    """The view of every address under the API that nothing else answers."""
    return problem(404, "There is no such address. /api/v1/docs lists those that exist.")


def _field(location: Sequence[Any]) -> str:
    """``("body", "body", "text")`` is ``text``, ``("query", "limit")`` is ``limit``; without a field, the source."""
    parts = [str(part) for part in location]
    source, names = parts[0], parts[1:]
    # Ninja puts the parameter's own name before the fields of a body or of a group of query values.
    if names and names[0] in {"body", "filters"}:
        names = names[1:]
    return ".".join(names) or source


def _validation(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [(_field(one["loc"]), str(one["msg"]).removeprefix("Value error, ")) for one in error.errors]
    return problem(422, "; ".join(f"{field}: {words}" for field, words in errors[:5]), errors=errors)


def _unauthenticated(request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    given = bool(request.headers.get("Authorization"))
    challenge = 'Bearer realm="parlour"' + (', error="invalid_token"' if given else "")
    detail = (
        "The token is unknown or was revoked."
        if given
        else "Send a token made with “parlour token add” as “Authorization: Bearer …”."
    )
    return problem(401, detail, headers={"WWW-Authenticate": challenge})


def _http(_request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, UnsupportedMediaError):
        return problem(415, str(error.__cause__), headers={"Accept": "application/json"})
    if error.status_code == 400:
        return problem(400, "The body is not valid JSON.")
    return problem(error.status_code, error.message)


def _unexpected(_request: HttpRequest, error: Exception) -> HttpResponse:
    # The kind and the place only: messages of exceptions may quote what customers wrote.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("%s at %s:%s", type(error).__name__, frame.filename, frame.lineno)
    return problem(500, "The error was logged; nothing of this request was kept if it was a single change.")


def _busy(_request: HttpRequest, error: OperationalError) -> HttpResponse:
    log.warning("%s while answering the API", type(error).__name__)
    return problem(503, "The database did not answer in time.", headers={"Retry-After": "2"})


def register(api: NinjaAPI) -> None:
    """Make ``api`` answer every exception with problem details."""
    handlers: dict[type[Exception], Any] = {
        ProblemError: lambda _, error: problem(error.status, error.detail, errors=error.errors),
        ValidationError: _validation,
        AuthenticationError: _unauthenticated,
        HttpError: _http,
        Http404: lambda _, __: problem(404, "There is nothing with that id."),
        ObjectDoesNotExist: lambda _, __: problem(404, "There is nothing with that id."),
        Denied: lambda _, error: problem(403, str(error)),
        Invalid: lambda _, error: problem(422, str(error)),
        Conflict: lambda _, error: problem(409, str(error)),
        RequestDataTooBig: lambda _, __: problem(413, "The body may have at most 2 MB."),
        UnreadablePostError: lambda _, __: problem(400, "The body ended early."),
        OperationalError: _busy,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)
