"""Changes to how routing is set, to teams and to agents. Each is kept with what was before, and can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from django.db import IntegrityError, transaction

from parlour.cases.access import Conflict, Invalid
from parlour.cases.models import Case, Purpose, Status
from parlour.channels.models import Brand
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.policy.routing import actions, queries
from parlour.policy.routing.models import Change, Settings
from parlour.policy.routing.step import unassigned
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access
from parlour.staff import actions as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent, Role, Strategy, Team

TEAM_FIELDS = (
    "name", "active", "categories", "purposes", "languages", "channels", "brands", "skills", "strategy", "pushes",
    "overflow_id", "overflow_minutes", "hours", "wrap_up_seconds",
)  # fmt: skip
AGENT_FIELDS = ("name", "role", "capacity", "skills", "languages", "is_active")
MOST_MINUTES = 7 * 24 * 60
MOST_WEIGHT = 20
MOST_WRAP_UP = 3600


def save_settings(values: Mapping[str, Any], *, by: Actor) -> Change:
    """Set what holds for all teams; what is left out stays. Raises Invalid with a sentence, and Denied."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        row = Settings.objects.select_for_update().order_by("pk").first() or Settings.objects.create(values={})
        before = queries.read(row.values)
        after = planned(before, values)
        row.values = asdict(after) | {"needs": [[need.category, need.skill, need.level] for need in after.needs]}
        old = asdict(before) | {"needs": [[need.category, need.skill, need.level] for need in before.needs]}
        change = _note("settings", None, "The settings of routing were changed.", old, row.values, by)
        row.save()
        _look_again()
    return change


def planned(before: queries.Rules, values: Mapping[str, Any]) -> queries.Rules:
    """The settings as they would be. Raises Invalid with a sentence."""
    return replace(before, **_checked(values))


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    bounds = {"sticky_days": 365, "gone_minutes": MOST_MINUTES, "wrap_up_minutes": 240}
    words = {"sticky_days": "days", "gone_minutes": "minutes", "wrap_up_minutes": "minutes"}
    for name, value in values.items():
        if name in bounds:
            least = 1 if name == "wrap_up_minutes" else 0
            if not isinstance(value, int) or not least <= value <= bounds[name]:
                raise Invalid(f"{value!r} is no number of {words[name]} from {least} to {bounds[name]:,}.")
            if name == "gone_minutes" and value == 1:
                raise Invalid("An open desk gives a sign of life each minute: wait for two at least, or 0 for never.")
            kept[name] = value
        elif name == "weights":
            if any(not isinstance(one, int) or not 1 <= one <= MOST_WEIGHT for one in value.values()):
                raise Invalid(f"A case takes 1 to {MOST_WEIGHT} places.")
            kept[name] = {channel: one for channel, one in value.items() if one != 1}
        elif name == "needs":
            kept[name] = tuple(_need(*one) for one in value)
        elif name == "back_when_offline":
            kept[name] = bool(value)
        else:
            raise Invalid(f"There is no setting {name!r}.")
    return kept


def _need(category: str, skill: str, level: int) -> queries.Need:
    known = queries.category_choices()
    slug = (
        category if category in known else next((one for one, name in known.items() if _is_called(name, category)), "")
    )
    if not slug:
        raise Invalid(f"No brand has a category “{one_line(category, 40)}”.")
    ((word, checked),) = _skills({skill: level}).items()
    return queries.Need(slug, word, checked)


def _is_called(names: str, name: str) -> bool:
    return name.casefold() in (names.casefold(), *names.casefold().split(" / "))


def _skills(skills: Mapping[str, int]) -> dict[str, int]:
    try:
        return staff.checked_skills(skills)
    except ValueError as error:
        raise Invalid(str(error)) from error


