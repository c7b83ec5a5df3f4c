"""What a rule does to a case: changes in memory at once, verbs that speak or act elsewhere once the case is saved.

Whatever a person has set stays, unless the rule says otherwise. Each firing is one line of the log in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from parlour.cases import actions as cases
from parlour.cases.access import Conflict, Invalid
from parlour.cases.models import Case, Message
from parlour.channels.contract import ChannelError
from parlour.lib import clock
from parlour.lib.rows import insert_rows
from parlour.policy.approvals import actions as approvals
from parlour.policy.rules.book import Ready
from parlour.policy.rules.facts import Row
from parlour.policy.rules.language import SAME, Act, fill
from parlour.policy.rules.models import Firing, Rule
from parlour.policy.rules.sentences import listed
from parlour.spine import actions as spine
from parlour.spine.models import Event
from parlour.staff import queries as people
from parlour.staff.access import LEAD, Robot, roles_with
from parlour.staff.models import Agent, Team
from parlour.understanding import categories
from parlour.understanding.categories import Tree

CHANGED = ["category", "category_by", "purpose", "purpose_by", "tags", "level", "actionable", "team_id", "assignee_id"]
CHANGED += ["routing_reason"]
BESIDE = ("category_by", "purpose_by", "routing_reason")
"""Changed along with something else: no change on their own."""
SPEAKING = frozenset({"note", "reply", "hide", "resolve", "escalate"})
MOST_DEEP = 5
"""So many rules may set each other off on one case."""
MOST_ANSWERS = 3
"""So many answers one rule gives one case in ``ANSWERS_WITHIN``: two robots that answer each other stop."""
ANSWERS_WITHIN = timedelta(hours=24)
HANDS = {"team": "case.team", "assignee": "case.assigned", "level": "case.level", "noise": "case.actionable"}
HANDS |= {"needs_answer": "case.actionable"}
TOUCHED = {
    "team": "case.team",
    "assignee": "case.assignee",
    "level": "case.level",
    "noise": "case.actionable",
    "needs_answer": "case.actionable",
    "category": "case.category",
    "purpose": "case.purpose",
    "add_tags": "case.tags",
    "remove_tags": "case.tags",
}
"""Action -> the field whose values it changes."""


@dataclass(slots=True)
class Desk:
    """Names of teams and agents, and whose hand last set what, read once for a batch when something needs them."""

    cases: Sequence[int]
    _teams: dict[str, int] | None = None
    _agents: dict[str, tuple[int, str]] | None = None
    _hands: dict[tuple[int, str], str] | None = None
    _trees: dict[int, Tree] = field(default_factory=dict)

    def category(self, brand_id: int, slug: str) -> str | None:
        """The category that a slug stands for at a brand, None where it is not used there."""
        if brand_id not in self._trees:
            self._trees[brand_id] = categories.tree(brand_id)
        return self._trees[brand_id].meaning(slug)

    def team(self, name: str) -> int | None:
        if self._teams is None:
            self._teams = dict(Team.objects.values_list("name", "pk"))
        return self._teams.get(name)

    def agent(self, email: str) -> tuple[int, str] | None:
        if self._agents is None:
            self._agents = {one.email: (one.pk, one.name) for one in people.answering()}
        return self._agents.get(email)

    def by_hand(self, case: Case, verb: str) -> bool:
        """Whether a person, or a program from outside, did this last."""
        if self._hands is None:
            told = Event.objects.filter(case_id__in=self.cases, verb__in=set(HANDS.values())).order_by("id")
            self._hands = {(pk or 0, done): by for pk, done, by in told.values_list("case_id", "verb", "actor")}
        return self._hands.get((case.pk, verb), "").startswith(("agent:", "token:"))


@dataclass(slots=True)
class Carrying:
    """What becomes of a batch: lines to write, firings to keep, verbs to do once the cases are saved."""

    desk: Desk
    now: datetime
    events: list[Event] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    closing: set[int] = field(default_factory=set)
    """Cases that a rule resolves."""
    stopped: set[int] = field(default_factory=set)
    """Cases on which rules chased each other."""
    _fired: set[tuple[int, int, str]] | None = None

    def fire(self, rule: Ready, row: Row) -> set[str] | None:
        """Do what the rule says, and tell; the fields that changed, None where it has fired on this before."""
        key = (rule.id, row.case.pk, row.occurrence)
        if key in self._known():
            return None
        self._known().add(key)
        did: list[str] = []
        left: list[str] = []
        touched: set[str] = set()
        for act in rule.spec.acts:
            self._do(rule, row, act, did, left, touched)
        chain = [*row.chain, rule.id]
        self.firings.append(
            Firing(rule_id=rule.id, case_id=row.case.pk, occurrence=row.occurrence, at=self.now, chain=chain)
        )
        if not did and not left:
            # Everything is as the rule wants it: counted, and nothing to tell.
            return touched
        name = rule.spec.name
        data: dict[str, Any] = {"rule": rule.id, "name": name, "reason": rule.words, "did": did, "left": left}
        self._tell(rule, row, "rule.fired", data)
        return touched

    def _known(self) -> set[tuple[int, int, str]]:
        if self._fired is None:
            told = Firing.objects.filter(case_id__in=self.desk.cases)
            self._fired = set(told.values_list("rule_id", "case_id", "occurrence"))
        return self._fired

    def _tell(self, rule: Ready, row: Row, verb: str, data: dict[str, Any]) -> None:
        message = row.message.pk if row.message else None
        told = Event(verb=verb, actor=f"rule:{rule.id}", case_id=row.case.pk, message_id=message, data=data)
        self.events.append(told)

    def _do(self, rule: Ready, row: Row, act: Act, did: list[str], left: list[str], touched: set[str]) -> None:
        if act.do == "stop":
            return
        if act.do in SPEAKING:
            did.append(rule.deeds[act])
            if act.do == "resolve":
                self.closing.add(row.case.pk)
            self.afterwards.append(lambda: speak(rule, row.case.pk, row.message, act))
            return
        if (why := self._kept_from(rule, row.case, act)) is not None:
            left.append(f"{rule.deeds[act]} ({why})")
            return
        changes, told = self._changes(rule, row.case, act)
        before = {name: getattr(row.case, name) for name in changes}
        for name, value in changes.items():
            setattr(row.case, name, value)
        if all(before[name] == value for name, value in changes.items() if name not in BESIDE):
            return
        words = rule.deeds[act]
        did.append(words)
        touched.add(TOUCHED[act.do])
        verb = HANDS.get(act.do) or {"category": "case.category", "purpose": "case.purpose"}.get(act.do, "case.tags")
        self._tell(rule, row, verb, {**told, "reason": f"Rule “{rule.spec.name}”."})

    def _kept_from(self, rule: Ready, case: Case, act: Act) -> str | None:
        """Why the rule leaves this alone, None when it need not."""
        if act.do == "team" and self.desk.team(act.value[0]) is None:
            return "there is no such team"
        if act.do == "assignee" and self.desk.agent(act.value[0]) is None:
            return "there is no such agent"
        if act.do == "category" and self.desk.category(case.brand_id, act.value[0]) is None:
            return f"{case.brand.name} has no such category"
        if rule.spec.overwrite:
            return None
        if act.do in ("category", "purpose"):
            by = getattr(case, f"{act.do}_by")
            return "a person had set it" if by.startswith(("agent:", "token:")) else None
        if act.do == "assignee" and case.assignee_id is not None:
            return "somebody has it already"
        if act.do in HANDS and self.desk.by_hand(case, HANDS[act.do]):
            return "a person had set it"
        return None

    def _changes(self, rule: Ready, case: Case, act: Act) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what changes on the case, what the log tells of it)"""
        value, by = act.value[0] if act.value else "", f"rule:{rule.id}"
        words = f"Rule “{rule.spec.name}”."
        match act.do:
            case "category" | "purpose":
                if act.do == "category":
                    value = self.desk.category(case.brand_id, value) or value
                return {act.do: value, f"{act.do}_by": by}, {"was": getattr(case, act.do), "now": value}
            case "team":
                number = self.desk.team(value)
                return {"team_id": number, "routing_reason": f"Handed to {value} by the rule “{rule.spec.name}”."}, {
                    "team": number
                }
            case "assignee":
                found = self.desk.agent(value)
                number, name = found or (None, "")
                words = f"Given to {name} by the rule “{rule.spec.name}”."
                return {"assignee_id": number, "routing_reason": words}, {"assignee": number}
            case "level":
                return {"level": value}, {"level": value}
            case "add_tags" | "remove_tags":
                tags = retagged(case.tags, act)
                return {"tags": tags}, {"was": case.tags, "now": tags}
            case _:
                return {"actionable": act.do == "needs_answer"}, {"actionable": act.do == "needs_answer"}

    def keep(self) -> None:
        """Write what is to be remembered. In the caller's transaction."""
        insert_rows(Firing, self.firings)


