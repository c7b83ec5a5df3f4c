"""One person on the forum, in the chat and in a system of the brand's own, known by the brand's own number: one customer."""

from __future__ import annotations

from typing import cast

import pytest
from django.test import Client

from parlour.cases.models import Case, Message, Status, Thread
from parlour.channels import actions as channels
from parlour.customers.models import Customer, Identity, Proof
from parlour.lib import clock
from parlour.playground.places.discourse import Discourse
from parlour.spine.models import Event
from parlour.traffic import profiles
from tests.channels.chatting import Chat
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]
OUTAGE = "Our whole street has no signal. Is this an outage?"


@pytest.fixture
def forum(town: Town, chat: Chat) -> Discourse:
    town.connect("discourse")
    town.drive()
    return cast(Discourse, town.place("discourse"))


def number_of(chat: Chat, name: str = "Ana Rocha") -> str:
    """The site's number of a customer, which they chat by."""
    return chat.town.call(lambda: chat.site.person(name))


def chats(chat: Chat, number: str, text: str = "I was charged twice.", **more: str) -> None:
    chat.write(chat.site.token(number), text, **more)


def writes(town: Town, forum: Discourse, name: str = "Ana Rocha", text: str = OUTAGE) -> str:
    """A post, and the profile that is asked for because of it."""
    person = forum.person(name)
    forum.say(person, text)
    town.drive()
    profiles.ask()
    return person


def signs_on(town: Town, forum: Discourse, person: str, number: str) -> None:
    forum.sign_on(person, number)
    town.drive()
    profiles.ask()


def test_signing_in_to_the_forum_shows_who_chatted(town: Town, chat: Chat, forum: Discourse, client: Client) -> None:
    number = number_of(chat)
    chats(chat, number)
    person = writes(town, forum)
    assert Customer.objects.count() == 2
    forum.users[person].fields = {"1": "Luma Go M", "3": "true"}
    signs_on(town, forum, person, number)
    customer = Customer.objects.get()
    case = Case.objects.get(status=Status.OPEN)
    assert (case.customer, Message.objects.filter(case=case, direction="in").count()) == (customer, 2)
    assert set(Thread.objects.values_list("customer_id", flat=True)) == {customer.pk}
    # Who has proven it, and when, is kept.
    assert sorted(Proof.objects.values_list("identity__realm", "own_id")) == [
        (f"chat:{chat.inbox.key}", number),
        (Identity.objects.get(external_id=person).realm, number),
    ]
    reasons = [event.data["reason"] for event in Event.objects.filter(verb="case.joined")]
    assert reasons == [f"Discourse proves that they are the customer you know as {number}."] * 2
    client.force_login(town.agent())
    pane = client.get(f"/case/{case.pk}/customer").content.decode()
    for words in ("Your number", number, "Chat, Discourse", "Plan", "Luma Go M", "Wants our newsletter", "Yes"):
        assert words in pane, words
    # What comes next, on either way, goes to the one case.
    chats(chat, number, "And the invoice?", named="22222222-bbbb")
    writes(town, forum, text="Now it works again, thank you all.")
    assert Message.objects.filter(case=case, direction="in").count() == 4


def test_the_chat_comes_after_the_forum(town: Town, chat: Chat, forum: Discourse) -> None:
    number = number_of(chat)
    person = writes(town, forum)
    signs_on(town, forum, person, number)
    assert Proof.objects.get().identity.external_id == person
    chats(chat, number)
    assert Customer.objects.count() == 1
    assert Case.objects.filter(status=Status.OPEN).count() == 1
    assert Case.objects.get(status=Status.OPEN).messages_in == 2


def test_a_resolved_case_tells_that_its_customer_is_known(town: Town, chat: Chat, forum: Discourse) -> None:
    number = number_of(chat)
    chats(chat, number)
    Case.objects.update(status=Status.RESOLVED, resolved_at=clock.now())
    person = writes(town, forum)
    signs_on(town, forum, person, number)
    assert Customer.objects.count() == 1
    assert [event.data["reason"] for event in Event.objects.filter(verb="customer.joined")] == [
        f"Discourse proves that they are the customer you know as {number}."
    ]


def test_two_numbers_are_two_customers(town: Town, chat: Chat, forum: Discourse) -> None:
    ana, rui = number_of(chat), number_of(chat, "Rui")
    chats(chat, ana)
    chats(chat, rui, named="33333333-cccc")
    person = writes(town, forum)
    signs_on(town, forum, person, ana)
    assert Customer.objects.count() == 2
    # The forum says another one later: what was proven first stands.
    signs_on(town, forum, person, rui)
    assert Customer.objects.count() == 2
    assert Identity.objects.get(external_id=person).customer == Identity.objects.get(external_id=ana).customer


def test_another_brand_has_its_own_numbers(town: Town, chat: Chat, forum: Discourse) -> None:
    other = channels.connect_inbox("chat", "Nord", "Nord's chat", chat.inbox.settings)
    number = number_of(chat)
    person = writes(town, forum)
    signs_on(town, forum, person, number)
    token = chat.site.token(number)
    with chat.client(token) as browser:
        event = {"type": "message", "id": "44444444-dddd", "text": "Hello Nord"}
        assert browser.post(other.webhook_path, json=event).status_code == 200
    town.drive()
    assert Customer.objects.count() == 2
    assert Proof.objects.filter(own_id=number).count() == 2


@pytest.mark.parametrize(("author_ids", "count"), [("own", 1), ("system", 2)])
def test_a_system_s_authors_are_customers_by_number_when_the_inbox_says_so(
    town: Town, chat: Chat, author_ids: str, count: int
) -> None:
    town.connect("api", author_ids=author_ids)
    crm = town.place("crm")
    number = crm.person("Ana Rocha")
    chat.write(chat.site.token(number_of(chat), sub=number), "I was charged twice.")
    crm.say(number, "The invoice is wrong again.", private=True)
    town.drive()
    assert Message.objects.filter(direction="in").count() == 2
    assert Customer.objects.count() == count
