from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from parlour.lib import clock
from parlour.staff import access, actions, queries
from parlour.staff.models import Agent, Presence, Role, SignInLink, Team, Token

pytestmark = pytest.mark.django_db


def test_a_seat_has_no_password_and_its_teams() -> None:
    agent = actions.add_agent(" noor@example.com ", " Noor ", Role.LEAD, ["Billing", "Delivery"], capacity=7)
    stored = Agent.objects.get()
    assert (stored.email, stored.name, stored.role, stored.capacity) == ("noor@example.com", "Noor", "lead", 7)
    assert not stored.has_usable_password()
    assert {team.name for team in agent.teams.all()} == {"Billing", "Delivery"}
    assert Agent.objects.get_by_natural_key("NOOR@example.com") == agent


@pytest.mark.parametrize(
    "given",
    [
        {"email": "not an address"},
        {"email": ""},
        {"email": "a@" + "b" * 300 + ".example"},
        {"role": "owner"},
        {"capacity": -1},
        {"capacity": 10**6},
    ],
)
def test_a_wrong_seat_is_refused_with_a_sentence(given: dict[str, object]) -> None:
    wanted = {"email": "noor@example.com", "name": "Noor", "role": "agent", "capacity": 20} | given
    with pytest.raises(ValueError, match=r"\.$"):
        actions.add_agent(**wanted)  # type: ignore[arg-type]
    assert not Agent.objects.exists()
    assert not Team.objects.exists()


def test_an_address_has_one_seat_however_it_is_written() -> None:
    actions.add_agent("noor@example.com", "Noor")
    with pytest.raises(ValueError, match="already"):
        actions.add_agent("Noor@Example.com", "Other", teams=["New"])
    assert Agent.objects.count() == 1
    assert not Team.objects.exists()


def test_odd_names_are_stored_as_one_short_line() -> None:
    agent = actions.add_agent("noor@example.com", "N\x00\n" + "o" * 200)
    assert len(Agent.objects.get().name) == 80
    assert "\x00" not in agent.name
    assert actions.add_agent("a@example.com", " ").name == "a@example.com"


def test_a_link_opens_once_and_only_its_hash_is_kept() -> None:
    agent = actions.add_agent("noor@example.com", "Noor")
    secret = actions.make_sign_in_link(agent)
    assert secret not in str(SignInLink.objects.values().get())
    assert actions.use_sign_in_link("wrong") is None
    assert actions.use_sign_in_link("\ud800\x00") is None
    assert actions.use_sign_in_link(secret) == agent
    assert actions.use_sign_in_link(secret) is None


def test_a_link_ends_after_a_day_and_with_its_seat() -> None:
    agent = actions.add_agent("noor@example.com", "Noor")
    late, gone = actions.make_sign_in_link(agent), actions.make_sign_in_link(agent)
    with clock.frozen(clock.now() + actions.LINK_LIFE + timedelta(seconds=1)):
        assert actions.use_sign_in_link(late) is None
    Agent.objects.update(is_active=False)
    assert actions.use_sign_in_link(gone) is None


def test_a_new_password_spends_the_links_of_its_agent_and_of_nobody_else() -> None:
    agent, other = actions.add_agent("noor@example.com", "Noor"), actions.add_agent("mika@example.com", "Mika")
    links, theirs = [actions.make_sign_in_link(agent) for _ in range(2)], actions.make_sign_in_link(other)
    earlier = clock.now() - timedelta(hours=1)
    SignInLink.objects.filter(digest=actions.digest(links[0])).update(used_at=earlier)
    actions.set_password(agent, "a long new password")
    assert Agent.objects.get(pk=agent.pk).check_password("a long new password")
    assert [actions.use_sign_in_link(link) for link in links] == [None, None]
    assert SignInLink.objects.get(digest=actions.digest(links[0])).used_at == earlier
    assert actions.use_sign_in_link(theirs) == other


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_a_link_at_once_one_gets_in() -> None:
    agent = actions.add_agent("noor@example.com", "Noor")
    secret = actions.make_sign_in_link(agent)
    got: list[Agent | None] = []
    start = threading.Barrier(6)

    def use() -> None:
        start.wait()
        got.append(actions.use_sign_in_link(secret))
        connection.close()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(got, key=bool) == [None] * 5 + [agent]


def test_a_token_is_told_once_and_can_be_revoked() -> None:
    secret = actions.add_token("script", Role.AGENT)
    assert secret.startswith(actions.TOKEN_PREFIX)
    assert secret not in str(Token.objects.values().get())
    token = queries.token_of(secret)
    assert token is not None
    assert token.role == Role.AGENT
    assert queries.token_of(secret + "x") is None
    assert queries.token_of("") is None
    assert actions.revoke_tokens("script") == 1
    assert actions.revoke_tokens("script") == 0
    assert queries.token_of(secret) is None
    with pytest.raises(ValueError, match="no role"):
        actions.add_token("script", "owner")
    assert queries.token_of(actions.add_token("n" * 300, Role.ADMIN))


def test_the_use_of_a_token_is_noted_at_most_once_a_minute() -> None:
    secret, now = actions.add_token("script", Role.AGENT), clock.now()
    used = []
    for seconds in (0, 30, 90):
        with clock.frozen(now + timedelta(seconds=seconds)):
            queries.token_of(secret)
        used.append(Token.objects.get().used_at)
    assert used == [now, now, now + timedelta(seconds=90)]


def test_presence_is_one_of_three() -> None:
    agent = actions.add_agent("noor@example.com", "Noor")
    actions.set_presence(agent, Presence.ONLINE)
    assert list(queries.agents_online()) == [agent]
    with pytest.raises(ValueError, match="presence"):
        actions.set_presence(agent, "asleep")
    Agent.objects.update(is_active=False)
    assert not queries.agents_online()
    assert not queries.agents()


def test_online_are_only_those_who_may_answer() -> None:
    for role in Role.values:
        actions.set_presence(actions.add_agent(f"{role}@example.com", role, role), Presence.ONLINE)
    assert {agent.role for agent in queries.agents_online()} == {Role.ADMIN, Role.LEAD, Role.AGENT}


def test_a_team_is_made_once_and_takes_what_it_is_told() -> None:
    actions.set_up_team(" Billing ", ["billing"])
    actions.set_up_team("Billing", ["billing", "account"])
    assert [(team.name, team.categories) for team in queries.teams()] == [("Billing", ["billing", "account"])]
    with pytest.raises(ValueError, match="name"):
        actions.set_up_team(" ", [])


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (Role.ANALYST, {access.READ}),
        (Role.AGENT, {access.READ, access.ANSWER}),
        (Role.LEAD, {access.READ, access.ANSWER, access.LEAD}),
        (Role.ADMIN, {access.READ, access.ANSWER, access.LEAD, access.ADMINISTER}),
        ("unheard of", set()),
    ],
)
def test_rights_follow_the_role(role: str, rights: set[str]) -> None:
    actor = Agent(pk=3, role=role)
    for right in (access.READ, access.ANSWER, access.LEAD, access.ADMINISTER):
        assert access.may(actor, right) is (right in rights)
        if right not in rights:
            with pytest.raises(access.Denied, match=role):
                access.require(actor, right)


def test_the_log_names_actors_by_kind_and_number() -> None:
    assert access.actor_name(Agent(pk=3)) == "agent:3"
    assert access.actor_name(Token(pk=2)) == "token:2"
    assert access.actor_name(None) == "desk"
