"""The REST API under ``/api/v1/``: its routes, its OpenAPI document, its documentation page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from parlour.api import (
    cases,
    desk,
    docs,
    escalations,
    files,
    incidents,
    moderation,
    problems,
    rules,
    schemas,
    service_levels,
    understanding,
)
from parlour.api.bearer import BearerToken
from parlour.api.wire import JSONParser

DESCRIPTION = """
Read and answer the cases of a Parlour desk. Send a token made with “parlour token add” as a bearer token.
Lists come in pages: {"items": [...], "next": "<cursor or null>"}; ask for the next page with ?cursor=.
Errors are RFC 9457 problem details.
""".strip()

View = Callable[..., HttpResponseBase]


def _guarded(view: View) -> View:
    """``view`` with HEAD for every GET, problem details for 405, and nothing kept by caches."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = request.method
        # Ninja knows no HEAD; the server drops the body, for which it needs the method back.
        request.method = "GET" if method == "HEAD" else method
        response = view(request, *args, **kwargs)
        request.method = method
        if response.status_code == 405:
            allow = response.headers.get("Allow", "")
            response = problems.problem(405, f"This address takes {allow}.", headers={"Allow": allow})
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    # Callers bring a token, never a cookie, so there is nothing a forged request could use.
    guarded.csrf_exempt = True  # type: ignore[attr-defined]
    return guarded


def _root(_request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/api/v1/docs")


class ParlourAPI(NinjaAPI):
    """Ninja with problem details everywhere and every possible answer in its document."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        # Ninja finds its own address by the name of its root; everything that nothing else answers is a 404 of ours.
        found = [one for one in super()._get_urls() if not (isinstance(one, URLPattern) and one.name == "api-root")]
        for one in found:
            if isinstance(one, URLPattern):
                view = require_GET(one.callback) if one.name in {"openapi-json", "openapi-view"} else one.callback
                one.callback = _guarded(view)
        return [
            *found,
            path("docs.css", _guarded(require_GET(docs.stylesheet)), name="docs-css"),
            path("", _guarded(require_GET(_root)), name="api-root"),
            re_path(r"^.*$", _guarded(problems.not_found)),
        ]

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**kwargs)
        document["components"]["schemas"]["Problem"] = docs.problem_schema(schemas.Problem)
        for address, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["responses"] |= docs.problem_responses(address, method)
        return document


api = ParlourAPI(
    title="Parlour",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    auth=BearerToken(),
    parser=JSONParser(),
    docs=docs.Page(),
)
problems.register(api)
api.add_router("", cases.router)
api.add_router("", desk.router)
api.add_router("", moderation.router)
api.add_router("", files.router)
api.add_router("", incidents.router)
api.add_router("", escalations.router)
api.add_router("", rules.router)
api.add_router("", understanding.router)
api.add_router("", service_levels.router)
