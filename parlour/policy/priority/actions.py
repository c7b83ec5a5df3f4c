"""Verbs of priority: the weights are changed, put back, and the open cases scored anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from parlour.cases.access import Conflict, Invalid
from parlour.cases.models import Case, Status
from parlour.channels.models import Brand
from parlour.lib import clock
from parlour.policy.priority.models import Change, Weights
from parlour.policy.priority.score import DEFAULTS, MOST_POINTS
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access
from parlour.staff.access import Actor, actor_name

AT_ONCE = 500


def checked(values: Mapping[str, Any]) -> dict[str, int]:
    """Whole weights: parts that are not named keep what they are unless anything is set. Raises Invalid with a sentence."""
    for name, points in values.items():
        if name not in DEFAULTS:
            raise Invalid(f"The score has no part {name!r}.")
        if isinstance(points, bool) or not isinstance(points, int) or not 0 <= points <= MOST_POINTS:
            raise Invalid(f"A part brings 0 to {MOST_POINTS} points.")
    return DEFAULTS | dict(values)


def set_weights(brand_id: int | None, values: Mapping[str, Any] | None, *, by: Actor) -> Change:
    """Set the weights of a brand, or (None) of all brands without their own; ``values`` None: back to what holds without them. Open cases
    are scored anew in the background. Raises Invalid with a sentence, Brand.DoesNotExist, Denied."""
    access.require(by, access.LEAD)
    wanted = None if values is None else checked(values)
    with transaction.atomic():
        brand = Brand.objects.get(pk=brand_id) if brand_id is not None else None
        row = Weights.objects.select_for_update().filter(brand=brand).order_by("pk").first()
        before = row.values if row else None
        if wanted is None:
            Weights.objects.filter(brand=brand).delete()
        elif row:
            Weights.objects.filter(pk=row.pk).update(values=wanted)
        else:
            Weights.objects.create(brand=brand, values=wanted)
        change = Change.objects.create(
            brand=brand, before=before, after=wanted, by=actor_name(by), cases=_concerned(brand_id).count()
        )
        words = f"The weights of priority were changed for {brand.name if brand else 'all brands'}."
        spine.write("priority.weights", actor=actor_name(by), brand=brand_id, reason=words)
        bus.wake("policy")
    return change


def undo(change_id: int, *, by: Actor) -> Change:
    """Put back the weights that were before a change. Raises Conflict when they were changed since, Change.DoesNotExist, Denied."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        change = Change.objects.select_for_update().get(pk=change_id)
        later = Change.objects.filter(brand=change.brand, pk__gt=change.pk, undone_at=None)
        if change.undone_at or later.exists():
            raise Conflict("The weights were changed again since; this change cannot be taken back by itself.")
        set_weights(change.brand_id, change.before, by=by)
        Change.objects.filter(brand=change.brand, pk__gte=change.pk).update(undone_at=clock.now())
    return change


def _concerned(brand_id: int | None) -> QuerySet[Case]:
    cases = Case.objects.filter(status=Status.OPEN)
    return cases if brand_id is None else cases.filter(brand_id=brand_id)


def score_anew() -> int:
    """Send the next ``AT_ONCE`` open cases of a change to be judged; returns how many. The worker calls it until nothing is left."""
    if not Change.objects.filter(done_at=None).exists():
        return 0
    with transaction.atomic():
        change = (
            Change.objects.select_for_update(skip_locked=True, of=("self",)).filter(done_at=None).order_by("id").first()
        )
        if change is None:
            return 0
        now = clock.now()
        rows = _concerned(change.brand_id).filter(pk__gt=change.reached).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        Case.objects.filter(pk__in=ids).update(look_at=now)
        change.reached, change.scored = (ids[-1] if ids else change.reached), change.scored + len(ids)
        change.done_at = now if len(ids) < AT_ONCE else None
        change.save(update_fields=["reached", "scored", "done_at"])
        bus.wake("policy")
    return len(ids)
