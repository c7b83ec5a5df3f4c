"""What customers see of an agent at work: that their words were read, and that an answer is being written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.lib import clock
from parlour.playground.faults import Fault
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Role
from parlour.traffic import signals
from tests.town import Town

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nobody_told() -> Iterator[None]:
    signals._told.clear()
    yield
    signals._told.clear()


@pytest.fixture
def desk(town: Town) -> Client:
    client = Client()
    client.force_login(town.agent())
    return client


def asked(town: Town, channel: str, **settings: str) -> Case:
    """A case with private words of a customer, just come in."""
    town.connect(channel, handshake=channel != "telegram", **({"signals": "yes"} | settings))
    place = town.place(channel)
    town.call(lambda: place.say(place.person("Ana"), "Is anybody there?", private=True))
    town.drive()
    return Case.objects.get()


def until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < limit, "It did not happen."
        time.sleep(0.01)


def requests(town: Town, channel: str) -> list[dict[str, Any]]:
    place: Any = town.place(channel)
    return [params for _, _, params in place.requests]


def test_opening_a_case_tells_the_platform_once_for_each_of_the_customers_words(town: Town, desk: Client) -> None:
    case = asked(town, "whatsapp")
    said = Message.objects.get()
    updated = case.updated_at
    for _ in range(3):
        assert desk.post(f"/case/{case.pk}/seen").status_code == 204
    (sent,) = town.send()
    assert (sent.what, sent.state, sent.message_id) == ("seen", DeliveryState.SENT, said.pk)
    assert not town.send()
    assert Event.objects.filter(verb="message.seen").count() == 1
    case.refresh_from_db()
    assert case.updated_at == updated, "Looking moves no case to the top of a list."
    town.call(lambda: town.place("whatsapp").say(town.place("whatsapp").person("Ana"), "Hello?", private=True))
    town.drive()
    desk.post(f"/case/{case.pk}/seen")
    assert [one.what for one in town.send()] == ["seen"]


def test_answering_tells_it_too(town: Town, desk: Client) -> None:
    case = asked(town, "whatsapp")
    ours = town.answer(case, "Yes.")
    assert town.delivery(ours).state == DeliveryState.SENT
    assert Delivery.objects.get(what="seen").state == DeliveryState.SENT
    desk.post(f"/case/{case.pk}/seen")
    assert Delivery.objects.filter(what="seen").count() == 1


def test_what_the_platform_refuses_is_not_tried_again_and_troubles_nobody(town: Town, desk: Client) -> None:
    case = asked(town, "whatsapp")
    place: Any = town.place("whatsapp")
    place.faults.add(Fault(status=500, path="messages"))
    desk.post(f"/case/{case.pk}/seen")
    (sent,) = town.send()
    assert sent.state == DeliveryState.FAILED
    assert not town.send()
    assert not Event.objects.filter(verb__startswith="delivery.").exists()
    page = desk.get(f"/case/{case.pk}").content.decode()
    assert "failed" not in page.split('id="flow"')[1].split("</article>")[0]


def test_an_inbox_may_want_that_customers_see_nothing(town: Town, desk: Client) -> None:
    case = asked(town, "whatsapp", signals="no")
    desk.post(f"/case/{case.pk}/seen")
    desk.post(f"/case/{case.pk}/typing", {"answers": Message.objects.get().pk})
    assert not Delivery.objects.exists()
    assert not signals._told
    assert 'data-signals=""' in desk.get(f"/case/{case.pk}").content.decode()
    town.answer(case, "Yes.")
    assert not Delivery.objects.filter(what="seen").exists()


def test_old_words_are_not_reported_as_just_read(town: Town, desk: Client) -> None:
    case = asked(town, "whatsapp")
    with clock.frozen(clock.now() + timedelta(days=8)):
        desk.post(f"/case/{case.pk}/seen")
    assert not Delivery.objects.exists()


def test_who_may_only_read_is_not_seen_reading(town: Town) -> None:
    case = asked(town, "whatsapp")
    viewer = Client()
    viewer.force_login(staff.add_agent("vera@example.com", "Vera", Role.ANALYST))
    assert viewer.post(f"/case/{case.pk}/seen").status_code == 403
    assert viewer.post(f"/case/{case.pk}/typing", {"answers": Message.objects.get().pk}).status_code == 403
    assert not Delivery.objects.exists()


def test_writing_is_shown_on_the_platform_and_not_more_often_than_every_few_seconds(town: Town, desk: Client) -> None:
    case = asked(town, "telegram")
    said = Message.objects.get()
    for _ in range(5):
        assert desk.post(f"/case/{case.pk}/typing", {"answers": said.pk}).status_code == 204
    shown = lambda: [one for one in requests(town, "telegram") if one.get("action") == "typing"]  # noqa: E731
    until(lambda: len(shown()) == 1 and not signals._waiting)
    assert str(shown()[0]["chat_id"]) == town.place("telegram").person("Ana")
    assert len(shown()) == 1
    assert not Delivery.objects.exists()


def test_whatsapp_shows_it_with_the_words_that_are_answered(town: Town, desk: Client) -> None:
    case = asked(town, "whatsapp")
    said = Message.objects.get()
    desk.post(f"/case/{case.pk}/typing", {"answers": said.pk})
    until(lambda: not signals._waiting)
    assert {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": said.external_id,
        "typing_indicator": {"type": "text"},
    } in requests(town, "whatsapp")


def test_a_platform_that_fails_is_not_waited_for(town: Town, desk: Client) -> None:
    case = asked(town, "telegram")
    place: Any = town.place("telegram")
    place.faults.add(Fault("timeout", seconds=1.0, path="sendChatAction"))
    began = time.monotonic()
    desk.post(f"/case/{case.pk}/typing", {"answers": Message.objects.get().pk})
    assert time.monotonic() - began < 0.8
    until(lambda: not signals._waiting)


def test_nothing_is_shown_of_writing_in_public_to_others_or_about_nothing(town: Town, desk: Client) -> None:
    case = asked(town, "telegram")
    said = Message.objects.get()
    Message.objects.filter(pk=said.pk).update(visibility="public")
    for answers in (said.pk, 0, 10**30, "x", ""):
        assert desk.post(f"/case/{case.pk}/typing", {"answers": answers}).status_code == 204
    assert not signals._told
    Message.objects.filter(pk=said.pk).update(visibility="private", case=None)
    desk.post(f"/case/{case.pk}/typing", {"answers": said.pk})
    assert not signals._told


def test_an_inbox_out_of_order_is_told_nothing(town: Town) -> None:
    asked(town, "telegram")
    inbox = Inbox.objects.get()
    assert config(inbox).settings.get("signals") != "no"
    Inbox.objects.update(health=Inbox.Health.ATTENTION)
    said = Message.objects.select_related("inbox").get()
    assert not signals.typing(said)
