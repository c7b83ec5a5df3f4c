"""Teams with opening hours, and the moment to wrap up after a case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases.access import Invalid
from parlour.cases.models import Case
from parlour.cases.tests.rows import START, Rows
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.routing import actions as routing
from parlour.policy.routing import changes
from parlour.policy.service_levels import actions as service_levels
from parlour.policy.service_levels import queries as promised
from parlour.policy.service_levels.calendars import Calendar
from parlour.spine.models import Event
from parlour.staff.models import Agent, Presence, Role, Team

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
BEGIN = START.hour * 60


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@pytest.fixture
def lead(rows: Rows) -> Agent:
    return rows.agent("Lea", role=Role.LEAD)


def calendar(lead: Agent, opens: int, closes: int) -> str:
    """A calendar that is open each day between two hours, counted from ``START``."""
    hours = (((BEGIN + opens * 60) % 1440, (BEGIN + closes * 60) % 1440),)
    made = Calendar("shop", "Shop hours", hours=(hours,) * 7)
    service_levels.save_calendar(made, by=lead, seen=promised.current().edition)
    return made.key


def member(rows: Rows, name: str, team: Team) -> Agent:
    agent = rows.agent(name, presence=Presence.ONLINE)
    agent.teams.add(team)
    return agent


def waiting(rows: Rows) -> Case:
    return rows.case(category="billing", waiting_since=START, visibility="private", look_at=START)


def at(hours: float) -> None:
    """What a worker does then: looks at what is due, and hands out."""
    with clock.frozen(START + hours * HOUR):
        policy.look()
        policy.hand_out()


def test_a_closed_team_is_given_nothing_until_it_opens(rows: Rows, lead: Agent) -> None:
    billing = Team.objects.create(name="Billing", categories=["billing"], hours=calendar(lead, 2, 6))
    noor, case = member(rows, "Noor", billing), waiting(rows)
    at(0)
    case.refresh_from_db()
    opens = f"{START + 2 * HOUR:%H:%M}"
    assert (case.team, case.assignee) == (billing, None)
    assert case.routing_reason == f"Billing takes Billing; it is closed until {opens}."
    assert case.look_at is not None
    assert case.look_at <= START + 2 * HOUR
    # An agent may take it all the same; nobody is pushed until then.
    at(1.9)
    case.refresh_from_db()
    assert case.assignee is None
    at(2)
    case.refresh_from_db()
    assert case.assignee == noor


def test_whoever_helps_out_is_given_the_cases_of_a_closed_team_at_once(rows: Rows, lead: Agent) -> None:
    care = Team.objects.create(name="Care", categories=["account"])
    billing = Team.objects.create(
        name="Billing", categories=["billing"], hours=calendar(lead, 2, 6), overflow=care, overflow_minutes=240
    )
    noor = member(rows, "Noor", billing)
    mia = rows.agent("Mia", capacity=1)
    mia.teams.add(care)
    first, second = waiting(rows), waiting(rows)
    at(0)
    first.refresh_from_db()
    assert "closed until" in first.routing_reason
    assert first.routing_reason.endswith("and Care cannot help out: nobody there is online.")
    # As soon as somebody of theirs has room, and without the wait that holds while both are open.
    Agent.objects.filter(pk=mia.pk).update(presence=Presence.ONLINE)
    at(0.1)
    first.refresh_from_db()
    assert first.assignee == mia
    assert "; it is closed" not in first.routing_reason
    assert "Care helps out: Mia was least loaded" in first.routing_reason
    at(2)
    second.refresh_from_db()
    assert second.assignee == noor


def test_an_agent_who_resolves_has_a_moment_to_wrap_up(rows: Rows) -> None:
    team = Team.objects.create(name="Care", wrap_up_seconds=60)
    noor = member(rows, "Noor", team)
    mine, others = (rows.case(team=team, assignee=who, waiting_since=START) for who in (noor, None))
    with clock.frozen(START):
        routing.resolve(others.pk, by=noor)
        assert noor.presence == Presence.ONLINE
        routing.resolve(mine.pk, by=noor)
    assert (noor.presence, noor.presence_until) == (Presence.WRAP_UP, START + timedelta(seconds=60))
    assert Event.objects.filter(verb="agent.wraps_up", case_id=mine.pk).exists()
    fresh = waiting(rows)
    at(0.01)
    fresh.refresh_from_db()
    assert fresh.assignee is None
    at(0.02)
    fresh.refresh_from_db()
    assert fresh.assignee == noor


def test_who_is_away_or_full_stays_so_after_resolving(rows: Rows) -> None:
    team = Team.objects.create(name="Care", wrap_up_seconds=60)
    noor = rows.agent("Noor", presence=Presence.FULL)
    routing.resolve(rows.case(team=team, assignee=noor).pk, by=noor)
    noor.refresh_from_db()
    assert (noor.presence, noor.presence_until) == (Presence.FULL, None)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"hours": "moon"}, "There is no such calendar"), ({"wrap_up_seconds": 4000}, "takes 0 to 3,600 seconds")],
)
def test_a_team_keeps_to_a_calendar_that_is_there(
    rows: Rows, lead: Agent, wrong: dict[str, object], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        changes.save_team(None, {"name": "Billing", **wrong}, by=lead)


def test_hours_that_a_team_keeps_to_are_not_taken_away(rows: Rows, lead: Agent) -> None:
    changes.save_team(None, {"name": "Billing", "hours": calendar(lead, 2, 6)}, by=lead)
    with pytest.raises(Invalid, match="The team Billing keeps to these opening hours"):
        service_levels.remove_calendar("shop", by=lead, seen=promised.current().edition)
