"""Reading approval rules, and what waits by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.db.models import QuerySet

from parlour.cases.models import Case, Direction, Message
from parlour.cases.queries import awaiting
from parlour.policy.approvals.fitting import Answer, first_fitting, fits
from parlour.policy.approvals.models import ApprovalRule, ApprovedWords
from parlour.staff import access
from parlour.staff.access import Actor
from parlour.staff.models import Agent

RULE = "awaits_rule"
"""In the ``meta`` of an answer: the id of the rule it waits by."""
SOURCE, WORDS, AUTHOR = "words_of", "words", "awaits_author"
"""Likewise, of an answer that something gives by itself: what gives it (``rule:7``), its words before their gaps were filled, and the id of
the agent who is answerable for them."""
LOOKED_AT = 1000
EXAMPLES = 8


def rules() -> QuerySet[ApprovalRule]:
    return ApprovalRule.objects.filter(deleted_at=None)


def live() -> list[ApprovalRule]:
    """The rules that are on, in the order in which they are asked."""
    return list(rules().filter(on=True))


def rule_for(case: Case, by: Actor, text: str, visibility: str, *, author: Agent | None = None) -> ApprovalRule | None:
    """The rule by which this answer waits. ``author``: whose words a robot says. Programs with a token answer for themselves: only rules
    without people concern them."""
    found = live()
    if not found:
        return None
    writer = author or (by if isinstance(by, Agent) else None)
    return first_fitting(found, answer(case, writer, teams_of(writer), text, visibility))


def answer(case: Case, writer: Agent | None, teams: frozenset[int], text: str, visibility: str) -> Answer:
    """What rules are asked about: ``writer`` (with ``teams_of``) says ``text`` in a case."""
    return Answer(writer.pk if writer else None, teams, case.brand_id, case.channel, case.category, visibility, text)


def teams_of(agent: Agent | None) -> frozenset[int]:
    return frozenset(agent.teams.values_list("pk", flat=True)) if agent else frozenset()


def may_review(actor: Actor, message: Message) -> bool:
    """Whether somebody may approve an answer: a team lead, or the team the rule names; never its writer."""
    return reviews(actor, message.meta.get(RULE), (message.agent_id, message.meta.get(AUTHOR)))


def reviews(actor: Actor, rule_id: int | None, writers: Iterable[int | None]) -> bool:
    """Whether somebody may approve what waits by a rule and was written by ``writers``, who never may."""
    if isinstance(actor, Agent) and actor.pk in writers:
        return False
    if access.may(actor, access.LEAD):
        return True
    rule = ApprovalRule.objects.filter(pk=rule_id).first() if rule_id is not None else None
    if rule is None or rule.reviewers is None or not isinstance(actor, Agent) or not access.may(actor, access.ANSWER):
        return False
    return actor.teams.filter(pk=rule.reviewers).exists()


def to_review(agent: Agent, limit: int = 200) -> list[Message]:
    """The answers this agent may let go out, the longest waiting first."""
    return [one for one in awaiting().exclude(agent=agent)[:limit] if may_review(agent, one)]


def for_others(agent: Agent, limit: int = 200) -> list[Message]:
    """The answers that wait for somebody else than this agent, their own among them, the longest waiting first."""
    return [one for one in awaiting()[:limit] if not may_review(agent, one)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer that waits, and how many others wait that say the same by themselves."""

    message: Message
    alike: int = 0


def together(messages: Iterable[Message]) -> list[Waiting]:
    """One for all that say the same by themselves: a rule that fires a hundred times asks once."""
    first: dict[object, Message] = {}
    alike: dict[object, int] = {}
    for one in messages:
        key = (one.meta[SOURCE], one.meta[WORDS]) if SOURCE in one.meta else one.pk
        first.setdefault(key, one)
        alike[key] = alike.get(key, -1) + 1
    return [Waiting(one, alike[key]) for key, one in first.items()]


def digest(words: str) -> str:
    return sha256(words.encode()).hexdigest()


def approved_words(source: str, words: str) -> ApprovedWords | None:
    """The approval of words that ``source`` says by itself; None where there is none."""
    return ApprovedWords.objects.filter(source=source, digest=digest(words)).first()


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
