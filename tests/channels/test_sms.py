"""SMS through Twilio, end to end against its stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import httpx
import pytest

from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, Message
from parlour.channels import queries as channels
from parlour.channels.actions import connect_inbox, update_settings
from parlour.channels.contract import Attachment as Given
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.models import Inbox
from parlour.channels.sms.channel import channel
from parlour.lib import clock
from parlour.playground.faults import Fault
from parlour.playground.places.sms import NUMBER, Sms
from parlour.traffic.files import fetch_next
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def place(town: Town) -> Sms:
    return cast(Sms, town.place("sms"))


@pytest.fixture
def inbox(town: Town, place: Sms) -> Inbox:
    made = town.connect("sms")
    return update_settings(made.pk, {"public_url": town.door + made.webhook_path})


def config(inbox: Inbox) -> InboxConfig:
    return channels.config(Inbox.objects.get(pk=inbox.pk))


def asked(town: Town, place: Sms, text: str = "Where is my SIM card?") -> Case:
    place.say(place.person("Ana"), text)
    town.drive()
    return Case.objects.get()


def state(message: Message) -> str:
    return Town.delivery(message).state


def test_in_out_and_delivered(town: Town, place: Sms, inbox: Inbox) -> None:
    case = asked(town, place)
    identity = Message.objects.get().identity
    assert identity is not None
    assert identity.external_id == place.person("Ana")
    assert identity.handle.startswith("+49 ")
    ours = town.answer(case, "It arrives today.")
    (sent,) = place.sent
    assert (sent.text, sent.person, ours.external_id) == ("It arrives today.", place.person("Ana"), sent.id)
    assert place.requests[-1][2]["From"] == NUMBER
    town.drive()
    assert state(ours) == DeliveryState.DELIVERED
    assert Message.objects.count() == 2


def test_statuses_in_the_wrong_order_never_go_back(town: Town, place: Sms, inbox: Inbox) -> None:
    place.backwards = True
    ours = town.answer(asked(town, place), "It arrives today.")
    town.drive()
    assert state(ours) == DeliveryState.DELIVERED


def test_an_answer_that_did_not_arrive(town: Town, place: Sms, inbox: Inbox) -> None:
    case = asked(town, place)
    place.unreachable.add(place.person("Ana"))
    ours = town.answer(case, "It arrives today.")
    assert state(ours) == DeliveryState.SENT
    town.drive()
    delivery = town.delivery(ours)
    assert delivery.state == DeliveryState.FAILED
    assert "cannot be reached" in delivery.error_words
    assert "30003" in delivery.error_words


def test_an_answer_whose_receipt_was_lost_is_confirmed_by_its_status(town: Town, place: Sms, inbox: Inbox) -> None:
    case = asked(town, place)
    place.faults.add(Fault("drop_after", method="POST"))
    ours = town.answer(case, "It arrives today.")
    assert state(ours) == DeliveryState.UNCERTAIN
    town.drive()
    ours.refresh_from_db()
    assert (state(ours), ours.external_id) == (DeliveryState.DELIVERED, place.sent[0].id)
    assert (len(place.sent), Message.objects.count()) == (1, 2)


def test_refusals_and_rate_limits(town: Town, place: Sms, inbox: Inbox) -> None:
    case = asked(town, place)
    place.faults.add(Fault(status=429, code=20429, words="Too Many Requests", method="POST"))
    ours = town.answer(case, "It arrives today.")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.QUEUED, ErrorKind.RATE_LIMITED)
    Delivery.objects.filter(pk=delivery.pk).update(due_at=clock.now())
    town.send()
    assert state(ours) == DeliveryState.SENT
    place.faults.add(Fault(status=401, code=20003, words="Authenticate", method="POST"))
    assert town.delivery(town.answer(case, "Tomorrow at the latest.")).error_kind == ErrorKind.AUTH_EXPIRED
    assert Inbox.objects.get(pk=inbox.pk).health == Inbox.Health.ATTENTION


def test_who_has_said_stop_is_not_written_to(town: Town, place: Sms, inbox: Inbox) -> None:
    case = asked(town, place, "STOP")
    assert Message.objects.get().meta["opt_out"] == "STOP"
    delivery = town.delivery(town.answer(case, "Are you sure?"))
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, ErrorKind.RECIPIENT_UNAVAILABLE)
    assert "unsubscribed" in delivery.error_words
    assert place.sent == []
    place.say(place.person("Ana"), "start")
    town.drive()
    town.answer(case, "Welcome back.")
    assert [words.text for words in place.sent] == ["Welcome back."]


def test_too_long_is_refused_here(town: Town, place: Sms, inbox: Inbox) -> None:
    case = asked(town, place)
    update_settings(inbox.pk, {"most_segments": "2"})
    delivery = town.delivery(town.answer(case, "ж" * 135))
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, ErrorKind.TOO_LONG)
    assert "3 parts" in delivery.error_words
    assert place.sent == []


def test_duplicates_and_reordering_lose_and_double_nothing(town: Town, place: Sms, inbox: Inbox) -> None:
    habits = town.stand.world.postman.habits
    habits.duplicates, habits.reorder, habits.held = 0.5, 0.5, 0.2
    for number in range(12):
        place.say(place.person(("Ana", "Ben")[number % 2]), f"Word {number}")
    town.drive()
    assert sorted(Message.objects.values_list("text", flat=True)) == sorted(f"Word {number}" for number in range(12))
    assert Case.objects.count() == 2


def test_an_hour_without_the_desk_is_read_from_the_list(town: Town, place: Sms, inbox: Inbox) -> None:
    """Twilio knocks once: what was said meanwhile is only in its list."""
    asked(town, place, "Before")
    url = town.stand.world.postman.targets["sms"].url
    town.stand.point("sms", "http://127.0.0.1:9/nobody")
    place.say(place.person("Ana"), "At noon")
    place.tell(place.person("Ben"), "With a picture", files=((b"\x89PNG", "image/png"),))
    town.stand.settle()
    town.stand.point("sms", url)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        town.drive()
    assert sorted(Message.objects.values_list("text", flat=True)) == ["At noon", "Before", "With a picture"]
    assert Attachment.objects.get().mime == "image/png"
    before = Arrival.objects.count()
    town.drive()
    assert Arrival.objects.count() == before


def test_pictures_come_in_and_are_fetched_with_the_token(town: Town, place: Sms, inbox: Inbox) -> None:
    place.tell(place.person("Ana"), "", files=((b"\x89PNG", "image/png"),))
    town.drive()
    stored = Attachment.objects.get()
    assert (stored.kind, stored.mime, stored.url) == ("image", "image/png", "")
    (line,) = place.lines.values()
    address = place._address_of(line.sid, line.files[0])
    found = channel.source(config(inbox), Given("image", reference=address))
    assert found.own
    assert httpx.get(found.url, headers=dict(found.headers)).content == b"\x89PNG"
    assert httpx.get(found.url).status_code == 401
    assert channel.source(config(inbox), Given("image", reference="https://evil.example/x")).headers == {}


def test_customers_pictures_are_stored(town: Town, place: Sms, inbox: Inbox) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 200
    place.tell(place.person("Ana"), "", files=((png, "image/png"),))
    town.drive()
    assert fetch_next()
    stored = Attachment.objects.get()
    assert (stored.state, stored.mime, stored.size) == ("fetched", "image/png", len(png))


def test_a_proxy_in_front_changes_the_address_that_is_signed(town: Town, place: Sms, inbox: Inbox) -> None:
    place.seen_as = "https://desk.example.com/in/sms/key"
    place.say(place.person("Ana"), "Refused")
    town.drive()
    assert [attempt.status for attempt in town.stand.world.postman.attempts] == [403]
    # The door remembers an inbox for two seconds, so another one shows it.
    told = {**town.stand.settings("sms"), "public_url": place.seen_as}
    other = connect_inbox("sms", "Luma", "Behind a proxy", told)
    town.stand.point("sms", town.door + other.webhook_path)
    place.say(place.person("Ana"), "Accepted")
    town.drive()
    ours = town.answer(Case.objects.get(), "Hello Ana")
    town.drive()
    assert state(ours) == DeliveryState.DELIVERED


def test_a_shared_key_signs_in_place_of_the_token(town: Town, place: Sms) -> None:
    town.connect("sms", shared_key_id="SK1", shared_key_secret="shared-secret")
    place.shared_key = ("SK1", "shared-secret")
    place.say(place.person("Ana"), "Signed by SHA-256")
    town.drive()
    assert Message.objects.get().text == "Signed by SHA-256"


def test_forged_and_odd_requests(town: Town, place: Sms, inbox: Inbox) -> None:
    address = town.door + inbox.webhook_path
    form = b"MessageSid=SM1&From=%2B4915550100&To=%2B15005550006&Body=Give+me+the+code"
    assert httpx.post(address, content=form).status_code == 403
    assert httpx.post(address, content=form, headers={"x-twilio-signature": "A" * 28}).status_code == 403
    good = dict(place._signed(place.token, address, form))
    assert httpx.post(address, content=form + b"&Body=other", headers=good).status_code == 403
    assert httpx.post(address + "?x=1", content=form, headers=good).status_code == 403
    for odd in (b"CallSid=CA1&From=%2B49", b""):
        signed = dict(place._signed(place.token, address, odd))
        assert httpx.post(address, content=odd, headers=signed).status_code == 400
    assert Arrival.objects.count() == 0
    assert httpx.get(address).status_code == 403


def test_hostile_words_stay_words(town: Town, place: Sms, inbox: Inbox) -> None:
    script = "<script>alert(1)</script>\u202e\x00 👋"
    place.tell(place.person("Ana"), script, FromCity=script, NumMedia="1", MediaUrl0="javascript:alert(1)")
    place.tell(place.person("Ana"), "odd", NumMedia="many")
    town.drive()
    message = Message.objects.get()
    assert message.text == script.replace("\x00", "\ufffd")
    assert "\u202e" not in message.meta["city"]
    assert sorted(arrival.state for arrival in Arrival.objects.all()) == [ArrivalState.DONE, ArrivalState.PARKED]
    with pytest.raises(ChannelError):
        channel.act(config(inbox), "seen", "SM1", "private")


def test_checking_the_credentials(town: Town, inbox: Inbox) -> None:
    assert channel.check(config(inbox)) == "Connected to the Twilio account Luma."
    wrong = replace(config(inbox), settings={**config(inbox).settings, "auth_token": "other"})
    with pytest.raises(ChannelError) as caught:
        channel.check(wrong)
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED
