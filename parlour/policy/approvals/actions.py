"""Verbs of approvals: answering under the rules, letting answers go out, and changing the rules.

All raise Denied without the right and Invalid, with a sentence, for what cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from parlour.cases import actions as cases
from parlour.cases.access import Conflict, Invalid
from parlour.cases.approving import APPROVED_BY, awaiting
from parlour.cases.models import Case, Message
from parlour.cases.replies import AWAITS
from parlour.channels import registry
from parlour.channels.models import Brand
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.policy.approvals.models import ApprovalRule, ApprovedWords
from parlour.policy.approvals.queries import (
    AUTHOR,
    RULE,
    SOURCE,
    WORDS,
    approved_words,
    digest,
    may_review,
    rule_for,
)
from parlour.spine import actions as spine
from parlour.staff import access
from parlour.staff.access import Actor, Denied, Robot, actor_name
from parlour.staff.models import Agent, Team

MOST_WORDS, WORD_LIMIT = 200, 80
FIELDS = ("name", "on", "agents", "teams", "brands", "channels", "categories", "visibility", "words", "reviewers")


def reply(case_id: int, *, by: Actor, text: str, visibility: str, **how: Any) -> Message:
    """``cases.actions.reply``, except that an answer waits when a rule says so."""
    rule = rule_for(Case.objects.get(pk=case_id), by, text, visibility)
    with transaction.atomic():
        said = cases.reply(case_id, by=by, text=text, visibility=visibility, awaits=_reason(rule), **how)
        return _remember(said, rule)


def reply_by_itself(
    case_id: int, *, by: Robot, author: Agent | None, words: str, text: str, visibility: str, **how: Any
) -> Message:
    """``reply`` by something that answers by itself. ``words`` are its words before their gaps were filled with what makes ``text``,
    ``author`` is answerable for them. Words that were approved once for all (``approve_words``) do not wait again."""
    rule = rule_for(Case.objects.get(pk=case_id), by, text, visibility, author=author)
    source = actor_name(by)
    approved = approved_words(source, words) if rule else None
    waits_by = None if approved else rule
    with transaction.atomic():
        said = cases.reply(case_id, by=by, text=text, visibility=visibility, awaits=_reason(waits_by), **how)
        if waits_by is not None or approved is not None:
            told: dict[str, Any] = {SOURCE: source, WORDS: words, AUTHOR: author.pk if author else None}
            said.meta = {**said.meta, **told, **({APPROVED_BY: approved.by} if approved else {})}
            said.save(update_fields=["meta"])
        return _remember(said, waits_by)


def send_template(case_id: int, *, by: Actor, **how: Any) -> Message:
    """``cases.actions.send_template`` under the rules. What the platform has approved holds no words of ours to look for."""
    rule = rule_for(Case.objects.get(pk=case_id), by, "", "private")
    said = cases.send_template(case_id, by=by, awaits=_reason(rule), **how)
    return _remember(said, rule)


def _reason(rule: ApprovalRule | None) -> str:
    return f"Waits for approval by the rule “{rule.name}”." if rule else ""


def _remember(message: Message, rule: ApprovalRule | None) -> Message:
    # The same key again gives the answer that is there: it may wait by no rule, or by another.
    if rule is not None and AWAITS in message.meta and RULE not in message.meta:
        message.meta = {**message.meta, RULE: rule.pk}
        message.save(update_fields=["meta"])
    return message


def approve(message_id: int, *, by: Actor) -> Message:
    """Let an answer go out. Raises Denied to its writer and to whoever may not approve, Conflict when it no longer waits."""
    _require_review(message_id, by)
    return cases.approve(message_id, by=by)


def send_back(message_id: int, *, by: Actor, words: str) -> Message:
    """Do not let an answer go out, and say why."""
    _require_review(message_id, by)
    return cases.send_back(message_id, by=by, words=words)


def approve_words(message_id: int, *, by: Actor) -> int:
    """Let an answer that was given by itself go out, all that wait with the same words, and those still to come; how many went out now.
    Other words of the same rule wait again. Raises as ``approve``, and Invalid for the answer of a person."""
    _require_review(message_id, by)
    message = Message.objects.get(pk=message_id)
    source, words = message.meta.get(SOURCE), message.meta.get(WORDS)
    if not source or not isinstance(words, str):
        raise Invalid("Only what is said by itself can be approved once for all.")
    with transaction.atomic():
        cases.approve(message_id, by=by)
        found = {"source": source, "digest": digest(words)}
        ApprovedWords.objects.get_or_create(**found, defaults={"text": words, "by": actor_name(by)})
        spine.write("approval.words", actor=actor_name(by), source=source)
    alike = [one for one in awaiting() if (one.meta.get(SOURCE), one.meta.get(WORDS)) == (source, words)]
    return 1 + sum(_approved_too(one, by) for one in alike if may_review(by, one))


def _approved_too(message: Message, by: Actor) -> bool:
    try:
        cases.approve(message.pk, by=by)
    except Conflict:
        # Somebody else was faster with this one.
        return False
    return True


def forget_words(words_id: int, *, by: Actor) -> None:
    """From now on these words wait for approval again."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        kept = ApprovedWords.objects.select_for_update().get(pk=words_id)
        kept.delete()
        spine.write("approval.words_forgotten", actor=actor_name(by), source=kept.source)


