"""Escalation: a case goes to somebody who can do more, with a summary, so that nobody has to read it from the beginning."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from parlour.cases import actions
from parlour.cases.access import Invalid, possible_id
from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Level, Message, Status
from parlour.channels import registry
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.lib import clock
from parlour.lib.text import one_line, storable
from parlour.spine import actions as spine
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent, Presence, Role, Team
from parlour.understanding import categories
from parlour.understanding.heads import INTENT_NAMES

KINDS = ("agent", "team", "lead", "channel")
SUMMARY_LIMIT = 5_000
LINES = 4
_PROMISE = re.compile(
    r"[^.!?\n]*\b(?:will|we'll|i'll|promise|by (?:to|mon|tues|wednes|thurs|fri|satur|sun)\w*|within)\b[^.!?\n]*",
    re.IGNORECASE,
)
_DUE = {"first": "first answer", "next": "next answer", "resolution": "resolution"}


@dataclass(frozen=True, slots=True)
class Target:
    """One place a case can be escalated to. ``offer``: a sentence for the customer that goes with it."""

    kind: str
    pk: int | None
    label: str
    offer: str

    @property
    def value(self) -> str:
        """As a form carries it."""
        return self.kind if self.pk is None else f"{self.kind}:{self.pk}"


def targets(case: Case, by: Actor) -> list[Target]:
    """Where this case can go: a team lead, teams, people, another channel of its brand."""
    passed = "I have passed this to {0}, who will get back to you."
    me = by.pk if isinstance(by, Agent) else None
    people = (
        Agent.objects.filter(is_active=True)
        .exclude(pk__in=[one for one in (case.assignee_id, me) if one])
        .order_by("name")
    )
    inboxes = Inbox.objects.filter(brand_id=case.brand_id, health=Inbox.Health.OK).exclude(channel=case.channel)
    found: list[Target] = []
    if _lead(case, by) is not None:
        found.append(Target("lead", None, "A team lead", passed.format("my team lead")))
    found += [
        Target("team", team.pk, team.name, passed.format(f"our team {team.name}"))
        for team in Team.objects.exclude(pk__in=[case.team_id or 0])
    ]
    found += [
        Target("agent", agent.pk, agent.name, passed.format(f"my colleague {agent.name}"))
        for agent in people
        if staff.may(agent, staff.ANSWER)
    ]
    found += [
        Target("channel", inbox.pk, f"{registry.get(inbox.channel).label} ({inbox.name})", _invitation(case, inbox))
        for inbox in inboxes
        if inbox.channel in registry.CHANNELS
    ]
    return found


def _invitation(case: Case, inbox: Inbox) -> str:
    """How the customer is asked to go on elsewhere; the number of the case goes along."""
    address = str(config(inbox).settings.get("address") or "")
    where = f"{registry.get(inbox.channel).label}{f' at {address}' if '@' in address else ''}"
    return f"We can look into this better by {where}. Please write to us there and name case {case.pk}."


def escalate(case_id: int, *, by: Actor, to: str, target: int | None = None, summary: str) -> Case:
    """Hand a case on with a summary, which becomes a note. ``to`` is one of ``KINDS``: an agent, a team or an inbox of another channel
    (``target`` is its id), or the lead of its team, who gets it with high priority. Raises Invalid with a sentence.

    For another channel nothing is moved: the note says where it goes on, and the customer is asked by an answer of its own.
    """
    summary = checked_summary(summary)
    if to not in KINDS:
        raise Invalid(f"A case is escalated to {', '.join(KINDS[:-1])} or {KINDS[-1]}, not to {one_line(to, 20)!r}.")
    with transaction.atomic():
        case = held(case_id, by)
        note(case, by, to=to, target=target, name=_hand(case, by, to, target), summary=summary)
        return Case.objects.select_related("assignee", "team").get(pk=case_id)


def checked_summary(summary: str) -> str:
    """The summary as it is kept. Raises Invalid for none, and for too much."""
    summary = storable(summary, SUMMARY_LIMIT + 1).strip()
    if not summary:
        raise Invalid("Write in a sentence or two what this is about: whoever gets it has not read the case.")
    if len(summary) > SUMMARY_LIMIT:
        raise Invalid(f"The summary has at most {SUMMARY_LIMIT:,} characters.")
    return summary


def held(case_id: int, by: Actor) -> Case:
    """An open case, held to be escalated."""
    case = actions.locked(case_id, by)
    if case.status != Status.OPEN:
        raise Invalid("A resolved case is reopened before it is escalated.")
    return case


def note(case: Case, by: Actor, *, to: str, target: int | None, name: str, summary: str) -> None:
    """Keep on the case where it has gone, with its summary. In the caller's transaction."""
    said = actions.add_note(case.pk, by=by, text=f"Escalated to {name}\n\n{summary}")
    spine.write(
        "case.escalated", actor=actor_name(by), case_id=case.pk, message_id=said.pk, to=to, target=target, name=name
    )


