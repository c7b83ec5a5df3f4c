"""Reads of moderation: the settings as every process has them now, what a text would set off, reports."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.db.models import Count, Q

from parlour.cases.models import Case, Message
from parlour.lib import clock
from parlour.policy.moderation.models import (
    Action,
    Change,
    Flood,
    Handled,
    Measures,
    Restriction,
    Suspect,
    WordList,
)
from parlour.policy.moderation.words import Finder, Hit, problem, read_list
from parlour.spine.models import Event
from parlour.staff import access
from parlour.staff.access import Actor
from parlour.staff.models import Agent
from parlour.understanding import personal

LASTS = 2.0
"""Seconds."""
SHOWN_FOR = timedelta(minutes=10)
"""How long personal data that somebody has uncovered stays so for them."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A list as it is matched."""

    pk: int | None
    brand_id: int | None
    name: str
    language: str
    action: str


@dataclass(frozen=True, slots=True)
class Match:
    """A word of a list in a text: the pattern, and where it stands in the text as it was read."""

    list: Ready
    word: str
    hit: Hit


def matcher(lists: Iterable[WordList]) -> Matcher:
    """Lists made ready, in one automaton; patterns that cannot be are left out."""
    patterns: list[str] = []
    owners: list[tuple[Ready, bool]] = []
    for one in lists:
        ready = Ready(one.pk, one.brand_id, one.name, one.language, one.action)
        for text, excepts in ((one.words, False), (one.exceptions, True)):
            usable = [word for word in read_list(text)[0] if not problem(word)]
            patterns += usable
            owners += [(ready, excepts)] * len(usable)
    return Matcher(patterns, owners, Finder(patterns))


@dataclass(frozen=True, slots=True)
class Matcher:
    patterns: Sequence[str]
    owners: Sequence[tuple[Ready, bool]]
    finder: Finder

    def matches(self, text: str, brand_id: int | None, language: str) -> list[Match]:
        """What lists of the brand and language say of a text: each word once, gravest action first."""
        hits = self.finder.find(text) if self.patterns else []
        if not hits:
            return []
        spared: dict[Ready, list[Hit]] = {}
        for hit in hits:
            ready, excepts = self.owners[hit.pattern]
            if excepts:
                spared.setdefault(ready, []).append(hit)
        found: dict[tuple[Ready, str], Match] = {}
        for hit in hits:
            ready, excepts = self.owners[hit.pattern]
            if excepts or not _meant(ready, brand_id, language) or _spared(hit, spared.get(ready, ())):
                continue
            word = self.patterns[hit.pattern]
            found.setdefault((ready, word), Match(ready, word, hit))
        return sorted(found.values(), key=lambda one: -GRAVITY[one.list.action])


GRAVITY = {action: number for number, action in enumerate(Action.values)}


def _meant(ready: Ready, brand_id: int | None, language: str) -> bool:
    return ready.brand_id in (None, brand_id) and (not ready.language or not language or ready.language == language[:2])


def _spared(hit: Hit, by: Iterable[Hit]) -> bool:
    return any(one.reading == hit.reading and one.start <= hit.start + 1 and hit.end - 1 <= one.end for one in by)


_SIGNS = re.compile(r"[\d@]")
"""Without one of these nothing personal stands in a text."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Everything moderation goes by, as of one change."""

    version: tuple[int, datetime] | None
    matcher: Matcher
    measures: Mapping[int, Measures]
    """By brand."""
    restricted: Mapping[int, Restriction]
    """By identity; those that are over are told by their end."""

    @property
    def idle(self) -> bool:
        return not (self.matcher.patterns or self.measures or self.restricted)

    def standing(self, identity_id: int | None, now: datetime) -> Restriction | None:
        """What an author is under now."""
        found = self.restricted.get(identity_id or 0)
        return found if found and (found.until is None or found.until > now) else None


@dataclass
class _Kept:
    guard: Guard | None = None
    read: float = 0.0
    lock: Lock = field(default_factory=Lock)


_kept = _Kept()


def guard() -> Guard:
    """The settings as they stand: one tiny query, and more only after somebody has changed something."""
    version = Change.objects.order_by("-id").values_list("id", "at").first()
    _kept.read = time.monotonic()
    kept = _kept.guard
    if kept is not None and kept.version == version:
        return kept
    with _kept.lock:
        lists = WordList.objects.filter(active=True)
        restrictions = Restriction.objects.filter(lifted_at__isnull=True)
        _kept.guard = Guard(
            version,
            matcher(lists),
            {one.brand_id: one for one in Measures.objects.all()},
            {one.identity_id: one for one in restrictions},
        )
        return _kept.guard


def recent() -> Guard:
    """The settings as they stood at most ``LASTS`` ago: pages ask for them once for every row they draw."""
    kept = _kept.guard
    if kept is None or time.monotonic() - _kept.read > LASTS:
        kept = guard()
    return kept


def read_anew() -> None:
    """What is asked next is read from the database: somebody has changed it."""
    _kept.read = 0.0


