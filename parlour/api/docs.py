"""The documentation page, written on the server from the OpenAPI document: no script, nothing from elsewhere."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from pydantic import BaseModel

from parlour.api.problems import CONTENT_TYPE, KINDS

FOLDER = Path(__file__).parent / "templates"
SHOWN = (
    "Case",
    "Message",
    "Inbox",
    "Event",
    "Agent",
    "Team",
    "Me",
    "Author",
    "Delivery",
    "Attachment",
    "Capabilities",
    "Problem",
)
"""The shapes the page explains, in this order."""


def problem_schema(shape: type[BaseModel]) -> dict[str, Any]:
    """The schema of problem details with its parts inside, so that it needs no other component."""
    schema = shape.model_json_schema()
    parts = schema.pop("$defs")
    schema["properties"]["errors"]["items"] = parts["FieldError"]
    return schema


def problem_responses(address: str, method: str) -> dict[int, Any]:
    """The ways in which a call of this kind can go wrong."""
    statuses = {401, 403, 422, 500, 503}
    statuses |= {404} if "{" in address else set()
    statuses |= {400, 409, 413, 415} if method != "get" else set()
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": KINDS[status][1], "content": content} for status in sorted(statuses)}


def type_words(schema: dict[str, Any]) -> str:
    """A schema in a few words: ``integer or null``, ``open | resolved``, ``list of Message``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return type_words(schema["allOf"][0])
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_words(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "any"))


def _paragraph(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["type_words"] = type_words
    environment.filters["paragraph"] = _paragraph
    return environment.get_template("api_docs.html")


@lru_cache(maxsize=8)
def _page(api: NinjaAPI, origin: str) -> bytes:
    document = api.get_openapi_schema()
    schemas = document["components"]["schemas"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for address, operations in document["paths"].items():
        for method, operation in operations.items():
            row = {"address": address, "method": method.upper(), **operation, "body": _body(operation, schemas)}
            groups.setdefault(operation["tags"][0], []).append(row)
    shown = {name: schemas[name] for name in SHOWN}
    html: str = _template().render(info=document["info"], groups=groups, schemas=shown, problems=KINDS, origin=origin)
    return html.encode()


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any] | None:
    if "requestBody" not in operation:
        return None
    schema: dict[str, Any] = next(iter(operation["requestBody"]["content"].values()))["schema"]
    return schemas[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


class Page(DocsBase):
    """Renders the page for Ninja."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:  # noqa: ARG002 - Ninja names them
        return HttpResponse(_page(api, request.build_absolute_uri("/").rstrip("/")))


def stylesheet(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        (FOLDER / "api_docs.css").read_bytes(), content_type="text/css", headers={"Cache-Control": "max-age=3600"}
    )
