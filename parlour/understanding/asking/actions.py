"""Verbs about asking a language model: switching it on for a brand, and writing down how each question went."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db import transaction

from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.staff import access
from parlour.staff.access import Actor, actor_name
from parlour.understanding.asking.endpoint import NoAnswer
from parlour.understanding.models import Asked, Asking, Endpoint

log = logging.getLogger(__name__)

MOST_PER_HOUR: Final = 2_000
FIRST_REST: Final = 15.0
LONGEST_REST: Final = 900.0
"""Seconds an endpoint is left alone after a failure, twice as long after each further one, up to this."""
ODD_ANSWERS: Final = 3
"""So many unusable answers in a row count as a failure: the model is not up to it, or is no model."""
KEPT: Final = timedelta(days=90)
"""How long it is remembered what was asked when."""
SWEPT: Final = 200
"""Once in so many questions what is older is forgotten."""


def switch(brand_id: int, *, on: bool, per_hour: int, by: Actor | None) -> Asking:
    """Have the model asked about this brand's messages, at most ``per_hour`` within any hour, or no longer. Raises ValueError."""
    if by is not None:
        access.require(by, access.LEAD)
    if not 1 <= per_hour <= MOST_PER_HOUR:
        raise ValueError(f"Between 1 and {MOST_PER_HOUR:,} messages an hour can be asked about.")
    with transaction.atomic():
        kept, _ = Asking.objects.select_for_update().get_or_create(brand_id=brand_id)
        if (kept.on, kept.per_hour) != (on, per_hour):
            kept.on, kept.per_hour = on, per_hour
            kept.save()
            spine.write("asking.switched", actor=actor_name(by), brand=brand_id, on=on, per_hour=per_hour)
    return kept


def answered(
    brand_id: int, message_id: int | None, tokens: tuple[int, int], milliseconds: int, *, changed: int = 0
) -> None:
    """It said what it was asked for. In the caller's transaction where the message is changed."""
    with transaction.atomic():
        _note(brand_id, message_id, Asked.Outcome.ANSWERED, tokens, milliseconds, changed)
        endpoint = _endpoint()
        if endpoint.faults:
            spine.write("endpoint.back", reason="The language model answers again.")
            log.info("The language model answers again.")
        endpoint.faults, endpoint.unusable, endpoint.rest_until = 0, 0, None
        endpoint.answered_at = clock.now()
        endpoint.save()


def unusable(brand_id: int, message_id: int | None, words: str, tokens: tuple[int, int]) -> None:
    """It answered, with nothing that can be used. It is not asked about that message again."""
    with transaction.atomic():
        _note(brand_id, message_id, Asked.Outcome.UNUSABLE, tokens)
        endpoint = _endpoint()
        endpoint.unusable += 1
        endpoint.error, endpoint.error_at = words[:300], clock.now()
        if endpoint.unusable >= ODD_ANSWERS:
            endpoint.unusable = 0
            _rest(endpoint, f"{ODD_ANSWERS} answers in a row were of no use. The last: {words}", None)
        endpoint.save()


def failed(brand_id: int, message_id: int | None, error: NoAnswer) -> None:
    """It gave no answer, and is left alone for a while."""
    with transaction.atomic():
        _note(brand_id, message_id, Asked.Outcome.FAILED)
        endpoint = _endpoint()
        endpoint.error_at = clock.now()
        _rest(endpoint, str(error), error.rest)
        endpoint.save()


def _endpoint() -> Endpoint:
    Endpoint.objects.get_or_create(pk=Endpoint.ONLY)
    return Endpoint.objects.select_for_update().get(pk=Endpoint.ONLY)


def _rest(endpoint: Endpoint, words: str, asked: float | None) -> None:
    """Leave it alone; said once in the log and the event log, until it answers again."""
    own = min(FIRST_REST * 2 ** min(endpoint.faults, 10), LONGEST_REST)
    endpoint.rest_until = clock.now() + timedelta(seconds=max(own, asked or 0.0))
    endpoint.error = words[:300]
    endpoint.faults += 1
    if endpoint.faults == 1:
        spine.write("endpoint.failing", reason=endpoint.error)
        log.warning("The language model cannot be asked: %s It is tried again from time to time.", endpoint.error)


def _note(
    brand_id: int,
    message_id: int | None,
    outcome: str,
    tokens: tuple[int, int] = (0, 0),
    milliseconds: int = 0,
    changed: int = 0,
) -> None:
    now = clock.now()
    made = Asked.objects.create(
        brand_id=brand_id,
        message_id=message_id,
        at=now,
        outcome=outcome,
        changed=changed,
        tokens_in=tokens[0],
        tokens_out=tokens[1],
        milliseconds=milliseconds,
    )
    if made.pk % SWEPT == 0:
        Asked.objects.filter(at__lt=now - KEPT).delete()
