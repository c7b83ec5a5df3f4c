"""Whoever answers a case that nobody has takes it. Part of ``cases.actions``."""

from __future__ import annotations

from parlour.cases.models import Case
from parlour.spine import actions as spine
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent


def claim(case: Case, by: Actor) -> None:
    """Give the case to the agent who answers it, unless somebody has it; programs take nothing.

    In the transaction of the answer, which has noted what else changes; the case is held. An answer that is undone leaves it with
    them: whoever takes their words back is about to write others.
    """
    if case.assignee_id is not None or not isinstance(by, Agent):
        return
    words = f"Taken by {by.name} with an answer."
    Case.objects.filter(pk=case.pk).update(assignee_id=by.pk, routing_reason=words)
    spine.write("case.assigned", actor=actor_name(by), case_id=case.pk, assignee=by.pk, reason=words)
