"""Deciding, which knows no table: where a case goes, and what holds whatever comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from parlour.policy.routing.decide import ROBIN, Ask, Desk, Room, Seat, decide, team_for

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
DELIVERY = Desk(1, "Delivery", frozenset({"delivery"}))
BILLING = Desk(2, "Billing", frozenset({"billing", "account"}))
REST = Desk(3, "Everyone else")


def seat(number: int, load: int = 0, capacity: int = 10, teams: tuple[int, ...] = (1,), **more: Any) -> Seat:
    return Seat(number, f"Agent {number}", capacity, load, frozenset(teams), **more)


def room(desks: list[Desk], *seats: Seat) -> Room:
    return Room(desks, seats, NOW)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_category_goes_to_its_team_else_to_the_one_for_the_rest() -> None:
    here = room([REST, DELIVERY, BILLING])
    assert team_for(Ask("account"), here) == (BILLING, "Billing takes account")
    assert team_for(Ask("product"), here) == (REST, "Everyone else takes what no other team does")
    assert team_for(Ask("product"), room([DELIVERY])) == (None, "no team takes product")


def test_a_team_takes_what_stands_below_its_category_unless_another_names_it() -> None:
    refunds = Desk(4, "Refunds", frozenset({"refund-status"}))
    ask = Ask("refund-status", above=("refund", "billing"))
    assert team_for(ask, room([REST, BILLING]))[1] == "Billing takes refund status (refund status belongs to billing)"
    assert team_for(ask, room([BILLING, refunds]))[1] == "Refunds takes refund status"


def test_a_team_takes_only_its_brands_channels_languages_and_purposes() -> None:
    german = Desk(4, "Deutsch", languages=frozenset({"de"}))
    chat = Desk(5, "Chat", channels=frozenset({"chat"}))
    shop = Desk(6, "Shop", brands=frozenset({7}))
    fans = Desk(8, "Fans", purposes=frozenset({"delight"}))
    here = room([REST, german, chat, shop, fans])

    def team(**values: Any) -> str:
        _, words = team_for(Ask("other", **values), here)
        return words

    assert team(language="de", channel="x") == "Deutsch takes German"
    assert team(language="fr", channel="chat") == "Chat takes what comes on chat"
    assert team(brand=7, channel="x") == "Shop takes this brand"
    assert team(purpose="delight") == "Fans takes delight"
    assert team(language="fr") == "Everyone else takes what no other team does"
    # Nobody is for marketing here: service does it.
    assert team(purpose="marketing", language="de") == "Deutsch takes German"


def test_a_team_with_somebody_who_could_answer_comes_first() -> None:
    german = Desk(4, "Deutsch", languages=frozenset({"de"}))
    here = room([BILLING, german], seat(1, teams=(2,), languages=frozenset({"en"})), seat(2, teams=(4,), there=False))
    desk, words = team_for(Ask("billing", language="de"), here)
    assert (desk, words) == (german, "Deutsch takes German (Billing has nobody who could answer)")


def test_the_least_loaded_of_the_team_gets_it() -> None:
    seats = [seat(1, 5), seat(2, 3), seat(3, 0, teams=(2,)), seat(4, 2, capacity=4)]
    decision = decide(Ask("delivery"), room([DELIVERY, BILLING], *seats))
    assert (decision.team, decision.agent) == (1, 2)
    assert decision.reason == "Delivery takes delivery; Agent 2 was least loaded (3 of 10)."
    assert seats[1].load == 4


def test_a_channel_s_weight_fills_places_and_is_never_exceeded() -> None:
    here = room([DELIVERY], seat(1, 0, capacity=7))
    given = [decide(Ask("delivery", weight=3), here).agent for _ in range(3)]
    assert given == [1, 1, None]
    assert decide(Ask("delivery"), here).agent == 1
    assert decide(Ask("delivery"), here).reason == "Delivery takes delivery; everybody online there is at capacity."


def test_capacity_is_never_exceeded() -> None:
    here = room([DELIVERY], seat(1, 0, capacity=3), seat(2, 1, capacity=2), seat(3, 0, capacity=0))
    given = [decide(Ask("delivery"), here).agent for _ in range(6)]
    assert given.count(1) == 3
    assert given.count(2) == 1
    assert given[4:] == [None, None]


def test_a_team_without_anybody_online_keeps_its_cases() -> None:
    decision = decide(Ask("billing"), room([DELIVERY, BILLING], seat(1), seat(2, teams=(2,), there=False)))
    assert (decision.team, decision.agent) == (2, None)
    assert decision.reason == "Billing takes billing; nobody there is online."


def test_a_team_set_by_hand_stays() -> None:
    decision = decide(Ask("delivery", team=2), room([DELIVERY, BILLING], seat(1), seat(2, 9, teams=(2,))))
    assert (decision.team, decision.agent) == (2, 2)
    assert decision.reason.startswith("Billing has it; ")
    gone = decide(Ask("delivery", team=9), room([DELIVERY], seat(1)))
    assert gone.reason.startswith("Its team is gone; ")


def test_without_a_team_anybody_takes_it() -> None:
    assert decide(Ask("product"), room([DELIVERY], seat(1, teams=()))).agent == 1


def test_language_and_skill_are_matched_and_what_lacks_is_said() -> None:
    refunds = Desk(1, "Refunds", skills={"refunds": 3})
    french = seat(1, languages=frozenset({"fr"}), skills={"refunds": 5})
    novice = seat(2, languages=frozenset({"de"}), skills={"refunds": 2})
    here = room([refunds], french, novice)
    assert decide(Ask("other", language="fr"), here).agent == 1
    abroad = Room([refunds], [french, novice, seat(9, 0, teams=(), languages=frozenset({"es"}))], NOW)
    assert decide(Ask("other", language="es"), abroad).reason.endswith("; nobody online there speaks Spanish.")
    # What nobody here speaks at all is anybody's.
    assert decide(Ask("other", language="fi"), abroad).agent == 1
    assert decide(Ask("other", language="de"), here).reason.endswith("has both the language and the skill.")
    assert decide(Ask("other", skills={"legal": 1}), here).reason.endswith("nobody online there knows legal.")
    # A text too short to tell its language goes to anybody.
    assert decide(Ask("other"), here).agent == 1


def test_a_team_without_anybody_for_a_language_is_helped_by_whoever_speaks_it() -> None:
    english, german = seat(1, languages=frozenset({"en"})), seat(2, teams=(2,), languages=frozenset({"de"}))
    decision = decide(Ask("delivery", language="de"), room([DELIVERY, BILLING], english, german))
    assert (decision.team, decision.agent) == (1, 2)
    assert decision.reason == (
        "Delivery takes delivery, but nobody of it could answer; Agent 2 was least loaded (0 of 10)."
    )
    # Somebody of the team speaks it, but is not here: it waits for them.
    away = seat(3, languages=frozenset({"de"}), there=False)
    assert decide(Ask("delivery", language="de"), room([DELIVERY], english, german, away)).agent is None


def test_who_named_the_language_comes_before_who_named_none() -> None:
    here = room([REST], seat(1, 0, teams=(3,)), seat(2, 5, teams=(3,), languages=frozenset({"de"})))
    assert decide(Ask("other", language="de"), here).agent == 2
    assert decide(Ask("other", language="en"), here).agent == 1


def test_the_agent_who_knows_the_customer_has_it_if_free() -> None:
    here = room([DELIVERY], seat(1, 0), seat(2, 8), seat(3, 0, teams=(2,)))
    assert decide(Ask("delivery", known=2), here).reason == (
        "Delivery takes delivery; Agent 2 knows the customer and has room (8 of 10)."
    )
    assert decide(Ask("delivery", known=2), here).agent == 2
    assert decide(Ask("delivery", known=2), here).agent == 1, "full by now"
    assert decide(Ask("delivery", known=3), here).agent == 1, "of another team"


def test_one_after_the_other() -> None:
    team = Desk(1, "Turns", strategy=ROBIN)
    later = seat(3, given_at=NOW - minutes(1))
    here = Room([team], [seat(1, 9, 20), seat(2, given_at=NOW - minutes(5)), later], NOW)
    given = []
    for step in range(6):
        here.now = NOW + minutes(step)
        given.append(decide(Ask("other"), here).agent)
    assert given == [1, 2, 3, 1, 2, 3]


def test_another_team_helps_out_after_a_time_and_says_so() -> None:
    first = Desk(1, "First", frozenset({"delivery"}), overflow=2, overflow_after=minutes(10))
    second = Desk(2, "Second", frozenset({"billing"}), overflow=3, overflow_after=minutes(20))
    third = Desk(3, "Third", frozenset({"legal"}), overflow=1)
    here = room([first, second, third], seat(1, 10), seat(2, 10, teams=(2,)), seat(3, 0, teams=(3,)))
    early = decide(Ask("delivery", waited=minutes(4)), here)
    assert (early.team, early.agent, early.again) == (1, None, minutes(6))
    full = decide(Ask("delivery", waited=minutes(11)), here)
    assert (full.agent, full.again) == (None, minutes(19))
    late = decide(Ask("delivery", waited=minutes(31)), here)
    assert (late.team, late.agent) == (3, 3)
    assert late.reason == (
        "First takes delivery, but everybody online there is at capacity for 30 minutes; "
        "Third helps out: Agent 3 was least loaded (0 of 10)."
    )


def test_nobody_is_pushed_a_moment_of_delight_or_what_a_team_pulls() -> None:
    fans = Desk(1, "Fans", purposes=frozenset({"delight"}))
    pull = Desk(2, "Pull", frozenset({"billing"}), pushes=False)
    here = room([fans, pull], seat(1, teams=(1, 2)))
    praise, asked = decide(Ask("other", purpose="delight"), here), decide(Ask("billing"), here)
    assert (praise.team, praise.agent) == (1, None)
    assert (asked.team, asked.agent, asked.reason) == (
        2,
        None,
        "Pull takes billing; its agents take the next one themselves.",
    )


# What holds whatever comes

LANGUAGES, SKILLS, CATEGORIES = ["de", "en", "fr"], ["refunds", "legal"], ["billing", "delivery", "other"]
sets = st.frozensets(st.sampled_from(LANGUAGES), max_size=2)
skills = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=2)
teams = st.lists(
    st.builds(
        Desk,
        id=st.integers(1, 4),
        name=st.just("Team"),
        categories=st.frozensets(st.sampled_from(CATEGORIES), max_size=2),
        languages=sets,
        skills=skills,
        strategy=st.sampled_from(["least", "robin"]),
        pushes=st.booleans(),
        overflow=st.one_of(st.none(), st.integers(1, 4)),
        overflow_after=st.integers(1, 60).map(minutes),
    ),
    max_size=4,
    unique_by=lambda desk: desk.id,
)
seats = st.lists(
    st.builds(
        Seat,
        id=st.integers(1, 6),
        name=st.just("Somebody"),
        capacity=st.integers(0, 6),
        load=st.integers(0, 3),
        teams=st.frozensets(st.integers(1, 4), max_size=3),
        languages=sets,
        skills=skills,
        there=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)
asks = st.lists(
    st.builds(
        Ask,
        category=st.sampled_from(CATEGORIES),
        language=st.sampled_from(["", *LANGUAGES]),
        purpose=st.sampled_from(["service", "marketing", "delight"]),
        weight=st.integers(1, 4),
        waited=st.integers(0, 200).map(minutes),
        known=st.one_of(st.none(), st.integers(1, 6)),
        skills=skills,
        team=st.one_of(st.none(), st.integers(1, 4)),
    ),
    min_size=1,
    max_size=12,
)


@given(teams, seats, asks)
def test_whoever_gets_a_case_is_there_fits_and_has_room(
    desks: list[Desk], people: list[Seat], cases: list[Ask]
) -> None:
    here = Room(desks, people, NOW)
    for ask in cases:
        before = {one.id: one.load for one in people}
        decision = decide(ask, here)
        assert decision.reason.endswith(".")
        changed = [one for one in people if one.load != before[one.id]]
        if decision.agent is None:
            assert changed == []
            continue
        (chosen,) = changed
        assert chosen.id == decision.agent
        assert chosen.there
        assert chosen.load == before[chosen.id] + ask.weight <= chosen.capacity
        assert ask.language in ("", *chosen.languages) or not chosen.languages or not here.tongue(ask.language)
        desk = here.desks.get(decision.team or 0)
        asked = [*ask.skills.items(), *(desk.skills.items() if desk else ())]
        assert all(chosen.skills.get(skill, 0) >= level for skill, level in asked)
        assert desk is None or desk.pushes
        spoken = replace(ask, language=here.tongue(ask.language))
        assert desk is None or desk.id in chosen.teams or chosen in here.strangers(desk, spoken)


@given(teams, seats, asks)
def test_nobody_waits_while_somebody_of_their_team_is_free(
    desks: list[Desk], people: list[Seat], cases: list[Ask]
) -> None:
    here = Room(desks, people, NOW)
    for ask in cases:
        decision = decide(ask, here)
        desk = here.desks.get(decision.team or 0)
        if decision.agent is None and ask.purpose != "delight" and (desk is None or desk.pushes):
            spoken = replace(ask, language=here.tongue(ask.language))
            able = here.able(desk, spoken) or (here.strangers(desk, spoken) if desk else [])
            assert not [one for one in able if one.there and one.room(ask.weight)]
