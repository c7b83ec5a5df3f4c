"""WhatsApp, end to end against its stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import cast

import httpx
import pytest

from parlour.cases import actions as cases
from parlour.cases import files
from parlour.cases.access import Invalid
from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, Message
from parlour.channels import queries as channels
from parlour.channels.actions import connect_inbox
from parlour.channels.contract import Attachment as Given
from parlour.channels.contract import ChannelError, ErrorKind, File, InboxConfig, Outbound, Template
from parlour.channels.models import Inbox
from parlour.channels.whatsapp.channel import channel
from parlour.lib import clock
from parlour.lib.signing import hex_signature
from parlour.playground.faults import Fault
from parlour.playground.places.whatsapp import WhatsApp
from parlour.playground.places.whatsapp.state import NUMBER, Contact, Sent
from parlour.traffic.files import fetch_next
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 200

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def place(town: Town) -> WhatsApp:
    return cast(WhatsApp, town.place("whatsapp"))


@pytest.fixture
def inbox(town: Town, place: WhatsApp) -> Inbox:
    return town.connect("whatsapp", handshake=True)


def ana(place: WhatsApp) -> Contact:
    return place.contacts[place.person("Ana")]


def asked(town: Town, place: WhatsApp, text: str = "Where is my SIM card?") -> Case:
    place.say(place.person("Ana"), text)
    town.drive()
    return Case.objects.get()


def outbound(place: WhatsApp, **more: object) -> Outbound:
    contact = ana(place)
    plain = Outbound(
        text="Which one?",
        visibility="private",
        mode="reply",
        thread=contact.scoped,
        address=contact.phone,
        target="",
        author=contact.scoped,
        reference="p1",
        last_inbound_at=clock.now(),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def config(inbox: Inbox) -> InboxConfig:
    return channels.config(Inbox.objects.get(pk=inbox.pk))


def state(message: Message) -> str:
    return Town.delivery(message).state


def test_in_out_delivered_and_read(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    message = Message.objects.get()
    assert (message.text, message.identity and message.identity.name) == ("Where is my SIM card?", "Ana")
    ours = town.answer(case, "It arrives today.")
    assert [(words.text, words.person) for words in place.sent] == [("It arrives today.", place.person("Ana"))]
    assert ours.external_id == place.sent[0].id
    town.drive()
    assert state(ours) == DeliveryState.DELIVERED
    town.call(lambda: place.read(place.sent[0].id))
    town.drive()
    assert state(ours) == DeliveryState.READ
    assert Message.objects.count() == 2


def test_statuses_in_the_wrong_order_never_go_back(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    place.backwards = True
    case = asked(town, place)
    ours = town.answer(case, "It arrives today.")
    town.call(lambda: place.read(place.sent[0].id))
    town.call(lambda: place.report(place.brand_sent[place.sent[0].id], "delivered"))
    town.drive()
    assert state(ours) == DeliveryState.READ
    assert Message.objects.count() == 2


def test_failed_after_it_was_accepted(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    ana(place).blocked = True
    ours = town.answer(case, "It arrives today.")
    assert state(ours) == DeliveryState.SENT
    town.drive()
    delivery = town.delivery(ours)
    assert delivery.state == DeliveryState.FAILED
    assert "Message undeliverable" in delivery.error_words
    assert "131026" in delivery.error_words


def test_an_answer_whose_receipt_was_lost_is_confirmed_by_its_status(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    place.faults.add(Fault("drop_after", path="/messages"))
    ours = town.answer(case, "It arrives today.")
    assert state(ours) == DeliveryState.UNCERTAIN
    town.drive()
    ours.refresh_from_db()
    assert state(ours) == DeliveryState.DELIVERED
    assert ours.external_id == place.sent[0].id
    assert len(place.sent) == 1
    assert Message.objects.count() == 2


def test_the_answers_of_another_desk_are_not_ours(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    """Two desks may listen to one number; a status holds no words."""
    asked(town, place)
    other = Sent("wamid.OTHER", ana(place), "parlour-p-of-the-other-desk")
    for name in ("sent", "delivered", "read"):
        town.call(partial(place.report, other, name))
    town.drive()
    assert Message.objects.count() == 1


def test_refusals_and_rate_limits(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    place.faults.add(Fault(status=429, code=130429, words="Rate limit hit"))
    ours = town.answer(case, "It arrives today.")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.QUEUED, ErrorKind.RATE_LIMITED)
    Delivery.objects.filter(pk=delivery.pk).update(due_at=clock.now())
    town.send()
    assert state(ours) == DeliveryState.SENT
    place.faults.add(Fault(status=401, code=190, words="Invalid OAuth access token"))
    lost = town.answer(case, "Tomorrow at the latest.")
    assert town.delivery(lost).error_kind == ErrorKind.AUTH_EXPIRED
    assert Inbox.objects.get(pk=inbox.pk).health == Inbox.Health.ATTENTION
    assert len(place.sent) == 1


def test_one_customer_may_be_written_to_only_so_fast(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    ana(place).burst = 0.0
    ana(place).burst_at = 1e12
    ours = town.answer(case, "It arrives today.")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.QUEUED, ErrorKind.TRANSIENT)
    assert 4 < (delivery.due_at - clock.now()).total_seconds() < 10


def test_after_24_hours_only_a_template_goes_out(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    asked(town, place)
    ana(place).last_in = clock.now() - timedelta(hours=25)
    late = outbound(place, last_inbound_at=clock.now() - timedelta(hours=25))
    with pytest.raises(ChannelError) as caught:
        channel.send(config(inbox), late)
    assert caught.value.kind is ErrorKind.WINDOW_CLOSED
    with pytest.raises(ChannelError) as caught:
        channel.send(config(inbox), outbound(place))
    assert (caught.value.kind, caught.value.code) == (ErrorKind.WINDOW_CLOSED, "131047")
    assert "24 hours" in caught.value.words
    usable = channel.templates(config(inbox))
    assert [(one.name, one.language) for one in usable] == [
        ("late_parcel", "en_US"),
        ("spaetes_paket", "de"),
        ("open_question", "en_US"),
        ("delivery_window", "en_US"),
    ]
    channel.send(config(inbox), replace(late, template=replace(usable[1], values=("Ana", "LM-1"))))
    assert place.sent[-1].text == "Hallo Ana, Ihr Paket LM-1 kommt morgen an."
    with pytest.raises(ChannelError) as caught:
        channel.send(config(inbox), replace(late, template=usable[0]))
    assert caught.value.kind is ErrorKind.INVALID
    with pytest.raises(ChannelError) as caught:
        channel.send(config(inbox), replace(late, template=Template("unheard_of", "en_US")))
    assert (caught.value.kind, caught.value.code) == (ErrorKind.INVALID, "132001")


def test_templates_come_page_by_page(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    place.templates += [replace(place.templates[2], name=f"many_{number}") for number in range(150)]
    assert len(channel.templates(config(inbox))) == 154


def test_duplicates_and_reordering_lose_and_double_nothing(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    habits = town.stand.world.postman.habits
    habits.duplicates, habits.reorder, habits.held, habits.batch = 0.5, 0.5, 0.2, 4
    for number in range(12):
        place.say(place.person(("Ana", "Ben")[number % 2]), f"Word {number}")
    town.drive()
    assert sorted(Message.objects.values_list("text", flat=True)) == sorted(f"Word {number}" for number in range(12))
    assert Case.objects.count() == 2


def test_an_hour_without_the_desk_is_delivered_afterwards(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    url = town.stand.world.postman.targets["whatsapp"].url
    town.stand.point("whatsapp", "http://127.0.0.1:9/nobody")
    first = place.say(place.person("Ana"), "Is anybody there?")
    place.edit(first, "Is somebody there?")
    town.stand.point("whatsapp", url)
    town.drive()
    while Arrival.objects.filter(state=ArrivalState.NEW).update(due_at=clock.now()):
        town.drive()
    assert [message.text for message in Message.objects.all()] == ["Is somebody there?"]


def test_edits_and_deletions(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    said = place.say(place.person("Ana"), "My code is 1234")
    town.drive()
    place.edit(said, "My code is secret")
    town.drive()
    message = Message.objects.get()
    assert (message.text, message.edited_at is not None) == ("My code is secret", True)
    place.remove(said)
    town.drive()
    message.refresh_from_db()
    assert message.deleted_at is not None


def test_reactions_come_and_go(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    ours = town.answer(asked(town, place), "It arrives today.")
    place.react(place.sent[0].id, "❤️")
    town.drive()
    ours.refresh_from_db()
    assert list(ours.meta["reactions"].values()) == ["❤️"]
    place.react(place.sent[0].id, "")
    town.drive()
    ours.refresh_from_db()
    assert ours.meta["reactions"] == {}


def test_words_typed_in_the_app_stand_in_the_case(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    town.call(lambda: place.app_says(place.person("Ana"), "I am on my way to you."))
    town.drive()
    echo = Message.objects.get(direction="out")
    assert (echo.text, echo.case_id) == ("I am on my way to you.", case.pk)


def test_a_customer_without_a_phone_number(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    place.person("Ana")
    ana(place).hidden = True
    case = asked(town, place)
    identity = Message.objects.get().identity
    assert identity is not None
    assert (identity.external_id, identity.handle) == (ana(place).scoped, "ana")
    town.answer(case, "It arrives today.")
    assert [words.text for words in place.sent] == ["It arrives today."]
    assert place.requests[-1][2]["recipient"] == ana(place).scoped
    assert "to" not in place.requests[-1][2]


def test_a_customer_is_one_by_either_key(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    """Known by the phone number first (2025), by both keys, by the user id alone, and after a change of number."""
    person = place.person("Ana")
    scoped, ana(place).scoped = ana(place).scoped, ""
    case = asked(town, place)
    ana(place).scoped = scoped
    place.say(person, "It is me again")
    town.drive()
    ana(place).hidden = True
    place.say(person, "And without a number")
    town.drive()
    ana(place).hidden = False
    moved = place.change_number(person)
    town.drive()
    place.say(moved, "New number, same me")
    town.drive()
    assert Message.objects.count() == 4
    assert {message.case_id for message in Message.objects.all()} == {case.pk}


def test_files_come_in(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    place.send_file(place.person("Ana"), "image", b"\x89PNG...", "image/png", caption="The broken tray")
    town.drive()
    assert Message.objects.get().text == "The broken tray"
    stored = Attachment.objects.get()
    assert (stored.kind, stored.mime, stored.url) == ("image", "image/png", "")
    (media,) = place.media
    found = channel.source(config(inbox), Given("image", reference=media))
    assert (found.mime, found.own) == ("image/png", True)
    assert httpx.get(found.url, headers=dict(found.headers)).content == b"\x89PNG..."
    assert httpx.get(found.url).status_code == 401
    place.media[media].address_until = 0.0
    assert httpx.get(found.url, headers=dict(found.headers)).status_code == 404
    del place.media[media]
    with pytest.raises(ChannelError) as caught:
        channel.source(config(inbox), Given("image", reference=media))
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("mime", "name", "kind"),
    [
        ("image/png", "tray.png", "image"),
        ("image/webp", "tray.webp", "document"),
        ("video/mp4", "tray.mp4", "video"),
        ("application/pdf", "bill.pdf", "document"),
    ],
)
def test_files_go_out(town: Town, place: WhatsApp, inbox: Inbox, mime: str, name: str, kind: str) -> None:
    asked(town, place)
    file = File(name, mime, 7, lambda: b"content")
    channel.send(config(inbox), outbound(place, text="Here it is", attachments=(file,)))
    told = place.requests[-1][2]
    assert (told["type"], told[kind]["caption"]) == (kind, "Here it is")
    stored = place.media[told[kind]["id"]]
    assert (stored.content, stored.mime) == (b"content", mime)


def test_answers_to_choose_from(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    asked(town, place)
    channel.send(config(inbox), outbound(place, choices=("Luma Go S", "Luma Go M")))
    assert place.requests[-1][2]["interactive"]["type"] == "button"
    place.press(place.sent[-1].id, "Luma Go M")
    many = tuple(f"Luma Go with {number} GB" for number in range(10))
    channel.send(config(inbox), outbound(place, choices=many))
    assert place.requests[-1][2]["interactive"]["type"] == "list"
    place.press(place.sent[-1].id, many[7])
    town.drive()
    chosen = Message.objects.filter(direction="in").order_by("id")
    assert [message.text for message in chosen[1:]] == ["Luma Go M", many[7]]
    assert [message.meta["payload"] for message in chosen[1:]] == ["choice-2", "choice-8"]


def test_the_desk_sends_files_choices_and_templates(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    case = asked(town, place)
    photo = files.upload(town.agent(), "tray.png", PNG)
    town.answer(case, "This one?", files=[photo.pk], choices=["Yes", "No"])
    told = place.requests[-1][2]["interactive"]
    assert (told["type"], told["header"]["type"], place.sent[-1].choices) == ("button", "image", ("Yes", "No"))
    assert place.media[told["header"]["image"]["id"]].content == PNG
    at = clock.now() + timedelta(hours=25)
    with clock.frozen(at):
        with pytest.raises(Invalid, match="no free answer"):
            town.answer(case, "Are you still there?")
        cases.send_template(case.pk, by=town.agent(), name="late_parcel", language="en_US", values=["Ana", "LM-1"])
        town.send()
    assert place.sent[-1].text.startswith("Hello Ana, your parcel LM-1 arrives tomorrow.")


def test_customers_files_are_fetched_with_the_token(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    place.send_file(place.person("Ana"), "image", PNG, "image/png", caption="The broken tray")
    town.drive()
    assert fetch_next()
    stored = Attachment.objects.get()
    assert (stored.state, stored.mime, stored.size) == ("fetched", "image/png", len(PNG))


def test_marking_as_read(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    asked(town, place)
    (said,) = (words.id for words in place.words.values())
    channel.act(config(inbox), "seen", said, "private")
    assert place.seen == {said}


def test_checking_the_credentials(town: Town, inbox: Inbox) -> None:
    assert channel.check(config(inbox)) == "Connected to +15550783001 (Luma)."
    wrong = replace(config(inbox), settings={**config(inbox).settings, "access_token": "other"})
    with pytest.raises(ChannelError) as caught:
        channel.check(wrong)
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED


def test_hostile_words_stay_words(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    script = "<script>alert(1)</script>\u202e<img src=x onerror=alert(2)>"
    person = place.person(script)
    place.say(person, script)
    place.tell(person, "contacts", [{"name": {"formatted_name": script}, "phones": [{"phone": script}]}])
    place.tell(person, "location", {"latitude": 1.5, "longitude": 2, "name": script})
    place.tell(person, "hologram", {"anything": [None]})
    town.drive()
    texts = list(Message.objects.order_by("id").values_list("text", flat=True))
    assert texts[0] == script
    assert "cannot" not in texts[1]
    assert len(texts) == 4
    assert all("\u202e" not in case.customer.name for case in Case.objects.all())


def test_odd_events_are_parked_and_forged_ones_refused(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    address = town.door + inbox.webhook_path
    odd = b'{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":'
    odd += b'{"phone_number_id":"%s"},"messages":[5,{"id":{}},{"id":"wamid.1","type":"text"}]}}]}]}' % NUMBER.encode()
    signed = {"x-hub-signature-256": hex_signature(place.secret, odd)}
    assert httpx.post(address, content=odd, headers={"x-hub-signature-256": "sha256=" + "0" * 64}).status_code == 403
    assert httpx.post(address, content=odd + b" ", headers=signed).status_code == 403
    assert Arrival.objects.count() == 0
    assert httpx.post(address, content=odd, headers=signed).json() == {"accepted": 3}
    town.drive()
    assert {arrival.state for arrival in Arrival.objects.all()} == {ArrivalState.PARKED}
    assert Message.objects.count() == 0


def test_events_of_a_second_number_go_to_its_inbox(town: Town, place: WhatsApp, inbox: Inbox) -> None:
    told = {**town.stand.settings("whatsapp"), "phone_number_id": "999888777"}
    other = connect_inbox("whatsapp", "Luma", "The second number", told)
    town.stand.point("whatsapp", town.door + other.webhook_path)
    place.say(place.person("Ana"), "To the first number")
    town.drive()
    assert Message.objects.get().inbox_id == inbox.pk
