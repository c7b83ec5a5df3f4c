"""Asking a language model about messages the desk is unsure of: beside the road, one at a time, never in its transactions.

What it says is written on the message as a reading by "llm", unless a person has judged that field; then policy judges the case anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from parlour.cases import readings, unsure
from parlour.cases.corrections import SCORES, brand_of, value_of
from parlour.cases.models import Case, Direction, Message, Status
from parlour.channels.queries import with_brands
from parlour.lib import clock
from parlour.lib.clock import EARLIEST
from parlour.policy import actions as policy
from parlour.policy.moderation import queries as moderation
from parlour.spine import actions as spine
from parlour.understanding import actions as understanding
from parlour.understanding import categories
from parlour.understanding.actions import LANGUAGE_MODEL
from parlour.understanding.asking import actions as asking
from parlour.understanding.asking import endpoint, queries
from parlour.understanding.asking.endpoint import NoAnswer, Said, Unusable
from parlour.understanding.asking.question import hidden, labels, question
from parlour.understanding.queries import SENTIMENTS

LEASE: Final = "asking"
LEASE_SECONDS: Final = 120.0
CASE_FIELDS: Final = [
    "category",
    "category_by",
    "intent",
    "sentiment",
    "sentiment_lowest",
    "actionable",
    "waiting_since",
    "due_what",
    "updated_at",
]


def ask_next() -> bool:
    """Ask about the newest message the desk is unsure of; whether there may be another. For the worker's loop.

    Nothing is sent without an endpoint and a brand that wants it, beyond its messages an hour, or while the endpoint rests.
    """
    if settings.LANGUAGE_MODEL is None:
        return False
    brands = queries.with_room()
    if not brands or queries.rests():
        return False
    owner = secrets.token_hex(6)
    if not spine.take_lease(LEASE, owner, LEASE_SECONDS):
        return False
    try:
        found = unsure.newest(brands)
        return found is not None and _ask(found.message, found.fields)
    finally:
        spine.drop_lease(LEASE, owner)


def send(text: str, brand_id: int, language: str, spans: Sequence[Any], seconds: float) -> tuple[dict[str, str], Said]:
    """The model's labels for a text of this brand's customers. What is personal in it stays here: what was found when it came
    (``spans``) and what is found now. Raises NoAnswer and Unusable."""
    tree = categories.tree(brand_id)
    sent = hidden(text, [*spans, *moderation.spans(text, brand_id, language)])
    asked = question(sent, tree)
    said = endpoint.ask(asked.turns, asked.schema, seconds)
    try:
        return labels(said.words, tree), said
    except Unusable as error:
        raise Unusable(str(error), said.tokens) from error


def _ask(message: Message, fields: Sequence[str]) -> bool:
    brand_id = brand_of(message) or 0
    try:
        told, said = send(message.text, brand_id, message.language, message.personal, endpoint.SECONDS)
    except NoAnswer as error:
        asking.failed(brand_id, message.pk, error)
        return False
    except Unusable as error:
        asking.unusable(brand_id, message.pk, str(error), error.tokens)
        return True
    with transaction.atomic():
        changed = write(message, fields, told)
        asking.answered(brand_id, message.pk, said.tokens, said.milliseconds, changed=changed)
    return True


def write(asked: Message, fields: Sequence[str], told: dict[str, str]) -> int:
    """Put what the model said of these fields on the message as it was asked, and on its case; how many of them are otherwise since.

    Nothing where the message was edited, deleted or moved to another case meanwhile; no field that a person has judged. In the
    caller's transaction.
    """
    found = with_brands(Case.objects.filter(pk=asked.case_id or 0).select_for_update())
    message = Message.objects.select_for_update().filter(pk=asked.pk).first()
    if not found or message is None or message.case_id != found[0].pk:
        return 0
    if message.text != asked.text or message.deleted_at is not None:
        return 0
    case = found[0]
    tree = categories.tree(case.brand_id)
    judged = unsure.by_people([message.pk])
    sure = message.confidence if isinstance(message.confidence, dict) else {}
    was: dict[str, str] = {}
    words = []
    for field in fields:
        if (message.pk, field) in judged or (field == "category" and tree.meaning(told[field]) != told[field]):
            continue
        was[field] = value_of(message, field)
        understanding.record_correction(
            message_id=message.pk,
            brand_id=case.brand_id,
            text=message.text,
            field=field,
            was=was[field],
            now=told[field],
            by=LANGUAGE_MODEL,
            confirm=True,
        )
        own, new = (readings.label(tree, field, one) or "nothing" for one in (was[field], told[field]))
        doubt = f"{sure[field]:.0%} sure" if isinstance(sure.get(field), int | float) else "unsure"
        words.append(f"“{new}”, as our own did, {doubt}" if own == new else f"“{new}”; our own said “{own}”, {doubt}")
    if not was:
        return 0
    changes = {field: told[field] for field in was if was[field] != told[field]}
    if changes:
        follows = _follows_readings(case)
        _note(message, changes)
        _follow(case, message, changes, was, follows)
    spine.write(
        "message.labelled",
        actor=LANGUAGE_MODEL,
        case_id=case.pk,
        message_id=message.pk,
        labels={field: told[field] for field in was},
        was=was,
        reason=f"The language model said {'. It said '.join(words)}.",
    )
    return len(changes)


def _note(message: Message, changes: dict[str, str]) -> None:
    for field, value in changes.items():
        setattr(message, field, value == "true" if field == "actionable" else value)
    if "sentiment" in changes:
        message.sentiment_score = SCORES[changes["sentiment"]]
    message.save(update_fields=[*changes, *(["sentiment_score"] if "sentiment" in changes else [])])


def _inbound(case: Case) -> QuerySet[Message]:
    return Message.objects.filter(case_id=case.pk, direction=Direction.IN, deleted_at=None)


def _follows_readings(case: Case) -> bool:
    """Whether a case stands in the queue, or does not, because its messages are read so; not since a person, a rule or moderation has
    said so."""
    read = dict(_inbound(case).values_list("pk", "actionable"))
    by_hand = any(field == "actionable" for _, field in unsure.by_people(read))
    return not by_hand and case.actionable == any(read.values())


def _follow(case: Case, message: Message, changes: dict[str, str], was: dict[str, str], follows: bool) -> None:
    """What the case takes over from a message that is read otherwise now, as it would have when it came; then policy judges it."""
    if case.status != Status.OPEN:
        return
    inbound = _inbound(case)
    latest = inbound.order_by("-sent_at", "-id").values_list("pk", flat=True).first() == message.pk
    if "category" in changes:
        _categorise(case, changes["category"], was["category"])
    if latest and "intent" in changes:
        case.intent = changes["intent"]
    if "sentiment" in changes:
        if latest:
            case.sentiment = changes["sentiment"]
        felt = set(inbound.exclude(sentiment="").values_list("sentiment", flat=True).distinct().order_by())
        case.sentiment_lowest = min(felt & set(SENTIMENTS), key=SENTIMENTS.index, default=case.sentiment_lowest)
    if "actionable" in changes and follows:
        case.actionable = inbound.filter(actionable=True).exists()
        asked = inbound.filter(actionable=True, sent_at__gt=case.last_out_at or EARLIEST)
        since = asked.order_by("sent_at").values_list("sent_at", flat=True).first()
        if since is not None and case.waiting_since is None:
            policy.begin_wait(case)
        case.waiting_since = since
    case.updated_at = clock.now()
    policy.judge([case], clock.now(), None, CASE_FIELDS)


def _categorise(case: Case, now: str, was: str) -> None:
    """A category that a person or a rule has set stays, and so does one that came from other words of the customer."""
    if case.category_by not in ("model", LANGUAGE_MODEL) or case.category not in (was, categories.FALLBACK):
        return
    case.category = now
    # "Other" says that nothing is known yet: what the customer writes next may tell.
    case.category_by = "model" if now == categories.FALLBACK else LANGUAGE_MODEL
