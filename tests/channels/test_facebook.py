"""A Facebook Page against its stand-in: through the real door, by the real road."""

from __future__ import annotations

import time
from datetime import timedelta

import httpx
import orjson
import pytest
from django.utils import timezone

from parlour.cases import actions as cases
from parlour.cases import files
from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.channels.models import Inbox
from parlour.lib.signing import hex_signature
from parlour.playground.faults import Fault
from parlour.playground.graph_state import FacebookPage
from parlour.playground.postman import Habits
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town
from tests.town import town as begin_town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(town: Town) -> FacebookPage:
    town.connect("facebook", handshake=True)
    found = town.stand.graph
    found.delivered_after, found.read_after = 0.02, 0.05
    return found


def test_a_comment_is_answered_edited_and_taken_back(town: Town, page: FacebookPage) -> None:
    comment = town.stand.say_comment("Ana", "My parcel is late")
    town.drive()
    said = Message.objects.get(direction="in")
    ours = town.answer(Case.objects.get(), "Sorry, we are looking.", "public")
    assert [answer.text for answer in page.answers] == ["Sorry, we are looking."]
    town.call(lambda: page.edit(comment.id, "My parcel 1234 is late"))
    town.drive()
    said.refresh_from_db()
    assert said.text == "My parcel 1234 is late"
    town.call(lambda: page.remove(comment.id))
    town.drive()
    said.refresh_from_db()
    assert said.deleted_at is not None
    assert town.delivery(ours).state == DeliveryState.SENT
    assert Message.objects.filter(external_id=page.answers[0].id).count() == 1


def test_every_act(town: Town, page: FacebookPage) -> None:
    comment = town.stand.say_comment("Ana", "SPAM").id
    town.drive()
    said, agent = Message.objects.get(direction="in"), town.agent()
    for act, name, value in (
        ("like", "liked", True),
        ("unlike", "liked", False),
        ("hide", "hidden", True),
        ("unhide", "hidden", False),
        ("delete", "removed", True),
    ):
        cases.act(said.pk, act, by=agent)
        town.send()
        assert getattr(page.posts[comment], name) is value, act
    assert {row.state for row in Delivery.objects.all()} == {DeliveryState.SENT}


def test_a_private_reply_goes_on_in_messenger_in_the_same_case(town: Town, page: FacebookPage) -> None:
    town.connect("messenger")
    comment = town.stand.say_comment("Ana", "Broken!")
    town.drive()
    case = Case.objects.get()
    ours = town.answer(case, "Which order is it?")
    assert town.delivery(ours).state == DeliveryState.SENT
    town.stand.say_private("Ana", "LX-1234")
    town.drive()
    assert Case.objects.count() == 1
    ours.refresh_from_db()
    assert (ours.channel, page.posts[comment.id].private_reply) == ("messenger", ours.external_id)


def test_the_one_private_reply(town: Town, page: FacebookPage) -> None:
    comment = town.stand.say_comment("Ana", "Broken!")
    town.drive()
    page.posts[comment.id].private_reply = "m_given_elsewhere"
    refused = town.answer(Case.objects.get(), "Which order?")
    assert town.delivery(refused).error_kind == "already_replied"
    page.posts[comment.id].private_reply = ""
    page.clock.ahead = timedelta(days=8)
    closed = town.answer(Case.objects.get(), "Which order is it?")
    assert town.delivery(closed).error_kind == "window_closed"


def test_a_photo_goes_with_a_comment(town: Town, page: FacebookPage) -> None:
    town.stand.say_comment("Ana", "Which colour?")
    town.drive()
    photo = files.upload(town.agent(), "blue.png", b"\x89PNG\r\n\x1a\n" + b"0" * 200)
    ours = town.answer(Case.objects.get(), "This one:", "public", files=[photo.pk])
    assert town.delivery(ours).state == DeliveryState.SENT
    photo_there = page.answers[0].photo
    assert photo_there is not None
    assert (photo_there.name, page.answers[0].text) == ("blue.png", "This one:")
    town.drive()
    assert Message.objects.filter(external_id=page.answers[0].id).count() == 1


def test_refusals(town: Town, page: FacebookPage) -> None:
    comment = town.stand.say_comment("Ana", "Broken!")
    town.drive()
    case, api = Case.objects.get(), town.stand.graph_api
    api.faults.add(Fault(code=32, status=400, words="(#32) Page request limit reached"))
    slow = town.answer(case, "One moment.", "public")
    assert town.delivery(slow).error_kind == "rate_limited"
    Delivery.objects.update(due_at=timezone.now())
    town.send()
    assert town.delivery(slow).state == DeliveryState.SENT
    page.posts[comment.id].removed = True
    gone = town.answer(case, "Are you there?", "public")
    assert town.delivery(gone).error_kind == "target_deleted"
    api.access_token = "another"
    town.answer(case, "Hello?", "public")
    assert Inbox.objects.get().health == Inbox.Health.ATTENTION
    assert len(page.answers) == 1


