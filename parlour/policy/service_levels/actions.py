"""Verbs on what is promised. Each saves a new edition, one line in the log, in one transaction; running clocks follow soon after.

All raise Denied without the right to lead, Invalid for what cannot be, and Conflict when somebody else has changed it meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex

from django.db import transaction

from parlour.cases.access import Conflict, Invalid
from parlour.lib import clock
from parlour.policy.service_levels import queries
from parlour.policy.service_levels.calendars import Calendar
from parlour.policy.service_levels.models import Clock, Edition
from parlour.policy.service_levels.plan import BEGINNING, Plan, Target, document, plan_of
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Team

MOST_TARGETS, MOST_CALENDARS = 200, 100


def new_key() -> str:
    return token_hex(4)


def with_target(plan: Plan, target: Target) -> Plan:
    """The plan with this target instead of the one of its key, or as its first."""
    if plan.target(target.key) is None:
        return replace(plan, targets=(target, *plan.targets), _by_key={})
    return replace(plan, targets=tuple(target if one.key == target.key else one for one in plan.targets), _by_key={})


def with_calendar(plan: Plan, calendar: Calendar) -> Plan:
    if all(one.key != calendar.key for one in plan.calendars):
        return replace(plan, calendars=(*plan.calendars, calendar), _by_key={})
    kept = tuple(calendar if one.key == calendar.key else one for one in plan.calendars)
    return replace(plan, calendars=kept, _by_key={})


def save_target(target: Target, *, by: Actor, seen: int) -> Plan:
    """Add or change a target. ``seen``: the edition it was made from."""
    plan = _current(by, seen)
    known = plan.target(target.key) is not None
    if not known and len(plan.targets) >= MOST_TARGETS:
        raise Invalid(f"There are {MOST_TARGETS} targets already.")
    words = f"Target “{target.name}” {'changed' if known else 'added'}"
    return _save(with_target(plan, target), words, by, seen)


def remove_target(key: str, *, by: Actor, seen: int) -> Plan:
    """Promise no more what it said: its clocks go by the target that holds then, or end."""
    plan = _current(by, seen)
    target = plan.target(key)
    if target is None:
        raise Invalid("There is no such target.")
    kept = tuple(one for one in plan.targets if one.key != key)
    return _save(replace(plan, targets=kept, _by_key={}), f"Target “{target.name}” removed", by, seen)


def move_target(key: str, up: bool, *, by: Actor, seen: int) -> Plan:
    """One place up or down: of targets that are equally specific the first holds."""
    plan = _current(by, seen)
    at = next((number for number, one in enumerate(plan.targets) if one.key == key), None)
    if at is None:
        raise Invalid("There is no such target.")
    to = max(at - 1, 0) if up else min(at + 1, len(plan.targets) - 1)
    targets = list(plan.targets)
    targets.insert(to, targets.pop(at))
    name = targets[to].name
    return _save(replace(plan, targets=tuple(targets), _by_key={}), f"Target “{name}” moved", by, seen)


def save_calendar(calendar: Calendar, *, by: Actor, seen: int) -> Plan:
    """Add or change opening hours."""
    plan = _current(by, seen)
    known = any(one.key == calendar.key for one in plan.calendars)
    if not known and len(plan.calendars) >= MOST_CALENDARS:
        raise Invalid(f"There are {MOST_CALENDARS} calendars already.")
    words = f"Opening hours “{calendar.name}” {'changed' if known else 'added'}"
    return _save(with_calendar(plan, calendar), words, by, seen)


def remove_calendar(key: str, *, by: Actor, seen: int) -> Plan:
    """Raises Invalid while a target counts by it, or a team keeps to it."""
    plan = _current(by, seen)
    calendar = next((one for one in plan.calendars if one.key == key), None)
    if calendar is None:
        raise Invalid("There are no such opening hours.")
    if users := [one.name for one in plan.targets if one.calendar == key]:
        raise Invalid(f"“{users[0]}” counts by these opening hours: give it others first.")
    if team := Team.objects.filter(hours=key, active=True).order_by("name").first():
        raise Invalid(f"The team {team.name} keeps to these opening hours: give it others first.")
    kept = tuple(one for one in plan.calendars if one.key != key)
    return _save(replace(plan, calendars=kept, _by_key={}), f"Opening hours “{calendar.name}” removed", by, seen)


def restore(edition: int, *, by: Actor, seen: int) -> Plan:
    """Promise again what an earlier edition promised; 0 is what the desk began with."""
    _current(by, seen)
    if edition:
        found = Edition.objects.filter(pk=edition).first()
        if found is None:
            raise Invalid("There is no such edition.")
        return _save(plan_of(found.document), f"Back to what held after “{found.words}”"[:200], by, seen)
    return _save(BEGINNING, "Back to what the desk began with", by, seen)


def _current(by: Actor, seen: int) -> Plan:
    staff.require(by, staff.LEAD)
    plan = queries.current()
    if plan.edition != seen:
        raise Conflict("Somebody has changed the service levels meanwhile: look at them again.")
    return plan


def _save(plan: Plan, words: str, by: Actor, seen: int) -> Plan:
    with transaction.atomic():
        # Whoever saves at the same moment waits here, and then finds another edition.
        Edition.objects.select_for_update().filter(pk=seen).first()
        latest = Edition.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if latest != seen:
            raise Conflict("Somebody has changed the service levels meanwhile: look at them again.")
        made = Edition.objects.create(document=document(plan), words=words[:200], by=actor_name(by))
        spine.write("service_levels.changed", actor=actor_name(by), edition=made.pk, was=seen, reason=words)
        bus.wake("policy")
    return replace(plan, edition=made.pk, since=made.at, _by_key={})


def see_notice(clock_id: int, *, by: Actor) -> None:
    """A team lead has seen what was told of a clock; nothing when another has already."""
    staff.require(by, staff.LEAD)
    with transaction.atomic():
        seen = Clock.objects.filter(pk=clock_id, notified_at__isnull=False, seen_at__isnull=True)
        case_id = seen.values_list("case_id", flat=True).first()
        if case_id is not None and seen.update(seen_at=clock.now()):
            spine.write("service_levels.seen", actor=actor_name(by), case_id=case_id, clock=clock_id)