def retagged(tags: Iterable[str], act: Act) -> list[str]:
    """The tags with those of the action added or taken away; at most as many as a case may have."""
    named = {one.casefold() for one in act.value}
    if act.do == "remove_tags":
        return [tag for tag in tags if tag.casefold() not in named]
    here = list(tags)
    known = {tag.casefold() for tag in here}
    return [*here, *(tag for tag in act.value if tag.casefold() not in known)][: cases.MOST_TAGS]


def speak(rule: Ready, case_id: int, message: Message | None, act: Act) -> None:
    """Do what is a verb of its own; what cannot be done is told on the case and undoes nothing else. In the caller's transaction."""
    by = Robot("rule", rule.id)
    try:
        with transaction.atomic():
            _speak(rule, by, case_id, message, act)
    except (Invalid, Conflict, ChannelError, LookupError, Case.DoesNotExist, Message.DoesNotExist) as error:
        words = f"The rule “{rule.spec.name}” could not {rule.deeds[act]}: {error}"
        spine.write("rule.failed", actor=f"rule:{rule.id}", case_id=case_id, rule=rule.id, reason=words[:400])


def _speak(rule: Ready, by: Robot, case_id: int, message: Message | None, act: Act) -> None:
    case = Case.objects.select_related("brand", "customer").get(pk=case_id)
    text = fill(act.value[0], variables(case)) if act.value else ""
    match act.do:
        case "note":
            cases.add_note(case_id, by=by, text=text)
        case "reply":
            _answer(rule, by, case, message, text, act)
        case "hide":
            if message is None:
                raise Invalid("There is no message to hide.")
            if not message.hidden:
                cases.act(message.pk, "hide", by=by)
        case "resolve":
            cases.resolve(case_id, by=by)
        case _:
            _escalate(rule, by, case, text)


