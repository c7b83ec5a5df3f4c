"""Verbs on rules. Each is one transaction, writes one line to the event log and a new edition of the rule book.

All raise Denied without the right, Rule.DoesNotExist, Invalid for what cannot be, and Conflict where somebody was faster.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q

from parlour.cases.access import Conflict, Invalid
from parlour.cases.models import Case, Status
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.policy.rules import choices
from parlour.policy.rules.language import NAME_LIMIT, Spec, read, write
from parlour.policy.rules.models import Edition, Rule
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name

MOST_RULES = 500
KEPT_EDITIONS = 100
EXPORTED = "parlour_rules"


def save(data: object, *, by: Actor | None, rule_id: int | None = None, revision: int | None = None) -> Rule:
    """Make a rule (the last in order), or change one. ``revision`` is the one its writer had before their eyes."""
    with _changing(by) as change:
        spec = _checked(data)
        on = bool(data.get("on", False)) if isinstance(data, dict) else False
        if rule_id is None:
            _room(1)
            rule = Rule.objects.create(**_stored(spec, on), position=_last() + 1, changed_by=actor_name(by))
            change.told("rule.made", f"Made “{rule.name}”", rule)
        else:
            rule = Rule.objects.select_for_update().get(pk=rule_id)
            _refuse_stale(rule, revision)
            _set(rule, _stored(spec, on), by)
            change.told("rule.changed", f"Changed “{rule.name}”", rule)
        if on:
            _look_when_due(spec)
    return rule


def switch(rule_id: int, on: bool, *, by: Actor | None) -> Rule:
    """Put a rule on or off."""
    with _changing(by) as change:
        rule = Rule.objects.select_for_update().get(pk=rule_id)
        if rule.on != on:
            spec = _checked(rule.data) if on else None
            _set(rule, {"on": on, "data": {**rule.data, "on": on}, "since": clock.now() if on else None}, by)
            change.told("rule.switched", f"Put “{rule.name}” {'on' if on else 'off'}", rule)
            if spec is not None:
                _look_when_due(spec)
    return rule


def move(rule_id: int, steps: int, *, by: Actor | None) -> Rule:
    """Ask a rule earlier (negative) or later, by so many places."""
    with _changing(by) as change:
        rules = list(Rule.objects.select_for_update())
        at = next((place for place, one in enumerate(rules) if one.pk == rule_id), None)
        if at is None:
            raise Rule.DoesNotExist
        to = max(0, min(len(rules) - 1, at + steps))
        rule = rules.pop(at)
        rules.insert(to, rule)
        if to != at:
            for place, one in enumerate(rules):
                Rule.objects.filter(pk=one.pk).exclude(position=place).update(position=place)
            change.told("rule.moved", f"Moved “{rule.name}” {'up' if to < at else 'down'}", rule)
    return rule


def duplicate(rule_id: int, *, by: Actor | None) -> Rule:
    """A copy right after the rule, off."""
    with _changing(by) as change:
        _room(1)
        rule = Rule.objects.get(pk=rule_id)
        name = one_line(f"{rule.name} (copy)", NAME_LIMIT)
        Rule.objects.filter(position__gt=rule.position).update(position=F("position") + 1)
        data = {**rule.data, "name": name, "on": False}
        copy = Rule.objects.create(name=name, data=data, position=rule.position + 1, changed_by=actor_name(by))
        change.told("rule.made", f"Copied “{rule.name}”", copy)
    return copy


def remove(rule_id: int, *, by: Actor | None) -> None:
    """Remove a rule; undoing brings it back."""
    with _changing(by) as change:
        rule = Rule.objects.select_for_update().get(pk=rule_id)
        name = rule.name
        change.told("rule.removed", f"Removed “{name}”", rule)
        rule.delete()


def bring(document: object, *, by: Actor | None, replace: bool = False) -> list[Rule]:
    """Import rules as ``queries.export`` gives them: after those that are there, or instead of them. All of them or none."""
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get(EXPORTED) != 1 or not isinstance(rules, list):
        raise Invalid(f'This is no export of rules: it must hold {{"{EXPORTED}": 1, "rules": [...]}}.')
    if unknown := next((key for key in document if key not in (EXPORTED, "rules")), None):
        raise Invalid(f"An export of rules has no part {one_line(str(unknown), 60)!r}.")
    with _changing(by) as change:
        specs = [_numbered(number, one) for number, one in enumerate(rules, 1)]
        if replace:
            Rule.objects.all().delete()
        _room(len(specs))
        first, made = _last() + 1, []
        for place, (spec, on) in enumerate(specs):
            made.append(Rule.objects.create(**_stored(spec, on), position=first + place, changed_by=actor_name(by)))
            if on:
                _look_when_due(spec)
        count = f"{len(made)} {'rule' if len(made) == 1 else 'rules'}"
        change.told("rules.imported", f"Imported {count}{' instead of all others' if replace else ''}", None)
    return made


def undo(*, by: Actor | None, edition_id: int | None = None) -> str:
    """Bring back the rules as they were before the last change (or before the edition ``edition_id``); what was undone, in words."""
    with _changing(by) as change:
        undone = Edition.objects.order_by("-pk").first()
        if edition_id is not None:
            undone = Edition.objects.get(pk=edition_id)
        if undone is None:
            raise Invalid("There is nothing to undo.")
        before = Edition.objects.filter(pk__lt=undone.pk).order_by("-pk").first()
        if before is None and Edition.objects.count() >= KEPT_EDITIONS:
            raise Invalid("That is too long ago to be undone.")
        _restore(before.rules if before else [], by)
        words = f"Undone: {undone.words}"
        change.told("rules.undone", words, None)
    return words


def _restore(kept: list[dict[str, Any]], by: Actor | None) -> None:
    """Rules as an edition holds them; those that are as they were keep their time and count."""
    here = {rule.pk: rule for rule in Rule.objects.select_for_update()}
    Rule.objects.exclude(pk__in=[one["id"] for one in kept]).delete()
    now = clock.now()
    for place, one in enumerate(kept):
        values = {"name": one["name"], "on": one["on"], "data": one["data"]}
        rule = here.get(one["id"])
        if rule is None:
            since = now if one["on"] else None
            Rule.objects.create(pk=one["id"], **values, position=place, since=since, changed_by=actor_name(by))
        elif {name: getattr(rule, name) for name in values} != values:
            _set(rule, {**values, "position": place, "since": now if one["on"] else None}, by)
        elif rule.position != place:
            Rule.objects.filter(pk=rule.pk).update(position=place)


def _numbered(number: int, data: object) -> tuple[Spec, bool]:
    try:
        return _checked(data), bool(data.get("on", False)) if isinstance(data, dict) else False
    except Invalid as error:
        raise Invalid(f"Rule {number}: {error}") from error


def _checked(data: object) -> Spec:
    spec = read(data)
    choices.check(spec)
    return spec


def _stored(spec: Spec, on: bool) -> dict[str, Any]:
    data = write(spec, on=on)
    return {"name": spec.name, "on": on, "data": data, "since": clock.now() if on else None}


def _set(rule: Rule, values: Mapping[str, Any], by: Actor | None) -> None:
    for name, value in values.items():
        setattr(rule, name, value)
    rule.revision += 1
    rule.changed_at, rule.changed_by = clock.now(), actor_name(by)
    rule.stopped_at, rule.stopped_words, rule.stopped_case = None, "", None
    rule.save()


def _refuse_stale(rule: Rule, revision: int | None) -> None:
    if revision is not None and revision != rule.revision:
        raise Conflict("Somebody has changed this rule in the meantime. Open it again to see what it says now.")


def _look_when_due(spec: Spec) -> None:
    """A rule about time that is new here: policy looks at the cases whose moment is still to come when it comes."""
    if spec.event not in ("unanswered", "silent"):
        return
    waits = spec.event == "unanswered"
    since, length = (
        ("waiting_since", timedelta(minutes=spec.number)) if waits else ("last_out_at", timedelta(hours=spec.number))
    )
    moment = ExpressionWrapper(F(since) + length, output_field=DateTimeField())
    cases = Case.objects.filter(
        status=Status.OPEN, waiting_since__isnull=not waits, **{f"{since}__gt": clock.now() - length}
    )
    cases.filter(Q(look_at=None) | Q(look_at__gt=moment)).update(look_at=moment)
    bus.wake("policy")


@dataclass(slots=True)
class _Change:
    """One change of the rule book on its way."""

    verb: str = ""
    words: str = ""
    rule: int | None = None

    def told(self, verb: str, words: str, rule: Rule | None) -> None:
        self.verb, self.words, self.rule = verb, words, rule.pk if rule else None


@contextmanager
def _changing(by: Actor | None) -> Iterator[_Change]:
    """Changes come one after the other, by those who lead; at the end of one that changed something stands a new edition."""
    if by is not None:
        staff.require(by, staff.LEAD)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('parlour.rules'))")
        change = _Change()
        yield change
        if not change.verb:
            return
        kept = [{"id": one.pk, "name": one.name, "on": one.on, "data": one.data} for one in Rule.objects.all()]
        words, actor = change.words[:200], actor_name(by)
        made = Edition.objects.create(stamp=secrets.token_hex(16), by=actor, words=words, rules=kept)
        Edition.objects.filter(pk__lte=made.pk - KEPT_EDITIONS).delete()
        spine.write(change.verb, actor=actor, reason=f"{words}.", rule=change.rule)


def _room(more: int) -> None:
    if Rule.objects.count() + more > MOST_RULES:
        raise Invalid(f"A desk has at most {MOST_RULES} rules.")


def _last() -> int:
    place = Rule.objects.order_by("-position").values_list("position", flat=True).first()
    return -1 if place is None else place
