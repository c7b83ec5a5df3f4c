"""Moderation on the real road, to the stand-in of the platform and back."""

from __future__ import annotations

import pytest

from parlour.cases.models import Case, Delivery, Message
from parlour.channels.models import Brand
from parlour.policy.moderation import actions, queries
from parlour.policy.moderation.models import Flood, Handled, Suspect
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Role
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead(town: Town) -> Agent:
    town.connect("facebook", handshake=True)
    return staff.add_agent("lead@example.com", "Lena", Role.LEAD, ["Front desk"])


def reasons(verb: str) -> list[str]:
    return [str(one.data.get("reason")) for one in Event.objects.filter(verb=verb).order_by("id")]


def test_a_comment_with_a_word_of_a_list_becomes_hidden_and_its_complaint_is_still_a_case(
    town: Town, lead: Agent
) -> None:
    actions.save_list(None, {"name": "Abuse", "action": "hide", "words": "crook*"}, by=lead)
    bad = town.stand.say_comment("Ana", "My parcel never arrived, where is my refund, you cr00ks!!")
    fine = town.stand.say_comment("Ben", "Where is my parcel?")
    town.drive()
    town.send()
    page = town.stand.graph
    assert (page.posts[bad.id].hidden, page.posts[fine.id].hidden) == (True, False)
    hidden = Message.objects.get(external_id=bad.id)
    assert hidden.hidden
    assert hidden.case is not None
    assert hidden.case.actionable
    assert hidden.case.waiting_since is not None
    assert reasons("message.moderated") == ["“crook*” of the list “Abuse”."]
    told = queries.report()
    assert (told.hidden, told.complaints, told.words[0]["word"]) == (1, 1, "crook*")


def test_personal_data_is_found_covered_and_hidden_where_the_brand_wants_it(town: Town, lead: Agent) -> None:
    comment = town.stand.say_comment("Ana", "My card 4111 1111 1111 1111 was charged twice, order LX-48213!")
    town.drive()
    said = Message.objects.get(direction="in")
    assert [kind for _, _, kind in said.personal] == ["card"]
    assert "4111 1111" not in Case.objects.get().snippet
    assert not Delivery.objects.exists()
    actions.save_measures(
        Brand.objects.get().pk, {"hide_personal": "1", "hide_kinds": ["number"], "templates": ["AA-99999"]}, by=lead
    )
    town.call(lambda: town.stand.graph.edit(comment.id, "Charged twice, order LX-48213"))
    town.drive()
    town.send()
    assert town.stand.graph.posts[comment.id].hidden
    said.refresh_from_db()
    assert [kind for _, _, kind in said.personal] == ["number"]
    assert Case.objects.get().snippet == "Charged twice, order ••-•••••"
    assert reasons("message.moderated") == ["It shows a booking or order number in public."]


def test_a_muted_author_stays_out_of_the_queue_until_forgiven(town: Town, lead: Agent) -> None:
    town.stand.say_comment("Ana", "Where is my refund? This is the worst service.")
    town.drive()
    said = Message.objects.get(direction="in")
    assert said.identity_id is not None
    assert Case.objects.filter(actionable=True).exists()
    actions.restrict(said.identity_id, "muted", by=lead, reason="Trolls every post.", days=7)
    assert not Case.objects.filter(actionable=True).exists()
    town.stand.say_comment("Ana", "Answer me! Where is my refund?")
    town.drive()
    case = Case.objects.get()
    assert (case.actionable, case.waiting_since, case.messages_in) == (False, None, 2)
    actions.forgive(said.identity_id, by=lead)
    town.stand.say_comment("Ana", "Please, where is my refund?")
    town.drive()
    assert Case.objects.filter(actionable=True).exists()


def test_what_a_blocked_author_says_in_public_is_hidden(town: Town, lead: Agent) -> None:
    town.stand.say_comment("Ana", "You are all thieves")
    town.drive()
    said = Message.objects.get(direction="in")
    assert said.identity_id is not None
    actions.restrict(said.identity_id, "blocked", by=lead, reason="Threats.")
    second = town.stand.say_comment("Ana", "Where is my refund?")
    town.drive()
    town.send()
    assert town.stand.graph.posts[second.id].hidden
    assert not Case.objects.get().actionable


def test_a_held_message_waits_for_a_look_and_is_let_through(town: Town, lead: Agent) -> None:
    actions.save_list(None, {"name": "Links", "action": "hold", "words": "casino"}, by=lead)
    town.stand.say_comment("Ana", "lol casino party tonight")
    town.stand.say_comment("Ben", "My order from the casino shop never arrived, where is my refund?")
    town.drive()
    noise, real = (Message.objects.get(text__startswith=start) for start in ("lol", "My order"))
    assert noise.case is not None
    assert real.case is not None
    assert (noise.held, noise.case.actionable) == (True, False)
    assert (real.held, real.case.actionable) == (True, True), "a customer with a question is not kept waiting"
    assert [one.message_id for one in queries.held()] == [noise.pk, real.pk]
    actions.let_through(noise.pk, by=lead)
    case = Case.objects.get(messages=noise)
    assert (case.actionable, case.waiting_since) == (True, noise.sent_at)
    actions.keep_out(real.pk, by=lead)
    assert queries.held() == []


def test_a_flood_is_recognised_told_and_hidden_and_a_repeater_is_named(town: Town, lead: Agent) -> None:
    brand = Brand.objects.get()
    given = {"recognise": "1", "flood_messages": "4", "flood_authors": "3", "spam_messages": "3"}
    actions.save_measures(brand.pk, given, by=lead)
    for number, name in enumerate(("Ana", "Ben", "Cem", "Dee", "Dee", "Dee")):
        town.stand.say_comment(name, f"Boycott this awful company now, they lie to all of us! {number} @friend{number}")
    town.drive()
    flood = Flood.objects.get()
    assert (flood.messages, flood.authors) == (6, 4)
    assert [one.identity.name for one in Suspect.objects.all()] == ["Dee"]
    assert set(Handled.objects.values_list("action", flat=True)) == {"flag"}
    assert actions.settle_flood(flood.pk, True, by=lead) == Handled.objects.values("message").distinct().count()
    late = town.stand.say_comment("Eli", "Boycott this awful company now, they lie to all of us! 77")
    town.drive()
    town.send()
    assert town.stand.graph.posts[late.id].hidden
