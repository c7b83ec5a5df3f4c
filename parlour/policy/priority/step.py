"""Scoring a batch of cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from parlour.cases.models import Case
from parlour.customers.models import Customer, Identity
from parlour.policy.judging import Judging
from parlour.policy.priority.score import Standing, score


def score_cases(judging: Judging) -> None:
    """Give each case its priority with its parts, and say when waiting alone will change it."""
    standings = _standings(judging.cases)
    for case in judging.cases:
        result = score(case, standings.get(case.customer_id, Standing()), judging.now)
        case.priority = result.points
        case.priority_reasons = [list(reason) for reason in result.reasons]
        judging.again(case, result.changes_at)


def _standings(judged: Sequence[Case]) -> dict[int, Standing]:
    people = {case.customer_id for case in judged}
    vips = set(Customer.objects.filter(pk__in=people, vip=True).values_list("pk", flat=True))
    standings = {
        case.customer_id: Standing(vip=case.customer_id in vips, recorded=case.brand.recorded) for case in judged
    }
    reach = Identity.objects.filter(customer_id__in=standings, followers__isnull=False)
    for customer_id, followers in reach.values_list("customer_id", "followers"):
        known = standings[customer_id]
        standings[customer_id] = replace(known, followers=max(known.followers or 0, followers or 0))
    return standings
