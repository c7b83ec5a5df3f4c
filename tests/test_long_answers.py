"""Answers that are too long for one message, and answers that are files only: from the desk and the API to the platforms."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from parlour.cases import actions, files
from parlour.cases.models import Attachment, Case, Delivery, DeliveryState, Message
from parlour.cases.queries import of_answer
from parlour.lib import clock
from parlour.playground.faults import Fault
from parlour.playground.places.telegram import Telegram
from parlour.playground.standin import StandIn
from parlour.staff import actions as staff
from parlour.staff.models import Role
from tests.town import Town

pytestmark = pytest.mark.django_db(transaction=True)

PARAGRAPHS = ["First. " * 500, "Second. " * 450, "Third. " * 400]
LONG = "\n\n".join(words.strip() for words in PARAGRAPHS)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0"


@pytest.fixture
def place(town: Town) -> Telegram:
    town.connect("telegram")
    return cast(Telegram, town.place("telegram"))


def ask(town: Town, place: StandIn) -> Case:
    town.call(lambda: place.say(place.person("Ana"), "How does this work?", private=True))
    town.drive()
    return Case.objects.get()


def send_all(town: Town) -> None:
    while town.send():
        pass


def heard(place: StandIn) -> list[str]:
    return [words.text for words in place.sent]


def states(message: Message) -> list[str]:
    parts = of_answer(message)
    return [Delivery.objects.get(message=part, what="send").state for part in parts]


def test_a_long_answer_goes_out_in_order_and_its_choices_stand_below_the_last_words(
    town: Town, place: Telegram
) -> None:
    case = ask(town, place)
    ours = town.answer(case, LONG, choices=["Yes", "No"], idempotency_key="once")
    send_all(town)
    assert heard(place) == [words.strip() for words in PARAGRAPHS]
    assert [words.choices for words in place.sent] == [(), (), ("Yes", "No")]
    assert states(ours) == ["sent"] * 3
    again = actions.reply(
        case.pk, by=town.agent(), text=LONG, visibility="private", choices=["Yes", "No"], idempotency_key="once"
    )
    assert again.pk == ours.pk
    assert Message.objects.filter(direction="out").count() == 3
    with pytest.raises(actions.Conflict):
        actions.reply(case.pk, by=town.agent(), text=LONG + "!", visibility="private", idempotency_key="once")
    case.refresh_from_db()
    assert case.messages_out == 3
    assert case.waiting_since is None


def test_when_a_part_fails_the_rest_waits_for_it_and_goes_on_in_order(town: Town, place: Telegram) -> None:
    case = ask(town, place)
    ours = town.answer(case, LONG)
    place.faults.add(Fault(status=400, words="Bad Request: no", path="sendMessage"))
    send_all(town)
    assert states(ours) == ["sent", "failed", "failed"]
    last = Delivery.objects.get(message=of_answer(ours)[2], what="send")
    assert last.error_words == "A part of the answer before this one did not arrive. Send again goes on from there."
    case.refresh_from_db()
    assert case.waiting_since is not None, "Half an answer is none."
    actions.retry_reply(last.message_id, by=town.agent())
    send_all(town)
    assert states(ours) == ["sent"] * 3
    assert heard(place) == [words.strip() for words in PARAGRAPHS]
    case = Case.objects.get()
    assert (case.messages_out, case.waiting_since) == (3, None)


def test_while_a_part_may_have_arrived_the_next_one_waits_until_somebody_says_so(town: Town, place: Telegram) -> None:
    case = ask(town, place)
    place.faults.add(Fault("drop_after", path="sendMessage"))
    ours = town.answer(case, LONG)
    send_all(town)
    assert states(ours) == ["uncertain", "queued", "queued"]
    with clock.frozen(clock.now() + timedelta(seconds=30)):
        send_all(town)
        assert states(ours) == ["uncertain", "queued", "queued"]
        assert len(heard(place)) == 1
    actions.settle_reply(ours.pk, by=town.agent(), arrived=True)
    send_all(town)
    assert states(ours) == ["sent"] * 3
    assert heard(place) == [words.strip() for words in PARAGRAPHS]


def test_nobody_says_whether_a_part_arrived_and_the_rest_gives_up(town: Town, place: Telegram) -> None:
    case = ask(town, place)
    place.faults.add(Fault("drop_after", path="sendMessage"))
    ours = town.answer(case, LONG)
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        send_all(town)
    assert states(ours) == ["uncertain", "failed", "failed"]
    with pytest.raises(actions.Conflict, match="say first whether it did"):
        actions.retry_reply(of_answer(ours)[1].pk, by=town.agent())


def test_undo_takes_back_all_that_has_not_left_and_gives_the_words_back(town: Town, place: Telegram) -> None:
    case = ask(town, place)
    desk = Client()
    desk.force_login(town.agent())
    desk.post(f"/case/{case.pk}/say", {"way": "private", "text": LONG, "key": "k"}, headers={"HX-Request": "true"})
    ours = Message.objects.filter(direction="out").order_by("id")[0]
    undone = desk.post(f"/message/{ours.pk}/undo", headers={"HX-Request": "true"})
    assert undone.json()["text"] == LONG
    assert states(ours) == ["cancelled"] * 3
    case.refresh_from_db()
    assert (case.messages_out, case.waiting_since is None) == (0, False)
    partly = town.answer(case, LONG)
    undone = desk.post(f"/message/{partly.pk}/undo", headers={"HX-Request": "true"})
    assert states(partly) == ["sent", "cancelled", "cancelled"]
    assert undone.json()["text"] == "\n\n".join(words.strip() for words in PARAGRAPHS[1:])


def test_the_desk_shows_which_part_is_which_and_the_api_gives_them_all(town: Town, place: Telegram) -> None:
    case = ask(town, place)
    secret = staff.add_token("shop", Role.AGENT)
    api = Client(headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "one"})
    body = orjson.dumps({"text": LONG, "visibility": "private"})
    for status in (201, 200):
        given = api.post(f"/api/v1/cases/{case.pk}/replies", body, content_type="application/json")
        assert given.status_code == status
        assert [part["text"] for part in given.json()["parts"]] == [words.strip() for words in PARAGRAPHS]
        assert given.json()["id"] == given.json()["parts"][0]["id"]
    desk = Client()
    desk.force_login(town.agent())
    page = desk.get(f"/case/{case.pk}").content.decode()
    assert "2 of 3" in page
    assert 'data-parts="10"' in page


def test_a_public_answer_that_is_too_long_is_refused_with_its_length(town: Town) -> None:
    town.connect("facebook", handshake=True)
    town.stand.say_post("Ana", "How does this work?")
    town.drive()
    with pytest.raises(actions.Invalid, match=r"9,000 of at most 8,000 characters"):
        actions.reply(Case.objects.get().pk, by=town.agent(), text="a" * 9000, visibility="public")


def test_words_that_do_not_fit_beside_a_file_follow_it(town: Town) -> None:
    town.connect("whatsapp", handshake=True)
    place = town.place("whatsapp")
    case = ask(town, place)
    photo = _upload(town, case)
    town.answer(case, "a" * 1500, files=[photo])
    send_all(town)
    assert [(len(words.text), len(words.files)) for words in place.sent] == [(0, 1), (1500, 0)]


def _upload(town: Town, case: Case) -> int:
    return files.upload(town.agent(), "photo.png", PNG).pk


@pytest.mark.whole
@pytest.mark.parametrize("name", ["telegram", "whatsapp", "instagram", "mastodon", "discourse"])
def test_an_answer_may_be_a_file_without_words(town: Town, name: str) -> None:
    town.connect(name, handshake=name in {"whatsapp", "instagram"})
    place = town.place(name)
    case = ask(town, place)
    ours = town.answer(case, "", files=[_upload(town, case)])
    assert town.delivery(ours).error_words == ""
    assert town.delivery(ours).state == DeliveryState.SENT
    assert any(words.files for words in place.sent)
    case.refresh_from_db()
    assert case.snippet == "photo.png"


def test_a_file_without_words_from_the_desk_and_the_api(town: Town, place: Telegram) -> None:
    case = ask(town, place)
    desk = Client()
    desk.force_login(town.agent())
    photo = SimpleUploadedFile("photo.png", PNG, "image/png")
    sent = {"way": "private", "text": " ", "key": "k", "files": photo}
    assert desk.post(f"/case/{case.pk}/say", sent, headers={"HX-Request": "true"}).status_code == 204
    empty = {"way": "private", "text": " ", "key": "k2"}
    refused = desk.post(f"/case/{case.pk}/say", empty, headers={"HX-Request": "true"})
    assert (refused.status_code, b"needs some text" in refused.content) == (422, True)
    assert Attachment.objects.get().message is not None
    secret = staff.add_token("shop", Role.AGENT)
    api = Client(headers={"Authorization": f"Bearer {secret}"})
    mine = api.post("/api/v1/files", {"file": SimpleUploadedFile("b.png", PNG, "image/png")}).json()["id"]
    body = {"visibility": "private", "attachments": [mine]}
    given = api.post(f"/api/v1/cases/{case.pk}/replies", orjson.dumps(body), content_type="application/json")
    assert (given.status_code, given.json()["text"]) == (201, "")
    empty_body = orjson.dumps({"visibility": "private"})
    bare = api.post(f"/api/v1/cases/{case.pk}/replies", empty_body, content_type="application/json")
    assert (bare.status_code, bare.json()["errors"][0]["field"]) == (422, "text")
