"""What the Cloud API refuses, in its words and codes."""

from __future__ import annotations

import re
from typing import Any

from parlour.playground.places.whatsapp.state import Approved
from parlour.playground.web import Reply, json_reply

TEXT, CAPTION, BODY, BUTTON, ROW = 4096, 1024, 1024, 20, 24
LIMITS = {"image": 5, "video": 16, "audio": 16, "document": 100}
"""Megabytes."""
MIMES = {
    "image": {"image/jpeg", "image/png"},
    "video": {"video/mp4", "video/3gpp"},
    "audio": {"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"},
}
_POSITION = re.compile(r"\{\{\d+\}\}")


class CloudError(Exception):
    """A refusal; the HTTP status is 400 unless told otherwise."""

    def __init__(self, code: int, title: str, details: str = "", status: int = 400) -> None:
        super().__init__(title)
        self.code, self.title, self.details, self.status = code, title, details, status

    def reply(self) -> Reply:
        error: dict[str, Any] = {"message": f"(#{self.code}) {self.title}", "type": "OAuthException", "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        return json_reply({"error": {**error, "fbtrace_id": "AStandInTrace0"}}, self.status)


def wrong(details: str) -> CloudError:
    return CloudError(100, "Invalid parameter", details)


def text_of(value: Any, limit: int, what: str, *, required: bool = True) -> str:
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise CloudError(131008, "Required parameter is missing", f"{what} is required.")
    if len(value) > limit:
        raise wrong(f"Param {what} must be at most {limit} characters long.")
    return value


def interactive(value: Any) -> tuple[str, tuple[str, ...]]:
    """The text and the answers to choose from."""
    told = value if isinstance(value, dict) else {}
    action: dict[str, Any] = told.get("action") or {}
    body: dict[str, Any] = told.get("body") or {}
    if told.get("type") == "button":
        text = text_of(body.get("text"), BODY, "interactive['body']['text']")
        buttons = action.get("buttons") or []
        titles = tuple(text_of(one["reply"].get("title"), BUTTON, "button title") for one in buttons)
        if not 1 <= len(titles) <= 3 or len(set(titles)) < len(titles):
            raise CloudError(
                131009, "Parameter value is not valid", "There must be 1 to 3 buttons with different titles."
            )
        return text, titles
    if told.get("type") == "list":
        text = text_of(body.get("text"), TEXT, "interactive['body']['text']")
        text_of(action.get("button"), BUTTON, "interactive['action']['button']")
        rows = [row for section in action.get("sections") or [] for row in section.get("rows") or []]
        titles = tuple(text_of(row.get("title"), ROW, "row title") for row in rows)
        if not 1 <= len(titles) <= 10:
            raise CloudError(131009, "Parameter value is not valid", "Total row count exceeds the maximum of 10.")
        return text, titles
    raise CloudError(131009, "Parameter value is not valid", "interactive['type'] is not valid.")


def template(value: Any, known: list[Approved]) -> tuple[Approved, str]:
    """The template that is meant, and its text with the values in it."""
    told = value if isinstance(value, dict) else {}
    language = told.get("language") or {}
    found = [one for one in known if (one.name, one.language) == (told.get("name"), language.get("code"))]
    if not found:
        raise CloudError(132001, "Template name does not exist in the translation", status=404)
    if found[0].status != "APPROVED":
        raise CloudError(132015, "Template is Paused")
    parts = told.get("components") or []
    values = [
        one.get("text", "") for part in parts if part.get("type") == "body" for one in part.get("parameters") or []
    ]
    places = _POSITION.findall(found[0].body)
    if len(values) != len(places):
        raise CloudError(132000, "Number of parameters does not match the expected number of params")
    text = found[0].body
    for place, given in zip(places, values, strict=True):
        text = text.replace(place, given, 1)
    return found[0], text
