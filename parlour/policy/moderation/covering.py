"""Personal data covered before anybody is shown it. What is covered here lives in memory only and must not be saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from parlour.cases.models import Case, Message
from parlour.policy.moderation import queries
from parlour.staff.access import Actor


def cover_messages(messages: Iterable[Message], case: Case, actor: Actor) -> dict[int, list[str]]:
    """Cover personal data in messages of a case that ``actor`` is not to see: in words, former words and what platforms told with
    them. Returns the messages that hold any, covered or not, with the kinds of it."""
    messages = list(messages)
    # Read once: everything below goes by these settings.
    queries.guard()
    kinds = {message.pk: _kinds(message, case) for message in messages}
    kinds = {pk: found for pk, found in kinds.items() if found}
    if not kinds or queries.sees_personal(actor, case):
        return kinds
    shown = queries.uncovered(actor, case)
    for message in messages:
        if message.pk in kinds and message.pk not in shown:
            _cover(message, case)
    return kinds


def is_covered(message: Message) -> bool:
    """Whether ``cover_messages`` has changed it."""
    return bool(getattr(message, "is_covered", False))


def cover_cases(cases: Iterable[Case]) -> list[Case]:
    """Cases whose snippets show nothing personal to anybody: lists are for everyone."""
    found = list(cases)
    for case in found:
        case.snippet = queries.covered(case.snippet, case.brand_id, case.language)
    return found


def _kinds(message: Message, case: Case) -> list[str]:
    found = message.personal or queries.spans(message.text, case.brand_id, message.language)
    told = [kind for _, _, kind in found]
    # One that was written on may have said more before.
    for version in message.versions.all():
        told += [kind for _, _, kind in queries.spans(version.text, case.brand_id, message.language)]
    for text in _texts(message.meta):
        told += [kind for _, _, kind in queries.spans(text, case.brand_id, message.language)]
    return list(dict.fromkeys(told))


TOLD = ("quoted", "signature")
"""What of a message's facts is text of people, which may hold anything."""


def _texts(meta: Any) -> list[str]:
    return [meta[name] for name in TOLD if isinstance(meta.get(name), str)] if isinstance(meta, dict) else []


def _cover(message: Message, case: Case) -> None:
    message.text = queries.covered_message(message, case.brand_id)
    for version in message.versions.all():
        version.text = queries.covered(version.text, case.brand_id, message.language)
    if _texts(message.meta):
        message.meta = message.meta | {
            name: queries.covered(message.meta[name], case.brand_id, message.language)
            for name in TOLD
            if isinstance(message.meta.get(name), str)
        }
    message.is_covered = True  # type: ignore[attr-defined]
