"""The clocks: what the brand has promised its waiting customers."""

from __future__ import annotations

from datetime import datetime, timedelta

from parlour.cases.models import Case
from parlour.policy.judging import Judging


def start_clock(case: Case, at: datetime) -> None:
    """Promise a response, counted from the customer's words at ``at``; nothing is promised for recordings. The caller saves."""
    if case.brand.recorded:
        return
    case.response_due_at = at + timedelta(minutes=case.brand.first_response_minutes)
    case.response_warn_at = case.response_due_at - timedelta(minutes=case.brand.warning_minutes)
    case.breached_at = None


def keep_time(judging: Judging) -> None:
    """Warn before a promise breaks, and say when it has."""
    for case in judging.cases:
        _time(case, judging)
        judging.again(case, case.response_warn_at)
        judging.again(case, case.response_due_at if case.breached_at is None else None)


def _time(case: Case, judging: Judging) -> None:
    due, warn, now = case.response_due_at, case.response_warn_at, judging.now
    if not case.actionable or due is None:
        return
    if due <= now:
        if case.breached_at is None:
            case.breached_at = due
            case.response_warn_at = None
            judging.tell("case.breached", case, reason=f"No response by {due:%d %b %H:%M} UTC, as promised.")
    elif warn is not None and warn <= now:
        case.response_warn_at = None
        minutes = max(1, round((due - now).total_seconds() / 60))
        judging.tell("case.warned", case, reason=f"{minutes} minutes are left of the promised response time.")
