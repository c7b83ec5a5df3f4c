"""The API channel against a system of the brand's own."""

from __future__ import annotations

import httpx
import orjson
import pytest

from parlour.cases.models import Case, DeliveryState, Message
from parlour.playground.faults import Fault
from parlour.playground.places.crm import Crm
from parlour.traffic.models import Arrival
from tests.town import Town

pytestmark = pytest.mark.whole


@pytest.fixture
def crm(town: Town) -> Crm:
    town.connect("api")
    place = town.place("crm")
    assert isinstance(place, Crm)
    return place


def test_a_form_comes_in_and_the_answer_goes_out(town: Town, crm: Crm) -> None:
    first = crm.say(crm.person("Ana"), "Where is my parcel?", private=True)
    crm.say(crm.person("Ana"), "Order 4711.", private=True, answers=first)
    assert town.drive() == 2
    case = Case.objects.get()
    assert [one.text for one in Message.objects.order_by("pk")] == ["Where is my parcel?", "Order 4711."]
    ours = town.answer(case, "On its way.")
    assert [words.text for words in crm.sent] == ["On its way."]
    assert ours.external_id == crm.sent[0].id
    assert town.delivery(ours).state == DeliveryState.SENT
    assert crm.callbacks[0]["thread"] == {"external_id": first}


def test_duplicates_and_reordering_make_one_message_each(town: Town, crm: Crm) -> None:
    habits = town.stand.world.postman.habits
    habits.duplicates, habits.reorder, habits.held = 1.0, 0.5, 0.3
    for number in range(6):
        crm.say(crm.person(f"Person {number % 2}"), f"Words {number}", private=True)
    town.drive()
    assert sorted(Message.objects.values_list("text", flat=True)) == [f"Words {number}" for number in range(6)]
    assert Case.objects.count() == 2


def test_edits_and_deletions(town: Town, crm: Crm) -> None:
    words = crm.say(crm.person("Ana"), "Where is it?", private=True)
    town.drive()
    crm.edit(words, "Where is my parcel?")
    town.drive()
    crm.remove(words)
    town.drive()
    message = Message.objects.get()
    assert (message.text, message.versions.get().text) == ("Where is my parcel?", "Where is it?")
    assert message.deleted_at is not None


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(status=400, words="No such thread."), DeliveryState.FAILED),
        (Fault(status=410), DeliveryState.FAILED),
        (Fault(status=429), DeliveryState.QUEUED),
        (Fault(status=503), DeliveryState.QUEUED),
        (Fault(how="drop_after"), DeliveryState.QUEUED),
    ],
)
def test_refusals(town: Town, crm: Crm, fault: Fault, state: str) -> None:
    crm.say(crm.person("Ana"), "Where is my parcel?", private=True)
    town.drive()
    crm.faults.add(fault)
    ours = town.answer(Case.objects.get(), "On its way.")
    assert town.delivery(ours).state == state
    if state == DeliveryState.QUEUED:
        town.delivery(ours)
        type(town.delivery(ours)).objects.update(due_at=ours.sent_at)
        town.send()
        assert [words.text for words in crm.sent] == ["On its way."]


def test_forged_old_and_odd_requests_are_refused(town: Town, crm: Crm) -> None:
    inbox = town.inboxes["api"]
    body = orjson.dumps({"type": "message"})
    headers = crm._headers(crm.secret, body)
    address = town.door + inbox.webhook_path
    forged = {**headers, "webhook-signature": "v1,AAAA"}
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 4000)}
    with httpx.Client(trust_env=False) as client:
        assert client.post(address, content=body, headers=forged).status_code == 403
        assert client.post(address, content=body, headers=old).status_code == 403
        assert client.post(address, content=body, headers=headers).status_code == 400
    assert not Arrival.objects.exists()


def test_hostile_words_stay_words(town: Town, crm: Crm) -> None:
    crm.say(crm.person("\u202eanA<script>"), '<img src=x onerror="alert(1)">\x00', private=True)
    town.drive()
    message = Message.objects.get()
    assert message.text == '<img src=x onerror="alert(1)">\ufffd' or "<img" in message.text
    assert "\x00" not in message.text


def test_after_an_hour_of_silence_what_was_repeated_comes_in_once(town: Town, crm: Crm) -> None:
    """The sender repeats what was not taken; nothing is lost and nothing doubled."""
    target = town.stand.world.postman.targets["api"]
    there = target.url
    target.url = "http://127.0.0.1:9/nobody"
    crm.say(crm.person("Ana"), "Anybody there?", private=True)
    town.call(lambda: None)
    target.url = there
    town.drive()
    assert Message.objects.get().text == "Anybody there?"
