"""What was asked of the language model, what it cost, and how often people agreed with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, Sum

from parlour.lib import clock
from parlour.understanding.actions import LANGUAGE_MODEL
from parlour.understanding.asking import endpoint
from parlour.understanding.asking.question import FIELDS
from parlour.understanding.models import Asked, Asking, Correction, Endpoint

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
TRIES: Final = 3
"""How often it is asked about one message while it does not answer."""
LOOKED_AT: Final = 2_000
"""The latest labels of a brand that are compared with what people said since."""
TRIALS_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """How the endpoint is: ``rests`` while it is left alone; ``error`` is what went wrong last, since ``error_at``."""

    rests: bool
    faults: int
    rest_until: datetime | None
    error: str
    error_at: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Questions of some time: how many, what came of them, and their tokens. ``tried``: those of the page's own trial, counted in all
    but ``changed``."""

    asked: int
    answered: int
    unusable: int
    failed: int
    changed: int
    tried: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """One field: how often the model ``said`` something, where that ``differed`` from the desk's own reading, and on how many of these
    people have ``judged`` since and ``agreed`` with the model."""

    field: str
    said: int
    differed: int
    judged: int
    agreed: int


def standing() -> Standing:
    """How the endpoint fares now."""
    one = Endpoint.objects.filter(pk=Endpoint.ONLY).first() or Endpoint()
    rests = one.rest_until is not None and one.rest_until > clock.now()
    return Standing(rests, one.faults, one.rest_until, one.error, one.error_at, one.answered_at)


def rests() -> bool:
    """Whether it is left alone now."""
    return Endpoint.objects.filter(pk=Endpoint.ONLY, rest_until__gt=clock.now()).exists()


def health() -> str:
    """For machines: ``off``, ``ok`` or ``failing``."""
    if not endpoint.configured():
        return "off"
    return "failing" if Endpoint.objects.filter(pk=Endpoint.ONLY, faults__gt=0).exists() else "ok"


def setting(brand_id: int) -> Asking:
    """What a brand has decided; off while it has decided nothing."""
    return Asking.objects.filter(pk=brand_id).first() or Asking(brand_id=brand_id)


def with_room() -> list[int]:
    """Brands whose messages may be asked about now: it is on, and neither the hour's share is used up nor the minute's, a tenth of
    it, so that a wave does not take it all at once."""
    on = dict(Asking.objects.filter(on=True).values_list("brand_id", "per_hour"))
    if not on:
        return []
    now = clock.now()
    rows = Asked.objects.filter(brand_id__in=on, message_id__isnull=False, at__gt=now - HOUR).values("brand_id")
    used = {
        one["brand_id"]: (one["hour"], one["minute"])
        for one in rows.annotate(hour=Count("id"), minute=Count("id", filter=Q(at__gt=now - MINUTE)))
    }
    found = []
    for brand_id, per_hour in on.items():
        hour, minute = used.get(brand_id, (0, 0))
        if hour < per_hour and minute < -(-per_hour // 10):
            found.append(brand_id)
    return found


def may_try(brand_id: int) -> bool:
    """Whether the page's trial has not been used too often."""
    tried = Asked.objects.filter(brand_id=brand_id, message_id=None, at__gt=clock.now() - HOUR)
    return tried.count() < TRIALS_PER_HOUR


def settled(messages: Iterable[tuple[int, datetime | None]]) -> set[int]:
    """Which of these (message, when it was last edited) need not be asked about: it was, since the edit, or failed ``TRIES`` times."""
    edited = dict(messages)
    found: set[int] = set()
    failures: dict[int, int] = {}
    rows = Asked.objects.filter(message_id__in=edited).values_list("message_id", "outcome", "at")
    for number, outcome, at in rows:
        changed_at = edited.get(number or 0)
        if number is None or (changed_at is not None and changed_at > at):
            continue
        failures[number] = failures.get(number, 0) + (outcome == Asked.Outcome.FAILED)
        if outcome != Asked.Outcome.FAILED or failures[number] >= TRIES:
            found.add(number)
    return found


def cost(brand_id: int, since: datetime) -> Cost:
    """What was asked since then."""
    rows = Asked.objects.filter(brand_id=brand_id, at__gt=since)
    told = rows.aggregate(
        asked=Count("id"),
        answered=Count("id", filter=Q(outcome=Asked.Outcome.ANSWERED)),
        unusable=Count("id", filter=Q(outcome=Asked.Outcome.UNUSABLE)),
        failed=Count("id", filter=Q(outcome=Asked.Outcome.FAILED)),
        changed=Count("id", filter=Q(changed__gt=0)),
        tried=Count("id", filter=Q(message_id=None)),
        tokens_in=Sum("tokens_in"),
        tokens_out=Sum("tokens_out"),
    )
    return Cost(**{name: value or 0 for name, value in told.items()})


def agreement(brand_id: int) -> list[Agreement]:
    """Per field, what the model said and what people said of the same messages since."""
    rows = Correction.objects.filter(brand_id=brand_id, undone_at=None)
    said = rows.filter(by=LANGUAGE_MODEL).order_by("-id")[:LOOKED_AT]
    labels = {(one.message_id, one.field): one for one in reversed(said)}
    people = rows.exclude(by=LANGUAGE_MODEL).filter(message_id__in={number for number, _ in labels})
    judged: dict[tuple[int, str], str] = {}
    for one in people.order_by("id"):
        label = labels.get((one.message_id, one.field))
        if label is not None and one.pk > label.pk:
            judged[one.message_id, one.field] = one.now
    found = []
    for field in FIELDS:
        of_field = {key: label for key, label in labels.items() if key[1] == field}
        there = [(label.now, judged[key]) for key, label in of_field.items() if key in judged]
        found.append(
            Agreement(
                field,
                len(of_field),
                sum(label.was != label.now for label in of_field.values()),
                len(there),
                sum(said == people_said for said, people_said in there),
            )
        )
    return found
