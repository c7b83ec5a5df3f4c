"""The second pair of eyes for an answer to everybody: one look for the whole sending, and for those who join later.

What was approved are the words. Other words (of the answer, or of the status that it says) wait again; whoever was told is not told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from django.db import transaction

from parlour.cases.access import Conflict, Invalid, possible_id
from parlour.cases.models import Case
from parlour.lib.text import one_line, storable
from parlour.policy.approvals import queries as approvals
from parlour.policy.approvals.fitting import Answer, first_fitting
from parlour.policy.approvals.models import ApprovalRule
from parlour.policy.incidents.filling import Fit, fill, fit, says, values_of
from parlour.policy.incidents.models import Incident, Round, RoundState, Standing, Told, ToldState
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff.access import Actor, Denied, actor_name
from parlour.staff.models import Agent

WORDS_LIMIT = 2_000
TRIED = 5
"""Customers tried for an example of what would be said."""


def wording(one: Round) -> str:
    """What is approved: the words, with the incident's own words where they are said."""
    said = [one.text, one.short]
    values = {"incident": one.incident.title, "status": one.incident.public_words}
    said += [value for name, value in values.items() if says(one.text + one.short, name)]
    return sha256("\0".join(said).encode()).hexdigest()


def settle(one: Round, cases: Iterable[Case], after: str) -> None:
    """Save a new or changed round: ``after`` is its state unless a rule asks for approval of what it says in these cases. Whoever is
    told is asked about once more, in their own words and on their own channel (``rule_for``)."""
    rule = None if one.approved == wording(one) else first_fitting_any(one, cases)
    one.state, one.awaits, one.awaits_rule = after, "", None
    if rule is not None:
        _wait(one, rule)
    one.save()


def first_fitting_any(one: Round, cases: Iterable[Case]) -> ApprovalRule | None:
    live = approvals.live()
    if not live:
        return None
    return next((rule for each in _answers(one, cases) if (rule := first_fitting(live, each))), None)


def _answers(one: Round, cases: Iterable[Case]) -> Iterator[Answer]:
    """What would be said, once for each kind of case. Where each is told exactly is found out when they are."""
    teams, known = approvals.teams_of(one.agent), set()
    for case in cases:
        visibility = "private" if one.lane == "private" else case.visibility
        if (kind := (case.channel, case.category, visibility)) in known:
            continue
        known.add(kind)
        values = values_of(case, one.incident.title, one.incident.public_words, one.agent.name)
        for words in filter(None, (one.text, one.short)):
            yield approvals.answer(case, one.agent, teams, fill(words, values), visibility)


def must_wait(one: Round, case: Case, fitting: Fit) -> bool:
    """Whether this customer may not be told before somebody has looked; the round waits, then. In the transaction that tells them."""
    if fitting.way is None or one.approved == wording(one):
        return False
    rule = approvals.rule_for(case, one.agent, fitting.text, fitting.way.visibility)
    if rule is None:
        return False
    _wait(one, rule)
    one.save(update_fields=["state", "awaits", "awaits_rule"])
    spine.write("incident.awaits", incident=one.incident_id, round=one.pk, reason=one.awaits)
    return True


def _wait(one: Round, rule: ApprovalRule) -> None:
    one.state, one.awaits_rule = RoundState.AWAITING, rule.pk
    one.awaits = f"Waits for approval by the rule “{rule.name}”."


def held(round_id: int) -> Round:
    """A round, held together with its incident. Raises Round.DoesNotExist."""
    incident = Round.objects.values_list("incident_id", flat=True).get(pk=possible_id(round_id))
    # The incident first, as everywhere: its status is part of the words.
    Incident.objects.select_for_update().get(pk=incident)
    return Round.objects.select_for_update(of=("self",)).select_related("incident", "agent").get(pk=round_id)


def approve(round_id: int, *, by: Actor, seen: str) -> Round:
    """Let it be said to everybody in it and to those who join later. ``seen``: the ``wording`` that was looked at. Raises Denied to those
    whose words they are, Conflict when it does not wait or says something else by now."""
    with transaction.atomic():
        one = _waiting(round_id, by)
        if seen != wording(one):
            raise Conflict("The words were changed in the meantime. Look at them again.")
        one.state, one.approved = RoundState.RUNNING, seen
        one.approved_by = by if isinstance(by, Agent) else None
        one.save(update_fields=["state", "approved", "approved_by"])
        spine.write("incident.approved", actor=actor_name(by), incident=one.incident_id, round=one.pk)
        bus.wake("incidents")
    return one


def refuse(round_id: int, *, by: Actor, words: str) -> Round:
    """Do not let it be said, and say why: its words can be changed (``actions.change_answer``). Raises as ``approve``."""
    words = storable(words, WORDS_LIMIT).strip()
    if not words:
        raise Invalid("Say what should be different.")
    with transaction.atomic():
        one = _waiting(round_id, by)
        one.state, one.refused, one.refused_by = RoundState.REFUSED, words, by if isinstance(by, Agent) else None
        one.save(update_fields=["state", "refused", "refused_by"])
        spine.write(
            "incident.refused",
            actor=actor_name(by),
            incident=one.incident_id,
            round=one.pk,
            reason=one_line(words, 300),
        )
    return one


def _waiting(round_id: int, by: Actor) -> Round:
    one = held(round_id)
    if not may_approve(by, one):
        raise Denied("Another team lead, or the team named by the rule, has to look at this answer.")
    if one.state != RoundState.AWAITING:
        raise Conflict("This answer no longer waits for approval.")
    return one


def may_approve(actor: Actor, one: Round) -> bool:
    """Whether somebody may approve a round: as for any answer, and never whoever wrote it or the status it says."""
    writers = {one.agent_id}
    if says(one.text + one.short, "status"):
        latest = Standing.objects.filter(incident=one.incident_id).order_by("-id").first()
        writers |= {latest.agent_id} if latest is not None and latest.agent_id is not None else set()
    return approvals.reviews(actor, one.awaits_rule, writers)


@dataclass(frozen=True, slots=True)
class Asked:
    """A round that waits: ``to`` so many who have not been told, with what one of them would get (None where none can be reached)."""

    round: Round
    to: int
    told: int
    example: Fit | None
    wording: str


def to_approve(agent: Agent) -> list[Asked]:
    """The answers to everybody that this agent may let go out, the longest waiting first."""
    rows = Round.objects.filter(state=RoundState.AWAITING).select_related("incident", "incident__brand", "agent")
    return [asked(one) for one in rows.order_by("id") if may_approve(agent, one)]


def asked(one: Round) -> Asked:
    """What somebody who approves a round is shown."""
    waiting = Told.objects.filter(round=one, state=ToldState.WAITING)
    example: Fit | None = None
    for row in waiting.select_related("case", "case__brand", "case__customer").order_by("id")[:TRIED]:
        values = values_of(row.case, one.incident.title, one.incident.public_words, one.agent.name)
        found = fit(row.case, one.text, one.short, one.lane, values)
        if found.way is not None:
            example = found
            break
    told = Told.objects.filter(round=one, state=ToldState.SAID).count()
    return Asked(one, waiting.count(), told, example, wording(one))


def waiting_count() -> int:
    """How many answers to everybody wait for approval."""
    return Round.objects.filter(state=RoundState.AWAITING).count()
