"""Reading approval rules, and what waits by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from parlour.cases.models import Case, Direction, Message
from parlour.cases.queries import awaiting
from parlour.policy.approvals.fitting import Answer, first_fitting, fits
from parlour.policy.approvals.models import ApprovalRule
from parlour.staff import access
from parlour.staff.access import Actor
from parlour.staff.models import Agent

RULE = "awaits_rule"
"""In the ``meta`` of an answer: the id of the rule it waits by."""
LOOKED_AT = 1000
EXAMPLES = 8


def rules() -> QuerySet[ApprovalRule]:
    return ApprovalRule.objects.filter(deleted_at=None)


def rule_for(case: Case, by: Actor, text: str, visibility: str) -> ApprovalRule | None:
    """The rule by which this answer waits. Programs with a token answer for themselves: only rules without people concern them."""
    live = list(rules().filter(on=True))
    return first_fitting(live, _answer(case, by, text, visibility)) if live else None


def _answer(case: Case, by: Actor | None, text: str, visibility: str) -> Answer:
    agent = by if isinstance(by, Agent) else None
    teams = frozenset(agent.teams.values_list("pk", flat=True)) if agent else frozenset()
    return Answer(agent.pk if agent else None, teams, case.brand_id, case.channel, case.category, visibility, text)


def may_review(actor: Actor, message: Message) -> bool:
    """Whether somebody may approve an answer: a team lead, or the team the rule names; never its writer."""
    if isinstance(actor, Agent) and message.agent_id == actor.pk:
        return False
    if access.may(actor, access.LEAD):
        return True
    rule = ApprovalRule.objects.filter(pk=message.meta.get(RULE)).first()
    if rule is None or rule.reviewers is None or not isinstance(actor, Agent) or not access.may(actor, access.ANSWER):
        return False
    return actor.teams.filter(pk=rule.reviewers).exists()


def to_review(agent: Agent, limit: int = 200) -> list[Message]:
    """The answers this agent may let go out, the longest waiting first."""
    return [one for one in awaiting().exclude(agent=agent)[:limit] if may_review(agent, one)]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have held of the latest answers."""

    looked_at: int
    held: int
    examples: Sequence[Message]


def preview(rule: ApprovalRule, limit: int = LOOKED_AT) -> Preview:
    """How many of the latest answers of people the rule would have held, with examples, the latest first."""
    said = Message.objects.filter(direction=Direction.OUT, agent__isnull=False, case__isnull=False)
    latest = list(said.select_related("case", "case__customer", "agent").order_by("-id")[:limit])
    teams: dict[int, frozenset[int]] = {}
    for one in Agent.objects.filter(pk__in={message.agent_id for message in latest}).prefetch_related("teams"):
        teams[one.pk] = frozenset(team.pk for team in one.teams.all())
    found = [one for one in latest if one.case and fits(rule, _said(one, one.case, teams))]
    return Preview(len(latest), len(found), found[:EXAMPLES])


def _said(message: Message, case: Case, teams: dict[int, frozenset[int]]) -> Answer:
    writer = message.agent_id or 0
    return Answer(
        writer,
        teams.get(writer, frozenset()),
        case.brand_id,
        message.channel,
        case.category,
        message.visibility,
        message.text,
    )
