"""What an answer may offer beside its words: answers to choose from, and templates that the platform has approved beforehand."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from parlour.cases.access import Invalid
from parlour.cases.models import Case, Thread
from parlour.channels import registry
from parlour.channels.contract import ChannelError, Choices, Template
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.lib.text import one_line

MOST_CHOICES = 10
CHOICE_LIMIT = 80
VALUE_LIMIT = 1000
KEPT_SECONDS = 300.0
"""How long the platform's list of templates is believed."""

_kept: dict[int, tuple[float, tuple[Template, ...]]] = {}
_lock = Lock()
_PLACE = re.compile(r"\{\{\s*(\w{1,60})\s*\}\}")


def read_choices(given: Sequence[str]) -> tuple[str, ...]:
    """What an agent wrote as choices: each on one line, none empty, none twice. Raises Invalid."""
    choices = tuple(dict.fromkeys(one_line(one, 200).strip() for one in given if one.strip()))
    if len(choices) > MOST_CHOICES:
        raise Invalid(f"At most {MOST_CHOICES} answers can be offered.")
    if too_long := next((one for one in choices if len(one) > CHOICE_LIMIT), None):
        raise Invalid(f"An answer to choose from has at most {CHOICE_LIMIT} characters: “{too_long[:40]}…” has more.")
    return choices


def offered(can: Choices | None, visibility: str, text: str, choices: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """(text, choices) as the channel takes them: as buttons where it can, else as numbered lines below the words."""
    if not choices:
        return text, ()
    fits = can is not None and len(choices) <= can.count and all(len(one) <= can.length for one in choices)
    if fits and visibility == "private":
        return text, choices
    lines = "\n".join(f"{number}. {one}" for number, one in enumerate(choices, 1))
    return f"{text}\n\n{lines}", ()


def template_thread(case: Case) -> Thread | None:
    """The private thread in which an approved template can be sent, the customer's latest first."""
    names = [name for name, channel in registry.CHANNELS.items() if channel.capabilities.templates]
    threads = Thread.objects.filter(case=case, customer__isnull=False, visibility="private", inbox__channel__in=names)
    return threads.select_related("inbox").order_by("-last_inbound_at", "-id").first()


def templates(inbox: Inbox) -> tuple[Template, ...]:
    """The approved templates of an inbox, asked for at most every five minutes. Raises Invalid with the platform's words."""
    with _lock:
        at, found = _kept.get(inbox.pk, (0.0, ()))
    if at and time.monotonic() - at < KEPT_SECONDS:
        return found
    try:
        found = tuple(registry.get(inbox.channel).templates(config(inbox)))
    except ChannelError as error:
        raise Invalid(f"The templates could not be fetched: {error.words}") from error
    with _lock:
        _kept[inbox.pk] = (time.monotonic(), found)
    return found


def places(template: Template) -> list[str]:
    """The names of the gaps in a template's body, in order, each once."""
    return list(dict.fromkeys(_PLACE.findall(template.body)))


def filled(inbox: Inbox, name: str, language: str, values: Sequence[str]) -> tuple[str, Template]:
    """(the words as the customer reads them, the template to send). Raises Invalid."""
    template = next((one for one in templates(inbox) if (one.name, one.language) == (name, language)), None)
    if template is None:
        raise Invalid("There is no such approved template.")
    gaps = places(template)
    given = [one_line(value, VALUE_LIMIT).strip() for value in values]
    if len(given) != len(gaps) or not all(given):
        raise Invalid(f"The template needs {len(gaps)} {'value' if len(gaps) == 1 else 'values'}, none of them empty.")
    words = dict(zip(gaps, given, strict=True))
    return _PLACE.sub(lambda gap: words[gap[1]], template.body), replace(template, values=tuple(given))


def template_of(meta: Mapping[str, Any]) -> Template | None:
    """The template that was stored with an answer."""
    told = meta.get("template")
    if not isinstance(told, dict):
        return None
    return Template(told["name"], told["language"], told.get("body", ""), tuple(told.get("values", ())))


def stored(choices: tuple[str, ...], template: Template | None) -> dict[str, Any]:
    """What of it is kept in an answer's ``meta``."""
    told: dict[str, Any] = {"choices": list(choices)} if choices else {}
    if template is not None:
        told["template"] = {
            "name": template.name,
            "language": template.language,
            "body": template.body,
            "values": list(template.values),
        }
    return told
