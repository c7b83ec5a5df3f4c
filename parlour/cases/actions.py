"""Verbs on a case. Each is one transaction and writes one line to the event log; ``by`` is whoever acts, None for the desk itself.

All raise Denied without the right, Case.DoesNotExist or Message.DoesNotExist, and Invalid for what cannot be.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from parlour.cases import corrections
from parlour.cases.access import Conflict, Invalid
from parlour.cases.answered import take_back_answer
from parlour.cases.approving import approve, send_back
from parlour.cases.joining import join_customers
from parlour.cases.mending import cancel_reply, retry_reply, settle_reply
from parlour.cases.models import Case, Direction, Level, Message, Purpose, Status
from parlour.cases.moderated import act_by_desk, call_back, can_act, set_aside
from parlour.cases.replies import act, reply, send_template
from parlour.cases.seen import mark_seen
from parlour.lib import clock
from parlour.lib.text import one_line, storable
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent, Team
from parlour.understanding import categories
from parlour.understanding.queries import SENTIMENTS

log = logging.getLogger(__name__)

NOTE_LIMIT = 20_000
MOST_TAGS, TAG_LIMIT = 20, 40


def _change(case_id: int, by: Actor | None, verb: str, changes: dict[str, Any], **data: Any) -> Case:
    """Write ``changes`` and the line that tells of them, unless nothing changes. Policy looks at the case again."""
    with transaction.atomic():
        case = locked(case_id, by)
        changes = {name: value for name, value in changes.items() if getattr(case, name) != value}
        if changes:
            now = clock.now()
            changes |= {"updated_at": now, "look_at": now}
            Case.objects.filter(pk=case.pk).update(**changes)
            for name, value in changes.items():
                setattr(case, name, value)
            spine.write(verb, actor=actor_name(by), case_id=case.pk, **data)
            bus.wake("policy")
    return case


def locked(case_id: int, by: Actor | None, right: str = staff.ANSWER) -> Case:
    """The case, held until the transaction ends."""
    if by is not None:
        staff.require(by, right)
    return Case.objects.select_for_update().get(pk=case_id)


def add_note(case_id: int, *, by: Actor, text: str) -> Message:
    """An internal note; customers never see it."""
    text = storable(text, NOTE_LIMIT + 1).strip()
    if not text:
        raise Invalid("A note needs some text.")
    if len(text) > NOTE_LIMIT:
        raise Invalid(f"A note holds at most {NOTE_LIMIT:,} characters.")
    with transaction.atomic():
        case = locked(case_id, by)
        now = clock.now()
        message = Message.objects.create(
            case=case,
            channel=case.channel,
            direction=Direction.NOTE,
            visibility="private",
            agent=by if isinstance(by, Agent) else None,
            text=text,
            sent_at=now,
        )
        Case.objects.filter(pk=case.pk).update(updated_at=now)
        spine.write("note.added", actor=actor_name(by), case_id=case.pk, message_id=message.pk)
    return message


def assign(case_id: int, assignee_id: int | None, *, by: Actor | None, reason: str = "") -> Case:
    """Give the case to an agent who may answer, or to nobody."""
    assignee = Agent.objects.filter(pk=assignee_id, is_active=True).first() if assignee_id is not None else None
    if assignee_id is not None and assignee is None:
        raise Invalid("There is no such agent.")
    words = reason or (f"Given to {assignee.name} by hand." if assignee else "Taken back by hand.")
    with transaction.atomic():
        case = locked(case_id, by)
        if case.assignee_id == assignee_id:
            return case
        if assignee and not staff.may(assignee, staff.ANSWER):
            raise Invalid(f"{assignee.name} may not answer cases.")
        changes = {"assignee_id": assignee_id, "routing_reason": words}
        return _change(case_id, by, "case.assigned", changes, assignee=assignee_id, reason=words)


def take(case_id: int, *, by: Agent) -> Case:
    """Give the case to oneself."""
    return assign(case_id, by.pk, by=by, reason=f"Taken by {by.name}.")


def set_team(case_id: int, team_id: int | None, *, by: Actor | None) -> Case:
    """Hand the case to a team, or to none."""
    team = Team.objects.filter(pk=team_id).first() if team_id is not None else None
    if team_id is not None and team is None:
        raise Invalid("There is no such team.")
    words = f"Handed to {team.name} by hand." if team else "Taken from its team by hand."
    with transaction.atomic():
        case = locked(case_id, by)
        if case.team_id == team_id:
            return case
        changes = {"team_id": team_id, "routing_reason": words}
        return _change(case_id, by, "case.team", changes, team=team_id, reason=words)


def set_level(case_id: int, level: str | None, *, by: Actor | None) -> Case:
    """Set the priority by hand; None lets the score decide again."""
    if level is not None and level not in Level.values:
        raise Invalid(f"There is no priority {level!r}; choose one of {', '.join(Level.values)}.")
    return _change(case_id, by, "case.level", {"level": level}, level=level)


def set_category(case_id: int, category: str, *, by: Actor | None) -> Case:
    """Correct the category, one of the brand's tree. The correction is kept for learning, tied to the words it came from."""
    with transaction.atomic():
        case = locked(case_id, by)
        live = categories.tree(case.brand_id)
        if live.meaning(category) != category:
            known = ", ".join(node.slug for node in live.live)
            raise Invalid(f"There is no category {category[:40]!r}; choose one of {known}.")
        said = corrections.words_behind(case)
        if said and (said.category or case.category) != category:
            corrections.keep(said, "category", said.category or case.category, category, by)
            Message.objects.filter(pk=said.pk).update(category=category)
        changes = {"category": category, "category_by": actor_name(by)}
        return _change(case_id, by, "case.category", changes, was=case.category, now=category)


