"""The pages of routing and people, the presence menu, and the button for the next case."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from parlour.cases.models import Case
from parlour.lib import clock
from parlour.policy.routing.models import Change
from parlour.policy.routing.queries import rules
from parlour.spine.models import Event
from parlour.staff.models import Agent, Presence, Role, Team

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lead(person) -> Client:
    client = Client()
    client.force_login(person("Lea", Role.LEAD))
    return client


def a_team(**more: object) -> dict[str, object]:
    return {"name": "Billing", "purposes": ["service"], "categories": ["billing"], "overflow_minutes": "15", **more}


def test_a_team_is_made_told_changed_and_taken_back(lead, scene):
    made = lead.post("/policy/routing/team", a_team(languages="de", skills="refunds:2", channels=["x"]))
    assert made.headers["Location"] == "/policy/routing"
    page = lead.get("/policy/routing").text
    assert "Billing is saved." in page
    assert (
        "Takes cases about Billing in German on X. Asks for refunds (2). Each goes to whoever has the most room."
        in page
    )
    team = Team.objects.get(name="Billing")
    assert (team.skills, team.languages, team.channels) == ({"refunds": 2}, ["de"], ["x"])
    lead.post(f"/policy/routing/team/{team.pk}", a_team(name="Money", strategy="robin", skills=""))
    team.refresh_from_db()
    assert (team.name, team.strategy, team.skills) == ("Money", "robin", {})
    change = Change.objects.latest("id")
    assert lead.post(f"/policy/routing/undo/{change.pk}").status_code == 302
    team.refresh_from_db()
    assert (team.name, team.strategy, team.skills) == ("Billing", "least", {"refunds": 2})
    # What was taken back is not taken back again.
    assert lead.post(f"/policy/routing/undo/{change.pk}").status_code == 409
    assert Event.objects.filter(verb="routing.team").count() == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "A team needs a name."),
        ({"name": "Front desk"}, "There is already a team called Front desk."),
        ({"purposes": []}, "Choose what the team is for"),
        ({"skills": "refunds:9"}, "must be a number from 1 to 5"),
        ({"skills": "refunds:many"}, "Write skills as"),
        ({"languages": "deutsch"}, "is no language code"),
        ({"overflow_minutes": "soon"}, "is not a whole number"),
        ({"overflow": "9999"}, "helped out by another one"),
        ({"strategy": "magic"}, "Choose how the team gives out"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_lost(lead, scene, wrong, words):
    refused = lead.post("/policy/routing/team", a_team(**wrong))
    assert refused.status_code == 422
    assert words in refused.text
    assert re.search('value="billing" checked', refused.text)
    assert not Team.objects.filter(name="Billing").exists()


def test_the_preview_says_what_would_have_gone_elsewhere_and_saves_nothing(lead, scene):
    Team.objects.filter(name="Front desk").update(categories=[])
    scene.case(category="billing", snippet="Charged twice!")
    scene.case("Ben", category="delivery")
    seen = lead.post("/policy/routing/team", a_team(do="preview"))
    assert seen.status_code == 200
    assert "Of the latest 2 cases, 1 would have gone elsewhere:" in seen.text
    assert "Charged twice!" in seen.text
    assert "Front desk → <b>Billing</b>" in seen.text
    assert not Team.objects.filter(name="Billing").exists()


def test_a_closed_team_lets_its_cases_go(lead, scene):
    team = Team.objects.create(name="Night")
    case = scene.case(team=team, routing_reason="Night has it; nobody there is online.")
    lead.post(f"/policy/routing/team/{team.pk}", {"do": "close"})
    case.refresh_from_db()
    assert case.team is None
    assert case.look_at is not None
    assert "Closed: it takes nothing." in lead.get("/policy/routing").text
    lead.post(f"/policy/routing/undo/{Change.objects.latest('id').pk}")
    team.refresh_from_db()
    assert team.active


def test_the_test_box_says_who_would_get_it_and_gives_nothing(lead, scene, amara):
    team = Team.objects.create(name="Rechnungen", categories=["billing"], languages=["de"])
    amara.teams.add(team)
    Agent.objects.filter(pk=amara.pk).update(presence=Presence.ONLINE, languages=["de"])
    text = "Meine Rechnung ist falsch, mir wurde zweimal Geld abgebucht, ich will eine Rückerstattung"
    page = lead.get("/policy/routing", {"text": text, "channel": "facebook"}).text
    assert "it would go to <b>Amara</b> of Rechnungen" in page
    assert "Amara was least loaded (0 of 20)." in page
    assert Case.objects.count() == 0


def test_the_settings_are_kept_and_taken_back(lead, scene):
    given = {
        "sticky_days": "3",
        "gone_minutes": "10",
        "wrap_up_minutes": "7",
        "weight-chat": "3",
        "needs": "billing: refunds 2",
    }
    assert lead.post("/policy/routing/settings", given).status_code == 302
    now = rules()
    assert (now.sticky_days, now.gone_minutes, now.wrap_up_minutes, now.weight("chat"), now.weight("x")) == (
        3,
        10,
        7,
        3,
        1,
    )
    assert now.skills("billing") == {"refunds": 2}
    assert "Billing: refunds 2" in lead.get("/policy/routing").text
    lead.post(f"/policy/routing/undo/{Change.objects.latest('id').pk}")
    assert rules().weight("chat") == 1
    for wrong in (
        {"weight-chat": "90"},
        {"needs": "nonsense"},
        {"needs": "weather: umbrellas 2"},
        {"sticky_days": "-1"},
        {"gone_minutes": "1"},
    ):
        assert lead.post("/policy/routing/settings", given | wrong).status_code == 422
    assert rules().weight("chat") == 1


def test_what_nobody_can_answer_is_told(lead, scene, amara):
    Team.objects.filter(name="Front desk").update(skills={"refunds": 2})
    scene.case(language="de", team=Team.objects.get(name="Front desk"))
    assert (
        "1 case waits in vain: Front desk has nobody who speaks German and knows refunds."
        in lead.get("/policy/routing").text
    )


def test_somebody_is_added_changed_and_deactivated(lead, scene, amara):
    desk = Team.objects.get(name="Front desk")
    person = {
        "name": "Ben",
        "email": "ben@example.com",
        "role": "agent",
        "capacity": "6",
        "languages": "de, en",
        "skills": "refunds:3",
        "teams": [desk.pk],
    }
    assert lead.post("/policy/people/new", person).headers["Location"] == "/policy/people"
    page = lead.get("/policy/people").text
    link = re.search(r'id="made-link">([^<]+)<', page)
    assert link
    assert "Ben has a seat" in page
    ben = Agent.objects.get(email="ben@example.com")
    assert (ben.capacity, ben.languages, ben.skills, list(ben.teams.all())) == (6, ["de", "en"], {"refunds": 3}, [desk])
    guest = Client()
    assert guest.post(link[1].split("testserver", 1)[1]).status_code == 302
    assert guest.get("/queue/mine").status_code == 200
    assert "made-link" not in lead.get("/policy/people").text, "shown once"
    case = scene.case(assignee=ben, waiting_since=None)
    lead.post(f"/policy/people/{ben.pk}", {"do": "deactivate"})
    case.refresh_from_db()
    assert case.assignee is None
    assert case.routing_reason == "Ben no longer works here. The case went back to the queue."
    assert guest.get("/queue/mine").status_code == 302, "signed out"
    assert lead.post("/policy/people/new", person).status_code == 422
    lead.post(f"/policy/routing/undo/{Change.objects.filter(what='agent').latest('id').pk}")
    ben.refresh_from_db()
    assert ben.is_active


def test_leads_make_no_administrators_and_touch_none(lead, scene, person):
    admin = person("Ada", Role.ADMIN)
    made = {"name": "Eve", "email": "eve@example.com", "role": "admin", "capacity": "5"}
    assert lead.post("/policy/people/new", made).status_code == 403
    for do in ("deactivate", "link", ""):
        assert lead.post(f"/policy/people/{admin.pk}", {"do": do, "name": "X", "role": "agent"}).status_code == 403
    assert lead.get(f"/policy/people/{admin.pk}").status_code == 200
    admin.refresh_from_db()
    assert (admin.is_active, admin.role, admin.name) == (True, "admin", "Ada")


def test_the_last_administrator_stays_one(scene, person):
    ada, client = person("Ada", Role.ADMIN), Client()
    client.force_login(ada)
    demote = {"name": "Ada", "role": "lead", "capacity": "5"}
    assert "make somebody else an administrator first" in client.post(f"/policy/people/{ada.pk}", demote).text
    ada.refresh_from_db()
    assert ada.role == Role.ADMIN
    person("Eve", Role.ADMIN)
    client.post(f"/policy/people/{ada.pk}", demote)
    ada.refresh_from_db()
    assert ada.role == Role.LEAD


def test_agents_see_none_of_it(desk, scene, amara):
    for address in (
        "/policy/routing",
        "/policy/people",
        "/policy/priority",
        f"/policy/people/{amara.pk}",
        "/policy/routing/team",
    ):
        assert desk.get(address).status_code == 403
    assert desk.post("/policy/routing/team", a_team()).status_code == 403


# The agent's own presence, and the next case


def test_wrapping_up_says_until_when_and_full_gets_nothing(desk, amara):
    assert desk.post("/me/presence", {"presence": "wrap-up"}, headers=HTMX).status_code == 200
    amara.refresh_from_db()
    left = amara.presence_until - clock.now()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)
    assert 'data-counts="down"' in desk.get("/queue/mine").text
    shown = desk.post("/me/presence", {"presence": "full"}, headers=HTMX).text
    assert re.search(r'value="full" aria-pressed="true"', shown)
    amara.refresh_from_db()
    assert amara.presence_until is None


def test_the_next_case_is_the_most_pressing_one_may_have(desk, scene, amara, person):
    other = Team.objects.create(name="Other")
    person("Otto").teams.set([other])
    scene.case("Not hers", priority=90, team=other)
    second = scene.case("Second", priority=40)
    first = scene.case("First", priority=60)
    assert desk.post("/next").headers["Location"] == f"/case/{first.pk}?tab=mine"
    assert desk.post("/next", headers=HTMX).headers["HX-Redirect"] == f"/case/{second.pk}?tab=mine"
    first.refresh_from_db()
    assert first.assignee == amara
    told = Event.objects.get(verb="case.assigned", case_id=first.pk)
    assert told.data["reason"] == "Taken by Amara as the next case."
    # None is left to take: those of her own in which somebody waits, but for the one that is open.
    assert desk.post("/next").headers["Location"] == f"/case/{first.pk}?tab=mine"
    beside = {**HTMX, "HX-Current-URL": f"http://testserver/case/{first.pk}?tab=mine"}
    assert desk.post("/next", headers=beside).headers["HX-Redirect"] == f"/case/{second.pk}?tab=mine"
    Case.objects.filter(pk=second.pk).update(waiting_since=None)
    nothing = desk.post("/next", headers=beside)
    assert nothing.status_code == 204
    assert "Nothing waits for you." in nothing.headers["HX-Trigger"]
    Agent.objects.update(capacity=2)
    assert desk.post("/next").headers["Location"] == f"/case/{first.pk}?tab=mine"
    full = desk.post("/next", headers=beside)
    assert (full.status_code, full.text) == (
        409,
        "You are at your capacity: 2 of 2. Answer or hand over a case first.",
    )


def test_an_analyst_has_no_next_case(scene, person):
    client = Client()
    client.force_login(person("Ana", Role.ANALYST))
    assert client.post("/next").status_code == 403
    assert 'action="/next"' not in client.get("/queue/open").text


def test_settings_are_tried_on_past_cases_before_they_are_saved(lead, scene, person):
    otto = person("Otto")
    Agent.objects.filter(pk=otto.pk).update(skills={"refunds": 3})
    for category in ("billing", "billing", "delivery"):
        scene.case(category=category)
    given = {"sticky_days": "7", "gone_minutes": "5", "wrap_up_minutes": "5", "do": "preview"}
    page = lead.post("/policy/routing/settings", {**given, "needs": "Billing: refunds 2"}).text
    assert "Not saved yet" in page
    assert "Of the latest 3 cases, 2 would have gone elsewhere" in page
    assert "Lea of Front desk → <b>Otto of Front desk</b>" in page
    wrong = lead.post("/policy/routing/settings", {**given, "sticky_days": "9", "needs": "Weather: umbrellas 2"})
    assert wrong.status_code == 422
    assert "No brand has a category “Weather”." in wrong.text
    assert 'name="sticky_days" inputmode="numeric" value="9"' in wrong.text
    assert "Weather: umbrellas 2</textarea>" in wrong.text
    # What was typed stays in the form; nothing was saved.
    assert "Billing: refunds 2</textarea>" in page
    assert rules().needs == ()
    assert "none would have gone elsewhere" in lead.post("/policy/routing/settings", given).text


def test_a_team_has_hours_and_a_moment_to_wrap_up_which_the_agent_can_end(lead, scene, desk, amara):
    assert lead.post("/policy/routing/team", a_team(hours="moon")).status_code == 422
    lead.post("/policy/routing/team", a_team(wrap_up_seconds="90"))
    assert "After resolving, 90 seconds to wrap up." in lead.get("/policy/routing").text
    team = Team.objects.get(name="Billing")
    Agent.objects.filter(pk=amara.pk).update(presence=Presence.ONLINE)
    case = scene.case(team=team, assignee=amara)
    told = desk.post(f"/case/{case.pk}/resolve", headers=HTMX)
    assert "desk:presence" in told.headers["HX-Trigger"]
    shown = desk.get("/me/presence", headers=HTMX).text
    assert 'value="online" title="End wrapping up' in shown
    ended = desk.post("/me/presence", {"presence": "online"}, headers=HTMX).text
    assert "End wrapping up" not in ended
    amara.refresh_from_db()
    assert (amara.presence, amara.presence_until) == (Presence.ONLINE, None)