def variables(case: Case) -> dict[str, str]:
    """What the gaps of an answer or a note are filled with."""
    name = case.customer.name
    return {"name": name, "first_name": name.split(" ")[0], "case": str(case.pk), "brand": case.brand.name}


def _answer(rule: Ready, by: Robot, case: Case, message: Message | None, text: str, act: Act) -> None:
    lately = Event.objects.filter(case_id=case.pk, verb__in=("reply.queued", "reply.awaits"), actor=f"rule:{rule.id}")
    if lately.filter(at__gt=clock.now() - ANSWERS_WITHIN).count() >= MOST_ANSWERS:
        raise Invalid(f"it has answered this case {MOST_ANSWERS} times within a day. Does another robot answer it?")
    visibility = case.visibility if act.visibility == SAME else act.visibility
    answers = message.pk if message is not None and message.thread_id is not None else None
    author, words = _author(rule), act.value[0] if act.value else ""
    approvals.reply_by_itself(
        case.pk, by=by, author=author, words=words, text=text, visibility=visibility, answers=answers
    )


def _author(rule: Ready) -> Agent | None:
    """Who is answerable for what the rule says: whoever has changed it last, or put it on."""
    kind, _, number = (Rule.objects.filter(pk=rule.id).values_list("changed_by", flat=True).first() or "").partition(
        ":"
    )
    return Agent.objects.filter(pk=int(number)).first() if kind == "agent" and number.isdigit() else None


def _escalate(rule: Ready, by: Robot, case: Case, text: str) -> None:
    """To the lead of the case's team with the fewest cases, else to any lead; those who are online first."""
    leads = Agent.objects.filter(is_active=True, role__in=roles_with(LEAD)).order_by("name")
    own = list(leads.filter(teams=case.team_id)) if case.team_id else []
    online = set(people.agents_online().values_list("pk", flat=True))
    found = own or list(leads)
    if not found:
        raise Invalid("there is no team lead.")
    lead = min(found, key=lambda one: (one.pk not in online, one.role != "lead", one.name))
    words = f"Escalated to {lead.name} by the rule “{rule.spec.name}”."
    if case.assignee_id is None or rule.spec.overwrite:
        cases.assign(case.pk, lead.pk, by=by, reason=words)
    if case.level is None or rule.spec.overwrite:
        cases.set_level(case.pk, "urgent", by=by)
    cases.add_note(case.pk, by=by, text=f"For {lead.name}: {text or rule.words}")
    cases.set_tags(case.pk, retagged(Case.objects.get(pk=case.pk).tags, Act("add_tags", ("escalated",))), by=by)


def chase(names: Sequence[str]) -> str:
    """What is told when rules set each other off without end."""
    if len(names) == 1:
        return f"Stopped: the rule “{names[0]}” sets itself off again and again."
    return f"Stopped: the rules {listed([f'“{name}”' for name in names], 'and')} chase each other."


def stop(rule: Ready, row: Row, now: datetime) -> Event:
    """Tell, on the case and on the rules, that they were not let fire once more."""
    begun = row.occurrence.partition(":")[0]
    fired = Firing.objects.filter(Q(occurrence=begun) | Q(occurrence__startswith=f"{begun}:"), case_id=row.case.pk)
    chain = list(dict.fromkeys([*fired.order_by("pk").values_list("rule_id", flat=True), rule.id]))
    names = dict(Rule.objects.filter(pk__in=chain).values_list("pk", "name"))
    words = chase([names.get(pk, "a former rule") for pk in chain])
    Rule.objects.filter(pk__in=chain).update(stopped_at=now, stopped_words=words[:400], stopped_case=row.case.pk)
    data = {"rule": rule.id, "reason": words, "chain": chain}
    return Event(verb="rule.stopped", actor=f"rule:{rule.id}", case_id=row.case.pk, data=data)