def set_sentiment(message_id: int, sentiment: str, *, by: Actor) -> Message:
    """Correct the sentiment of one message of the customer; kept for learning."""
    if sentiment not in SENTIMENTS:
        raise Invalid(f"There is no sentiment {sentiment!r}; choose one of {', '.join(SENTIMENTS)}.")
    return corrections.correct(message_id, "sentiment", sentiment, by=by)


def set_actionable(case_id: int, actionable: bool, *, by: Actor | None) -> Case:
    """Say that a case needs an answer, or that it is noise; kept for learning."""
    with transaction.atomic():
        case = locked(case_id, by)
        said = corrections.latest_words(case_id)
        if said and case.actionable != actionable:
            corrections.keep(said, "actionable", str(case.actionable).lower(), str(actionable).lower(), by)
            Message.objects.filter(pk=said.pk).update(actionable=actionable)
        return _change(case_id, by, "case.actionable", {"actionable": actionable}, actionable=actionable)


def set_purpose(case_id: int, purpose: str, *, by: Actor | None) -> Case:
    """Say whether a case is for service, marketing or a moment of delight; the desk no longer decides it by itself."""
    if purpose not in Purpose.values:
        raise Invalid(f"There is no purpose {purpose!r}; choose one of {', '.join(Purpose.values)}.")
    with transaction.atomic():
        was = locked(case_id, by).purpose
        changes = {"purpose": purpose, "purpose_by": actor_name(by)}
        return _change(case_id, by, "case.purpose", changes, was=was, now=purpose)


def set_tags(case_id: int, tags: Iterable[str], *, by: Actor | None) -> Case:
    """Put these words on a case instead of those it has. Each once, on one line; at most ``MOST_TAGS`` of ``TAG_LIMIT`` characters."""
    wanted = list(dict.fromkeys(tag for tag in (one_line(tag, TAG_LIMIT + 1).strip() for tag in tags) if tag))
    if len(wanted) > MOST_TAGS or any(len(tag) > TAG_LIMIT for tag in wanted):
        raise Invalid(f"A case has at most {MOST_TAGS} tags of {TAG_LIMIT} characters.")
    with transaction.atomic():
        was = locked(case_id, by).tags
        return _change(case_id, by, "case.tags", {"tags": wanted}, was=was, now=wanted)


def resolve(case_id: int, *, by: Actor | None) -> Case:
    """Close the case. A message within the brand's reopening time opens it again."""
    changes = {
        "status": Status.RESOLVED,
        "resolved_at": clock.now(),
        "waiting_since": None,
        "urgency": 0.0,
        "response_due_at": None,
        "response_warn_at": None,
    }
    with transaction.atomic():
        if locked(case_id, by).status == Status.RESOLVED:
            return Case.objects.get(pk=case_id)
        return _change(case_id, by, "case.resolved", changes)


def reopen(case_id: int, *, by: Actor | None, reason: str = "") -> Case:
    """Open a resolved case again. Raises Conflict when the customer has another open case with the brand."""
    with transaction.atomic():
        case = locked(case_id, by)
        if case.status == Status.OPEN:
            return case
        rival = Case.objects.filter(brand=case.brand_id, customer=case.customer_id, status=Status.OPEN).first()
        if rival:
            raise Conflict(f"This customer already has an open case, #{rival.pk}.")
        changes = {"status": Status.OPEN, "resolved_at": None, "reopened": case.reopened + 1}
        return _change(case_id, by, "case.reopened", changes, **({"reason": reason} if reason else {}))


def answer_failed(message: Message) -> None:
    """An answer did not reach its customer, who waits again: its case is open and stands as it did before.

    In the caller's transaction, after its delivery was settled.
    """
    if message.case_id is None:
        return
    try:
        reopen(message.case_id, by=None, reason="An answer could not be delivered.")
    except Conflict:
        log.info("Case %s stays closed: its customer has another one open.", message.case_id)
    take_back_answer(message)


__all__ = [
    "Conflict",
    "Invalid",
    "act",
    "act_by_desk",
    "add_note",
    "answer_failed",
    "approve",
    "assign",
    "call_back",
    "can_act",
    "cancel_reply",
    "join_customers",
    "mark_seen",
    "reopen",
    "reply",
    "resolve",
    "retry_reply",
    "send_back",
    "send_template",
    "set_actionable",
    "set_aside",
    "set_category",
    "set_level",
    "set_purpose",
    "set_sentiment",
    "set_tags",
    "set_team",
    "settle_reply",
    "take",
    "take_back_answer",
]
