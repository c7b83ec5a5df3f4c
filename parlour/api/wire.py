"""JSON in and out of the API."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from ninja.parser import Parser


class UnsupportedMediaError(Exception):
    """A body that is not JSON by its own account."""


def encode(data: Any) -> bytes:
    """JSON bytes; moments in UTC with a ``Z``."""
    try:
        return orjson.dumps(data, option=orjson.OPT_UTC_Z)
    except TypeError:
        # Facts kept from a platform may hold integers beyond 64 bits or half a surrogate pair, which orjson refuses.
        return json.dumps(data, cls=DjangoJSONEncoder).encode()


def answer(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(encode(data), status=status, content_type="application/json")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class JSONParser(Parser):
    """Reads bodies: JSON only, and no NaN or Infinity."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        kind = request.content_type or ""
        if kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMediaError("Send the body as “Content-Type: application/json”.")
        parsed: dict[str, Any] = json.loads(request.body, parse_constant=_no_constant)
        return parsed