def test_events_at_the_other_inboxs_address_find_home(town: Town, page: FacebookPage) -> None:
    town.connect("messenger")
    there = town.door + town.inboxes["messenger"].webhook_path
    town.stand.point("facebook", there)
    town.stand.say_comment("Ana", "Meta has one address for all of an app")
    town.drive()
    assert Message.objects.get(direction="in").channel == "facebook"


def test_bad_mail_loses_and_doubles_nothing() -> None:
    with begin_town(Habits(backoff=(0.05, 0.1, 0.2), duplicates=0.5, reorder=0.5, held=0.2, batch=5)) as town:
        town.connect("facebook")
        page = town.stand.graph
        people = [town.stand.person(name) for name in ("Ana", "Ben", "Chloé")]

        def talk() -> None:
            for number in range(12):
                post = page.post(people[number % 3], f"words {number}")
                if number % 4 == 0:
                    page.edit(post.id, f"better {number}")
                if number % 4 == 1:
                    page.remove(post.id)

        town.call(talk)
        town.drive()
        Arrival.objects.filter(state=ArrivalState.NEW).update(due_at=timezone.now())
        town.drive()
        texts = set(Message.objects.values_list("text", flat=True))
        assert texts == {f"{'better' if number % 4 == 0 else 'words'} {number}" for number in range(12)}
        assert Message.objects.filter(deleted_at__isnull=False).count() == 3
        assert (Message.objects.count(), Case.objects.count()) == (12, 3)


def test_an_hour_of_downtime_is_made_up_for_by_what_meta_sends_again(town: Town, page: FacebookPage) -> None:
    postman = town.stand.world.postman
    there, postman.targets["facebook"].url = postman.targets["facebook"].url, "http://127.0.0.1:9/nobody"
    town.stand.say_post("Ana", "First")
    town.stand.say_post("Ana", "Second")
    until = time.monotonic() + 5
    while not postman.attempts and time.monotonic() < until:
        time.sleep(0.01)
    town.stand.point("facebook", there)
    town.drive()
    assert set(Message.objects.values_list("text", flat=True)) == {"First", "Second"}


def test_hostile_mail(town: Town, page: FacebookPage) -> None:
    inbox = town.inboxes["facebook"]
    url, secret = town.door + inbox.webhook_path, str(inbox.settings["app_secret"])
    value = {
        "item": "comment",
        "verb": "add",
        "comment_id": "1_2",
        "post_id": f"{page.page_id}_1",
        "created_time": 1790000000,
        "message": "</script><script>alert(1)</script>",
        "from": {"id": "7", "name": "\u202e<b>Eve</b>\u202c"},
    }

    def body_of(value: object) -> bytes:
        change = {"field": "feed", "value": value}
        return orjson.dumps({"object": "page", "entry": [{"id": page.page_id, "time": 1, "changes": [change]}]})

    forged = httpx.post(url, content=body_of(value), headers={"x-hub-signature-256": "sha256=" + "0" * 64})
    assert (forged.status_code, Arrival.objects.count()) == (403, 0)
    for one in (
        value,
        {**value, "comment_id": "1_3", "message": {"a": [1]}},
        {**value, "comment_id": ["1_4"]},
        {**value, "comment_id": "1_5", "photo": 7},
        {**value, "item": "hologram"},
        "x" * 100_000,
        None,
    ):
        body = body_of(one)
        answer = httpx.post(url, content=body, headers={"x-hub-signature-256": hex_signature(secret, body)})
        assert answer.status_code == 200
    town.drive()
    message = Message.objects.get()
    assert message.text == "</script><script>alert(1)</script>"
    assert message.identity is not None
    assert message.identity.name == "<b>Eve</b>"
    states = set(Arrival.objects.values_list("state", flat=True))
    assert states == {ArrivalState.DONE, ArrivalState.PARKED, ArrivalState.IGNORED}


def test_what_meta_gave_up_on_is_fetched(town: Town, page: FacebookPage) -> None:
    post = town.call(lambda: page.post(None, "Our new tariff"))
    town.drive()
    before = Message.objects.count()
    town.stand.world.postman.targets["facebook"].url = ""
    comment = town.stand.say_comment("Ana", "How much is it?", on=post.id)
    town.stand.say_comment("Ben", "I ask that too", on=comment.id)
    town.call(lambda: page.page_comment("Ten a month.", comment.id))
    town.stand.say_post("Chloé", "Ma facture est fausse")
    town.drive()
    new = set(Message.objects.values_list("direction", "text")[before:])
    assert new == {
        ("in", "How much is it?"),
        ("in", "I ask that too"),
        ("out", "Ten a month."),
        ("in", "Ma facture est fausse"),
    }
    assert Case.objects.count() == 3
    town.drive()
    assert Message.objects.count() == before + 4
