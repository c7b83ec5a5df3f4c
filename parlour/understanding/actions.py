"""Verbs of the understanding room. All raise ValueError with a sentence for what cannot be."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.staff.access import Actor, actor_name
from parlour.understanding import categories
from parlour.understanding.categories import (
    add_category,
    archive_category,
    merge_category,
    move_category,
    rename_category,
    restore_category,
    set_examples,
)
from parlour.understanding.heads import CATEGORIES, INTENTS, SENTIMENTS
from parlour.understanding.models import Correction, Learned, ModelVersion

__all__ = [
    "add_category",
    "archive_category",
    "merge_category",
    "move_category",
    "record_correction",
    "rename_category",
    "restore_category",
    "set_examples",
    "undo_correction",
    "use_version",
]

LANGUAGE_MODEL: Final = "llm"
"""Who makes the corrections from which nothing is learnt."""
YES_OR_NO: Final = ("true", "false")
_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    Correction.Field.SENTIMENT: SENTIMENTS,
    Correction.Field.INTENT: INTENTS,
    Correction.Field.ACTIONABLE: YES_OR_NO,
    Correction.Field.OFFENSIVE: YES_OR_NO,
    Correction.Field.SPAM: YES_OR_NO,
}
TEXT_LIMIT: Final = 2_000


def allowed(field: str, brand_id: int | None) -> tuple[str, ...] | None:
    """What a field can be corrected to; None where it is no list."""
    if field == Correction.Field.CATEGORY:
        return tuple(node.slug for node in categories.tree(brand_id).live) if brand_id is not None else CATEGORIES
    return _ALLOWED.get(field)


def record_correction(
    *,
    message_id: int,
    field: str,
    was: str,
    now: str,
    brand_id: int | None = None,
    text: str = "",
    agent_id: int | None = None,
    by: str = "",
    model: str = "",
    at: datetime | None = None,
    confirm: bool = False,
) -> Correction | None:
    """Keeps what a person set right, in the caller's transaction; the brand's next messages are read with it. None when nothing changed,
    unless ``confirm``: then it is kept that the answer was right.

    ``was`` and ``now`` are texts: a category, a sentiment, an intent, "true" or "false", an urgency from 0 to 1, a language code or "".
    Raises ValueError for an unknown field or an impossible new value.
    """
    check(field, now, brand_id)
    if was == now and not confirm:
        return None
    kept = Correction.objects.create(
        brand_id=brand_id,
        message_id=message_id,
        text=text[:TEXT_LIMIT],
        field=field,
        was=was[:64],
        now=now,
        agent_id=agent_id,
        by=by or (f"agent:{agent_id}" if agent_id is not None else "desk"),
        model=model[:64],
        at=at or clock.now(),
    )
    if brand_id is not None and by != LANGUAGE_MODEL:
        Learned.changed(brand_id)
    return kept


def check(field: str, now: str, brand_id: int | None = None) -> None:
    """Raises ValueError when ``field`` cannot be ``now``."""
    if field not in Correction.Field.values:
        raise ValueError(f"There is no annotation {field[:40]!r}; there are {', '.join(Correction.Field.values)}.")
    choices = allowed(field, brand_id)
    if choices and now not in choices:
        raise ValueError(f"{now[:40]!r} is no {field}; there are {', '.join(choices)}.")
    if field == Correction.Field.URGENCY and not _is_share(now):
        raise ValueError(f"Urgency goes from 0 to 1, not {now[:40]!r}.")
    if field == Correction.Field.LANGUAGE and now and not (len(now) in (2, 3) and now.isascii() and now.isalpha()):
        raise ValueError(f"{now[:40]!r} is no language code.")


def _is_share(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False


def undo_correction(correction_id: int, *, by: Actor | None, case_id: int | None = None) -> Correction:
    """Nothing is learnt from it any more. Raises Correction.DoesNotExist; an undone one stays undone."""
    with transaction.atomic():
        kept = Correction.objects.select_for_update().get(pk=correction_id)
        if kept.undone_at is None:
            kept.undone_at = clock.now()
            kept.save(update_fields=["undone_at"])
            if kept.brand_id is not None:
                Learned.changed(kept.brand_id)
            spine.write(
                "correction.undone",
                actor=actor_name(by),
                case_id=case_id,
                message_id=kept.message_id,
                correction=kept.pk,
                field=kept.field,
                was=kept.now,
                now=kept.was,
            )
    return kept


def use_version(brand_id: int, field: str, number: int | None, *, by: Actor | None) -> ModelVersion | None:
    """Let this version answer from now on; None goes back to the head that ships. Raises ModelVersion.DoesNotExist."""
    with transaction.atomic():
        versions = ModelVersion.objects.select_for_update().filter(brand_id=brand_id, field=field)
        chosen = versions.get(number=number) if number is not None else None
        was = versions.filter(active=True).values_list("number", flat=True).first()
        if was != number:
            versions.filter(active=True).update(active=False)
            if chosen is not None:
                chosen.active = True
                chosen.save(update_fields=["active"])
            Learned.changed(brand_id)
            spine.write("model.used", actor=actor_name(by), brand=brand_id, field=field, was=was, now=number)
    return chosen