def _hand(case: Case, by: Actor, to: str, target: int | None) -> str:
    """Do what the kind asks for; the name of whoever has it now."""
    if to == "lead":
        lead = _lead(case, by)
        if lead is None:
            raise Invalid("There is no team lead to escalate to.")
        if case.level not in (Level.HIGH, Level.URGENT):
            actions.set_level(case.pk, Level.HIGH, by=by)
        actions.assign(case.pk, lead.pk, by=by, reason=f"Escalated to {lead.name}, who leads.")
        return lead.name
    if target is None:
        raise Invalid("Choose whom or where to escalate to.")
    if to == "agent":
        given = actions.assign(case.pk, target, by=by, reason="Escalated to them by a colleague.")
        return given.assignee.name if given.assignee else ""
    if to == "team":
        actions.assign(case.pk, None, by=by, reason="Escalated to a team.")
        moved = actions.set_team(case.pk, target, by=by)
        return f"the team {moved.team.name}" if moved.team else ""
    inbox = (
        Inbox.objects.filter(pk=possible_id(target), brand_id=case.brand_id).exclude(health=Inbox.Health.GONE).first()
    )
    if inbox is None or inbox.channel not in registry.CHANNELS:
        raise Invalid("There is no such channel for this brand.")
    return f"{registry.get(inbox.channel).label} ({inbox.name})"


def _lead(case: Case, by: Actor) -> Agent | None:
    """The lead with the least to do: of the case's team before others, online before away; never whoever escalates."""
    leads = Agent.objects.filter(is_active=True, role__in=(Role.LEAD, Role.ADMIN)).prefetch_related("teams")
    if isinstance(by, Agent):
        leads = leads.exclude(pk=by.pk)
    loaded = leads.exclude(pk__in=[case.assignee_id or 0]).annotate(
        load=Count("cases", filter=Q(cases__status=Status.OPEN))
    )

    def rank(one: Agent) -> tuple[bool, bool, bool, int, int]:
        mine = case.team_id in {team.pk for team in one.teams.all()}
        return (not mine, one.presence != Presence.ONLINE, one.role != Role.LEAD, one.load, one.pk)  # type: ignore[attr-defined]

    return min(loaded, key=rank, default=None)


def summary_of(case: Case) -> str:
    """A summary to begin with: what it is about, how the customer feels, how the clock stands, what was said and promised."""
    mood = case.sentiment
    if case.sentiment_first and case.sentiment_first != mood:
        mood += f" (was {case.sentiment_first})"
    lines = [
        f"About: {categories.tree(case.brand_id).name(case.category)}"
        f"{f', {INTENT_NAMES.get(case.intent, case.intent).lower()}' if case.intent else ''}. Mood: {mood}."
    ]
    lines.append(_clock(case))
    said = list(case.messages.filter(direction=Direction.IN, deleted_at=None).order_by("-sent_at", "-id")[:LINES])[::-1]
    lines += [f"{case.customer}: “{_first_line(one)}”" for one in said if one.text]
    # What waits for approval, was taken back or did not arrive has not been said.
    unsaid = Delivery.objects.filter(
        message=OuterRef("pk"),
        what="send",
        state__in=(DeliveryState.AWAITING, DeliveryState.CANCELLED, DeliveryState.FAILED),
    )
    said_by_us = case.messages.filter(~Exists(unsaid), direction=Direction.OUT)
    ours = list(said_by_us.order_by("-sent_at", "-id")[:10])
    if ours:
        lines.append(f"We last wrote: “{_first_line(ours[0])}”")
    promised = [found.strip() for one in ours for found in _PROMISE.findall(one.text)][:2]
    lines += [f"Promised: “{one_line(words, 160)}”" for words in promised]
    return "\n".join(line for line in lines if line)


def _first_line(message: Message) -> str:
    return one_line(next((line for line in message.text.splitlines() if line.strip()), ""), 160)


def _clock(case: Case) -> str:
    now, what = clock.now(), _DUE.get(case.due_what, "answer")
    parts = []
    if case.waiting_since is not None:
        parts.append(f"Waiting since {case.waiting_since:%d %b %H:%M} UTC")
    if case.response_due_at is not None:
        over = "was due" if case.response_due_at <= now else "is due"
        parts.append(f"{what} {over} {case.response_due_at:%d %b %H:%M} UTC")
    elif case.breached_at is not None:
        parts.append("a promise was broken")
    return f"{'; '.join(parts)}." if parts else ""
