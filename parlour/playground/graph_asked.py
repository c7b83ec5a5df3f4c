"""What a request to the Graph asks for, and how it is refused: for the Page's stand-in and for Instagram's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from parlour.playground.graph_files import KINDS, MAX_BYTES, Upload
from parlour.playground.web import Reply, json_reply


class GraphError(Exception):
    """A refusal in Graph's words; the HTTP status is 400 unless told otherwise."""

    def __init__(self, code: int, words: str, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(words)
        self.code, self.words, self.subcode, self.status = code, words, subcode, status
        self.headers: dict[str, str] = {}
        self.type = "OAuthException"

    def reply(self) -> Reply:
        error: dict[str, Any] = {"message": self.words, "type": self.type, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = "AStandInTrace0"
        return json_reply({"error": error}, self.status, self.headers)


def gone(object_id: str) -> GraphError:
    words = (
        f"Unsupported get/post request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    return GraphError(100, words, 33)


def parameter(value: Any) -> dict[str, Any]:
    """A parameter that holds an object, which a form carries as JSON text."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise GraphError(100, "(#100) A parameter is not valid JSON.") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise GraphError(100, "(#100) A parameter must be an object.")
    return value


def words(message: dict[str, Any], limit: int) -> tuple[str, str]:
    """The text and the metadata of a message; one with a file has no text."""
    text, metadata = message.get("text"), message.get("metadata", "")
    if "attachment" in message and text is None:
        text = ""
    elif not isinstance(text, str) or not text.strip() or "attachment" in message:
        raise GraphError(100, "(#100) Message cannot be empty, must provide valid attachment or text")
    if len(text) > limit:
        raise GraphError(100, f"(#100) Length of param message[text] must be less than or equal to {limit}")
    if not isinstance(metadata, str) or len(metadata) > 1000:
        raise GraphError(100, "(#100) Length of param message[metadata] must be less than or equal to 1000")
    return text, metadata


def uploaded(params: dict[str, Any]) -> Upload:
    """The file of a request to ``message_attachments``. Raises GraphError."""
    told = parameter(parameter(params.get("message")).get("attachment"))
    file, kind = params.get("filedata"), told.get("type")
    if kind not in KINDS:
        raise GraphError(100, "(#100) Param message[attachment][type] must be one of {AUDIO, FILE, IMAGE, VIDEO}")
    if not isinstance(file, Upload) or not file.content:
        raise GraphError(100, "(#100) Upload attachment failure.", 2018047)
    if len(file.content) > MAX_BYTES:
        raise GraphError(100, "(#100) The attachment is too large.", 2018109)
    return replace(file, kind=kind)


def attached(message: dict[str, Any], uploads: dict[str, Upload]) -> Upload | None:
    """The file a message carries by its id. Raises GraphError when it was never handed over."""
    if "attachment" not in message:
        return None
    told = parameter(message["attachment"])
    found = uploads.get(str(parameter(told.get("payload")).get("attachment_id", "")))
    if found is None or found.kind != told.get("type"):
        raise GraphError(100, "(#100) Invalid attachment id", 2018008)
    return found


def quick_replies(message: dict[str, Any]) -> tuple[str, ...]:
    """The titles of a message's quick replies. Raises GraphError."""
    told = message.get("quick_replies") or []
    if not isinstance(told, list) or len(told) > 13:
        raise GraphError(100, "(#100) Param message[quick_replies] must have at most 13 items.")
    titles: list[str] = []
    for each in told:
        title = each.get("title") if isinstance(each, dict) and each.get("content_type") == "text" else None
        if not isinstance(title, str) or not 0 < len(title) <= 20 or not each.get("payload"):
            raise GraphError(100, "(#100) A quick reply needs a title of at most 20 characters and a payload.")
        titles.append(title)
    return tuple(titles)
