"""One question to an OpenAI-compatible endpoint: POST {base}/chat/completions, and its answer read with patience."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import orjson
from django.conf import settings

from parlour.lib import clock, http

SECONDS: Final = 60.0
"""A model on a processor takes its time; nobody waits for it."""
MOST_WORDS: Final = 1_000
"""Tokens of an answer: four labels are thirty, models that think aloud take hundreds."""
LONGEST_REST: Final = 3600.0
"""What an endpoint asks for with Retry-After is believed up to an hour."""


class NoAnswer(Exception):
    """The endpoint is not to be had: down, too slow, too busy, or it refuses us. Its text is a sentence without anything of the message.
    ``rest``: seconds it asks to be left alone, where it does."""

    def __init__(self, words: str, rest: float | None = None) -> None:
        super().__init__(words)
        self.rest = rest


class Unusable(Exception):
    """The endpoint answered, but not with what was asked for. Its text is a sentence."""

    def __init__(self, words: str, tokens: tuple[int, int] = (0, 0)) -> None:
        super().__init__(words)
        self.tokens = tokens


@dataclass(frozen=True, slots=True)
class Said:
    """The model's words, what they cost in tokens (in, out; as told), and how long they took."""

    words: str
    tokens: tuple[int, int]
    milliseconds: int


def configured() -> bool:
    """Whether there is an endpoint to ask."""
    return settings.LANGUAGE_MODEL is not None


def name() -> str:
    """The model's name, for people; '' while there is none."""
    return settings.LANGUAGE_MODEL["model"] if settings.LANGUAGE_MODEL else ""


def host() -> str:
    """Where it is asked, for people; '' while there is none."""
    return httpx.URL(settings.LANGUAGE_MODEL["url"]).netloc.decode() if settings.LANGUAGE_MODEL else ""


FORMATS: Final = ("json_schema", "json_object", "")
"""How the form of the answer is asked for, the strictest first; servers differ in what they know."""
LIMITS: Final = ("max_tokens", "max_completion_tokens", "")


@dataclass(frozen=True, slots=True)
class _Manners:
    """What an endpoint has been found to take."""

    form: int = 0
    limit: int = 0
    temperature: bool = True

    def without(self, complaint: str) -> _Manners | None:
        """What to try after a refusal that names what it minds; None when there is nothing left to give up."""
        if self.temperature and "temperature" in complaint:
            return _Manners(self.form, self.limit, False)
        if LIMITS[self.limit] and LIMITS[self.limit] in complaint:
            return _Manners(self.form, self.limit + 1, self.temperature)
        minds = any(
            word in complaint for word in ("response_format", "json_schema", "json_object", "grammar", "schema")
        )
        return _Manners(self.form + 1, self.limit, self.temperature) if FORMATS[self.form] and minds else None

    def body(self, model: str, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"model": model, "messages": list(messages), "stream": False}
        if self.temperature:
            body["temperature"] = 0
        if LIMITS[self.limit]:
            body[LIMITS[self.limit]] = MOST_WORDS
        if FORMATS[self.form] == "json_schema":
            asked = {"name": "labels", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": asked}
        elif FORMATS[self.form]:
            body["response_format"] = {"type": "json_object"}
        return body


_manners: dict[tuple[str, str], _Manners] = {}


def ask(messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], seconds: float = SECONDS) -> Said:
    """The model's words to these messages, within ``seconds`` in all. Raises NoAnswer and Unusable; ValueError without an endpoint."""
    endpoint = settings.LANGUAGE_MODEL
    if endpoint is None:
        raise ValueError("There is no language model: PARLOUR_LLM_URL is not set.")
    begun = time.monotonic()
    place = endpoint["url"], endpoint["model"]
    manners = _manners.get(place, _Manners())
    while True:
        left = seconds - (time.monotonic() - begun)
        if left <= 0:
            raise NoAnswer("It took too long to answer.")
        answer = _post(endpoint, manners.body(endpoint["model"], messages, schema), left)
        if answer.status_code not in (400, 422):
            break
        milder = manners.without(answer.content[:4096].decode("utf-8", "replace").lower())
        if milder is None:
            break
        manners = milder
    _settled(answer)
    _manners[place] = manners
    words, tokens = read(answer.content)
    return Said(words, tokens, round((time.monotonic() - begun) * 1000))