def save_team(team_id: int | None, values: Mapping[str, Any], *, by: Actor) -> tuple[Team, Change]:
    """Change a team, or make one (``team_id`` None). What is left out stays. Raises Invalid with a sentence, Team.DoesNotExist, Denied."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        team = Team.objects.select_for_update().get(pk=team_id) if team_id is not None else Team()
        before = _state(team, TEAM_FIELDS) if team.pk else {"active": False}
        _set_team(team, values)
        words = f"The team {team.name} was {'changed' if team.pk else 'made'}."
        try:
            with transaction.atomic():
                team.save()
        except IntegrityError as error:
            raise Invalid(f"There is already a team called {team.name}.") from error
        change = _note("team", team.pk, words, before, _state(team, TEAM_FIELDS), by)
        if not team.active:
            _let_go(team)
        _look_again()
    return team, change


def _set_team(team: Team, values: Mapping[str, Any]) -> None:
    kept, kept_hours = set(team.categories), team.hours
    for name, value in values.items():
        if name not in TEAM_FIELDS:
            raise Invalid(f"A team has no {name!r}.")
        setattr(team, name, value)
    team.name = one_line(team.name, 80)
    if not team.name:
        raise Invalid("A team needs a name.")
    # What a brand has given up since may stay.
    if unknown := set(team.categories) - set(queries.category_choices()) - kept:
        raise Invalid(f"No brand has a category “{one_line(min(unknown), 40)}”.")
    if not team.purposes or not set(team.purposes) <= set(Purpose.values):
        raise Invalid("Choose what the team is for: service, marketing or delight.")
    if team.strategy not in Strategy.values:
        raise Invalid("Choose how the team gives out its cases.")
    if set(team.brands) - set(Brand.objects.values_list("pk", flat=True)):
        raise Invalid("There is no such brand.")
    if not 1 <= team.overflow_minutes <= MOST_MINUTES:
        raise Invalid("Another team helps out after 1 minute to 7 days.")
    if team.overflow_id is not None and (
        team.overflow_id == team.pk or not Team.objects.filter(pk=team.overflow_id).exists()
    ):
        raise Invalid("A team is helped out by another one.")
    if team.hours not in ("", kept_hours) and team.hours not in queries.calendars():
        raise Invalid("There is no such calendar: make it with the service levels first.")
    if not 0 <= team.wrap_up_seconds <= MOST_WRAP_UP:
        raise Invalid(f"Wrapping up after a case takes 0 to {MOST_WRAP_UP:,} seconds.")
    team.skills = _skills(team.skills)
    try:
        team.languages = staff.checked_languages(team.languages)
    except ValueError as error:
        raise Invalid(str(error)) from error


def _let_go(team: Team) -> None:
    """What waits in a team that is closed finds another."""
    Case.objects.filter(team=team, status=Status.OPEN, assignee__isnull=True).update(
        team=None, routing_reason="", look_at=clock.now()
    )


def add_agent(values: Mapping[str, Any], teams: list[int], email: str, *, by: Actor) -> tuple[Agent, str]:
    """A new seat and the secret of its one-time link. Raises Invalid with a sentence, and Denied."""
    access.require(by, access.LEAD)
    _may_give(by, str(values.get("role", Role.AGENT)))
    with transaction.atomic():
        try:
            agent = staff.add_agent(email, **values)
        except ValueError as error:
            raise Invalid(str(error)) from error
        agent.teams.set(_teams(teams))
        _note("agent", agent.pk, f"{agent.name} was added.", {"is_active": False, "teams": []}, _person(agent), by)
        return agent, staff.make_sign_in_link(agent)


def save_agent(agent_id: int, values: Mapping[str, Any], teams: list[int] | None, *, by: Actor) -> tuple[Agent, Change]:
    """Change an agent's seat. Who is deactivated is signed out, and what they had goes back to the queue. Raises Invalid with a
    sentence, Agent.DoesNotExist, Denied."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        agent = Agent.objects.select_for_update().get(pk=agent_id)
        before = _person(agent)
        _may_give(by, agent.role)
        _set_agent(agent, values, by)
        agent.save()
        if before["role"] == Role.ADMIN and not Agent.objects.filter(role=Role.ADMIN, is_active=True).exists():
            raise Invalid("Nobody could administer the desk then: make somebody else an administrator first.")
        if teams is not None:
            agent.teams.set(_teams(teams))
        change = _note("agent", agent.pk, f"{agent.name} was {_done(before, agent)}.", before, _person(agent), by)
        if not agent.is_active and before["is_active"]:
            actions.give_back(agent, f"{agent.name} no longer works here.", everything=True)
        _look_again()
    return agent, change


def _done(before: Mapping[str, Any], agent: Agent) -> str:
    if before["is_active"] == agent.is_active:
        return "changed"
    return "brought back" if agent.is_active else "deactivated"


def _set_agent(agent: Agent, values: Mapping[str, Any], by: Actor) -> None:
    for name, value in values.items():
        if name not in AGENT_FIELDS:
            raise Invalid(f"An agent has no {name!r}.")
        setattr(agent, name, value)
    agent.name = one_line(agent.name, 80)
    if not agent.name:
        raise Invalid("A name is needed: customers and colleagues see it.")
    if agent.role not in Role.values:
        raise Invalid("There is no such role.")
    _may_give(by, agent.role)
    if isinstance(by, Agent) and by.pk == agent.pk and not agent.is_active:
        raise Invalid("You cannot deactivate yourself.")
    try:
        staff.check_capacity(agent.capacity)
        agent.skills = staff.checked_skills(agent.skills)
        agent.languages = staff.checked_languages(agent.languages)
    except ValueError as error:
        raise Invalid(str(error)) from error


def _may_give(by: Actor, role: str) -> None:
    """Only administrators make and change administrators."""
    if role == Role.ADMIN:
        access.require(by, access.ADMINISTER)


def _teams(ids: list[int]) -> list[Team]:
    found = list(Team.objects.filter(pk__in=ids))
    if len(found) != len(set(ids)):
        raise Invalid("There is no such team.")
    return found


def undo(change_id: int, *, by: Actor) -> Change:
    """Put back what was before a change. Raises Conflict when something was changed since, Change.DoesNotExist, Denied."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        change = Change.objects.select_for_update().get(pk=change_id)
        later = Change.objects.filter(what=change.what, subject=change.subject, pk__gt=change.pk, undone_at=None)
        if change.undone_at or later.exists():
            raise Conflict("It was changed again since, and cannot be taken back by itself.")
        _restore(change, by)
        # The restoring is a change of its own; neither can be taken back a second time.
        Change.objects.filter(what=change.what, subject=change.subject, pk__gte=change.pk).update(undone_at=clock.now())
    return change


def _restore(change: Change, by: Actor) -> None:
    if change.what == "settings":
        save_settings(change.before, by=by)
    elif change.what == "team":
        save_team(change.subject, change.before, by=by)
    else:
        values = dict(change.before)
        save_agent(
            change.subject or 0, {k: v for k, v in values.items() if k in AGENT_FIELDS}, values.get("teams"), by=by
        )


def _state(row: Team | Agent, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in fields}


def _person(agent: Agent) -> dict[str, Any]:
    return _state(agent, AGENT_FIELDS) | {"teams": list(agent.teams.values_list("pk", flat=True))}


def _note(what: str, subject: int | None, words: str, before: Any, after: Any, by: Actor) -> Change:
    spine.write(f"routing.{what}", actor=actor_name(by), subject=subject, reason=words)
    return Change.objects.create(
        what=what, subject=subject, words=words[:200], before=before, after=after, by=actor_name(by)
    )


def _look_again() -> None:
    """What waits is routed by the new settings."""
    unassigned().update(look_at=clock.now())
    bus.wake("policy")
