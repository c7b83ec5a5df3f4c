"""What a newcomer does at the playground's pages arrives at the desk as the platform sends it; and what Meta and X do on bad days."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import httpx
import pytest
from PIL import Image

from parlour.cases.models import Attachment, Case, Message
from parlour.playground.graph_state import FacebookPage
from parlour.playground.places.whatsapp import WhatsApp
from parlour.traffic import files
from parlour.traffic.models import Arrival
from tests.town import Town
from tests.town import town as begin_town

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town() -> Iterator[Town]:
    with begin_town() as running:
        running.stand.graph.delivered_after = running.stand.graph.read_after = running.stand.x.read_after = 0.0
        yield running


def picture() -> bytes:
    made = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "PNG")
    return made.getvalue()


def post(town: Town, path: str, form: dict[str, str], *sent: tuple[str, bytes, str]) -> None:
    answer = httpx.post(town.stand.base + path, data=form, files=[("files", one) for one in sent] or None)
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    ("channel", "place"),
    [("telegram", "telegram"), ("whatsapp", "whatsapp"), ("instagram", "instagram"), ("api", "crm")],
)
def test_a_pressed_choice_arrives(town: Town, channel: str, place: str) -> None:
    town.connect(channel)
    post(town, f"/at/{place}", {"name": "Ana Rocha", "text": "Which colours are there?", "private": "1"})
    town.drive()
    town.answer(Case.objects.get(), "Which one do you like?", choices=["Teal", "Amber"])
    brand = town.place(place).sent[-1]
    page = httpx.get(f"{town.stand.base}/at/{place}").text
    assert 'name="choice" value="Amber"' in page
    post(town, f"/at/{place}", {"do": "choose", "on": brand.id, "choice": "Amber"})
    town.drive()
    assert Message.objects.filter(direction="in").latest("id").text == "Amber"
    assert Case.objects.count() == 1


def test_a_pressed_quick_reply_arrives_from_messenger(town: Town) -> None:
    town.connect("messenger")
    post(town, "/say", {"do": "message", "name": "Ana Rocha", "text": "Which colours are there?"})
    town.drive()
    town.answer(Case.objects.get(), "Which one do you like?", choices=["Teal", "Amber"])
    (psid,) = (chat.person.psid for chat in town.stand.graph.chats.values())
    line = town.stand.graph.sent[-1]
    assert 'value="Amber"' in httpx.get(f"{town.stand.base}/messenger/{psid}").text
    post(town, "/say", {"do": "choose", "chat": psid, "on": line.mid, "choice": "Amber"})
    town.drive()
    pressed = Message.objects.filter(direction="in").latest("id")
    assert (pressed.text, pressed.meta["payload"]) == ("Amber", "Amber")
    assert 'aria-pressed="true">Amber' in httpx.get(f"{town.stand.base}/messenger/{psid}").text


@pytest.mark.parametrize(
    ("channel", "path", "form"),
    [
        ("telegram", "/at/telegram", {"private": "1"}),
        ("whatsapp", "/at/whatsapp", {"private": "1"}),
        ("instagram", "/at/instagram", {"private": "1"}),
        ("mastodon", "/at/mastodon", {"private": ""}),
        ("bluesky", "/at/bluesky", {"private": ""}),
        ("discourse", "/at/discourse", {"private": ""}),
        ("reddit", "/at/reddit", {"private": ""}),
        ("sms", "/at/sms", {"private": "1"}),
        ("email", "/at/email", {"private": "1"}),
        ("feed", "/at/feed", {"private": ""}),
        ("api", "/at/crm", {"private": "1"}),
        ("facebook", "/say", {"do": "post"}),
        ("messenger", "/say", {"do": "message"}),
        ("x", "/say", {"do": "tweet"}),
        ("x", "/say", {"do": "dm"}),
    ],
)
def test_an_attached_picture_reaches_the_desk(town: Town, channel: str, path: str, form: dict[str, str]) -> None:
    town.connect(channel)
    # Some platforms are asked from now on only.
    town.drive()
    post(
        town,
        path,
        {"name": "Ana Rocha", "text": "It came broken, as you can see", **form},
        ("cup.png", picture(), "image/png"),
    )
    town.drive()
    while files.fetch_next():
        pass
    found = Attachment.objects.get()
    assert (found.kind, found.state, found.width) == ("image", "fetched", 8), found.error


def test_another_app_has_the_conversation_and_nobody_is_named(town: Town) -> None:
    page: FacebookPage = town.stand.graph
    town.connect("messenger")
    town.connect("facebook")
    ana = town.stand.person("Ana")
    town.call(lambda: page.message(ana, "For the bot", standby=True))
    page.names_authors = False
    town.call(lambda: page.post(ana, "Who am I?"))
    town.drive()
    assert not Arrival.objects.filter(state="parked").exists()
    assert Message.objects.get(text="Who am I?").visibility == "public"


def test_a_comment_that_the_desk_never_saw_is_removed(town: Town) -> None:
    page: FacebookPage = town.stand.graph
    town.connect("facebook")
    ana, offer = town.stand.person("Ana"), town.call(lambda: page.post(None, "Our offer"))
    before = town.call(lambda: page.comment(ana, "From before", offer.id, told=False))
    town.call(lambda: page.remove(before.id))
    town.drive()
    assert not Arrival.objects.filter(state="parked").exists()
    assert not Message.objects.filter(text="From before").exists()


def test_read_without_delivered(town: Town) -> None:
    town.connect("whatsapp")
    place = town.place("whatsapp")
    assert isinstance(place, WhatsApp)
    place.silent = True
    town.call(lambda: place.say(place.person("Ana"), "Hello?"))
    town.drive()
    ours = town.answer(Case.objects.get(), "Good morning!")
    town.call(lambda: place.read(place.sent[-1].id))
    town.drive()
    assert town.delivery(ours).state == "read"


def test_one_message_by_both_of_xs_ways(town: Town) -> None:
    town.connect("x")
    town.stand.x.also_old = True
    town.stand.dm("Ana", "By two ways")
    town.drive()
    assert [message.text for message in Message.objects.all()] == ["By two ways"]
    assert town.stand.world.postman.delivered == 2