def _post(endpoint: Mapping[str, str], body: Mapping[str, Any], seconds: float) -> httpx.Response:
    headers = {"content-type": "application/json", "accept": "application/json"}
    if endpoint["key"]:
        headers["authorization"] = f"Bearer {endpoint['key']}"
    try:
        return http.request(
            "POST",
            f"{endpoint['url']}/chat/completions",
            seconds=seconds,
            timeout=httpx.Timeout(seconds, connect=5.0),
            headers=headers,
            content=orjson.dumps(body),
        )
    except http.NoAnswer as error:
        raise NoAnswer(f"{error} It may be down, or slower than {seconds:.0f} seconds.") from error


REFUSALS: Final = {
    400: "It refused the question",
    401: "It does not take PARLOUR_LLM_KEY",
    402: "It wants to be paid",
    403: "It does not let this key ask this model",
    404: "There is no such address or model: look at PARLOUR_LLM_URL and PARLOUR_LLM_MODEL",
    408: "It took too long",
    413: "It found the question too long",
    422: "It refused the question",
    429: "It is asked too often, or its quota is used up",
}


def _settled(answer: httpx.Response) -> None:
    """Raise NoAnswer unless the status is one of success. What a refusal says may hold the message: only its code is told."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NoAnswer(
            f"It sends us elsewhere (HTTP {status}), which is not followed: PARLOUR_LLM_URL must be where it is."
        )
    words = REFUSALS.get(status, "It is out of order" if status >= 500 else "It refused")
    code = _code(answer.content)
    raise NoAnswer(
        f"{words} (HTTP {status}{f', {code}' if code else ''}).", rest_asked(answer.headers.get("retry-after", ""))
    )


def _code(body: bytes) -> str:
    """The error's own code, as ``insufficient_quota``: a word, nothing anybody wrote."""
    try:
        error = orjson.loads(body)["error"]
        code = error.get("code") or error.get("type")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    plain = isinstance(code, str) and code.isascii() and len(code) <= 40 and code.replace("_", "").isalpha()
    return code if plain else ""


def rest_asked(value: str) -> float | None:
    """Retry-After, in seconds or as a date; None for nothing and for nonsense."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_REST)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - clock.now()).total_seconds()), LONGEST_REST)


def read(body: bytes) -> tuple[str, tuple[int, int]]:
    """The words of a completion, and its tokens. Raises Unusable."""
    try:
        told = orjson.loads(body)
    except ValueError as error:
        raise Unusable("Its answer is no JSON.") from error
    tokens = _tokens(told)
    try:
        choice = told["choices"][0]
        message = choice["message"]
        refused, content = message.get("refusal"), message.get("content")
    except (LookupError, TypeError, AttributeError) as error:
        raise Unusable("Its answer is no chat completion.", tokens) from error
    if refused:
        raise Unusable("The model declined to answer.", tokens)
    if isinstance(content, list):
        parts = [one.get("text") for one in content if isinstance(one, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    if choice.get("finish_reason") == "length":
        raise Unusable("The model was cut off before it came to the point.", tokens)
    if not isinstance(content, str) or not content.strip():
        raise Unusable("The model said nothing.", tokens)
    return content, tokens


def _tokens(told: Any) -> tuple[int, int]:
    usage = told.get("usage") if isinstance(told, dict) else None
    counts = [usage.get(one) if isinstance(usage, dict) else 0 for one in ("prompt_tokens", "completion_tokens")]
    sane = [one if type(one) is int and 0 <= one < 10_000_000 else 0 for one in counts]
    return sane[0], sane[1]
