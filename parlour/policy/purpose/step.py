"""Service, marketing or a moment of delight: whose queue a case stands in, until a person or a rule says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from parlour.cases.models import Case, Message, Purpose
from parlour.policy.judging import Judging

SERVICE_INTENTS = ("complaint", "request", "cancellation", "question")
UNWANTED = 0.4
"""Words that may be spam or abuse to this degree are no delight, however cheerful."""
SURE = 0.6
"""How sure the model must be of a happy tone before a case leaves the service queue for it."""


def set_purpose(judging: Judging) -> None:
    """Tell cases apart by their customers' new words. What a person or a rule has set stays."""
    for case in judging.cases:
        words = judging.said.get(case.pk)
        if not words or case.purpose_by != "model":
            continue
        purpose, reason = purpose_of(case, words)
        if purpose != case.purpose:
            judging.tell("case.purpose", case, was=case.purpose, now=purpose, reason=reason)
            case.purpose = purpose
            if purpose == Purpose.DELIGHT:
                # Nobody waits for an answer to praise: it breaks no promise, and the brand may join in.
                case.actionable, case.waiting_since = False, None
                case.response_due_at = case.response_warn_at = None


def purpose_of(case: Case, words: Sequence[Message]) -> tuple[str, str]:
    """What a case is for after these words of its customer, and why. Pure.

    Whoever asks for anything is served first: a question among praise makes the case service. Praise in private stays with service, where
    the conversation is; buying interest without a need for service is marketing's. Noise changes nothing, and neither does anything
    said by somebody who still waits for an answer to earlier words.
    """
    asking = [one for one in words if one.intent in SERVICE_INTENTS and one.actionable]
    if asking:
        return Purpose.SERVICE, f"A {asking[-1].intent} is answered by service."
    if case.waiting_since is not None and case.waiting_since < min(one.sent_at for one in words):
        return case.purpose, ""
    if any(one.intent == "purchase" for one in words):
        return Purpose.MARKETING, "Somebody shows interest in buying."
    if any(_is_delight(one) for one in words) and case.sentiment_lowest != "negative":
        return Purpose.DELIGHT, "Happy words in public."
    return case.purpose, ""


def _is_delight(message: Message) -> bool:
    return (
        message.visibility == "public"
        and message.sentiment == "positive"
        and message.intent in ("praise", "other")
        and message.confidence.get("sentiment", 0.0) >= SURE
        and max(message.spam or 0.0, message.offensive or 0.0) < UNWANTED
    )
