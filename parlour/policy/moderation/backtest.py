"""What lists and measures would have done to past messages, before they are saved. Each run looks as far as its time reaches, and the
next one goes on there. Nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from parlour.cases.models import Direction, Message
from parlour.policy.moderation.models import Measures, WordList
from parlour.policy.moderation.queries import (
    Guard,
    Match,
    Matcher,
    looks_like_complaint,
    matcher,
    spans,
)
from parlour.policy.moderation.words import Finder
from parlour.understanding import personal

LAST = 50_000
"""So many messages are looked at, newest first."""
CHUNK = 500
MOST_EXAMPLES, MOST_WORDS = 20, 2_000


@dataclass(slots=True)
class Found:
    """What was found so far. ``below``: the id under which the next run goes on; None when all was looked at."""

    looked: int = 0
    matched: int = 0
    complaints: int = 0
    """Of the matched, what reads like real complaints."""
    counts: dict[str, int] = field(default_factory=dict)
    """Word, or kind of personal data in words -> messages."""
    examples: list[int] = field(default_factory=list)
    """Ids of the newest messages that were matched."""
    below: int | None = 2**62
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        return self.below is None

    @property
    def ranked(self) -> list[tuple[str, int]]:
        return sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))


Look = Callable[[Message, Found], None]


def run_lists(lists: Sequence[WordList], seconds: float, since: Found | None = None, last: int = LAST) -> Found:
    """What ``lists`` would have done to the newest words of customers, as far as ``seconds`` reach."""
    ready = matcher(lists)

    def look(message: Message, found: Found) -> None:
        if not (matches := ready.matches(message.text, _brand(message), message.language)):
            return
        found.complaints += looks_like_complaint(message)
        _note(found, message, [one.word for one in matches])

    return _run(Message.objects.filter(direction=Direction.IN), look, seconds, since or Found(), last)


def run_measures(measures: Measures, seconds: float, since: Found | None = None, last: int = LAST) -> Found:
    """What ``measures`` (saved or not) would have found, and hidden, in the newest public messages to their brand."""
    trial = _trial(measures)

    def look(message: Message, found: Found) -> None:
        kinds = {kind for _, _, kind in spans(message.text, measures.brand_id, message.language, trial)}
        hides = measures.hide_personal and bool(kinds & set(measures.hide_kinds))
        _note(found, message, [personal.KINDS[kind] for kind in kinds], counts=hides)

    rows = Message.objects.filter(direction=Direction.IN, visibility="public", inbox__brand_id=measures.brand_id)
    return _run(rows, look, seconds, since or Found(), last)


def _note(found: Found, message: Message, words: Sequence[str], *, counts: bool = True) -> None:
    for word in words:
        if word in found.counts or len(found.counts) < MOST_WORDS:
            found.counts[word] = found.counts.get(word, 0) + 1
    if counts:
        found.matched += 1
        if len(found.examples) < MOST_EXAMPLES:
            found.examples.append(message.pk)


def _run(rows: QuerySet[Message], look: Look, seconds: float, found: Found, last: int) -> Found:
    began = time.monotonic()
    for chunk in _chunks(rows, found, last):
        for message in chunk:
            look(message, found)
        found.looked += len(chunk)
        if time.monotonic() - began > seconds:
            break
    else:
        found.below = None
    found.seconds += time.monotonic() - began
    return found


def _chunks(rows: QuerySet[Message], found: Found, last: int) -> Iterator[list[Message]]:
    rows = rows.select_related("inbox").order_by("-id")
    while found.below is not None and found.looked < last:
        chunk = list(rows.filter(pk__lt=found.below)[: min(CHUNK, last - found.looked)])
        if not chunk:
            return
        found.below = chunk[-1].pk
        yield chunk


def _brand(message: Message) -> int | None:
    return message.inbox.brand_id if message.inbox else None


def _trial(measures: Measures) -> Guard:
    return Guard(None, Matcher((), (), Finder(())), {measures.brand_id: measures}, {})


def examples_of_lists(lists: Sequence[WordList], found: Found) -> list[tuple[Message, Match]]:
    """The examples with what acts in each; those that were changed or removed in the meantime are left out."""
    ready, rows = matcher(lists), Message.objects.select_related("inbox", "case", "identity").in_bulk(found.examples)
    messages = [rows[pk] for pk in found.examples if pk in rows]
    tried = [(one, ready.matches(one.text, _brand(one), one.language)) for one in messages]
    return [(one, matches[0]) for one, matches in tried if matches]


def examples_of_measures(measures: Measures, found: Found, most: int = 10) -> list[tuple[Message, str]]:
    """The examples with their covered text."""
    trial, rows = _trial(measures), Message.objects.in_bulk(found.examples[:most])
    messages = [rows[pk] for pk in found.examples if pk in rows]
    return [
        (one, personal.masked(one.text, spans(one.text, measures.brand_id, one.language, trial))[:300])
        for one in messages
    ]
