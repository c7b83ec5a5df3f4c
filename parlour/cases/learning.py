"""When a brand learns, from what, and what a person should look at next."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
from django.db.models import Count, Max, Q

from parlour.cases.access import Conflict
from parlour.cases.corrections import value_of
from parlour.cases.models import Direction, Message, Status
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.staff import access as staff
from parlour.staff.access import Actor
from parlour.understanding import features, learning, memory, own
from parlour.understanding.actions import LANGUAGE_MODEL
from parlour.understanding.learning import Example
from parlour.understanding.models import Correction, ModelVersion
from parlour.understanding.queries import Annotation

log = logging.getLogger(__name__)

LEASE: Final = "learning"
LEASE_SECONDS: Final = 600.0
WAITS: Final = timedelta(hours=12)
"""After so long a few corrections are enough for learning again."""
LOOKED_AT: Final = 400
"""The latest messages among which those are sought that are worth a person's word."""
SIMILAR: Final = 0.35
TEXT_SHOWN: Final = 2_000


def confirmed(brand_id: int, field: str, limit: int) -> list[Example]:
    """Messages that people answered or resolved without correcting ``field``, since the brand began to correct it; the latest."""
    told = learning.corrections_of(brand_id, field)
    first = told.order_by("id").values_list("message_id", flat=True).first()
    if first is None or not limit:
        return []
    begun = Message.objects.filter(pk=first).values_list("sent_at", flat=True).first()
    rows = Message.objects.filter(direction=Direction.IN, case__brand_id=brand_id, deleted_at=None).exclude(text="")
    rows = rows.filter(Q(case__first_response_at__isnull=False) | Q(case__status=Status.RESOLVED)).exclude(sentiment="")
    if begun is not None:
        rows = rows.filter(sent_at__gte=begun)
    judged = set(Correction.objects.filter(brand_id=brand_id, field=field).values_list("message_id", flat=True))
    found: list[Example] = []
    for message in rows.order_by("-sent_at", "-id")[: limit + len(judged)]:
        value = value_of(message, field)
        if message.pk not in judged and value:
            found.append(Example(message.pk, message.text[:TEXT_SHOWN], value, learning.CONFIRMED_WEIGHT))
    return found[:limit]


def learn(brand_id: int, field: str, *, by: Actor | None = None) -> ModelVersion | None:
    """Fit a new version of one field now; None when there is too little. One at a time: raises Conflict while another is learnt."""
    if by is not None:
        staff.require(by, staff.LEAD)
    adopt_old()
    owner = secrets.token_hex(6)
    if not spine.take_lease(LEASE, owner, LEASE_SECONDS):
        raise Conflict("Something is being learnt already. Try again in a minute.")
    try:
        count = learning.corrections_of(brand_id, field).count()
        room = learning.CONFIRMED_PER_CORRECTION * min(count, learning.MOST // 2)
        return learning.learn(brand_id, field, confirmed=confirmed(brand_id, field, room), by=by)
    finally:
        spine.drop_lease(LEASE, owner)


def due() -> list[tuple[int, str]]:
    """Brands and fields with enough new corrections to learn from, those with the most first."""
    told = Correction.objects.filter(brand_id__isnull=False, undone_at=None, field__in=own.HEADS).exclude(by="llm")
    rows = told.exclude(text="").values("brand_id", "field").annotate(count=Count("id"), last=Max("id"))
    versions = ModelVersion.objects.values("brand_id", "field").annotate(upto=Max("upto"), at=Max("made_at"))
    known = {(one["brand_id"], one["field"]): (one["upto"], one["at"]) for one in versions}
    found: list[tuple[int, int, str]] = []
    for row in rows:
        upto, at = known.get((row["brand_id"], row["field"]), (0, None))
        if row["last"] <= upto or row["count"] < learning.LEAST:
            continue
        new = told.filter(brand_id=row["brand_id"], field=row["field"], id__gt=upto).count()
        if new >= max(learning.LEAST, row["count"] // 10) or (at is not None and clock.now() - at > WAITS):
            found.append((-new, row["brand_id"], row["field"]))
    return [(brand, field) for _, brand, field in sorted(found)]


def learn_due() -> bool:
    """Learn what is most due, if anything is; whether there was anything. For the worker's loop."""
    adopt_old()
    for brand_id, field in due()[:1]:
        try:
            version = learn(brand_id, field)
        except Conflict:
            return False
        if version is not None:
            log.info("Brand %s learnt %s, version %s, in use: %s.", brand_id, field, version.number, version.active)
        return version is not None
    return False


def adopt_old(limit: int = 500) -> None:
    """Give corrections from before brands learnt by themselves the words and the brand of their message."""
    old = list(Correction.objects.filter(brand_id=None, text="", undone_at=None)[:limit])
    if not old:
        return
    messages = Message.objects.select_related("case").in_bulk({one.message_id for one in old})
    for one in old:
        message = messages.get(one.message_id)
        if message is None or message.case is None:
            one.undone_at = clock.now()
        else:
            one.brand_id, one.text = message.case.brand_id, message.text[:TEXT_SHOWN]
    Correction.objects.bulk_update(old, ["brand_id", "text", "undone_at"])


@dataclass(frozen=True, slots=True)
class Asked:
    """A message whose label would teach the most: ``confidence`` of the answer it has, and how many ``similar`` ones came lately."""

    message: Message
    value: str
    confidence: float
    similar: int
    by_model: bool = False
    """The answer it has is what the language model said: worth a person's word, and nothing to learn from before."""


def to_label(brand_id: int, field: str, limit: int = 8) -> list[Asked]:
    """What labelling next would help most: uncertain and frequent, no two alike, nothing that somebody has judged."""
    rows = Message.objects.filter(direction=Direction.IN, case__brand_id=brand_id, deleted_at=None)
    rows = rows.exclude(text="").exclude(sentiment="").select_related("case")
    told = Correction.objects.filter(brand_id=brand_id, field=field)
    judged = set(told.exclude(by=LANGUAGE_MODEL).values_list("message_id", flat=True))
    found = [one for one in rows.order_by("-id")[: LOOKED_AT + len(judged)] if one.pk not in judged][:LOOKED_AT]
    if not found or field not in own.HEADS:
        return []
    texts = [one.text[: features.MAX_CHARS] for one in found]
    read = own.annotate(texts, [brand_id] * len(texts))
    sure = [_confidence(one, field) for one in read]
    vectors = memory.seen(texts).rows
    near = (vectors @ vectors.T).toarray() >= SIMILAR
    similar = near.sum(axis=1)
    gain = (1 - np.array(sure)) * (1 + np.log2(np.maximum(similar, 1)))
    # What says the same as a corrected message is settled.
    open_ = np.array([field not in one.because for one in read], np.bool_)
    chosen: list[Asked] = []
    for number in np.argsort(-gain, kind="stable").tolist():
        if open_[number] and len(chosen) < limit:
            message = found[number]
            chosen.append(Asked(message, value_of(message, field), sure[number], int(similar[number])))
            open_ &= ~near[number]
    said = told.filter(by=LANGUAGE_MODEL, undone_at=None, message_id__in=[one.message.pk for one in chosen])
    by_model = dict(said.order_by("id").values_list("message_id", "now"))
    return [replace(one, by_model=by_model.get(one.message.pk) == one.value) for one in chosen]


def _confidence(one: Annotation, field: str) -> float:
    if field in ("urgency", "offensive", "spam"):
        value = float(getattr(one, field))
        return max(value, 1 - value)
    return float(getattr(one, f"{field}_confidence"))
