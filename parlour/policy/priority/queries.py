"""Reads of priority: the weights, and what other weights would do to the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from parlour.cases.models import Case, Purpose, Status
from parlour.customers.models import Customer, Identity
from parlour.policy.priority.models import Change, Weights
from parlour.policy.priority.score import DEFAULTS, Score, Standing, score

LOOKED_AT, SHOWN = 500, 10


@dataclass(frozen=True, slots=True)
class AllWeights:
    """The weights of every brand. ``own`` holds what was set: None for all brands, else the brand's id."""

    own: Mapping[int | None, Mapping[str, int]]

    def of(self, brand_id: int | None) -> Mapping[str, int]:
        found = self.own.get(brand_id) or self.own.get(None)
        return DEFAULTS if found is None else {**DEFAULTS, **found}


def standings(judged: Sequence[Case]) -> dict[int, Standing]:
    """Customer -> what is known of them; the cases carry their brand."""
    people = {case.customer_id for case in judged}
    vips = set(Customer.objects.filter(pk__in=people, vip=True).values_list("pk", flat=True))
    reach: dict[int, int] = {}
    told = Identity.objects.filter(customer_id__in=people, followers__isnull=False)
    for customer_id, followers in told.values_list("customer_id", "followers"):
        reach[customer_id] = max(reach.get(customer_id, 0), followers or 0)
    return {
        case.customer_id: Standing(case.customer_id in vips, reach.get(case.customer_id), case.brand.recorded)
        for case in judged
    }


def weights() -> AllWeights:
    """As they are now; one small question to the database."""
    return AllWeights(dict(Weights.objects.values_list("brand_id", "values")))


@dataclass(frozen=True, slots=True)
class Moved:
    """A case in the queue by other weights. ``place`` and ``was``: from 1, by these and by the present ones."""

    case: Case
    place: int
    was: int
    now: Score
    before: Score


@dataclass(frozen=True, slots=True)
class Preview:
    """The head of the queue before and after; ``looked_at`` cases were scored both ways, of which ``moved`` get other points."""

    before: list[Moved]
    after: list[Moved]
    looked_at: int
    moved: int


def preview(given: Mapping[str, int], brand_id: int | None, now: datetime) -> Preview:
    """How the present queue would be ordered; nothing is changed. Looks at its ``LOOKED_AT`` most pressing cases. The weights for all
    brands do not touch brands that have their own."""
    rows = Case.objects.filter(status=Status.OPEN, actionable=True, purpose=Purpose.SERVICE, brand__recorded=False)
    kept = weights()
    if brand_id is not None:
        rows = rows.filter(brand_id=brand_id)
    cases = list(rows.select_related("brand", "customer").order_by("-priority", "id")[:LOOKED_AT])
    known = standings(cases)
    scored = []
    for case in cases:
        standing = known.get(case.customer_id, Standing())
        was = kept.of(case.brand_id)
        touched = brand_id is not None or case.brand_id not in kept.own
        scored.append((case, score(case, standing, now, was), score(case, standing, now, given if touched else was)))
    before = sorted(scored, key=lambda one: (-one[1].points, one[0].pk))
    after = sorted(scored, key=lambda one: (-one[2].points, one[0].pk))
    first = {one[0].pk: place for place, one in enumerate(before, 1)}
    then = {one[0].pk: place for place, one in enumerate(after, 1)}
    moved = [Moved(case, then[case.pk], first[case.pk], new, old) for case, old, new in (*before, *after)]
    count = len(scored)
    changed = sum(1 for _, old, new in scored if old.points != new.points)
    return Preview(moved[:count][:SHOWN], moved[count:][:SHOWN], count, changed)


def latest_change() -> Change | None:
    """The last change that has not been taken back."""
    return Change.objects.filter(undone_at=None).select_related("brand").order_by("-id").first()
