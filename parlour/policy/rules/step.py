"""The step of rules on the road: what customers' new words set off, and what becomes due because time has passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Max

from parlour.cases.models import Case, Direction, Message
from parlour.policy.judging import Judging
from parlour.policy.rules.asking import ask
from parlour.policy.rules.book import Ready, book
from parlour.policy.rules.carrying import Carrying, Desk
from parlour.policy.rules.facts import Row, latest_words
from parlour.policy.rules.language import TRIGGERS
from parlour.policy.rules.matching import Mask
from parlour.spine.models import Event

SAYING = ("message", "opened", "reopened")
TIMED = ("unanswered", "silent")


def apply_rules(judging: Judging) -> None:
    """Ask the rules about messages, openings and passed times; those about other events follow the log (``follow``)."""
    rules = book()
    if not rules.rules:
        return
    carrying = Carrying(Desk([case.pk for case in judging.cases]), judging.now)
    if judging.said and (saying := rules.on(*SAYING)):
        _ask_about_words(saying, judging, carrying)
    if timed := rules.on(*TIMED):
        _ask_about_time(timed, judging, carrying)
    carrying.keep()
    judging.events += carrying.events
    judging.afterwards += carrying.afterwards
    if carrying.closing:
        # They are resolved once all is saved: nobody is given them for a moment.
        judging.cases = [case for case in judging.cases if case.pk not in carrying.closing]


def _ask_about_words(rules: Sequence[Ready], judging: Judging, carrying: Carrying) -> None:
    """One row for each message, then rows for cases that these messages have opened: a rule about openings sees the first words, one
    about reopenings the latest."""
    spoken = [case for case in judging.cases if judging.said.get(case.pk)]
    rows = [Row(case, said, said.sent_at, f"m{said.pk}") for case in spoken for said in judging.said[case.pk]]
    kinds = ["message"] * len(rows)
    wanted = {rule.spec.event for rule in rules}
    if "opened" in wanted:
        fresh = [case for case in spoken if _is_first(case, judging)]
        rows += [Row(case, words, words.sent_at, "opened") for case in fresh for words in judging.said[case.pk][:1]]
    kinds += ["opened"] * (len(rows) - len(kinds))
    if "reopened" in wanted:
        again = _reopened(spoken, judging)
        rows += [
            Row(case, words, words.sent_at, f"r{case.reopened}")
            for case in again
            for words in judging.said[case.pk][-1:]
        ]
    kinds += ["reopened"] * (len(rows) - len(kinds))
    ask(rules, rows, occurrences(kinds), carrying, judging.now)


def occurrences(kinds: Sequence[str]) -> Callable[[Ready], Mask]:
    """The rows of a rule's event, where ``kinds`` names the event of each row."""
    every = np.array(kinds)
    of = {kind: every == kind for kind in TRIGGERS}
    return lambda rule: of[rule.spec.event]


def _is_first(case: Case, judging: Judging) -> bool:
    words = judging.said[case.pk]
    return case.messages_in <= len(words) and words[0].edited_at is None


def _reopened(spoken: Iterable[Case], judging: Judging) -> list[Case]:
    """The cases that these very words have opened again: the log says so since the first of them was stored."""
    before = {case.pk: min(said.stored_at for said in judging.said[case.pk]) for case in spoken if case.reopened}
    if not before:
        return []
    told = Event.objects.filter(case_id__in=before, verb="case.reopened", at__gte=min(before.values()))
    latest = {pk: at for pk, at in told.order_by("at").values_list("case_id", "at") if pk is not None}
    return [case for case in spoken if case.pk in latest and latest[case.pk] >= before[case.pk]]


def _ask_about_time(rules: Sequence[Ready], judging: Judging, carrying: Carrying) -> None:
    """Rules whose time has come for a case, as long as they have not fired on this wait; otherwise look again when it comes."""
    due: list[tuple[Case, Ready, str]] = []
    for case in judging.cases:
        for rule in rules:
            if (found := moment(case, rule)) is None:
                continue
            at, occurrence = found
            if at > judging.now:
                judging.again(case, at)
            elif rule.since is None or at >= rule.since:
                due.append((case, rule, occurrence))
    if not due:
        return
    silences = _silences([case for case, rule, _ in due if rule.spec.event == "silent"])
    due = [(case, rule, silences[case.pk] if rule.spec.event == "silent" else about) for case, rule, about in due]
    words = latest_words([case.pk for case, _, _ in due])
    for rule in rules:
        # Each rule has rows of its own: the same wait is long enough for one and not for another.
        rows = [Row(case, words.get(case.pk), judging.now, occurrence) for case, one, occurrence in due if one is rule]
        if rows:
            ask([rule], rows, occurrences([rule.spec.event] * len(rows)), carrying, judging.now)


def _silences(cases: Sequence[Case]) -> dict[int, str]:
    """Case -> which silence of its customer that is: what rules themselves have said into it begins no other one."""
    if not cases:
        return {}
    ids = [case.pk for case in cases]
    ours = Event.objects.filter(case_id__in=ids, actor__startswith="rule:", message_id__isnull=False)
    ours = ours.filter(verb__in=("reply.queued", "reply.awaits"))
    said = Message.objects.filter(case_id__in=ids, direction=Direction.OUT).exclude(pk__in=ours.values("message_id"))
    latest = dict(said.order_by().values_list("case_id").annotate(Max("sent_at")))
    since = {case.pk: latest.get(case.pk) or case.last_in_at or case.opened_at for case in cases}
    return {pk: f"s{at.timestamp():.0f}" for pk, at in since.items()}


def moment(case: Case, rule: Ready) -> tuple[datetime, str] | None:
    """(when a rule about time is due for a case, which wait that is about); None while nobody waits for it."""
    if rule.spec.event == "unanswered":
        if case.waiting_since is None or not case.actionable:
            return None
        return case.waiting_since + timedelta(minutes=rule.spec.number), f"u{case.waiting_since.timestamp():.0f}"
    if case.waiting_since is not None or case.last_out_at is None:
        return None
    if case.last_in_at is not None and case.last_in_at > case.last_out_at:
        return None
    return case.last_out_at + timedelta(hours=rule.spec.number), f"s{case.last_out_at.timestamp():.0f}"
