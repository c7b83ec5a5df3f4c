"""Scoring a batch of cases."""

from __future__ import annotations

from parlour.policy.judging import Judging
from parlour.policy.priority import queries
from parlour.policy.priority.score import Standing, score


def score_cases(judging: Judging) -> None:
    """Give each case its priority with its parts, and say when waiting alone will change it."""
    known, weights = queries.standings(judging.cases), queries.weights()
    for case in judging.cases:
        result = score(case, known.get(case.customer_id, Standing()), judging.now, weights.of(case.brand_id))
        case.priority = result.points
        case.priority_reasons = [list(reason) for reason in result.reasons]
        judging.again(case, result.changes_at)