def _require_review(message_id: int, by: Actor) -> None:
    if not may_review(by, Message.objects.get(pk=message_id)):
        raise Denied("Another team lead, or the team named by the rule, has to look at this answer.")


def read(values: Mapping[str, Any]) -> ApprovalRule:
    """A rule from what a form or a program gives, not saved. Raises Invalid for the first thing that is not right."""
    name = one_line(str(values.get("name") or ""), 81).strip()
    if not 0 < len(name) <= 80:
        raise Invalid("A rule needs a name of at most 80 characters.")
    visibility = str(values.get("visibility") or "")
    if visibility not in ("", "public", "private"):
        raise Invalid("Answers are public or private.")
    words = [one_line(str(word), WORD_LIMIT + 1).strip() for word in values.get("words") or []]
    words = list(dict.fromkeys(word for word in words if word.strip("* ")))
    if len(words) > MOST_WORDS or any(len(word) > WORD_LIMIT for word in words):
        raise Invalid(f"A rule looks for at most {MOST_WORDS} words of {WORD_LIMIT} characters.")
    channels = [str(one) for one in values.get("channels") or []]
    if unknown := [one for one in channels if one not in registry.CHANNELS]:
        raise Invalid(f"There is no channel {unknown[0]!r}.")
    reviewers = values.get("reviewers")
    return ApprovalRule(
        name=name,
        on=bool(values.get("on", True)),
        agents=_known(Agent, values.get("agents"), "agent"),
        teams=_known(Team, values.get("teams"), "team"),
        brands=_known(Brand, values.get("brands"), "brand"),
        channels=channels,
        categories=[one_line(str(one), 40) for one in values.get("categories") or []],
        visibility=visibility,
        words=words,
        reviewers=_known(Team, [reviewers], "team")[0] if reviewers else None,
    )


def _known(model: type[Agent] | type[Team] | type[Brand], given: Any, what: str) -> list[int]:
    try:
        ids = [int(one) for one in given or []]
    except (TypeError, ValueError) as error:
        raise Invalid(f"That is no {what}.") from error
    there = set(model._default_manager.filter(pk__in=ids).values_list("pk", flat=True))
    if missing := [one for one in ids if one not in there]:
        raise Invalid(f"There is no {what} {missing[0]}.")
    return ids


def save(rule: ApprovalRule, *, by: Actor, instead_of: int | None = None) -> ApprovalRule:
    """Keep a new rule, or its values in place of those of another, which can be undone once."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        if instead_of is None:
            rule.save()
        else:
            kept = ApprovalRule.objects.select_for_update().get(pk=instead_of)
            kept.former = _values(kept)
            _set(kept, _values(rule))
            rule = kept
        spine.write("approval.saved", actor=actor_name(by), rule=rule.pk, name=rule.name)
    return rule


def delete(rule_id: int, *, by: Actor) -> None:
    access.require(by, access.LEAD)
    with transaction.atomic():
        rule = ApprovalRule.objects.select_for_update().get(pk=rule_id)
        rule.deleted_at = clock.now()
        rule.save()
        spine.write("approval.deleted", actor=actor_name(by), rule=rule.pk, name=rule.name)


def undo(rule_id: int, *, by: Actor) -> ApprovalRule:
    """Take back the last change or deletion of a rule. Raises Invalid when there is none."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        rule = ApprovalRule.objects.select_for_update().get(pk=rule_id)
        if rule.deleted_at is not None:
            rule.deleted_at = None
            rule.save()
        elif rule.former is not None:
            former, rule.former = rule.former, None
            _set(rule, former)
        else:
            raise Invalid("There is nothing to undo.")
        spine.write("approval.undone", actor=actor_name(by), rule=rule.pk, name=rule.name)
    return rule


def _values(rule: ApprovalRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FIELDS}


def _set(rule: ApprovalRule, values: Mapping[str, Any]) -> None:
    for name in FIELDS:
        setattr(rule, name, values[name])
    rule.save()