def spans(text: str, brand_id: int | None, language: str = "", guard_: Guard | None = None) -> list[personal.Span]:
    """Personal data in a text of that brand's customers."""
    if not _SIGNS.search(text):
        return []
    measures = (guard_ or recent()).measures.get(brand_id or 0)
    region = (measures.region if measures else "") or personal.REGIONS.get(language[:2], "US")
    return personal.find(text, region, measures.templates if measures else ())


def covered(text: str, brand_id: int | None, language: str = "") -> str:
    """A text with its personal data covered."""
    found = spans(text, brand_id, language)
    return personal.masked(text, found) if found else text


def covered_message(message: Message, brand_id: int | None) -> str:
    """A message's text with its personal data covered: as found when it came, and as found now (our own words, an edit that nobody
    has read yet, patterns that the brand has told since)."""
    return personal.masked(message.text, [*message.personal, *spans(message.text, brand_id, message.language)])


def sees_personal(actor: Actor, case: Case) -> bool:
    """Whether somebody is shown personal data in a case without asking: leads and administrators, and the agent who holds the case."""
    if access.may(actor, access.PERSONAL):
        return True
    return isinstance(actor, Agent) and case.assignee_id == actor.pk and access.may(actor, access.ANSWER)


def uncovered(actor: Actor, case: Case, now: datetime | None = None) -> set[int]:
    """Messages of a case whose personal data ``actor`` has uncovered lately. The log is what remembers it."""
    since = (now or clock.now()) - SHOWN_FOR
    shown = Event.objects.filter(case_id=case.pk, verb="personal.shown", actor=access.actor_name(actor), at__gte=since)
    return {pk for pk in shown.values_list("message_id", flat=True) if pk is not None}


def handled_in(case_id: int) -> dict[int, list[Handled]]:
    """What moderation did in a case, by message."""
    told: dict[int, list[Handled]] = {}
    for one in Handled.objects.filter(message__case_id=case_id).order_by("id")[:200]:
        told.setdefault(one.message_id, []).append(one)
    return told


def standing_of(customer_id: int) -> list[Restriction]:
    """What a customer's accounts are under now; nothing is asked while nobody is under anything."""
    if not recent().restricted:
        return []
    found = Restriction.objects.filter(identity__customer_id=customer_id, lifted_at__isnull=True)
    return list(found.filter(Q(until__isnull=True) | Q(until__gt=clock.now())).select_related("identity"))


def held() -> list[Handled]:
    """Messages that wait for a person's look, longest first; each once."""
    waiting = Handled.objects.filter(action=Action.HOLD, looked_at__isnull=True, message__held=True).order_by("at")
    rows = list(waiting.select_related("message", "message__case", "message__identity", "brand")[:200])
    return list({one.message_id: one for one in rows}.values())


def held_count() -> int:
    """How many messages wait for a look, counted up to a hundred. One range of a small index: every page shows it."""
    waiting = Handled.objects.filter(action=Action.HOLD, looked_at__isnull=True)
    return len(set(waiting.values_list("message_id", flat=True)[:100]))


def restricted() -> list[Restriction]:
    """Authors who are under something now, latest first."""
    found = Restriction.objects.filter(lifted_at__isnull=True).filter(Q(until__isnull=True) | Q(until__gt=clock.now()))
    return list(found.select_related("identity", "identity__customer").order_by("-at")[:500])


def suspects() -> list[Suspect]:
    return list(
        Suspect.objects.filter(settled_at__isnull=True).select_related("identity", "brand").order_by("-at")[:200]
    )


def floods() -> list[Flood]:
    """Floods of the last thirty days, latest first, without those that were none."""
    since = clock.now() - timedelta(days=30)
    return list(
        Flood.objects.filter(last_at__gte=since).exclude(state="none").select_related("brand").order_by("-last_at")[:50]
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What was moderated in a stretch of time."""

    days: int
    total: int
    hidden: int
    """Hidden, held or deleted messages."""
    complaints: int
    """Of these, real complaints: as corrected by people, else by the models."""
    corrected: int
    words: list[dict[str, Any]]
    """By word: word, list, action, count, complaints."""
    rows: list[Handled]
    """The latest, at most a hundred."""


def report(days: int = 30) -> Report:
    """What was hidden, by which word, and how many of it were real complaints."""
    rows = Handled.objects.filter(at__gte=clock.now() - timedelta(days=days))
    away = rows.filter(action__in=(Action.HOLD, Action.HIDE, Action.DELETE))
    real = Q(complaint=True) | Q(complaint__isnull=True, complaint_guess=True)
    counted = away.values("kind", "word", "action", "list__name").annotate(
        count=Count("message", distinct=True), complaints=Count("message", filter=real, distinct=True)
    )
    return Report(
        days=days,
        total=rows.values("message").distinct().count(),
        hidden=away.values("message").distinct().count(),
        complaints=away.filter(real).values("message").distinct().count(),
        corrected=away.filter(complaint__isnull=False).count(),
        words=sorted(counted, key=lambda one: -one["count"])[:100],
        rows=list(away.select_related("message", "message__identity", "list").order_by("-at", "-id")[:100]),
    )


def looks_like_complaint(message: Message) -> bool:
    """Whether the models take a message for a real complaint."""
    if message.intent == "complaint":
        return not (message.spam or 0) >= 0.8
    return bool(message.actionable) and message.sentiment == "negative" and (message.spam or 0) < 0.8
