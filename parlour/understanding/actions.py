"""Verbs of the understanding room."""

from __future__ import annotations

from datetime import datetime

from parlour.lib import clock
from parlour.understanding.heads import CATEGORIES, SENTIMENTS
from parlour.understanding.models import Correction

_ALLOWED: dict[str, tuple[str, ...]] = {
    Correction.Field.CATEGORY: CATEGORIES,
    Correction.Field.SENTIMENT: SENTIMENTS,
    Correction.Field.ACTIONABLE: ("true", "false"),
}


def record_correction(
    *,
    message_id: int,
    field: str,
    was: str,
    now: str,
    agent_id: int | None = None,
    model: str = "",
    at: datetime | None = None,
) -> Correction | None:
    """Keeps what a person set right; None when nothing changed.

    ``was`` and ``now`` are texts: a category, a sentiment, "true" or "false", an urgency from 0 to 1, a language code or "".
    Raises ValueError for an unknown field or an impossible new value.
    """
    if field not in Correction.Field.values:
        raise ValueError(f"There is no annotation {field!r}; there are {', '.join(Correction.Field.values)}.")
    allowed = _ALLOWED.get(field)
    if allowed and now not in allowed:
        raise ValueError(f"{now!r} is no {field}; there are {', '.join(allowed)}.")
    if field == Correction.Field.URGENCY and not _is_share(now):
        raise ValueError(f"Urgency goes from 0 to 1, not {now!r}.")
    if field == Correction.Field.LANGUAGE and now and not (len(now) in (2, 3) and now.isascii() and now.isalpha()):
        raise ValueError(f"{now!r} is no language code.")
    if was == now:
        return None
    return Correction.objects.create(
        message_id=message_id,
        field=field,
        was=was[:64],
        now=now,
        agent_id=agent_id,
        model=model[:64],
        at=at or clock.now(),
    )


def _is_share(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False
